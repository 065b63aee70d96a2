"""Figures of background work: jobs a second, the time from a commit to the call it asks for, processes side by side."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine import Engine, InstanceStatus, Settings, definitions, instances, jobs, services
from engine.dispatch.threads import Lane, Threads
from engine.jobs import Handler, NewJob
from engine.storage.tables import JobRow
from tests.bench.test_bench import ROOT, told
from tests.play import END, START, chain, document
from tests.topology import Topology, eventually

pytestmark = pytest.mark.bench
COUNT = 2_000
STEPS = 5


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    with Engine(
        Settings(database_url=migrated_url, secret_key="for tests", poll_interval=timedelta(seconds=0.05))
    ) as engine:
        yield engine


def kind_of(engine: Engine) -> str:
    return engine.database.dialect.name


def left(engine: Engine) -> int:
    with engine.reading(ROOT) as tx:
        return tx.session.scalar(select(func.count()).select_from(JobRow)) or 0


def calls(count: int = STEPS, topic: str = "nothing") -> bytes:
    names = [f"call{number}" for number in range(count)]
    tasks = "".join(f'<serviceTask id="{name}" camunda:type="external" camunda:topic="{topic}"/>' for name in names)
    return document(START + tasks + END + chain("start", *names, "end"), root="")


def test_jobs_that_do_nothing(engine: Engine) -> None:
    threads = Threads(engine, {"nothing": Handler(finish=lambda tx, job, outcome: None)}, [Lane("engine", 4)])
    with engine.transaction(ROOT) as tx:
        jobs.add_many(tx, [NewJob("nothing") for _ in range(COUNT)])
    begun = time.perf_counter()
    threads.start()
    eventually(lambda: left(engine) == 0, seconds=120)
    seconds = time.perf_counter() - begun
    threads.stop()
    told(f"jobs that do nothing ({kind_of(engine)})", a_second=COUNT / seconds)


def test_steps_of_instances(engine: Engine) -> None:
    services.register("nothing")(lambda call: {})
    count = COUNT // STEPS
    with engine.transaction(ROOT) as tx:
        definitions.deploy(tx, {"p.bpmn": calls()})
        for _ in range(count):
            instances.start(tx, "p")
    begun = time.perf_counter()
    engine.start_worker()
    eventually(lambda: left(engine) == 0, seconds=120)
    seconds = time.perf_counter() - begun
    told(f"service steps ({kind_of(engine)})", a_second=count * STEPS / seconds)


def test_from_the_commit_to_the_call(engine: Engine) -> None:
    """Without load, on threads of this process."""
    called: list[float] = []
    arrived = threading.Event()

    @services.register("watched")
    def watch(call: services.Call) -> None:
        called.append(time.perf_counter())
        arrived.set()

    with engine.transaction(ROOT) as tx:
        definitions.deploy(tx, {"p.bpmn": calls(1, "watched")})
    engine.start_worker()
    spent = []
    for _ in range(60):
        arrived.clear()
        with engine.transaction(ROOT) as tx:
            instances.start(tx, "p")
        committed = time.perf_counter()
        assert arrived.wait(10)
        spent.append((called[-1] - committed) * 1_000)
        time.sleep(0.02)
    told(f"commit to call, ms ({kind_of(engine)})", median=statistics.median(spent), most=max(spent))


@pytest.mark.parametrize("migrated_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_processes_side_by_side(engine: Engine, migrated_url: str, tmp_path: Path) -> None:
    """Steps a second with 1, 2 and 4 workers; as far as the cores allow."""
    module = tmp_path / "idle_service.py"
    module.write_text("from engine import services\nservices.register('nothing')(lambda call: {})\n")
    told_settings = {"PROCESSION_SERVICES": "idle_service", "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{tmp_path}"}
    with engine.transaction(ROOT) as tx:
        definitions.deploy(tx, {"p.bpmn": calls()})
    speeds = {}
    for count in (1, 2, 4):
        with Topology(migrated_url, tmp_path, settings=told_settings) as topology:
            for _ in range(count):
                topology.add_worker()
            time.sleep(3)
            begun = time.perf_counter()
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: _start(engine), range(COUNT // STEPS)))
            eventually(lambda: _active(engine) == 0, seconds=180)
            speeds[f"{count}_process"] = COUNT / (time.perf_counter() - begun)
    told("service steps a second (postgresql)", **speeds)


def _start(engine: Engine) -> None:
    with engine.transaction(ROOT) as tx:
        instances.start(tx, "p")


def _active(engine: Engine) -> int:
    with engine.reading(ROOT) as tx:
        return instances.find(tx, status=InstanceStatus.ACTIVE, limit=1).total


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_memory_over_100_000_jobs(engine: Engine) -> None:
    """Of this process, in MB: after the first tenth, and at the end."""
    threads = Threads(engine, {"nothing": Handler(finish=lambda tx, job, outcome: None)}, [Lane("engine", 4)])
    threads.start()
    seen = []
    for _ in range(10):
        for _ in range(10):
            with engine.transaction(ROOT) as tx:
                jobs.add_many(tx, [NewJob("nothing") for _ in range(1_000)])
        eventually(lambda: left(engine) == 0, seconds=120)
        seen.append(_resident_megabytes())
    threads.stop()
    told("memory of a worker, MB", after_10_000=seen[0], after_100_000=seen[-1])


def _resident_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmRSS:"))
