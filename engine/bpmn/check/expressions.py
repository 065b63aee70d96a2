"""Conditions, scripts, mappings and the expressions in attributes: parsed at upload, with the place inside the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from engine.bpmn import dialects
from engine.bpmn.check import python
from engine.bpmn.check.diagram import Diagram, Node, owner
from engine.bpmn.check.python import Fault
from engine.bpmn.juel import Untranslatable
from engine.bpmn.read import bpmn, camunda, local
from engine.model import Place, Problem

PYTHON = frozenset({"", "python", "python3", "text/python", "text/x-python", "application/python"})
LANGUAGES = PYTHON | {"juel"}
"""Of conditions: JUEL stands inside ${...}."""


class Text(NamedTuple):
    """A text in Python that holds together, for the sandbox's parser to look at."""

    node: Node
    rule: str
    source: str
    place: Callable[[int], Place]
    """Where a character of the source stands in the file."""


def check(diagram: Diagram) -> Iterator[Problem]:
    texts: list[Text] = []
    for node in diagram.running:
        yield from _attributes(diagram, node)
        yield from _mappings(diagram, node)
        yield from _roles(diagram, node)
        read = _TEXTS.get(local(node))
        if read is not None:
            yield from read(diagram, node, texts)
    yield from _beyond_sandbox(diagram, texts)


def _beyond_sandbox(diagram: Diagram, texts: list[Text]) -> Iterator[Problem]:
    faults = dict(python.beyond_sandbox(text.source for text in texts))
    for text in texts:
        fault = faults.get(text.source)
        if fault is not None:
            place = text.place(fault.offset)
            yield diagram.document.problem(text.rule, text.node, fault.message, fault.fix, place=place)


# ---- elements whose text is an expression or a script --------------------------------------------------------------


def _expression(diagram: Diagram, node: Node, texts: list[Text]) -> Iterator[Problem]:
    """node: the element that holds the text; the problem names the one around it, which people see."""
    seen, text = owner(node), node.text or ""
    rule = "condition-syntax" if local(node) == "conditionExpression" else "expression-syntax"
    language = node.get("language", "").lower().rpartition("/")[2]
    if not text.strip():
        return
    if language not in LANGUAGES:
        message = f'Expected the expression in Python, but its language is "{node.get("language")}".'
        place = diagram.document.attribute_place(node, "language")
        yield diagram.document.problem("script-language", seen, message, "Write it in Python.", place=place)
        return
    fault = python.fault_of_expression(text)
    if fault is not None:
        place = diagram.document.text_place(node, fault.offset)
        yield diagram.document.problem(rule, seen, fault.message, fault.fix, place=place)
    elif "{" not in text:
        source = python.bracketed(text)
        texts.append(Text(seen, rule, source, _in_expression(diagram, node, text, source)))


def _in_expression(diagram: Diagram, node: Node, text: str, source: str) -> Callable[[int], Place]:
    return lambda at: diagram.document.text_place(node, python.offset_in_expression(text, source, at))


def _script(diagram: Diagram, task: Node, texts: list[Text]) -> Iterator[Problem]:
    language = task.get("scriptFormat", "").lower()
    if language not in PYTHON:
        message = f'Expected a script in Python, but its format is "{task.get("scriptFormat")}".'
        fix = 'Write it in Python, and scriptFormat="python".'
        place = diagram.document.attribute_place(task, "scriptFormat")
        yield diagram.document.problem("script-language", task, message, fix, place=place)
        return
    node = task.find(bpmn("script"))
    text = "" if node is None else node.text or ""
    if node is None or not text.strip():
        if task.get(camunda("resource")) is None:
            yield diagram.document.problem("script-empty", task, "Expected a script, but there is none.", "Write one.")
        return
    fault = python.fault_of_script(text)
    if fault is not None:
        place = diagram.document.text_place(node, fault.offset)
        yield diagram.document.problem("script-syntax", task, fault.message, fault.fix, place=place)
    else:
        texts.append(Text(task, "script-syntax", dialects.script(text), _in_script(diagram, node, text)))


def _in_script(diagram: Diagram, node: Node, text: str) -> Callable[[int], Place]:
    return lambda at: diagram.document.text_place(node, python.offset_in_script(text, at))


_TEXTS: dict[str, Callable[[Diagram, Node, list[Text]], Iterator[Problem]]] = {
    "conditionExpression": _expression,
    "loopCondition": _expression,
    "loopCardinality": _expression,
    "completionCondition": _expression,
    "scriptTask": _script,
}


# ---- attributes, mappings, roles -----------------------------------------------------------------------------------


def _attributes(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for name, text, _term, read in dialects.attributes(node):
        fault = _fault(read, text)
        if fault is not None:
            place = diagram.document.attribute_place(node, name, fault.offset)
            yield diagram.document.problem("expression-syntax", owner(node), fault.message, place=place)


def _mappings(diagram: Diagram, node: Node) -> Iterator[Problem]:
    path = f"{bpmn('extensionElements')}/{camunda('inputOutput')}/"
    for tag in ("inputParameter", "outputParameter"):
        for parameter in node.findall(path + camunda(tag)):
            yield from _mapping_name(diagram, node, parameter)
            yield from _mapping_value(diagram, node, parameter)


def _mapping_name(diagram: Diagram, node: Node, parameter: Node) -> Iterator[Problem]:
    name = parameter.get("name", "").strip()
    if not name.isidentifier() or name.startswith("__"):
        message = f'Expected a mapping to the name of a variable, but it is "{name}".'
        fix, place = "Use letters, digits and _, a letter first.", diagram.document.place(parameter)
        yield diagram.document.problem("mapping-name", node, message, fix, place=place)


def _mapping_value(diagram: Diagram, node: Node, parameter: Node) -> Iterator[Problem]:
    fault, holder = _fault(dialects.mapped, parameter), parameter
    for script in parameter.iter(camunda("script")) if fault is None else ():
        fault, holder = python.fault_of_expression(script.text or ""), script
        if fault is not None:
            break
    if fault is not None:
        place = diagram.document.text_place(holder, fault.offset)
        yield diagram.document.problem("expression-syntax", node, fault.message, fault.fix, place=place)


def _roles(diagram: Diagram, node: Node) -> Iterator[Problem]:
    path = f"{bpmn('resourceAssignmentExpression')}/{bpmn('formalExpression')}"
    for role in node.iterchildren(*map(bpmn, dialects.ROLES)):
        fault = _fault(dialects.resource_name, role)
        if fault is not None:
            place = diagram.document.place(role)
            yield diagram.document.problem("unresolved-ref", node, fault.message, place=place)
        for formal in role.findall(path):
            fault = _fault(dialects.performers, formal.text or "")
            if fault is not None:
                place = diagram.document.text_place(formal, fault.offset)
                yield diagram.document.problem("expression-syntax", node, fault.message, place=place)


T = TypeVar("T")


def _fault(read: Callable[[T], object], told: T) -> Fault | None:
    try:
        read(told)
    except Untranslatable as cause:
        return Fault(cause.message, "", cause.offset)
    return None
