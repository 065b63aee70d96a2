"""Bring an instance to rest: execute one token after the other until every one of them waits."""

from __future__ import annotations

from collections.abc import Container
from itertools import count
from math import inf
from time import monotonic
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements import correlation, events, propagation
from engine.bpmn.elements.flow_node import FlowNode, Token, is_before
from engine.bpmn.facts import Thrown
from engine.bpmn.script import ScriptFailed
from engine.bpmn.workflow import ProcessWorkflow
from engine.errors import BpmnError, ElementFailed
from engine.model import Json

STEP_LIMIT = (
    "Expected the instance to come to rest, but it took {limit} steps in one go. Is there a loop without an exit?"
)
TIME_LIMIT = "Expected the instance to come to rest, but it ran for more than {limit:g} s in one go. Retry to go on."


def settle(workflow: ProcessWorkflow, max_steps: int, max_seconds: float = inf) -> int:
    """Execute until every token waits; gives the number of steps.

    Too long: the tokens still moving are stopped with an incident.
    """
    ends_at = monotonic() + max_seconds
    for steps in count():
        if workflow.result.error is not None:
            workflow.cancel_all()
            return steps
        token = _next(workflow)
        if token is None:
            break
        too_much = _too_much(steps >= max_steps, max_steps, monotonic() > ends_at, max_seconds)
        if too_much:
            workflow.agenda.add(token)
            _stop(workflow, too_much)
            break
        _step(workflow, token)
    _rest(workflow)
    return steps


def _too_much(is_far: bool, max_steps: int, is_late: bool, max_seconds: float) -> str:
    if is_far:
        return STEP_LIMIT.format(limit=max_steps)
    return TIME_LIMIT.format(limit=max_seconds) if is_late else ""


def _stop(workflow: ProcessWorkflow, message: str) -> None:
    for token in workflow.agenda.rest():
        workflow.fail(token, message)


def _rest(workflow: ProcessWorkflow) -> None:
    if any(each.name in workflow.spec.key_names for each in workflow.scopes.written):
        correlation.renew(workflow)
    if workflow.is_over:
        workflow.end()
    _tell_of_stuck_joins(workflow)
    for each in [workflow, *workflow.subprocesses.values()]:
        each.memory.put_away()


def _next(workflow: ProcessWorkflow) -> Token | None:
    """The next token to execute; when none moves, joins fire and sub-processes end until one does."""
    _test_conditions(workflow)
    while (token := workflow.agenda.next()) is None:
        if not (_fire_joins(workflow) or _finish_subprocess(workflow)):
            return None
    return token


# ---- one step ------------------------------------------------------------------------------------------------------


def _step(workflow: ProcessWorkflow, token: Token) -> None:
    """Execute one token. A step that fails is undone: what it wrote, threw and began was never so."""
    workflow.scopes.begin_step()
    facts, data = len(workflow.facts), dict(token.internal_data)
    try:
        token.run()
    except BpmnError as error:
        token._set_state(TaskState.READY)
        if not propagation.throw(token, error):
            workflow.uncaught(token, error)
    except (ScriptFailed, ElementFailed) as problem:
        _undo(workflow, token, facts, data)
        workflow.fail(token, str(problem))


def _undo(workflow: ProcessWorkflow, token: Token, facts: int, data: dict[str, Json]) -> None:
    """The visit itself has been, and boundary events guard the activity from its beginning on."""
    token._set_state(TaskState.READY)
    for begun in token.children:
        workflow.forget(begun)
    workflow.scopes.undo_step()
    workflow.facts[facts:] = [fact for fact in workflow.facts[facts:] if not isinstance(fact, Thrown)]
    token.internal_data = data | {name: True for name in ("seen", "guarded") if name in token.internal_data}


# ---- when nothing moves --------------------------------------------------------------------------------------------


def _test_conditions(workflow: ProcessWorkflow) -> None:
    """Ask those conditional events again that read what was changed, and those that are new."""
    agenda = workflow.agenda
    if not agenda.conditions:
        return
    changed = {each.name for each in workflow.scopes.written[agenda.tested :]}
    agenda.tested = len(workflow.scopes.written)
    for token in list(agenda.conditions.values()):
        if token.id not in token.workflow.tasks:
            del agenda.conditions[token.id]
        elif "incident" not in token.internal_data:
            _test(workflow, token, changed)


def _test(workflow: ProcessWorkflow, token: Token, changed: Container[str]) -> None:
    """A token may wait for several conditions, and for all of them."""
    try:
        while token.id in token.workflow.tasks and (at := events.condition_that_became_true(token, changed)):
            token.task_spec.happen(token, at, {})
    except ScriptFailed as problem:
        workflow.fail(token, str(problem))


def _fire_joins(workflow: ProcessWorkflow) -> bool:
    """Let joins fire that had to wait until nothing else moves: one in each (sub-)process."""
    fired = set[Any]()
    for around, node in _gathering(workflow):
        arrived = node.arrivals(around)
        if around not in fired and node.fires_at_rest and node.may_fire(arrived, around):
            node.fire(arrived, around)
            fired.add(around)
    return bool(fired)


def _tell_of_stuck_joins(workflow: ProcessWorkflow) -> None:
    """An instance does not stand still without a word: who waits for what cannot come is stopped."""
    for around, node in _gathering(workflow):
        token = next((token for token in around.tasks.values() if is_before(token, node)), None)
        if token is None or "incident" in token.internal_data:
            continue
        reason = node.why_stuck(node.arrivals(around), around)
        if reason:
            workflow.fail(token, reason)


def _gathering(workflow: ProcessWorkflow) -> list[tuple[Any, FlowNode]]:
    """(the (sub-)process around it, node) where tokens wait for others, outermost first, then as in the file."""
    gathering = workflow.agenda.gathering
    for around, node in [at for at in gathering if not (at[1].arrivals(at[0]) or at[1].name in at[0].rounds)]:
        del gathering[around, node]
    return sorted(gathering, key=lambda at: (at[0].depth, at[1].position))


def _finish_subprocess(workflow: ProcessWorkflow) -> bool:
    """End one sub-process in which no token is left; its activity goes on."""
    left = workflow.agenda.left
    while left:
        sub = next(iter(left))
        del left[sub]
        holder = sub.holder
        if workflow.subprocesses.get(sub.parent_task_id) is not sub or holder is None:
            continue
        if sub.is_over:
            workflow.close_subprocess(sub)
            workflow.resume(holder)
            return True
        holder.task_spec.look_after(holder, sub)
    return False
