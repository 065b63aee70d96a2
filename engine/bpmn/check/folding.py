"""What is certainly sound in a net is folded away: sequences, splits joined by their like, loops with a way out.

What is left is drawn crosswise, or wrong; there is little of it in most diagrams, and it is played through.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.bpmn.check.net import BEGIN, Flow, Join, Net, Station, Way
from engine.bpmn.nodes import local

MOST_WAYS = 64
"""Of one station; folding that would make more is left."""
Touched = set[Station]
"""Where more may be folded now."""


def fold(net: Net) -> None:
    todo = set(net.stations)
    while todo:
        station = todo.pop()
        if station in net.stations:
            todo |= next((touched for rule in _RULES if (touched := rule(net, station))), set())


def _end(net: Net, station: Station) -> Touched:
    """Tokens that end, end where they are sent there from. What several flows lead into may be done twice before."""
    is_end = station.is_end and not station.ends_all
    if not is_end or BEGIN in station.takes or not (len(station.takes) == 1 or local(station.node) == "endEvent"):
        return set()
    sources = {net.source[flow] for flow in station.takes}
    for source in sources:
        source.ways = {way - station.takes for way in source.ways}
    _forget(net, station, station.takes)
    return sources


def _way_back(net: Net, station: Station) -> Touched:
    """A loop that can be left."""
    back = {way for way in station.ways if len(way) == 1 and way <= station.takes}
    if station.join is not Join.ANY or not back or back == station.ways:
        return set()
    station.ways -= back
    for flow in frozenset().union(*back):
        if not any(flow in way for way in station.ways):
            station.takes.discard(flow)
            _drop(net, flow)
    return {station, *(net.source[flow] for flow in station.takes)}


def _twins(net: Net, station: Station) -> Touched:
    """Several flows to one station, of which as many come as it waits for."""
    by_target: dict[Station, set[Flow]] = {}
    for flow in frozenset().union(*station.ways):
        by_target.setdefault(net.target[flow], set()).add(flow)
    for target, flows in by_target.items():
        counts = {len(way & flows) for way in station.ways}
        is_one = target.join is not Join.ALL and counts <= {0, 1}
        is_all = target.join is not Join.ANY and counts <= {0, len(flows)}
        if len(flows) > 1 and (is_one or is_all or target.join is Join.COMING):
            kept, gone = min(flows), flows - {min(flows)}
            station.ways = {way - gone | {kept} if way & flows else way for way in station.ways}
            target.takes -= gone
            for flow in gone:
                _drop(net, flow)
            return {station, target}
    return set()


def _next(net: Net, station: Station) -> Touched:
    """A station and the only one behind it."""
    flow = _only(station)
    if flow is None or net.target[flow] is station:
        return set()
    target = net.target[flow]
    if target.takes == {flow}:
        return _take_over(net, station, flow, target)
    is_alike = station.join is target.join is not Join.COMING and (target.is_merge or not station.is_merge)
    if BEGIN in station.takes or not (len(station.takes) == 1 or is_alike):
        return set()
    for taken in station.takes:
        net.target[taken] = target
        net.via[taken] += (station.node, *net.via[flow])
    target.takes = target.takes - {flow} | station.takes
    _drop(net, flow)
    net.stations.discard(station)
    return {target, *(net.source[taken] for taken in target.takes)}


def _only(station: Station) -> Flow | None:
    """The flow of a station that has no choice."""
    if len(station.ways) != 1:
        return None
    (way,) = station.ways
    return next(iter(way)) if len(way) == 1 else None


def _take_over(net: Net, station: Station, flow: Flow, target: Station) -> Touched:
    """What stands behind the only flow of a station becomes its own."""
    station.ways, station.ends_all = target.ways, target.ends_all
    _lead(net, station, flow, target)
    return {station, *_around(net, station)}


def _choices(net: Net, station: Station) -> Touched:
    """A split right behind a split."""
    for flow in sorted(frozenset().union(*station.ways)):
        target = net.target[flow]
        is_behind = target.takes == {flow} and target is not station and not target.ends_all
        if is_behind and len(station.ways) * len(target.ways) <= MOST_WAYS:
            ways: set[Way] = set()
            for way in station.ways:
                ways |= {way - {flow} | more for more in target.ways} if flow in way else {way}
            station.ways = ways
            _lead(net, station, flow, target)
            return {station, *_around(net, station)}
    return set()


def _lead(net: Net, station: Station, flow: Flow, target: Station) -> None:
    """What left the target leaves the station."""
    for left in frozenset().union(*target.ways):
        net.source[left] = station
        net.via[left] = (*net.via[flow], target.node, *net.via[left])
    _forget(net, target, {flow})


def _around(net: Net, station: Station) -> set[Station]:
    before = {net.source[flow] for flow in station.takes}
    return before | {net.target[flow] for flow in frozenset().union(*station.ways)}


def _forget(net: Net, station: Station, flows: set[Flow]) -> None:
    net.stations.discard(station)
    for flow in [*flows]:
        _drop(net, flow)


def _drop(net: Net, flow: Flow) -> None:
    del net.source[flow], net.target[flow], net.via[flow]


_RULES: tuple[Callable[[Net, Station], Touched], ...] = (_end, _way_back, _twins, _next, _choices)
