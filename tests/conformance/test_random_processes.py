"""Random processes behave as an independent token game says, with a snapshot round trip after every step."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.bpmn import parse, read
from engine.bpmn.parse import Process
from engine.bpmn.runtime import Run
from engine.bpmn.script import Evaluator
from engine.bpmn.world import World
from tests.conformance.token_game import Choices, Game, random_graph

PROCESSES = 2_500
BATCH = 250
STEPS = 25
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Chooser(Evaluator):
    """Answers "flow3_of_xor1" as the game does, and what a complex gateway asks."""

    def __init__(self, seed: int) -> None:
        self._choices = Choices(seed)

    def evaluate(self, source: str, values: Mapping[str, object], now: datetime) -> bool:
        if "activationCount" in values:
            return int(str(values["activationCount"])) >= int(source.rpartition(" ")[2])
        return self._choices.is_true(*source.split("_of_"))


class Engine:
    """The engine's side: saved and loaded after every step."""

    def __init__(self, process: Process, seed: int) -> None:
        self.process, self.world = process, World(Chooser(seed), NOW, ZoneInfo("UTC"))
        self.run = Run.begin(process, self.world, {})
        self._settle()

    def _settle(self) -> None:
        self.run.settle(10_000)
        self.run = Run.restore(self.process, self.run.parts(), self.run.scopes, self.world)

    @property
    def tasks(self) -> list[str]:
        return sorted(wait.element_id for wait in self.run.waits().values() if wait.kind == "user")

    @property
    def stuck(self) -> set[str]:
        """Tokens at joins that wait for what cannot come."""
        return {wait.token for wait in self.run.waits().values() if wait.kind == "incident"}

    def complete(self, task: str) -> None:
        stuck = self.stuck
        token = next(wait.token for wait in self.run.waits().values() if wait.element_id == task)
        self.run.complete(token, {})
        self._settle()
        assert stuck <= self.stuck, "A join that was told to be stuck has fired."


def play(seed: int) -> None:
    graph = random_graph(seed)
    try:
        game = Game(graph, seed)
        engine = Engine(next(iter(parse.processes(read.read("random.bpmn", graph.xml())))), seed)
        dice = random.Random(seed)
        for _ in range(STEPS):
            assert engine.tasks == game.tasks, f"seed {seed}: {graph.xml().decode()}"
            assert engine.run.is_over == game.is_over, f"seed {seed}: {graph.xml().decode()}"
            if not game.tasks:
                assert engine.run.is_over or engine.stuck, "The instance stands still without a word."
                return
            task = dice.choice(game.tasks)
            game.complete(task)
            engine.complete(task)
    except OverflowError:
        pass  # tokens multiply without end: nothing to compare


@pytest.mark.conformance
@pytest.mark.parametrize("first", range(0, PROCESSES, BATCH))
def test_random_processes_agree_with_the_token_game(first: int) -> None:
    for seed in range(first, first + BATCH):
        play(seed)


@pytest.mark.conformance
@pytest.mark.parametrize("seed", [8202, 9772, 11723])
def test_gateways_that_wait_for_each_other_are_told(seed: int) -> None:
    """Complex ones, each in the midst of a round that only the other could end."""
    play(seed)
