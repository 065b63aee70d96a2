"""Variables: what is set inside a multi-instance activity, stays there, and is read outside."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from engine.bpmn import dialects, forms, items, script
from engine.bpmn.check.diagram import SUB_PROCESSES, Diagram
from engine.bpmn.check.gateways import decided_names
from engine.bpmn.nodes import Node, bpmn, camunda, local, name_of
from engine.errors import Invalid
from engine.model.problems import Problem, Severity

Names = set[str]


def check(diagram: Diagram, files: forms.FormFiles) -> Iterator[Problem]:
    """After the rules about expressions, which gather the texts. files: of the whole upload."""
    repeated = {node for node in diagram.running if node.find(_LOOP) is not None}
    staying = _staying(diagram, files, repeated) if repeated else {}
    for text in diagram.texts if staying else ():
        around = set(_around(text.node, repeated))
        for name in sorted(_read(text.source) & staying.keys()):
            unseen = [activity for activity in staying[name] if activity not in around]
            staying[name] = [activity for activity in staying[name] if activity in around]
            yield from (_unseen(diagram, activity, name, text.node) for activity in unseen)


def _unseen(diagram: Diagram, activity: Node, name: str, reader: Node) -> Problem:
    message = f'The variable "{name}" is set inside, once for each instance, and stays there; '
    message += f'"{name_of(reader) or reader.get("id", "")}" reads it outside.'
    fix = f'Set "{name}" to something before this activity, or let it out by a camunda:outputParameter.'
    return diagram.document.problem("stays-inside", activity, message, fix, severity=Severity.WARNING)


def _staying(diagram: Diagram, files: forms.FormFiles, repeated: Collection[Node]) -> dict[str, list[Node]]:
    """Name -> the multi-instance activities inside of which it is set; without names that are set outside too.

    What a text inside both reads and sets, a running total, must come from outside, though nobody sees it set.
    """
    found: dict[str, dict[Node, None]] = {}
    outside: Names = set()
    for node, names in written(diagram, files):
        around = list(_around(node, repeated))
        outside |= set() if around else names
        for name in names if around else ():
            found.setdefault(name, {}).update(dict.fromkeys(around))
    for text in diagram.texts:
        outside |= _read(text.source) & script.names(text.source).assigned
    return {name: list(activities) for name, activities in found.items() if name not in outside}


def _around(node: Node, repeated: Collection[Node]) -> Iterator[Node]:
    """The multi-instance activities that a node is, or is inside of."""
    return (each for each in (node, *node.iterancestors()) if each in repeated)


_LOOP = bpmn("multiInstanceLoopCharacteristics")


def written(diagram: Diagram, files: forms.FormFiles) -> Iterator[tuple[Node, Names]]:
    """What is set, and by which element; what a multi-instance activity lets out is set by what is around it."""
    for node in diagram.running:
        yield node, _set_by(diagram, node, files)
        parent = node.getparent()
        if node.find(_LOOP) is not None and parent is not None:
            yield parent, _let_out(diagram, node)
    yield from ((text.node, set(script.names(text.source).assigned)) for text in diagram.texts)


# ---- what is set ---------------------------------------------------------------------------------------------------


def _set_by(diagram: Diagram, node: Node, files: forms.FormFiles) -> Names:
    """The names that an element sets, scripts aside."""
    told = diagram.terms(node)
    found: set[str | None] = {told.result_variable, told.initiator, told.code_variable, told.message_variable}
    if local(node) in SUB_PROCESSES | {"process"}:
        found |= diagram.data_names(node)
    if local(node) in ("userTask", "startEvent"):
        properties = {each.get("variable", "") or each.get("id", "") for each in node.iter(camunda("formProperty"))}
        drawn = {field.get("id", "") for field in node.iter(camunda("formField"))} | properties | _keys(told, files)
        found |= drawn or decided_names(diagram, node)
    if node.find(_LOOP) is None:
        found |= _mapped(diagram, node)
    return {name for name in found if name}


def _keys(told: dialects.Terms, files: forms.FormFiles) -> Names:
    try:
        form = files.get(told.form_key) if told.form_key else None
        return set() if form is None else {field.key for field in form.fields}
    except Invalid:
        return set()  # told where the form is read


def _mapped(diagram: Diagram, node: Node) -> Names:
    """What an activity's output mapping and data output associations set around it."""
    given = [diagram.items.name(items.target(each)) for each in items.executed(node, diagram.items, outward=True)]
    told = diagram.terms(node)
    return {name for name, _source in told.outputs} | set(given)


def _let_out(diagram: Diagram, activity: Node) -> Names:
    collected = diagram.items.name(items.loop_reference(activity, "loopDataOutputRef"))
    told = diagram.terms(activity)
    return (_mapped(diagram, activity) | {collected, told.output_collection or ""}) - {""}


# ---- what is read --------------------------------------------------------------------------------------------------


def _read(source: str) -> Names:
    return {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
