"""Snapshots: what is in them, how they grow, and that old ones are still read."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.bpmn import parse, read, snapshot
from engine.bpmn.parse import Process
from engine.bpmn.runtime import Run
from engine.bpmn.script import Evaluator
from engine.bpmn.snapshot import Unreadable
from engine.bpmn.variables import Scopes
from engine.bpmn.wait import Wait
from engine.bpmn.world import World
from tests.play import END, START, Play, chain, document, flow, script, sub, user
from tests.stored import Stored

CORPUS = Path(__file__).parents[1] / "snapshots"
WORLD = World(Evaluator(), datetime(2026, 1, 5, 9, 0, tzinfo=UTC), ZoneInfo("UTC"))


def _size(play: Play) -> int:
    return sum(map(len, play.run.parts().values()))


def test_a_snapshot_does_not_grow_with_the_age_of_its_instance() -> None:
    body = START + user("wait") + '<parallelGateway id="fork"/><exclusiveGateway id="in"/>' + user("work")
    body += '<exclusiveGateway id="out"/>' + chain("start", "fork", "wait") + chain("fork", "in", "work", "out", "in")
    play = Play(body)
    young = _size(play)

    for _ in range(150):
        play.complete("work")

    assert _size(play) == young


def test_nor_with_what_can_be_compensated_in_it() -> None:
    undone = '<boundaryEvent id="b" attachedToRef="work"><compensateEventDefinition/></boundaryEvent>'
    undone += '<scriptTask id="undo" isForCompensation="true"><script>log(str(n))</script></scriptTask>'
    undone += '<association id="as" sourceRef="b" targetRef="undo" associationDirection="One"/>'
    throw = '<intermediateThrowEvent id="throw"><compensateEventDefinition/></intermediateThrowEvent>'
    body = (
        START + '<exclusiveGateway id="in"/>' + user("work") + '<exclusiveGateway id="out" default="out_throw"/>' + END
    )
    body += chain("start", "in", "work", "out", "throw", "end") + flow("out", "in", "n < 160") + throw + undone
    play, sizes = Play(body), list[int]()

    for number in range(1, 161):
        play.complete("work", n=number)
        sizes.append(_size(play))

    assert max(sizes) < 1.05 * max(sizes[:60])
    assert (play.is_over, play.log) == (True, [str(number) for number in range(160, 0, -1)])
    assert play.stored.scopes == {""}


def test_a_snapshot_holds_live_tokens_only() -> None:
    play = Play(START + script("s", "a = 1") + user("u") + END + chain("start", "s", "u", "end"))

    (part,) = play.run.parts().values()

    assert [row[2] for row in json.loads(part)["tokens"]] == ["u"]


def test_each_subprocess_has_a_part_of_its_own() -> None:
    inner = '<startEvent id="s2"/>' + user("u") + '<endEvent id="e2"/>' + chain("s2", "u", "e2")
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    play = Play(
        START
        + sub("each", inner, loop)
        + user("beside")
        + END
        + chain("start", "each", "end")
        + flow("start", "beside")
    )
    before = play.run.parts()

    play.run.complete(play.waits("user")[0].token, {})
    play.run.settle(100)
    after = play.run.parts()

    assert len(before) == 4
    assert sum(before[part] == after.get(part) for part in before) >= 2


def test_a_newer_snapshot_is_refused() -> None:
    play = Play(START + user("u") + END + chain("start", "u", "end"))
    parts = {snapshot.TOP: play.run.parts()[snapshot.TOP].replace(b'"v":2', b'"v":99')}

    with pytest.raises(Unreadable, match="99"):
        snapshot.load(parts, "p", play.process.specs, Scopes(), WORLD)


def test_none_at_all_is_refused() -> None:
    play = Play(START + user("u") + END + chain("start", "u", "end"))

    with pytest.raises(Unreadable, match="there is none"):
        snapshot.load({}, "p", play.process.specs, Scopes(), WORLD)


def test_a_snapshot_of_another_definition_is_refused() -> None:
    play = Play(START + user("u") + END + chain("start", "u", "end"))
    other = parse.processes(read.read("other.bpmn", document(START + END + chain("start", "end"))))[0]

    with pytest.raises(Unreadable, match="u"):
        snapshot.load(play.run.parts(), "p", other.specs, Scopes(), WORLD)


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.json")), ids=lambda file: file.stem)
def test_stored_snapshots_of_earlier_versions_go_on(file: Path) -> None:
    """Each file: a diagram, the parts and variables of an instance, what it waits for, and what completes it."""
    kept = json.loads(file.read_text())
    process = parse.processes(read.read("kept.bpmn", kept["diagram"].encode()))[0]
    parts = {name: text.encode() for name, text in kept["parts"].items()}
    stored = Stored(map(tuple, kept["variables"]))
    assert sorted([wait.kind, wait.element_id] for wait in _waits(process, parts, stored)) == kept["waits"]

    for element in kept["complete"]:
        token = next(wait.token for wait in _waits(process, parts, stored) if wait.element_id == element)
        run = Run.restore(process, parts, Scopes(stored), WORLD)
        run.complete(token, {})
        run.settle(100)
        stored.keep(run.scopes)
        parts = run.parts()

    assert run.is_over
    assert {name: stored.rows["", name] for name in kept["values"]} == kept["values"]


def _waits(process: Process, parts: Mapping[str, bytes], stored: Stored) -> list[Wait]:
    run = Run.restore(process, parts, Scopes(stored), WORLD)
    run.workflow.asleep.wake_all()
    return list(run.waits().values())


# ---- many side by side ---------------------------------------------------------------------------------------------

MANY = "<multiInstanceLoopCharacteristics><loopDataInputRef>xs</loopDataInputRef>"
MANY += '<loopDataOutputRef>ys</loopDataOutputRef><inputDataItem id="i" name="x"/><outputDataItem id="o" name="y"/>'
MANY += "</multiInstanceLoopCharacteristics>"
INNER = '<startEvent id="s2"/>' + user("ask") + script("double", "y = 2 * x") + '<endEvent id="e2"/>'
INNER += chain("s2", "ask", "double", "e2")
REPEATED = [pytest.param(user("each", MANY), id="task"), pytest.param(sub("each", INNER, MANY), id="sub-process")]


@pytest.mark.parametrize("repeated", REPEATED)
def test_of_many_side_by_side_only_those_that_are_asked_for_are_loaded(repeated: str) -> None:
    play = Play(START + repeated + END + chain("start", "each", "end"), {"xs": list(range(45))})
    before = play.parts

    play.run.complete(play.waits("user")[12].token, {})
    play.run.settle(100)
    after = play.run.parts()

    assert len(before) == 1 + 5
    assert len(play.run.workflow.asleep.parts) == 4
    assert sum(before[part] != after[part] for part in before) == 2
    assert len(play.run.scopes.known) <= 1 + 1 + 1 + 10


@pytest.mark.parametrize("repeated", REPEATED)
def test_many_side_by_side_end_in_any_order(repeated: str) -> None:
    play = Play(START + repeated + END + chain("start", "each", "end"), {"xs": list(range(25))})
    dice = random.Random(1)

    while play.tasks:
        number = dice.randrange(len(play.tasks))
        play.complete(play.tasks[0], number, y=2 * play.seen.values_seen_by(play.waits("user")[number].token)["x"])

    assert play.is_over
    assert play.values["ys"] == [2 * x for x in range(25)]
    assert not (play.open or play.stored.scopes - {""})


def test_of_items_in_turn_each_is_read_when_its_turn_comes() -> None:
    in_turn = MANY.replace(">", ' isSequential="true">', 1)
    play = Play(START + user("each", in_turn) + END + chain("start", "each", "end"), {"xs": list(range(50))})

    play.run.complete(play.waits("user")[0].token, {"y": 1})
    play.run.settle(100)

    assert sum(map(len, play.run.scopes.known.values())) <= 1 + 2 + 2
