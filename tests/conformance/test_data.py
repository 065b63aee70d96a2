"""Who sees which variable, and where a value goes. Source: BPMN 2.0.2 (formal/2013-12-09), 10.4, 10.5.7 and 13.3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import DECLINED, LATE, MESSAGE, Row, again, catch, draw, each, end, mapped, service, throw
from tests.play import Play, boundary, script, sub, user

pytestmark = pytest.mark.conformance

SCOPES = table.rows(
    Row(
        "branches see what the other wrote",
        "10.5.7",
        draw("start -> and1 -> a -> and2 -> s -> end; and1 -> b -> and2", script("s", "sum = x + y")),
        do=(("a", {"x": 1}), ("b", {"y": 2})),
        values={"sum": 3},
    ),
    Row(
        "a condition sees what was written on another branch",
        "10.4",
        draw("start -> and1 -> a -> xor -[x > 1]-> c -> end; xor -*-> d -> end; and1 -> b -> end"),
        given={"x": 0},
        do=(("b", {"x": 5}), "a"),
        at="c",
        ended="active",
    ),
    Row(
        "a sub-process reads and writes what is around it",
        "10.5.7",
        draw("start -> around -> end", sub("around", draw("start2 -> s -> end2", script("s", "x = x + 1")))),
        given={"x": 1},
        values={"x": 2},
    ),
    Row(
        "what is two levels around is seen, too",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> q -> end2", sub("q", draw("start3 -> s -> end3", script("s", "x = x + 1"))))),
        ),
        given={"x": 1},
        values={"x": 2},
    ),
    Row(
        "an instance writes what is known outside where it lives",
        "10.5.7",
        draw("start -> s -> end", script("s", "sum = sum + item", each(over="xs", in_turn=True))),
        given={"xs": [1, 2, 3], "sum": 0},
        values={"sum": 6},
    ),
    Row(
        "an instance keeps a new name to itself",
        "13.3.7",
        draw("start -> s -> end", script("s", "mine = item", each(over="xs"))),
        given={"xs": [1, 2]},
        values={"mine": None, "item": None},
    ),
    Row(
        "an item hides a variable of its name and leaves it as it was",
        "13.3.7",
        draw("start -> s -> end", script("s", "out = item * 2", each(over="xs", outputs="ys"))),
        given={"xs": [1, 2], "item": "outer"},
        values={"item": "outer", "ys": [2, 4]},
    ),
    Row(
        "rounds of a loop see what the round before wrote",
        "13.3.6",
        draw("start -> s -> end", script("s", "n = n * 2", again("n < 10"))),
        given={"n": 1},
        values={"n": 16},
    ),
    Row(
        "the counters of a loop are not there behind it",
        "13.3.6",
        draw("start -> s -> a -> end", script("s", "n = n + 1", again("n < 2"))),
        given={"n": 0},
        at="a",
        seen={"loopCounter": None, "n": 2},
        ended="active",
    ),
    Row(
        "the counters of instances are not there behind them",
        "13.3.7",
        draw("start -> s -> a -> end", script("s", "pass", each(count="2"))),
        at="a",
        seen={"loopCounter": None, "nrOfInstances": None},
        ended="active",
    ),
    Row(
        "an inner counter hides the outer one",
        "13.3.7",
        draw(
            "start -> s -> end",
            sub("s", draw("start2 -> a -> end2", user("a", each(count="3", in_turn=True))), each(count="1")),
        ),
        do=("a a",),
        at="a",
        seen={"loopCounter": 2, "nrOfInstances": 3},
        ended="active",
    ),
)

MAPPINGS = table.rows(
    Row(
        "an input is made from what is outside",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "${n + 1}"}))),
        given={"n": 1},
        at="a",
        seen={"x": 2, "n": 1},
        values={"x": None},
        ended="active",
    ),
    Row(
        "an input is made once",
        "10.4",
        draw("start -> and1 -> a -> end; and1 -> b -> end", user("a", mapped({"x": "${n}"}))),
        given={"n": 1},
        do=(("b", {"n": 7}),),
        at="a",
        seen={"x": 1, "n": 7},
        ended="active",
    ),
    Row(
        "without outputs everything goes out",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "${n}"}))),
        given={"n": 1},
        do=(("a", {"y": 2}),),
        values={"y": 2, "x": None},
    ),
    Row(
        "with outputs only these go out",
        "10.4",
        draw("start -> a -> end", user("a", mapped(outputs={"y": "${x + 1}"}))),
        do=(("a", {"x": 1, "z": 9}),),
        values={"y": 2, "x": None, "z": None},
    ),
    Row(
        "an output may bear the name of an input",
        "10.4",
        draw("start -> s -> end", script("s", "x = x * 10", mapped({"x": "${x + 1}"}, {"x": "${x}"}))),
        given={"x": 1},
        values={"x": 20},
    ),
    Row(
        "inputs are all made from outside and do not see each other",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "${y}", "y": "${x}"}))),
        given={"x": 1, "y": 2},
        at="a",
        seen={"x": 2, "y": 1},
        ended="active",
    ),
    Row(
        "a sub-process with outputs keeps the rest",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> s -> end2", script("s", "x = 1\ny = 2")), mapped(outputs={"z": "${x + y}"})),
        ),
        values={"x": None, "y": None, "z": 3},
    ),
    Row(
        "the input of a sub-process is seen inside",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> s -> end2", script("s", "out = half * 2")), mapped({"half": "${n / 2}"})),
        ),
        given={"n": 8},
        values={"out": 8, "half": None},
    ),
    Row(
        "an input of each instance is made from its item",
        "13.3.7",
        draw(
            "start -> s -> end",
            script("s", "out = twice", mapped({"twice": "${item * 2}"}) + each(over="xs", outputs="ys")),
        ),
        given={"xs": [1, 2, 3]},
        values={"ys": [2, 4, 6]},
    ),
    Row(
        "literal text is text",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "n + 1"}))),
        given={"n": 1},
        at="a",
        seen={"x": "n + 1"},
        ended="active",
    ),
    Row(
        "who is interrupted maps no outputs",
        "13.5.3",
        draw(
            "start -> a -> end; m -> b -> end",
            user("a", mapped({"x": "${n}"}, {"y": "${x}"})) + boundary("m", "a", MESSAGE),
        ),
        given={"n": 1},
        do=("m",),
        at="b",
        values={"y": None},
        ended="active",
    ),
)

EVENTS = table.rows(
    Row(
        "what a message brings becomes variables",
        "10.5.1",
        draw("start -> m -> a -> end", catch("m", MESSAGE)),
        do=(("m", {"sum": 3}),),
        at="a",
        values={"sum": 3},
        ended="active",
    ),
    Row(
        "what a message brings goes through the outputs of its event",
        "10.5.1",
        draw("start -> m -> a -> end", catch("m", mapped(outputs={"paid": "${sum}"}) + MESSAGE)),
        do=(("m", {"sum": 3, "other": 1}),),
        at="a",
        values={"paid": 3, "sum": None, "other": None},
        ended="active",
    ),
    Row(
        "what an error brings is there behind its boundary event",
        "10.5.1",
        draw("start -> w -> end; e -> a -> end", service("w") + boundary("e", "w", DECLINED)),
        do=("w!DECLINED",),
        at="a",
        values={"errorCode": "DECLINED"},
        ended="active",
    ),
    Row(
        "what a sub-process wrote before its error stays",
        "10.5.7",
        draw(
            "start -> around -> end; e -> a -> end",
            sub("around", draw("start2 -> s -> fail", script("s", "x = 5") + end("fail", DECLINED))),
            boundary("e", "around", DECLINED),
        ),
        at="a",
        values={"x": 5},
        ended="active",
    ),
    Row(
        "an escalation carries what its throw event maps",
        "10.5.1",
        draw(
            "start -> around -> end; x -> a -> end",
            sub(
                "around",
                draw("start2 -> tell -> b -> end2", throw("tell", mapped({"reason": "${why}"}) + LATE)),
            ),
            boundary("x", "around", LATE, interrupting=False),
        ),
        given={"why": "slow"},
        at="a b",
        values={"reason": "slow", "escalationCode": "LATE"},
        ended="active",
    ),
    Row(
        "what comes to an activity beside goes to the variables around it",
        "10.5.7",
        draw(
            "start -> a -> end; m -> b -> end",
            user("a", mapped(outputs={"y": "${x}"})) + boundary("m", "a", MESSAGE, interrupting=False),
        ),
        do=(("m", {"note": "hello"}),),
        at="a b",
        values={"note": "hello"},
        ended="active",
    ),
)


@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", SCOPES + MAPPINGS + EVENTS)
def test_data(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
