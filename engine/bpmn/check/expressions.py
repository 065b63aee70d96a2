"""Conditions, scripts, mappings and roles: parsed at upload, with the place inside the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from engine.bpmn import dialects, names, scripts, texts
from engine.bpmn.check import python
from engine.bpmn.check.diagram import Diagram, Text, owner
from engine.bpmn.check.extensions import is_drawn_for_another_tool
from engine.bpmn.check.limits import fault_of_people
from engine.bpmn.check.python import Fault
from engine.bpmn.dialects import listeners, mappings, roles
from engine.bpmn.nodes import FLOW_NODES, OPERATOR, SPIFF, Node, bpmn, camunda, local
from engine.bpmn.suggestions import near_name
from engine.bpmn.translation import Untranslatable
from engine.model.problems import Place, Problem, Severity

PYTHON = frozenset({"", "python", "python3", "text/python", "text/x-python", "application/python"})
LANGUAGES = PYTHON | {"juel"}
"""Of conditions: JUEL stands inside ${...}."""


def check(diagram: Diagram) -> Iterator[Problem]:
    yield from _language_of_file(diagram)
    for node in diagram.running:
        yield from _mappings(diagram, node)
        yield from _operands(diagram, node)
        yield from _zeebe_mappings(diagram, node)
        yield from _listeners(diagram, node)
        yield from _roles(diagram, node)
        yield from _starters(diagram, node)
        read = _TEXTS.get(local(node))
        if read is not None:
            yield from read(diagram, node)


_UNMEANT = frozenset({"xpath", "xhtml"})
"""What modelers write into a file without asking."""


def _language_of_file(diagram: Diagram) -> Iterator[Problem]:
    """The language of all expressions that name none. A warning: tools write it even where nobody uses it.

    Source: BPMN 2.0.2, Definitions: expressionLanguage.
    """
    root = diagram.document.root
    said = root.get("expressionLanguage", "")
    is_used = any(_TEXTS.get(local(node)) is expression and not node.get("language") for node in diagram.running)
    if not is_used or said.lower().rstrip("/").rpartition("/")[2] in LANGUAGES | _UNMEANT:
        return
    message = f'The file says that its expressions are written in "{said:.100}"; here they are read as Python.'
    fix = "Look through the conditions; then delete expressionLanguage."
    place = diagram.document.attribute_place(root, "expressionLanguage")
    yield diagram.document.problem("script-language", root, message, fix, place=place, severity=Severity.WARNING)


# ---- elements whose text is an expression or a script --------------------------------------------------------------


def expression(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """node: the element that holds the text; the problem names the one around it, which people see."""
    seen, text = owner(node), node.text or ""
    rule = "condition-syntax" if local(node) == "conditionExpression" else "expression-syntax"
    language = node.get("language", "").lower().rpartition("/")[2]
    if not text.strip():
        return
    if language not in LANGUAGES | scripts.FORMATS.keys():
        message = f'Expected the expression in Python, but its language is "{node.get("language")}".'
        place = diagram.document.attribute_place(node, "language")
        yield diagram.document.problem("script-language", seen, message, "Write it in Python.", place=place)
        return
    is_foreign = texts.is_foreign(text) or language not in LANGUAGES
    read = python.fault_of_condition if local(node) in _CONDITIONS else python.fault_of_expression
    fault = _fault_of_foreign(node) if is_foreign else read(text)
    if fault is not None:
        place = diagram.document.text_place(node, fault.offset)
        yield diagram.document.problem(rule, seen, fault.message, fault.fix, place=place)
        return
    source = scripts.of_expression(node) if is_foreign else python.bracketed(text)
    diagram.texts.append(Text(seen, rule, source, _in_expression(diagram, node, text, source, is_foreign=is_foreign)))


_CONDITIONS = frozenset({"conditionExpression", "condition", "loopCondition", "completionCondition"})
"""What is true or false."""


def _fault_of_foreign(node: Node) -> Fault | None:
    source, fault = read_by(scripts.of_expression, node)
    return fault or python.fault_of_source(source or "")


def _in_expression(diagram: Diagram, node: Node, text: str, source: str, *, is_foreign: bool) -> Callable[[int], Place]:
    if is_foreign:
        return lambda at: diagram.document.text_place(node)
    return lambda at: diagram.document.text_place(node, python.offset_in_expression(text, source, at))


def _script(diagram: Diagram, task: Node) -> Iterator[Problem]:
    if dialects.says(task, "effect") or dialects.says(task, "topic"):
        return  # no script of its own
    language = task.get("scriptFormat", "").lower()
    if language not in PYTHON | scripts.FORMATS.keys():
        message = f'Expected a script in Python, but its format is "{task.get("scriptFormat")}".'
        near = near_name(language, ["python", "javascript", "groovy"])
        fix = near or 'Write it in Python, and scriptFormat="python".'
        place = diagram.document.attribute_place(task, "scriptFormat")
        yield diagram.document.problem("script-language", task, message, fix, place=place)
        return
    node = task.find(bpmn("script"))
    text = "" if node is None else node.text or ""
    if node is None or not text.strip():
        if task.get(camunda("resource")) is None and not is_drawn_for_another_tool(task):
            yield diagram.document.problem("script-empty", task, "Expected a script, but there is none.", "Write one.")
        return
    result = task.get(camunda("resultVariable"))
    if language not in PYTHON and _fault_of_foreign_script(task) and _is_python(text):
        message = f'The script is Python, but its format is "{task.get("scriptFormat")}".'
        place = diagram.document.attribute_place(task, "scriptFormat")
        yield diagram.document.problem("script-language", task, message, 'Write scriptFormat="python".', place=place)
        return
    fault = python.fault_of_script(text) if language in PYTHON and not result else _fault_of_foreign_script(task)
    if fault is not None:
        place = diagram.document.text_place(node, fault.offset)
        yield diagram.document.problem("script-syntax", task, fault.message, fault.fix, place=place)
    elif language in PYTHON and not result:
        diagram.texts.append(Text(task, "script-syntax", texts.script(text), _in_script(diagram, node, text)))
    else:
        source = scripts.of_task(task)
        diagram.texts.append(Text(task, "script-syntax", source, lambda _at: diagram.document.text_place(node)))


_PYTHON_ALONE = re.compile(r":\s*$|\b(?:and|or|not|elif|None|True|False)\b", re.MULTILINE)


def _is_python(text: str) -> bool:
    return _PYTHON_ALONE.search(text) is not None and python.fault_of_script(text) is None


def _fault_of_foreign_script(task: Node) -> Fault | None:
    source, fault = read_by(scripts.of_task, task)
    return fault or python.fault_of_script(source or "")


def _in_script(diagram: Diagram, node: Node, text: str) -> Callable[[int], Place]:
    return lambda at: diagram.document.text_place(node, python.offset_in_script(text, at))


_TEXTS: dict[str, Callable[[Diagram, Node], Iterator[Problem]]] = {
    "conditionExpression": expression,
    "condition": expression,
    "loopCondition": expression,
    "loopCardinality": expression,
    "completionCondition": expression,
    "activationCondition": expression,
    "transformation": expression,
    "from": expression,
    "scriptTask": _script,
}


# ---- mappings ------------------------------------------------------------------------------------------------------


def _mappings(diagram: Diagram, node: Node) -> Iterator[Problem]:
    path = f"{bpmn('extensionElements')}/{camunda('inputOutput')}/"
    for tag in ("inputParameter", "outputParameter"):
        for parameter in node.findall(path + camunda(tag)):
            yield from _mapping_name(diagram, node, parameter)
            yield from _mapping_value(diagram, node, parameter)


def _operands(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Of SpiffWorkflow's operator."""
    for parameter in node.iterfind(f"{bpmn('extensionElements')}/{OPERATOR}//{{{SPIFF}}}parameter"):
        yield from _mapping_name(diagram, node, parameter, "id")
        source, fault = read_by(texts.expression, parameter.get("value", ""))
        place = diagram.document.attribute_place(parameter, "value")
        yield from sources_problems(diagram, node, [source] if source and fault is None else [], place, fault)


def _zeebe_mappings(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Of Camunda 8."""
    for parameter in node.iterfind(f"{bpmn('extensionElements')}/{mappings.ZEEBE_MAPPING}/*"):
        yield from _mapping_name(diagram, node, parameter, "target")
        source, fault = read_by(mappings.zeebe, parameter)
        place = diagram.document.attribute_place(parameter, "source", 0 if fault is None else fault.offset)
        yield from sources_problems(diagram, node, [] if source is None else [source[1]], place, fault)


def _always(place: Place) -> Callable[[int], Place]:
    return lambda _at: place


def _listeners(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for listener in listeners.of(node) if local(node) in FLOW_NODES else ():
        if listener.node.get("class") or listener.node.get("delegateExpression"):
            continue  # refused by the rule about extensions
        source, fault = read_by(listeners.script, listener)
        fault = fault or python.fault_of_script(source or "")
        drawn = listener.node.find(camunda("script"))
        place = diagram.document.place(listener.node if drawn is None else drawn)
        if fault is not None:
            yield diagram.document.problem("script-syntax", node, fault.message, fault.fix, place=place)
        else:
            diagram.texts.append(Text(node, "script-syntax", source or "", _always(place)))


def _mapping_name(diagram: Diagram, node: Node, parameter: Node, attribute: str = "name") -> Iterator[Problem]:
    name = parameter.get(attribute, "").strip()
    path = name.split(".") if parameter.tag == mappings.ZEEBE_INPUT else [name]
    if not all(map(names.is_variable, path)):
        message = f'Expected a mapping to the name of a variable, but it is "{name:.50}".'
        place = diagram.document.place(parameter)
        yield diagram.document.problem("mapping-name", node, message, names.RULE, place=place)


def _mapping_value(diagram: Diagram, node: Node, parameter: Node) -> Iterator[Problem]:
    holder = parameter
    source, fault = read_by(mappings.mapped, parameter)
    for script in parameter.iter(camunda("script")) if fault is None else ():
        is_python = script.get("scriptFormat", "python").lower() in PYTHON
        fault, holder = python.fault_of_expression(script.text or "") if is_python else None, script
        if fault is not None:
            break
    sources = [] if source is None else [source[1]]
    place = diagram.document.text_place(holder, 0 if fault is None else fault.offset)
    yield from sources_problems(diagram, node, sources if fault is None else [], place, fault)


# ---- roles ---------------------------------------------------------------------------------------------------------


def _roles(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for role in node.iterchildren(*map(bpmn, roles.ROLES)):
        name, fault = read_by(roles.resource_name, role)
        fault = fault or fault_of_people([repr(name or "")])
        if fault is not None:
            place = diagram.document.place(role)
            yield diagram.document.problem("unresolved-ref", node, fault.message, place=place)
        for formal in role.findall(roles.EXPRESSIONS):
            found, fault = read_by(roles.performers, formal.text or "")
            sources = [source for _word, source in found or ()]
            fault = fault or fault_of_people(sources)
            place = diagram.document.text_place(formal, 0 if fault is None else fault.offset)
            yield from sources_problems(diagram, node, sources, place, fault)


def _starters(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for formal in node.iterfind(f"{bpmn('extensionElements')}/{roles.STARTER}/{roles.EXPRESSIONS}"):
        _found, fault = read_by(roles.may_start, formal.text or "")
        place = diagram.document.text_place(formal, 0 if fault is None else fault.offset)
        yield from sources_problems(diagram, node, (), place, fault)


# ---- what is translated --------------------------------------------------------------------------------------------


def sources_problems(
    diagram: Diagram, node: Node, sources: Iterable[str], place: Place, fault: Fault | None
) -> Iterator[Problem]:
    """The fault found already, or else those of the Python that the text became, all told at one place."""
    sources = list(sources)
    fault = fault or next(filter(None, map(python.fault_of_source, sources)), None)
    if fault is not None:
        yield diagram.document.problem("expression-syntax", owner(node), fault.message, fault.fix, place=place)
        return
    diagram.texts.extend(Text(owner(node), "expression-syntax", source, lambda _at: place) for source in sources)


T = TypeVar("T")
R = TypeVar("R")


def read_by(read: Callable[[T], R], told: T) -> tuple[R | None, Fault | None]:
    """What a reader makes of something, or why it cannot."""
    try:
        return read(told), None
    except Untranslatable as cause:
        return None, Fault(cause.message, "", cause.offset)
