"""Workers are killed as by kill -9: nothing committed is lost, nothing is done twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine import definitions, instances, progress
from engine.model.people import SYSTEM
from engine.model.processes import InstanceStatus, Outcome
from engine.storage.tables import EventRow, JobRow
from engine.worker import Engine
from tests.integration import crashing
from tests.integration.crashing import LEASE, POINTS, STEPS, Place

KILLED = -9
CHAINS = 10


@pytest.fixture
def place(migrated_url: str, tmp_path: Path) -> Place:
    return Place(migrated_url, tmp_path / "calls")


@pytest.fixture
def engine(place: Place) -> Iterator[Engine]:
    with place.engine() as engine:
        yield engine


@pytest.fixture
def workers() -> Iterator[list[BaseProcess]]:
    """Whatever is started here is gone after the test."""
    started: list[BaseProcess] = []
    yield started
    for process in started:
        process.kill()
        process.join()


def add_chains(engine: Engine, count: int) -> None:
    with engine.transaction(SYSTEM) as tx:
        crashing.add_chains(tx, count)


def work_left(engine: Engine) -> int:
    with engine.reading(SYSTEM) as tx:
        return tx.session.scalar(select(func.count()).select_from(JobRow)) or 0


def await_end(engine: Engine, *, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while work_left(engine):
        assert time.monotonic() < until, f"{work_left(engine)} jobs are left"
        time.sleep(0.02)


def steps_taken(engine: Engine) -> Counter[tuple[int, int]]:
    with engine.reading(SYSTEM) as tx:
        events = tx.session.scalars(select(EventRow).where(EventRow.kind == "step"))
        return Counter((event.data["chain"], event.data["step"]) for event in events)


def each_step_once(chains: int) -> Counter[tuple[int, int]]:
    return Counter((chain, step) for chain in range(chains) for step in range(1, STEPS + 1))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_loses_and_doubles_nothing(
    engine: Engine, place: Place, workers: list[BaseProcess], point: str
) -> None:
    add_chains(engine, CHAINS)

    for _ in range(2):
        workers.append(crashing.start(Place(place.database_url, place.calls, point)))
        workers[-1].join(10)
        assert workers[-1].exitcode == KILLED
    workers.append(crashing.start(place))
    await_end(engine)

    assert steps_taken(engine) == each_step_once(CHAINS)
    calls = Counter(place.calls.read_text().split())
    assert set(calls) == {f"{chain}-{step}" for chain, step in each_step_once(CHAINS)}
    assert max(calls.values()) > 1 or point != "called"


def test_workers_killed_at_any_moment_lose_and_double_nothing(
    engine: Engine, place: Place, workers: list[BaseProcess]
) -> None:
    chains, chance = 80, random.Random(7)
    add_chains(engine, chains)
    workers += [crashing.start(place), crashing.start(place)]

    for _ in range(6):
        time.sleep(chance.uniform(0.05, 0.3))
        victim = workers[-2]
        victim.kill()
        workers.append(crashing.start(place))
    await_end(engine)

    assert steps_taken(engine) == each_step_once(chains)


def test_the_work_of_a_killed_worker_goes_on_within_its_lease(
    engine: Engine, place: Place, workers: list[BaseProcess]
) -> None:
    add_chains(engine, 1)
    workers.append(crashing.start(Place(place.database_url, place.calls, "called")))
    workers[-1].join(10)

    died_at = time.monotonic()
    workers.append(crashing.start(place))
    await_end(engine)

    assert time.monotonic() - died_at < LEASE.total_seconds() + 3


def test_instances_of_killed_workers_come_to_their_end_once(
    engine: Engine, place: Place, workers: list[BaseProcess]
) -> None:
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"order.bpmn": crashing.PROCESS})
        ids = [instances.start(tx, "p").id for _ in range(20)]
    workers += [crashing.start_engine(place), crashing.start_engine(place)]

    for pause in (0.3, 0.2, 0.2, 0.3):
        time.sleep(pause)
        workers[-2].kill()
        workers.append(crashing.start_engine(place))
    await_end(engine)

    with engine.reading(SYSTEM) as tx:
        assert {instances.get(tx, id).status for id in ids} == {InstanceStatus.COMPLETED}
        for id in ids:
            visits = [(one.element_id, one.outcome) for one in reversed(progress.activities(tx, id).rows)]
            assert visits == [
                (element, Outcome.COMPLETED) for element in ("ordered", "charge", "pause", "ship", "done")
            ]
            assert [one.kind for one in progress.events(tx, id).rows].count("timer fired") == 1
    assert len(set(place.calls.read_text().split())) == 2 * len(ids)
