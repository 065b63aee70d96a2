"""Mails as they go over the wire: whatever values say, headers stay as they are meant."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.bpmn.elements.mail_task import Letter, Mailbox, MailCall
from engine.config import Settings
from engine.services.letters import written

OURS = Settings(smtp_from='Bücher & Co., "Lager" <orders@shop.example>')
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "MIME-Version"]

COMMON = ["a", "x" * 40, "ü" * 40, "😀", " ", ",", ";", "(", ")", "[", "@", "'", "%", ".", "\xa0", "\u202e", "=0A", "="]
TRAPS = [":", "<", ">", "=?utf-8?q?", "=0ABcc:_eve@evil.test", "?=", "=?utf-8?b?DQpCY2M6IGV2ZUBldmlsLnRlc3Q=?="]


def texts(*pieces: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=8).map("".join).map(str.strip)


NAMES = texts(*COMMON, *TRAPS, '"', "\\").map(lambda text: text[:200].strip())
SUBJECTS, FILES = texts(*COMMON, *TRAPS), texts(*COMMON).map(lambda text: text[:200].strip())


def letter(first: str, second: str, subject: str, file: str) -> Letter:
    return Letter(
        call=MailCall(to=(), subject=()),
        to=(Mailbox("ann@example.com", first), Mailbox("ben@example.com", second)),
        cc=(),
        bcc=(Mailbox("boss@example.com"),),
        reply_to=(),
        subject=subject,
        text="Hello",
        html=None,
        attachments=((file, b"content"),),
        result_variable=None,
        seen={},
    )


@settings(max_examples=300, deadline=None)
@example('Eve <eve@evil.test>, "Bob"', "x" * 40 + ": <", "=?utf-8?b?DQpCY2M6IGV2ZUBldmlsLnRlc3Q=?=", "a")
@given(NAMES, NAMES, SUBJECTS, FILES)
def test_values_never_become_headers_or_recipients(first: str, second: str, subject: str, file: str) -> None:
    mail = written(OURS, letter(first, second, subject, file or "file"), "1.a", NOW)

    message = message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert sorted(message.keys()) == sorted(HEADERS)
    assert [each.addr_spec for each in message["To"].addresses] == ["ann@example.com", "ben@example.com"]
    assert [_close(each.display_name) for each in message["To"].addresses] == [_close(first), _close(second)]
    assert [each.addr_spec for each in message["From"].addresses] == ["orders@shop.example"]
    assert _close(message["Subject"]) == _close(subject)
    assert [part.get_filename() for part in message.iter_attachments()] == [file or "file"]
    assert max(map(len, mail.content.splitlines())) < 998
    assert mail.recipients == ("ann@example.com", "ben@example.com", "boss@example.com")


def _close(text: str) -> str:
    """Readers may join encoded words with a space, or leave one out."""
    return "".join(text.split())
