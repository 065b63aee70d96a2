"""Correlation of messages: keys, the properties they are made of, and how these are retrieved.

Source: BPMN 2.0.2, 8.4.2 Correlation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.bpmn.check import python
from engine.bpmn.check.diagram import Diagram, Text
from engine.bpmn.check.expressions import expression
from engine.bpmn.nodes import CORRELATION_KEY, Node, bpmn, child_text, local
from engine.bpmn.parse.correlations import named, properties, retrievals
from engine.bpmn.texts import expression as source_of
from engine.model.problems import Problem

RULE = "correlation"
MOST_KEYS, MOST_PROPERTIES = 20, 20
"""Keys of one file, and properties of one key."""


def check(diagram: Diagram) -> Iterator[Problem]:
    if not diagram.executable:
        return
    yield from _keys(diagram)
    yield from _retrieved_twice(diagram)
    yield from _subscribed_twice(diagram)
    for node in diagram.elements:
        rule = _RULES.get(local(node))
        if rule is not None:
            yield from rule(diagram, node)


# ---- our own key ---------------------------------------------------------------------------------------------------


def _message(diagram: Diagram, message: Node) -> Iterator[Problem]:
    text = message.get(CORRELATION_KEY)
    if text is None:
        return
    if not text.strip():
        told = "Expected an expression in correlationKey, but there is none."
        place = diagram.document.attribute_place(message, CORRELATION_KEY)
        yield diagram.document.problem(RULE, message, told, "Write the name of a variable: order_id.", place=place)
        return
    fault = python.fault_of_expression(text)
    place = diagram.document.attribute_place(message, CORRELATION_KEY, 0 if fault is None else fault.offset)
    if fault is None:
        diagram.texts.append(Text(message, "expression-syntax", source_of(text), lambda _at: place))
    else:
        yield diagram.document.problem("expression-syntax", message, fault.message, fault.fix, place=place)


# ---- the standard's keys -------------------------------------------------------------------------------------------


def _keys(diagram: Diagram) -> Iterator[Problem]:
    root = diagram.document.root
    drawn = list(root.iter(bpmn("correlationKey")))
    if len(drawn) > MOST_KEYS:
        message = f"Expected at most {MOST_KEYS} correlation keys, but there are {len(drawn)}."
        yield diagram.document.problem(RULE, drawn[MOST_KEYS], message, "Divide the file.")
        return
    carried: dict[str, set[str]] = {}
    for name, told in retrievals(root):
        carried.setdefault(named(told, "messageRef"), set()).add(name)
    for key in drawn:
        fault = _fault(diagram, key, carried)
        if fault is not None:
            yield diagram.document.problem(RULE, key, *fault)


def _fault(diagram: Diagram, key: Node, carried: Mapping[str, set[str]]) -> tuple[str, str] | None:
    """What is wrong with a key, and how to put it right. A message carries all of its properties or none."""
    wanted = properties(key)
    if not key.get("id"):
        return "Expected an id for the key, but there is none.", "Write one."
    if not all(wanted) or not wanted:
        message = "Expected the properties that the key is made of, but there are none."
        return message, "Write a correlationPropertyRef for each."
    if len(wanted) > MOST_PROPERTIES:
        message = f"Expected at most {MOST_PROPERTIES} properties in a key, but there are {len(wanted)}."
        return message, "Make a key of fewer."
    if not all(diagram.referred(name, "correlationProperty") is not None for name in wanted):
        return None  # told of as a reference that leads nowhere
    carriers = {message: names for message, names in carried.items() if not names.isdisjoint(wanted)}
    for message, names in carriers.items():
        missing = next((name for name in wanted if name not in names), None)
        if missing is not None:
            told = f'Expected message "{message}" to carry "{missing}" too, but nothing says how.'
            fix = f'Write a correlationPropertyRetrievalExpression for it in the correlationProperty "{missing}".'
            return told, fix
    if not carriers:
        fix = "Write a correlationPropertyRetrievalExpression in each of its properties."
        return "Expected a message to carry the key, but none does.", fix
    return None


def _retrieved_twice(diagram: Diagram) -> Iterator[Problem]:
    known = set[tuple[str, str]]()
    for name, told in retrievals(diagram.document.root):
        one = (name, named(told, "messageRef"))
        if one in known:
            message = f'Expected one way to retrieve "{name}" from message "{one[1]}", but there are more.'
            yield diagram.document.problem(RULE, told, message, "Delete all but one.")
        known.add(one)


def _subscribed_twice(diagram: Diagram) -> Iterator[Problem]:
    known = set[tuple[Node | None, str]]()
    for told in diagram.document.root.iter(bpmn("correlationSubscription")):
        one = (told.getparent(), named(told, "correlationKeyRef"))
        if one in known:
            message = f'Expected one subscription to key "{one[1]}" in a process, but there are more.'
            yield diagram.document.problem(RULE, told, message, "Delete all but one.")
        known.add(one)


def _retrieval(diagram: Diagram, told: Node) -> Iterator[Problem]:
    if not told.get("messageRef"):
        message = "Expected the message to retrieve from, but none is named."
        yield diagram.document.problem(RULE, told, message, "Write messageRef.")
    yield from _text(diagram, told, "messagePath")


def _binding(diagram: Diagram, told: Node) -> Iterator[Problem]:
    yield from _text(diagram, told, "dataPath")


def _text(diagram: Diagram, holder: Node, tag: str) -> Iterator[Problem]:
    if not child_text(holder, tag):
        message = f"Expected an expression in {tag}, but there is none."
        yield diagram.document.problem(RULE, holder, message, "Write the name of a variable: order_id.")
        return
    if any(len(each) for each in holder.iterfind(bpmn(tag))) or len(holder.findall(bpmn(tag))) > 1:
        message = f"Expected one {tag} with nothing but a text, but there is more."
        yield diagram.document.problem(RULE, holder, message, "Draw it again.")
        return
    yield from expression(diagram, holder.find(bpmn(tag)))  # type: ignore[arg-type]


def _subscription(diagram: Diagram, told: Node) -> Iterator[Problem]:
    key = diagram.referred(told.get("correlationKeyRef", ""), "correlationKey")
    if told.getparent().tag != bpmn("process"):  # type: ignore[union-attr]
        message = "Expected the subscription right in a process, but it stands elsewhere."
        yield diagram.document.problem(RULE, told, message, "Move it to the process.")
    if not told.get("correlationKeyRef"):
        message = "Expected the key to subscribe to, but none is named."
        yield diagram.document.problem(RULE, told, message, "Write correlationKeyRef.")
    bound = {named(each, "correlationPropertyRef") for each in told.iterfind(bpmn("correlationPropertyBinding"))}
    for name in [] if key is None else properties(key)[:MOST_PROPERTIES]:
        if name not in bound:
            message = f'Expected the property "{name}" of the key to be bound to data, but it is not.'
            yield diagram.document.problem(RULE, told, message, "Write a correlationPropertyBinding for it.")


_RULES: dict[str, Callable[[Diagram, Node], Iterator[Problem]]] = {
    "message": _message,
    "correlationPropertyRetrievalExpression": _retrieval,
    "correlationPropertyBinding": _binding,
    "correlationSubscription": _subscription,
}
