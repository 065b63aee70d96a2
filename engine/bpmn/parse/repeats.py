"""Standard loops and multi-instance activities. Source: BPMN 2.0.2, 10.3.8 Loop Characteristics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.bpmn.dialects import Terms
from engine.bpmn.elements import loops
from engine.bpmn.elements.event_definition import Definition, own_signal
from engine.bpmn.elements.flow_node import Element, FlowNode
from engine.bpmn.items import Items
from engine.bpmn.nodes import Node, bpmn, child_text, is_true, item_name
from engine.bpmn.parse import data
from engine.bpmn.parse.definitions import References, definition, one_definition
from engine.bpmn.parse.flows import source_of
from engine.bpmn.specification import ProcessSpec

Repeated = tuple[Callable[[ProcessSpec, Element, str, Any], FlowNode], loops.StandardLoop | loops.MultiInstance]


def repeated(node: Node, terms: Terms, references: References, items: Items) -> Repeated | None:
    """How an activity is repeated: the node of its body, and what that is told; None when it is done once."""
    told = node.find(bpmn("standardLoopCharacteristics"))
    if told is not None:
        return loops.LoopBody, _standard_loop(told)
    told = node.find(bpmn("multiInstanceLoopCharacteristics"))
    return None if told is None else (loops.MultiInstanceBody, _multi_instance(node, told, terms, references, items))


def _standard_loop(told: Node) -> loops.StandardLoop:
    maximum = told.get("loopMaximum")
    before = is_true(told, "testBefore")
    return loops.StandardLoop(source_of(told, "loopCondition"), before, None if maximum is None else str(int(maximum)))


def _multi_instance(node: Node, told: Node, terms: Terms, references: References, items: Items) -> loops.MultiInstance:
    return loops.MultiInstance(
        is_sequential=is_true(told, "isSequential"),
        cardinality=source_of(told, "loopCardinality"),
        collection=terms.collection or items.name(child_text(told, "loopDataInputRef")) or None,
        brought=() if terms.collection else data.of_loop(node, items, outward=False),
        item=terms.element_variable or _item(told, "inputDataItem"),
        output_collection=terms.output_collection or items.name(child_text(told, "loopDataOutputRef")) or None,
        given=data.of_loop(node, items, outward=True),
        output_item=terms.output_item or _item(told, "outputDataItem"),
        completion_condition=source_of(told, "completionCondition"),
        behavior=tuple(_BEHAVIORS.get(told.get("behavior", ""), _no_events)(node, told, references)),
    )


def _no_events(_node: Node, _told: Node, _references: References) -> Iterator[loops.Thrown]:
    yield from ()


def _each_time(node: Node, told: Node, references: References) -> Iterator[loops.Thrown]:
    yield loops.Thrown(_event(node, told.get("noneBehaviorEventRef"), references))


def _first_time(node: Node, told: Node, references: References) -> Iterator[loops.Thrown]:
    yield loops.Thrown(_event(node, told.get("oneBehaviorEventRef"), references), only_first=True)


def _event(node: Node, reference: str | None, references: References) -> Definition:
    found = references.get(reference)
    return own_signal(node.get("id", "")) if found is None else one_definition(found, node, references)


def _on_conditions(node: Node, told: Node, references: References) -> Iterator[loops.Thrown]:
    for each in told.iterfind(bpmn("complexBehaviorDefinition")):
        event = each.find(bpmn("event"))
        if event is not None:
            yield loops.Thrown(definition(event, references), source_of(each, "condition"))


_BEHAVIORS = {"None": _each_time, "One": _first_time, "Complex": _on_conditions}
"""When events are thrown; otherwise none is."""


def _item(told: Node, tag: str) -> str | None:
    item = told.find(bpmn(tag))
    return None if item is None else item_name(item) or None
