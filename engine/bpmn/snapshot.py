"""Live tokens <-> bytes: one part for the process, one for each open sub-process activity; no specification in it.

A row is a token: [id, parent's row, node, state, whether it is an iteration, data]. Parents come before children, and
the order of rows is the order of tokens: never sort, never store as JSONB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from engine.bpmn.elements.flow_node import Token
from engine.bpmn.specification import Specs
from engine.bpmn.variables import Scopes
from engine.bpmn.workflow import ProcessWorkflow, SubProcessWorkflow
from engine.bpmn.world import World

VERSION = 1
TOP = ""
"""Name of the process's own part; each other part is named by the token (hex) of its activity."""
_OF_THE_WHOLE = {"numbered", "is_undone"}

Parts = dict[str, bytes]


class Unreadable(Exception):
    """The snapshot was written by a newer program, or does not fit the definition."""


def dump(workflow: ProcessWorkflow) -> Parts:
    told = {name: getattr(workflow, name) for name in _OF_THE_WHOLE if getattr(workflow, name)}
    parts = {TOP: orjson.dumps({"v": VERSION, **told, **_part(workflow)})}
    for sub in workflow.subprocesses.values():
        parts[sub.part] = orjson.dumps({"spec": sub.spec.name, **_part(sub)})
    return parts


def _part(workflow: Any) -> dict[str, Any]:
    """Beside the tokens only what there is: what can be compensated, complex gateways in the midst of a round."""
    more = {"compensable": workflow.compensable, "rounds": workflow.rounds}
    return {"tokens": _rows(workflow), **{name: told for name, told in more.items() if told}}


def load(parts: Mapping[str, bytes], key: str, specs: Specs, scopes: Scopes, world: World) -> ProcessWorkflow:
    """Raises Unreadable."""
    top = orjson.loads(parts[TOP])
    if top["v"] != VERSION:
        raise Unreadable(f"Expected a snapshot of version {VERSION}, but it has version {top['v']}.")
    workflow = ProcessWorkflow(specs[key], specs, scopes, world)
    for name in _OF_THE_WHOLE & top.keys():
        setattr(workflow, name, top[name])
    try:
        _fill(workflow, top)
        _load_subprocesses(workflow, {name: orjson.loads(part) for name, part in parts.items() if name != TOP})
    except KeyError as cause:
        raise Unreadable(f"Expected every token to stand on a node of {key}, but there is no {cause}.") from cause
    return workflow


def _load_subprocesses(workflow: ProcessWorkflow, todo: dict[str, Any]) -> None:
    """Outermost first: an activity must be there before what is inside it."""
    while todo:
        ready = [name for name in todo if workflow.token(name) is not None]
        if not ready:
            raise KeyError(next(iter(todo)))
        for name in ready:
            part = todo.pop(name)
            holder = UUID(hex=name)
            sub = SubProcessWorkflow(workflow.subprocess_specs[part["spec"]], holder, workflow)
            workflow.subprocesses[holder] = sub
            _fill(sub, part)
            if sub.is_over:
                workflow.agenda.left[sub] = None


def _rows(workflow: Any) -> list[list[Any]]:
    root = workflow.task_tree.id
    tokens = [token for token in workflow.tasks.values() if token.id != root]
    at = {token.id: number for number, token in enumerate(tokens)}
    return [
        [token.id.hex, at.get(token._parent), token.task_spec.name, token._state, token.triggered, token.internal_data]
        for token in tokens
    ]


def _fill(workflow: Any, part: Mapping[str, Any]) -> None:
    workflow.compensable, workflow.rounds = part.get("compensable", []), part.get("rounds", {})
    for node in workflow.rounds:
        workflow.top_workflow.agenda.gathering[workflow, workflow.spec.task_specs[node]] = None
    tokens: list[Token] = []
    for token_id, parent, node, state, triggered, data in part["tokens"]:
        above = workflow.task_tree if parent is None else tokens[parent]
        token = Token(workflow, workflow.spec.task_specs[node], above, state=state, id=UUID(hex=token_id))
        token.triggered = triggered
        token.internal_data = data
        tokens.append(token)
        workflow.top_workflow.agenda.restore(token)
