"""Ad-hoc sub-processes: a person chooses what is done next. BPMN 2.0.2, 10.3.5 and 13.3.5."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import HOUR, MESSAGE, Row, Step, catch, draw
from tests.conformance.test_multiple_events import aside
from tests.play import Play, boundary, script, sub, user


def ad_hoc(inside: str, told: str = "", until: str = "", inner: str = "", *, more: str = "") -> str:
    enough = f"<completionCondition>{table.escaped(until)}</completionCondition>" * bool(until)
    drawn = f'<adHocSubProcess id="s" {told}>{inner}{inside}{enough}</adHocSubProcess>'
    return draw("start -> s -> after -> end", drawn, more)


def choose(activity: str | None) -> Step:
    return "s", {"next": activity}


SEQUENTIAL = 'ordering="Sequential"'
KEEPING = 'cancelRemainingInstances="false"'
TWO = user("a") + user("b")
ENOUGH = "n >= 2"

ROWS = table.rows(
    Row("nothing begins by itself", "13.3.5", ad_hoc(TWO), at="", visits={"s": 1, "a": 0, "b": 0}, ended="active"),
    Row("what is chosen begins", "13.3.5", ad_hoc(TWO), do=(choose("a"),), at="a", ended="active"),
    Row(
        "another may be chosen beside it",
        "13.3.5",
        ad_hoc(TWO),
        do=(choose("a"), choose("b")),
        at="a b",
        ended="active",
    ),
    Row(
        "the same may be chosen several times at once",
        "13.3.5",
        ad_hoc(TWO),
        do=(choose("a"), choose("a")),
        at="a a",
        ended="active",
    ),
    Row(
        "what is done may be chosen again",
        "13.3.5",
        ad_hoc(TWO),
        do=(choose("a"), "a", choose("a")),
        at="a",
        visits={"a": 2},
        ended="active",
    ),
    Row(
        "in sequence the choice comes back when the activity is done",
        "13.3.5",
        ad_hoc(TWO, SEQUENTIAL),
        do=(choose("a"), "a", choose("b")),
        at="b",
        ended="active",
    ),
    Row(
        "in sequence it comes back when the activity was interrupted",
        "13.3.5",
        ad_hoc(TWO + boundary("overdue", "a", HOUR), SEQUENTIAL),
        do=(choose("a"), "overdue", choose("b")),
        at="b",
        ended="active",
    ),
    Row(
        "without a condition a person says when it is enough",
        "13.3.5",
        ad_hoc(TWO),
        do=(choose("a"), "a", choose(None)),
        at="after",
        ended="active",
    ),
    Row(
        "nothing at all may be enough",
        "13.3.5",
        ad_hoc(TWO),
        do=(choose(None), "after"),
        visits={"a": 0},
    ),
    Row(
        "when it is enough those still open are cancelled",
        "13.3.5",
        ad_hoc(TWO),
        do=(choose("a"), choose("b"), choose(None)),
        at="after",
        ended="active",
    ),
    Row(
        "unless they may go on",
        "13.3.5",
        ad_hoc(TWO, KEEPING),
        do=(choose("a"), choose("b"), choose(None)),
        at="a b",
        ended="active",
    ),
    Row(
        "then it is over when the last of them is",
        "13.3.5",
        ad_hoc(TWO, KEEPING),
        do=(choose("a"), choose("b"), choose(None), "a", "b"),
        at="after",
        ended="active",
    ),
    Row(
        "the condition is asked whenever an activity is done",
        "13.3.5",
        ad_hoc(TWO, until=ENOUGH),
        given={"n": 0},
        do=(choose("a"), ("a", {"n": 1}), choose("b"), ("b", {"n": 2})),
        at="after",
        ended="active",
    ),
    Row(
        "while it is not true one goes on choosing",
        "13.3.5",
        ad_hoc(TWO, until=ENOUGH),
        given={"n": 0},
        do=(choose("a"), ("a", {"n": 1}), choose("a")),
        at="a",
        ended="active",
    ),
    Row(
        "a condition that is true cancels the rest",
        "13.3.5",
        ad_hoc(TWO, until=ENOUGH),
        given={"n": 0},
        do=(choose("a"), choose("b"), ("a", {"n": 2})),
        at="after",
        ended="active",
    ),
    Row(
        "or lets the rest go on",
        "13.3.5",
        ad_hoc(TWO, KEEPING, until=ENOUGH),
        given={"n": 0},
        do=(choose("a"), choose("b"), ("a", {"n": 2})),
        at="b",
        ended="active",
    ),
    Row(
        "a condition that cannot be asked stops the activity",
        "13.3.5",
        ad_hoc(TWO, until=ENOUGH),
        do=(choose("a"), "a"),
        at="a",
        stopped="a",
        ended="active",
    ),
    Row(
        "an automatic activity may be chosen, too",
        "13.3.5",
        ad_hoc(script("a", "n = n + 1") + user("b"), until=ENOUGH),
        given={"n": 0},
        do=(choose("a"), choose("a")),
        at="after",
        visits={"a": 2},
        values={"n": 2},
        ended="active",
    ),
    Row(
        "what a flow leads to cannot be chosen before a token has come",
        "13.3.5",
        ad_hoc(draw("a -> b")),
        do=(choose("a"), "a"),
        at="b",
        visits={"b": 1},
        ended="active",
    ),
    Row(
        "then it begins when it is chosen",
        "13.3.5",
        ad_hoc(draw("a -> b")),
        do=(choose("a"), "a", choose("b"), "b", choose(None)),
        at="after",
        visits={"a": 1, "b": 1},
        ended="active",
    ),
    Row(
        "once for each token",
        "13.3.5",
        ad_hoc(draw("a -> b")),
        do=(choose("a"), "a", choose("a"), "a", choose("b"), "b"),
        at="b",
        ended="active",
    ),
    Row(
        "as many tokens as it needs",
        "13.3.5",
        ad_hoc(draw("a -> b", '<userTask id="b" startQuantity="2"/>')),
        do=(choose("a"), "a", choose("a"), "a", choose("b")),
        at="b",
        ended="active",
    ),
    Row(
        "gateways and events between are passed by themselves",
        "13.3.5",
        ad_hoc(draw("a -> xor -[n > 1]-> e -> b; xor -*-> c", catch("e", MESSAGE))),
        given={"n": 5},
        do=(choose("a"), "a", "e", choose("b")),
        at="b",
        visits={"c": 0},
        ended="active",
    ),
    Row(
        "what an event behind a gateway has begun is not chosen",
        "13.4.4",
        ad_hoc(
            draw(
                "a -> race -> get -> b; race -> t -> c",
                '<eventBasedGateway id="race"/><receiveTask id="get" messageRef="paid"/>',
                catch("t", HOUR),
            )
        ),
        do=(choose("a"), "a", "get"),
        at="b",
        visits={"get": 1},
        ended="active",
    ),
    Row(
        "several at once may be one choice",
        "13.3.7",
        ad_hoc(user("a", table.each(count="2")) + user("b")),
        do=(choose("a"), "a"),
        at="a",
        ended="active",
    ),
    Row(
        "who waits to be chosen does not keep it open",
        "13.3.5",
        ad_hoc(draw("a -> b"), KEEPING),
        do=(choose("a"), "a", choose(None)),
        at="after",
        ended="active",
    ),
    Row(
        "a sub-process inside is chosen as a whole",
        "13.3.5",
        ad_hoc(sub("inner", draw("start_in -> x -> end_in")) + user("b"), SEQUENTIAL),
        do=(choose("inner"), "x", choose("b")),
        at="b",
        ended="active",
    ),
    Row(
        "one ad-hoc sub-process may be inside another",
        "13.3.5",
        ad_hoc('<adHocSubProcess id="t"><userTask id="x"/></adHocSubProcess>' + user("b")),
        do=(choose("t"), ("t", {"next": "x"}), "x", ("t", {"next": None}), choose("b")),
        at="b",
        ended="active",
    ),
    Row(
        "an event on its boundary ends it",
        "13.5.3",
        draw(
            "start -> s -> after -> end; overdue -> c -> end2",
            '<adHocSubProcess id="s"><userTask id="a"/></adHocSubProcess>',
            boundary("overdue", "s", HOUR),
        ),
        do=(choose("a"), "overdue"),
        at="c",
        ended="active",
    ),
    Row(
        "an error inside goes outward",
        "13.5.3",
        draw(
            "start -> s -> after -> end; wrong -> c -> end2",
            '<adHocSubProcess id="s"><userTask id="a"/></adHocSubProcess>',
            boundary("wrong", "s", table.DECLINED),
        ),
        do=(choose("a"), "a!DECLINED"),
        at="c",
        ended="active",
    ),
    Row(
        "an event sub-process that interrupts it ends the choosing",
        "13.5.4",
        ad_hoc(user("a") + aside(MESSAGE)),
        do=(choose("a"), "e", "handle"),
        at="after",
        visits={"a": 1},
        ended="active",
    ),
    Row(
        "meanwhile it waits for that alone",
        "13.5.4",
        ad_hoc(user("a") + aside(MESSAGE)),
        do=(choose("a"), "e"),
        at="handle",
        visits={"handle": 1},
        ended="active",
    ),
    Row(
        "an event that waits beside does not keep it busy",
        "13.3.5",
        ad_hoc(TWO + aside(MESSAGE, interrupting=False), SEQUENTIAL),
        do=(choose("a"), "a", choose("b"), "b", choose(None)),
        at="after",
        ended="active",
    ),
    Row(
        "nor open",
        "13.3.5",
        ad_hoc(TWO + aside(MESSAGE, interrupting=False), KEEPING),
        do=(choose("a"), choose(None), "a"),
        at="after",
        ended="active",
    ),
    Row(
        "it may be done for each item",
        "13.3.7",
        ad_hoc(TWO, inner=table.each(over="items")),
        given={"items": [1, 2]},
        do=(("s#0", {"next": "a"}), ("s#1", {"next": "b"}), ("s", {"next": None})),
        at="b",
        ended="active",
    ),
    Row(
        "its variables are those around it",
        "10.5.7",
        ad_hoc(script("a", "n = 7")),
        given={"n": 1},
        do=(choose("a"), choose(None)),
        at="after",
        values={"n": 7, "next": None},
        ended="active",
    ),
    Row(
        "nothing to choose and no way to end it is told",
        "13.3.5",
        ad_hoc(draw("a -> b; b -> a"), until="done"),
        given={"done": False},
        at="",
        stopped="s",
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_ad_hoc(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
