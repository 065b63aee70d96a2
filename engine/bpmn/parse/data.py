"""Data of activities and events: what is theirs, and the associations that bring values in and take them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.bpmn import items, texts
from engine.bpmn.elements.data import Association, Data, Home, Item, Move
from engine.bpmn.items import Items
from engine.bpmn.nodes import Node, bpmn, child_text, local


def of(node: Node, known: Items) -> Data | None:
    """The data of one activity or event, of each instance when it is repeated; None: it has none."""
    unset = tuple(filter(None, dict.fromkeys(_unset(node, known))))
    inputs = associations(node, _of_each(node, known, outward=False), known)
    outputs = associations(node, _of_each(node, known, outward=True), known)
    return Data(unset, inputs, outputs) if unset or inputs or outputs else None


def of_loop(node: Node, known: Items, *, outward: bool) -> tuple[Association, ...]:
    """The associations of a multi-instance activity as a whole."""
    return associations(node, items.of_loop(node, known, outward=outward), known)


def declared(process: Node) -> Iterator[str]:
    """The variables that a process says it has. Source: BPMN 2.0.2, 10.5.7 Scopes."""
    return filter(None, map(items.variable, items.owned(process)))


def _of_each(node: Node, known: Items, *, outward: bool) -> list[Node]:
    of_all = set(items.of_loop(node, known, outward=outward))
    return [each for each in items.executed(node, known, outward=outward) if each not in of_all]


def _unset(node: Node, known: Items) -> Iterator[str]:
    """Names that begin as None. What loops collect, and data inputs that nothing is brought to, lie outside."""
    collected = known.get(items.loop_reference(node, "loopDataOutputRef"))
    for item in items.owned(node):
        if local(item) != "dataInput" and item is not collected:
            yield items.variable(item)


def associations(node: Node, drawn: Iterable[Node], known: Items) -> tuple[Association, ...]:
    """The associations of an activity or event, read from these elements."""
    return tuple(_association(node, each, known) for each in drawn)


def _association(node: Node, drawn: Node, known: Items) -> Association:
    found = [known.get(source) for source in items.sources(drawn)]
    sources = tuple(_item(node, source) for source in found if source is not None)
    target = known.get(items.target(drawn))
    assert target is not None  # the checks have seen to it
    return Association(sources, _item(node, target), tuple(_moves(drawn)) or (Move(None),))


def _item(node: Node, item: Node) -> Item:
    if items.holder(item) is None:
        return Item(items.variable(item), Home.STORE, items.store_name(item), items.capacity(item))
    return Item(items.variable(item), Home.OWN if items.holder(item) is node else Home.OUTSIDE)


def _moves(drawn: Node) -> Iterator[Move]:
    """The transformation, then each assignment. Source: BPMN 2.0.2, 10.4.2 Execution Semantics for Data."""
    transformation = child_text(drawn, "transformation")
    if transformation:
        yield Move(texts.expression(transformation))
    for assignment in drawn.iterchildren(bpmn("assignment")):
        path = texts.path(child_text(assignment, "to"))
        yield Move(texts.expression(child_text(assignment, "from")), path[1:])
