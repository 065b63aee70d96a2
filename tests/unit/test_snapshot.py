"""Snapshots: what is in them, how they grow, and that old ones are still read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.bpmn import parse, read, snapshot
from engine.bpmn.runtime import Run
from engine.bpmn.script import Evaluator
from engine.bpmn.snapshot import Unreadable
from engine.bpmn.variables import Scopes
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
    parts = {snapshot.TOP: play.run.parts()[snapshot.TOP].replace(b'"v":1', b'"v":99')}

    with pytest.raises(Unreadable, match="99"):
        snapshot.load(parts, "p", play.process.specs, Scopes(), WORLD)


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
    run = Run.restore(process, parts, Scopes(Stored(map(tuple, kept["variables"]))), WORLD)
    run.workflow.asleep.wake_all()
    assert sorted([wait.kind, wait.element_id] for wait in run.waits().values()) == kept["waits"]

    for element in kept["complete"]:
        wait = next(wait for wait in run.waits().values() if wait.element_id == element)
        run.complete(wait.token, {})
        run.settle(100)

    assert run.is_over
