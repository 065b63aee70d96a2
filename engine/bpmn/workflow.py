"""One instance while a command runs: finding its tokens, evaluating, and how tokens end.

No recursion over a tree and no look at the past.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from engine import values
from engine.bpmn.agenda import Agenda
from engine.bpmn.asleep import Asleep
from engine.bpmn.elements import compensation
from engine.bpmn.elements.flow_node import LIVE, Token, storable, write
from engine.bpmn.elements.loops import Repeated
from engine.bpmn.facts import Entered, Fact, Left, Logged, Thrown
from engine.bpmn.memory import Memory
from engine.bpmn.script import constant, names
from engine.bpmn.specification import ProcessSpec, Specs, Whole
from engine.bpmn.tokens import SubProcessWorkflow, Tokens
from engine.bpmn.variables import Scopes
from engine.bpmn.wait import Waits
from engine.bpmn.world import World
from engine.errors import BpmnError
from engine.model import Json
from engine.model.processes import Outcome

_NO_ENGINE = PythonScriptEngine()
"""SpiffWorkflow makes one for each workflow unless it is given one; ours is the Evaluator."""

LONGEST_MESSAGE = 4_000
"""Characters of what an incident says."""


@dataclass(slots=True)
class Result:
    """How the instance ended, when it did not simply run out of tokens."""

    error: BpmnError | None = None
    """The error of an error end event that nobody caught."""
    terminated: bool = False
    """By a terminate end event, or cancelled from outside."""
    cancelled: bool = False


class ProcessWorkflow(Tokens, BpmnWorkflow):
    """One instance, restored for one command."""

    holder = None

    def __init__(self, spec: ProcessSpec, specs: Specs, scopes: Scopes, world: World) -> None:
        self.scopes = scopes
        self.scopes.declared = spec.declared
        self.world = world
        self.result = Result()
        self.memory, self.rounds = Memory(scopes), {}
        self.is_called = self.is_undone = False
        """Whether a call activity started it; whether that has begun to compensate it."""
        self.numbered = 0
        """How many completions were remembered so far, to tell which came first."""
        self.facts: list[Fact] = []
        self.agenda = Agenda()
        self.asleep = Asleep(self, {}, lambda name, part: None)
        self.waited: Waits = {}
        """What the tokens that were loaded waited for then."""
        super().__init__(spec, specs, script_engine=_NO_ENGINE)
        self.task_tree._set_state(TaskState.COMPLETED)

    @property
    def now(self) -> datetime:
        return self.world.now

    @property
    def zone(self) -> tzinfo:
        return self.world.zone

    # ---- expressions

    def evaluate(self, token: Token | None, source: str, given: Mapping[str, Json] | None = None) -> Json:
        """given: names that are no variables, or hide one."""
        known = constant(source)
        if known is not None:
            return known[0]
        values = {**self.scopes.some(token, names(source).read), **(given or {})}
        return self.world.evaluator.evaluate(source, values, self.now)

    def execute(self, token: Token, script: str) -> None:
        """Run a script and write the names whose value it changed."""
        told = names(script)
        values = self.scopes.some(token, told.read)
        ran = self.world.evaluator.execute(script, values, self.now)
        for text in ran.logged:
            storable(token, "log", lambda text=text: self.scopes.spend(len(text)))
            self.facts.append(Logged(token.task_spec.bpmn_id, text))
        write(
            token, {name: new for name, new in ran.values.items() if name in told.assigned or values.get(name) != new}
        )

    def in_store(self, store: str) -> Json:
        """The value of a data store."""
        return self.scopes.in_store(store, self.world.fetch)

    # ---- finding tokens

    def inside(self, part: str) -> Any:
        """The process, or what is inside a sub-process activity, by its name in the snapshot; None: it has ended."""
        self.asleep.wake(part)
        return self.subprocesses.get(UUID(hex=part)) if part else self

    def iterations(self, body: Token) -> list[Token]:
        """The instances of a repeated activity that still go on, in the order of loopCounter."""
        self.asleep.wake_below(body.id.hex)
        live = [child for child in body.children if child._state & LIVE]
        return sorted(live, key=lambda token: token.internal_data["counters"]["loopCounter"])

    def loaded(self) -> Iterator[Token]:
        """The live tokens that this command knows by now; behind each activity what is inside of it."""
        todo = [self.live()]
        while todo:
            token = next(todo[-1], None)
            if token is None:
                todo.pop()
                continue
            yield token
            if token.id in self.subprocesses:
                todo.append(self.subprocesses[token.id].live())

    def all_live(self) -> Iterator[Token]:
        self.asleep.wake_all()
        return self.loaded()

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return sum(len(each.tasks) for each in [self, *self.subprocesses.values()]) + self.asleep.tokens

    def token(self, token_id: str) -> Token | None:
        """A live token by its id (hex); None also for what is no id."""
        try:
            key = UUID(hex=token_id)
        except ValueError:
            return None
        if key.hex != token_id:
            return None
        if self.awake(key) is None:
            self.asleep.wake_token(key.hex)
        found = self.awake(key)
        return found if found is not None and found._state & LIVE else None

    def awake(self, key: UUID) -> Token | None:
        """A token by its id, unless its part is asleep."""
        around = (each for each in [self, *self.subprocesses.values()] if key in each.tasks)
        found = next(around, None)
        return None if found is None else found.tasks[key]

    # ---- the ends of tokens

    def keep_record(self, token: Token) -> None:
        """Before an activity completes, each instance of a repeated one by itself. Raises ElementFailed."""
        if not isinstance(token.task_spec, Repeated):
            token.internal_data["record"] = compensation.record_of(token)

    def next_number(self) -> int:
        self.numbered += 1
        return self.numbered

    def resume(self, token: Token) -> None:
        """What the token waited for has come: it is left at the next step."""
        self.wake(token, done=True)

    def wake(self, token: Token, **data: Json) -> None:
        """Let a token that waited be executed again, whatever stopped it before."""
        for over in ("waits", "incident"):
            token.internal_data.pop(over, None)
        token.internal_data |= data
        token._ready()

    def fail(self, token: Token, message: str) -> None:
        """Stop the token with an incident; the rest of the instance goes on."""
        token.internal_data["incident"] = values.shown(message, LONGEST_MESSAGE)
        token.internal_data["stops"] = token.internal_data.get("stops", 0) + 1

    def uncaught(self, token: Token, error: BpmnError) -> None:
        """Nothing here catches an error. Where who called the instance does, it ends by it; else it stops here."""
        outside = self.world.is_caught_outside
        if outside is not None and outside(error.code):
            self.result.error = error
        else:
            self.fail(token, uncaught(error))

    def completed_token(self, token: Token) -> None:
        if token.id not in token.workflow.tasks:
            return  # cancelled by what it threw
        self.note_left(token, Outcome.COMPLETED)
        record = token.internal_data.pop("record", None)
        if record is not None:
            token.workflow.memory.add(record)
        self._release(token)
        if token.triggered and isinstance(token.parent.task_spec, Repeated):
            body, goes_on = token.parent, token.internal_data["again"]
            token.workflow._remove_task(token.id)
            body.task_spec.iteration_done(body, goes_on)
        else:
            token.workflow._remove_task(token.id)
        if "for" in token.internal_data:
            compensation.end_handler(token)
        if token.internal_data.get("enough") and token.task_spec.is_chosen:
            holder = token.workflow.holder
            holder.task_spec.end(holder, token.workflow)

    def cancel(self, token: Token) -> None:
        """Take a token away with all that hangs on it: iterations, what is inside, boundary events."""
        for iteration in self.iterations(token):
            self.cancel(iteration)
        self.note_left(token, Outcome.CANCELLED)
        compensation.abandon(token)
        self._release(token)
        token._set_state(TaskState.CANCELLED)
        token.workflow._remove_task(token.id)

    def merge(self, token: Token) -> None:
        """Take away an arrival that a join consumed: it goes on as part of another token."""
        self.note_left(token, Outcome.MERGED)
        token.workflow._remove_task(token.id)

    def forget(self, token: Token) -> None:
        """Take away a token that was no visit: an event that waits no longer, or what a failed step had begun."""
        self.scopes.close(token)
        token.workflow._remove_task(token.id)

    def _release(self, token: Token) -> None:
        """Take away what belongs to an activity that is over."""
        sub = self.inside(token.id.hex)
        if sub is not None:
            _cancel_each(self, sub)
            compensation.forget(self, sub.memory.take())
            del self.subprocesses[token.id]
        if token.internal_data.get("guarded"):
            for event in self.boundary_events(token):
                self.forget(event)
        if "keeps" in token.internal_data:
            self.scopes.drop(token.internal_data["keeps"])
        self.scopes.close(token)

    def open_subprocess(self, token: Token, inner: str) -> SubProcessWorkflow:
        """Make the inside of a sub-process activity; without tokens in it, it ends when nothing else moves."""
        sub = SubProcessWorkflow(self.subprocess_specs[inner], token)
        self.subprocesses[token.id] = sub
        self.agenda.left[sub] = None
        return sub

    def close_subprocess(self, sub: SubProcessWorkflow) -> None:
        """No token is left in it but those of event sub-processes that wait."""
        _cancel_each(self, sub)
        if sub.holder is not None:
            sub.holder.internal_data["inside"] = sub.memory.take()
        del self.subprocesses[sub.parent_task_id]

    @property
    def keeps(self) -> bool:
        """Whether something is kept beyond its end, because who called it may compensate it."""
        ended_well = self.result.error is None and not self.result.cancelled
        is_compensable = bool(self.memory) or self.spec.handler is not None
        return self.is_called and not self.is_undone and ended_well and is_compensable

    def end(self) -> None:
        """No token is left in it but those of event sub-processes that wait."""
        if self.keeps:
            _cancel_each(self, self)
        else:
            self.cancel_all()

    def cancel_all(self) -> None:
        _cancel_each(self, self)
        compensation.forget(self, self.memory.take())

    def cancel_others(self, token: Token) -> None:
        """Cancel everything else in the (sub-)process that a token is in."""
        _cancel_each(self, token.workflow, but=token)

    def cancel_each(self, sub: SubProcessWorkflow) -> None:
        """Cancel everything in a sub-process."""
        _cancel_each(self, sub)

    def terminate(self, token: Token) -> None:
        """End the (sub-)process that the token is in, at once. Source: BPMN 2.0.2, 10.5.3 End Event."""
        self.cancel_others(token)
        if token.workflow is self:
            self.result.terminated = True

    # ---- what belongs together

    def boundary_events(self, activity: Token) -> list[Token]:
        """Tokens of the boundary events that guard an activity."""
        return [t for t in activity.workflow.live() if t.internal_data.get("on") == activity.id.hex]

    # ---- facts

    def note_entered(self, token: Token) -> None:
        """Once a visit; a boundary event that only waits is not a visit, nor is the body of a loop."""
        if not (isinstance(token.task_spec, Repeated | Whole) or "on" in token.internal_data):
            self.note_visit(token)

    def note_visit(self, token: Token) -> None:
        data = token.internal_data
        if "seen" in data:
            return
        data["seen"] = True
        self.facts.append(Entered(token.id.hex, token.task_spec.element, next(iter(data.get("via", ())), None)))

    def note_thrown(self, kind: str, name: str, payload: Mapping[str, Json], keys: Sequence[str] = ()) -> None:
        self.facts.append(Thrown(kind, name, payload, keys))

    def note_left(self, token: Token, outcome: Outcome) -> None:
        if token.internal_data.pop("seen", False):
            self.facts.append(Left(token.id.hex, outcome))


def _cancel_each(process: ProcessWorkflow, workflow: Any, *, but: Token | None = None) -> None:
    """Cancelling one may take others along; no complex gateway waits for the rest any more."""
    workflow.rounds.clear()
    for token in workflow.live():
        if token is not but and token.id in workflow.tasks:
            process.cancel(token)


def uncaught(error: BpmnError) -> str:
    return f'BPMN error "{error.code}" was thrown, and nothing catches it. {error.message}'.strip()
