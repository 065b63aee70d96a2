"""Activities, rule by rule. Source: BPMN 2.0.2 (formal/2013-12-09), 10.3 and 13.3 Activities."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import DECLINED, HOUR, Row, again, draw, each, end, service
from tests.play import Play, boundary, script, sub, user

FLOWS = table.rows(
    Row(
        "each token that comes is a run of its own",
        "13.3.1",
        draw("start -> and1 -> a -> c -> end; and1 -> b -> c"),
        do=("a b",),
        at="c c",
        visits={"c": 2},
        ended="active",
    ),
    Row(
        "several flows out are a split",
        "13.3.1",
        draw("start -> a -> b -> end; a -> c -> end"),
        do=("a",),
        at="b c",
        ended="active",
    ),
    Row(
        "every flow out whose condition is true is taken",
        "13.3.1",
        draw("start -> a -[n > 1]-> b -> end; a -[n > 2]-> c -> end; a -[n > 9]-> d -> end"),
        do=(("a", {"n": 5}),),
        at="b c",
        ended="active",
    ),
    Row(
        "a flow without a condition is taken beside those with one",
        "13.3.1",
        draw("start -> a -> b -> end; a -[n > 2]-> c -> end; a -[n > 9]-> d -> end"),
        do=(("a", {"n": 5}),),
        at="b c",
        ended="active",
    ),
    Row(
        "the default flow is not taken beside a true one",
        "13.3.1",
        draw("start -> a -[n > 2]-> b -> end; a -*-> c -> end"),
        do=(("a", {"n": 5}),),
        at="b",
        ended="active",
    ),
    Row(
        "the default flow is taken when no condition is true",
        "13.3.1",
        draw("start -> a -[n > 2]-> b -> end; a -*-> c -> end"),
        do=(("a", {"n": 1}),),
        at="c",
        ended="active",
    ),
    Row(
        "an activity without flows out ends its token",
        "13.3.1",
        draw("start -> a -> b; a -> c"),
        do=("a b",),
        at="c",
        ended="active",
    ),
    Row(
        "an abstract and a manual task pass",
        "13.3.3",
        draw("start -> t -> m -> end", '<task id="t"/><manualTask id="m"/>'),
        visits={"t": 1, "m": 1},
    ),
    Row(
        "a receive task waits for its message",
        "13.3.3",
        draw("start -> r -> a -> end", '<receiveTask id="r" messageRef="paid"/>'),
        do=(("r", {"sum": 3}),),
        at="a",
        values={"sum": 3},
        ended="active",
    ),
)

TWO_INSIDE = sub("s", draw("start2 -> and2 -> a -> end2; and2 -> b -> end3"))
SUB_PROCESSES = table.rows(
    Row(
        "a sub-process goes on while a token is in it",
        "13.3.4",
        draw("start -> s -> c -> end", TWO_INSIDE),
        do=("a",),
        at="b",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "a sub-process ends with its last token",
        "13.3.4",
        draw("start -> s -> c -> end", TWO_INSIDE),
        do=("a b",),
        at="c",
        visits={"c": 1, "end2": 1, "end3": 1},
        ended="active",
    ),
    Row(
        "without a start event all that no flow leads to begins",
        "13.3.4",
        draw("start -> s -> end", sub("s", draw("a -> c -> end2; b -> end3"))),
        at="a b",
        ended="active",
    ),
    Row(
        "without an end event a sub-process ends all the same",
        "13.3.4",
        draw("start -> s -> d -> end", sub("s", draw("a -> c; b"))),
        do=("b a c",),
        at="d",
        visits={"a": 1, "b": 1, "c": 1},
        ended="active",
    ),
    Row(
        "each token into a sub-process is a run of its own",
        "13.3.4",
        draw("start -> and1 -> s -> c -> end; and1 -> s", TWO_INSIDE),
        do=("a#0", "b#0"),
        at="a b c",
        visits={"s": 2, "c": 1},
        ended="active",
    ),
    Row(
        "sub-processes in sub-processes end from the inside outward",
        "13.3.4",
        draw(
            "start -> s -> c -> end",
            sub("s", draw("start2 -> t -> b -> end2", sub("t", draw("start3 -> a -> end3")))),
        ),
        do=("a", "b"),
        at="c",
        visits={"end3": 1, "end2": 1, "end": 0},
        ended="active",
    ),
    Row(
        "in a loop a sub-process begins anew",
        "13.3.4",
        draw("start -> xor1 -> s -> xor2 -[more]-> xor1; xor2 -*-> end", sub("s", draw("start2 -> a -> end2"))),
        do=(("a", {"more": True}), ("a", {"more": False})),
        visits={"s": 2, "a": 2, "end2": 2, "end": 1},
    ),
    Row(
        "two tokens to one end event of a sub-process leave it as one",
        "13.3.4",
        draw("start -> s -> c -> end", sub("s", draw("start2 -> and2 -> a -> end2; and2 -> b -> end2"))),
        do=("a b",),
        at="c",
        visits={"end2": 2, "c": 1},
        ended="active",
    ),
)


def looped(loop: str) -> str:
    return draw("start -> s -> end", script("s", "n = n + 1\nseen = seen + [loopCounter]", loop))


LOOPS = table.rows(
    Row(
        "tested after a round there is one at least",
        "13.3.6",
        looped(again("n < 0")),
        given={"n": 0, "seen": []},
        values={"n": 1},
    ),
    Row(
        "tested before the first round there may be none",
        "13.3.6",
        looped(again("n < 0", before=True)),
        given={"n": 0, "seen": []},
        values={"n": 0},
        visits={"end": 1},
    ),
    Row(
        "rounds go on while the condition is true",
        "13.3.6",
        looped(again("n < 3")),
        given={"n": 0, "seen": []},
        values={"n": 3, "seen": [0, 1, 2]},
        visits={"s": 3},
    ),
    Row(
        "the maximum ends a loop whose condition is still true",
        "13.3.6",
        looped(again("True", most=2)),
        given={"n": 0, "seen": []},
        values={"n": 2},
    ),
    Row(
        "the maximum does not lengthen a loop",
        "13.3.6",
        looped(again("n < 2", before=True, most=5)),
        given={"n": 0, "seen": []},
        values={"n": 2},
    ),
    Row(
        "one round follows the other",
        "13.3.6",
        draw("start -> a -> end", user("a", again("more"))),
        do=(("a", {"more": True}), ("a", {"more": True})),
        at="a",
        seen={"loopCounter": 2},
        visits={"a": 3},
        ended="active",
    ),
    Row(
        "a sub-process may be a loop",
        "13.3.6",
        draw("start -> s -> c -> end", sub("s", draw("start2 -> a -> b -> end2"), again("more"))),
        do=(("a", {"more": True}), "b", "a", ("b", {"more": False})),
        at="c",
        visits={"s": 2, "a": 2, "c": 1},
        ended="active",
    ),
    Row(
        "an interrupting event ends the loop with its round",
        "13.3.6",
        draw("start -> a -> end; t -> b -> end2", user("a", again("more")), boundary("t", "a", HOUR)),
        do=(("a", {"more": True}), "t"),
        at="b",
        visits={"a": 2, "end": 0},
        ended="active",
    ),
)


def thrice(**told: str | bool) -> str:
    return draw("start -> a -> b -> end", user("a", each(count="3", **told)))  # type: ignore[arg-type]


def over(**told: str | bool) -> str:
    return draw("start -> a -> b -> end", user("a", each(over="xs", outputs="ys", **told)))  # type: ignore[arg-type]


XS = {"xs": ["i", "j", "k"]}
MULTI_INSTANCE = table.rows(
    Row("all instances side by side begin at once", "13.3.7", thrice(), at="a a a", visits={"a": 3}, ended="active"),
    Row(
        "instances in turn begin one by one",
        "13.3.7",
        thrice(in_turn=True),
        do=("a",),
        at="a",
        visits={"a": 2, "b": 0},
        ended="active",
    ),
    Row(
        "one token leaves when all are done",
        "13.3.7",
        thrice(),
        do=("a#2 a a",),
        at="b",
        visits={"b": 1},
        ended="active",
    ),
    Row(
        "one token leaves when the last in turn is done",
        "13.3.7",
        thrice(in_turn=True),
        do=("a a a",),
        at="b",
        visits={"a": 3, "b": 1},
        ended="active",
    ),
    Row(
        "instances side by side are counted",
        "13.3.7",
        thrice(),
        seen={"nrOfInstances": 3, "nrOfActiveInstances": 3, "nrOfCompletedInstances": 0, "loopCounter": 0},
        at="a a a",
        ended="active",
    ),
    Row(
        "who is done is no longer active",
        "13.3.7",
        thrice(),
        do=("a#0",),
        seen={"nrOfInstances": 3, "nrOfActiveInstances": 2, "nrOfCompletedInstances": 1, "loopCounter": 1},
        at="a a",
        ended="active",
    ),
    Row(
        "of instances in turn one is active",
        "13.3.7",
        thrice(in_turn=True),
        do=("a",),
        seen={"nrOfInstances": 3, "nrOfActiveInstances": 1, "nrOfCompletedInstances": 1, "loopCounter": 1},
        at="a",
        ended="active",
    ),
    Row(
        "each instance has its item",
        "13.3.7",
        over(),
        given=XS,
        do=(("a#0", {"out": 1}),),
        seen={"item": "j", "loopCounter": 1},
        at="a a",
        ended="active",
    ),
    Row(
        "items come in turn",
        "13.3.7",
        over(in_turn=True),
        given=XS,
        do=(("a a", {"out": 1}),),
        seen={"item": "k", "loopCounter": 2},
        at="a",
        ended="active",
    ),
    Row(
        "outputs are in the order of the items whoever was first",
        "13.3.7",
        over(),
        given=XS,
        do=(("a#2", {"out": "K"}), ("a#0", {"out": "I"}), ("a", {"out": "J"}), "b"),
        values={"ys": ["I", "J", "K"]},
    ),
    Row(
        "outputs in turn are in order, too",
        "13.3.7",
        over(in_turn=True),
        given=XS,
        do=(("a", {"out": 1}), ("a", {"out": 2}), ("a", {"out": 3}), "b"),
        values={"ys": [1, 2, 3]},
    ),
    Row(
        "the output collection is not there before all are done",
        "13.3.7",
        over(),
        given=XS,
        do=(("a", {"out": 1}),),
        values={"ys": None, "xs": XS["xs"]},
        at="a a",
        ended="active",
    ),
    Row(
        "a completion condition cancels who is still at it",
        "13.3.7",
        over(until="nrOfCompletedInstances >= 2"),
        given=XS,
        do=(("a#0", {"out": 1}), ("a#1", {"out": 3})),
        at="b",
        values={"ys": [1, None, 3]},
        visits={"a": 3, "b": 1},
        ended="active",
    ),
    Row(
        "a completion condition keeps the next in turn from beginning",
        "13.3.7",
        over(in_turn=True, until="out == 'enough'"),
        given=XS,
        do=(("a", {"out": "more"}), ("a", {"out": "enough"})),
        at="b",
        values={"ys": ["more", "enough", None]},
        visits={"a": 2},
        ended="active",
    ),
    Row(
        "a completion condition is asked of each that is done",
        "13.3.7",
        over(until="item == 'j'"),
        given=XS,
        do=(("a#0", {"out": 1}),),
        at="a a",
        ended="active",
    ),
    Row(
        "a completion condition that is true with the last changes nothing",
        "13.3.7",
        thrice(until="nrOfCompletedInstances == nrOfInstances"),
        do=("a a a",),
        at="b",
        visits={"b": 1},
        ended="active",
    ),
    Row(
        "no instances pass",
        "13.3.7",
        draw("start -> a -> b -> end", user("a", each(count="n"))),
        given={"n": 0},
        at="b",
        ended="active",
    ),
    Row(
        "an empty collection passes and gives an empty one",
        "13.3.7",
        over(),
        given={"xs": []},
        at="b",
        values={"ys": []},
        ended="active",
    ),
    Row(
        "the number of instances is settled at the beginning",
        "13.3.7",
        draw("start -> a -> b -> end", user("a", each(count="n", in_turn=True))),
        given={"n": 2},
        do=(("a", {"n": 5}), "a"),
        at="b",
        visits={"a": 2},
        ended="active",
    ),
    Row(
        "the items are settled at the beginning",
        "13.3.7",
        over(in_turn=True),
        given=XS,
        do=(("a", {"xs": [], "out": 1}),),
        seen={"item": "j"},
        at="a",
        ended="active",
    ),
    Row(
        "sub-processes side by side each go their own way",
        "13.3.7",
        draw(
            "start -> s -> b -> end",
            sub("s", draw("start2 -> a -> xor -[big]-> c -> end2; xor -*-> end3"), each(over="xs")),
        ),
        given=XS,
        do=(("a#0", {"big": True}), ("a#0", {"big": False}), ("a#0", {"big": True}), "c#0"),
        at="c",
        visits={"s": 3, "c": 2, "end3": 1, "b": 0},
        ended="active",
    ),
    Row(
        "what an instance finds out is its own",
        "13.3.7",
        draw(
            "start -> s -> b -> end",
            sub("s", draw("start2 -> a -> c -> end2", script("c", "out = item + mine")), each(over="xs", outputs="ys")),
        ),
        given=XS,
        do=(("a#2", {"mine": "3"}), ("a#0", {"mine": "1"}), ("a", {"mine": "2"})),
        at="b",
        values={"ys": ["i1", "j2", "k3"], "mine": None},
        ended="active",
    ),
    Row(
        "instances in instances",
        "13.3.7",
        draw(
            "start -> s -> b -> end",
            sub("s", draw("start2 -> a -> end2", user("a", each(count="2"))), each(count="2", in_turn=True)),
        ),
        do=("a a", "a"),
        at="a",
        visits={"s": 2, "a": 4, "b": 0},
        ended="active",
    ),
    Row(
        "an interrupting event cancels every instance",
        "13.3.7",
        draw("start -> a -> b -> end; t -> c -> end2", user("a", each(count="3")), boundary("t", "a", HOUR)),
        do=("a", "t"),
        at="c",
        visits={"t": 1, "b": 0},
        ended="active",
    ),
    Row(
        "an event beside the instances happens once for all",
        "13.3.7",
        draw(
            "start -> a -> b -> end; t -> c -> end2",
            user("a", each(count="3")),
            boundary("t", "a", HOUR, interrupting=False),
        ),
        do=("t",),
        at="a a a c",
        visits={"t": 1, "c": 1},
        ended="active",
    ),
    Row(
        "the error of one instance ends all of them",
        "13.3.7",
        draw("start -> a -> b -> end; e -> c -> end2", service("a", each(count="3")), boundary("e", "a", DECLINED)),
        do=("a!DECLINED",),
        at="c",
        ended="active",
    ),
    Row(
        "an error end inside one sub-process instance ends all of them",
        "13.3.7",
        draw(
            "start -> s -> b -> end; e -> c -> end2",
            sub("s", draw("start2 -> a -> end3", end("end3", DECLINED)), each(count="3")),
            boundary("e", "s", DECLINED),
        ),
        do=("a#1",),
        at="c",
        visits={"end3": 1, "b": 0},
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", FLOWS + SUB_PROCESSES + LOOPS + MULTI_INSTANCE)
def test_activity(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
