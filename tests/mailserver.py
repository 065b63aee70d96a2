"""A real SMTP server on this machine that answers what tests say beforehand, and keeps what it was given."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.brokers import free_port

USER, PASSWORD = "we", "s3cr3t-value"
TAKEN = "250 2.0.0 queued as 17"


@dataclass
class Given:
    """A mail that was taken, or would have been."""

    sender: str
    recipients: list[str]
    content: bytes
    is_encrypted: bool

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.content.replace(b"\r\n", b"\n"), policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class MailServer:
    port: int = 0
    answers: list[str] = field(default_factory=list)
    """To mails, one after the other; then it takes them."""
    refused: dict[str, str] = field(default_factory=dict)
    """Recipient -> what it says of him."""
    given: list[Given] = field(default_factory=list)
    connections: int = 0
    until: threading.Event | None = None
    """What it waits for before it answers to a mail."""

    def reset(self) -> None:
        self.answers, self.refused, self.given, self.connections, self.until = [], {}, [], 0, None

    # ---- what the protocol asks

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        told = envelope.mail_from or "", envelope.rcpt_tos, envelope.content
        self.given.append(Given(*told, is_encrypted=session.ssl is not None))
        while self.until is not None and not self.until.is_set():
            await asyncio.sleep(0.01)
        return self.answers.pop(0) if self.answers else TAKEN


def _is_known(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, told: Any) -> AuthResult:
    is_right = isinstance(told, LoginPassword) and (told.login, told.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, *, is_tls_at_once: bool = False) -> Iterator[MailServer]:
    """tls: for STARTTLS, and then it wants to know who we are; or for the whole connection."""
    server = MailServer()
    about: dict[str, Any] = {"ssl_context": tls} if is_tls_at_once else {"tls_context": tls}
    if tls is not None and not is_tls_at_once:
        about |= {"require_starttls": True, "auth_required": True, "authenticator": _is_known}
    controller = Controller(server, hostname="127.0.0.1", port=free_port(), ready_timeout=20, **about)
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate that only it itself vouches for, and what a server does with it."""
    public, key = folder / "cert.pem", folder / "key.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(public)]
    subprocess.run([*make, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, key)
    return public, context
