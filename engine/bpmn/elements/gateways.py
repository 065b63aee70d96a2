"""Gateways. Source: BPMN 2.0.2 (formal/2013-12-09), 13.4 Gateways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements.flow_node import Flow, FlowNode, Token, holds, no_way_out
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

    fires_at_once = True
    """Whether an arrival alone can make it fire; otherwise it is asked when nothing else can move."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reached: dict[tuple[str, bool], frozenset[str]] = {}

    def may_fire(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        """arrived: sequence-flow id -> the oldest token waiting there."""
        raise NotImplementedError

    def why_stuck(self, arrived: Mapping[str, Token], workflow: Any) -> str:
        """Why those who wait here wait for good, told when nothing moves; empty when they may not."""
        if all(token._state == TaskState.WAITING for token in workflow.live()):  # no event sub-process waits, either
            return f"Expected further tokens to come to {_named(self)}, but every token left waits at a gateway."
        return ""

    def arrivals(self, workflow: Any) -> dict[str, Token]:
        found: dict[str, Token] = {}
        for token in workflow.tasks.values():
            if token.task_spec is self and token._state == TaskState.WAITING:
                found.setdefault(token.internal_data["via"][0], token)
        return found

    def fire(self, arrived: Mapping[str, Token]) -> None:
        """Make one token of the arrivals."""
        first, *others = arrived.values()
        for token in others:
            token.workflow.top_workflow.merge(token)
        first.internal_data.pop("incident", None)
        first._ready()

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

    def _update_hook(self, my_task: Token) -> bool:
        if len(self.incoming) < 2:
            return True
        workflow = my_task.workflow
        my_task._set_state(TaskState.WAITING)
        workflow.top_workflow.note_entered(my_task)
        workflow.top_workflow.agenda.joins[workflow, self] = None
        arrived = self.arrivals(workflow)
        if self.fires_at_once and self.may_fire(arrived, workflow):
            self.fire(arrived)
        return False


class ParallelGateway(Join):
    """A token on every incoming flow; a token on every outgoing flow. Source: 13.4.1."""

    def may_fire(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        return all(flow.id in arrived for flow in self.incoming)

    def why_stuck(self, arrived: Mapping[str, Token], workflow: Any) -> str:
        coming = set(arrived).union(*(self.reached_from(token.task_spec, by_events=True) for token in workflow.live()))
        never = [flow for flow in self.incoming if flow.id not in coming]
        if not never:
            return super().why_stuck(arrived, workflow)
        source = _named(self._wf_spec.task_specs[never[0].source])
        return (
            f"Expected a token on each of the {len(self.incoming)} flows into {_named(self)}, but none can come any "
            f"more from {source}. Was the flow split by an exclusive gateway?"
        )

    def leave(self, token: Token) -> Sequence[Flow]:
        return self.flows


class InclusiveGateway(Join):
    """Fires when no token elsewhere can still reach one of its empty incoming flows. Source: 13.4.3.

    A token that can reach a flow which has a token already does not hold it up: it may be meant for the next firing.
    """

    fires_at_once = False

    def may_fire(self, arrived: Mapping[str, Token], workflow: Any) -> bool:
        empty = {flow.id for flow in self.incoming} - set(arrived)
        if not empty or not arrived:
            return bool(arrived)
        return not any(self._holds_up(token, empty, set(arrived)) for token in _moving(workflow, self))

    def _holds_up(self, token: Token, empty: set[str], filled: set[str]) -> bool:
        reached = self.reached_from(token.task_spec)
        return bool(reached & empty) and not reached & filled


def _moving(workflow: Any, gateway: FlowNode) -> Iterable[Token]:
    """Tokens that may still travel: not those before the gateway itself, nor events that wait, nor handlers."""
    for token in workflow.live():
        if token.task_spec is not gateway and "on" not in token.internal_data and "aside" not in token.internal_data:
            yield token


def _named(node: FlowNode) -> str:
    return f'"{node.element.name}"' if node.element.name else node.element.id


class EventBasedGateway(FlowNode):
    """Waits for the first of the events behind it. Source: 13.4.4."""

    def enter(self, token: Token) -> bool:
        for flow in self.flows:
            event = self._wf_spec.task_specs[flow.target]
            event.subscribe(token)
        return False

    def happen(self, token: Token, element: str, payload: Mapping[str, Json]) -> None:
        token.internal_data |= {"chosen": element, "payload": dict(payload)}
        token.workflow.top_workflow.resume(token)

    def leave(self, token: Token) -> Sequence[Flow]:
        chosen = token.internal_data["chosen"]
        return [flow for flow in self.flows if flow.target == chosen]

    def _on_complete_hook(self, my_task: Token) -> None:
        """The event has happened already: its token is placed as done."""
        event = my_task.internal_data["chosen"]
        flow = next(flow for flow in self.flows if flow.target == event)
        payload = my_task.internal_data.get("payload", {})
        my_task.workflow.place(event, flow=flow.id, data={"happened": payload})
