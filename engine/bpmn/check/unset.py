"""Variables that are read and that nothing sets: names misspelt, or forgotten.

Services, messages, called processes and whoever starts an instance may set any name, so most names are in doubt. Told
is one that is nearly the name of another that is set, and one that nothing sets where nothing of that kind is drawn.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import NamedTuple

from engine.bpmn import forms, script
from engine.bpmn.check import python
from engine.bpmn.check.data import written
from engine.bpmn.check.diagram import SERVICES, Diagram
from engine.bpmn.names import COUNTERS
from engine.bpmn.nodes import Node, bpmn, camunda, item_name, local
from engine.bpmn.suggestions import nearest
from engine.model.problems import Place, Problem, Severity

RULE = "unset-name"
SHORTEST_COMPARED = 5
"""Characters; shorter names are alike by chance."""
MOST = 50
"""Problems of one file that are told."""
_KNOWN = script.KNOWN | COUNTERS


class _Read(NamedTuple):
    """A name that an element reads, and where."""

    node: Node
    name: str
    place: Place
    is_called: bool = False


def check(diagram: Diagram, files: forms.FormFiles) -> Iterator[Problem]:
    """After the rules about expressions, which gather the texts. files: of the whole upload."""
    reads = [read for read in (*_in_texts(diagram), *_in_mappings(diagram)) if read.name not in _KNOWN]
    if not reads:
        return
    given = {name for _node, names in (*written(diagram, files), *_own(diagram)) for name in names} - {""}
    unset = dict.fromkeys(read for read in reads if read.name not in given)
    is_open = any(_may_set_anything(diagram, node) for node in diagram.running) if unset else True
    found = (_problem(diagram, read, unset, given, is_open=is_open) for read in unset)
    yield from (problem for problem, _number in zip(filter(None, found), range(MOST), strict=False))


def _problem(
    diagram: Diagram, read: _Read, unset: Collection[_Read], given: Collection[str], *, is_open: bool
) -> Problem | None:
    message = f'Nothing sets the variable "{read.name:.60}" that is read here.'
    if read.is_called:
        message = f"There is no function {read.name:.60}()."
        near = nearest(read.name, (name for name in script.KNOWN if name.islower()))
    else:
        others = {each.node for each in unset if each.name == read.name} - {read.node}
        near = next((other for other in sorted({*given, *COUNTERS}) if _is_slip(read.name, other)), "")
        near = near if not others or near.lower() == read.name.lower() else ""
        if is_open and not near:
            return None
    fix = f'Did you mean "{near}"?' if near else "Set it before, as by a form or a script, or correct the name."
    return diagram.document.problem(RULE, read.node, message, fix, place=read.place, severity=Severity.WARNING)


def _is_slip(name: str, other: str) -> bool:
    """Whether letters have changed places or their case, or one inside is missing or too many.

    Another letter is another word.
    """
    if min(len(name), len(other)) < SHORTEST_COMPARED or name == other:
        return False
    if len(name) == len(other):
        is_swapped = sorted(name) == sorted(other) and name[0] == other[0]
        return is_swapped or name.lower() == other.lower()
    shorter, longer = sorted((name, other), key=len)
    inside = (longer[:at] + longer[at + 1 :] for at in range(1, len(longer) - 1))
    return len(longer) == len(shorter) + 1 and not longer.startswith(shorter) and shorter in inside


# ---- what is read --------------------------------------------------------------------------------------------------


def _in_texts(diagram: Diagram) -> Iterator[_Read]:
    for text in diagram.texts:
        tree, wanted = ast.parse(text.source), script.names(text.source).wanted
        called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
        bound = set(_bound(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in wanted and node.id not in bound:
                offset = python.offset_of(text.source, node.lineno, node.col_offset, is_bytes=True)
                yield _Read(text.node, node.id, text.place(offset), node in called)


def _bound(tree: ast.AST) -> Iterator[str]:
    """What a text imports, defines and catches."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            yield node.name


def _in_mappings(diagram: Diagram) -> Iterator[_Read]:
    """What a call activity hands over by name."""
    for call in (node for node in diagram.running if local(node) == "callActivity"):
        for mapping in call.iterfind(f"{bpmn('extensionElements')}/{camunda('in')}"):
            if mapping.get("source", "").isidentifier():
                yield _Read(call, mapping.get("source", ""), diagram.document.attribute_place(mapping, "source"))


# ---- what is set besides -------------------------------------------------------------------------------------------


def _own(diagram: Diagram) -> Iterator[tuple[Node, set[str]]]:
    """What elements have for themselves: their inputs, data, and the item of each round; what they hand to others."""
    for node in diagram.elements:
        told = diagram.terms(node)
        drawn = {item_name(each) for each in node.iterchildren(*map(bpmn, ("inputDataItem", "outputDataItem")))}
        handed = {mapping.get("target", "") for mapping in node.iter(camunda("in"))} if node.tag == _CALL else set()
        yield node, {name for name, _source in told.inputs} | {told.element_variable or ""} | drawn | handed
    yield from ((node, set(diagram.data_names(node))) for node in diagram.running)


_CALL = bpmn("callActivity")


def _may_set_anything(diagram: Diagram, node: Node) -> bool:
    kind, told = local(node), diagram.terms(node)
    has_form = bool(told.form_key) or told.form_data is not None
    if kind in SERVICES | {"receiveTask", "callActivity"}:
        return not (told.outputs or told.result_variable or told.effect)
    if kind == "userTask":
        return not (has_form or told.outputs)
    triggers = {local(each) for each in diagram.definitions_of(node)}
    is_begun_from_outside = kind == "startEvent" and local(node.getparent()) == "process"  # type: ignore[arg-type]
    return bool(triggers & _BRINGING) or (is_begun_from_outside and not triggers and not has_form)


_BRINGING = frozenset({"messageEventDefinition", "signalEventDefinition", "errorEventDefinition"})
"""What comes with values."""
