"""What procession:mail says: to whom a mail goes, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.bpmn import texts
from engine.bpmn.elements.mail_task import Attachment, MailCall, Recipients, Text
from engine.bpmn.juel import Untranslatable
from engine.bpmn.nodes import Node, bpmn, own
from engine.bpmn.parse.http import error
from engine.bpmn.templates import Templates

MAIL = own("mail")
ATTRIBUTES = ("to", "cc", "bcc", "replyTo", "subject", "template")
PARTS: Mapping[str, tuple[str, ...]] = {
    "text": (),
    "html": (),
    "attachment": ("name",),
    "error": ("code", "when"),
}
"""What may stand inside, and its attributes."""
MOST_CONTENT = 200_000
"""Characters of a text that is written in the diagram."""


def of(node: Node) -> Node | None:
    """The procession:mail of a task; None: it has none."""
    return node.find(f"{bpmn('extensionElements')}/{MAIL}")


def read(told: Node, templates: Templates | None = None) -> MailCall:
    """templates: those that were uploaded together with the diagram. Raises Untranslatable, Invalid."""
    named = told.get("template", "").strip()
    return MailCall(
        to=_recipients(told, "to"),
        cc=_recipients(told, "cc"),
        bcc=_recipients(told, "bcc"),
        reply_to=_recipients(told, "replyTo"),
        subject=texts.pieces(told.get("subject", "")),
        text=_content(told, "text"),
        html=_content(told, "html"),
        template=templates.get(named) if templates and named else None,
        attachments=tuple(_attachment(each) for each in told.findall(own("attachment"))),
        errors=tuple(error(each) for each in told.findall(own("error"))),
    )


def _content(told: Node, tag: str) -> Text | None:
    return next((texts.pieces(each.text or "", MOST_CONTENT) for each in told.findall(own(tag))), None)


def _recipients(told: Node, attribute: str) -> tuple[Recipients, ...]:
    return tuple(_recipient(item.text.strip()) for item in texts.items(told.get(attribute, "")))


def _recipient(item: str) -> Recipients:
    """A name is taken apart from its address here: whatever its value is, it stays a name."""
    name, opening, address = item.removesuffix(">").rpartition("<")
    if not opening or not item.endswith(">"):
        return Recipients(texts.pieces(item))
    return Recipients(texts.pieces(address), texts.pieces(name.strip().strip('"')))


def _attachment(node: Node) -> Attachment:
    content = texts.pieces(node.text or "")
    if len(content) != 1 or not content[0].is_source:
        raise Untranslatable("Expected an attachment to hold one ${...} that gives its bytes.")
    return Attachment(texts.pieces(node.get("name", "")), content[0].text)
