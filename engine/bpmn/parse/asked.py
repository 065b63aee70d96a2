"""What a process reads before anything in it could have set it: a start form made from nothing asks for that.

Looked for along the sequence flows. Where a service, a message or a called process may set anything, nothing behind it
is asked for.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.bpmn import forms
from engine.bpmn.elements import activities, event_definition, events, loops
from engine.bpmn.elements.data import Association, Data
from engine.bpmn.elements.flow_node import FlowNode
from engine.bpmn.names import COUNTERS
from engine.bpmn.script import KNOWN, ScriptFailed, names
from engine.bpmn.specification import ProcessSpec
from engine.errors import EngineError
from engine.model.forms import Form

MOST_WORK = 200_000
"""Nodes looked at, over all names; in a diagram that needs more nothing is asked."""
_KNOWN = KNOWN | COUNTERS


@dataclass
class _Process:
    """A process that is built, as far as it concerns who reads and sets what."""

    specs: Mapping[str, ProcessSpec]
    forms: Mapping[str, forms.FormSource]
    told: dict[str, _Told] = field(default_factory=dict)

    def of(self, node: FlowNode) -> _Told:
        if node.element.id not in self.told:
            self.told[node.element.id] = _told(self, node)
        return self.told[node.element.id]


@dataclass(frozen=True, slots=True)
class _Told:
    """What one element reads as a token comes, what it sets, and what it reads as the token leaves."""

    read: frozenset[str] = frozenset()
    set: frozenset[str] = frozenset()
    sets_anything: bool = False
    read_behind: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    """Data of its own, which hides variables from what is inside."""


def start_form(
    specs: Mapping[str, ProcessSpec],
    key: str,
    drawn: Mapping[str, forms.FormSource],
    *,
    start: str,
    known: Container[str] = (),
) -> Form | None:
    """A form with a field for each name; None when there is nothing to ask.

    start: the start event where an instance begins. known: set as it begins.
    """
    process = _Process(specs, drawn)
    nodes = [node for spec in specs.values() for node in _nodes(spec)]
    told = map(process.of, nodes)
    read = dict.fromkeys(name for each in told for name in sorted(each.read | each.read_behind))
    wanted = [name for name in read if name not in _KNOWN and name not in known]
    if not wanted or len(wanted) * len(nodes) > MOST_WORK:
        return None
    asked = [name for name in wanted if _is_needed(process, specs[key], start, name)]
    conditions = [flow.condition for node in nodes for flow in node.flows if flow.condition]
    scripts = [work.script for work in map(_work, nodes) if isinstance(work, activities.ScriptTask)]
    return forms.from_names(asked, conditions, scripts=scripts, lists=_collections(nodes)) if asked else None


def _nodes(spec: ProcessSpec) -> list[FlowNode]:
    """The elements of a (sub-)process; of a repeated one its body stands for both."""
    return [node for name, node in spec.task_specs.items() if name == node.element.id and node is not spec.start]


def _is_needed(process: _Process, spec: ProcessSpec, start: str, name: str) -> bool:
    """Whether a token may come to where the name is read without passing where it is set."""
    todo, seen = [(spec, start)], set[str]()
    while todo:
        around, node_name = todo.pop()
        if node_name in seen:
            continue
        seen.add(node_name)
        node = around.task_specs[node_name]
        told = process.of(node)
        if name in told.read:
            return True
        inner = _inside(process, node)
        todo += [(around, event) for event in node.boundary]
        todo += [(inner, first) for first in inner.start_nodes] if inner and name not in told.own else []
        if name in told.set or told.sets_anything:
            continue
        if name in told.read_behind:
            return True
        todo += [(around, following) for following in node.next_nodes()]
    return False


def _inside(process: _Process, node: FlowNode) -> ProcessSpec | None:
    work = _work(node)
    return process.specs[work.inner] if isinstance(work, activities.SubProcess) else None


def _work(node: FlowNode) -> FlowNode:
    """What a repeated element does each time; the element itself when it is not repeated."""
    if not isinstance(node, loops.Repeated):
        return node
    each: FlowNode = node._wf_spec.task_specs[node.each]
    return each


# ---- one element ---------------------------------------------------------------------------------------------------


def _told(process: _Process, node: FlowNode) -> _Told:
    work = _work(node)
    own, data = _own(node), work.element.data or Data()
    read = set(_read(_repeating(node))).union(*(each.read for each in _collected(node)))
    read |= set().union(*(each.read for each in data.inputs)) - own
    read |= set(_read(mapping.source for mapping in work.element.inputs)) - own
    local = own | {mapping.name for mapping in work.element.inputs} | set(data.own)
    read |= (_needed_by_script(work) | set(_read(_sources(work)))) - local
    given, is_open = _given(process, work)
    if work.element.outputs:
        given, is_open = {mapping.name for mapping in work.element.outputs}, False
    if isinstance(node, loops.MultiInstanceBody):
        output = node.told.output_collection
        given, is_open = {output} if output else set(), False
        given |= {each.target.name for each in node.told.given}
    given = (given - set(data.own)) | {each.target.name for each in data.outputs}
    conditions = _read(flow.condition for flow in node.flows if flow.condition)
    return _Told(frozenset(read), frozenset(given), is_open, frozenset(conditions), frozenset(data.own))


def _read(sources: Iterable[str | None]) -> Iterator[str]:
    for source in sources:
        if source:
            try:
                yield from names(source).read
            except ScriptFailed:
                continue  # not for us to tell


def _repeating(node: FlowNode) -> list[str | None]:
    if isinstance(node, loops.MultiInstanceBody):
        return [None if node.told.brought else node.told.collection, node.told.cardinality]
    if isinstance(node, loops.LoopBody):
        return [node.loop.condition if node.loop.test_before else None, node.loop.maximum]
    return []


def _collected(node: FlowNode) -> tuple[Association, ...]:
    return node.told.brought if isinstance(node, loops.MultiInstanceBody) else ()


def _own(node: FlowNode) -> set[str]:
    """Names that a repeated element has for each time only."""
    return {node.told.item} if isinstance(node, loops.MultiInstanceBody) and node.told.item else set()


def _sources(work: FlowNode) -> list[str | None]:
    for kind, sources in _SOURCES.items():
        if isinstance(work, kind):
            return sources(work)
    return []


def _of_user_task(task: activities.UserTask) -> list[str | None]:
    told = task.assignment
    return [told.assignee, *told.candidate_users, *told.candidate_groups, told.due, told.follow_up, told.priority]


def _of_call(call: activities.CallActivity) -> list[str | None]:
    return [call.called.process, call.called.version, call.called.business_key]


def _of_event(event: events.CatchEvent) -> list[str | None]:
    return [getattr(each, "source", None) for _at, each in event.parts()]


_SOURCES: Mapping[type[FlowNode], Callable[..., list[str | None]]] = {
    activities.UserTask: _of_user_task,
    activities.CallActivity: _of_call,
    events.CatchEvent: _of_event,
}


def _needed_by_script(work: FlowNode) -> set[str]:
    """Names that a script reads before it has set them itself."""
    if not isinstance(work, activities.ScriptTask):
        return set()
    found, known = set[str](), set[str]()
    for statement in ast.parse(work.script).body:
        used = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        stored = {node.id for node in used if isinstance(node.ctx, ast.Store)}
        again = {statement.target.id} if _is_augmented(statement) else set()  # type: ignore[attr-defined]
        read = {node.id for node in used if isinstance(node.ctx, ast.Load)}
        own = stored if not isinstance(statement, ast.Assign) else set[str]()
        found |= (read - known - own) | (again - known)
        known |= stored | _bound(statement)
    return found


def _is_augmented(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name)


def _bound(statement: ast.stmt) -> set[str]:
    """Names of what a statement imports or defines."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(each.asname or each.name).partition(".")[0] for each in statement.names}
    return {statement.name} if isinstance(statement, ast.FunctionDef) else set()


# ---- what an element sets ------------------------------------------------------------------------------------------


def _given(process: _Process, work: FlowNode) -> tuple[set[str], bool]:
    """(names that it sets, whether it may set anything)"""
    match work:
        case activities.ScriptTask():
            return set(names(work.script).assigned), False
        case activities.ServiceTask():
            return ({work.result_variable}, False) if work.result_variable else (set(), True)
        case activities.UserTask():
            return _filled_in(process, work)
        case activities.CallActivity():
            return set(), True
        case activities.SubProcess():
            return _given_inside(process, process.specs[work.inner])
        case events.CatchEvent():
            return {"errorCode", "errorMessage", "escalationCode"}, _brings_anything(work)
    return set(), False


def _brings_anything(event: events.CatchEvent) -> bool:
    return any(isinstance(each, event_definition.Message | event_definition.Signal) for _at, each in event.parts())


def _filled_in(process: _Process, task: FlowNode) -> tuple[set[str], bool]:
    try:
        form = process.forms[task.element.id].form
    except EngineError:
        return set(), True  # its file is missing: told elsewhere
    return {each.key for each in form.fields} | {name for button in form.buttons for name in button.values}, False


def _given_inside(process: _Process, inner: ProcessSpec) -> tuple[set[str], bool]:
    told = [process.of(node) for node in _nodes(inner)]
    return {name for each in told for name in each.set}, any(each.sets_anything for each in told)


def _collections(nodes: Iterable[FlowNode]) -> set[str]:
    bodies = [node for node in nodes if isinstance(node, loops.MultiInstanceBody)]
    return {body.told.collection for body in bodies if body.told.collection and body.told.collection.isidentifier()}
