"""Complex gateways: a condition over the tokens that came, then the rest of the round. BPMN 2.0.2, 13.4.5."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance import table
from tests.conformance.table import Row, draw
from tests.play import Play, boundary, script


def gateway(activation: str = "", default: str = "") -> str:
    condition = f"<activationCondition>{table.escaped(activation)}</activationCondition>" * bool(activation)
    told = f' default="{default}"' * bool(default)
    return f'<complexGateway id="g"{told}>{condition}</complexGateway>'


TWO = gateway("activationCount >= 2")
THREE_IN = "start -> and1 -> a -> g; and1 -> b -> g; and1 -> c -> g; "
ON = draw(THREE_IN + "g -> on -> end", TWO)

ROWS = table.rows(
    Row("waits until its condition holds", "13.4.5", ON, do=("a",), at="b c g", ended="active"),
    Row("fires as soon as its condition holds", "13.4.5", ON, do=("a b",), at="c on", ended="active"),
    Row(
        "whoever comes after it fired goes no further",
        "13.4.5",
        ON,
        do=("a b c",),
        at="on",
        visits={"on": 1},
        ended="active",
    ),
    Row("the instance ends when the rest has come", "13.4.5", ON, do=("a b c on",), visits={"on": 1, "end": 1}),
    Row("the rest may come after what follows is done", "13.4.5", ON, do=("a b on c",), visits={"on": 1, "end": 1}),
    Row(
        "it takes a token from each flow that has one",
        "13.4.5",
        draw(THREE_IN + "g -> on -> end", gateway("activationCount >= 2 and go"), script("b", "go = True")),
        given={"go": False},
        do=("a", "c"),
        at="on",
        visits={"on": 1, "g": 3},
        ended="active",
    ),
    Row(
        "the condition is asked again when data changed",
        "13.4.5",
        draw(
            "start -> and1 -> a -> g; and1 -> b -> g; and1 -> set -> free -> end2; g -> on -> end",
            gateway("activationCount >= 1 and go"),
            script("set", "go = False"),
        ),
        do=("a", ("free", {"go": True})),
        at="b on",
        ended="active",
    ),
    Row(
        "a condition that reads what is missing stops where the tokens stand",
        "13.4.5",
        draw("start -> and1 -> a -> g; and1 -> b -> g; g -> on -> end", gateway("activationCount >= need")),
        do=("a",),
        at="b g",
        stopped="g",
        ended="active",
    ),
    Row(
        "what cannot come any more is not waited for",
        "13.4.5",
        draw(
            "start -> and1 -> a -> g; and1 -> b -> g; and1 -> c -> xor -[n > 1]-> g; xor -*-> d -> end2;"
            " g -> on -> end",
            TWO,
        ),
        given={"n": 1},
        do=("a b", "on", "c", "d"),
        visits={"on": 1, "d": 1},
    ),
    Row(
        "after the round it waits for the next one",
        "13.4.5",
        draw(
            "start -> xor1 -> and1 -> a -> g; and1 -> b -> g; g -> xor2 -[n < 2]-> more -> xor1; xor2 -*-> end",
            TWO,
        ),
        given={"n": 1},
        do=("a b", ("more", {"n": 2}), "a"),
        at="b g",
        visits={"a": 2, "more": 1},
        ended="active",
    ),
    Row(
        "a second token on a flow is for the next round",
        "13.4.5",
        draw(
            "start -> and0 -> xor1 -> a -> g; and0 -> b -> xor1; and0 -> c -> g; g -> on -> end",
            gateway("activationCount >= 3"),
        ),
        do=("a b a", "c"),
        at="g on",
        ended="active",
    ),
    Row(
        "it leaves along each flow whose condition holds",
        "13.4.5",
        draw("start -> g -[n > 1]-> a -> end; g -[n > 2]-> b -> end; g -[n > 3]-> c -> end", gateway()),
        given={"n": 3},
        at="a b",
        ended="active",
    ),
    Row(
        "it leaves along the default when no condition holds",
        "13.4.5",
        draw("start -> g -[n > 1]-> a -> end; g -> b -> end", gateway(default="g_b")),
        given={"n": 0},
        at="b",
        ended="active",
    ),
    Row(
        "no way out stops it",
        "13.4.5",
        draw("start -> g -[n > 1]-> a -> end; g -[n > 2]-> b -> end", gateway()),
        given={"n": 0},
        at="g",
        stopped="g",
        ended="active",
    ),
    Row(
        "conditions tell the beginning of a round from its end",
        "13.4.5",
        draw(THREE_IN + "g -[waitingForStart]-> on -> end; g -[not waitingForStart]-> overdue -> end2", TWO),
        do=("a b",),
        at="c on",
        ended="active",
    ),
    Row(
        "at the end of a round conditions are asked again",
        "13.4.5",
        draw(THREE_IN + "g -[waitingForStart]-> on -> end; g -[not waitingForStart]-> overdue -> end2", TWO),
        do=("a b c",),
        at="on overdue",
        visits={"on": 1, "overdue": 1},
        ended="active",
    ),
    Row(
        "at the end of a round no condition has to hold",
        "13.4.5",
        draw(THREE_IN + "g -[waitingForStart]-> on -> end; g -[n > 5]-> overdue -> end2", TWO),
        given={"n": 1},
        do=("a b c on",),
        visits={"on": 1, "overdue": 0},
    ),
    Row(
        "one flow in may have to bring several tokens",
        "13.4.5",
        draw("start -> and1 -> a -> xor1 -> g -> on -> end; and1 -> b -> xor1", TWO),
        do=("a", "b"),
        at="g on",
        ended="active",
    ),
    Row(
        "who terminates ends the round, too",
        "13.4.5",
        draw(
            THREE_IN + "g -[waitingForStart]-> stop; g -[not waitingForStart]-> overdue -> end2",
            TWO,
            table.end("stop", table.TERMINATE),
        ),
        do=("a b",),
        visits={"stop": 1, "overdue": 0},
        ended="terminated",
    ),
    Row(
        "the round of a cancelled sub-process is over",
        "13.4.5",
        draw(
            "start -> s -> end; overdue -> end2",
            f'<subProcess id="s">{draw(THREE_IN.replace("start", "start_in") + "g -> on -> end_in", TWO)}</subProcess>',
            boundary("overdue", "s", table.HOUR),
        ),
        do=("a b", "overdue"),
        visits={"on": 1, "end2": 1, "end": 0},
    ),
    Row(
        "what never comes together is told",
        "13.4.5",
        draw("start -> and1 -> a -> g; and1 -> b -> g; g -> on -> end", gateway("activationCount >= 3")),
        do=("a b",),
        at="g g",
        stopped="g",
        ended="active",
    ),
)


@pytest.mark.conformance
@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", ROWS)
def test_complex_gateway(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)
