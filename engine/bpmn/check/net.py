"""How tokens may move through one scope, data aside: stations that take tokens from flows and give them to others.

Source: BPMN 2.0.2, 13.3 Activities, 13.4 Gateways, 13.5 Events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain, combinations
from typing import TypeVar

from engine.bpmn.check import structure
from engine.bpmn.check.diagram import ACTIVITIES, Diagram, Scope
from engine.bpmn.nodes import Node, child_text, is_true, local

Flow = int
Way = frozenset[Flow]
"""The flows that get a token at one passage."""
MOST_COMBINED = 6
"""Flows of one inclusive split of which every combination is looked at; of more: each alone, and all of them."""
BEGIN = -1
"""The flow that holds the one token at the beginning."""


class Join(Enum):
    """When a station may be passed: a token on any of its flows, on all of them, or on all that still get one."""

    ANY = auto()
    ALL = auto()
    COMING = auto()


@dataclass(eq=False, slots=True)
class Station:
    """An element, and what has been folded into it."""

    node: Node
    join: Join
    number: int
    takes: set[Flow] = field(default_factory=set)
    ways: set[Way] = field(default_factory=set)
    ends_all: bool = False
    """Whether every token of the scope is gone when it is passed."""

    def __hash__(self) -> int:
        return self.number  # so that sets of them are gone through in the same order in every run

    @property
    def is_end(self) -> bool:
        return self.ways == {frozenset()}

    @property
    def is_merge(self) -> bool:
        """Whether tokens that come side by side go on side by side; at an end event that means nothing."""
        return self.join is Join.ANY and not self.ends_all and local(self.node) != "endEvent"


@dataclass(eq=False, slots=True)
class Net:
    stations: set[Station]
    source: dict[Flow, Station]
    target: dict[Flow, Station]
    via: dict[Flow, tuple[Node, ...]]
    """The elements folded into a flow, in their order."""

    def passed(self, flow: Flow) -> tuple[Node, ...]:
        """What a token on this flow has come through: the element that it left, and those folded into the flow."""
        return (self.source[flow].node, *self.via[flow])


# ---- made from the diagram -----------------------------------------------------------------------------------------

_ALL_END = frozenset({"terminateEventDefinition", "errorEventDefinition", "cancelEventDefinition"})
_JOINS = {"parallelGateway": Join.ALL, "inclusiveGateway": Join.COMING}
_ALTERNATIVES = frozenset({"exclusiveGateway", "eventBasedGateway"})


def is_playable(scope: Scope) -> bool:
    """Whether the ways of tokens are known from the drawing: no expression counts them, no person chooses them."""
    if local(scope.holder) == "adHocSubProcess":
        return False
    for node in scope.nodes:
        if local(node) == "complexGateway" and (
            len(scope.incoming(node)) > 1 or child_text(node, "activationCondition")
        ):
            return False
        if {node.get("startQuantity", "1"), node.get("completionQuantity", "1")} != {"1"}:
            return False
    return True


def net_of(diagram: Diagram, scope: Scope, begun: Iterable[Node]) -> Net:
    """The stations of a scope. begun: where it begins; start events are alternatives, other elements begin at once."""
    return _Builder(diagram, scope).build(list(begun))


class _Builder:
    def __init__(self, diagram: Diagram, scope: Scope) -> None:
        self.diagram, self.scope = diagram, scope
        self.net = Net(set(), {}, {}, {})
        joins = [(node, _JOINS.get(local(node), Join.ANY)) for node in scope.nodes]
        self.of = {node: Station(node, join, number) for number, (node, join) in enumerate(joins, 1)}
        self.flows: dict[tuple[Node, Node], Flow] = {}

    def build(self, begun: list[Node]) -> Net:
        reached = self._reached(begun)
        for node, station in self.of.items():
            if node not in reached:
                continue
            self.net.stations.add(station)
            station.ends_all = local(node) == "endEvent" and bool(_ALL_END & self._triggers(node))
        first = Station(self.scope.holder, Join.ANY, 0, {BEGIN})
        self.net.stations.add(first)
        self.net.target[BEGIN], self.net.source[BEGIN], self.net.via[BEGIN] = first, first, ()
        for station in [*self.net.stations - {first}]:
            if local(station.node) != "boundaryEvent":
                station.ways = set(self._ways(station))
        starts = [self._joined(first, node) for node in begun]
        are_alternatives = any(local(node) == "startEvent" or is_true(node, "instantiate") for node in begun)
        first.ways = {frozenset({flow}) for flow in starts} if are_alternatives else {frozenset(starts)}
        self.net.stations -= {each for each in self.net.stations if local(each.node) == "boundaryEvent"}
        return self.net

    def _triggers(self, event: Node) -> set[str]:
        return {local(each) for each in self.diagram.definitions_of(event)}

    def _reached(self, begun: list[Node]) -> set[Node]:
        reached, todo = set[Node](), [*begun]
        while todo:
            node = todo.pop()
            if node not in reached:
                reached.add(node)
                todo += self._next(node)
        return reached

    def _next(self, node: Node) -> list[Node]:
        targets = [self.scope.target(flow) for flow in self.scope.outgoing(node)]
        return [*targets, *structure.linked(self.scope, node), *self._boundary(node)]

    def _boundary(self, node: Node) -> list[Node]:
        """What may move a token; compensation moves none."""
        attached = self.scope.boundary.get(node.get("id", ""), [])
        return [event for event in attached if self._triggers(event) != {"compensateEventDefinition"}]

    # ---- flows

    def _joined(self, source: Station, target: Node) -> Flow:
        flow = len(self.net.target)
        self.net.source[flow], self.net.target[flow], self.net.via[flow] = source, self.of[target], ()
        self.of[target].takes.add(flow)
        return flow

    def _given(self, station: Station, node: Node, flows: Iterable[Node] | None = None) -> Way:
        """Tokens on the flows that leave a node, its own or its boundary event's, as given by the station."""
        told = self.scope.outgoing(node) if flows is None else flows
        targets = {flow: self.scope.target(flow) for flow in told}
        targets |= {event: event for event in structure.linked(self.scope, node)}
        for drawn, target in targets.items():
            if (node, drawn) not in self.flows:
                flow = self.flows[node, drawn] = self._joined(station, target)
                self.net.via[flow] = () if node is station.node else (node,)
        return frozenset(self.flows[node, drawn] for drawn in targets)

    def _ways(self, station: Station) -> Iterator[Way]:
        node = station.node
        events = self._boundary(node)
        aside = [self._given(station, event) for event in events if not _interrupts(event)]
        instead = [self._given(station, event) for event in events if _interrupts(event)]
        for way in [*self._own_ways(station), *instead]:
            for more in _combined(aside, at_least=0):
                yield way.union(*more)

    def _own_ways(self, station: Station) -> list[Way]:
        node, flows = station.node, self.scope.outgoing(station.node)
        if local(node) in _ALTERNATIVES and not _begins_with_all(node):
            return [self._given(station, node, [flow]) for flow in flows] or [frozenset()]
        if local(node) in ("inclusiveGateway", "complexGateway") and len(flows) > 1:
            return [self._given(station, node, some) for some in _combined(flows, at_least=1)]
        if local(node) in ACTIVITIES and any(child_text(flow, "conditionExpression") for flow in flows):
            return self._conditional_ways(station, flows)
        return [self._given(station, node)]

    def _conditional_ways(self, station: Station, flows: list[Node]) -> list[Way]:
        node = station.node
        default = [flow for flow in flows if flow.get("id") == node.get("default")]
        conditional = [flow for flow in flows if child_text(flow, "conditionExpression") and flow not in default]
        always = [flow for flow in flows if flow not in conditional and flow not in default]
        found = [self._given(station, node, [*always, *some]) for some in _combined(conditional, at_least=1)]
        rest = [*always, *default]
        return [*found, self._given(station, node, rest)] if rest else found


def _interrupts(event: Node) -> bool:
    return event.get("cancelActivity", "true").strip() in ("true", "1")


def _begins_with_all(gateway: Node) -> bool:
    return is_true(gateway, "instantiate") and gateway.get("eventGatewayType") == "Parallel"


T = TypeVar("T")


def _combined(of: Sequence[T], *, at_least: int) -> Iterator[tuple[T, ...]]:
    """Every selection of so many and more; of a long list: none (where that may be), each alone, and all."""
    sizes = range(at_least, len(of) + 1)
    if len(of) > MOST_COMBINED:
        sizes = range(at_least, 2)
        yield tuple(of)
    yield from chain.from_iterable(combinations(of, size) for size in sizes)
