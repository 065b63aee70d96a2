"""Gateways. Source: BPMN 2.0.2 (formal/2013-12-09), 13.4 Gateways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.bpmn.elements.flow_node import (
    Element,
    Flow,
    FlowNode,
    Token,
    holds,
    is_before,
    named,
    no_way_out,
    value_of,
)
from engine.bpmn.names import element_of
from engine.bpmn.script import ScriptFailed
from engine.bpmn.variables import ScopeKind
from engine.errors import ElementFailed
from engine.model import Json


class ExclusiveGateway(FlowNode):
    """The first flow whose condition is true, in the order of the file; else the default. Source: 13.4.2."""

    def leave(self, token: Token) -> Sequence[Flow]:
        choices = [flow for flow in self.flows if flow.id != self.default]
        if len(choices) == 1 and self.default is None and choices[0].condition is None:
            return choices
        for flow in choices:
            if flow.condition is not None and holds(token, flow):
                return [flow]
        default = [flow for flow in self.flows if flow.id == self.default]
        if self.flows and not default:
            raise ElementFailed(self.element.id, no_way_out(self))
        return default


class Join(FlowNode):
    """Waits for tokens on several flows.

    An arrival is a WAITING token that knows the flow it came by. Firing consumes the oldest arrival of each flow that
    has one; what is left stays for the next firing. No look at the past: finished work may be forgotten freely.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reached: dict[tuple[str, bool], frozenset[str]] = {}

    def gathers(self, token: Token) -> bool:
        return len(self.incoming) > 1

    def arrivals(self, workflow: Any) -> dict[str, Token]:
        """Sequence-flow id -> the oldest token waiting there."""
        found: dict[str, Token] = {}
        for token in workflow.tasks.values():
            if is_before(token, self):
                found.setdefault(token.internal_data["via"][0], token)
        return found

    def is_expected(self, empty: set[str], arrived: Mapping[str, Token], workflow: Any) -> bool:
        """Whether a token elsewhere can still reach one of the empty flows. Source: 13.4.3.

        A token that can reach a flow which has a token already does not count: it may be meant for the next firing.
        """
        reached = (self.reached_from(token.task_spec) for token in _moving(workflow, self))
        return any(flows & empty and not flows & arrived.keys() for flows in reached)

    def reached_from(self, node: FlowNode, *, by_events: bool = False) -> frozenset[str]:
        """Ids of the flows into this gateway on paths from a node that do not pass the gateway.

        by_events: boundary events on the way may happen, too.
        """
        at = node.name, by_events
        if at not in self._reached:
            self._reached[at] = frozenset(self._reach(node, by_events)) & {flow.id for flow in self.incoming}
        return self._reached[at]

    def _reach(self, start: FlowNode, by_events: bool) -> Iterator[str]:
        nodes = self._wf_spec.task_specs
        seen, todo = {self.name}, [start]
        while todo:
            node = todo.pop()
            if node.name in seen:
                continue
            seen.add(node.name)
            yield from (flow.id for flow in node.flows)
            following = [*node.next_nodes(), *(node.boundary if by_events else ())]
            todo.extend(nodes[name] for name in following)


class ParallelGateway(Join):
    """A token on every incoming flow; a token on every outgoing flow. Source: 13.4.1."""

    def fires_on_arrival(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        return all(flow.id in arrived for flow in self.incoming)

    def why_stuck(self, arrived: Mapping[str, Token], workflow: Any) -> str:
        coming = set(arrived).union(*(self.reached_from(token.task_spec, by_events=True) for token in workflow.live()))
        never = [flow for flow in self.incoming if flow.id not in coming]
        if not never:
            return super().why_stuck(arrived, workflow)
        source = named(self._wf_spec.task_specs[never[0].source])
        return (
            f"Expected a token on each of the {len(self.incoming)} flows into {named(self)}, but none can come any "
            f"more from {source}. Was the flow split by an exclusive gateway?"
        )

    def leave(self, token: Token) -> Sequence[Flow]:
        return self.flows


class InclusiveGateway(Join):
    """Fires when no token elsewhere can still reach one of its empty incoming flows. Source: 13.4.3."""

    fires_at_rest = True

    def fires_on_arrival(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        return False

    def may_fire(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        empty = {flow.id for flow in self.incoming} - arrived.keys()
        return bool(arrived) and not (empty and self.is_expected(empty, arrived, workflow))


class ComplexGateway(Join):
    """Fires once its condition holds, then waits for the rest of one round, and begins anew. Source: 13.4.5.

    The condition reads activationCount, the number of tokens before the gateway. A flow that leaves without a
    condition is taken when the round begins, never at its end (the specification gives each flow a condition).
    """

    fires_at_rest = reads_variables_at_rest = True

    def __init__(self, process: Any, element: Element, activation: str | None) -> None:
        super().__init__(process, element)
        self.activation = activation
        """Python source; None where only one flow comes in: each token fires it."""

    def gathers(self, token: Token) -> bool:
        return "counters" not in token.internal_data and (len(self.incoming) > 1 or self.activation is not None)

    def arrivals(self, workflow: Any) -> dict[str, Token]:
        """At the end of a round only on those flows that nothing was taken from when it began."""
        taken = workflow.rounds.get(self.name, ())
        return {flow: token for flow, token in super().arrivals(workflow).items() if flow not in taken}

    def fires_on_arrival(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        return self.name not in workflow.rounds and self._is_activated(arrived, workflow)

    def may_fire(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        if self.name not in workflow.rounds:
            return self._is_activated(arrived, workflow)
        empty = {flow.id for flow in self.incoming} - arrived.keys() - set(workflow.rounds[self.name])
        return not (empty and self.is_expected(empty, arrived, workflow))

    def _is_activated(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        first = next(iter(arrived.values()), None)
        if first is None or "incident" in first.internal_data:
            return False
        before = sum(is_before(token, self) for token in workflow.tasks.values())
        first.internal_data |= _round(before, is_start=True)
        try:
            return self.activation is None or bool(value_of(first, self.activation))
        except ScriptFailed as problem:
            workflow.top_workflow.fail(first, str(problem))
            return False

    def fire(self, arrived: Mapping[str, Token], workflow: Any) -> None:
        taken = workflow.rounds.pop(self.name, None)
        if taken is None:
            workflow.rounds[self.name] = list(arrived)
            workflow.top_workflow.agenda.gathering[workflow, self] = None
        else:
            for token in arrived.values():
                token.internal_data |= _round(len(arrived), is_start=False)
        if arrived:
            super().fire(arrived, workflow)
        elif any(flow.condition is not None for flow in self.flows):
            workflow.place(self.name, data=_round(0, is_start=False))

    def leave(self, token: Token) -> Sequence[Flow]:
        if token.internal_data.get("counters", _FIRST)["waitingForStart"]:
            return super().leave(token)
        return [flow for flow in self.flows if flow.condition is not None and holds(token, flow)]


_FIRST = {"waitingForStart": True}


def _round(count: int, *, is_start: bool) -> dict[str, Json]:
    """What the conditions around a complex gateway may ask, as the data of a token."""
    return {"scope": ScopeKind.OPEN, "counters": {"activationCount": count, "waitingForStart": is_start}}


def _moving(workflow: Any, gateway: FlowNode) -> Iterable[Token]:
    """Tokens that may still travel: not those before the gateway itself, nor events that wait, nor handlers."""
    for token in workflow.live():
        if token.task_spec is not gateway and "on" not in token.internal_data and "aside" not in token.internal_data:
            yield token


class EventBasedGateway(FlowNode):
    """Waits for the first of the events behind it. Source: 13.4.4.

    One that instantiates is passed by the event that begins the instance; in parallel the others are waited for, too.
    """

    def __init__(self, process: Any, element: Element, *, is_parallel: bool = False) -> None:
        super().__init__(process, element)
        self.is_parallel = is_parallel

    def begun_by(self, at: str) -> dict[str, Json]:
        return {"done": True, "begins": True, **_chosen(at, {})}

    def enter(self, token: Token) -> bool:
        for flow in self.flows:
            self._event(flow.target).subscribe(token)
        return False

    def happen(self, token: Token, at: str, payload: Mapping[str, Json]) -> None:
        together = self._event(element_of(at)).gather(token, at, payload)
        if together is not None:
            token.internal_data |= _chosen(at, together)
            token.workflow.top_workflow.resume(token)

    def awaited(self, at: str) -> Any:
        return self._event(element_of(at)).awaited(at)

    def leave(self, token: Token) -> Sequence[Flow]:
        chosen = token.internal_data["chosen"]
        return [flow for flow in self.flows if self.is_parallel or flow.target == chosen]

    def _on_complete_hook(self, my_task: Token) -> None:
        """The event has happened already: its token is placed as done."""
        told = my_task.internal_data
        happened = {"happened": told["payload"], "begins": told.get("begins", False)}
        for flow in self.leave(my_task):
            data = happened if flow.target == told["chosen"] else None
            my_task.workflow.place(flow.target, flow=flow.id, data=data)

    def _event(self, name: str) -> Any:
        return self._wf_spec.task_specs[name]


def _chosen(at: str, payload: Mapping[str, Json]) -> dict[str, Json]:
    return {"chosen": element_of(at), "payload": dict(payload)}
