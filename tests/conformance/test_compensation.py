"""Compensation and transactions, rule by rule. Source: BPMN 2.0.2 (formal/2013-12-09), 10.3.5, 10.5.1 and 13.5.5.

`undone("a")` is the handler `no_a` of a, a user task: the order in which handlers begin is the order of doing them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import HOUR, MESSAGE, Row, again, draw, each, end, start, throw
from tests.play import Play, boundary, script, sub

pytestmark = pytest.mark.conformance

COMPENSATE, CANCEL = "<compensateEventDefinition/>", "<cancelEventDefinition/>"


def undone(*activities: str) -> str:
    return "".join(map(_undone, activities))


def _undone(activity: str) -> str:
    handler = f'<userTask id="no_{activity}" isForCompensation="true"/>'
    association = f'<association id="{activity}_by" sourceRef="undo_{activity}" targetRef="no_{activity}"/>'
    return boundary(f"undo_{activity}", activity, COMPENSATE) + handler + association


def undone_whole(name: str) -> str:
    """An event sub-process that compensates what is around it, by a user task."""
    inner = draw(f"{name}_s -> {name}", start(f"{name}_s", COMPENSATE))
    return f'<subProcess id="{name}_sub" triggeredByEvent="true">{inner}</subProcess>'


def cancelled(flows: str, *nodes: str, repeat: str = "", more: str = "") -> str:
    """A transaction in which one branch waits at `stop`, then cancels it; `told` follows."""
    inside = draw(f"start2 -> and2 -> stop -> no; and2 -> {flows}", end("no", CANCEL), *nodes)
    whole = f'<transaction id="t">{repeat}{inside}</transaction>' + boundary("off", "t", CANCEL)
    return draw("start -> t -> fine; off -> told", whole + more)


WITHIN = sub("s", draw("start3 -> a -> b -> c", undone("a", "b")))
DEEP = sub("s", draw("start3 -> a -> d -> e", undone("a"), sub("d", draw("start4 -> b -> c", undone("b")))))


def compensate(activity: str = "", *, waits: bool = True) -> str:
    named = f' activityRef="{activity}"' * bool(activity)
    return f'<compensateEventDefinition waitForCompletion="{str(waits).lower()}"{named}/>'


THROW = throw("x", COMPENSATE)
BOOKED = sub("s", draw("start2 -> a -> b", undone("a", "b")))

THROWN = table.rows(
    Row(
        "what completed last is undone first",
        "13.5.5",
        draw("start -> a -> b -> x -> c", undone("a", "b"), THROW),
        do=("a b no_b no_a",),
        at="c",
        ended="active",
    ),
    Row(
        "whatever order they are drawn in",
        "13.5.5",
        draw("start -> and1 -> a -> and2 -> x -> c; and1 -> b -> and2", undone("a", "b"), THROW),
        do=("b a no_a no_b",),
        at="c",
        ended="active",
    ),
    Row(
        "who throws waits for the handlers, which run one after the other",
        "10.5.1",
        draw("start -> a -> b -> x -> c", undone("a", "b"), THROW),
        do=("a b no_b",),
        at="no_a x",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "unless it does not wait",
        "10.5.1",
        draw("start -> a -> x -> c", undone("a"), throw("x", compensate(waits=False))),
        do=("a c",),
        at="no_a x",
        ended="active",
    ),
    Row(
        "what has not completed is not undone",
        "13.5.5",
        draw("start -> and1 -> a -> x -> c; and1 -> b", undone("a", "b"), THROW),
        do=("a no_a",),
        at="b c",
        visits={"no_b": 0},
        ended="active",
    ),
    Row(
        "what was interrupted has not completed",
        "13.5.5",
        draw("start -> a -> d; hour -> x -> c", undone("a"), boundary("hour", "a", HOUR), THROW),
        do=("hour",),
        at="c",
        visits={"no_a": 0},
        ended="active",
    ),
    Row(
        "what nothing undoes is passed over",
        "13.5.5",
        draw("start -> a -> b -> x -> c", undone("a"), THROW),
        do=("a b no_a",),
        at="c",
        ended="active",
    ),
    Row("with nothing to undo it passes", "13.5.5", draw("start -> x -> c", THROW), at="c", ended="active"),
    Row(
        "one that is named is undone and no other",
        "10.5.1",
        draw("start -> a -> b -> x -> c", undone("a", "b"), throw("x", compensate("a"))),
        do=("a b no_a",),
        at="c",
        visits={"no_b": 0},
        ended="active",
    ),
    Row(
        "what was left is undone by the next",
        "13.5.5",
        draw("start -> a -> b -> x -> y -> c", undone("a", "b"), throw("x", compensate("a")), throw("y", COMPENSATE)),
        do=("a b no_a no_b",),
        at="c",
        visits={"no_a": 1},
        ended="active",
    ),
    Row(
        "nothing is undone twice",
        "13.5.5",
        draw("start -> a -> x -> y -> c", undone("a"), THROW, throw("y", COMPENSATE)),
        do=("a no_a",),
        at="c",
        visits={"no_a": 1},
        ended="active",
    ),
    Row(
        "what completed anew is undone anew",
        "13.5.5",
        draw("start -> xor1 -> a -> x -> xor2 -[more]-> xor1; xor2 -*-> c", undone("a"), THROW),
        do=(("a", {"more": True}), "no_a", ("a", {"more": False}), "no_a"),
        at="c",
        visits={"no_a": 2},
        ended="active",
    ),
    Row(
        "an end event throws, and its token ends when all is undone",
        "10.5.3",
        draw("start -> a -> x", undone("a"), end("x", COMPENSATE)),
        do=("a no_a",),
    ),
    Row(
        "each round of a loop is undone",
        "13.5.5",
        draw("start -> a -> x -> c", f'<userTask id="a">{again("True", most=2)}</userTask>', undone("a"), THROW),
        do=("a a no_a no_a",),
        at="c",
        ended="active",
    ),
    Row(
        "each instance is undone with its own item, the last completed first",
        "13.5.5",
        draw("start -> a -> x -> c", f'<userTask id="a">{each(over="items")}</userTask>', undone("a"), THROW),
        given={"items": ["first", "second"]},
        do=("a a",),
        at="no_a x",
        seen={"item": "second"},
        ended="active",
    ),
    Row(
        "and those before it follow",
        "13.5.5",
        draw("start -> a -> x -> c", f'<userTask id="a">{each(over="items")}</userTask>', undone("a"), THROW),
        given={"items": ["first", "second"]},
        do=("a a no_a",),
        at="no_a x",
        seen={"item": "first"},
        ended="active",
    ),
    Row(
        "a sub-process that completed is undone from within",
        "13.5.5",
        draw("start -> s -> x -> c", BOOKED, THROW),
        do=("a b no_b no_a",),
        at="c",
        ended="active",
    ),
    Row(
        "a handler of its own stands for what is inside",
        "13.5.5",
        draw("start -> s -> x -> c", BOOKED, undone("s"), THROW),
        do=("a b no_s",),
        at="c",
        visits={"no_a": 0, "no_b": 0},
        ended="active",
    ),
    Row(
        "a compensation event sub-process, too",
        "13.5.5",
        draw("start -> s -> x -> c", sub("s", draw("start2 -> a", undone("a")) + undone_whole("whole")), THROW),
        do=("a whole",),
        at="c",
        visits={"no_a": 0},
        ended="active",
    ),
    Row(
        "each instance of a sub-process is undone from within",
        "13.5.5",
        draw("start -> s -> x -> c", sub("s", each(count="2") + draw("start2 -> a", undone("a"))), THROW),
        do=("a a no_a no_a",),
        at="c",
        ended="active",
    ),
    Row(
        "sub-processes in sub-processes are undone as deeply",
        "13.5.5",
        draw("start -> o -> x -> c", sub("o", draw("start3 -> s -> d", BOOKED, undone("d"))), THROW),
        do=("a b d no_d no_b no_a",),
        at="c",
        ended="active",
    ),
    Row(
        "thrown inside a sub-process it leaves what is outside",
        "10.5.1",
        draw("start -> a -> s", undone("a"), sub("s", draw("start2 -> b -> x -> c", undone("b"), THROW))),
        do=("a b no_b",),
        at="c",
        visits={"no_a": 0},
        ended="active",
    ),
    Row(
        "a handler sees the variables as they were",
        "13.5.5",
        draw("start -> a -> set -> x -> c", undone("a"), script("set", "n = 2"), THROW),
        do=(("a", {"n": 1}),),
        at="no_a x",
        seen={"n": 1},
        values={"n": 2},
        ended="active",
    ),
    Row(
        "an error of a handler goes outward from the throwing event's sub-process",
        "13.5.5",
        draw(
            "start -> s -> d; failed -> told",
            sub("s", draw("start2 -> a -> x -> c", undone("a"), THROW)),
            boundary("failed", "s", table.DECLINED),
        ),
        do=("a no_a!DECLINED",),
        at="told",
        ended="active",
    ),
)

CANCELLED = table.rows(
    Row(
        "what has completed in an open sub-process is undone from within",
        "10.3.5",
        cancelled("s", WITHIN),
        do=("a b stop no_b no_a",),
        at="told",
        visits={"c": 1, "told": 1, "fine": 0},
        ended="active",
    ),
    Row(
        "what is open itself is not undone",
        "13.5.5",
        cancelled("s", WITHIN),
        do=("stop",),
        at="told",
        visits={"no_a": 0, "no_b": 0},
        ended="active",
    ),
    Row(
        "as deep as sub-processes are open",
        "10.3.5",
        cancelled("s", DEEP),
        do=("a b stop no_b no_a",),
        at="told",
        ended="active",
    ),
    Row(
        "the last completed is undone first, inside or beside",
        "13.5.5",
        cancelled("s; and2 -> o -> q", WITHIN, undone("o")),
        do=("a o b stop no_b no_o no_a",),
        at="told",
        ended="active",
    ),
    Row(
        "the handler of a sub-process that is open is not for it",
        "13.5.5",
        cancelled("s", WITHIN, undone("s")),
        do=("a stop no_a",),
        at="told",
        visits={"no_s": 0},
        ended="active",
    ),
    Row(
        "nor is its compensation event sub-process",
        "13.5.5",
        cancelled("s", sub("s", draw("start3 -> a -> c", undone("a")) + undone_whole("whole"))),
        do=("a stop no_a",),
        at="told",
        visits={"whole": 0},
        ended="active",
    ),
    Row(
        "but a completed one beside is undone by its own",
        "13.5.5",
        cancelled("s -> d", sub("s", draw("start3 -> a", undone("a"))), undone("s")),
        do=("a stop no_s",),
        at="told",
        visits={"no_a": 0},
        ended="active",
    ),
    Row(
        "in each instance side by side",
        "10.3.5",
        cancelled("s", sub("s", each(count="2") + draw("start3 -> a -> c", undone("a")))),
        do=("a a stop no_a no_a",),
        at="told",
        ended="active",
    ),
    Row(
        "in the round that goes on, and in those before it",
        "10.3.5",
        cancelled("s", sub("s", again("True", most=3) + draw("start3 -> a -> c", undone("a")))),
        do=("a c a stop no_a no_a",),
        at="told",
        visits={"a": 2},
        ended="active",
    ),
    Row(
        "with the variables of its time",
        "13.5.5",
        cancelled("s", sub("s", draw("start3 -> a -> set -> c", undone("a"), script("set", "x = 2")))),
        do=(("a", {"x": 1}), "stop"),
        at="no no_a",
        seen={"x": 1},
        values={"x": 2},
        ended="active",
    ),
    Row(
        "in an event sub-process that goes on",
        "13.5.4",
        cancelled(
            "w",
            '<subProcess id="k" triggeredByEvent="true">'
            + draw("m -> a -> c", f'<startEvent id="m" isInterrupting="false">{MESSAGE}</startEvent>', undone("a"))
            + "</subProcess>",
        ),
        do=("m a stop no_a",),
        at="told",
        ended="active",
    ),
    Row(
        "what is being undone there is not undone again, what is left is",
        "13.5.5",
        cancelled("s", sub("s", draw("start3 -> a -> b -> x", undone("a", "b"), throw("x", COMPENSATE)))),
        do=("a b stop no_a",),
        at="told",
        visits={"no_b": 1, "no_a": 1},
        ended="active",
    ),
    Row(
        "what a sub-process that is being undone has left is undone",
        "13.5.5",
        cancelled("s -> x", sub("s", draw("start3 -> a -> b", undone("a", "b"))), throw("x", COMPENSATE)),
        do=("a b stop no_a",),
        at="told",
        visits={"no_b": 1, "no_a": 1},
        ended="active",
    ),
    Row(
        "what a handler that goes on has done is not undone",
        "13.5.5",
        cancelled(
            "a -> x",
            throw("x", COMPENSATE),
            boundary("undo_a", "a", COMPENSATE),
            '<association id="a_by" sourceRef="undo_a" targetRef="h"/>',
            f'<subProcess id="h" isForCompensation="true">{draw("start4 -> b -> c", undone("b"))}</subProcess>',
        ),
        do=("a b stop",),
        at="told",
        visits={"no_b": 0},
        ended="active",
    ),
    Row(
        "what is undone from within goes on so when a transaction around is cancelled, too",
        "10.3.5",
        cancelled(
            "t2",
            '<transaction id="t2">'
            + draw(
                "start4 -> and4 -> stop4 -> no4; and4 -> s",
                end("no4", CANCEL),
                sub(
                    "s",
                    draw("start3 -> d -> c", sub("d", draw("start5 -> a -> b", undone("a", "b"))))
                    + undone_whole("whole"),
                ),
            )
            + "</transaction>"
            + boundary("off4", "t2", CANCEL),
        ),
        do=("a b stop4 stop no_a",),
        at="told",
        visits={"no_b": 1, "whole": 0},
        ended="active",
    ),
)
EVENT_SUB_PROCESSES = table.rows(
    Row(
        "one that is named is undone alone",
        "13.5.5",
        draw(
            "start -> a -> hold -> x -> b",
            undone("a"),
            throw("x", '<compensateEventDefinition activityRef="k"/>'),
            '<subProcess id="k" triggeredByEvent="true">'
            + draw("m -> o", f'<startEvent id="m" isInterrupting="false">{MESSAGE}</startEvent>', undone("o"))
            + "</subProcess>",
        ),
        do=("a m o hold no_o",),
        at="b",
        visits={"no_a": 0},
        ended="active",
    ),
    Row(
        "what has completed inside and around is undone in one order",
        "13.5.5",
        draw(
            "start -> a -> hold",
            undone("a"),
            '<subProcess id="k" triggeredByEvent="true">'
            + draw(
                "m -> o -> go -> x -> b",
                f'<startEvent id="m" isInterrupting="false">{MESSAGE}</startEvent>',
                undone("o"),
                throw("x", COMPENSATE),
            )
            + "</subProcess>",
        ),
        do=("m o a go no_a no_o",),
        at="b hold",
        ended="active",
    ),
)


@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", [*THROWN, *CANCELLED, *EVENT_SUB_PROCESSES])
def test_compensation(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
