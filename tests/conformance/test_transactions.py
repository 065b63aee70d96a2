"""Transactions: when one is cancelled, what has completed in it is undone. BPMN 2.0.2, 10.3.5, 10.5.1, 13.5.5."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import Row, draw
from tests.play import Play, boundary, sub

COMPENSATE = "<compensateEventDefinition/>"
CANCEL = "<cancelEventDefinition/>"


def undone(activity: str) -> str:
    """A handler no_<activity>, and what joins it to the activity."""
    caught = boundary(f"{activity}_undo", activity, COMPENSATE)
    joined = f'<association id="{activity}_a" sourceRef="{activity}_undo" targetRef="no_{activity}"/>'
    return f'{caught}{joined}<userTask id="no_{activity}" isForCompensation="true"/>'


def whole(flows: str, *nodes: str) -> str:
    return f'<transaction id="t">{draw(flows, *nodes)}</transaction>'


def transaction(flows: str, *nodes: str) -> str:
    inside = whole(flows, table.end("no", CANCEL), *nodes)
    return draw("start -> t -> after -> end; off -> told -> end2", inside, boundary("off", "t", CANCEL))


INNER = sub("s", draw("start2 -> b -> c -> end3", undone("b")))
BESIDE = "start1 -> and1 -> s -> end1; and1 -> a -> ask -> no"

ROWS = table.rows(
    Row(
        "what has completed is undone, the last first",
        "13.5.5",
        transaction("start1 -> a -> b -> no", undone("a"), undone("b")),
        do=("a b", "no_b"),
        at="no no_a",
        ended="active",
    ),
    Row(
        "then it is left by its cancel event",
        "10.3.5",
        transaction("start1 -> a -> b -> no", undone("a"), undone("b")),
        do=("a b", "no_b", "no_a"),
        at="told",
        visits={"after": 0},
        ended="active",
    ),
    Row(
        "what is still open is cancelled",
        "10.3.5",
        transaction("start1 -> and1 -> a -> no; and1 -> b -> end1", undone("b")),
        do=("a",),
        at="told",
        visits={"no_b": 0},
        ended="active",
    ),
    Row(
        "what has completed inside an open sub-process is undone",
        "13.5.5",
        transaction(BESIDE, INNER),
        do=("b", "a ask"),
        at="no no_b",
        ended="active",
    ),
    Row(
        "after that the transaction is left",
        "13.5.5",
        transaction(BESIDE, INNER),
        do=("b", "a ask", "no_b"),
        at="told",
        ended="active",
    ),
    Row(
        "what has not completed inside it is not undone",
        "13.5.5",
        transaction(BESIDE, INNER),
        do=("a ask",),
        at="told",
        visits={"no_b": 0},
        ended="active",
    ),
    Row(
        "how an open sub-process would be undone as a whole does not count",
        "13.5.5",
        transaction(BESIDE, INNER, undone("s")),
        do=("b", "a ask"),
        at="no no_b",
        visits={"no_s": 0},
        ended="active",
    ),
    Row(
        "once it has completed it does",
        "13.5.5",
        transaction(BESIDE, INNER, undone("s")),
        do=("b c", "a ask"),
        at="no no_s",
        visits={"no_b": 0},
        ended="active",
    ),
    Row(
        "inside sub-processes of open sub-processes, too",
        "13.5.5",
        transaction(
            BESIDE, sub("s", draw("start2 -> u -> end3", sub("u", draw("start3 -> b -> c -> end4", undone("b")))))
        ),
        do=("b", "a ask"),
        at="no no_b",
        ended="active",
    ),
    Row(
        "inside each open instance",
        "13.5.5",
        transaction(
            BESIDE,
            sub("s", draw("start2 -> b -> c -> end3", undone("b")), table.each(count="3")),
        ),
        do=("b#2", "b#0", "a ask", "no_b"),
        at="no no_b",
        visits={"no_b": 2},
        ended="active",
    ),
    Row(
        "with the values that the instance had",
        "13.5.5",
        transaction(
            BESIDE,
            sub("s", draw("start2 -> b -> c -> end3", undone("b")), table.each(over="items")),
        ),
        given={"items": ["x", "y"]},
        do=("b#1", "a ask"),
        at="no no_b",
        seen={"item": "y"},
        ended="active",
    ),
    Row(
        "what an activity beside an open sub-process did is undone, too",
        "13.5.5",
        transaction(BESIDE, INNER, undone("a")),
        do=("b", "a ask", "no_a", "no_b"),
        at="told",
        visits={"no_a": 1, "no_b": 1},
        ended="active",
    ),
    Row(
        "outside the transaction nothing is undone",
        "10.3.5",
        draw(
            "start -> x -> t -> after -> end; off -> told -> end2",
            undone("x"),
            whole("start1 -> a -> no", undone("a"), table.end("no", CANCEL)),
            boundary("off", "t", CANCEL),
        ),
        do=("x a", "no_a"),
        at="told",
        visits={"no_x": 0},
        ended="active",
    ),
    Row(
        "an error ends a transaction without undoing anything",
        "10.3.5",
        draw(
            "start -> t -> after -> end; wrong -> told -> end2",
            whole("start1 -> a -> no", undone("a"), table.end("no", table.DECLINED)),
            boundary("wrong", "t", table.DECLINED),
        ),
        do=("a",),
        at="told",
        visits={"no_a": 0},
        ended="active",
    ),
    Row(
        "a transaction that succeeded can be undone later",
        "13.5.5",
        draw(
            "start -> t -> undo -> after -> end",
            whole("start1 -> a -> end1", undone("a")),
            table.throw("undo", COMPENSATE),
        ),
        do=("a",),
        at="no_a undo",
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_transaction(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
