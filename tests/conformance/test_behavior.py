"""Events that a multi-instance activity throws as its instances complete. BPMN 2.0.2, 10.3.8 behavior, 13.3.7."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import Row, draw
from tests.play import Play, boundary, sub, user

OWN = "<signalEventDefinition/>"
SEND = '<signalEventDefinition signalRef="alarm"/>'


def loop(
    behavior: str, inner: str = "", count: int = 3, *, in_turn: bool = False, event: str = "", until: str = ""
) -> str:
    told = f'behavior="{behavior}" isSequential="{str(in_turn).lower()}"'
    told += f' {behavior.lower()}BehaviorEventRef="{event}"' * bool(event)
    enough = f"<completionCondition>{until}</completionCondition>" * bool(until)
    tag = "multiInstanceLoopCharacteristics"
    return f"<{tag} {told}><loopCardinality>{count}</loopCardinality>{inner}{enough}</{tag}>"


def on(condition: str, definition: str) -> str:
    told = f"<condition>{table.escaped(condition)}</condition><event>{definition}</event>"
    return f"<complexBehaviorDefinition>{told}</complexBehaviorDefinition>"


def work(told: str, caught: str = OWN, *, interrupting: bool = False, more: str = "") -> str:
    flows = "start -> work -> after -> end; told -> handle -> end2"
    return draw(flows, user("work", told), boundary("told", "work", caught, interrupting=interrupting), more)


SECOND = on("nrOfCompletedInstances == 2", SEND)

ROWS = table.rows(
    Row(
        "All throws nothing",
        "10.3.8",
        work(loop("All"), SEND),
        do=("work work work",),
        at="after",
        visits={"told": 0},
        ended="active",
    ),
    Row(
        "None throws for each instance that completes",
        "10.3.8",
        work(loop("None")),
        do=("work", "work"),
        at="handle handle work",
        ended="active",
    ),
    Row(
        "the last one throws, too, and then the activity completes",
        "10.3.8",
        work(loop("None")),
        do=("work work work",),
        at="after handle handle handle",
        ended="active",
    ),
    Row(
        "One throws for the first that completes",
        "10.3.8",
        work(loop("One")),
        do=("work work",),
        at="handle work",
        ended="active",
    ),
    Row(
        "who interrupts ends the rest of the instances",
        "10.3.8",
        work(loop("One"), interrupting=True),
        do=("work#1",),
        at="handle",
        visits={"after": 0},
        ended="active",
    ),
    Row(
        "one after the other, the next one begins after the event",
        "10.3.8",
        work(loop("None", in_turn=True)),
        do=("work",),
        at="handle work",
        ended="active",
    ),
    Row(
        "interrupted, no next one begins",
        "10.3.8",
        work(loop("One", in_turn=True), interrupting=True),
        do=("work",),
        at="handle",
        visits={"work": 1},
        ended="active",
    ),
    Row(
        "the event carries the counters",
        "10.3.8",
        work(loop("One"), interrupting=True),
        do=("work",),
        at="handle",
        values={"nrOfCompletedInstances": 1, "nrOfInstances": 3, "nrOfActiveInstances": 2},
        ended="active",
    ),
    Row(
        "a named event is thrown instead",
        "10.3.8",
        work(loop("One", event="shared"), SEND),
        do=("work work",),
        at="handle work",
        thrown="alarm",
        ended="active",
    ),
    Row(
        "a signal goes to everybody who waits for it",
        "10.5.1",
        draw(
            "start -> and1 -> work -> end; and1 -> e -> heard -> end2",
            user("work", loop("None", event="shared", count=2)),
            table.catch("e", SEND),
        ),
        do=("work",),
        at="heard work",
        thrown="alarm",
        ended="active",
    ),
    Row(
        "the signal without a name is not for others",
        "10.3.8",
        draw(
            "start -> and1 -> work -> end; and1 -> other -> end; told -> handle -> end2; told2 -> handle2 -> end2",
            user("work", loop("One", count=2)),
            user("other", loop("One", count=2)),
            boundary("told", "work", OWN, interrupting=False),
            boundary("told2", "other", OWN, interrupting=False),
        ),
        do=("work",),
        at="handle other other work",
        thrown="",
        ended="active",
    ),
    Row(
        "Complex throws when its condition holds",
        "10.3.8",
        work(loop("Complex", SECOND), SEND),
        do=("work work work",),
        at="after handle",
        visits={"told": 1},
        thrown="alarm",
        ended="active",
    ),
    Row(
        "each definition by its own condition",
        "10.3.8",
        work(
            loop("Complex", SECOND + on("nrOfCompletedInstances == 3", table.LATE)),
            SEND,
            more=boundary("told2", "work", table.LATE, interrupting=False),
        ),
        do=("work work work",),
        visits={"told": 1, "told2": 1},
        at="after handle",
        thrown="alarm",
        ended="active",
    ),
    Row(
        "its conditions see what the instance set",
        "10.3.8",
        work(loop("Complex", on("answer == 'no'", SEND)), SEND, interrupting=True),
        do=(("work", {"answer": "yes"}), ("work", {"answer": "no"})),
        at="handle",
        thrown="alarm",
        ended="active",
    ),
    Row(
        "a condition that cannot be asked stops the instance",
        "10.3.8",
        work(loop("Complex", on("answer == 'no'", SEND)), SEND),
        do=("work",),
        at="work work work",
        stopped="work",
        ended="active",
    ),
    Row(
        "an error is caught by the activity's boundary event",
        "10.3.8",
        work(loop("Complex", on("nrOfCompletedInstances == 1", table.DECLINED)), table.DECLINED, interrupting=True),
        do=("work",),
        at="handle",
        values={"errorCode": "DECLINED"},
        ended="active",
    ),
    Row(
        "an error that nobody catches fails the instance",
        "10.5.1",
        draw("start -> work -> end", user("work", loop("Complex", on("nrOfCompletedInstances == 1", table.DECLINED)))),
        do=("work",),
        ended="failed DECLINED",
    ),
    Row(
        "an escalation goes outward",
        "10.5.1",
        draw(
            "start -> s -> end; up -> handle -> end2",
            sub(
                "s",
                draw(
                    "start_in -> work -> end_in",
                    user("work", loop("Complex", on("nrOfCompletedInstances == 1", table.LATE), count=2)),
                ),
            ),
            boundary("up", "s", table.LATE, interrupting=False),
        ),
        do=("work",),
        at="handle work",
        values={"escalationCode": "LATE"},
        ended="active",
    ),
    Row(
        "with enough completed the event is thrown and the rest cancelled",
        "10.3.8",
        work(loop("None", until="nrOfCompletedInstances == 1")),
        do=("work",),
        at="after handle",
        ended="active",
    ),
    Row(
        "a sub-process throws as its instances complete",
        "10.3.8",
        draw(
            "start -> s -> end; told -> handle -> end2",
            sub("s", draw("start_in -> work -> end_in"), loop("None", count=2)),
            boundary("told", "s", OWN, interrupting=False),
        ),
        do=("work",),
        at="handle work",
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_behavior(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
