"""Sequence flows, boundary events and links: what joins the nodes of a process or sub-process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.bpmn import scripts
from engine.bpmn.elements import event_definition, events, gateways, throwing
from engine.bpmn.elements.flow_node import Flow, FlowNode
from engine.bpmn.nodes import Node, bpmn, child_text, is_true, link_name, local, name_of
from engine.bpmn.process import StartPoint
from engine.bpmn.specification import ProcessSpec


def connect(spec: ProcessSpec, container: Node, nodes: Sequence[Node]) -> None:
    for node in container.iterfind(bpmn("sequenceFlow")):
        flow = _flow(node)
        spec.task_specs[flow.source].flows.append(flow)
        spec.task_specs[flow.target].incoming.append(flow)
    for node in nodes:
        if node.get("default"):
            spec.task_specs[node.get("id")].default = node.get("default")
        if local(node) == "boundaryEvent":
            spec.task_specs[node.get("attachedToRef")].boundary.append(node.get("id"))
    _connect_handlers(spec, container)
    _connect_links(spec, nodes)


def source_of(node: Node, tag: str) -> str | None:
    """A child's text as Python source; None when there is none."""
    child = node.find(bpmn(tag))
    return scripts.of_expression(child) if child is not None and child_text(node, tag) else None


def _flow(node: Node) -> Flow:
    condition = source_of(node, "conditionExpression")
    return Flow(node.get("id", ""), name_of(node), node.get("sourceRef", ""), node.get("targetRef", ""), condition)


def _connect_handlers(spec: ProcessSpec, container: Node) -> None:
    """An association leads from a compensation boundary event to its handler. Source: BPMN 2.0.2, 10.5.4."""
    for association in container.iterfind(bpmn("association")):
        event = spec.task_specs.get(association.get("sourceRef"))
        if isinstance(event, events.BoundaryEvent) and isinstance(event.definition, event_definition.Compensation):
            activity = next(node for node in spec.task_specs.values() if event.name in node.boundary)
            activity.boundary.remove(event.name)
            spec.handlers[activity.element.id] = association.get("targetRef", "")


def _connect_links(spec: ProcessSpec, nodes: Iterable[Node]) -> None:
    """A throwing link event goes on at the catching one of the same name. Source: BPMN 2.0.2, 10.5.5."""
    named = {node.get("id", ""): link_name(node) for node in nodes if local(node).startswith("intermediate")}
    links = {spec.task_specs[node]: name for node, name in named.items() if name is not None}
    caught = {name: event.name for event, name in links.items() if isinstance(event, events.CatchEvent)}
    for event, name in links.items():
        if isinstance(event, throwing.ThrowEvent):
            event.definition = event_definition.Link(caught[name])


def start_points(spec: ProcessSpec, nodes: Iterable[Node]) -> Iterator[StartPoint]:
    """What begins an instance by itself: start events that wait, and receive tasks and gateways that instantiate.

    Source: BPMN 2.0.2, 10.5.2 Start Event, 10.3.3 Receive Task, 10.6.6 Event-Based Gateway, 13.2.
    """
    for node in nodes:
        made = spec.task_specs[node.get("id")]
        if isinstance(made, gateways.EventBasedGateway) and is_true(node, "instantiate"):
            for flow in made.flows:
                yield from _points(spec.task_specs[flow.target], made.name, needs_others=made.is_parallel)
        elif local(node) == "startEvent" or is_true(node, "instantiate"):
            yield from _points(made, made.name)


def _points(event: FlowNode, node: str, *, needs_others: bool = False) -> Iterator[StartPoint]:
    if isinstance(event, events.CatchEvent):
        for at, told in event.parts():
            if not isinstance(told, event_definition.Nothing):
                yield StartPoint(at, told, node, needs_others or event.needs_all)


def begins(spec: ProcessSpec, node: Node) -> bool:
    """Whether tokens begin at a node when there is no start event: nothing leads to it."""
    found = spec.task_specs[node.get("id")]
    is_caught = isinstance(found, events.CatchEvent) and isinstance(found.definition, event_definition.Link)
    is_other = local(node) == "boundaryEvent" or is_true(node, "isForCompensation") or is_true(node, "triggeredByEvent")
    return not (found.incoming or is_other or is_caught)
