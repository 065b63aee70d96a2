"""Correlation of messages: keys, the properties they are made of, and how these are retrieved.

Source: BPMN 2.0.2, 8.4.2 Correlation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from engine.bpmn.check import python
from engine.bpmn.check.diagram import Diagram, Text
from engine.bpmn.check.expressions import expression
from engine.bpmn.dialects import expression as source_of
from engine.bpmn.nodes import CORRELATION_KEY, OWN, Node, bpmn, child_text, local
from engine.bpmn.parse.correlations import properties, retrieval
from engine.model import Problem

RULE = "correlation"


def check(diagram: Diagram) -> Iterator[Problem]:
    if not diagram.executable:
        return
    for node in diagram.elements:
        yield from _own_words(diagram, node)
        rule = _RULES.get(local(node))
        if rule is not None:
            yield from rule(diagram, node)


# ---- our own attribute ---------------------------------------------------------------------------------------------


def _own_words(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for name in map(str, node.attrib):
        if etree.QName(name).namespace == OWN and not (name == CORRELATION_KEY and local(node) == "message"):
            message = f"There is no {etree.QName(name).localname} of ours at this element."
            place = diagram.document.attribute_place(node, name)
            yield diagram.document.problem("unsupported-element", node, message, "Delete it.", place=place)


def _message(diagram: Diagram, message: Node) -> Iterator[Problem]:
    text = message.get(CORRELATION_KEY, "")
    if not text.strip():
        return
    fault = python.fault_of_expression(text)
    place = diagram.document.attribute_place(message, CORRELATION_KEY, 0 if fault is None else fault.offset)
    if fault is None:
        diagram.texts.append(Text(message, "expression-syntax", source_of(text), lambda _at: place))
    else:
        yield diagram.document.problem("expression-syntax", message, fault.message, fault.fix, place=place)


# ---- the standard's keys -------------------------------------------------------------------------------------------


def _key(diagram: Diagram, key: Node) -> Iterator[Problem]:
    """Each message that carries one of its properties carries all of them."""
    wanted, root = properties(key), diagram.document.root
    if not wanted:
        message = "Expected the properties that the key is made of, but there are none."
        yield diagram.document.problem(RULE, key, message, "Write a correlationPropertyRef for each.")
    for message_node in root.findall(bpmn("message")):
        missing = [name for name in wanted if retrieval(root, name, message_node) is None]
        if missing and len(missing) < len(wanted):
            message = f'Expected message "{message_node.get("id")}" to carry "{missing[0]}" too, but nothing says how.'
            fix = f'Write a correlationPropertyRetrievalExpression for it in the correlationProperty "{missing[0]}".'
            yield diagram.document.problem(RULE, key, message, fix)


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
    if not told.get("correlationKeyRef"):
        message = "Expected the key to subscribe to, but none is named."
        yield diagram.document.problem(RULE, told, message, "Write correlationKeyRef.")
    bound = {
        each.get("correlationPropertyRef", "").rpartition(":")[2]
        for each in told.iterfind(bpmn("correlationPropertyBinding"))
    }
    for name in [] if key is None else properties(key):
        if name not in bound:
            message = f'Expected the property "{name}" of the key to be bound to data, but it is not.'
            yield diagram.document.problem(RULE, told, message, "Write a correlationPropertyBinding for it.")


_RULES: dict[str, Callable[[Diagram, Node], Iterator[Problem]]] = {
    "message": _message,
    "correlationKey": _key,
    "correlationPropertyRetrievalExpression": _retrieval,
    "correlationPropertyBinding": _binding,
    "correlationSubscription": _subscription,
}
