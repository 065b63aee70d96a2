"""Data associations: what they lead from and to, who can see that, and what is set by an assignment.

Those that only show who reads or writes what may lead anywhere. Source: BPMN 2.0.2, 10.4.1 and 10.4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.bpmn import items, names, texts
from engine.bpmn.check.diagram import ACTIVITIES, EVENTS, Diagram, a, owner
from engine.bpmn.check.expressions import read_by
from engine.bpmn.items import INPUT
from engine.bpmn.nodes import Node, bpmn, child_text, is_true, local, name_of
from engine.model.problems import Place, Problem, Severity


class Told(NamedTuple):
    """What is wrong with an association, what to do, and where it shows; None: where the association begins."""

    message: str
    fix: str
    node: Node | None = None


def check(diagram: Diagram) -> Iterator[Problem]:
    yield from _capacities(diagram)
    for node in diagram.running:
        if local(node) == "ioSpecification":
            yield from _sets(diagram, node)
        if local(node) in ACTIVITIES | EVENTS:
            yield from _own(diagram, node)
            yield from _of_loop(diagram, node)
            yield from _left_inside(diagram, node)
            yield from _of_associations(diagram, node)


MOST = 500
"""Associations and assignments of one activity or event, each a value to be computed; and names of its own, each a row.
"""


def _own(diagram: Diagram, node: Node) -> Iterator[Problem]:
    own = sum(1 for _ in items.owned(node))
    if own > MOST:
        message = (
            f"Expected at most {MOST} data objects, properties, data inputs and outputs here, but there are {own:,}."
        )
        place = diagram.document.place(node)
        yield _problem(diagram, node, Told(message, "Keep several values in one, as fields of it."), place)


def _of_associations(diagram: Diagram, node: Node) -> Iterator[Problem]:
    drawn = list(node.iterchildren(*map(bpmn, items.ASSOCIATIONS)))
    moved = sum(max(1, len(each.findall(bpmn("assignment")))) for each in drawn)
    if moved > MOST:
        message = f"Expected at most {MOST} associations and assignments here, but there are {moved:,}."
        told = Told(message, "Make one value of several by a transformation.")
        yield _problem(diagram, node, told, diagram.document.place(drawn[0]))
        return
    for each in drawn:
        yield from _of_association(diagram, node, each)


def _of_association(diagram: Diagram, node: Node, drawn: Node) -> Iterator[Problem]:
    if items.is_drawing(drawn, diagram.items):
        return
    for rule in _RULES:
        found = list(rule(diagram, node, drawn))
        for told in found:
            place = diagram.document.place(drawn if told.node is None else told.node)
            yield _problem(diagram, node, told, place)
        if found:
            return  # the next rules build on this one


def _problem(diagram: Diagram, node: Node, told: Told, place: Place) -> Problem:
    return diagram.document.problem("data-association", node, told.message, told.fix, place=place)


# ---- its ends ------------------------------------------------------------------------------------------------------

_HOLDS = "a data object, property, data input, data output or data store"


def _ends(diagram: Diagram, _node: Node, drawn: Node) -> Iterator[Told]:
    """Each names something that holds data."""
    if not items.target(drawn):
        yield Told(f"Expected targetRef to name {_HOLDS}, but it is missing.", "Draw the association again.")
    for end in drawn.iterchildren(bpmn("sourceRef"), bpmn("targetRef")):
        reference = (end.text or "").strip()
        if reference and diagram.items.get(reference) is None:
            found = diagram.referred(reference)
            what = f'there is no element "{reference}"' if found is None else f'"{reference}" {_lacks(found)}'
            message = f"Expected {local(end)} to name {_HOLDS}, but {what}."
            yield Told(message, "Draw the association again.", end)


def _lacks(found: Node) -> str:
    if local(found) == "dataObjectReference":
        return "is a reference to no data object"
    return "is a reference to no data store" if local(found) == "dataStoreReference" else f"is {a(local(found))}"


def _number(_diagram: Diagram, _node: Node, drawn: Node) -> Iterator[Told]:
    """Source: BPMN 2.0.2, 10.4.2: without a transformation there is one source, whose value is copied."""
    sources = len(items.sources(drawn))
    if sources != 1 and not items.is_computing(drawn):
        fix = "Draw one association for each, or write a transformation that makes one value of all."
        yield Told(f"Expected one source, whose value is taken as it is, but there are {sources}.", fix)


def _sight(diagram: Diagram, node: Node, drawn: Node) -> Iterator[Told]:
    for end in drawn.iterchildren(bpmn("sourceRef"), bpmn("targetRef")):
        item = diagram.items.get(end.text or "")
        if item is not None:
            yield from (told._replace(node=end) for told in _unseen(diagram, node, item))


def _unseen(diagram: Diagram, node: Node, item: Node) -> Iterator[Told]:
    """Source: BPMN 2.0.2, 10.4.1: data is seen inside the process, sub-process or activity that has it."""
    holder, around = items.holder(item), list(_around(node))
    if holder is None:
        return
    if holder not in around:
        message = f'Expected data that is seen here, but "{items.variable(item)}" belongs to {_called(holder)}.'
        yield Told(message, "Move it into the process, or hand it on by a variable.")
        return
    name = items.variable(item)
    for each in around[1 : around.index(holder)]:
        if name not in diagram.data_names(each):
            continue
        message = f'"{name}" is hidden here by data of that name in {_called(each)}.'
        yield Told(message, "Give one of them another name.")


def _around(node: Node) -> Iterator[Node]:
    yield node
    yield from node.iterancestors()


def _called(node: Node) -> str:
    return f'the {local(node)} "{name_of(node) or node.get("id", "")}"'


def _direction(diagram: Diagram, node: Node, drawn: Node) -> Iterator[Told]:
    """Into what belongs to the activity or event itself, or out of it."""
    target = diagram.items.get(items.target(drawn))
    is_own = target is not None and items.holder(target) is node
    if local(drawn) == INPUT and not is_own:
        message = f"Expected a data input of this {local(node)} as the target, but it lies outside."
        yield Told(message, "Draw a data output association instead.")
    elif local(drawn) != INPUT and target is not None and is_own and local(target) in ("dataInput", "dataOutput"):
        message = f"Expected a target outside this {local(node)}, but it is its own {local(target)}."
        yield Told(message, "Lead it to a data object or a data store.")


# ---- what it computes ----------------------------------------------------------------------------------------------


def _readable(diagram: Diagram, _node: Node, drawn: Node) -> Iterator[Told]:
    """Expressions read the sources by their names."""
    if not items.is_computing(drawn):
        return
    for end in drawn.iterchildren(bpmn("sourceRef")):
        item = diagram.items.get(end.text or "")
        if item is not None and not names.is_variable(items.variable(item)):
            name = name_of(item) or items.variable(item)
            message = f'Expected a source with a name that an expression can read, but it is "{name:.50}".'
            yield Told(message, names.advice(name), end)


def _texts(_diagram: Diagram, _node: Node, drawn: Node) -> Iterator[Told]:
    transformation = drawn.find(bpmn("transformation"))
    if transformation is not None and not child_text(drawn, "transformation"):
        yield Told("Expected an expression in the transformation, but it is empty.", "Write one.", transformation)
    for assignment in drawn.iterchildren(bpmn("assignment")):
        for tag in ("from", "to"):
            if not child_text(assignment, tag):
                message = f'Expected the assignment to say "{tag}", but it does not.'
                yield Told(message, "Write an expression into from, and what it sets into to.", assignment)


def _targets(diagram: Diagram, _node: Node, drawn: Node) -> Iterator[Told]:
    """An assignment sets the target of its association, or a field in it."""
    target = diagram.items.get(items.target(drawn))
    for to in drawn.iterfind(f"{bpmn('assignment')}/{bpmn('to')}"):
        path, fault = read_by(texts.path, to.text or "")
        name = "" if target is None else items.variable(target)
        if fault is not None:
            yield Told(fault.message, f'Write {name}, or {name}["total"].', to)
        elif path is not None and path[0] != name:
            message = (
                f'Expected the assignment to set "{name}", the target of its association, but it sets "{path[0]}".'
            )
            yield Told(message, f'Write {name}, or {name}["total"].', to)


Rule = Callable[[Diagram, Node, Node], Iterator[Told]]
_RULES: tuple[Rule, ...] = (_ends, _number, _sight, _direction, _readable, _texts, _targets)


# ---- what goes nowhere ---------------------------------------------------------------------------------------------


def _left_inside(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """A data output that no association takes out is gone with its activity."""
    taken = {diagram.items.get(items.loop_reference(node, "loopDataOutputRef"))}
    for drawn in items.executed(node, diagram.items, outward=True):
        taken.update(items.inner_ends(drawn, diagram.items))
    for item in items.owned(node):
        if local(item) == "dataOutput" and item not in taken:
            message = f'The data output "{items.variable(item)}" is gone when this is over: nothing takes it out.'
            fix = "Draw a data output association from it, or delete it: without it, what is set is seen outside."
            place = diagram.document.place(item)
            yield diagram.document.problem(
                "data-association", node, message, fix, place=place, severity=Severity.WARNING
            )


# ---- sets ----------------------------------------------------------------------------------------------------------


def _sets(diagram: Diagram, specification: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.4.1 InputSet, OutputSet: alternatives, of which the first whose data is there is taken."""
    for tag, word in (("inputSet", "input"), ("outputSet", "output")):
        drawn = list(specification.iterchildren(bpmn(tag)))
        if len(drawn) > 1:
            told = Told(f"Several {word} sets are not executed.", f"Draw one {word} set: what is not there is None.")
            yield _not_executed(diagram, drawn[1], told)
        for each in drawn:
            later = each.find(bpmn(f"whileExecuting{word.capitalize()}Refs"))
            if later is not None:
                message = f"An {word} that is taken while its activity goes on is not executed."
                yield _not_executed(diagram, later, Told(message, "Draw a sub-process with several tasks."))


def _not_executed(diagram: Diagram, node: Node, told: Told) -> Problem:
    place = diagram.document.place(node)
    return diagram.document.problem("unsupported-element", owner(node), told.message, told.fix, place=place)


# ---- loops and stores ----------------------------------------------------------------------------------------------


def _of_loop(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """What a multi-instance activity collects from or into is seen as any other data."""
    for tag in ("loopDataInputRef", "loopDataOutputRef"):
        item = diagram.items.get(items.loop_reference(node, tag))
        if item is None:
            continue
        place = diagram.document.place(node.find(f"{bpmn('multiInstanceLoopCharacteristics')}/{bpmn(tag)}"))
        for told in _unseen(diagram, node, item):
            yield _problem(diagram, node, told, place)
        if local(item) == "dataStore":
            message = f"Expected {tag} to name a variable, but it is a data store."
            told = Told(message, "Name a data input or output, and lead a data association from it to the store.")
            yield _problem(diagram, node, told, place)


def _capacities(diagram: Diagram) -> Iterator[Problem]:
    for store in diagram.document.root.iterchildren(bpmn("dataStore")):
        text = store.get("capacity", "")
        if text and items.capacity(store) is None and not is_true(store, "isUnlimited", "true"):
            message = f'Expected the capacity to be a whole number of at most nine digits, but it is "{text:.50}".'
            place = diagram.document.attribute_place(store, "capacity")
            yield _problem(diagram, store, Told(message, 'Correct it, or write isUnlimited="true".'), place)
