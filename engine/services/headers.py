"""Headers of a mail: what may stand in one, written in ASCII here.

Python's own email.policy loses quotes where it breaks lines, and so may take a name for one more address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from email.header import Header
from typing import NamedTuple

from engine import values
from engine.bpmn.elements.mail_task import Mailbox
from engine.errors import ServiceFailed

LONGEST_SUBJECT = 500
LONGEST_NAME = 200
"""Of a person or a file."""
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_USER = r"[\w!#$%&'*+/=?^`{|}~-]+"
_ADDRESS = re.compile(rf"{_USER}(?:\.{_USER})*@{_DOMAIN}(?:\.{_DOMAIN})*", re.ASCII)
_LONGEST_USER, _LONGEST_ADDRESS = 64, 254
"""Source: RFC 5321, 4.5.3.1."""
_NOT_IN_HEADERS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Kinds of characters that end a line or are no text."""
_WORD = "=?"
"""How an encoded word begins: what merely looks like one is encoded itself."""


class Refused(ServiceFailed):
    """What cannot be a mail, and will not be one at the next try."""

    def __init__(self, message: str) -> None:
        super().__init__(values.shown(message, 1_000), retryable=False)


class Address(NamedTuple):
    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def address_of(mailbox: Mailbox) -> Address:
    """An address as servers take it. Raises Refused."""
    name, text = mailbox.name, mailbox.address.strip()
    if name is None and text.endswith(">") and "<" in text:
        name, _, text = text[:-1].rpartition("<")
        name = name.strip().strip('"')
    user, _, domain = text.strip()[: _LONGEST_ADDRESS + 1].rpartition("@")
    address = f"{user}@{_in_dns(domain)}"
    if not _ADDRESS.fullmatch(address) or len(user) > _LONGEST_USER or len(address) > _LONGEST_ADDRESS:
        raise Refused(f"Expected a mail address such as ann@example.com, but it is {text!r:.200}.")
    return Address(one_line(name or "", LONGEST_NAME, "the name beside an address"), address)


def _in_dns(domain: str) -> str:
    """What cannot stand in the DNS is left as it is."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def one_line(text: str, longest: int, what: str) -> str:
    """A text for a header. Raises Refused for what would end it, or is too long."""
    text = text.strip()
    if len(text) > longest:
        raise Refused(f"Expected {what} to have at most {longest:,} characters, but it has {len(text):,}.")
    if any(unicodedata.category(character) in _NOT_IN_HEADERS for character in text):
        raise Refused(f"Expected {what} to be one line of text, but it is {text!a:.200}.")
    return text


# ---- as they are sent ----------------------------------------------------------------------------------------------


def written(headers: Mapping[str, str | list[Address]]) -> bytes:
    lines = (f"{name}: {_value(name, value)}\r\n" for name, value in headers.items())
    return "".join(lines).encode("ascii")


def shown(headers: Mapping[str, str | list[Address]]) -> str:
    """For people."""
    return "".join(f"{name}: {listed(value)}\n" for name, value in headers.items())


def listed(value: str | Iterable[Address]) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value))


def _value(name: str, value: str | list[Address]) -> str:
    if isinstance(value, str):
        return _encoded(value, len(name) + 2) if _is_special(value) else value
    return ",\r\n ".join(map(_address, value))


def _address(address: Address) -> str:
    if not address.name:
        return address.address
    if _is_special(address.name):
        return f"{_encoded(address.name, 1)} <{address.address}>"
    return '"{}" <{}>'.format(re.sub(r'(["\\])', r"\\\1", address.name), address.address)


def _is_special(text: str) -> bool:
    return not text.isascii() or _WORD in text


def _encoded(text: str, begins_at: int) -> str:
    """In encoded words, on as many lines as they need. Source: RFC 2047."""
    return Header(text, "utf-8", header_name=" " * begins_at).encode(linesep="\r\n")
