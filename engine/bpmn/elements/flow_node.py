"""What every node of a process has in common: it is entered, perhaps waits, and is left along its sequence flows.

The life of a token (SpiffWorkflow's Task): READY, to be executed by the engine; STARTED, waits for something outside;
WAITING, stands before the node until other tokens have come. What is over leaves the tree at once: a token knows
nothing of its past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine import values
from engine.bpmn.variables import ScopeKind
from engine.errors import ElementFailed
from engine.model import Json

if TYPE_CHECKING:
    from engine.bpmn.elements.data import Data
    from engine.bpmn.workflow import ProcessWorkflow


class Token(Task):
    """SpiffWorkflow's Task without its log, which nobody reads and which costs as much as a step."""

    def _set_state(self, value: int) -> None:
        self._state = value


MOST_TOKENS = 10_000
"""In one instance: every command loads, looks at and saves them all."""
LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow; condition is Python source, None when there is none."""

    id: str
    name: str
    source: str
    target: str
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """An input or output mapping: a name, and the Python source of its value."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Element:
    """What the diagram says of a node, whatever its kind."""

    id: str
    type: str
    """The tag: userTask, exclusiveGateway ..."""
    name: str = ""
    documentation: str = ""
    lane: str = ""
    inputs: tuple[Assignment, ...] = ()
    outputs: tuple[Assignment, ...] = ()
    before: tuple[str, ...] = ()
    """Scripts that run as it is entered, behind its input mapping; and when its work is done."""
    after: tuple[str, ...] = ()
    data: Data | None = None
    """What data associations bring in and take out; None: nothing."""
    properties: tuple[tuple[str, str], ...] = ()
    """Of an extension that says nothing to us, for workers outside: names and texts."""


class FlowNode(BpmnTaskSpec):
    """A node of a process. Subclasses say what entering does (enter), and along which flows it is left (leave)."""

    def __init__(self, process: Any, element: Element, *, name: str | None = None) -> None:
        super().__init__(process, name or element.id, lane=element.lane or None, documentation=element.documentation)
        self.element = element
        self.position = len(process.task_specs)
        """Among the nodes of its (sub-)process."""
        self.bpmn_id = element.id
        self.bpmn_name = element.name
        self.flows: list[Flow] = []
        """Leaving sequence flows, in the order of the file."""
        self.default: str | None = None
        """Id of the default flow."""
        self.incoming: list[Flow] = []
        self.boundary: list[str] = []
        """Ids of the boundary events attached to this activity."""
        self.start_quantity = 1
        """Tokens that must have come before the work of an activity begins."""
        self.completion_quantity = 1
        """Tokens that leave on each flow taken."""
        self.is_repeated = False
        """Whether it is the body of a repeated activity: each instance of that is a visit, the body itself is none."""
        self.is_chosen = False
        """Whether a person says when its work begins: it is an activity right inside an ad-hoc sub-process."""

    # ---- what a kind of node says

    def enter(self, token: Token) -> bool:
        """Do the element's work; True: done, False: it waits (see wait_for). Raises when it cannot be done.

        Everything that can raise comes before anything that changes state: a failed step leaves no trace.
        """
        return True

    def finish(self, token: Token) -> None:
        """What is left to do when the work is done, before outputs are mapped. Raises as enter does."""

    def leave(self, token: Token) -> Sequence[Flow]:
        """The flows along which tokens leave: each unconditional one, each whose condition is true, else the default.

        Source: BPMN 2.0.2, 13.3.1 Sequence Flow Considerations.
        """
        conditional = [flow for flow in self.flows if flow.condition is not None and flow.id != self.default]
        if not conditional and self.default is None:
            return self.flows
        true = {flow.id for flow in conditional if holds(token, flow)}
        taken = [flow for flow in self.flows if flow.id in true or self._is_plain(flow)]
        taken = taken or [flow for flow in self.flows if flow.id == self.default]
        if not taken:
            raise ElementFailed(self.element.id, no_way_out(self))
        return taken

    def begun_by(self, at: str) -> dict[str, Json]:
        """The data of the token with which an instance begins here: what is waited for at such a place has happened."""
        return {"happened": {}, "begins": True}

    def complete(self, token: Token, values: Mapping[str, Json], by: str | None) -> None:
        """The work that the token waits for is done, with these results, by a person or a service (None)."""
        write(token, values)
        token.workflow.top_workflow.resume(token)

    def results(self, answered: Mapping[str, Json]) -> Mapping[str, Json]:
        """The variables that a service's answer makes, when a person gives it."""
        return answered

    def look_after(self, token: Token, sub: Any) -> None:
        """Nothing else moves, and what is inside this sub-process activity is not over."""

    def happen(self, token: Token, at: str, payload: Mapping[str, Json]) -> None:
        """What the token waits for under such a name has happened, with what came with it."""
        token.workflow.top_workflow.wake(token, happened=dict(payload))

    def awaited(self, at: str) -> Any:
        """The event definition that is waited for under such a name; None: none is."""
        return None

    def next_nodes(self) -> list[str]:
        """Where a token may go from here."""
        return [flow.target for flow in self.flows]

    def _is_plain(self, flow: Flow) -> bool:
        return flow.condition is None and flow.id != self.default

    # ---- tokens that stand before the node until others have come

    fires_at_rest = False
    """Whether it is asked again when nothing else can move."""
    reads_variables_at_rest = False
    """Whether the answer may change though no token near it has moved."""

    def gathers(self, token: Token) -> bool:
        """Whether a token that comes has to wait, for others or to be chosen; not what an event has begun already.

        Source: BPMN 2.0.2, 10.3 Activities, startQuantity.
        """
        data = token.internal_data
        is_one_of_many = bool(data.get("via")) and "happened" not in data and "together" not in data
        return is_one_of_many and (self.start_quantity > 1 or self.is_chosen)

    def arrivals(self, workflow: Any) -> dict[str, Token]:
        """Those of the tokens waiting here that go on together when it fires, each by a name of its own."""
        waiting = (token for token in workflow.tasks.values() if is_before(token, self))
        return {str(number): token for number, token in enumerate(islice(waiting, self.start_quantity))}

    def fires_on_arrival(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        return not self.is_chosen and len(arrived) == self.start_quantity

    def may_fire(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        """Asked when nothing else can move."""
        return self.fires_on_arrival(arrived, workflow)

    def why_stuck(self, arrived: Mapping[str, Token], workflow: Any) -> str:
        """Why those who wait here wait for good, told when nothing moves; empty when they may not."""
        if workflow.spec.is_ad_hoc:
            return ""
        if all(token._state == TaskState.WAITING for token in workflow.live()):  # no event sub-process waits, either
            return f"Expected further tokens to come to {named(self)}, but every token left waits for others."
        return ""

    def fire(self, arrived: Mapping[str, Token], workflow: Any) -> None:
        """Make one token of the arrivals; their visits end where those of a repeated activity's instances begin."""
        first, *others = arrived.values()
        for token in others:
            workflow.top_workflow.merge(token)
        if self.is_repeated:
            workflow.top_workflow.merge(first)
            workflow.place(self.name, data={"via": first.internal_data["via"], "together": True})
            return
        first.internal_data.pop("incident", None)
        first._ready()

    # ---- the life of a token (SpiffWorkflow's hooks)

    def test(self) -> None:
        """Nothing to test at run time: an upload is checked before it is stored."""

    def _predict(self, *_: object, **__: object) -> None:
        """The future is not kept: a token's successors are made when it leaves."""

    def _update_hook(self, my_task: Token) -> bool:
        if not self.gathers(my_task):
            return True
        workflow = my_task.workflow
        my_task._set_state(TaskState.WAITING)
        workflow.top_workflow.note_visit(my_task)
        workflow.top_workflow.agenda.gathering[workflow, self] = None
        arrived = self.arrivals(workflow)
        if self.fires_on_arrival(arrived, workflow):
            self.fire(arrived, workflow)
        return False

    def _on_ready_hook(self, my_task: Token) -> None:
        my_task.workflow.top_workflow.agenda.add(my_task)

    def _run_hook(self, my_task: Token) -> bool | None:
        workflow: ProcessWorkflow = my_task.workflow.top_workflow
        workflow.note_entered(my_task)
        data = my_task.internal_data
        if "done" not in data:
            data.pop("waits", None)
            if "compensates" not in data:
                self._map_inputs(my_task)
                self.attach_boundary_events(my_task)
                self._run_scripts(my_task, "before", self.element.before)
            if not self.enter(my_task):
                return None
        if my_task.id in my_task.workflow.tasks:
            self.finish(my_task)
        if my_task.id not in my_task.workflow.tasks:
            return None  # cancelled by what it threw
        self._run_scripts(my_task, "after", self.element.after)
        self._map_outputs(my_task)
        if my_task.triggered:
            data["again"] = my_task.parent.task_spec.decide(my_task.parent, my_task)
        else:
            data["taken"] = self._taken(my_task)
        if self.is_chosen and "aside" not in data:
            data["enough"] = my_task.workflow.holder.task_spec.is_enough(my_task)
        workflow.keep_record(my_task)
        return True

    def _taken(self, token: Token) -> list[str]:
        if "aside" in token.internal_data:
            return []
        taken = [flow.id for flow in self.leave(token)]
        leaving = len(taken) * self.completion_quantity
        if leaving > 1:
            require_room(token, leaving)
        return taken

    def _on_complete_hook(self, my_task: Token) -> None:
        taken = set(my_task.internal_data.pop("taken", ()))
        for flow in self.flows:
            for _ in range(self.completion_quantity if flow.id in taken else 0):
                my_task.workflow.place(flow.target, flow=flow.id)

    def _run_scripts(self, token: Token, when: str, scripts: Sequence[str]) -> None:
        """Once for each visit, however often the work is tried; not for what is skipped or undone."""
        data = token.internal_data
        if not scripts or data.keys() & {"compensates", "skipped"} or when in data.get("ran", ()):
            return
        for script in scripts:
            token.workflow.top_workflow.execute(token, script)
        data["ran"] = [*data.get("ran", ()), when]

    # ---- mappings

    def _map_inputs(self, token: Token) -> None:
        """Evaluate the inputs once, in the outer scope, and make them the activity's own names."""
        inputs, outputs, data = self.element.inputs, self.element.outputs, self.element.data
        if not (inputs or outputs or data) or "mapped" in token.internal_data:
            return
        found = {} if data is None else data.brought(token, self.known(token))
        found |= {mapping.name: value_of(token, mapping.source) for mapping in inputs}
        token.internal_data["mapped"] = True
        if outputs or "scope" not in token.internal_data:
            token.internal_data["scope"] = ScopeKind.CLOSED if outputs else ScopeKind.OPEN
        for name, value in found.items():
            set_local(token, name, value)

    def known(self, token: Token) -> Mapping[str, Json]:
        """The values that the element's data has as it begins."""
        return {}

    def made(self, local: Mapping[str, Json]) -> dict[str, Json]:
        """Of what is in its own scope: what its input mapping and data input associations made."""
        return dict(local) if self.element.data is None else self.element.data.made(local)

    def _map_outputs(self, token: Token) -> None:
        """With an output mapping only the mapped names go out.

        Compensating, the activity has done so long ago; skipped, there is nothing to map.
        """
        if token.internal_data.keys() & {"compensates", "skipped"}:
            return
        found = [(mapping.name, value_of(token, mapping.source)) for mapping in self.element.outputs]
        scopes = token.workflow.top_workflow.scopes
        for name, value in found:
            storable(token, name, lambda name=name, value=value: scopes.write_outside(token, name, value))
        if self.element.data is not None:
            self.element.data.give(token)

    def attach_boundary_events(self, token: Token) -> None:
        """Let them wait, unless they do."""
        if self.boundary and "guarded" not in token.internal_data:
            token.internal_data["guarded"] = True
            for event in self.boundary:
                token.workflow.place(event, data={"on": token.id.hex})


# ---- what elements do with a token ---------------------------------------------------------------------------------


def value_of(token: Token, source: str) -> Json:
    """Evaluate an expression as the token sees the variables. Raises ScriptFailed."""
    return token.workflow.top_workflow.evaluate(token, source)


def whole_of(token: Token) -> Token:
    """The activity that a token is an instance of: the body of a loop, else the token itself."""
    return token.parent if token.triggered else token


def text_of(value: Json) -> str:
    """A value where a text is asked for: dates in ISO 8601."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def holds(token: Token, flow: Flow) -> bool:
    return bool(value_of(token, flow.condition or "True"))


def write(token: Token, told: Mapping[str, Json]) -> None:
    """Set variables as if the element had set them: inside, when it has an output mapping."""
    scopes = token.workflow.top_workflow.scopes
    for name, value in told.items():
        storable(token, name, lambda name=name, value=value: scopes.write(token, name, value))


def set_local(token: Token, name: str, value: Json) -> None:
    """Set a name in the token's own scope."""
    token.internal_data.setdefault("scope", ScopeKind.OPEN)
    storable(token, name, lambda: token.workflow.top_workflow.scopes.set(token.id.hex, name, value))


def storable(token: Token, name: str, act: Any) -> None:
    try:
        act()
    except TypeError as cause:
        message = f'Variable "{values.shown(name, 60)}" cannot be stored. {cause}'
        raise ElementFailed(token.task_spec.bpmn_id, message) from cause


def require_room(token: Token, more: int) -> None:
    """Raises ElementFailed when an instance would have too many tokens."""
    wanted = token.workflow.top_workflow.size + more
    if wanted > MOST_TOKENS:
        message = f"Expected at most {MOST_TOKENS:,} tokens in one instance, but there would be {wanted:,}."
        raise ElementFailed(token.task_spec.bpmn_id, message)


def wait_for(token: Token, kind: str, element_id: str | None = None, **data: Json) -> None:
    """Remember what a token waits for; data is plain JSON and is handed to whoever looks after that kind."""
    wait = {"kind": kind, "element": element_id or token.task_spec.bpmn_id, **data}
    token.internal_data.setdefault("waits", []).append(wait)


def is_before(token: Token, node: FlowNode) -> bool:
    """Whether a token stands before a node, waiting for others."""
    return token.task_spec is node and token._state == TaskState.WAITING


def named(node: FlowNode) -> str:
    return f'"{node.element.name}"' if node.element.name else node.element.id


def no_way_out(node: FlowNode) -> str:
    return f"No condition on the flows out of {named(node)} is true, and none of them is the default flow."
