"""Events that are waited for, and what becomes of who waits. Source: BPMN 2.0.2, 10.5 Events and 13.5 Events."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

from engine import values
from engine.bpmn import schedule
from engine.bpmn.elements import compensation, correlation
from engine.bpmn.elements.event_definition import (
    Cancel,
    Conditional,
    Definition,
    Error,
    Escalation,
    Link,
    Message,
    Multiple,
    Nothing,
    Signal,
    Timer,
    parts,
)
from engine.bpmn.elements.flow_node import Element, FlowNode, Token, text_of, value_of, wait_for, write
from engine.bpmn.names import element_of
from engine.bpmn.schedule import CatchUp
from engine.bpmn.script import names
from engine.errors import ElementFailed
from engine.model import Json

# ---- waiting ------------------------------------------------------------------------------------------------------
# Each is told the name under which it is waited for.


def _wait_for_timer(at: str, token: Token, timer: Timer) -> None:
    workflow = token.workflow.top_workflow
    text = value_of(token, timer.source)
    try:
        due = schedule.first(timer.kind, text_of(text), workflow.now, workflow.zone)
    except ValueError as cause:
        raise ElementFailed(element_of(at), str(cause)) from cause
    usual = timer.catch_up is CatchUp.ONCE
    wait_for(token, "timer", at, **_due(due), **({} if usual else {"catch_up": timer.catch_up.value}))


def _due(due: schedule.Due) -> dict[str, Json]:
    return {"due": due.at.isoformat(), "remaining": due.remaining, "interval": due.interval}


def _timer(token: Token, at: str) -> dict[str, Any] | None:
    """The timer that a token waits for under this name."""
    waits = token.internal_data.get("waits", ())
    return next((wait for wait in waits if wait["element"] == at and wait["kind"] == "timer"), None)


def keep_turn(token: Token, at: str) -> None:
    """What fires now is no turn of the timer's cycle: whoever goes on waiting for that waits for the same turn."""
    timer = _timer(token, at)
    if timer is not None:
        timer["keeps"] = True


def _following(wait: Mapping[str, Json], now: datetime) -> dict[str, Json] | None:
    due = schedule.following(_turn(wait), now, CatchUp(wait.get("catch_up", CatchUp.ONCE)))
    return None if due is None else _due(due)


def _turn(wait: Mapping[str, Json]) -> schedule.Due:
    return schedule.Due(datetime.fromisoformat(wait["due"]), wait["remaining"], wait["interval"])


def skip_turn(token: Token, at: str) -> None:
    """Wait for the next turn of a timer's cycle that is not past."""
    timer = _timer(token, at)
    due = timer and schedule.skipping(_turn(timer), token.workflow.top_workflow.now)
    if timer and due:
        timer.update(_due(due))


def _wait_for_message(at: str, token: Token, message: Message) -> None:
    wait_for(token, "message", at, name=message.name, **correlation.expected(token, message))


def _wait_for_signal(at: str, token: Token, signal: Signal) -> None:
    wait_for(token, "signal", at, name=signal.name)


def _wait_for_condition(at: str, token: Token, conditional: Conditional) -> None:
    wait_for(token, "condition", at, source=conditional.source, was=None)
    token.workflow.top_workflow.agenda.conditions[token.id] = token


def condition_that_became_true(token: Token, changed: Container[str]) -> str | None:
    """Under what name the token waits for a condition that was not true before, and is now.

    changed: names set since the last time; a condition that reads none of them is as it was. One that reads what is
    not there yet is not true. Raises ScriptFailed.
    """
    for wait in token.internal_data.get("waits", ()):
        if wait["kind"] != "condition":
            continue
        was = wait["was"]
        if was is not None and not any(name in changed for name in names(wait["source"]).read):
            continue
        wait["was"] = None  # should it fail now, it is asked again
        wait["was"] = _has_all_it_reads(token, wait["source"]) and bool(value_of(token, wait["source"]))
        if wait["was"] and not was:
            return str(wait["element"])
    return None


def _has_all_it_reads(token: Token, source: str) -> bool:
    wanted = names(source).wanted
    return len(token.workflow.top_workflow.scopes.some(token, wanted)) == len(wanted)


def _wait_for_nothing(at: str, token: Token, definition: object) -> None:
    """Errors and escalations come from inside: nobody outside has to know that they are waited for."""


_SUBSCRIBE: dict[type, Any] = {
    Timer: _wait_for_timer,
    Message: _wait_for_message,
    Signal: _wait_for_signal,
    Conditional: _wait_for_condition,
    Error: _wait_for_nothing,
    Escalation: _wait_for_nothing,
    Cancel: _wait_for_nothing,
}


class Event(FlowNode):
    def __init__(self, process: Any, element: Element, definition: Definition, **options: Any) -> None:
        super().__init__(process, element, **options)
        self.definition = definition
        self.at = element.id
        """The element that is said to be waited for."""

    def parts(self) -> list[tuple[str, Definition]]:
        return parts(self.at, self.definition)

    @property
    def needs_all(self) -> bool:
        """Whether all of several triggers have to come. Source: BPMN 2.0.2, 10.5.1, Parallel Multiple."""
        return isinstance(self.definition, Multiple) and self.definition.is_parallel


class CatchEvent(Event):
    """Waits for its event; a receive task is one too. What came with the event becomes variables."""

    def subscribe(self, token: Token) -> None:
        """Tell what the token waits for; the token may be that of an event-based gateway before this event."""
        for at, each in self.parts():
            _SUBSCRIBE[type(each)](at, token, each)

    def gather(self, token: Token, at: str, payload: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """What has come with all triggers of a parallel multiple event, once the last one has; None before.

        With any other event: what has come.
        """
        if not self.needs_all:
            return payload
        data = token.internal_data
        came = data.setdefault("came", {}).setdefault(self.name, {"at": [], "values": {}})
        came["at"].append(at)
        came["values"].update(values.encode(dict(payload)))
        data["waits"] = [wait for wait in data.get("waits", ()) if wait["element"] != at]
        if not all(part in came["at"] for part, _ in self.parts()):
            return None
        del data["came"][self.name]
        together: Mapping[str, Json] = values.decode(came["values"])
        return together

    def happen(self, token: Token, at: str, payload: Mapping[str, Json]) -> None:
        together = self.gather(token, at, payload)
        if together is not None:
            super().happen(token, at, together)

    def awaited(self, at: str) -> Definition | None:
        return dict(self.parts()).get(at)

    def take(self, token: Token, payload: Mapping[str, Json]) -> None:
        """What came with the event becomes variables. A message tells by its keys which others are for the instance."""
        for _at, each in self.parts():
            if isinstance(each, Message) and each.correlations:
                correlation.received(token, each, self._brought(token, payload))
        write(token, {**payload, **self._renamed(payload)})

    def _renamed(self, payload: Mapping[str, Json]) -> dict[str, Json]:
        """What came with an error or escalation, by the names that the diagram gives it."""
        caught = [each for _at, each in self.parts() if isinstance(each, Error | Escalation)]
        renamed = ((name, other) for each in caught for name, other in each.renamed.items())
        return {other: payload[name] for name, other in renamed if other and name in payload}

    def _brought(self, token: Token, payload: Mapping[str, Json]) -> Mapping[str, Json]:
        """What a message brought that began the instance is the process's already."""
        begins = token.internal_data.get("begins")
        return {**token.workflow.top_workflow.scopes.visible(None), **payload} if begins else payload

    def enter(self, token: Token) -> bool:
        if isinstance(self.definition, Nothing | Link):
            return True
        happened = token.internal_data.get("happened")
        if happened is None:
            self.subscribe(token)
            return False
        self.take(token, happened)
        return True


class StartEvent(CatchEvent):
    """Has happened when the instance begins: what a start event waits for belongs to the definition.

    Where all of several triggers are needed, the instance begins with the first and waits here for the others.
    """

    def begun_by(self, at: str) -> dict[str, Json]:
        return {"begun by": at, "begins": True}

    def known(self, token: Token) -> Mapping[str, Json]:
        """What came with the event, or was told by who started, is there before the event is entered."""
        data = self.element.data
        return {} if data is None else token.workflow.top_workflow.scopes.some(token, data.unset)

    def enter(self, token: Token) -> bool:
        begun_by = token.internal_data.pop("begun by", None)
        if begun_by is not None and self._misses_some(token, begun_by):
            return False
        self.take(token, token.internal_data.get("happened", {}))
        return True

    def _misses_some(self, token: Token, begun_by: str) -> bool:
        if not self.needs_all:
            return False
        self.subscribe(token)
        return self.gather(token, begun_by, {}) is None


class Guard(CatchEvent):
    """Waits beside what goes on; when its event happens it goes on beside that, or instead of it."""

    def __init__(self, process: Any, element: Element, definition: Definition, *, interrupting: bool) -> None:
        super().__init__(process, element, definition)
        self.interrupting = interrupting

    def interrupt(self, token: Token) -> None:
        """Cancel what the event interrupts."""
        raise NotImplementedError

    def happen(self, token: Token, at: str, payload: Mapping[str, Json]) -> None:
        """Interrupting: the event's token goes on. Not: a new token goes on, and this one waits for the next time."""
        together = self.gather(token, at, payload)
        if together is None:
            return
        workflow = token.workflow.top_workflow
        if self.interrupting:
            self.interrupt(token)
            workflow.wake(token, happened=dict(together))
            return
        token.workflow.place(self.name, data={"happened": dict(together)})
        if together is not payload:
            workflow.wake(token)  # it waits for all of them anew
        elif not self._wait_again(token, at):
            workflow.forget(token)

    def _wait_again(self, token: Token, at: str) -> bool:
        """False: there is no next time."""
        timer = _timer(token, at)
        if timer is None or timer.pop("keeps", False):
            return True
        due = _following(timer, token.workflow.top_workflow.now)
        if due is not None:
            timer.update(due)
            return True
        token.internal_data["waits"].remove(timer)
        return isinstance(self.definition, Multiple)


class BoundaryEvent(Guard):
    """Attached to an activity, and waits while that is open. Source: 13.5.3."""

    def interrupt(self, token: Token) -> None:
        workflow = token.workflow.top_workflow
        activity = workflow.token(token.internal_data.pop("on"))
        if activity is not None:
            workflow.cancel(activity)
            if "for" in activity.internal_data:
                compensation.end_handler(activity)


class EventSubProcess(Guard):
    """Inside a (sub-)process, and waits while that goes on; no flow leads to it or from it. Source: 13.5.4."""

    def __init__(self, process: Any, element: Element, start: StartEvent, inner: str, *, interrupting: bool) -> None:
        super().__init__(process, element, start.definition, interrupting=interrupting)
        self.at, self.inner = start.element.id, inner

    def enter(self, token: Token) -> bool:
        happened = token.internal_data.get("happened")
        if "compensates" in token.internal_data:
            compensation.compensate_inside(token, self.inner)
        elif happened is None:
            self.subscribe(token)
        else:
            sub = token.workflow.top_workflow.open_subprocess(token, self.inner)
            sub.begin(sub.spec.start_nodes, {"happened": happened})
        return False

    def interrupt(self, token: Token) -> None:
        del token.internal_data["on"]
        token.workflow.top_workflow.cancel_others(token)
        if token.workflow.spec.is_ad_hoc:
            token.workflow.holder.internal_data.update({"enough": True, "waits": []})  # nothing more is chosen
