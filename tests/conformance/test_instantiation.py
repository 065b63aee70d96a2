"""Where an instance begins: plain starts, receive tasks, event-based gateways. BPMN 2.0.2, 10.5.2, 10.6.6, 13.2."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import HOUR, MESSAGE, SIGNAL, Row, catch, draw
from tests.play import Play

RECEIVE = '<receiveTask id="get" messageRef="paid" instantiate="true"/>'


def race(kind: str) -> str:
    gateway = f'<eventBasedGateway id="race" instantiate="true" eventGatewayType="{kind}"/>'
    return draw("race -> m -> a -> end; race -> s -> b -> end", gateway, catch("m", MESSAGE), catch("s", SIGNAL))


CONDITIONAL = "<conditionalEventDefinition><condition>n &gt; 5</condition></conditionalEventDefinition>"

ROWS = table.rows(
    Row(
        "without a start event tokens begin where nothing leads to",
        "13.2",
        draw("a -> c -> end; b -> d -> end"),
        at="a b",
        ended="active",
    ),
    Row(
        "of several plain start events one begins the instance",
        "10.5.2",
        draw("start -> a -> end; start2 -> b -> end"),
        at="a",
        ended="active",
    ),
    Row(
        "which one may be chosen",
        "10.5.2",
        draw("start -> a -> end; start2 -> b -> end"),
        start_event="start2",
        at="b",
        ended="active",
    ),
    Row(
        "a start event that waits does not hinder the plain one",
        "10.5.2",
        draw("start -> a -> end; wait -> b -> end", table.start("wait", MESSAGE)),
        at="a",
        ended="active",
    ),
    Row(
        "a message begins its own branch only",
        "10.5.2",
        draw("start -> a -> end; wait -> b -> end", table.start("wait", MESSAGE)),
        start_event="wait",
        at="b",
        ended="active",
    ),
    Row(
        "a condition begins an instance",
        "10.5.2",
        draw("start1 -> a -> end", table.start("start1", CONDITIONAL)),
        start_event="start1",
        given={"n": 6},
        at="a",
        visits={"start1": 1},
        ended="active",
    ),
    Row(
        "a receive task begins an instance with its message",
        "10.3.3",
        draw("get -> a -> end", RECEIVE),
        start_event="get",
        at="a",
        visits={"get": 1},
        ended="active",
    ),
    Row(
        "a receive task behind a start event begins one, too",
        "10.3.3",
        draw("start -> get -> a -> end", RECEIVE),
        start_event="get",
        at="a",
        visits={"start": 0},
        ended="active",
    ),
    Row(
        "behind a start event it waits when that begins the instance",
        "10.3.3",
        draw("start -> get -> a -> end", RECEIVE),
        at="get",
        ended="active",
    ),
    Row(
        "the first event behind a gateway begins the instance",
        "10.6.6",
        race("Exclusive"),
        start_event="s",
        at="b",
        visits={"race": 1, "s": 1, "m": 0},
        ended="active",
    ),
    Row(
        "the others are not waited for",
        "10.6.6",
        race("Exclusive"),
        start_event="m",
        do=("a",),
        visits={"b": 0, "end": 1},
    ),
    Row(
        "behind a parallel gateway the others are waited for",
        "10.6.6",
        race("Parallel"),
        start_event="s",
        at="b m",
        visits={"race": 1, "s": 1},
        ended="active",
    ),
    Row(
        "the instance ends when all of them have come",
        "10.6.6",
        race("Parallel"),
        start_event="s",
        do=("b", "m", "a"),
        visits={"end": 2},
    ),
    Row(
        "a receive task behind such a gateway begins one",
        "10.6.6",
        draw(
            "race -> get -> a -> end; race -> t -> b -> end",
            '<eventBasedGateway id="race" instantiate="true"/><receiveTask id="get" messageRef="paid"/>',
            catch("t", HOUR),
        ),
        start_event="get",
        at="a",
        visits={"t": 0},
        ended="active",
    ),
    Row(
        "one of several triggers behind such a gateway begins one",
        "10.6.6",
        draw(
            "race -> e -> a -> end",
            '<eventBasedGateway id="race" instantiate="true"/>',
            catch("e", MESSAGE + SIGNAL),
        ),
        start_event="e#1",
        at="a",
        visits={"e": 1},
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_instantiation(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
