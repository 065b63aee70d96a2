"""1,000,000 timers that wait cost disk and nothing else: `pytest -m bench -s tests/bench/test_timers.py`.

Two databases of one kind take turns, one empty and one full; each goes when its test ends. Half a minute.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from engine import Engine, Settings, definitions, jobs, leases, timers
from engine.jobs import NewJob
from engine.model.people import SYSTEM
from tests.bench.test_bench import milliseconds, told
from tests.conftest import ON_EACH_DATABASE
from tests.play import END, chain, document
from tests.postgres import Cluster

pytestmark = pytest.mark.bench
MANY = 1_000_000
ROUNDS = 300
YEARLY = "<timerEventDefinition><timeCycle>R/P1Y</timeCycle></timerEventDefinition>"
_LATER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '+1 day', (i * 31) || ' seconds')",
    "postgresql": "now() + interval '1 day' + i * interval '31 seconds'",
}
"""From tomorrow on, one each 31 seconds: for a year."""
_FILL = """
    INSERT INTO job (queue, kind, definition_id, token, element_id, payload, due_at, run_at, attempts, max_attempts,
        deliveries)
    WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {many})
    SELECT 'engine', 'timer', 1, 't' || i, 'start', '{payload}', {later}, {later}, 0, 3, 0 FROM numbers
"""
_PAYLOAD = '{"due":"2027-01-01T00:00:00+00:00","remaining":null,"interval":null}'


@dataclass(frozen=True, slots=True)
class Pair:
    empty: Engine
    full: Engine

    def compare(self, what: str, act: Callable[[Engine], object], *, rounds: int = ROUNDS) -> float:
        """Tell the medians of both, in turns; gives their ratio."""
        spent: dict[str, list[float]] = {"empty": [], "full": []}
        for _ in range(rounds):
            for name, taken in spent.items():
                taken.append(milliseconds(lambda name=name: act(getattr(self, name))))  # type: ignore[misc]
        none, all = (statistics.median(taken) for taken in spent.values())
        told(f"{what} (ms)", without=none, among_1_000_000=all, ratio=all / none)
        return all / none


@pytest.fixture(params=ON_EACH_DATABASE)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    make = _on_sqlite if request.param == "sqlite" else _on_postgres
    with ExitStack() as stack:
        found = [stack.enter_context(make(request, tmp_path, name)) for name in ("empty", "full")]
        begun = time.perf_counter()
        size = _fill(found[1])
        told(f"{request.param}: filled", seconds=time.perf_counter() - begun, megabytes=size / 1e6)
        yield Pair(*found)


@contextmanager
def _on_sqlite(_request: pytest.FixtureRequest, folder: Path, name: str) -> Iterator[Engine]:
    path = folder / f"{name}.db"
    try:
        with Engine(Settings(database_url=f"sqlite:///{path}")) as engine:
            yield _prepared(engine)
    finally:
        for each in folder.glob(f"{name}.db*"):
            each.unlink()


@contextmanager
def _on_postgres(request: pytest.FixtureRequest, folder: Path, name: str) -> Iterator[Engine]:
    cluster: Cluster = request.getfixturevalue("cluster")
    database = f"bench-{folder.name}-{name}"
    try:
        with Engine(Settings(database_url=cluster.make(database))) as engine:
            yield _prepared(engine)
    finally:
        cluster.drop(database)


def _prepared(engine: Engine) -> Engine:
    engine.migrate()
    body = f'<startEvent id="start">{YEARLY}</startEvent>' + END + chain("start", "end")
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body)})
    return engine


def _fill(engine: Engine) -> int:
    """Add MANY timers in one statement; gives the bytes of the table and its indexes."""
    later = _LATER[engine.database.dialect.name]
    filled = _FILL.format(many=MANY, payload=_PAYLOAD, later=later)
    with engine.database.begin() as connection:
        before = _size(engine)
        connection.exec_driver_sql(filled)
    with engine.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return _size(engine) - before


def _size(engine: Engine) -> int:
    asked = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_total_relation_size('job')",
    }[engine.database.dialect.name]
    with engine.database.connect() as connection:
        return int(connection.exec_driver_sql(asked).scalar_one())


def test_a_million_timers_that_wait(pair: Pair) -> None:
    """A claim is what a worker asks every half second: the one figure with a verdict, as it is a ratio of one run."""
    ratio = pair.compare("claim, nothing due", lambda engine: leases.claim(engine, 100))
    pair.compare("a job is added, claimed and ended", _one_job)
    pair.compare("a timer is added", _one_timer)
    pair.compare("a timer is moved by hand", _move)
    pair.compare("a timer is fired by hand", _fire, rounds=50)
    pair.compare("first page of timers", _first_page, rounds=20)

    assert ratio <= 2


def _one_job(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        jobs.add(tx, "seek")
    (ref,) = leases.claim(engine, 100)
    with engine.transaction(SYSTEM) as tx:
        job = jobs.lock(tx, ref)
        assert job is not None
        jobs.end(tx, job)


def _one_timer(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        jobs.add_many(tx, [NewJob("timer", element_id="start", due_at=tx.now + timedelta(days=500))])


def _move(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        timers.move(tx, 1, tx.now + timedelta(days=300))


def _fire(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        timers.fire(tx, 1)


def _first_page(engine: Engine) -> None:
    with engine.reading(SYSTEM) as tx:
        timers.pending(tx, limit=50)
