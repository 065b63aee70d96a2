"""Events that are thrown: in passing, at an end, or by an activity itself. Source: BPMN 2.0.2, 10.5 and 13.5 Events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.bpmn.elements import compensation, correlation, propagation
from engine.bpmn.elements.event_definition import (
    Cancel,
    Compensation,
    Definition,
    Error,
    Escalation,
    Link,
    Message,
    Multiple,
    Nothing,
    Signal,
    Terminate,
    has,
    parts,
)
from engine.bpmn.elements.events import Event
from engine.bpmn.elements.flow_node import Flow, Token, value_of, whole_of
from engine.bpmn.variables import is_internal
from engine.errors import BpmnError
from engine.model import Json
from engine.model.processes import Outcome

# ---- by a token that passes, or ends -------------------------------------------------------------------------------
# Each tells whether it is done; False: the thrower waits.


def _throw_signal(token: Token, signal: Signal) -> bool:
    _call_out(token.workflow.top_workflow, signal, _payload(token))
    return True


def _call_out(workflow: Any, signal: Signal, payload: Mapping[str, Json]) -> None:
    """To all that wait for it now: in this instance at once, in others as soon as this command is stored."""
    if not is_internal(signal.name):
        workflow.note_thrown("signal", signal.name, payload)
    workflow.asleep.wake_saying(kind="signal", name=signal.name)
    waiting = [(each, wait["element"]) for each in workflow.loaded() for wait in _signals(each, signal.name)]
    for receiver, element in waiting:
        if receiver.id in receiver.workflow.tasks and "waits" in receiver.internal_data:
            receiver.task_spec.happen(receiver, element, payload)


def _signals(token: Token, name: str) -> list[dict[str, Json]]:
    waits = token.internal_data.get("waits", ())
    return [wait for wait in waits if wait["kind"] == "signal" and wait["name"] == name]


def _throw_message(token: Token, message: Message) -> bool:
    _message_beside(token, message, _payload(token))
    return True


def _throw_error(token: Token, error: Error) -> bool:
    propagation.end_by_error(token, BpmnError(error.code or "", _message(token, error)))
    return True


def _message(token: Token, error: Error) -> str:
    """What its inputs made, or what the error itself says."""
    text = _payload(token).get("errorMessage")
    if text is None and error.message is not None:
        text = value_of(token, error.message)
    return "" if text is None else str(text)


def _throw_escalation(token: Token, escalation: Escalation) -> bool:
    if not propagation.escalate(token, escalation.code, _payload(token)):
        token.workflow.top_workflow.note_thrown("escalation", escalation.code or "", _payload(token))
    return True


def _throw_compensation(token: Token, told: Compensation) -> bool:
    done = compensation.compensate(token, told.activity)
    if not (done or told.waits or "aside" in token.internal_data):
        token.task_spec.go_on(token)
    return done


def _cancel(token: Token, _definition: Cancel) -> bool:
    compensation.close_within(token)
    return compensation.compensate(token, None)


def _terminate(token: Token, _definition: Terminate) -> bool:
    token.workflow.top_workflow.terminate(token)
    return True


def _payload(token: Token) -> dict[str, Json]:
    """What is thrown with an event: what its inputs made, nothing else."""
    made: dict[str, Json] = token.task_spec.made(token.workflow.top_workflow.scopes.known.get(token.id.hex, {}))
    return made


def _throw_nothing(token: Token, _definition: object) -> bool:
    return True


def _throw_each(token: Token, told: Multiple) -> bool:
    """One after the other, what ends or undoes others at last; False: the last one waits."""
    done = True
    for each in told.definitions:
        if token.id in token.workflow.tasks:
            done = _THROW[type(each)](token, each)
    return done


_THROW: dict[type, Any] = {
    Nothing: _throw_nothing,
    Link: _throw_nothing,
    Message: _throw_message,
    Signal: _throw_signal,
    Error: _throw_error,
    Escalation: _throw_escalation,
    Compensation: _throw_compensation,
    Cancel: _cancel,
    Terminate: _terminate,
    Multiple: _throw_each,
}


# ---- thrown by an activity itself, to its boundary events and outward


def throw_beside(activity: Token, definition: Definition, payload: Mapping[str, Json]) -> None:
    for _at, each in parts("", definition):
        if activity.id in activity.workflow.tasks:
            _THROW_BESIDE[type(each)](activity, each, payload)


def _signal_beside(activity: Token, signal: Signal, payload: Mapping[str, Json]) -> None:
    _call_out(activity.workflow.top_workflow, signal, payload)


def _message_beside(activity: Token, message: Message, payload: Mapping[str, Json]) -> None:
    keys = correlation.carried(activity, message, payload) if message.correlations else []
    activity.workflow.top_workflow.note_thrown("message", message.name, payload, keys)


def _escalation_beside(activity: Token, escalation: Escalation, payload: Mapping[str, Json]) -> None:
    if not propagation.escalate_outward(activity, escalation.code, payload):
        activity.workflow.top_workflow.note_thrown("escalation", escalation.code or "", payload)


def _error_beside(activity: Token, error: Error, payload: Mapping[str, Json]) -> None:
    thrown = BpmnError(error.code or "", "")
    if not propagation.throw(activity, thrown):
        activity.workflow.top_workflow.result.error = thrown


_THROW_BESIDE: dict[type, Any] = {
    Signal: _signal_beside,
    Message: _message_beside,
    Escalation: _escalation_beside,
    Error: _error_beside,
}


class ThrowEvent(Event):
    """Throws when a token passes; an end event is one that the token does not leave, and a send task is one too."""

    def enter(self, token: Token) -> bool:
        """What can fail comes first: what is thrown cannot be taken back."""
        super()._map_outputs(token)
        done: bool = _THROW[type(self.definition)](token, self.definition)
        return done

    def _map_outputs(self, token: Token) -> None:
        """Done before it was thrown."""

    def go_on(self, token: Token) -> None:
        """Let others go on from here, while the token itself waits for the end of what it has thrown."""
        token.internal_data["taken"] = self._taken(token)
        self._on_complete_hook(token)
        token.internal_data["aside"] = True

    def next_nodes(self) -> list[str]:
        return [self.definition.target] if isinstance(self.definition, Link) else super().next_nodes()

    def _on_complete_hook(self, my_task: Token) -> None:
        if isinstance(self.definition, Link):
            my_task.workflow.place(self.definition.target)
        else:
            super()._on_complete_hook(my_task)


class EndEvent(ThrowEvent):
    def finish(self, token: Token) -> None:
        """Everything is undone: the transaction is left by its cancel boundary event."""
        if has(self.definition, Cancel):
            workflow = token.workflow.top_workflow
            workflow.note_left(token, Outcome.COMPLETED)
            guards = workflow.boundary_events(whole_of(token.workflow.holder))
            guard = next(guard for guard in guards if isinstance(guard.task_spec.definition, Cancel))
            guard.task_spec.happen(guard, guard.task_spec.name, {})

    def leave(self, token: Token) -> Sequence[Flow]:
        return ()
