"""How an error or escalation finds who catches it: from the thrower outward. Source: BPMN 2.0.2, 10.5.1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.bpmn.elements.event_definition import Definition, Error, Escalation
from engine.bpmn.elements.flow_node import Token, whole_of
from engine.errors import BpmnError
from engine.model import Json
from engine.model.processes import Outcome


def throw(token: Token, error: BpmnError) -> bool:
    """Hand a BPMN error to the nearest catcher, from an activity's token outward. False: nobody catches it."""
    return _hand(_guards_outward(token), Error, error.code, _told(error))


def is_caught(token: Token, code: str) -> bool:
    """Whether an error thrown by an activity would be."""
    return any(_catches(each, Error, code) for guards in _guards_outward(token) for _, each in _parts_of(guards))


def caught(token: Token) -> Iterator[str | None]:
    """The codes of the errors that would be, from inside outward; None: whatever its code."""
    for guards in _guards_outward(token):
        yield from (each.code for _, each in _parts_of(guards) if isinstance(each, Error))


def _parts_of(guards: Iterable[Token]) -> Iterator[tuple[str, Definition]]:
    return (part for guard in guards for part in guard.task_spec.parts())


def end_by_error(token: Token, error: BpmnError) -> None:
    """An error end event: caught in or around its (sub-)process, else the instance has failed."""
    workflow = token.workflow.top_workflow
    workflow.note_left(token, Outcome.COMPLETED)
    if not _hand(_guards_around(token), Error, error.code, _told(error)):
        workflow.result.error = error


def _told(error: BpmnError) -> dict[str, Json]:
    return {"errorCode": error.code, "errorMessage": error.message}


def escalate(token: Token, code: str | None, payload: Mapping[str, Json]) -> bool:
    """Hand an escalation outward. False: nobody catches it, and it is of no consequence here."""
    return _hand(_guards_around(token), Escalation, code, {"escalationCode": code, **payload}, thrower=token)


def escalate_outward(activity: Token, code: str | None, payload: Mapping[str, Json]) -> bool:
    """An escalation of what a call activity called. False: nobody catches it."""
    return _hand(_guards_outward(activity), Escalation, code, {"escalationCode": code, **payload})


def _hand(
    levels: Iterable[list[Token]],
    kind: type[Error] | type[Escalation],
    code: str | None,
    payload: Mapping[str, Json],
    *,
    thrower: Token | None = None,
) -> bool:
    """Let the innermost guard catch it; on one level, one that names the code before one that catches all."""
    for guards in levels:
        fitting = [
            (guard, at, each) for guard in guards for at, each in guard.task_spec.parts() if _catches(each, kind, code)
        ]
        if fitting:
            guard, at, _ = min(fitting, key=lambda found: getattr(found[-1], "code", None) is None)
            if thrower is not None and guard.task_spec.interrupting:
                thrower.workflow.top_workflow.note_left(thrower, Outcome.COMPLETED)
            guard.task_spec.happen(guard, at, payload)
            return True
    return False


def _catches(definition: Definition, kind: type[Error] | type[Escalation], code: str | None) -> bool:
    return isinstance(definition, kind) and definition.code in (None, code)


def _guards_outward(activity: Token) -> Iterator[list[Token]]:
    """Boundary events of the activity, event sub-processes beside it; then the same for what it is inside of."""
    whole = whole_of(activity)
    yield whole.workflow.top_workflow.boundary_events(whole)
    yield from _guards_around(whole)


def _guards_around(token: Token) -> Iterator[list[Token]]:
    """What is thrown inside an event sub-process goes past that one."""
    yield [guard for guard in token.workflow.watchers() if guard.task_spec is not token.task_spec]
    if token.workflow.holder is not None:
        yield from _guards_outward(token.workflow.holder)
