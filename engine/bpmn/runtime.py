"""What can be done to a process state: start, complete, happen, throw, fail, retry; and what it waits for then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine import values
from engine.bpmn import by_hand, settling, snapshot, variables
from engine.bpmn.elements import compensation, correlation, events, propagation
from engine.bpmn.elements.flow_node import Token, set_local, storable
from engine.bpmn.elements.http_task import Request
from engine.bpmn.elements.mail_task import Letter
from engine.bpmn.facts import Fact
from engine.bpmn.parse import Process
from engine.bpmn.script import ScriptFailed
from engine.bpmn.snapshot import Parts
from engine.bpmn.specification import ROOT
from engine.bpmn.variables import Scopes
from engine.bpmn.wait import Wait, Waits, waits_of
from engine.bpmn.workflow import ProcessWorkflow, Result
from engine.bpmn.world import World
from engine.errors import BpmnError, Conflict, ElementFailed
from engine.model import Json
from engine.model.forms import Form
from engine.model.services import Stuck


class Run:
    """An instance in memory for the length of one command."""

    def __init__(self, workflow: ProcessWorkflow, process: Process) -> None:
        self.workflow = workflow
        self.process = process

    @classmethod
    def begin(
        cls,
        process: Process,
        world: World,
        values: Mapping[str, Json],
        *,
        start_event: str | None = None,
        keys: correlation.KnownKeys | None = None,
    ) -> Run:
        """Make a new instance. start_event: the one that happened; None: the plain one, of several the first.

        keys: of the message that begins it.
        Raises Conflict when there is no such start event, TypeError for values that no variable can hold.
        """
        scopes = Scopes()
        for name, value in values.items():
            scopes.write(None, name, value)
        correlation.know(scopes, keys or {})
        workflow = ProcessWorkflow(process.specs[process.key], process.specs, scopes, world)
        point = process.start_at(start_event)
        if point is None:
            workflow.begin(_plain_starts(process, start_event))
        else:
            workflow.begin([point.node], workflow.spec.task_specs[point.node].begun_by(point.at))
        return cls(workflow, process)

    @classmethod
    def restore(cls, process: Process, parts: Mapping[str, bytes], scopes: Scopes, world: World) -> Run:
        return cls(snapshot.load(parts, process.key, process.specs, scopes, world), process)

    # ---- commands: each leaves the instance to be settled

    def complete(self, token_id: str, values: Mapping[str, Json], *, by: str | None = None) -> None:
        """A person (by) or a service has done the work of an activity."""
        token = self._waiting(token_id)
        self._attempt(token, lambda: token.task_spec.complete(token, values, by))

    def answer(self, token_id: str, told: Mapping[str, Json], own: Mapping[str, Json]) -> None:
        """A worker outside has done the work: told is for the process, own for the activity's own scope."""
        token = self._waiting(token_id)
        self._attempt(token, lambda: self._take_answer(token, told, own))
        self.complete(token_id, {})

    def _take_answer(self, token: Token, told: Mapping[str, Json], own: Mapping[str, Json]) -> None:
        scopes = self.workflow.scopes
        for name, value in own.items():
            set_local(token, name, value)
        for name, value in told.items():
            storable(token, name, lambda name=name, value=value: scopes.write_outside(token, name, value))

    def happen(self, token_id: str, element_id: str, payload: Mapping[str, Json]) -> None:
        """A timer, message or signal that a token waits for has come."""
        token = self._waiting(token_id)
        if ("timer", element_id) in [(wait["kind"], wait["element"]) for wait in token.internal_data.get("waits", ())]:
            token.internal_data.pop("incident", None)  # it has fired at last
        token.task_spec.happen(token, element_id, payload)

    def fire(self, token_id: str, element_id: str, *, is_extra: bool) -> None:
        """A timer that a token waits for fires by hand. is_extra: its cycle goes on as if it had not."""
        token = self._waiting(token_id)
        if is_extra:
            events.keep_turn(token, element_id)
        token.task_spec.happen(token, element_id, {})

    def skip(self, token_id: str, element_id: str) -> None:
        """A turn of a timer's cycle was missed, and is not made up for: the token waits for the next."""
        events.skip_turn(self._waiting(token_id), element_id)

    def give_back(self, token_id: str, result: Mapping[str, Json], *, called: int | None = None) -> None:
        """The instance that a call activity waits for has ended, with these variables.

        called: its id, when it can be compensated.
        """
        token = self._waiting(token_id)
        token.internal_data.pop("called", None)
        kept = {} if called is None else {"called": called}
        try:
            token.task_spec.give(token, result)
        except ElementFailed as problem:
            token.internal_data.pop("waits", None)
            compensation.forget(self.workflow, [{"inside": [], **kept}])
            self.workflow.fail(token, str(problem))
        else:
            token.internal_data |= kept
            self.workflow.resume(token)

    def escalate(self, token_id: str, code: str | None, payload: Mapping[str, Json]) -> None:
        """The instance that a call activity waits for has thrown an escalation that nobody there catches."""
        if not propagation.escalate_outward(self._waiting(token_id), code, payload):
            self.workflow.note_thrown("escalation", code or "", payload)

    def give_up(self, token_id: str, message: str) -> None:
        """What the token waited for will not come: an incident, and waiting for it anew when it is retried."""
        token = self._waiting(token_id)
        self._stop_waiting(token)
        self.workflow.fail(token, message)

    def _stop_waiting(self, token: Token) -> None:
        for over in ("waits", "mapped"):
            token.internal_data.pop(over, None)
        element, data = token.task_spec.element, token.task_spec.element.data
        own = [mapping.name for mapping in element.inputs] + ([] if data is None else data.own)
        for name in own:
            self.workflow.scopes.remove(token.id.hex, name)

    def throw(self, token_id: str, error: BpmnError, told: Mapping[str, Json] | None = None) -> None:
        """The work of an activity ended with a BPMN error; uncaught, it is an incident there, and waits no longer.

        told: what it tells the process beside.
        """
        token = self._waiting(token_id)
        self._attempt(token, lambda: self._take_answer(token, told or {}, {}))
        if not propagation.throw(token, error):
            self._stop_waiting(token)
            self.workflow.uncaught(token, error)

    def catches(self, token_id: str, code: str) -> bool:
        """Whether a BPMN error at a token would be caught here."""
        token = self.workflow.token(token_id)
        return token is not None and propagation.is_caught(token, code)

    def fail(self, token_id: str, message: str) -> None:
        self.workflow.fail(self._waiting(token_id), message)

    def retry(self, token_id: str) -> None:
        """Try again what was stopped by an incident; who still waits for something goes on waiting for it.

        The incident is over unless a service is called again: then, once that call has passed.
        """
        token = self._waiting(token_id)
        if "incident" in token.internal_data:
            token.internal_data["retried"] = token.internal_data.pop("incident")
        if token._state != TaskState.WAITING and "waits" not in token.internal_data:
            self.workflow.wake(token)

    def stuck_at(self, token_id: str) -> Stuck:
        """What calls a service there, or has stopped. Raises Conflict when it has gone on, or only waits."""
        token = self._waiting(token_id)
        by_hand.require_stuck(token)
        element = token.task_spec.element
        return Stuck(
            token=token_id,
            element_id=element.id,
            element_name=element.name or element.id,
            message=token.internal_data.get("incident"),
            result_variable=next(iter(token.task_spec.results({})), None),
        )

    def caught_at(self, token_id: str) -> Sequence[str | None]:
        """Codes of the errors that would be caught there, the nearest catcher first; None: whatever its code."""
        return by_hand.codes(self._waiting(token_id))

    def go_on(self, token_id: str, results: Mapping[str, Json] | None) -> None:
        """As if what calls a service or has stopped were done. results: None: there are none. Raises Conflict."""
        token = self._waiting(token_id)
        self._attempt(token, lambda: by_hand.go_on(token, results))

    def throw_by_hand(self, token_id: str, error: BpmnError) -> None:
        """As if what calls a service or has stopped had ended with an error. Raises Conflict when nobody catches it."""
        by_hand.throw(self._waiting(token_id), error)

    def set_variables(self, values: Mapping[str, Json], *, token_id: str | None = None) -> None:
        """Set variables as a token sees them; None: in the process. Raises TypeError."""
        token = None if token_id is None else self._waiting(token_id)
        for name, value in values.items():
            self.workflow.scopes.write(token, name, value)

    def change_variable(self, scope: str, name: str, value: Json, seen: str | None) -> None:
        """Set a variable in a scope: that of a token, or "". seen: the JSON that it replaces; None: it is new.

        Raises Conflict when it is not as it was seen, TypeError for what no variable can hold.
        """
        if scope:
            self._waiting(scope)
        known = self.workflow.scopes.known.get(scope, {})
        current = values.dump(known[name]) if name in known else None
        if current != seen:
            raise Conflict(f'Expected variable "{name}" to be as you saw it, but it was set since. Load it again.')
        variables.check({name: value})
        self.workflow.scopes.set(scope, name, value)

    def waits_at(self, token_id: str | None) -> bool:
        """Whether a token is there still."""
        return token_id is not None and self.workflow.token(token_id) is not None

    def terminate(self) -> None:
        """End it at once, wherever it stands."""
        self.workflow.result.terminated = self.workflow.result.cancelled = True
        self.workflow.cancel_all()

    def compensate(self) -> None:
        """Undo what has completed in an instance that has ended: the call activity that started it is compensated."""
        self.workflow.is_undone = True
        self.workflow.place(ROOT, data={"aside": True, "compensates": True})

    def release(self) -> None:
        """It will not be compensated any more."""
        self.workflow.cancel_all()

    def settle(self, max_steps: int, max_seconds: float = inf) -> int:
        """Execute until every token waits; gives the number of steps."""
        return settling.settle(self.workflow, max_steps, max_seconds)

    def _attempt(self, token: Token, act: Any) -> None:
        """What goes wrong with the values themselves is the caller's fault, not the instance's."""
        try:
            act()
        except (ElementFailed, ScriptFailed) as cause:
            raise Conflict(str(cause)) from cause

    def _waiting(self, token_id: str) -> Token:
        token = self.workflow.token(token_id)
        if token is None:
            raise Conflict("Expected the instance to wait there, but it has gone on. Reload to see where it is.")
        return token

    # ---- what there is to know

    @property
    def waited(self) -> Waits:
        """What was waited for before this command, by those tokens that it got to know."""
        return self.workflow.waited

    def waits(self) -> Waits:
        """What these tokens, and new ones, wait for now."""
        return {wait.key: wait for token in self.workflow.loaded() for wait in waits_of(token)}

    def awaits_condition(self, at: str) -> bool:
        """Whether a token waits for the condition of that event."""
        return any(wait.element_id == at for wait in self.conditions())

    def conditions(self) -> list[Wait]:
        """Those that tokens wait for; nobody outside knows of them."""
        waiting = (wait for token in self.workflow.all_live() for wait in waits_of(token))
        return [wait for wait in waiting if wait.kind == "condition"]

    def choice_at(self, token_id: str) -> Form:
        """What a person may choose at an ad-hoc sub-process."""
        token = self._waiting(token_id)
        form: Form = token.task_spec.form(token)
        return form

    def values_seen_by(self, token_id: str) -> dict[str, Json]:
        """The variables that a token sees, without the counters of loops."""
        return self.workflow.scopes.visible(self._waiting(token_id), with_counters=False)

    def own_values_of(self, token_id: str) -> dict[str, Json]:
        """The variables in a token's own scope: what its input mapping made."""
        self._waiting(token_id)
        return dict(self.workflow.scopes.known.get(token_id, {}))

    def taken_by(self, token_id: str) -> dict[str, Json]:
        """What an instance starts with that a call activity calls."""
        token = self._waiting(token_id)
        seen = self.workflow.scopes.visible(token, with_counters=False)
        taken: dict[str, Json] = token.task_spec.taken(token, self.workflow.scopes.known.get(token_id, {}), seen)
        return taken

    def input_of(self, token_id: str) -> dict[str, Json]:
        """What a service is called with: what its inputs made when it has any, else every variable it sees."""
        token = self._waiting(token_id)
        node, data = token.task_spec, token.task_spec.element.data
        if node.element.inputs or (data and data.inputs):
            made: dict[str, Json] = node.made(self.workflow.scopes.known.get(token_id, {}))
            return made
        return self.workflow.scopes.visible(token)

    def request(self, token_id: str, callback: str) -> Request:
        """What an HTTP task sends now. callback: the address to tell the outcome to. Raises ScriptFailed."""
        token = self._waiting(token_id)
        asked: Request = token.task_spec.request(token, callback)
        return asked

    def letter(self, token_id: str) -> Letter:
        """What a mail task sends now. Raises ScriptFailed."""
        token = self._waiting(token_id)
        letter: Letter = token.task_spec.letter(token)
        return letter

    def parts(self) -> Parts:
        return snapshot.dump(self.workflow)

    @property
    def keeps(self) -> bool:
        """Whether it can be compensated by who called it, should it be over."""
        return self.workflow.keeps

    @property
    def facts(self) -> list[Fact]:
        return self.workflow.facts

    @property
    def scopes(self) -> Scopes:
        return self.workflow.scopes

    @property
    def is_over(self) -> bool:
        return self.workflow.is_over

    @property
    def result(self) -> Result:
        return self.workflow.result


def _plain_starts(process: Process, start_event: str | None) -> list[str]:
    """The nodes to begin at. Raises Conflict."""
    if not process.start_nodes:
        raise Conflict(
            f'Expected process "{process.name}" to have a plain start event, but it starts by itself only: '
            "by a timer, message, signal or condition."
        )
    if start_event is not None and start_event not in process.start_nodes:
        raise Conflict(f'Expected process "{process.name}" to have a plain start event {start_event}, but it has none.')
    chosen = start_event or process.start_event
    return process.start_nodes if chosen is None else [chosen]
