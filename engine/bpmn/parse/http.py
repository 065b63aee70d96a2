"""What procession:http says: which service is called, with what, and what its answer means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.bpmn import texts
from engine.bpmn.elements.flow_node import Assignment
from engine.bpmn.elements.http_task import Header, HttpCall, Later, Mapped
from engine.bpmn.nodes import Node, bpmn, local, own
from engine.bpmn.parse import connectors
from engine.bpmn.parse.retries import seconds

HTTP = own("http")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ATTRIBUTES = ("method", "url", "service", "connectTimeout", "timeout")
PARTS: Mapping[str, tuple[str, ...]] = {
    "header": ("name", "secret"),
    "query": ("name",),
    "body": (),
    "result": ("name",),
    "error": ("code", "when"),
    "callback": ("timeout", "heartbeat"),
    "poll": ("timeout", "interval"),
}
"""What may stand inside, and its attributes."""
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")


def of(node: Node) -> Node | None:
    """The procession:http of a task; None: it has none."""
    return node.find(f"{bpmn('extensionElements')}/{HTTP}")


def is_called(node: Node) -> bool:
    """Whether it calls a service by HTTP, in whichever words."""
    return of(node) is not None or connectors.of(node) is not None


def call_of(node: Node) -> HttpCall | None:
    """What it calls. Raises Untranslatable, ValueError."""
    told, connector = of(node), connectors.of(node)
    if told is not None:
        return read(told)
    return None if connector is None else connectors.read(connector)


def read(told: Node) -> HttpCall:
    """Raises Untranslatable, ValueError."""
    return HttpCall(
        method=told.get("method", "GET").strip().upper(),
        url=texts.value(told.get("url", "")),
        service=told.get("service", "").strip() or None,
        headers=tuple(_header(each) for each in _all(told, "header")),
        query=tuple(_mapping(each) for each in _all(told, "query")),
        body=next((texts.value(each.text or "") for each in _all(told, "body")), None),
        results=tuple(_mapping(each) for each in _all(told, "result")),
        errors=tuple(error(each) for each in _all(told, "error")),
        connect_duration=_seconds(told, "connectTimeout"),
        duration=_seconds(told, "timeout"),
        **_later(told),  # type: ignore[arg-type]
    )


def parts(told: Node) -> Iterator[Node]:
    """What stands inside."""
    return (child for child in told if isinstance(child.tag, str))


def _all(told: Node, tag: str) -> list[Node]:
    return told.findall(own(tag))


def _header(node: Node) -> Header:
    secret = node.get("secret", "").strip()
    return Header(node.get("name", "").strip(), None if secret else texts.value(node.text or ""), secret or None)


def _mapping(node: Node) -> Assignment:
    return Assignment(node.get("name", "").strip(), texts.value(node.text or ""))


def error(node: Node) -> Mapped:
    """What is an error of the diagram. Raises Untranslatable."""
    return Mapped(node.get("code", "").strip(), texts.expression(node.get("when", "")), texts.value(node.text or ""))


def _later(told: Node) -> dict[str, object]:
    """At most one of callback and poll is there."""
    for kind in Later:
        for node in _all(told, kind):
            found = {field: _seconds(node, attribute) for field, attribute in _OF_LATER.items()}
            return {"later": kind} | {name: value for name, value in found.items() if value is not None}
    return {}


_OF_LATER = {"later_duration": "timeout", "heartbeat": "heartbeat", "interval": "interval"}


def _seconds(node: Node, attribute: str) -> float | None:
    text = node.get(attribute, "")
    return seconds(text) if text.strip() else None


def tag_of(node: Node) -> str:
    return local(node) if node.tag == own(local(node)) else str(node.tag)
