"""Figures, no verdicts: `pytest -m bench -s tests/bench`. Ratios count; both sides take turns in one run."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from engine import Actor, Engine, Settings, definitions, instances, user_tasks
from engine.clock import SettableClock
from engine.model.people import Right
from engine.storage.tables import NEVER, CandidateRow, JobRow, SnapshotRow, UserTaskRow
from engine.transaction import Transaction
from tests.bench.plain import Plain
from tests.play import END, START, chain, document, flow, sub, user

pytestmark = pytest.mark.bench
ROOT = Actor("root", rights=frozenset(Right))
ANA = Actor("ana", groups=frozenset({"clerks"}))
ROUNDS = 200


def told(what: str, **figures: float) -> None:
    print(f"\n{what:44s} " + "  ".join(f"{name} {value:,.3g}" for name, value in figures.items()), end="")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Settings(database_url=f"sqlite:///{tmp_path / 'ours.db'}"), clock=SettableClock())
    made.migrate()
    yield made
    made.close()


class Ours:
    """The same two verbs as the yardstick's."""

    def __init__(self, engine: Engine, diagram: bytes) -> None:
        self.engine = engine
        with engine.transaction(ROOT) as tx:
            definitions.deploy(tx, {"bench.bpmn": diagram})

    def start(self) -> int:
        with self.engine.transaction(ANA) as tx:
            return instances.start(tx, "p").id

    def task_of(self, instance: int) -> int:
        with self.engine.reading(ROOT) as tx:
            return user_tasks.of_instance(tx, instance)[0].id

    def complete(self, task: int, values: dict[str, object]) -> None:
        with self.engine.transaction(ANA) as tx:
            user_tasks.complete(tx, task, values)

    def snapshot_bytes(self, instance: int) -> int:
        with self.engine.reading(ROOT) as tx:
            parts = tx.session.scalars(select(SnapshotRow.content).where(SnapshotRow.instance_id == instance))
            return sum(map(len, parts))


def approval(extra: int = 0) -> bytes:
    """Two user tasks and a decision; extra tasks stand behind, in a branch that is not taken."""
    tasks = [f"x{number}" for number in range(extra)]
    body = START + user("ask") + user("approve") + '<exclusiveGateway id="g" default="g_end"/>' + END + user("again")
    body += "".join(user(name) for name in tasks) + chain("start", "ask", "approve", "g", "end")
    body += flow("g", "again", "approved == False") + chain("again", *tasks)
    return document(body, root="")


def loop(more: str = "") -> bytes:
    body = (
        START
        + more
        + '<exclusiveGateway id="in"/>'
        + user("work")
        + '<exclusiveGateway id="out" default="out_end"/>'
        + END
    )
    return document(
        body + chain("start", "in", "work", "out") + flow("out", "in", "more") + flow("out", "end"), root=""
    )


def exponent(at: Mapping[int, Sequence[Any]], side: int) -> float:
    """The k of cost ~ turn ** k, fitted to the medians of all turns but the first ten, which warm up."""
    medians = {turn: statistics.median(runs[side]) for turn, runs in at.items() if turn > 10 and runs[side]}
    return statistics.linear_regression(list(map(math.log, medians)), list(map(math.log, medians.values()))).slope


def milliseconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1_000


def one_completion(engine: Engine, path: Path, diagram: bytes) -> tuple[float, float]:
    """Median milliseconds of completing the first task: (ours, plain), taking turns."""
    ours, plain = Ours(engine, diagram), Plain(path, diagram)
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        task, other = ours.task_of(ours.start()), plain.start()
        spent[0].append(milliseconds(lambda task=task: ours.complete(task, {"approved": True})))  # type: ignore[misc]
        spent[1].append(milliseconds(lambda other=other: plain.complete(other, {"approved": True})))  # type: ignore[misc]
    plain.close()
    return statistics.median(spent[0]), statistics.median(spent[1])


def test_one_completion_of_a_two_step_approval(engine: Engine, tmp_path: Path) -> None:
    ours, plain = one_completion(engine, tmp_path / "plain.db", approval())
    told("completion, two-step approval (ms)", ours=ours, plain=plain, ratio=ours / plain)


def test_an_approval_inside_a_diagram_of_200_elements(engine: Engine, tmp_path: Path) -> None:
    small, _ = one_completion(engine, tmp_path / "small.db", approval())
    large, plain = one_completion(engine, tmp_path / "large.db", approval(extra=200))
    told("completion, 200 elements (ms)", ours=large, small=small, ratio=large / small, plain=plain)


def test_completions_of_a_task_in_a_loop(engine: Engine, tmp_path: Path) -> None:
    ours, plain = Ours(engine, loop()), Plain(tmp_path / "plain.db", loop())
    runs = [(ours.start(), plain.start()) for _ in range(5)]
    at: dict[int, tuple[list[float], list[float], int, int]] = {}
    for turn in range(1, 201):
        mine, theirs, own_bytes, their_bytes = [], [], 0, 0
        for own, other in runs:
            task = ours.task_of(own)
            mine.append(milliseconds(lambda task=task: ours.complete(task, {"more": True})))  # type: ignore[misc]
            if turn <= 100:
                begun = time.perf_counter()
                their_bytes = plain.complete(other, {"more": True})
                theirs.append((time.perf_counter() - begun) * 1_000)
            own_bytes = ours.snapshot_bytes(own)
        at[turn] = (mine, theirs, own_bytes, their_bytes)
    for turn in (10, 100, 200):
        near = [at[other] for other in range(max(1, turn - 9), turn + 1)]
        mine = statistics.median(value for one in near for value in one[0])
        others = [value for one in near for value in one[1]]
        plain_ms = statistics.median(others) if others else float("nan")
        told(f"completion {turn} in a loop (ms)", ours=mine, plain=plain_ms, bytes=at[turn][2], plain_bytes=at[turn][3])
    told("growth over 200 completions (exponent)", ours=exponent(at, 0), plain=exponent(at, 1))
    plain.close()


EACH = """<multiInstanceLoopCharacteristics isSequential="{}"><loopDataInputRef>items</loopDataInputRef>
    <loopDataOutputRef>done</loopDataOutputRef><inputDataItem id="i" name="item"/><outputDataItem id="o" name="item"/>
    </multiInstanceLoopCharacteristics>"""
INSIDE = '<startEvent id="s"/>' + user("work") + user("more") + '<endEvent id="e"/>' + chain("s", "work", "more", "e")
REPEATED = {
    "tasks": user("each", EACH.format("false")),
    "sub-processes": sub("each", INSIDE, EACH.format("false")),
    "tasks in turn": user("each", EACH.format("true")),
}


@pytest.mark.parametrize("kind", REPEATED)
def test_a_completion_beside_others_of_one_activity(engine: Engine, kind: str) -> None:
    """The median of 20."""
    ours = Ours(engine, document(START + REPEATED[kind] + END + chain("start", "each", "end"), root=""))
    figures = {}
    for others in (10, 100, 1_000, 1_900):
        with engine.transaction(ANA) as tx:
            instance = instances.start(tx, "p", variables={"items": [{"text": "x" * 200}] * (others + 20)}).id
        spent = []
        for _ in range(20):
            task = ours.task_of(instance)
            spent.append(milliseconds(lambda task=task: ours.complete(task, {})))  # type: ignore[misc]
        figures[f"{others:,}:"] = statistics.median(spent)
    told(f"completion beside others, {kind} (ms)", **figures)


def test_completions_that_can_be_undone(engine: Engine) -> None:
    """Each round of a loop is remembered."""
    undone = '<boundaryEvent id="b" attachedToRef="work"><compensateEventDefinition/></boundaryEvent>'
    undone += '<manualTask id="undo" isForCompensation="true"/>'
    undone += '<association id="as" sourceRef="b" targetRef="undo" associationDirection="One"/>'
    ours, figures = Ours(engine, loop(undone)), {}
    instance, spent = ours.start(), list[float]()
    for turn in range(1, 1_001):
        task = ours.task_of(instance)
        spent.append(milliseconds(lambda task=task: ours.complete(task, {"more": True})))  # type: ignore[misc]
        if turn in (50, 1_000):
            figures[f"{turn:,}:"] = statistics.median(spent[-50:])
    told("completion that can be undone, round (ms)", **figures)


def test_the_inbox_among_100_000_open_tasks(engine: Engine) -> None:
    ours = Ours(engine, approval())
    instance = ours.start()
    with engine.transaction(ROOT) as tx:
        _many_tasks(tx, instance, 100_000)
    for sort in user_tasks.SORTS:
        for view in user_tasks.VIEWS:
            with engine.reading(ANA) as tx:
                user_tasks.inbox(tx, view=view, sort=sort)
                spent = statistics.median(
                    milliseconds(lambda tx=tx, view=view, sort=sort: user_tasks.inbox(tx, view=view, sort=sort))  # type: ignore[misc]
                    for _ in range(15)
                )
            told(f"inbox of 100,000: {view} by {sort} (ms)", first_50=spent)
    with engine.reading(ANA) as tx:
        told("inbox of 100,000: counts (ms)", counts=milliseconds(lambda: user_tasks.counts(tx)))


def _many_tasks(tx: Transaction, instance: int, number: int) -> None:
    """Tasks of one group, a tenth of them assigned, with due dates and priorities all over."""
    (first,) = tx.session.scalars(select(UserTaskRow).where(UserTaskRow.instance_id == instance)).all()
    base = {"instance_id": instance, "definition_id": first.definition_id, "element_id": "ask", "status": "open"}
    rows = [
        {
            **base,
            "id": 10 + n,
            "token": f"{n:032x}",
            "name": f"Task {n}",
            "assignee": "ana" if n % 10 == 0 else None,
            "candidate_users": [],
            "candidate_groups": ["clerks"],
            "priority": n * 7919 % 100,
            "due_at": None,
            "due_order": NEVER if n % 3 else tx.now + timedelta(minutes=n * 7919 % number),
            "created_at": tx.now,
        }
        for n in range(number)
    ]
    tx.session.execute(insert(UserTaskRow), rows)
    offers = [
        {"reader": "group:clerks", "task_id": row["id"], "priority": row["priority"], "due_order": row["due_order"]}
        for row in rows
        if row["assignee"] is None
    ]
    tx.session.execute(insert(CandidateRow), offers)


def test_10_000_due_timers(tmp_path: Path) -> None:
    timer = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
    body = START + f'<intermediateCatchEvent id="t">{timer}</intermediateCatchEvent>' + END + chain("start", "t", "end")
    clock = SettableClock()
    engine = Engine(Settings(database_url=f"sqlite:///{tmp_path / 'timers.db'}"), clock=clock)
    engine.migrate()
    ours = Ours(engine, document(body))
    for _ in range(100):
        with engine.transaction(ANA) as tx:
            for _ in range(100):
                instances.start(tx, "p")
    clock.advance(hours=2)

    begun = time.perf_counter()
    engine.start_worker()
    while _waiting(ours.engine):
        time.sleep(0.2)
    told("10,000 due timers (s)", seconds=time.perf_counter() - begun)
    engine.close()


def _waiting(engine: Engine) -> bool:
    with engine.reading(ROOT) as tx:
        return tx.session.scalar(select(JobRow.id).limit(1)) is not None


def test_memory_of_the_server(tmp_path: Path) -> None:
    program = [str(Path(sys.executable).with_name("procession")), "run", "--demo", "--port", "0"]
    environment = {**os.environ, "PROCESSION_DATABASE_URL": f"sqlite:///{tmp_path / 'memory.db'}"}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = next(line for line in server.stdout if "http://" in line).split()[3]
        for _ in range(100):
            urllib.request.urlopen(f"{address}/login").read()
        status = Path(f"/proc/{server.pid}/status").read_text()
        server.terminate()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    told("memory of the server after 100 pages (MB)", resident=int(resident.split()[1]) / 1_024)
