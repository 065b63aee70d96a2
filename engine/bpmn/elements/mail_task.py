"""Mail tasks: service tasks that send a mail, as procession:mail says. Source: 10.3.3 Service Task."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.bpmn.elements.flow_node import Element, FlowNode, Token, text_of, value_of, wait_for
from engine.bpmn.elements.http_task import Mapped
from engine.bpmn.script import names
from engine.bpmn.templates import Template
from engine.bpmn.texts import Piece
from engine.model import Json
from engine.retry import Retry

Text: TypeAlias = tuple[Piece, ...]
SERVER = "mail server"
"""The service that takes mails; no other can have this name, which has a space in it."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Between two commas: an address, with a name or without; or one ${...} that gives an address or a list of them."""

    address: Text
    name: Text | None = None
    """None: what the address says beside itself, in Ann <ann@example.com>."""


@dataclass(frozen=True, slots=True)
class Attachment:
    name: Text
    source: str


@dataclass(frozen=True, slots=True)
class MailCall:
    """What the diagram says of a mail.

    Sources of errors read status and body of the server's answer, and refused (addresses), beside the variables.
    """

    to: tuple[Recipients, ...]
    subject: Text
    cc: tuple[Recipients, ...] = ()
    bcc: tuple[Recipients, ...] = ()
    reply_to: tuple[Recipients, ...] = ()
    text: Text | None = None
    html: Text | None = None
    template: Template | None = None
    attachments: tuple[Attachment, ...] = ()
    errors: tuple[Mapped, ...] = ()

    @property
    def about_answer(self) -> list[str]:
        """The sources that are evaluated when the server has answered."""
        return [source for error in self.errors for source in (error.condition, error.message)]

    @property
    def sources(self) -> Iterator[str]:
        for each in (*self.to, *self.cc, *self.bcc, *self.reply_to):
            yield from _sources(each.address + (each.name or ()))
        yield from _sources(self.subject + (self.text or ()) + (self.html or ()))
        for attachment in self.attachments:
            yield from (*_sources(attachment.name), attachment.source)
        yield from self.about_answer


@dataclass(frozen=True, slots=True)
class Mailbox:
    """As the diagram and its variables say it: whether it is one at all is not known yet."""

    address: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail with its values."""

    call: MailCall
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    subject: str
    text: str | None
    html: str | None
    attachments: tuple[tuple[str, Json], ...] = field(repr=False)
    """Name and content."""
    result_variable: str | None
    seen: Mapping[str, Json] = field(repr=False)
    """The variables that the template and the sources about the answer read."""


class MailTask(FlowNode):
    """Waits for a mail to be taken by our mail server."""

    def __init__(
        self,
        process: Any,
        element: Element,
        call: MailCall,
        result_variable: str | None,
        retry: Retry | None = None,
        **options: Any,
    ) -> None:
        super().__init__(process, element, **options)
        self.call = call
        self.result_variable = result_variable
        self.told: dict[str, Json] = {} if retry is None else {"retry": retry.json()}

    def enter(self, token: Token) -> bool:
        wait_for(token, "mail", None, topic=SERVER, **self.told)
        return False

    def letter(self, token: Token) -> Letter:
        """What is sent now. Raises ScriptFailed."""
        call = self.call
        read = {name for source in call.about_answer for name in names(source).read}
        read |= call.template.names if call.template else set()
        return Letter(
            call=call,
            to=_mailboxes(token, call.to),
            cc=_mailboxes(token, call.cc),
            bcc=_mailboxes(token, call.bcc),
            reply_to=_mailboxes(token, call.reply_to),
            subject=_written(token, call.subject),
            text=None if call.text is None else _written(token, call.text),
            html=None if call.html is None else _written(token, call.html, html.escape),
            attachments=tuple((_written(token, each.name), value_of(token, each.source)) for each in call.attachments),
            result_variable=self.result_variable,
            seen=token.workflow.top_workflow.scopes.some(token, read),
        )


def _sources(text: Text) -> Iterator[str]:
    return (piece.text for piece in text if piece.is_source)


def _written(token: Token, text: Text, escape: Callable[[str], str] = str) -> str:
    """The text with its values; escape: what is done to each of them. None is written as nothing."""
    return "".join(escape(_shown(value_of(token, text))) if is_source else text for text, is_source in text)


def _shown(value: Json) -> str:
    return "" if value is None else text_of(value)


def _mailboxes(token: Token, told: tuple[Recipients, ...]) -> tuple[Mailbox, ...]:
    return tuple(mailbox for each in told for mailbox in _of_item(token, each))


def _of_item(token: Token, told: Recipients) -> Iterator[Mailbox]:
    if told.name is not None:
        yield Mailbox(_written(token, told.address), _written(token, told.name))
    elif len(told.address) == 1 and told.address[0].is_source:
        value = value_of(token, told.address[0].text)
        found = value if isinstance(value, list) else [value]
        yield from (Mailbox(_shown(each)) for each in found if each not in (None, ""))
    else:
        yield Mailbox(_written(token, told.address))
