"""Events with several triggers: one is enough, or all are needed; or several results. BPMN 2.0.2, 10.5.1, 10.5.2-4."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import HOUR, MESSAGE, SIGNAL, Row, draw
from tests.play import Play, boundary, script, sub

CONDITION = "<conditionalEventDefinition><condition>n &gt; 5</condition></conditionalEventDefinition>"
MORE = "<conditionalEventDefinition><condition>n &gt; 3</condition></conditionalEventDefinition>"


def event(
    node: str, *definitions: str, tag: str = "intermediateCatchEvent", all_needed: bool = False, more: str = ""
) -> str:
    told = f'parallelMultiple="{str(all_needed).lower()}"'
    return f'<{tag} id="{node}" {told} {more}>{"".join(definitions)}</{tag}>'


def aside(*definitions: str, all_needed: bool = False, interrupting: bool = True) -> str:
    told = f'isInterrupting="{str(interrupting).lower()}"'
    begun = event("e", *definitions, tag="startEvent", all_needed=all_needed, more=told)
    return f'<subProcess id="aside" triggeredByEvent="true">{draw("e -> handle", begun)}</subProcess>'


CATCH = "start -> e -> a -> end"
BOUND = "start -> work -> end; e -> handle -> end2"


def on_boundary(*definitions: str, all_needed: bool = False, interrupting: bool = True) -> str:
    told = f'attachedToRef="work" cancelActivity="{str(interrupting).lower()}"'
    return draw(BOUND, event("e", *definitions, tag="boundaryEvent", all_needed=all_needed, more=told))


ROWS = table.rows(
    # ---- one is enough
    Row("waits for each of them", "10.5.4", draw(CATCH, event("e", MESSAGE, SIGNAL)), at="e", ended="active"),
    Row(
        "the first one is enough",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, SIGNAL)),
        do=("e/0",),
        at="a",
        ended="active",
    ),
    Row(
        "the second one is enough",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, HOUR)),
        do=("e/1",),
        at="a",
        ended="active",
    ),
    Row(
        "what came with it becomes variables",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, SIGNAL)),
        do=(("e/1", {"n": 4}),),
        at="a",
        values={"n": 4},
        ended="active",
    ),
    Row(
        "a condition may be one of them",
        "10.5.4",
        draw("start -> and1 -> e -> a -> end; and1 -> b -> end2", event("e", MESSAGE, CONDITION)),
        given={"n": 1},
        do=(("b", {"n": 6}),),
        at="a",
        ended="active",
    ),
    Row(
        "two messages may be waited for at once",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, MESSAGE)),
        do=("e/1",),
        at="a",
        ended="active",
    ),
    Row(
        "behind an event-based gateway one is enough",
        "13.4.4",
        draw(
            "start -> race -> e -> a -> end; race -> t -> b -> end", event("e", MESSAGE, SIGNAL), table.catch("t", HOUR)
        ),
        do=("e/1",),
        at="a",
        visits={"t": 0, "e": 1},
        ended="active",
    ),
    Row(
        "an activity is interrupted by one of them",
        "10.5.4",
        on_boundary(MESSAGE, HOUR),
        do=("e/1",),
        at="handle",
        ended="active",
    ),
    Row(
        "an error may be one of them",
        "10.5.4",
        on_boundary(MESSAGE, table.DECLINED),
        do=("work!DECLINED",),
        at="handle",
        values={"errorCode": "DECLINED"},
        ended="active",
    ),
    Row(
        "another error is not",
        "10.5.4",
        on_boundary(MESSAGE, table.DECLINED),
        do=("work!BROKEN",),
        at="work",
        stopped="work",
        ended="active",
    ),
    Row(
        "beside an activity each of them is caught again and again",
        "10.5.4",
        on_boundary(MESSAGE, SIGNAL, interrupting=False),
        do=("e/0", "e/1", "e/0"),
        at="handle handle handle work",
        ended="active",
    ),
    Row(
        "a timer among them fires once, the others go on",
        "10.5.4",
        on_boundary(HOUR, SIGNAL, interrupting=False),
        do=("e/0", "e/1", "e/1"),
        at="handle handle handle work",
        ended="active",
    ),
    Row(
        "a cycle among them goes on beside the others",
        "10.5.4",
        on_boundary(table.cycle("R2/PT1H"), SIGNAL, interrupting=False),
        do=("e/0", "e/1", "e/0"),
        at="handle handle handle work",
        ended="active",
    ),
    Row(
        "an event sub-process is begun by one of them",
        "10.5.2",
        draw("start -> work -> end", aside(MESSAGE, SIGNAL)),
        do=("e/1",),
        at="handle",
        ended="active",
    ),
    Row(
        "beside the process each of them begins it again",
        "10.5.2",
        draw("start -> work -> end", aside(MESSAGE, SIGNAL, interrupting=False)),
        do=("e/1", "e/0"),
        at="handle handle work",
        ended="active",
    ),
    Row(
        "an escalation begins it, too",
        "10.5.2",
        draw("start -> work -> up", table.end("up", table.LATE), aside(SIGNAL, table.LATE)),
        do=("work",),
        at="handle",
        values={"escalationCode": "LATE"},
        ended="active",
    ),
    Row(
        "an instance begins with one of them",
        "10.5.2",
        draw("e -> a -> end", event("e", MESSAGE, SIGNAL, tag="startEvent")),
        start_event="e#1",
        at="a",
        visits={"e": 1},
        ended="active",
    ),
    # ---- all are needed
    Row(
        "with all needed one is not enough",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, SIGNAL, all_needed=True)),
        do=("e/0",),
        at="e",
        ended="active",
    ),
    Row(
        "with all needed the last one lets it go on",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, SIGNAL, HOUR, all_needed=True)),
        do=("e/2", "e/0", "e/1"),
        at="a",
        visits={"e": 1},
        ended="active",
    ),
    Row(
        "what came with each of them is there",
        "10.5.4",
        draw(CATCH, event("e", MESSAGE, SIGNAL, all_needed=True)),
        do=(("e/0", {"n": 1, "m": 1}), ("e/1", {"n": 2})),
        at="a",
        values={"n": 2, "m": 1},
        ended="active",
    ),
    Row(
        "nothing of it is seen before",
        "10.5.4",
        draw("start -> and1 -> e -> a -> end; and1 -> b -> end2", event("e", MESSAGE, SIGNAL, all_needed=True)),
        do=(("e/0", {"n": 1}),),
        at="b e",
        values={"n": None},
        ended="active",
    ),
    Row(
        "two conditions may become true at once",
        "10.5.4",
        draw("start -> and1 -> e -> a -> end; and1 -> b -> end2", event("e", CONDITION, MORE, all_needed=True)),
        given={"n": 1},
        do=(("b", {"n": 6}),),
        at="a",
        ended="active",
    ),
    Row(
        "a condition that held once has happened",
        "10.5.4",
        draw("start -> and1 -> e -> a -> end; and1 -> b -> c -> end2", event("e", CONDITION, SIGNAL, all_needed=True)),
        given={"n": 1},
        do=(("b", {"n": 6}), ("c", {"n": 1}), "e/1"),
        at="a",
        ended="active",
    ),
    Row(
        "behind an event-based gateway all are needed",
        "13.4.4",
        draw(
            "start -> race -> e -> a -> end; race -> t -> b -> end",
            event("e", MESSAGE, SIGNAL, all_needed=True),
            table.catch("t", HOUR),
        ),
        do=("e/1",),
        at="race",
        ended="active",
    ),
    Row(
        "behind an event-based gateway the last one decides",
        "13.4.4",
        draw(
            "start -> race -> e -> a -> end; race -> t -> b -> end",
            event("e", MESSAGE, SIGNAL, all_needed=True),
            table.catch("t", HOUR),
        ),
        do=("e/1", "e/0"),
        at="a",
        visits={"t": 0},
        ended="active",
    ),
    Row(
        "an activity is interrupted when all have come",
        "10.5.4",
        on_boundary(MESSAGE, SIGNAL, all_needed=True),
        do=("e/0", "e/1"),
        at="handle",
        ended="active",
    ),
    Row(
        "an activity that is done before goes on",
        "10.5.4",
        on_boundary(MESSAGE, SIGNAL, all_needed=True),
        do=("e/0", "work"),
        visits={"handle": 0, "end": 1},
    ),
    Row(
        "beside an activity all are needed each time",
        "10.5.4",
        on_boundary(MESSAGE, SIGNAL, all_needed=True, interrupting=False),
        do=("e/0", "e/1", "e/1"),
        at="handle work",
        ended="active",
    ),
    Row(
        "beside an activity all may come again",
        "10.5.4",
        on_boundary(MESSAGE, SIGNAL, all_needed=True, interrupting=False),
        do=("e/0", "e/1", "e/1", "e/0"),
        at="handle handle work",
        ended="active",
    ),
    Row(
        "an event sub-process needs all of them",
        "10.5.2",
        draw("start -> work -> end", aside(MESSAGE, SIGNAL, all_needed=True)),
        do=("e/1", "e/0"),
        at="handle",
        ended="active",
    ),
    Row(
        "an instance that needs all waits at its start",
        "10.5.2",
        draw("e -> a -> end", event("e", MESSAGE, SIGNAL, tag="startEvent", all_needed=True)),
        start_event="e#1",
        at="e",
        ended="active",
    ),
    Row(
        "an instance goes on when all have come",
        "10.5.2",
        draw("e -> a -> end", event("e", MESSAGE, SIGNAL, tag="startEvent", all_needed=True)),
        start_event="e#1",
        do=(("e/0", {"n": 3}),),
        at="a",
        values={"n": 3},
        visits={"e": 1},
        ended="active",
    ),
    # ---- several results
    Row(
        "every result comes about",
        "10.5.3",
        draw("start -> a -> e", event("e", SIGNAL, MESSAGE, tag="endEvent")),
        do=("a",),
        thrown="alarm",
    ),
    Row(
        "in passing, too",
        "10.5.4",
        draw("start -> e -> a -> end", event("e", SIGNAL, MESSAGE, SIGNAL, tag="intermediateThrowEvent")),
        at="a",
        thrown="alarm alarm",
        ended="active",
    ),
    Row(
        "what ends the rest comes last",
        "10.5.3",
        draw("start -> and1 -> a -> e; and1 -> b -> end", event("e", table.TERMINATE, SIGNAL, tag="endEvent")),
        do=("a",),
        thrown="alarm",
        ended="terminated",
    ),
    Row(
        "an error comes last",
        "10.5.3",
        draw("start -> a -> e", event("e", table.DECLINED, SIGNAL, tag="endEvent")),
        do=("a",),
        thrown="alarm",
        ended="failed DECLINED",
    ),
    Row(
        "who is interrupted by the first result throws no other",
        "10.5.1",
        draw(
            "start -> s -> end; up -> handle -> end2",
            sub("s", draw("start_in -> a -> e", event("e", table.LATE, SIGNAL, tag="endEvent"))),
            boundary("up", "s", table.LATE),
        ),
        do=("a",),
        at="handle",
        thrown="",
        ended="active",
    ),
    Row(
        "a definition may be shared",
        "10.5.5",
        draw(
            CATCH,
            '<intermediateCatchEvent id="e"><eventDefinitionRef>shared</eventDefinitionRef></intermediateCatchEvent>',
        ),
        do=("e",),
        at="a",
        ended="active",
    ),
    Row(
        "a shared definition may be one of several",
        "10.5.5",
        draw(CATCH, event("e", MESSAGE, "<eventDefinitionRef>shared</eventDefinitionRef>")),
        do=("e/1",),
        at="a",
        ended="active",
    ),
    Row(
        "two events may share a definition",
        "10.5.5",
        draw(
            "start -> e -> f -> a -> end",
            '<intermediateCatchEvent id="e"><eventDefinitionRef>shared</eventDefinitionRef></intermediateCatchEvent>',
            '<intermediateThrowEvent id="f"><eventDefinitionRef>shared</eventDefinitionRef></intermediateThrowEvent>',
        ),
        do=("e",),
        at="a",
        thrown="alarm",
        ended="active",
    ),
    Row(
        "an error thrown by a script is caught among several",
        "10.5.4",
        draw(
            "start -> work -> end; e -> handle -> end2",
            script("work", 'raise BpmnError("DECLINED", "no")'),
            event("e", HOUR, table.DECLINED, tag="boundaryEvent", more='attachedToRef="work"'),
        ),
        at="handle",
        values={"errorMessage": "no"},
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_multiple_event(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
