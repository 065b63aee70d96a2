"""Gateways, rule by rule. Source: BPMN 2.0.2 (formal/2013-12-09), 13.4 Gateways."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import HOUR, MESSAGE, SIGNAL, Row, catch, draw
from tests.play import Play, boundary, flow, script, sub, user

TWO_BRANCHES = "start -> and1 -> a -> and2 -> c -> end; and1 -> b -> and2"
TWICE_EACH = (
    "start -> and1 -> a1 -> xor1 -> and2 -> c -> end; and1 -> a2 -> xor1"
    "; and1 -> b1 -> xor2 -> and2; and1 -> b2 -> xor2"
)

PARALLEL = table.rows(
    Row("a parallel split fills each flow", "13.4.1", draw(TWO_BRANCHES), at="a b", ended="active"),
    Row(
        "a parallel join waits for its last flow",
        "13.4.1",
        draw(TWO_BRANCHES),
        do=("b",),
        at="a and2",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "a parallel join makes one token of all",
        "13.4.1",
        draw(TWO_BRANCHES),
        do=("b a",),
        at="c",
        visits={"c": 1},
        ended="active",
    ),
    Row(
        "three flows are joined by three tokens",
        "13.4.1",
        draw("start -> and1 -> a -> and2 -> d -> end; and1 -> b -> and2; and1 -> c -> and2"),
        do=("c a",),
        at="and2 and2 b",
        visits={"d": 0},
        ended="active",
    ),
    Row(
        "a second token on one flow does not stand for the other flow",
        "13.4.1",
        draw("start -> and1 -> a1 -> xor1 -> and2 -> c -> end; and1 -> a2 -> xor1; and1 -> b -> and2"),
        do=("a1 a2",),
        at="and2 and2 b",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "a token too many on one flow stays before the join",
        "13.4.1",
        draw("start -> and1 -> a1 -> xor1 -> and2 -> c -> end; and1 -> a2 -> xor1; and1 -> b -> and2"),
        do=("a1 a2 b",),
        at="and2 c",
        visits={"c": 1},
        stopped="and2",  # nobody can come to fetch it, and it is told at once
        ended="active",
    ),
    Row(
        "what stayed before a join is joined the next time",
        "13.4.1",
        draw(TWICE_EACH),
        do=("a1 a2 b1", "c", "b2"),
        at="c",
        visits={"c": 2},
        ended="active",
    ),
    Row(
        "two full sets before a join fire it twice",
        "13.4.1",
        draw(TWICE_EACH),
        do=("a1 b1 b2 a2",),
        at="c c",
        visits={"c": 2},
        ended="active",
    ),
    Row(
        "a gateway that joins and splits does the one, then the other",
        "13.4.1",
        draw("start -> and1 -> a -> and2 -> c -> end; and1 -> b -> and2 -> d -> end"),
        do=("a b",),
        at="c d",
        visits={"c": 1, "d": 1},
        ended="active",
    ),
    Row(
        "a split whose branches end by themselves ends with the last",
        "13.4.1",
        draw("start -> and1 -> a -> end; and1 -> b -> end2"),
        do=("b", "a"),
        visits={"end": 1, "end2": 1},
    ),
    Row(
        "a split and its join may lie in a loop",
        "13.4.1",
        draw(
            "start -> xor1 -> and1 -> a -> and2 -> count -> xor2 -[n < 2]-> xor1; and1 -> b -> and2; xor2 -*-> end",
            script("count", "n = n + 1"),
        ),
        do=("a b", "b a"),
        given={"n": 0},
        visits={"a": 2, "b": 2, "count": 2, "end": 1},
    ),
    Row(
        "two flows to one task are two runs of it",
        "13.4.1",
        draw("start -> and1 -> a -> end; and1 -> a"),
        at="a a",
        visits={"a": 2},
        ended="active",
    ),
    Row(
        "a parallel gateway of one flow in and out lets pass",
        "13.4.1",
        draw("start -> and1 -> a -> end"),
        do=("a",),
        visits={"and1": 1, "end": 1},
    ),
    Row(
        "a join with nothing behind it ends its branch",
        "13.4.1",
        draw("start -> and1 -> a -> and2; and1 -> b -> and2"),
        do=("a b",),
    ),
    Row(
        "joins of joins",
        "13.4.1",
        draw(
            "start -> and1 -> and2 -> a -> and3 -> and4 -> d -> end; and2 -> b -> and3; and1 -> c -> and4",
        ),
        do=("c a", "b"),
        at="d",
        visits={"d": 1},
        ended="active",
    ),
)

DEFAULT_ASKS = '<exclusiveGateway id="xor" default="xor_a"/>' + user("a") + user("b")
DEFAULT_ASKS += flow("xor", "a", "False") + flow("xor", "b", "n > 5")
EXCLUSIVE = table.rows(
    Row(
        "an exclusive merge lets each token pass by itself",
        "13.4.2",
        draw("start -> and1 -> a -> xor -> c -> end; and1 -> b -> xor"),
        do=("a b",),
        at="c c",
        visits={"c": 2},
        ended="active",
    ),
    Row(
        "of several true conditions the first drawn is taken",
        "13.4.2",
        draw("start -> xor -[n > 1]-> a -> end; xor -[n > 2]-> b -> end; xor -*-> c -> end"),
        given={"n": 5},
        at="a",
        ended="active",
    ),
    Row(
        "conditions behind the first true one are not asked",
        "13.4.2",
        draw("start -> xor -[n > 1]-> a -> end; xor -[1 / zero > 2]-> b -> end; xor -*-> c -> end"),
        given={"n": 5, "zero": 0},
        at="a",
        ended="active",
    ),
    Row(
        "the default is taken when no condition is true",
        "13.4.2",
        draw("start -> xor -*-> a -> end; xor -[n > 1]-> b -> end"),
        given={"n": 0},
        at="a",
        visits={"b": 0},
        ended="active",
    ),
    Row(
        "without a default no true condition is an exception",
        "13.4.2",
        draw("start -> xor -[n > 1]-> a -> end; xor -[n > 2]-> b -> end"),
        given={"n": 0},
        at="xor",
        stopped="xor",
        ended="active",
    ),
    Row(
        "a condition on the default flow is not asked",
        "10.6.2",
        draw("start -> xor", DEFAULT_ASKS),
        given={"n": 1},
        at="a",
        ended="active",
    ),
    Row(
        "a gateway that merges and decides sends each token its own way",
        "13.4.2",
        draw(
            "start -> and1 -> a -> xor -[n > 1]-> c -> end; and1 -> b -> xor -*-> d -> end",
        ),
        do=(("a", {"n": 0}), ("b", {"n": 5})),
        at="c d",
        ended="active",
    ),
    Row(
        "a loop is left as soon as its condition is false",
        "13.4.2",
        draw("start -> xor1 -> a -> xor2 -[more]-> xor1; xor2 -*-> end"),
        do=(("a", {"more": True}), ("a", {"more": True}), ("a", {"more": False})),
        visits={"a": 3, "end": 1},
    ),
)

OR_BRANCHES = "start -> or1 -[x]-> a -> or2 -> d -> end; or1 -[y]-> b -> or2; or1 -*-> c -> or2"
INCLUSIVE = table.rows(
    Row(
        "an inclusive split takes each true flow",
        "13.4.3",
        draw(OR_BRANCHES),
        given={"x": True, "y": True},
        at="a b",
        ended="active",
    ),
    Row(
        "the default of an inclusive split is taken when nothing else is",
        "13.4.3",
        draw(OR_BRANCHES),
        given={"x": False, "y": False},
        at="c",
        ended="active",
    ),
    Row(
        "without a default no true condition of an inclusive split is an exception",
        "13.4.3",
        draw("start -> or1 -[x]-> a -> end; or1 -[y]-> b -> end"),
        given={"x": False, "y": False},
        at="or1",
        stopped="or1",
        ended="active",
    ),
    Row(
        "an inclusive join waits for the flows that were taken",
        "13.4.3",
        draw(OR_BRANCHES),
        given={"x": True, "y": True},
        do=("a",),
        at="b or2",
        visits={"d": 0},
        ended="active",
    ),
    Row(
        "an inclusive join does not wait for flows that were not taken",
        "13.4.3",
        draw(OR_BRANCHES),
        given={"x": False, "y": True},
        do=("b",),
        at="d",
        visits={"d": 1},
        ended="active",
    ),
    Row(
        "an inclusive join makes one token of all",
        "13.4.3",
        draw(OR_BRANCHES),
        given={"x": True, "y": True},
        do=("b a", "d"),
        visits={"d": 1, "end": 1},
    ),
    Row(
        "who may still come holds up an inclusive join",
        "13.4.3",
        draw("start -> and1 -> a -> or1 -> d -> end; and1 -> b -> xor -[n > 1]-> or1; xor -*-> end2"),
        given={"n": 0},
        do=("a",),
        at="b or1",
        ended="active",
    ),
    Row(
        "who went another way holds up no longer",
        "13.4.3",
        draw("start -> and1 -> a -> or1 -> d -> end; and1 -> b -> xor -[n > 1]-> or1; xor -*-> end2"),
        given={"n": 0},
        do=("a b",),
        at="d",
        visits={"d": 1, "end2": 1},
        ended="active",
    ),
    Row(
        "who cannot come does not hold up an inclusive join",
        "13.4.3",
        draw("start -> and1 -> a -> or1 -> d -> end; and1 -> b -> end2; and1 -> c -> xor -[n > 1]-> or1; xor -*-> end"),
        given={"n": 0},
        do=("c", "a"),
        at="b d",
        ended="active",
    ),
    Row(
        "one of several who may still come is enough",
        "13.4.3",
        draw("start -> and1 -> a -> or1 -> d -> end; and1 -> b -> end2; and1 -> c -> or1; and1 -> e -> end2"),
        do=("a",),
        at="b c e or1",
        ended="active",
    ),
    Row(
        "who may come by a flow that is filled already does not hold up",
        "13.4.3",
        draw("start -> and1 -> a -> xor1 -> or1 -> d -> end; and1 -> b -> xor2 -[n > 1]-> xor1; xor2 -*-> or1"),
        given={"n": 0},
        do=("a",),
        at="b d",
        ended="active",
    ),
    Row(
        "who came too late for an inclusive join fires it anew",
        "13.4.3",
        draw("start -> and1 -> a -> xor1 -> or1 -> d -> end; and1 -> b -> xor2 -[n > 1]-> xor1; xor2 -*-> or1"),
        given={"n": 0},
        do=("a", "b"),
        at="d d",
        visits={"d": 2},
        ended="active",
    ),
    Row(
        "a token too many on one flow fires an inclusive join by itself",
        "13.4.3",
        draw("start -> and1 -> a1 -> xor1 -> or1 -> c -> end; and1 -> a2 -> xor1; and1 -> b -> or1"),
        do=("a1 a2", "b"),
        at="c c",
        visits={"c": 2},
        ended="active",
    ),
    Row(
        "a loop may begin at an inclusive gateway",
        "13.4.3",
        draw("start -> or1 -> count -> xor -[n < 3]-> or1; xor -*-> end", script("count", "n = n + 1")),
        given={"n": 0},
        visits={"count": 3, "end": 1},
    ),
    Row(
        "ways that lead through the gateway itself do not hold it up",
        "13.4.3",
        draw("start -> and1 -> or1 -> a -> xor -[n > 9]-> or1; and1 -> b -> or1; xor -*-> end"),
        given={"n": 0},
        do=("b",),
        at="a",
        visits={"a": 1},
        ended="active",
    ),
    Row(
        "who may come back around a loop holds up the next",
        "13.4.3",
        draw("start -> and1 -> xor2 -> or1 -> a -> xor1 -[n > 9]-> or1; and1 -> b -> xor2; xor1 -*-> end"),
        given={"n": 0},
        do=("b",),
        at="a or1",
        visits={"a": 1},
        ended="active",
    ),
    Row(
        "who left the loop holds up no longer",
        "13.4.3",
        draw("start -> and1 -> xor2 -> or1 -> a -> xor1 -[n > 9]-> or1; and1 -> b -> xor2; xor1 -*-> end"),
        given={"n": 0},
        do=("b a",),
        at="a",
        visits={"a": 2},
        ended="active",
    ),
    Row(
        "a gateway that joins and chooses does the one, then the other",
        "13.4.3",
        draw("start -> and1 -> a -> or1 -[x]-> c -> end; and1 -> b -> or1 -[y]-> d -> end; or1 -*-> e -> end"),
        given={"x": True, "y": True},
        do=("a b",),
        at="c d",
        visits={"c": 1, "d": 1},
        ended="active",
    ),
    Row(
        "tokens outside of a sub-process do not hold up a join inside",
        "13.4.3",
        draw(
            "start -> and1 -> s -> end; and1 -> x -> s",
            sub("s", draw(OR_BRANCHES.replace("start", "start2").replace("end", "end2"))),
        ),
        given={"x": True, "y": False},
        do=("a",),
        at="d x",
        ended="active",
    ),
    Row(
        "tokens inside of a sub-process hold up a join behind it",
        "13.4.3",
        draw(
            "start -> and1 -> s -> or1 -> d -> end; and1 -> a -> or1",
            sub("s", draw("start2 -> u -> end2")),
        ),
        do=("a",),
        at="or1 u",
        ended="active",
    ),
    Row(
        "what a boundary event began holds up a join",
        "13.4.3",
        draw("start -> and1 -> a -> end; t -> b -> or1 -> d -> end; and1 -> c -> or1", boundary("t", "a", HOUR)),
        do=("t c",),
        at="b or1",
        ended="active",
    ),
    Row(
        "a boundary event that only may happen holds up nobody",
        "13.4.3",
        draw(
            "start -> and1 -> a -> end; t -> b -> or1 -> d -> end; and1 -> c -> or1",
            boundary("t", "a", HOUR),
        ),
        do=("c",),
        at="a d",
        ended="active",
    ),
)

RACE = "start -> race -> m -> a -> end; race -> t -> b -> end; race -> s -> c -> end; race -> r -> d -> end"
RUNNERS = catch("m", MESSAGE) + catch("t", HOUR) + catch("s", SIGNAL) + '<receiveTask id="r" messageRef="paid"/>'
FOUND = {"m": "a", "t": "b", "s": "c"}
EVENT_BASED = table.rows(
    *[
        Row(
            f"the first event wins {event}",
            "13.4.4",
            draw(
                "start -> race -> m -> a -> end; race -> t -> b -> end; race -> s -> c -> end", RUNNERS.split("<rec")[0]
            ),
            do=(event,),
            at=then,
            visits={event: 1, **{other: 0 for other in FOUND if other != event}},
            ended="active",
        )
        for event, then in FOUND.items()
    ],
    Row(
        "a receive task may stand behind an event-based gateway",
        "13.4.4",
        draw(
            "start -> race -> r -> d -> end; race -> t -> b -> end",
            catch("t", HOUR),
            '<receiveTask id="r" messageRef="paid"/>',
        ),
        do=(("r", {"paid_on": "Monday"}),),
        at="d",
        visits={"r": 1, "t": 0},
        values={"paid_on": "Monday"},
        ended="active",
    ),
    Row(
        "until then the token stands at the gateway",
        "13.4.4",
        draw("start -> race -> m -> a -> end; race -> t -> b -> end", catch("m", MESSAGE), catch("t", HOUR)),
        at="race",
        visits={"m": 0, "t": 0},
        ended="active",
    ),
    Row(
        "each token that comes waits for an event of its own",
        "13.4.4",
        draw(
            "start -> and1 -> xor -> race -> m -> a -> end; and1 -> xor; race -> t -> b -> end",
            catch("m", MESSAGE),
            catch("t", HOUR),
        ),
        do=("m",),
        at="a race",
        ended="active",
    ),
    Row(
        "in a loop the gateway waits anew",
        "13.4.4",
        draw("start -> xor -> race -> m -> a -> xor; race -> t -> end", catch("m", MESSAGE), catch("t", HOUR)),
        do=("m a m a", "t"),
        visits={"race": 3, "m": 2, "t": 1, "end": 1},
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", PARALLEL + EXCLUSIVE + INCLUSIVE + EVENT_BASED)
def test_gateway(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
