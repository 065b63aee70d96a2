"""The tokens of one instance while a command runs: placing, executing, catching, ending.

No recursion over a tree and no look at the past: each (sub-)process is a root with its live tokens below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import inf
from time import monotonic
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from engine import values
from engine.bpmn.elements.events import BoundaryEvent, CatchEvent, Error, Escalation
from engine.bpmn.elements.flow_node import LIVE, Element, FlowNode, Token
from engine.bpmn.elements.gateways import EventBasedGateway
from engine.bpmn.elements.loops import Repeated
from engine.bpmn.script import Evaluator, ScriptFailed, constant, names
from engine.bpmn.variables import Scopes
from engine.errors import BpmnError, ElementFailed
from engine.model import Json, Outcome

_NO_ENGINE = PythonScriptEngine()
"""SpiffWorkflow makes one for each workflow unless it is given one; ours is the Evaluator."""

ROOT = "(root)"
"""Name of the node above all tokens (no XML id has a bracket)."""

LONGEST_MESSAGE = 4_000
"""Characters of what an incident says."""
STEP_LIMIT = (
    "Expected the instance to come to rest, but it took {limit} steps in one go. Is there a loop without an exit?"
)

TIME_LIMIT = "Expected the instance to come to rest, but it ran for more than {limit:g} s in one go. Retry to go on."

# ---- what happened, in order: handed to history --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entered:
    token: str
    element: Element
    flow: str | None


@dataclass(frozen=True, slots=True)
class Left:
    token: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Logged:
    element: str
    text: str


@dataclass(frozen=True, slots=True)
class Thrown:
    """Something for the world outside this instance."""

    kind: str
    name: str
    payload: Mapping[str, Json]


Fact = Entered | Left | Logged | Thrown


# ---- specifications ------------------------------------------------------------------------------------------------


class ProcessSpec(BpmnProcessSpec):
    """A process or the inside of a sub-process, without SpiffWorkflow's own start and end nodes."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.task_specs.clear()
        self.start = FlowNode(self, Element(ROOT, "process"), name=ROOT)
        self.start_nodes: list[str] = []
        """Where a token is placed when nothing else is said."""


Specs = Mapping[str, ProcessSpec]


@dataclass(slots=True)
class World:
    """What a command lends to an instance: sandbox, moment, time zone."""

    evaluator: Evaluator
    now: datetime
    zone: tzinfo


# ---- workflows -----------------------------------------------------------------------------------------------------


class _Tokens:
    """What the process and each sub-process have in common."""

    def update_waiting_tasks(self) -> None:
        """Nothing is polled: who waits is told."""

    def place(self, node: str, *, flow: str | None = None, data: Mapping[str, Json] | None = None) -> Token:
        """Put a new token on a node, as coming along a flow."""
        spec = self.spec.task_specs[node]  # type: ignore[attr-defined]
        token: Token = self.task_tree._add_child(spec, TaskState.FUTURE)  # type: ignore[attr-defined]
        token.internal_data = {"via": [flow] if flow else [], **(data or {})}
        spec._update(token)
        return token

    def live(self) -> Iterator[Token]:
        return (token for token in list(self.tasks.values()) if token._state & LIVE)  # type: ignore[attr-defined]

    def _task_completed_notify(self, token: Token) -> None:
        top: ProcessWorkflow = self.top_workflow  # type: ignore[attr-defined]
        top.completed_token(token)

    def _task_removed_notify(self, token: Token) -> None:
        pass


class SubProcessWorkflow(_Tokens, BpmnSubWorkflow):
    """The inside of one sub-process activity."""


@dataclass(slots=True)
class Result:
    """How the instance ended, when it did not simply run out of tokens."""

    error: BpmnError | None = None
    """The error of an error end event that nobody caught."""
    terminated: bool = False


class ProcessWorkflow(_Tokens, BpmnWorkflow):
    """One instance, restored for one command."""

    def __init__(self, spec: ProcessSpec, specs: Specs, scopes: Scopes, world: World) -> None:
        self.scopes = scopes
        self.world = world
        self.result = Result()
        self.facts: list[Fact] = []
        super().__init__(spec, specs, script_engine=_NO_ENGINE)
        self.task_tree._set_state(TaskState.COMPLETED)

    @property
    def now(self) -> datetime:
        return self.world.now

    @property
    def zone(self) -> tzinfo:
        return self.world.zone

    # ---- expressions

    def evaluate(self, token: Token | None, source: str) -> Json:
        known = constant(source)
        if known is not None:
            return known[0]
        values = self.scopes.some(token, names(source).read)
        return self.world.evaluator.evaluate(source, values, self.now)

    def execute(self, token: Token, script: str) -> None:
        """Run a script and write the names whose value it changed."""
        told = names(script)
        values = self.scopes.some(token, told.read)
        ran = self.world.evaluator.execute(script, values, self.now)
        for text in ran.logged:
            self.facts.append(Logged(token.task_spec.bpmn_id, text))
        for name, value in ran.values.items():
            if name in told.assigned or values.get(name) != value:
                self._write(token, name, value)

    def _write(self, token: Token, name: str, value: Json) -> None:
        try:
            self.scopes.write(token, name, value)
        except TypeError as cause:
            raise ElementFailed(token.task_spec.bpmn_id, f'Variable "{name}" cannot be stored. {cause}') from cause

    # ---- finding tokens

    def workflows(self) -> list[Any]:
        """The process, then its sub-processes, outermost first."""
        return [self, *sorted(self.subprocesses.values(), key=lambda sub: sub.depth)]

    def all_live(self) -> Iterator[Token]:
        for workflow in [self, *self.subprocesses.values()]:
            yield from workflow.live()

    def token(self, token_id: str) -> Token | None:
        """A live token by its id (hex)."""
        key = UUID(hex=token_id)
        for workflow in [self, *self.subprocesses.values()]:
            found = workflow.tasks.get(key)
            if found is not None:
                return found if found._state & LIVE else None
        return None

    # ---- running

    def settle(self, max_steps: int, max_seconds: float = inf) -> None:
        """Execute until every token waits. Too long: the tokens still moving are stopped with an incident."""
        ends_at = monotonic() + max_seconds
        for _ in range(max_steps):
            if monotonic() > ends_at:
                return self._stop(TIME_LIMIT.format(limit=max_seconds))
            token = self._next() or self._fire_join() or self._finish_one()
            if token is None:
                return
            if token._state == TaskState.READY:
                self._step(token)
            if self.result.error is not None:
                return self._cancel_all()
        return self._stop(STEP_LIMIT.format(limit=max_steps))

    def _stop(self, message: str) -> None:
        for token in self._ready():
            self.fail(token, message)

    def _cancel_all(self) -> None:
        while (token := next(self.live(), None)) is not None:
            self.cancel(token)

    def _ready(self) -> list[Token]:
        return [t for t in self.all_live() if t._state == TaskState.READY and "incident" not in t.internal_data]

    def _next(self) -> Token | None:
        """One token at a time: events that have happened first, the outermost of those first."""
        return min(self._ready(), key=_urgency, default=None)

    def _step(self, token: Token) -> None:
        """Execute one token. A step that fails is undone: what it wrote and threw was never so."""
        self.scopes.begin_step()
        known = len(self.facts)
        try:
            token.run()
        except BpmnError as error:
            token._set_state(TaskState.READY)
            if not self.throw(token, error):
                self.fail(
                    token, f'BPMN error "{error.code}" was thrown, and nothing catches it. {error.message}'.strip()
                )
        except (ScriptFailed, ElementFailed) as problem:
            token._set_state(TaskState.READY)
            self.scopes.undo_step()
            self.facts[known:] = [fact for fact in self.facts[known:] if not isinstance(fact, Thrown)]
            self.fail(token, str(problem))

    def _fire_join(self) -> Token | None:
        """Let one join fire that had to wait until nothing else moves."""
        for workflow in self.workflows():
            for join in {t.task_spec for t in workflow.live() if t._state == TaskState.WAITING}:
                arrived = join.arrivals(workflow)
                if not join.fires_at_once and join.may_fire(arrived, workflow):
                    join.fire(arrived)
                    return next(iter(arrived.values()))
        return None

    def _finish_one(self) -> Token | None:
        """End one sub-process in which no token is left; its activity goes on."""
        for sub in list(self.subprocesses.values()):
            if not any(True for _ in sub.live()):
                holder = self.token(sub.parent_task_id.hex)
                del self.subprocesses[sub.parent_task_id]
                if holder is not None:
                    self.resume(holder)
                    return holder
        return None

    @property
    def is_over(self) -> bool:
        return not any(True for _ in self.live())

    # ---- the ends of tokens

    def resume(self, token: Token) -> None:
        """What the token waited for has come: it is left at the next step."""
        self.wake(token, done=True)

    def wake(self, token: Token, **data: Json) -> None:
        """Let a token that waited be executed again, whatever stopped it before."""
        for over in ("waits", "incident"):
            token.internal_data.pop(over, None)
        token.internal_data |= data
        token._set_state(TaskState.READY)

    def fail(self, token: Token, message: str) -> None:
        """Stop the token with an incident; the rest of the instance goes on."""
        token.internal_data["incident"] = values.shown(message, LONGEST_MESSAGE)
        token.internal_data["stops"] = token.internal_data.get("stops", 0) + 1

    def completed_token(self, token: Token) -> None:
        if token.id not in token.workflow.tasks:
            return  # cancelled by what it threw
        self._note_left(token, Outcome.COMPLETED)
        self._release(token)
        if token.triggered and isinstance(token.parent.task_spec, Repeated):
            body, goes_on = token.parent, token.internal_data["again"]
            token.workflow._remove_task(token.id)
            body.task_spec.iteration_done(body, goes_on)
        else:
            token.workflow._remove_task(token.id)

    def cancel(self, token: Token) -> None:
        """Take a token away with all that hangs on it: iterations, what is inside, boundary events."""
        for iteration in [child for child in token.children if child._state & LIVE]:
            self.cancel(iteration)
        self._note_left(token, Outcome.CANCELLED)
        self._release(token)
        token._set_state(TaskState.CANCELLED)
        token.workflow._remove_task(token.id)

    def merge(self, token: Token) -> None:
        """Take away an arrival that a join consumed: it goes on as part of another token."""
        self._note_left(token, Outcome.MERGED)
        token.workflow._remove_task(token.id)

    def forget(self, token: Token) -> None:
        """Take away a token that never did anything: a boundary event whose activity is over."""
        self.scopes.close(token)
        token.workflow._remove_task(token.id)

    def _release(self, token: Token) -> None:
        """Take away what belongs to an activity that is over."""
        sub = self.subprocesses.pop(token.id, None)
        while sub is not None and (inner := next(sub.live(), None)) is not None:
            self.cancel(inner)  # takes along what hangs on it, so the next is looked up anew
        if token.internal_data.get("guarded"):
            for event in self._boundary_tokens(token):
                self.forget(event)
        self.scopes.close(token)

    def open_subprocess(self, token: Token, inner: str) -> None:
        sub = SubProcessWorkflow(self.subprocess_specs[inner], parent_task_id=token.id, top_workflow=self)
        self.subprocesses[token.id] = sub
        sub.task_tree._set_state(TaskState.COMPLETED)
        for node in sub.spec.start_nodes:
            sub.place(node)

    def terminate(self, token: Token) -> None:
        """End the (sub-)process that the token is in, at once. Source: BPMN 2.0.2, 10.5.3 End Event."""
        for other in token.workflow.live():
            if other is not token and other.id in token.workflow.tasks:
                self.cancel(other)
        if token.workflow is self:
            self.result.terminated = True

    # ---- events

    def happen(self, token: Token, element: str, payload: Mapping[str, Json]) -> None:
        """An event that the token waits for has happened."""
        spec = token.task_spec
        if isinstance(spec, EventBasedGateway):
            token.internal_data |= {"chosen": element, "payload": dict(payload)}
            self.resume(token)
        elif isinstance(spec, BoundaryEvent):
            self._fire_boundary(token, payload)
        else:
            self.wake(token, happened=dict(payload))

    def _fire_boundary(self, event: Token, payload: Mapping[str, Json]) -> None:
        """Interrupting: the event's token goes on instead of the activity. Not: a new token goes on beside it."""
        spec: BoundaryEvent = event.task_spec
        if spec.interrupting:
            activity = self.token(event.internal_data.pop("on"))
            if activity is not None:
                self.cancel(activity)
            self.wake(event, happened=dict(payload))
            return
        event.workflow.place(spec.name, data={"happened": dict(payload)})
        if not spec.wait_again(event):
            self.forget(event)

    def throw(self, token: Token, error: BpmnError) -> bool:
        """Hand a BPMN error to the nearest catcher, from the token's activity outward. Source: 10.5.1.

        A boundary event that names the code is preferred to one that catches all. False: nobody catches it.
        """
        event = self._catcher(token, Error, error.code)
        if event is None:
            return False
        payload = {"errorCode": error.code, "errorMessage": error.message}
        self.happen(event, event.task_spec.name, payload)
        return True

    def error_ends(self, token: Token, error: BpmnError) -> None:
        """An error end event: caught around its (sub-)process, else the instance has failed."""
        self._note_left(token, Outcome.COMPLETED)
        holder = self._holder(token)
        if holder is not None and self.throw(holder, error):
            return
        self.result.error = error

    def escalate(self, token: Token, code: str | None, payload: Mapping[str, Json]) -> None:
        """Hand an escalation outward; uncaught, it is of no consequence. Source: 10.5.1."""
        holder = self._holder(token)
        event = None if holder is None else self._catcher(holder, Escalation, code)
        if event is not None:
            if event.task_spec.interrupting:
                self._note_left(token, Outcome.COMPLETED)
            self.happen(event, event.task_spec.name, {"escalationCode": code, **payload})

    def _catcher(self, token: Token | None, kind: type[Error] | type[Escalation], code: str | None) -> Token | None:
        while token is not None:
            activity = token.parent if token.triggered else token
            events = [e for e in self._boundary_tokens(activity) if isinstance(e.task_spec.definition, kind)]
            matching = [e for e in events if e.task_spec.definition.code in (None, code)]
            if matching:
                return min(matching, key=lambda event: event.task_spec.definition.code is None)
            token = self._holder(activity)
        return None

    def _holder(self, token: Token) -> Token | None:
        """The sub-process activity that a token is inside of."""
        inside = token.workflow.parent_task_id
        return None if inside is None else self.token(inside.hex)

    def _boundary_tokens(self, activity: Token) -> list[Token]:
        return [t for t in activity.workflow.live() if t.internal_data.get("on") == activity.id.hex]

    # ---- facts

    def note_entered(self, token: Token) -> None:
        """Once a visit; a boundary event that only waits is not a visit, nor is the body of a loop."""
        data = token.internal_data
        if "seen" in data or isinstance(token.task_spec, Repeated) or "on" in data:
            return
        data["seen"] = True
        self.facts.append(Entered(token.id.hex, token.task_spec.element, next(iter(data.get("via", ())), None)))

    def note_thrown(self, kind: str, name: str, payload: Mapping[str, Json]) -> None:
        self.facts.append(Thrown(kind, name, payload))

    def _note_left(self, token: Token, outcome: Outcome) -> None:
        if token.internal_data.pop("seen", False):
            self.facts.append(Left(token.id.hex, outcome))


def _urgency(token: Token) -> tuple[bool, int]:
    return not (isinstance(token.task_spec, CatchEvent) and "happened" in token.internal_data), token.workflow.depth
