"""Which keys the messages of a diagram carry. Source: BPMN 2.0.2, 8.4.2 Correlation."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn import dialects
from engine.bpmn.elements.event_definition import Correlation
from engine.bpmn.nodes import CORRELATION_KEY, Node, bpmn, local
from engine.bpmn.parse.flows import source_of

SIMPLE = ""
"""The name of the key that a message says by an attribute of its own."""


def correlations(message: Node, event: Node) -> tuple[Correlation, ...]:
    """The keys of a message, as the process of an event (or that process itself) expects them."""
    root = message.getroottree().getroot()
    return (*_simple(message), *(_key(root, key, message, event) for key in keys_of(root, message)))


def keys_of(root: Node, message: Node) -> list[Node]:
    """The correlation keys each property of which can be retrieved from a message."""
    return [key for key in root.iter(bpmn("correlationKey")) if _is_carried(root, key, message)]


def properties(key: Node) -> list[str]:
    return [(each.text or "").strip().rpartition(":")[2] for each in key.iterfind(bpmn("correlationPropertyRef"))]


def retrieval(root: Node, name: str, message: Node) -> Node | None:
    """The expression that retrieves a property from a message."""
    for each in root.iterfind(f"{bpmn('correlationProperty')}[@id='{name}']/{_RETRIEVAL}"):
        if each.get("messageRef", "").rpartition(":")[2] == message.get("id"):
            return each
    return None


_RETRIEVAL = bpmn("correlationPropertyRetrievalExpression")


def _is_carried(root: Node, key: Node, message: Node) -> bool:
    wanted = properties(key)
    return bool(wanted) and all(retrieval(root, name, message) is not None for name in wanted)


def _simple(message: Node) -> Iterator[Correlation]:
    text = message.get(CORRELATION_KEY, "").strip()
    if text:
        source = dialects.expression(text)
        yield Correlation(SIMPLE, retrieved=(source,), expected=(source,))


def _key(root: Node, key: Node, message: Node, event: Node) -> Correlation:
    wanted = properties(key)
    retrieved = (_told(retrieval(root, name, message), "messagePath") for name in wanted)
    return Correlation(key.get("id", ""), tuple(retrieved), tuple(_expected(key, wanted, event)))


def _told(holder: Node | None, tag: str) -> str:
    return "None" if holder is None else source_of(holder, tag) or "None"


def _expected(key: Node, wanted: list[str], event: Node) -> list[str]:
    """What the process expects by its own data; nothing: what the first message carries."""
    process = next((each for each in (event, *event.iterancestors()) if local(each) == "process"), None)
    for told in [] if process is None else process.iterfind(bpmn("correlationSubscription")):
        if told.get("correlationKeyRef", "").rpartition(":")[2] == key.get("id"):
            bound = {
                each.get("correlationPropertyRef", "").rpartition(":")[2]: _told(each, "dataPath")
                for each in told.iterfind(bpmn("correlationPropertyBinding"))
            }
            return [bound.get(name, "None") for name in wanted]
    return []
