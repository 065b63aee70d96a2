"""Standard loops and multi-instance activities: how often they run, over what, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.bpmn import dialects, texts
from engine.bpmn.check.diagram import Diagram, a
from engine.bpmn.check.extensions import is_drawn_for_another_tool
from engine.bpmn.check.limits import fault_of_variable
from engine.bpmn.check.support import is_event_sub_process
from engine.bpmn.elements.loops import MOST_IN_TURN, MOST_SIDE_BY_SIDE
from engine.bpmn.nodes import Node, bpmn, child_text, is_true, item_name, local
from engine.bpmn.script import constant
from engine.bpmn.translation import Untranslatable
from engine.model import Json
from engine.model.problems import Problem

Told = Iterator[tuple[str, str]]
"""What is wrong, and what to do."""


def check(diagram: Diagram) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.3.8 Loop Characteristics."""
    for node in diagram.running:
        faults, activity = _LOOPS.get(local(node)), node.getparent()
        if faults is None or activity is None or is_drawn_for_another_tool(activity):
            continue
        told = *_of_event_sub_process(activity), *faults(diagram, activity, node), *_behavior(diagram, node)
        for message, fix in told:
            place = diagram.document.place(node)
            yield diagram.document.problem("multi-instance", activity, message, fix, place=place)


def _of_event_sub_process(activity: Node) -> Told:
    if is_event_sub_process(activity):
        yield "An event sub-process is begun by its event alone, but this one is repeated.", "Repeat what is inside."


def _multi_instance(diagram: Diagram, activity: Node, loop: Node) -> Told:
    cardinality = child_text(loop, "loopCardinality")
    collection = dialects.says(loop, "collection") or child_text(loop, "loopDataInputRef")
    item = dialects.says(loop, "element_variable") or loop.find(bpmn("inputDataItem")) is not None
    if not cardinality and not collection and not item:
        yield "Expected how often the activity runs, but nothing says it.", "Write a loop cardinality or a collection."
    elif item and not collection:
        yield "Expected a collection to take the items from, but there is none.", "Name the variable that holds it."
    yield from _cardinality(loop, cardinality)
    yield from _data_names(diagram, loop)


def _cardinality(loop: Node, text: str) -> Told:
    known = _known(text)
    most = MOST_IN_TURN if is_true(loop, "isSequential") else MOST_SIDE_BY_SIDE
    if known is not None and (type(known[0]) is not int or not 0 <= known[0] <= most):
        yield f"Expected a loop cardinality from 0 to {most:,}, but it is {text:.20}.", "Write a number, or a variable."


def _known(text: str) -> tuple[Json] | None:
    """The value of a text that is a plain number or text, with a sign or without."""
    try:
        found = constant(texts.expression(text).removeprefix("-")) if text else None
    except Untranslatable:
        return None  # told by the rule about expressions
    return (-found[0],) if found and text.startswith("-") and isinstance(found[0], int) else found


def _data_names(diagram: Diagram, loop: Node) -> Told:
    """What the standard's own words call the collections and their items: variables, so expressions read them."""
    items = [loop.find(bpmn(tag)) for tag in ("inputDataItem", "outputDataItem")]
    references = [child_text(loop, tag) for tag in ("loopDataInputRef", "loopDataOutputRef")]
    drawn = [item_name(item) for item in items if item is not None]
    for name in [*drawn, *(diagram.items.name(reference) for reference in references if reference)]:
        fault = fault_of_variable(name)
        if fault is not None:
            yield fault.message, fault.fix


# ---- events thrown as instances complete ---------------------------------------------------------------------------

_BEHAVIORS = {"None": "noneBehaviorEventRef", "One": "oneBehaviorEventRef", "All": "", "Complex": ""}
"""What an activity may do when an instance completes -> the attribute that names the event."""
_THROWN = {
    "signalEventDefinition": "signalRef",
    "messageEventDefinition": "messageRef",
    "escalationEventDefinition": "escalationRef",
    "errorEventDefinition": "errorRef",
}
"""Event definition -> the attribute that says what is thrown."""


def throws_own_signal(loop: Node | None) -> bool:
    """Whether a signal is thrown that has no name: for boundary events of the activity."""
    attribute = "" if loop is None else _BEHAVIORS.get(loop.get("behavior", ""), "")
    return loop is not None and bool(attribute) and not loop.get(attribute)


def _behavior(diagram: Diagram, loop: Node) -> Told:
    """Source: BPMN 2.0.2, 10.3.8 Loop Characteristics, behavior."""
    behavior = loop.get("behavior", "All")
    if behavior not in _BEHAVIORS:
        yield f'Expected the behavior to be {", ".join(_BEHAVIORS)}, but it is "{behavior:.20}".', "Usually it is All."
    named = diagram.referred(loop.get(_BEHAVIORS.get(behavior) or "none", ""))
    yield from _thrown([] if named is None else [named])
    drawn = loop.findall(bpmn("complexBehaviorDefinition"))
    if behavior == "Complex" and not drawn:
        yield "Expected what to throw, and when, but nothing says it.", "Write a complexBehaviorDefinition."
    for each in drawn:
        event = each.find(bpmn("event"))
        told = [] if event is None else diagram.definitions_of(event)
        if not (child_text(each, "condition") and told):
            yield "Expected a condition and an event to throw, but one is missing.", "Write both, or delete it."
        yield from _thrown(told)


def _thrown(definitions: list[Node]) -> Told:
    for told in definitions:
        attribute = _THROWN.get(local(told))
        if attribute is None:
            kinds = ", ".join(tag.removesuffix("EventDefinition") for tag in _THROWN)
            yield f"Expected the activity to throw one of {kinds}, but it is {a(local(told))}.", "Choose one of them."
        elif not told.get(attribute):
            yield f"Expected {attribute} to name what is thrown, but it is missing.", "Choose or create one."


# ---- standard loops ------------------------------------------------------------------------------------------------


def _standard_loop(_diagram: Diagram, activity: Node, loop: Node) -> Told:
    if activity.find(bpmn("multiInstanceLoopCharacteristics")) is not None:
        yield "Expected the activity to be repeated in one way, but it is multi-instance, too.", "Keep one of them."
        return
    maximum = loop.get("loopMaximum")
    if maximum is None and not child_text(loop, "loopCondition"):
        yield "Expected a loop condition or a maximum, but there is neither: the loop never ends.", "Write one."
    if maximum is not None and not (_is_number(maximum) and int(maximum) > 0):
        yield f'Expected the loop maximum to be 1 or more, but it is "{maximum:.20}".', "Write a number."


def _is_number(text: str) -> bool:
    digits = text.strip()
    return digits.isascii() and digits.isdigit() and len(digits) < 10


_LOOPS: Mapping[str, Callable[[Diagram, Node, Node], Told]] = {
    "multiInstanceLoopCharacteristics": _multi_instance,
    "standardLoopCharacteristics": _standard_loop,
}
