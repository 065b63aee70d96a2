"""Work for people: who may do it, and the form they fill in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from engine.bpmn import forms
from engine.bpmn.check.diagram import Diagram
from engine.bpmn.check.extensions import is_drawn_for_another_tool
from engine.bpmn.dialects.camunda7 import WORK_OF_PEOPLE
from engine.bpmn.dialects.roles import ROLES
from engine.bpmn.nodes import Node, bpmn, camunda, local
from engine.bpmn.suggestions import near_name
from engine.errors import Invalid
from engine.model.problems import Problem, Severity

_ASSIGNMENT = ("assignee", "candidateUsers", "candidateGroups")


def check(diagram: Diagram, files: forms.FormFiles) -> Iterator[Problem]:
    """files: of the whole upload."""
    names = files.names.keys()
    yield from _embedded(diagram)
    in_lanes = frozenset(_in_lanes(diagram))
    for node in diagram.running:
        if local(node) in ("userTask", "startEvent"):
            yield from _form(diagram, node, names)
            yield from _form_data(diagram, node)
        if local(node) in WORK_OF_PEOPLE:
            yield from _assignment(diagram, node, in_lanes)


# ---- who -----------------------------------------------------------------------------------------------------------


def _assignment(diagram: Diagram, task: Node, in_lanes: frozenset[str]) -> Iterator[Problem]:
    told = diagram.terms(task)
    is_given = bool(told.assignee or told.candidate_users or told.candidate_groups)
    if is_given or any(task.get(camunda(word), "").strip() for word in _ASSIGNMENT) or is_drawn_for_another_tool(task):
        return
    if next(task.iterchildren(*map(bpmn, ROLES)), None) is not None or _is_in(task, in_lanes):
        return
    message = "Nothing says whose work this is, so everybody is offered it."
    fix = "Give it an assignee or a candidate group, or draw it in a lane that bears a group's name."
    yield diagram.document.problem("missing-assignee", task, message, fix, severity=Severity.WARNING)


def _in_lanes(diagram: Diagram) -> Iterator[str]:
    for process in diagram.executable:
        for lane in process.iter(bpmn("lane")):
            if lane.get("name", "").strip():
                yield from ((each.text or "").strip() for each in lane.findall(bpmn("flowNodeRef")))


def _is_in(task: Node, in_lanes: frozenset[str]) -> bool:
    """Whether the task, or a sub-process around it, is drawn in a named lane."""
    return any(node.get("id") in in_lanes for node in (task, *task.iterancestors()))


# ---- forms ---------------------------------------------------------------------------------------------------------


def _form(diagram: Diagram, node: Node, names: Collection[str]) -> Iterator[Problem]:
    attribute = next((each for each in map(camunda, ("formKey", "formRef")) if node.get(each, "").strip()), None)
    if attribute is None:
        yield from _named_form(diagram, node, names)
        return
    key = node.get(attribute, "").strip()
    place = diagram.document.attribute_place(node, attribute)
    wanted = forms.wanted_name(key)
    if attribute == camunda("formKey") and forms.is_elsewhere(key) and "${" not in key and wanted not in names:
        message = f'The form "{key}" is of another tool; people are shown one that asks for what the process needs.'
        fix = 'Draw it in the form editor, upload it together with the diagram and write its file name, "order.form".'
        yield diagram.document.problem("form-missing", node, message, fix, place=place, severity=Severity.WARNING)
    elif "${" not in key and wanted not in names:
        message = f'Expected a form "{wanted}" in the upload, but there is none.'
        known = sorted(name for name in names if name.endswith(forms.ENDINGS))
        there = f" There is: {', '.join(known[:5])}." if known else ""
        fix = near_name(wanted, known) or f"Upload the form file together with the diagram.{there}"
        yield diagram.document.problem("form-missing", node, message, fix, place=place)


def _named_form(diagram: Diagram, node: Node, names: Collection[str]) -> Iterator[Problem]:
    """A file of the upload, in the words of other tools."""
    terms = diagram.terms(node)
    key = terms.form_key or ""
    if key and not forms.is_elsewhere(key) and forms.wanted_name(key) not in names:
        message = f'Expected a form "{forms.wanted_name(key)}" in the upload, but there is none.'
        yield diagram.document.problem("form-missing", node, message, "Upload the form file together with the diagram.")


def _embedded(diagram: Diagram) -> Iterator[Problem]:
    """Forms inside the diagram: what is wrong with them, in the lines of the file around them."""
    for identifier, node in forms.embedded(diagram.document.root).items():
        text = node.text or ""
        try:
            forms.from_form_js(identifier, text.encode())
        except Invalid as cause:
            lines = text.splitlines(keepends=True)
            for problem in cause.problems:
                offset = sum(map(len, lines[: problem.place.line - 1])) + problem.place.column - 1
                identifier = problem.element_id or identifier
                yield replace(problem, place=diagram.document.text_place(node, offset), element_id=identifier)


def _form_data(diagram: Diagram, node: Node) -> Iterator[Problem]:
    holders = node.findall(bpmn("extensionElements"))
    for form_data in [*holders, *(data for each in holders for data in each.findall(camunda("formData")))]:
        for field, fault in forms.faults_of_form_data(form_data):
            called = field.get("label") or field.get("name") or field.get("id") or "(without a label)"
            place = diagram.document.place(field)
            yield diagram.document.problem("form-invalid", node, f'Field "{called:.50}": {fault}', place=place)
