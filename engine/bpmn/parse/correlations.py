"""Which keys the messages of a diagram carry. Source: BPMN 2.0.2, 8.4.2 Correlation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.bpmn import dialects, texts
from engine.bpmn.elements.event_definition import Correlation
from engine.bpmn.nodes import CORRELATION_KEY, Node, bpmn, local
from engine.bpmn.parse.flows import source_of

SIMPLE = ""
"""The name of the key that a message says by an attribute of its own."""


@dataclass(frozen=True, slots=True)
class Key:
    """A correlation key as it is drawn."""

    id: str
    properties: Sequence[str]

    def is_carried_by(self, message: str, told: Retrievals) -> bool:
        return bool(self.properties) and all((name, message) in told for name in self.properties)


Retrievals: TypeAlias = Mapping[tuple[str, str], Node]
"""The expression that retrieves a property from a message, by the ids of both."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a file says of correlation, read once: hostile files have many messages, and many properties."""

    keys: Sequence[Key]
    retrievals: Retrievals

    @classmethod
    def of(cls, root: Node) -> Keys:
        keys = [Key(each.get("id", ""), properties(each)) for each in root.iter(bpmn("correlationKey"))]
        return cls(keys, {(of, named(each, "messageRef")): each for of, each in retrievals(root)})


def correlations(message: Node, event: Node, keys: Keys) -> tuple[Correlation, ...]:
    """The keys of a message, as the process of an event (or that process itself) expects them."""
    id = message.get("id", "")
    carried = (key for key in keys.keys if key.is_carried_by(id, keys.retrievals))
    return (*_simple(message), *(_key(key, id, event, keys.retrievals) for key in carried))


def named(node: Node, attribute: str) -> str:
    """The id that an attribute names, without the prefix of a file's own namespace."""
    return node.get(attribute, "").strip().rpartition(":")[2]


def properties(key: Node) -> list[str]:
    return [(each.text or "").strip().rpartition(":")[2] for each in key.iterfind(bpmn("correlationPropertyRef"))]


def retrievals(root: Node) -> Iterator[tuple[str, Node]]:
    """The id of each property, with each expression that retrieves it from a message."""
    for each in root.iterfind(bpmn("correlationProperty")):
        for told in each.iterfind(bpmn("correlationPropertyRetrievalExpression")):
            yield each.get("id", ""), told


def _simple(message: Node) -> Iterator[Correlation]:
    text = message.get(CORRELATION_KEY, "").strip()
    source = texts.expression(text) if text else dialects.terms(message).correlation_key
    if source:
        yield Correlation(SIMPLE, retrieved=(source,), expected=(source,))


def _key(key: Key, message: str, event: Node, told: Retrievals) -> Correlation:
    retrieved = (_told(told[name, message], "messagePath") for name in key.properties)
    return Correlation(key.id, tuple(retrieved), tuple(_expected(key, event)))


def _told(holder: Node, tag: str) -> str:
    return source_of(holder, tag) or "None"


def _expected(key: Key, event: Node) -> list[str]:
    """What the process expects by its own data; nothing: what the first message carries."""
    process = next((each for each in (event, *event.iterancestors()) if local(each) == "process"), None)
    for told in [] if process is None else process.iterfind(bpmn("correlationSubscription")):
        if named(told, "correlationKeyRef") == key.id:
            bindings = told.iterfind(bpmn("correlationPropertyBinding"))
            bound = {named(each, "correlationPropertyRef"): _told(each, "dataPath") for each in bindings}
            return [bound.get(name, "None") for name in key.properties]
    return []
