"""Live tokens <-> bytes: one part for the process, one for each open sub-process activity; no specification in it.

Of an activity that is done many times side by side, TOGETHER instances make one part, with all that is inside of them:
the rest need not be loaded, nor written, when something happens to one.
A row is a token: [id, parent's row, node, state, whether it is an iteration, data]. Parents come before children, and
the order of rows is the order of tokens: never sort, never store as JSONB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from SpiffWorkflow.util.task import TaskState

from engine.bpmn.asleep import MARK, Asleep, Unreadable, WrittenLater, holder_of
from engine.bpmn.elements.flow_node import Token
from engine.bpmn.memory import Memory
from engine.bpmn.specification import Specs
from engine.bpmn.tokens import SubProcessWorkflow
from engine.bpmn.variables import PROCESS, Scopes
from engine.bpmn.wait import waits_of
from engine.bpmn.workflow import ProcessWorkflow
from engine.bpmn.world import World

VERSION = 2
"""2: instances side by side have parts of their own. One of 1 is read, and written as 2."""
TOP = ""
"""Name of the process's own part; one of a sub-process activity is named by its token (hex), one of instances of a
repeated activity by the token of its body, a colon and a number."""
TOGETHER = 10
_OF_THE_WHOLE = {"numbered", "is_undone"}

Parts = dict[str, bytes]


# ---- saving --------------------------------------------------------------------------------------------------------


def dump(workflow: ProcessWorkflow) -> Parts:
    told = {name: getattr(workflow, name) for name in _OF_THE_WHOLE if getattr(workflow, name)}
    drafts = {TOP: _Draft({"v": VERSION, **told}, can_sleep=False)}
    _draw(drafts, workflow, drafts[TOP])
    for sub in workflow.subprocesses.values():
        draft = _Draft({"spec": sub.spec.name}, can_sleep=not (sub.rounds or sub.is_over))
        group = _group(sub)
        (drafts if group is None else drafts[group].inside)[sub.part] = draft
        _draw(drafts, sub, draft)
    return {name: orjson.dumps(draft.json()) for name, draft in drafts.items()} | workflow.asleep.parts


@dataclass(slots=True)
class _Draft:
    """A part that is being written."""

    told: dict[str, Any] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    inside: dict[str, _Draft] = field(default_factory=dict)
    """What is inside of instances side by side."""
    can_sleep: bool = True

    def json(self) -> dict[str, Any]:
        drafts = list(self._all())
        sleeps = all(each.can_sleep and not any(map(_is_asked, each.tokens)) for each in drafts)
        head = {"asleep": sum(len(each.tokens) for each in drafts)} if sleeps else {}
        return {**head, **self._content()}

    def _all(self) -> Iterator[_Draft]:
        yield self
        yield from self.inside.values()

    def _content(self) -> dict[str, Any]:
        inside = {name: each._content() for name, each in self.inside.items()}
        return {**self.told, "tokens": _rows(self.tokens), **({"inside": inside} if inside else {})}


def _draw(drafts: dict[str, _Draft], workflow: Any, own: _Draft) -> None:
    """Put what a (sub-)process has into its own part, and into those of instances side by side."""
    own.told |= workflow.memory.json() | ({"rounds": workflow.rounds} if workflow.rounds else {})
    root = workflow.task_tree.id
    for token in workflow.tasks.values():
        if token.id != root:
            name = _beside(token)
            draft = own if name is None else drafts.setdefault(name, _Draft())
            draft.tokens.append(token)


def _beside(token: Token) -> str | None:
    """The part that an instance of a repeated activity is in when it is one of many."""
    body = token.parent if token.triggered else None
    if body is None or body.task_spec.is_sequential or body.internal_data["total"] <= TOGETHER:
        return None
    return f"{body.id.hex}:{token.internal_data['counters']['loopCounter'] // TOGETHER}"


def _group(sub: SubProcessWorkflow | None) -> str | None:
    """The part of instances side by side that a sub-process is inside of, at any depth."""
    while sub is not None:
        name = _beside(sub.around.tasks[sub.parent_task_id])
        if name is not None:
            return name
        sub = sub.around if isinstance(sub.around, SubProcessWorkflow) else None
    return None


def _is_asked(token: Token) -> bool:
    """Whether a command that knows nothing of a token may move it: when variables change."""
    waits_for_condition = any(wait["kind"] == "condition" for wait in token.internal_data.get("waits", ()))
    return waits_for_condition or (token._state == TaskState.WAITING and token.task_spec.reads_variables_at_rest)


def _rows(tokens: Sequence[Token]) -> list[list[Any]]:
    at = {token.id: number for number, token in enumerate(tokens)}
    return [
        [token.id.hex, at.get(token._parent), token.task_spec.name, token._state, token.triggered, token.internal_data]
        for token in tokens
    ]


# ---- loading -------------------------------------------------------------------------------------------------------


def load(parts: Mapping[str, bytes], key: str, specs: Specs, scopes: Scopes, world: World) -> ProcessWorkflow:
    """Raises Unreadable, later too when a part is needed that does not fit."""
    if TOP not in parts:
        raise Unreadable("Expected a snapshot, but there is none.")
    top = orjson.loads(parts[TOP])
    if top["v"] > VERSION:
        raise WrittenLater(f"Expected a snapshot of version {VERSION} or earlier, but it has version {top['v']}.")
    workflow = ProcessWorkflow(specs[key], specs, scopes, world)
    for name in _OF_THE_WHOLE & top.keys():
        setattr(workflow, name, top[name])
    others = {name: part for name, part in parts.items() if name != TOP}
    workflow.asleep = Asleep(workflow, others, partial(_load, workflow))
    with _fitting(key):
        _remember(workflow, top)
        _fill(workflow, top, workflow.task_tree, PROCESS)
    for name, part in others.items():
        if not part.startswith(MARK):
            workflow.asleep.wake(name)
    return workflow


def _load(workflow: ProcessWorkflow, name: str, content: bytes) -> None:
    """Make the tokens of a part; the token that it hangs on is there."""
    part = orjson.loads(content)
    holder = _awake(workflow, holder_of(name))
    with _fitting(workflow.spec.name):
        if "spec" in part:
            _load_subprocess(workflow, part, holder)
            return
        _fill(holder.workflow, part, holder)
        for inner, told in part.get("inside", {}).items():
            _load_subprocess(workflow, told, _awake(workflow, inner))


def _awake(workflow: ProcessWorkflow, token_id: str) -> Token:
    found = workflow.awake(UUID(hex=token_id))
    if found is None:
        raise Unreadable(f"Expected a token {token_id}, but there is none.")
    return found


def _load_subprocess(workflow: ProcessWorkflow, part: Mapping[str, Any], holder: Token) -> None:
    sub = SubProcessWorkflow(workflow.subprocess_specs[part["spec"]], holder)
    workflow.subprocesses[holder.id] = sub
    _remember(sub, part)
    _fill(sub, part, sub.task_tree)
    if sub.is_over:
        workflow.agenda.left[sub] = None


def _fill(workflow: Any, part: Mapping[str, Any], root: Token, *scopes: str) -> None:
    """Make the tokens of a part below a token. scopes: that are needed with theirs."""
    top: ProcessWorkflow = workflow.top_workflow
    tokens: list[Token] = []
    for token_id, parent, node, state, triggered, data in part["tokens"]:
        above = root if parent is None else tokens[parent]
        token = Token(workflow, workflow.spec.task_specs[node], above, state=state, id=UUID(hex=token_id))
        token.triggered = triggered
        token.internal_data = data
        tokens.append(token)
        top.agenda.restore(token)
        top.waited |= {wait.key: wait for wait in waits_of(token)}
    top.scopes.open([*scopes, *(token.id.hex for token in tokens if "scope" in token.internal_data)])


def _remember(workflow: Any, part: Mapping[str, Any]) -> None:
    """What a (sub-)process remembers beside its tokens."""
    workflow.memory, workflow.rounds = Memory(workflow.top_workflow.scopes, part), part.get("rounds", {})
    for node in workflow.rounds:
        workflow.top_workflow.agenda.gathering[workflow, workflow.spec.task_specs[node]] = None


@contextmanager
def _fitting(process: str) -> Iterator[None]:
    """Raises Unreadable where nodes are missing."""
    try:
        yield
    except KeyError as cause:
        raise Unreadable(f"Expected every token to stand on a node of {process}, but there is no {cause}.") from cause
