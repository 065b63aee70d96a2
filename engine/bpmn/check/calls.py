"""Call activities: what is called, by which binding, and what goes in and out."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn import dialects, texts
from engine.bpmn.check import python
from engine.bpmn.check.diagram import Diagram, Text
from engine.bpmn.check.extensions import place_of
from engine.bpmn.check.limits import fault_of_variable
from engine.bpmn.elements.activities import Binding
from engine.bpmn.nodes import Node, camunda
from engine.bpmn.parse.calls import is_own_key
from engine.model.problems import Problem

RULE = "call-activity"


def check(diagram: Diagram) -> Iterator[Problem]:
    for scope in diagram.scopes:
        for node in scope.of("callActivity"):
            yield from _called(diagram, node)
            yield from _binding(diagram, node)
            for tag in ("in", "out"):
                for mapping in node.iterfind(f".//{camunda(tag)}"):
                    yield from _mapping(diagram, node, mapping)


def _called(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.3.6 Call Activity."""
    if dialects.says(node, "called"):
        return  # looked at with the other words of its tool
    text = node.get("calledElement", "")
    if not text.strip():
        message = "Expected the id of a process to call, but none is named."
        yield diagram.document.problem(RULE, node, message, "Write calledElement, the id of a deployed process.")
        return
    yield from _value(diagram, node, node, "calledElement")


_NAMING = {Binding.VERSION: ("the version", "called_version"), Binding.VERSION_TAG: ("the version tag", "called_tag")}
"""Binding -> what it needs to be told, and the term that does."""


def _binding(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for said, _read in dialects.readings(node):
        if said.word.term != "called_binding":
            continue
        place, binding = place_of(diagram, said), said.text.strip()
        if binding not in {str(each) for each in Binding}:
            message = f'Expected the binding to be {", ".join(Binding)}, but it is "{binding}".'
            yield diagram.document.problem(RULE, node, message, "Delete it to call the latest version.", place=place)
            continue
        what, term = _NAMING.get(Binding(binding), ("", ""))
        if what and not dialects.says(node, term):
            message = f"Expected {what} to call, but there is none."
            yield diagram.document.problem(RULE, node, message, f"Write {what}, or bind it to the latest.", place=place)


def _mapping(diagram: Diagram, node: Node, mapping: Node) -> Iterator[Problem]:
    place = diagram.document.place(mapping)
    if mapping.get("local", "").strip() == "true":
        message = "Only the variables of the activity itself are meant, but they are not told apart here."
        yield diagram.document.problem(
            RULE, node, message, "Name each by source and target, without local.", place=place
        )
        return
    if mapping.get("businessKey"):
        if not is_own_key(mapping.get("businessKey", "")):
            yield from _value(diagram, node, mapping, "businessKey")
        return
    if mapping.get("variables") == "all":
        return
    source, target = mapping.get("source"), mapping.get("target", "")
    if not target or not (source or mapping.get("sourceExpression")):
        message = "Expected a source and a target, but one is missing."
        yield diagram.document.problem(RULE, node, message, 'Write both, or variables="all".', place=place)
        return
    for name in (target, *([source] if source else [])):
        fault = fault_of_variable(name)
        if fault is not None:
            yield diagram.document.problem(RULE, node, fault.message, fault.fix, place=place)
    if mapping.get("sourceExpression"):
        yield from _value(diagram, node, mapping, "sourceExpression")


def _value(diagram: Diagram, node: Node, holder: Node, attribute: str) -> Iterator[Problem]:
    place, text = diagram.document.attribute_place(holder, attribute), holder.get(attribute, "")
    fault = python.fault_of_value(text)
    if fault is None:
        diagram.texts.append(Text(node, "expression-syntax", texts.value(text), lambda at: place))
    else:
        yield diagram.document.problem("expression-syntax", node, fault.message, fault.fix, place=place)
