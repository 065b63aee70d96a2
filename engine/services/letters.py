"""Letter -> a message as it goes over the wire, within limits."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from engine import values
from engine.bpmn import templates
from engine.bpmn.elements.mail_task import Letter, Mailbox
from engine.bpmn.script import ScriptFailed
from engine.bpmn.templates import Rendered
from engine.config import Settings
from engine.model import Json
from engine.services import headers
from engine.services.headers import LONGEST_NAME, LONGEST_SUBJECT, Address, Refused, address_of, one_line

LONGEST_TOLD = 4_000
"""Characters of what is recorded of a mail."""
_NOT_IN_FILE_NAMES = re.compile(r'[/\\"<>:|?*]')
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Mail:
    id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    told: str = field(repr=False)
    """What is recorded of it: its headers, and the beginning of its text."""


def written(settings: Settings, letter: Letter, key: str, now: datetime) -> Mail:
    """key: the same over all tries of one visit; receivers know the mail by it. Raises Refused."""
    people, sender = _people(settings, letter), address_of(Mailbox(settings.smtp_from))
    message_id = f"<{key}@{sender.domain}>"
    told: dict[str, str | list[Address]] = {
        "From": [sender],
        **{name: found for name, found in people.items() if found and name != "Bcc"},
        "Subject": one_line(letter.subject, LONGEST_SUBJECT, "the subject"),
        "Date": format_datetime(now),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",
    }
    contents = _contents(letter)
    return Mail(
        id=message_id,
        sender=sender.address,
        recipients=tuple(dict.fromkeys(each.address for name in _RECEIVING for each in people[name])),
        content=_sized(settings, headers.written(told) + _body(settings, letter, contents)),
        told=_told({**told, "Bcc": people["Bcc"]}, letter, contents),
    )


# ---- people --------------------------------------------------------------------------------------------------------

_RECEIVING = ("To", "Cc", "Bcc")


def _people(settings: Settings, letter: Letter) -> dict[str, list[Address]]:
    """By header. Raises Refused."""
    receiving = len(letter.to) + len(letter.cc) + len(letter.bcc)
    if not letter.to:
        raise Refused("Expected somebody to send the mail to, but to is empty.")
    if max(receiving, len(letter.reply_to)) > settings.mail_recipients:
        raise Refused(f"Expected at most {settings.mail_recipients} recipients, but there are {receiving:,}.")
    lists = {"To": letter.to, "Cc": letter.cc, "Bcc": letter.bcc, "Reply-To": letter.reply_to}
    return {name: [address_of(each) for each in told] for name, told in lists.items()}


# ---- contents ------------------------------------------------------------------------------------------------------


def _contents(letter: Letter) -> Rendered:
    if letter.call.template is None:
        return Rendered(letter.text, letter.html)
    try:
        return templates.rendered(letter.call.template, letter.seen)
    except ScriptFailed as cause:
        raise Refused(str(cause)) from cause


def _body(settings: Settings, letter: Letter, contents: Rendered) -> bytes:
    message = EmailMessage(policy=_POLICY)
    try:
        _fill(message, contents)
        _attach(settings, message, letter)
        return message.as_bytes()
    except (LookupError, ValueError) as cause:
        raise Refused(f"The mail cannot be written: {cause}") from cause


def _fill(message: EmailMessage, contents: Rendered) -> None:
    """Text first, then HTML: readers show the last that they understand. Source: RFC 2046, 5.1.4."""
    if contents.text is not None:
        message.set_content(contents.text)
    if contents.html is not None and contents.text is not None:
        message.add_alternative(contents.html, subtype="html")
    elif contents.html is not None:
        message.set_content(contents.html, subtype="html")


def _attach(settings: Settings, message: EmailMessage, letter: Letter) -> None:
    left = settings.mail_bytes
    for name, value in letter.attachments:
        name, content = _file_name(name), _file_content(name, value)
        left -= len(content)
        if left < 0:
            raise _too_large(settings)
        kind = (mimetypes.guess_type(name)[0] or "application/octet-stream").split("/")
        message.add_attachment(content, maintype=kind[0], subtype=kind[1], filename=name)


def _file_name(name: str) -> str:
    name = one_line(name, LONGEST_NAME, "the name of an attachment")
    if not name or _NOT_IN_FILE_NAMES.search(name):
        raise Refused(f"Expected the name of a file such as invoice.pdf, but it is {name!r}.")
    return name


def _file_content(name: str, value: Json) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="replace")
    if not isinstance(value, bytes):
        raise Refused(f"Expected the bytes of {name}, or a text, but it is {type(value).__name__}.")
    return value


def _sized(settings: Settings, whole: bytes) -> bytes:
    if len(whole) > settings.mail_bytes:
        raise _too_large(settings)
    return whole


def _too_large(settings: Settings) -> Refused:
    return Refused(f"Expected a mail of at most {settings.mail_bytes:,} bytes, but it has more.")


def _told(told: dict[str, str | list[Address]], letter: Letter, contents: Rendered) -> str:
    """For the record."""
    lines = headers.shown({name: value for name, value in told.items() if value})
    attached = "".join(
        f"Attachment: {name} ({len(_file_content(name, value)):,} bytes)\n" for name, value in letter.attachments
    )
    body = contents.html if contents.text is None else contents.text
    return values.shown(f"{lines}{attached}\n{body}", LONGEST_TOLD)
