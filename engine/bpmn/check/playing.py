"""Every way through a net: the states that its tokens can come to, and where they wait, meet or never end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.bpmn.check.net import BEGIN, Flow, Join, Net, Station, Way

MOST_STATES = 8_000
"""Looked at in one scope; a second is not exceeded by it."""
State = frozenset[Flow]
"""The flows with a token."""


class Step(NamedTuple):
    """One passage of a station."""

    station: Station
    taken: frozenset[Flow]
    given: Way


@dataclass(slots=True)
class Played:
    """What came of playing a net through."""

    net: Net
    reached: dict[State, tuple[State, Step] | None] = field(default_factory=dict)
    """Each state, with the step that led to it first."""
    followed: dict[State, list[State]] = field(default_factory=dict)
    over: set[State] = field(default_factory=set)
    """Where nothing is left to do, or nothing more is to be told."""
    stuck: list[State] = field(default_factory=list)
    doubled: dict[Flow, tuple[State, Step]] = field(default_factory=dict)
    """Flows that got a second token, or met another one at a merge: where, and by which step."""
    passed: set[Station] = field(default_factory=set)
    is_complete: bool = True

    def path(self, state: State) -> list[Step]:
        """The steps that led to a state."""
        steps: list[Step] = []
        while (before := self.reached[state]) is not None:
            state, step = before
            steps.append(step)
        return steps[::-1]


def play(net: Net) -> Played:
    """Go through every state that tokens can come to, the nearest first, and no more than MOST_STATES."""
    played = Played(net)
    begin = frozenset({BEGIN})
    played.reached[begin] = None
    todo = deque([begin])
    reaching = {station: _ways_to(net, station) for station in net.stations if station.join is Join.COMING}
    while todo:
        state = todo.popleft()
        steps = list(_steps(net, state, reaching))
        played.followed[state] = []
        if not steps:
            played.over.add(state)
            played.stuck += [state] if state else []
        for step in steps:
            after = _after(played, state, step)
            played.passed.add(step.station)
            if after is None:
                played.over.add(state)
            else:
                played.followed[state].append(after)
            if after is not None and after not in played.reached:
                played.reached[after] = (state, step)
                todo.append(after)
        if len(played.reached) > MOST_STATES:
            played.is_complete = False
            break
    return played


def _after(played: Played, state: State, step: Step) -> State | None:
    """The state behind a step; None when tokens meet that do not wait for each other: told, and not played on."""
    if step.station.ends_all:
        return frozenset()
    left = state - step.taken
    met = [flow for flow in sorted(step.given) if _meets(played.net, flow, left | step.given - {flow}, left)]
    for flow in met:
        played.doubled.setdefault(flow, (state, step))
    return None if met else left | step.given


def _meets(net: Net, flow: Flow, others: State, left: State) -> bool:
    """Whether a token on this flow comes to where another one is that goes on by itself."""
    target = net.target[flow]
    return flow in left or (target.is_merge and bool(others & target.takes))


Reaching = dict[Station, dict[Flow, set[Flow]]]
"""For each inclusive join and each of its flows: from where a token can still come to that flow."""


def _steps(net: Net, state: State, reaching: Reaching) -> Iterator[Step]:
    for station in dict.fromkeys(net.target[flow] for flow in sorted(state)):
        here = state & station.takes
        if station.join is Join.ANY:
            yield from (Step(station, frozenset({flow}), way) for flow in sorted(here) for way in station.ways)
        elif len(here) == len(station.takes) or (
            station.join is Join.COMING and not _is_coming(state - here, here, reaching[station])
        ):
            yield from (Step(station, here, way) for way in station.ways)


def _is_coming(elsewhere: State, here: State, ways: dict[Flow, set[Flow]]) -> bool:
    """Whether a flow that has no token may still get one. Source: BPMN 2.0.2, 13.4.3 Inclusive Gateway."""
    wanted = set().union(*(found for flow, found in ways.items() if flow not in here))
    had = set().union(*(ways[flow] for flow in here))
    return bool(elsewhere & wanted - had)


def _ways_to(net: Net, join: Station) -> dict[Flow, set[Flow]]:
    """For each flow into a join: the flows from which a token can get there without passing the join."""
    found: dict[Flow, set[Flow]] = {}
    for flow in join.takes:
        reached, todo = {flow}, [flow]
        while todo:
            source = net.source[todo.pop()]
            more = source.takes - reached if source is not join else set()
            reached |= more
            todo += more
        found[flow] = reached
    return found
