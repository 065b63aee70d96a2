"""Events: what is waited for, what is thrown, and who catches it. Source: BPMN 2.0.2, 10.5 Events and 13.5 Events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.bpmn import schedule
from engine.bpmn.elements.flow_node import Element, Flow, FlowNode, Token, text_of, value_of, wait_for, write
from engine.errors import BpmnError, ElementFailed
from engine.model import Json, Outcome

# ---- what an event is about ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nothing:
    """A none event."""


@dataclass(frozen=True, slots=True)
class Timer:
    kind: schedule.TimerKind
    source: str
    """Python source of the ISO 8601 text."""


@dataclass(frozen=True, slots=True)
class Message:
    name: str
    key: str | None = None
    """Python source of the correlation key."""


@dataclass(frozen=True, slots=True)
class Signal:
    name: str


@dataclass(frozen=True, slots=True)
class Error:
    code: str | None = None
    """None catches every code."""


@dataclass(frozen=True, slots=True)
class Escalation:
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Terminate:
    pass


@dataclass(frozen=True, slots=True)
class Link:
    target: str
    """Id of the catching link event of the same name."""


Definition = Nothing | Timer | Message | Signal | Error | Escalation | Terminate | Link


# ---- catching ------------------------------------------------------------------------------------------------------


def _wait_for_timer(node: FlowNode, token: Token, timer: Timer) -> None:
    workflow = token.workflow.top_workflow
    text = value_of(token, timer.source)
    try:
        due = schedule.first(timer.kind, text_of(text), workflow.now, workflow.zone)
    except ValueError as cause:
        raise ElementFailed(node.element.id, str(cause)) from cause
    wait_for(token, "timer", node.element.id, **_due(due))


def _due(due: schedule.Due) -> dict[str, Json]:
    return {"due": due.at.isoformat(), "remaining": due.remaining, "interval": due.interval}


def _following(wait: Mapping[str, Json], now: datetime) -> dict[str, Json] | None:
    at = datetime.fromisoformat(wait["due"])
    due = schedule.following(schedule.Due(at, wait["remaining"], wait["interval"]), now)
    return None if due is None else _due(due)


def _wait_for_message(node: FlowNode, token: Token, message: Message) -> None:
    key = None if message.key is None else value_of(token, message.key)
    wait_for(token, "message", node.element.id, name=message.name, key=None if key is None else str(key))


def _wait_for_signal(node: FlowNode, token: Token, signal: Signal) -> None:
    wait_for(token, "signal", node.element.id, name=signal.name)


def _wait_for_nothing(node: FlowNode, token: Token, definition: object) -> None:
    """Errors and escalations come from inside: nobody outside has to know that they are waited for."""


_SUBSCRIBE: dict[type, Any] = {
    Timer: _wait_for_timer,
    Message: _wait_for_message,
    Signal: _wait_for_signal,
    Error: _wait_for_nothing,
    Escalation: _wait_for_nothing,
}


class Event(FlowNode):
    def __init__(self, process: Any, element: Element, definition: Definition, **options: Any) -> None:
        super().__init__(process, element, **options)
        self.definition = definition


class CatchEvent(Event):
    """Waits for its event; a receive task is one too. What came with the event becomes variables."""

    def subscribe(self, token: Token) -> None:
        """Tell what the token waits for; the token may be that of an event-based gateway before this event."""
        _SUBSCRIBE[type(self.definition)](self, token, self.definition)

    def enter(self, token: Token) -> bool:
        if isinstance(self.definition, Nothing | Link):
            return True
        happened = token.internal_data.get("happened")
        if happened is None:
            self.subscribe(token)
            return False
        write(token, happened)
        return True


class StartEvent(CatchEvent):
    """Has happened when the instance begins: what a start event waits for belongs to the definition."""

    def enter(self, token: Token) -> bool:
        write(token, token.internal_data.get("happened", {}))
        return True


class BoundaryEvent(CatchEvent):
    """Attached to an activity: while that is open, the event takes a token out beside it, or instead of it."""

    def __init__(self, process: Any, element: Element, definition: Definition, *, interrupting: bool) -> None:
        super().__init__(process, element, definition)
        self.interrupting = interrupting

    def happen(self, token: Token, element: str, payload: Mapping[str, Json]) -> None:
        """Interrupting: the event's token goes on instead of the activity. Not: a new token goes on beside it."""
        workflow = token.workflow.top_workflow
        if self.interrupting:
            activity = workflow.token(token.internal_data.pop("on"))
            if activity is not None:
                workflow.cancel(activity)
            super().happen(token, element, payload)
            return
        token.workflow.place(self.name, data={"happened": dict(payload)})
        if not self._wait_again(token):
            workflow.forget(token)

    def _wait_again(self, token: Token) -> bool:
        """After it has happened beside its activity: wait for the next time. False: there is none."""
        if not isinstance(self.definition, Timer):
            return True
        waits = token.internal_data["waits"]
        due = _following(waits[0], token.workflow.top_workflow.now)
        waits[0] |= due or {}
        return due is not None


# ---- propagation: from the thrower outward. Source: 10.5.1 -----------------------------------------------------------


def throw(token: Token, error: BpmnError) -> bool:
    """Hand a BPMN error to the nearest catcher, from the token's activity outward. False: nobody catches it.

    A boundary event that names the code is preferred to one that catches all.
    """
    event = _catcher(token, Error, error.code)
    if event is None:
        return False
    event.task_spec.happen(event, event.task_spec.name, {"errorCode": error.code, "errorMessage": error.message})
    return True


def end_by_error(token: Token, error: BpmnError) -> None:
    """An error end event: caught around its (sub-)process, else the instance has failed."""
    workflow = token.workflow.top_workflow
    workflow.note_left(token, Outcome.COMPLETED)
    holder = workflow.holder(token)
    if holder is None or not throw(holder, error):
        workflow.result.error = error


def escalate(token: Token, code: str | None, payload: Mapping[str, Json]) -> None:
    """Hand an escalation outward; uncaught, it is of no consequence."""
    workflow = token.workflow.top_workflow
    holder = workflow.holder(token)
    event = None if holder is None else _catcher(holder, Escalation, code)
    if event is not None:
        if event.task_spec.interrupting:
            workflow.note_left(token, Outcome.COMPLETED)
        event.task_spec.happen(event, event.task_spec.name, {"escalationCode": code, **payload})


def _catcher(token: Token | None, kind: type[Error] | type[Escalation], code: str | None) -> Token | None:
    while token is not None:
        activity = token.parent if token.triggered else token
        workflow = activity.workflow.top_workflow
        events = [e for e in workflow.boundary_events(activity) if isinstance(e.task_spec.definition, kind)]
        matching = [e for e in events if e.task_spec.definition.code in (None, code)]
        if matching:
            return min(matching, key=lambda event: event.task_spec.definition.code is None)
        token = workflow.holder(activity)
    return None


# ---- throwing ------------------------------------------------------------------------------------------------------


def _throw_signal(token: Token, signal: Signal) -> None:
    token.workflow.top_workflow.note_thrown("signal", signal.name, _payload(token))


def _throw_error(token: Token, error: Error) -> None:
    end_by_error(token, BpmnError(error.code or "", _message(token)))


def _message(token: Token) -> str:
    text = _payload(token).get("errorMessage")
    return "" if text is None else str(text)


def _throw_escalation(token: Token, escalation: Escalation) -> None:
    escalate(token, escalation.code, _payload(token))


def _terminate(token: Token, _definition: Terminate) -> None:
    token.workflow.top_workflow.terminate(token)


def _payload(token: Token) -> dict[str, Json]:
    """What is thrown with an event: what its input mapping made, nothing else."""
    return dict(token.workflow.top_workflow.scopes.known.get(token.id.hex, {}))


def _throw_nothing(token: Token, _definition: object) -> None:
    pass


_THROW: dict[type, Any] = {
    Nothing: _throw_nothing,
    Link: _throw_nothing,
    Signal: _throw_signal,
    Error: _throw_error,
    Escalation: _throw_escalation,
    Terminate: _terminate,
}


class ThrowEvent(Event):
    """Throws when a token passes; an end event is one that the token does not leave."""

    def enter(self, token: Token) -> bool:
        _THROW[type(self.definition)](token, self.definition)
        return True

    def next_nodes(self) -> list[str]:
        return [self.definition.target] if isinstance(self.definition, Link) else super().next_nodes()

    def _on_complete_hook(self, my_task: Token) -> None:
        if isinstance(self.definition, Link):
            my_task.workflow.place(self.definition.target)
        else:
            super()._on_complete_hook(my_task)


class EndEvent(ThrowEvent):
    def leave(self, token: Token) -> Sequence[Flow]:
        return ()
