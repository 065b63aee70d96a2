"""Tokens that an activity needs, and tokens that leave it. BPMN 2.0.2, 10.3: startQuantity, completionQuantity."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import Row, draw
from tests.play import Play, boundary


def task(name: str, inner: str = "", *, needs: int = 1, gives: int = 1, tag: str = "userTask") -> str:
    return f'<{tag} id="{name}" startQuantity="{needs}" completionQuantity="{gives}">{inner}</{tag}>'


TWO_WAYS = "start -> and1 -> a -> work; and1 -> b -> work; "
INSIDE = '<startEvent id="start_in"/><userTask id="in"/><sequenceFlow id="f" sourceRef="start_in" targetRef="in"/>'

ROWS = table.rows(
    Row(
        "begins when as many tokens have come",
        "10.3",
        draw(TWO_WAYS + "work -> end", task("work", needs=2)),
        do=("a", "b"),
        at="work",
        ended="active",
    ),
    Row(
        "waits for the rest of them",
        "10.3",
        draw(TWO_WAYS + "work -> end", task("work", needs=2)),
        do=("a",),
        at="b work",
        ended="active",
    ),
    Row(
        "the work is done once for all of them",
        "10.3",
        draw(TWO_WAYS + "work -> after -> end", task("work", needs=2)),
        do=("a b work after",),
        visits={"after": 1, "end": 1},
    ),
    Row(
        "tokens may come along one flow",
        "10.3",
        draw("start -> many -> work -> end", task("many", gives=2), task("work", needs=2)),
        do=("many",),
        at="work",
        ended="active",
    ),
    Row(
        "what is left over waits for the next time",
        "10.3",
        draw("start -> many -> work -> end", task("many", gives=3), task("work", needs=2)),
        do=("many", "work"),
        at="work",
        stopped="work",
        ended="active",
    ),
    Row(
        "twice as many do it twice, side by side",
        "10.3",
        draw("start -> many -> work -> end", task("many", gives=4), task("work", needs=2)),
        do=("many",),
        at="work work",
        ended="active",
    ),
    Row(
        "as many tokens leave on each flow",
        "10.3",
        draw("start -> many -> a -> end; many -> b -> end", task("many", gives=2)),
        do=("many",),
        at="a a b b",
        ended="active",
    ),
    Row(
        "as many leave on the flow that is chosen",
        "10.3",
        draw(
            "start -> many -[n > 1]-> a -> end; many -*-> b -> end",
            task("many", gives=2).replace(">", ' default="many_b">', 1),
        ),
        given={"n": 5},
        do=("many",),
        at="a a",
        ended="active",
    ),
    Row(
        "each of them goes on by itself",
        "10.3",
        draw("start -> many -> a -> end", task("many", gives=3)),
        do=("many", "a#2", "a#0", "a"),
        visits={"a": 3, "end": 3},
    ),
    Row(
        "a sub-process may need several, too",
        "10.3",
        draw(TWO_WAYS.replace("work", "s") + "s -> end", task("s", INSIDE, needs=2, tag="subProcess")),
        do=("a", "b", "in"),
        visits={"in": 1, "end": 1},
    ),
    Row(
        "events on its boundary wait from the beginning of the work",
        "10.3",
        draw(
            TWO_WAYS + "work -> end; overdue -> end2",
            task("work", needs=2),
            boundary("overdue", "work", table.HOUR),
        ),
        do=("a", "b", "overdue"),
        visits={"end2": 1, "end": 0},
    ),
    Row(
        "a repeated activity gathers once and gives once",
        "13.3.7",
        draw(TWO_WAYS + "work -> after -> end", task("work", table.each(count="2"), needs=2, gives=2)),
        do=("a b", "work work"),
        at="after after",
        visits={"work": 4},
        ended="active",
    ),
    Row(
        "a repeated activity is visited by those who wait for others",
        "13.3.7",
        draw(TWO_WAYS + "work -> after -> end", task("work", table.again("n > 1"), needs=2)),
        given={"n": 1},
        do=("a",),
        at="b work",
        visits={"work": 1},
        ended="active",
    ),
    Row(
        "also by those who find nothing to do",
        "13.3.7",
        draw(TWO_WAYS + "work -> after -> end", task("work", table.each(count="0"), needs=2)),
        do=("a", "b", "after"),
        visits={"work": 3, "end": 1},
    ),
    Row(
        "what never comes is told",
        "10.3",
        draw("start -> xor1 -> work -> end", task("work", needs=2)),
        at="work",
        stopped="work",
        ended="active",
    ),
    Row(
        "who terminates ends those who wait for others",
        "10.3",
        draw(TWO_WAYS + "work -> end; and1 -> c -> stop", task("work", needs=2), table.end("stop", table.TERMINATE)),
        do=("a c",),
        ended="terminated",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_quantity(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
