"""Whether an instance can always come to its end: joins that wait for ever, tokens that multiply, loops without end.

Data are left aside: every choice that is drawn may be made, in any order. So what goes wrong in some runs only is worth
a warning (conditions may exclude it), and what goes wrong in every run that comes there is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile

from engine.bpmn.check import structure
from engine.bpmn.check.diagram import Diagram, Scope
from engine.bpmn.check.folding import fold
from engine.bpmn.check.net import Flow, Net, Station, is_playable, net_of
from engine.bpmn.check.playing import MOST_STATES, Played, State, Step, play
from engine.bpmn.nodes import Node, is_true, local, name_of
from engine.model.problems import Problem, Severity

LONGEST_PATH = 12
"""Elements of a path that are told."""
BLURRING = frozenset(
    {
        "boundary-invalid",
        "cross-scope-flow",
        "duplicate-id",
        "end-outgoing",
        "event-gateway",
        "event-sub-process",
        "instantiation",
        "link-invalid",
        "missing-id",
        "multiple-blank-start",
        "start-incoming",
    }
)
"""Rules that say of a scope that the ways through it are not drawn as they are meant."""


def check(diagram: Diagram, found: Iterable[Problem]) -> Iterator[Problem]:
    """found: what other rules have told; what follows from that is not told again."""
    blurred = {problem.element_id for problem in found if problem.rule in BLURRING}
    for scope in diagram.scopes:
        begun = structure.first(scope)
        if begun and not _is_blurred(scope, blurred) and is_playable(scope):
            net = net_of(diagram, scope, begun)
            fold(net)
            yield from _told(diagram, scope, play(net))


def _is_blurred(scope: Scope, blurred: Collection[str]) -> bool:
    drawn = (*scope.nodes, *scope.flows)
    return structure.has_broken_flows(scope) or any(node.get("id", "") in blurred for node in drawn)


# ---- telling -------------------------------------------------------------------------------------------------------


def _told(diagram: Diagram, scope: Scope, played: Played) -> Iterator[Problem]:
    yield from _deadlocks(diagram, scope, played)
    yield from _doubled(diagram, played)
    if played.is_complete:
        yield from _endless(diagram, scope, played)
    else:
        message = f"There are more than {MOST_STATES:,} ways to stand here at one time; not all were looked at."
        fix = "Nothing need be wrong. Draw parts of it as sub-processes, and each is looked at by itself."
        yield diagram.document.problem("soundness-unknown", scope.holder, message, fix, severity=Severity.WARNING)


def _deadlocks(diagram: Diagram, scope: Scope, played: Played) -> Iterator[Problem]:
    """A join that has got some of its tokens and can get no more."""
    told: set[Station] = set()
    for state in played.stuck:
        for join in dict.fromkeys(played.net.target[flow] for flow in sorted(state)):
            if join not in told:
                told.add(join)
                is_certain = played.is_complete and join not in played.passed and not _is_interrupted(diagram, scope)
                yield _deadlock(diagram, played, state, join, Severity.ERROR if is_certain else Severity.WARNING)


def _deadlock(diagram: Diagram, played: Played, state: State, join: Station, severity: Severity) -> Problem:
    net = played.net
    lacking = join.takes - state
    waiting = _meeting(net, lacking, state & join.takes)
    before = [_until(waiting, net.passed(flow)) for flow in sorted(lacking)]
    missing = _listed(way[-1] for way in before if way)
    last = _until(waiting, _folded(net, state & join.takes))
    come = _arrows([*_elements(net, played.path(state)), *last])
    message = f"Expected a token from each flow, but none comes from {missing} any more once it went {come}."
    some = "" if severity == Severity.ERROR else "If the conditions do not rule that out: "
    fix = f"{some}join with an exclusive gateway what an exclusive one parts, or part it with a parallel gateway."
    return diagram.document.problem("deadlock", waiting, message, fix[:1].upper() + fix[1:], severity=severity)


def _doubled(diagram: Diagram, played: Played) -> Iterator[Problem]:
    """Where ways that are gone side by side meet without waiting for each other."""
    told: set[Node] = set()
    for flow, (state, step) in played.doubled.items():
        others = (state - step.taken | step.given - {flow}) & played.net.target[flow].takes
        meeting = _meeting(played.net, {flow}, others)
        if meeting in told:
            continue
        told.add(meeting)
        ways = [played.net.via[each] for each in sorted({flow, *others})]
        apart = len(_common(ways))
        come = _arrows([*_elements(played.net, [*played.path(state), step]), *ways[0][:apart]])
        branches = [_arrows(_until(meeting, way[apart:])) for way in ways]
        over = f" over {' and over '.join(filter(None, branches))}" if any(branches) else ""
        message = f"Tokens come here side by side{over}, once it went {come}; what follows is done for each of them."
        fix = "Let a parallel or inclusive gateway wait for all of them, or let the conditions allow but one."
        yield diagram.document.problem("lack-of-sync", meeting, message, fix, severity=Severity.WARNING)


def _meeting(net: Net, some: Iterable[Flow], others: Iterable[Flow]) -> Node:
    """The element in which the ways of two tokens become one: the first that both pass in the end."""
    pairs = [(net.via[one][::-1], net.via[other][::-1]) for one in sorted(some) for other in sorted(others)]
    common = max(map(_common, pairs), key=len, default=[])
    return common[-1] if common else net.target[min(some)].node


def _common(ways: Sequence[Sequence[Node]]) -> list[Node]:
    """What several ways begin with."""
    return [nodes[0] for nodes in takewhile(lambda nodes: len(set(nodes)) == 1, zip(*ways, strict=False))]


def _until(end: Node, way: Iterable[Node]) -> list[Node]:
    return [*takewhile(lambda node: node is not end, way)]


def _folded(net: Net, flows: Iterable[Flow]) -> list[Node]:
    return [node for flow in sorted(flows) for node in net.via[flow]]


def _endless(diagram: Diagram, scope: Scope, played: Played) -> Iterator[Problem]:
    """A loop that nothing leads out of."""
    endless = [node for node in _without_end(played) if node in scope.nodes]
    if not endless or _is_interrupted(diagram, scope):
        return
    inside = _loop(scope, endless)
    entry = next((node for node in inside if len(scope.incoming(node)) > 1), inside[0])
    message = f"Nothing leads out of this loop: {_listed(inside)}. An instance that comes here never ends."
    fix = "Draw a way out, such as an exclusive gateway with a condition."
    yield diagram.document.problem("livelock", entry, message, fix)


def _without_end(played: Played) -> list[Node]:
    """The elements passed where no end can be reached any more, the nearest first."""
    net, before = played.net, dict[State, list[State]]()
    for state, following in played.followed.items():
        for after in following:
            before.setdefault(after, []).append(state)
    ending, todo = set(played.over), [*played.over]
    while todo:
        more = [state for state in before.get(todo.pop(), []) if state not in ending]
        ending.update(more)
        todo += more
    flows = (flow for state in played.reached if state not in ending for flow in sorted(state))
    return list(dict.fromkeys(node for flow in flows for node in (*net.via[flow], net.target[flow].node)))


def _loop(scope: Scope, endless: list[Node]) -> list[Node]:
    """Of elements without an end, those that are gone through again and again."""
    ahead = {node: _ahead(scope, node) for node in endless}
    loops = [node for node in endless if node in ahead[node]]
    last = min(loops, key=lambda node: len(ahead[node]))
    return [node for node in loops if node in ahead[last]]


def _ahead(scope: Scope, node: Node) -> set[Node]:
    """The elements that a token may come to from this one."""
    reached, todo = set[Node](), [node]
    while todo:
        more = set(structure.next_of(scope, todo.pop())) - reached
        reached |= more
        todo += more
    return reached


def _is_interrupted(diagram: Diagram, scope: Scope) -> bool:
    """Whether an event may end the scope from outside, or by an event sub-process inside."""
    parent = scope.holder.getparent()
    around = diagram.scope(parent).boundary if parent is not None else {}
    attached = around.get(scope.holder.get("id", ""), [])
    handlers = (each for each in scope.nodes if is_true(each, "triggeredByEvent"))
    starts = (start for handler in handlers for start in diagram.scope(handler).starts)
    return any(is_true(event, "cancelActivity", "true") for event in attached) or any(
        is_true(start, "isInterrupting", "true") for start in starts
    )


# ---- words ---------------------------------------------------------------------------------------------------------


def _arrows(nodes: Iterable[Node]) -> str:
    """Elements in the order in which they are passed: "Start" → "Approve?" → "Pay"."""
    named = [_name(node) for node in dict.fromkeys(nodes) if local(node) != "process"]
    shown = named if len(named) <= LONGEST_PATH else [*named[:2], "...", *named[3 - LONGEST_PATH :]]
    return " → ".join(shown)


def _elements(net: Net, steps: Iterable[Step]) -> Iterator[Node]:
    for step in steps:
        yield from _folded(net, step.taken)
        yield step.station.node


def _listed(nodes: Iterable[Node]) -> str:
    named = list(dict.fromkeys(map(_name, nodes)))
    return ", ".join(named if len(named) <= LONGEST_PATH else [*named[:LONGEST_PATH], "..."])


def _name(node: Node) -> str:
    return f'"{(name_of(node) or node.get("id", ""))[:60]}"'
