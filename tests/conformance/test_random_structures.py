"""Random structured processes behave as an independent interpreter says, saved and loaded after every step."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

from engine.bpmn import memory, parse, read, snapshot
from engine.bpmn.asleep import holder_of
from engine.bpmn.elements.flow_node import LIVE
from engine.bpmn.facts import Entered, Left
from engine.bpmn.parse import Process
from engine.bpmn.runtime import Run
from engine.bpmn.script import Evaluator
from engine.bpmn.variables import Scopes
from engine.bpmn.world import World
from engine.errors import BpmnError
from tests.conformance.structured_game import Game
from tests.conformance.structures import CODES, Drawing, Generator
from tests.conformance.token_game import Choices
from tests.play import NOW
from tests.stored import Stored

PROCESSES = 1_750
BATCH = 250
SIZE = 22
STEPS = 30
"""Things that happen to one process, at most."""
STOPPED = "incident"
"""A join that waits for what cannot come."""
THROWN = 0.2
"""How often a task around which somebody catches errors ends with one."""


class Chooser(Evaluator):
    """Computes what the drawings say, without a sandbox."""

    def __init__(self, seed: int) -> None:
        self._choices = Choices(seed)

    def evaluate(self, source: str, values: Mapping[str, object], now: object) -> object:
        known = {"is_true": lambda path, flow: self._choices.is_true(flow, path)}
        return eval(source, known, dict(values))  # written by tests/conformance/structures.py


class Engine:
    """The engine's side: saved and loaded after every step."""

    def __init__(self, process: Process, seed: int) -> None:
        self.process, self.world = process, World(Chooser(seed), NOW, ZoneInfo("UTC"))
        self.together, self.most = (1, 0) if seed % 2 == 0 else (snapshot.TOGETHER, memory.MOST)
        """With an even seed things are kept as when there are many of them."""
        self.stored = Stored()
        self.run = Run.begin(process, self.world, {"path": "", "serial": 0})
        self.visits: set[str] = set()
        """Tokens that have entered an element and not left it."""
        self._settle()

    def _settle(self) -> None:
        with patch.object(memory, "MOST", self.most):
            self.run.settle(10_000)
        self._count_visits()
        self.has_failed, self.was_terminated = self.run.result.error is not None, self.run.result.terminated
        self.stored.keep(self.run.scopes)
        with patch.object(snapshot, "TOGETHER", self.together):
            self.parts = self.run.parts()
        self.run, self.seen = self._restored(), self._restored()
        self.seen.workflow.asleep.wake_all()

    def _restored(self) -> Run:
        return Run.restore(self.process, self.parts, Scopes(self.stored), self.world)

    def _count_visits(self) -> None:
        for fact in self.run.facts:
            if isinstance(fact, Entered):
                assert fact.token not in self.visits
                self.visits.add(fact.token)
            elif isinstance(fact, Left):
                self.visits.remove(fact.token)

    @property
    def offers(self) -> list[tuple[str, str]]:
        waits = [wait for wait in self.seen.waits() if wait[0] != STOPPED]
        return sorted((element, self._path(token)) for _, token, element in waits)

    def _path(self, token: str) -> str:
        return self.seen.values_seen_by(token)["path"]

    def _token(self, name: str, path: str) -> str:
        return next(token for _, token, element in self.seen.waits() if (element, self._path(token)) == (name, path))

    def happen(self, name: str, path: str, serial: int) -> None:
        kind, token, _ = next(key for key in self.seen.waits() if (key[2], self._path(key[1])) == (name, path))
        if kind == "user":
            self.run.complete(token, {"serial": serial})
        else:
            self.run.happen(token, name, {"serial": serial})
        self._settle()

    def throw(self, name: str, path: str, code: str) -> None:
        self.run.throw(self._token(name, path), BpmnError(code))
        self._settle()

    def check_rest(self) -> None:
        """What is kept is what lives: tokens, scopes, visits."""
        contents = [json.loads(part) for part in self.parts.values()]
        rows = [row for part in contents for each in [part, *part.get("inside", {}).values()] for row in each["tokens"]]
        tokens = {row[0] for row in rows}
        assert all(row[3] & LIVE for row in rows)
        assert {holder_of(part) for part in self.parts} - {""} <= tokens
        remembered = {scope for scope in self.stored.scopes if scope.startswith("#")}
        assert self.stored.scopes - {""} - remembered <= tokens
        stored = b"".join(self.parts.values()) + json.dumps(list(self.stored.rows.values())).encode()
        assert all(scope.encode() in stored for scope in remembered)
        assert self.visits <= tokens
        if self.run.is_over:
            assert not (tokens or self.visits or self.seen.waits() or remembered)
        self.tokens = len(tokens)


def play(seed: int) -> int:
    """Gives how many things happened."""
    block = Generator(seed, SIZE).process()
    xml = Drawing().document(block)
    game = Game(block, seed)
    engine = Engine(next(iter(parse.processes(read.read("random.bpmn", xml)))), seed)
    dice = random.Random(seed)
    for step in range(STEPS):
        engine.check_rest()
        where = f"seed {seed}, step {step}"
        assert engine.offers == game.offers, where
        assert engine.tokens == game.tokens, where
        expected = (game.is_over, game.has_failed, game.was_terminated)
        assert (engine.run.is_over, engine.has_failed, engine.was_terminated) == expected, where
        offers = [offer for offer, several in Counter(game.offers).items() if several == 1]
        if not offers:
            return step
        act(dice, game, engine, dice.choice(offers))
    return STEPS


def act(dice: random.Random, game: Game, engine: Engine, offer: tuple[str, str]) -> None:
    """What is offered twice (by two who undo the same loop) cannot be told apart."""
    name, path = offer
    code = dice.choice(CODES)
    if game.may_throw(name, path, code) and dice.random() < THROWN:
        game.throw(name, path, code)
        engine.throw(name, path, code)
    else:
        game.happen(name, path)
        engine.happen(name, path, game.serial)


@pytest.mark.conformance
@pytest.mark.parametrize("first", range(0, PROCESSES, BATCH))
def test_random_structures_agree_with_their_interpreter(first: int) -> None:
    for seed in range(first, first + BATCH):
        play(seed)
