"""Events, rule by rule. Source: BPMN 2.0.2 (formal/2013-12-09), 10.5 Events, 13.2 and 13.5."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from engine import Engine, NotFound, SettableClock
from engine.errors import Conflict
from tests.conformance import table
from tests.conformance.table import (
    ANY_ERROR,
    ANY_ESCALATION,
    BROKEN,
    DECLINED,
    HOUR,
    LATE,
    MESSAGE,
    SIGNAL,
    TERMINATE,
    Row,
    again,
    catch,
    cycle,
    draw,
    each,
    end,
    link,
    service,
    start,
    throw,
)
from tests.driver import ROOT, Driver
from tests.play import Play, boundary, script, sub

pytestmark = pytest.mark.conformance

BEGINNINGS = table.rows(
    Row("a start event begins each of its flows", "13.5.1", draw("start -> a; start -> b"), at="a b", ended="active"),
    Row("without a start event all that no flow leads to begins", "13.2", draw("a -> c; b"), at="a b", ended="active"),
    Row(
        "without a start event a gateway may begin",
        "13.2",
        draw("and1 -> a -> end; and1 -> b -> end"),
        at="a b",
        ended="active",
    ),
    Row(
        "without a start event a catching event may begin",
        "13.2",
        draw("x -> a; b", catch("x", MESSAGE)),
        do=("x",),
        at="a b",
        ended="active",
    ),
    Row("without an end event the last token ends it", "13.2", draw("start -> a -> b"), do=("a b",)),
    Row(
        "an instance goes on after its first end event",
        "13.5.6",
        draw("start -> and1 -> a -> end1; and1 -> b -> end2"),
        do=("a",),
        at="b",
        visits={"end1": 1},
        ended="active",
    ),
    Row(
        "an end event may be reached several times",
        "13.5.6",
        draw("start -> and1 -> a -> end; and1 -> b -> end"),
        do=("a b",),
        visits={"end": 2},
    ),
    Row(
        "begun by hand the other start events do nothing",
        "13.5.1",
        draw("start -> a; m -> b", start("m", MESSAGE)),
        at="a",
        visits={"m": 0},
        ended="active",
    ),
    Row(
        "begun by a message the plain start event does nothing",
        "13.5.1",
        draw("start -> a; m -> b; s -> c", start("m", MESSAGE) + start("s", SIGNAL)),
        start_event="m",
        at="b",
        visits={"start": 0, "m": 1, "s": 0},
        ended="active",
    ),
)

IN_BOTH = "start -> and1 -> s -> c -> end; and1 -> o -> end"
ENDINGS = table.rows(
    Row(
        "a none end in a sub-process ends one token of it",
        "13.5.6",
        draw("start -> s -> c -> end", sub("s", draw("start2 -> and2 -> a -> end2; and2 -> b -> end3"))),
        do=("b",),
        at="a",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "a terminate end ends all other tokens",
        "13.5.6",
        draw("start -> and1 -> a -> stop; and1 -> b -> end", end("stop", TERMINATE)),
        do=("a",),
        visits={"stop": 1, "end": 0},
        ended="terminated",
    ),
    Row(
        "a terminate end ends what is inside of sub-processes",
        "13.5.6",
        draw("start -> and1 -> a -> stop; and1 -> s -> end", end("stop", TERMINATE), sub("s", draw("b -> end2"))),
        do=("a",),
        visits={"stop": 1, "end2": 0, "end": 0},
        ended="terminated",
    ),
    Row(
        "a terminate end in a sub-process ends that one only",
        "13.5.6",
        draw(IN_BOTH, sub("s", draw("start2 -> and2 -> a -> stop; and2 -> b -> end2", end("stop", TERMINATE)))),
        do=("a",),
        at="c o",
        visits={"end2": 0},
        ended="active",
    ),
    Row(
        "an instance is completed though a sub-process of it was terminated",
        "13.5.6",
        draw("start -> s -> end", sub("s", draw("start2 -> and2 -> a -> stop; and2 -> b", end("stop", TERMINATE)))),
        do=("a",),
        visits={"stop": 1, "end": 1},
    ),
    Row(
        "a terminate end two levels down ends the innermost sub-process",
        "13.5.6",
        draw(
            "start -> s -> c -> end",
            sub(
                "s",
                draw(
                    "start2 -> and2 -> t -> d -> end2; and2 -> b -> end2",
                    sub("t", draw("start3 -> and3 -> a -> stop; and3 -> e", end("stop", TERMINATE))),
                ),
            ),
        ),
        do=("a",),
        at="b d",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "a terminate end in one instance leaves the others",
        "13.5.6",
        draw(
            "start -> s -> c -> end",
            sub("s", draw("start2 -> and2 -> a -> stop; and2 -> b -> end2", end("stop", TERMINATE)), each(count="3")),
        ),
        do=("a#1",),
        at="a a b b",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "a terminate end in an instance is followed by the next in turn",
        "13.5.6",
        draw(
            "start -> s -> c -> end",
            sub(
                "s",
                draw("start2 -> and2 -> a -> stop; and2 -> b -> end2", end("stop", TERMINATE)),
                each(count="2", in_turn=True),
            ),
        ),
        do=("a", "a"),
        at="c",
        visits={"s": 2, "b": 2, "end2": 0},
        ended="active",
    ),
    Row(
        "a terminate end in a round is followed by the next",
        "13.5.6",
        draw(
            "start -> s -> c -> end",
            sub("s", draw("start2 -> and2 -> a -> stop; and2 -> b -> end2", end("stop", TERMINATE)), again("more")),
        ),
        do=(("a", {"more": True}),),
        at="a b",
        visits={"s": 2, "c": 0},
        ended="active",
    ),
    Row(
        "a signal end throws and ends its token only",
        "13.5.6",
        draw("start -> and1 -> a -> call; and1 -> b -> end", end("call", SIGNAL)),
        do=("a",),
        at="b",
        thrown="alarm",
        ended="active",
    ),
)

RISKY = sub("s", draw("start2 -> and2 -> a -> fail; and2 -> b -> end2", end("fail", DECLINED)))
DEEP = sub("t", draw("start3 -> a -> fail; ", end("fail", DECLINED)))
ERRORS = table.rows(
    Row(
        "an error end ends its sub-process by the boundary",
        "13.5.6",
        draw("start -> s -> c -> end; e -> d -> end", RISKY, boundary("e", "s", DECLINED)),
        do=("a",),
        at="d",
        visits={"fail": 1, "end2": 0, "c": 0, "e": 1},
        ended="active",
    ),
    Row(
        "an error that nobody catches ends everything",
        "10.5.6",
        draw("start -> and1 -> s -> c -> end; and1 -> o -> end", RISKY),
        do=("a",),
        visits={"c": 0, "end": 0},
        ended="failed DECLINED",
    ),
    Row(
        "an error end of the process ends everything",
        "13.5.6",
        draw("start -> and1 -> a -> fail; and1 -> b -> end", end("fail", BROKEN)),
        do=("a",),
        ended="failed BROKEN",
    ),
    Row(
        "the event with the code is asked before the one without",
        "10.5.6",
        draw(
            "start -> s -> c -> end; any -> x -> end; e -> d -> end",
            RISKY,
            boundary("any", "s", ANY_ERROR) + boundary("e", "s", DECLINED),
        ),
        do=("a",),
        at="d",
        visits={"any": 0},
        ended="active",
    ),
    Row(
        "the event without a code catches the rest",
        "10.5.6",
        draw(
            "start -> s -> c -> end; any -> x -> end; e -> d -> end",
            RISKY,
            boundary("e", "s", BROKEN) + boundary("any", "s", ANY_ERROR),
        ),
        do=("a",),
        at="x",
        visits={"e": 0},
        values={"errorCode": "DECLINED"},
        ended="active",
    ),
    Row(
        "the innermost catcher wins though it names no code",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> t -> b -> end2; any -> x -> end2", DEEP, boundary("any", "t", ANY_ERROR))),
            boundary("e", "s", DECLINED),
        ),
        do=("a",),
        at="x",
        visits={"e": 0},
        ended="active",
    ),
    Row(
        "an error passes through levels that catch another",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> t -> b -> end2; other -> x -> end2", DEEP, boundary("other", "t", BROKEN))),
            boundary("e", "s", DECLINED),
        ),
        do=("a",),
        at="d",
        visits={"other": 0, "b": 0},
        ended="active",
    ),
    Row(
        "an error passes through levels that catch nothing",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> and2 -> t -> end2; and2 -> b -> end2", DEEP)),
            boundary("e", "s", DECLINED),
        ),
        do=("a",),
        at="d",
        visits={"end2": 0},
        ended="active",
    ),
    Row(
        "an activity's own event is asked before that of its sub-process",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> w -> end2; own -> x -> end2", service("w"), boundary("own", "w", DECLINED))),
            boundary("e", "s", DECLINED),
        ),
        do=("w!DECLINED",),
        at="x",
        visits={"e": 0},
        ended="active",
    ),
    Row(
        "the error of a service leaves by the sub-process around it",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> and2 -> w -> end2; and2 -> b -> end2", service("w"))),
            boundary("e", "s", DECLINED),
        ),
        do=("w!DECLINED",),
        at="d",
        ended="active",
    ),
    Row(
        "what a handler throws is not caught by the event before it",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> worse",
            RISKY,
            boundary("e", "s", ANY_ERROR) + end("worse", DECLINED),
        ),
        do=("a d",),
        visits={"e": 1},
        ended="failed DECLINED",
    ),
    Row(
        "an error at the first step of a sub-process is caught",
        "13.5.3",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> fail", end("fail", DECLINED))),
            boundary("e", "s", DECLINED),
        ),
        at="d",
        ended="active",
    ),
    Row(
        "an error that a script raises leaves by the sub-process around it",
        "10.5.6",
        draw(
            "start -> s -> c -> end; e -> d -> end",
            sub("s", draw("start2 -> x -> b -> end2", script("x", "raise BpmnError('DECLINED', 'no')"))),
            boundary("e", "s", DECLINED),
        ),
        at="d",
        values={"errorCode": "DECLINED", "errorMessage": "no"},
        ended="active",
    ),
    Row(
        "an error of one token leaves the other runs of its sub-process",
        "13.5.3",
        draw("start -> and1 -> s -> c -> end; and1 -> s; e -> d -> end", RISKY, boundary("e", "s", DECLINED)),
        do=("a#0",),
        at="a b d",
        ended="active",
    ),
)


def raising(*, interrupting: bool, after: str = "b") -> str:
    """A sub-process that escalates in passing, and goes on when it may."""
    return draw(
        "start -> s -> c -> end; x -> d -> end",
        sub("s", draw(f"start2 -> a -> tell -> {after} -> end2", throw("tell", LATE))),
        boundary("x", "s", LATE, interrupting=interrupting),
    )


ESCALATIONS = table.rows(
    Row(
        "an escalation beside goes on inside and outside",
        "10.5.6",
        raising(interrupting=False),
        do=("a",),
        at="b d",
        ended="active",
    ),
    Row(
        "an escalation beside does not keep the sub-process from its end",
        "10.5.6",
        raising(interrupting=False),
        do=("a", "b"),
        at="c d",
        ended="active",
    ),
    Row(
        "an interrupting escalation ends the sub-process",
        "10.5.6",
        raising(interrupting=True),
        do=("a",),
        at="d",
        visits={"b": 0, "c": 0},
        ended="active",
    ),
    Row(
        "an escalation that nobody catches is of no consequence",
        "10.5.6",
        draw("start -> a -> tell -> b -> end", throw("tell", LATE)),
        do=("a",),
        at="b",
        ended="active",
    ),
    Row(
        "an escalation end ends its own token and goes on outside",
        "13.5.6",
        draw(
            "start -> s -> c -> end; x -> d -> end",
            sub("s", draw("start2 -> and2 -> a -> tell; and2 -> b -> end2", end("tell", LATE))),
            boundary("x", "s", LATE, interrupting=False),
        ),
        do=("a",),
        at="b d",
        ended="active",
    ),
    Row(
        "an escalation may come again beside",
        "13.5.3",
        draw(
            "start -> s -> c -> end; x -> d -> end",
            sub("s", draw("start2 -> xor2 -> a -> tell -> xor3 -[more]-> xor2; xor3 -*-> end2", throw("tell", LATE))),
            boundary("x", "s", LATE, interrupting=False),
        ),
        do=(("a", {"more": True}), ("a", {"more": True})),
        at="a d d",
        visits={"x": 2},
        ended="active",
    ),
    Row(
        "each instance escalates by itself",
        "13.5.3",
        draw(
            "start -> s -> c -> end; x -> d -> end",
            sub("s", draw("start2 -> a -> tell -> b -> end2", throw("tell", LATE)), each(count="2")),
            boundary("x", "s", LATE, interrupting=False),
        ),
        do=("a#0", "a#0"),
        at="b b d d",
        visits={"x": 2},
        ended="active",
    ),
    Row(
        "an interrupting escalation of one instance ends all of them",
        "13.5.3",
        draw(
            "start -> s -> c -> end; x -> d -> end",
            sub("s", draw("start2 -> a -> tell -> b -> end2", throw("tell", LATE)), each(count="2")),
            boundary("x", "s", LATE),
        ),
        do=("a#1",),
        at="d",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "the event with the escalation's code is asked first",
        "10.5.6",
        draw(
            "start -> s -> c -> end; any -> y -> end; x -> d -> end",
            sub("s", draw("start2 -> a -> tell -> b -> end2", throw("tell", LATE))),
            boundary("any", "s", ANY_ESCALATION, interrupting=False) + boundary("x", "s", LATE, interrupting=False),
        ),
        do=("a",),
        at="b d",
        visits={"any": 0},
        ended="active",
    ),
    Row(
        "the innermost catcher of an escalation wins",
        "10.5.6",
        draw(
            "start -> s -> c -> end; x -> d -> end",
            sub(
                "s",
                draw(
                    "start2 -> t -> end2; any -> y -> end2",
                    sub("t", draw("start3 -> a -> tell -> b -> end3", throw("tell", LATE))),
                    boundary("any", "t", ANY_ESCALATION, interrupting=False),
                ),
            ),
            boundary("x", "s", LATE),
        ),
        do=("a",),
        at="b y",
        visits={"x": 0},
        ended="active",
    ),
)

NESTED = sub("s", draw("start2 -> and2 -> a -> end2; and2 -> t -> end2", sub("t", draw("start3 -> b -> end3"))))
BOUNDARIES = table.rows(
    Row(
        "an interrupting event cancels everything within",
        "13.5.3",
        draw("start -> s -> c -> end; t1 -> d -> end", NESTED, boundary("t1", "s", HOUR)),
        do=("t1",),
        at="d",
        visits={"end2": 0, "end3": 0, "c": 0},
        ended="active",
    ),
    Row(
        "an interrupting event leaves what is outside",
        "13.5.3",
        draw("start -> and1 -> s -> c -> end; and1 -> o -> end; t1 -> d -> end", NESTED, boundary("t1", "s", HOUR)),
        do=("t1",),
        at="d o",
        ended="active",
    ),
    Row(
        "an event beside leaves everything within",
        "13.5.3",
        draw("start -> s -> c -> end; m -> d -> end", NESTED, boundary("m", "s", MESSAGE, interrupting=False)),
        do=("m",),
        at="a b d",
        ended="active",
    ),
    Row(
        "a message beside may come again",
        "13.5.3",
        draw("start -> a -> end; m -> d -> end", boundary("m", "a", MESSAGE, interrupting=False)),
        do=("m m m",),
        at="a d d d",
        visits={"m": 3},
        ended="active",
    ),
    Row(
        "a cycle happens as often as it says",
        "10.5.5",
        draw("start -> a -> end; t -> d -> end", boundary("t", "a", cycle("R3/PT10M"), interrupting=False)),
        do=("t t t",),
        at="a d d d",
        visits={"t": 3, "a": 1},
        ended="active",
    ),
    Row(
        "what an event beside began goes on after the activity",
        "13.5.3",
        draw("start -> a -> c -> end; t -> d -> end", boundary("t", "a", HOUR, interrupting=False)),
        do=("t", "a"),
        at="c d",
        ended="active",
    ),
    Row(
        "who is interrupted does not complete",
        "13.5.3",
        draw("start -> a -> c -> end; t -> d -> c", boundary("t", "a", HOUR)),
        do=("t d",),
        at="c",
        visits={"a": 1, "c": 1},
        ended="active",
    ),
    Row(
        "of two interrupting events the first wins",
        "13.5.3",
        draw("start -> a -> end; t -> b -> end; m -> c -> end", boundary("t", "a", HOUR) + boundary("m", "a", MESSAGE)),
        do=("m",),
        at="c",
        visits={"t": 0},
        ended="active",
    ),
    Row(
        "each run of an activity has events of its own",
        "13.5.3",
        draw("start -> and1 -> a -> end; and1 -> a; t -> b -> end", boundary("t", "a", HOUR)),
        do=("t#0",),
        at="a b",
        ended="active",
    ),
    Row(
        "an event whose flow leads back begins the activity anew",
        "13.5.3",
        draw("start -> a -> end; t -> a", boundary("t", "a", HOUR)),
        do=("t t", "a"),
        visits={"a": 3, "t": 2, "end": 1},
    ),
    Row(
        "a boundary event without a flow ends its token",
        "13.5.3",
        draw("start -> a -> end", boundary("t", "a", HOUR)),
        do=("t",),
        visits={"t": 1, "end": 0},
    ),
)

PASSING = table.rows(
    Row(
        "a none throw event passes",
        "13.5.2",
        draw("start -> n -> a -> end", throw("n")),
        at="a",
        visits={"n": 1},
        ended="active",
    ),
    Row(
        "a signal is thrown in passing",
        "13.5.2",
        draw("start -> n -> a -> end", throw("n", SIGNAL)),
        at="a",
        thrown="alarm",
        ended="active",
    ),
    *[
        Row(
            f"a token waits for its {kind}",
            "13.5.2",
            draw("start -> x -> a -> end", catch("x", definition)),
            do=("x",),
            at="a",
            visits={"x": 1},
            ended="active",
        )
        for kind, definition in (("timer", HOUR), ("message", MESSAGE), ("signal", SIGNAL))
    ],
    Row(
        "a cycle that a token waits for happens once",
        "10.5.5",
        draw("start -> x -> a -> end", catch("x", cycle("R3/PT1H"))),
        do=("x",),
        at="a",
        visits={"x": 1},
        ended="active",
    ),
    Row(
        "a token may wait more than once in one place",
        "13.5.2",
        draw("start -> xor1 -> x -> a -> xor2 -[more]-> xor1; xor2 -*-> end", catch("x", MESSAGE)),
        do=("x", ("a", {"more": True}), "x", ("a", {"more": False})),
        visits={"x": 2, "end": 1},
    ),
    Row(
        "a link goes on at its target",
        "10.5.5",
        draw("start -> a -> there; here -> b -> end", throw("there", link("L")) + catch("here", link("L"))),
        do=("a",),
        at="b",
        visits={"there": 1, "here": 1},
        ended="active",
    ),
    Row(
        "several links lead to one target",
        "10.5.5",
        draw(
            "start -> and1 -> a -> one; and1 -> b -> two; here -> c -> end",
            throw("one", link("L")) + throw("two", link("L")) + catch("here", link("L")),
        ),
        do=("a b",),
        at="c c",
        visits={"here": 2},
        ended="active",
    ),
    Row(
        "a link may lead back",
        "10.5.5",
        draw(
            "start -> xor1 -> a -> xor2 -[more]-> back; xor2 -*-> end; here -> xor1",
            throw("back", link("L")) + catch("here", link("L")),
        ),
        do=(("a", {"more": True}), ("a", {"more": False})),
        visits={"a": 2, "here": 1, "end": 1},
    ),
    Row(
        "a link stays within its sub-process",
        "10.5.5",
        draw(
            "start -> s -> c -> end",
            sub(
                "s",
                draw("start2 -> a -> there; here -> b -> end2", throw("there", link("L")) + catch("here", link("L"))),
            ),
        ),
        do=("a",),
        at="b",
        visits={"c": 0},
        ended="active",
    ),
)


@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", BEGINNINGS + ENDINGS + ERRORS + ESCALATIONS + BOUNDARIES + PASSING)
def test_event(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)


# ---- what nobody waits for any more --------------------------------------------------------------------------------


def test_a_cycle_that_is_over_waits_no_longer() -> None:
    """10.5.5"""
    play = Play(draw("start -> a -> end; t -> d", boundary("t", "a", cycle("R3/PT10M"), interrupting=False)))
    due = []

    while play.waits("timer"):
        due += [wait.data["due"] for wait in play.waits("timer")]
        play.happen("t")

    assert [moment[11:16] for moment in due] == ["09:10", "09:20", "09:30"]


@pytest.mark.parametrize("last", ["t", "a"])
def test_an_activity_that_is_over_waits_for_nothing(last: str) -> None:
    """13.5.3"""
    events = boundary("t", "a", HOUR) + boundary("m", "a", MESSAGE, interrupting=False) + boundary("s", "a", SIGNAL)
    play = Play(draw("start -> a -> b; t -> b; m -> c; s -> c", events))
    assert len(play.seen.waits()) == 4

    table.do(play, last)

    assert [wait.element_id for wait in play.seen.waits().values()] == ["b"]


def test_the_losers_behind_an_event_gateway_wait_no_longer() -> None:
    """13.4.4"""
    play = Play(draw("start -> race -> m -> a; race -> t -> b", catch("m", MESSAGE), catch("t", HOUR)))

    play.happen("t")

    assert [wait.element_id for wait in play.seen.waits().values()] == ["b"]


# ---- between instances. Source: 10.5.1, 10.5.5 ---------------------------------------------------------------------

WAITING = {"message": catch("x", MESSAGE), "signal": catch("x", SIGNAL)}


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


on_one_database = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@on_one_database
def test_a_signal_reaches_all_who_wait_once_each(driver: Driver) -> None:
    first = driver.draw(draw("start -> and1 -> x -> a -> end; and1 -> x", WAITING["signal"]))
    second = driver.start("p")

    driver.call_out("alarm")

    assert [len(story.tasks()) for story in (first, second)] == [2, 2]


@on_one_database
def test_a_signal_thrown_reaches_its_own_instance_and_others(driver: Driver) -> None:
    body = draw(
        "start -> and1 -> x -> a -> end; and1 -> b -> call -> c -> end", WAITING["signal"], throw("call", SIGNAL)
    )
    first, second = driver.draw(body), driver.start("p")

    driver.complete(ROOT, "b")

    assert sorted(task.name for task in first.tasks() if task.status == "open") == ["a", "c"]
    assert sorted(task.name for task in second.tasks() if task.status == "open") == ["a", "b"]


@on_one_database
def test_a_signal_that_nobody_waits_for_is_lost(driver: Driver) -> None:
    story = driver.draw(draw("start -> a -> x -> b -> end", WAITING["signal"]))

    driver.call_out("alarm")
    driver.complete(ROOT, "a")

    assert [task.name for task in story.tasks() if task.status == "open"] == []
    assert story.status == "active"


@on_one_database
def test_a_message_reaches_one_of_two_places_of_an_instance(driver: Driver) -> None:
    story = driver.draw(draw("start -> and1 -> x -> a -> end; and1 -> x", WAITING["message"]))

    driver.tell("paid")

    assert [task.name for task in story.tasks()] == ["a"]
    driver.tell("paid")
    assert [task.name for task in story.tasks()] == ["a", "a"]


@on_one_database
def test_a_message_reaches_the_instance_that_it_names(driver: Driver) -> None:
    first = driver.draw(draw("start -> x -> a -> end", WAITING["message"]), business_key="one")
    second = driver.start("p", business_key="two")

    with pytest.raises(Conflict):
        driver.tell("paid")
    driver.tell("paid", business_key="two")

    assert [len(story.tasks()) for story in (first, second)] == [0, 1]


@on_one_database
def test_a_message_for_nobody_is_refused(driver: Driver) -> None:
    driver.draw(draw("start -> x -> a -> end", WAITING["message"]))
    driver.tell("paid")

    with pytest.raises(NotFound):
        driver.tell("paid")


@on_one_database
def test_each_message_to_a_start_event_begins_an_instance(driver: Driver) -> None:
    """13.5.1"""
    driver.deploy_drawn(draw("start -> a; m -> b; s -> c", start("m", MESSAGE) + start("s", SIGNAL)))

    driver.tell("paid")
    driver.tell("paid")
    driver.call_out("alarm")

    assert [story.path() for story in driver.stories("p")] == [["m", "b"], ["m", "b"], ["s", "c"]]


@on_one_database
def test_a_cycle_beside_a_task_reminds_as_often_as_it_says(driver: Driver) -> None:
    body = draw("start -> a -> end; t -> d -> end", boundary("t", "a", cycle("R3/PT10M"), interrupting=False))
    story = driver.draw(body)

    for _ in range(5):
        driver.tick(minutes=10)

    assert story.path() == ["start", "a", "t", "d", "t", "d", "t", "d"]
    began = [visit.entered_at for visit in story.visits if visit.element_id == "t"]
    assert [(later - earlier).total_seconds() for earlier, later in pairwise(began)] == [600, 600]
