"""Gateways. Source: BPMN 2.0.2 (formal/2013-12-09), 13.4 Gateways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements.flow_node import LIVE, Flow, FlowNode, Token, holds, no_way_out
from engine.errors import ElementFailed


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

    def may_fire(self, arrived: Mapping[str, Token], workflow: object) -> bool:
        """arrived: sequence-flow id -> the oldest token waiting there."""
        raise NotImplementedError

    def arrivals(self, workflow: object) -> dict[str, Token]:
        found: dict[str, Token] = {}
        for token in workflow.tasks.values():  # type: ignore[attr-defined]
            if token.task_spec is self and token._state == TaskState.WAITING:
                found.setdefault(token.internal_data["via"][0], token)
        return found

    def fire(self, arrived: Mapping[str, Token]) -> None:
        """Make one token of the arrivals."""
        first, *others = arrived.values()
        for token in others:
            token.workflow.top_workflow.merge(token)
        first._set_state(TaskState.READY)

    def _update_hook(self, my_task: Token) -> bool:
        if len(self.incoming) < 2:
            return True
        my_task._set_state(TaskState.WAITING)
        my_task.workflow.top_workflow.note_entered(my_task)
        arrived = self.arrivals(my_task.workflow)
        if self.fires_at_once and self.may_fire(arrived, my_task.workflow):
            self.fire(arrived)
        return False


class ParallelGateway(Join):
    """A token on every incoming flow; a token on every outgoing flow. Source: 13.4.1."""

    def may_fire(self, arrived: Mapping[str, Token], workflow: object) -> bool:
        return all(flow.id in arrived for flow in self.incoming)

    def leave(self, token: Token) -> Sequence[Flow]:
        return self.flows


class InclusiveGateway(Join):
    """Fires when no token elsewhere can still reach one of its empty incoming flows. Source: 13.4.3.

    A token that can reach a flow which has a token already does not hold it up: it may be meant for the next firing.
    """

    fires_at_once = False

    def may_fire(self, arrived: Mapping[str, Token], workflow: object) -> bool:
        empty = {flow.id for flow in self.incoming} - set(arrived)
        if not empty or not arrived:
            return bool(arrived)
        return not any(self._holds_up(token, empty, set(arrived)) for token in _moving(workflow, self))

    def _holds_up(self, token: Token, empty: set[str], filled: set[str]) -> bool:
        reached = _flows_reached(token.task_spec, self)
        return bool(reached & empty) and not reached & filled


def _moving(workflow: object, gateway: FlowNode) -> Iterable[Token]:
    """Tokens that may still travel: not those before the gateway itself, nor boundary events that wait."""
    for token in workflow.tasks.values():  # type: ignore[attr-defined]
        if token._state & LIVE and token.task_spec is not gateway and "on" not in token.internal_data:
            yield token


def _flows_reached(start: FlowNode, gateway: FlowNode) -> set[str]:
    """Ids of the flows on paths from a node that do not pass the gateway."""
    nodes = gateway._wf_spec.task_specs
    seen, reached, todo = {gateway.name}, set[str](), [start]
    while todo:
        node = todo.pop()
        if node.name in seen:
            continue
        seen.add(node.name)
        reached.update(flow.id for flow in node.flows)
        todo.extend(nodes[name] for name in node.next_nodes())
    return reached


class EventBasedGateway(FlowNode):
    """Waits for the first of the events behind it. Source: 13.4.4."""

    def enter(self, token: Token) -> bool:
        for flow in self.flows:
            event = self._wf_spec.task_specs[flow.target]
            event.subscribe(token)
        return False

    def leave(self, token: Token) -> Sequence[Flow]:
        chosen = token.internal_data["chosen"]
        return [flow for flow in self.flows if flow.target == chosen]

    def _on_complete_hook(self, my_task: Token) -> None:
        """The event has happened already: its token is placed as done."""
        event = my_task.internal_data["chosen"]
        flow = next(flow for flow in self.flows if flow.target == event)
        payload = my_task.internal_data.get("payload", {})
        my_task.workflow.place(event, flow=flow.id, data={"happened": payload})
