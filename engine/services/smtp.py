"""One exchange with our mail server: it takes the mail for all of its recipients, or the try has failed."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from engine import values
from engine.config import Settings
from engine.errors import ServiceFailed
from engine.services.letters import Mail
from engine.services.limit import TooLong, within

CONNECT_SECONDS = 10
_LONGEST_WORDS = 300
_TAKEN = (250, 251)
_GOES_AWAY = 421


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says in the end."""

    status: int
    words: str

    def __str__(self) -> str:
        return f"{self.status} {self.words}".rstrip()


class Refusal(ServiceFailed):
    """The server has answered, and does not take the mail."""

    def __init__(self, reply: Reply, names: Sequence[str], refused: Sequence[str] = ()) -> None:
        """names: beside its status. refused: the recipients that it does not take."""
        who = f" for {', '.join(refused)}" if refused else ""
        message = f"Expected the mail server to take the mail{who}, but it said: {reply}"
        kind = reply.status // 100
        all_names = dict.fromkeys([str(reply.status), f"{kind}xx", *names])
        is_up = reply.status != _GOES_AWAY and (kind == 5 or bool(refused))
        super().__init__(values.shown(message, 1_000), retryable=kind == 4, names=list(all_names), is_up=is_up)
        self.reply = reply
        self.refused = tuple(refused)


def send(settings: Settings, mail: Mail, password: str) -> Reply:
    """Raises ServiceFailed; of it Refusal, when that is what the server answered."""
    limit = settings.service_duration
    try:
        return within(limit, lambda: _sent(settings, mail, password, limit.total_seconds()))
    except smtplib.SMTPResponseException as cause:
        raise Refusal(_reply(cause.smtp_code, cause.smtp_error), _kinds(type(cause))) from cause
    except (smtplib.SMTPException, OSError, TooLong, ValueError) as cause:
        raise _no_answer(settings, cause) from cause


def _sent(settings: Settings, mail: Mail, password: str, seconds: float) -> Reply:
    with _connected(settings, seconds) as server:
        if settings.smtp_user:
            server.login(settings.smtp_user, password)
        server.ehlo_or_helo_if_needed()
        size = [f"size={len(mail.content)}"] if server.has_extn("size") else []
        _require(server.mail(mail.sender, size), smtplib.SMTPSenderRefused, mail.sender)
        _name_recipients(server, mail.recipients)
        reply = _require(server.data(mail.content), smtplib.SMTPDataError)
        with suppress(OSError, smtplib.SMTPException):
            server.putcmd("quit")  # its answer would come too late to matter
        return reply


@contextmanager
def _connected(settings: Settings, seconds: float) -> Iterator[smtplib.SMTP]:
    trust = ssl.create_default_context(cafile=settings.smtp_ca_file or None)
    connect = partial(smtplib.SMTP_SSL, context=trust) if settings.smtp_security == "tls" else smtplib.SMTP
    ourselves, patience = socket.gethostname() or "localhost", min(CONNECT_SECONDS, seconds)
    server = connect(settings.smtp_host, settings.smtp_port, local_hostname=ourselves, timeout=patience)
    try:
        if server.sock is not None:
            server.sock.settimeout(seconds)
        if settings.smtp_security == "starttls":
            server.starttls(context=trust)
        yield server
    finally:
        server.close()


def _name_recipients(server: smtplib.SMTP, recipients: Sequence[str]) -> None:
    """All or nobody: who is refused now would never get the mail, and who got it would get it twice at the next try."""
    refused = {}
    for address in recipients:
        reply = _reply(*server.rcpt(address))
        if reply.status not in _TAKEN:
            refused[address] = reply
        if reply.status == _GOES_AWAY:
            break
    if refused:
        worst = max(refused.values(), key=lambda reply: reply.status // 100)
        raise Refusal(worst, _kinds(smtplib.SMTPRecipientsRefused), list(refused))


def _require(answer: tuple[int, bytes], kind: type[smtplib.SMTPResponseException], *about: str) -> Reply:
    code, words = answer
    if code != 250:
        raise kind(code, words, *about)
    return _reply(code, words)


def _reply(code: int, words: bytes | str) -> Reply:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return Reply(code, values.shown(" ".join(text.split()), _LONGEST_WORDS))


def _no_answer(settings: Settings, cause: Exception) -> ServiceFailed:
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    message = f"Expected the mail server {where} to take the mail, but {str(cause) or 'it did not in time'}."
    is_same_again = isinstance(cause, smtplib.SMTPNotSupportedError | UnicodeError)
    return ServiceFailed(values.shown(message, 1_000), retryable=not is_same_again, names=_kinds(type(cause)))


def _kinds(cause: type[Exception]) -> list[str]:
    """The names of an exception's class and of those above it."""
    return [kind.__name__ for kind in cause.__mro__]
