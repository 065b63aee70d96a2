"""The worker's threads: quick when there is work, quiet when there is none, and hard to stop by accident."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from engine import definitions, instances, jobs, leases, progress, services, user_tasks
from engine.config import Settings
from engine.dispatch.threads import AHEAD, MOST_WAITING, Lane, Threads
from engine.errors import Conflict, Rejected
from engine.jobs import Handler, Job, NewJob, Told
from engine.model.people import SYSTEM
from engine.model.processes import InstanceStatus
from engine.storage.tables import EventRow, JobRow
from engine.transaction import Ref, Store, Transaction
from engine.worker import Engine
from tests.play import END, START, chain, document

SECOND = timedelta(seconds=1)


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    settings = Settings(database_url=migrated_url, worker_threads=2, poll_interval=SECOND / 10, lease=0.6 * SECOND)
    with Engine(settings) as engine:
        yield engine


class Gate:
    """A handler whose slow part waits until it is opened."""

    def __init__(self) -> None:
        self.opened, self.calls = threading.Event(), 0

    def call(self, store: Store, job: Job, told: Told) -> object:
        self.calls += 1
        return self.opened.wait(10)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def note(tx: Transaction, job: Job, _outcome: object) -> None:
    tx.session.add(EventRow(at=tx.now, actor="test", kind=job.kind, data={"job": job.id}))
    tx.session.flush()


def start(engine: Engine, gate: Gate | None = None) -> Threads:
    threads = Threads(
        engine,
        {"note": Handler(call=gate and gate.call, finish=note)},
        [Lane("engine", engine.settings.worker_threads)],
    )
    engine.dispatch = threads
    threads.start()
    return threads


def add(engine: Engine, count: int = 1) -> None:
    with engine.transaction(SYSTEM) as tx:
        jobs.add_many(tx, [NewJob("note") for _ in range(count)])


def finished(engine: Engine) -> list[int]:
    with engine.reading(SYSTEM) as tx:
        return [event.data["job"] for event in tx.session.scalars(select(EventRow))]


def claimable(engine: Engine) -> int:
    with engine.reading(SYSTEM) as tx:
        return tx.session.scalar(select(func.count()).where(JobRow.lease.is_(None))) or 0


def jobs_left(engine: Engine) -> int:
    with engine.reading(SYSTEM) as tx:
        return tx.session.scalar(select(func.count()).select_from(JobRow)) or 0


def eventually(is_so: Callable[[], object], *, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.01)


def test_a_job_due_now_does_not_wait_for_the_poller(engine: Engine) -> None:
    threads = start(engine)
    threads._stopping.set()  # the poller ends, the threads stay
    threads._poller.join()
    add(engine, 20)

    eventually(lambda: len(finished(engine)) == 20)
    threads.stop()


def test_a_timer_fires_within_a_second(engine: Engine) -> None:
    threads = start(engine)
    with engine.transaction(SYSTEM) as tx:
        jobs.add(tx, "note", due_at=tx.now + SECOND / 2)

    eventually(lambda: finished(engine), seconds=1.5)
    threads.stop()


def test_work_left_by_others_is_found(engine: Engine) -> None:
    add(engine, 50)
    threads = start(engine)

    eventually(lambda: len(finished(engine)) == 50)
    threads.stop()


def test_no_more_is_claimed_than_can_be_run(engine: Engine, gate: Gate) -> None:
    add(engine, 100)
    threads = start(engine, gate)
    most = engine.settings.worker_threads * (1 + AHEAD)

    eventually(lambda: claimable(engine) <= 100 - most)
    time.sleep(0.3)

    assert claimable(engine) >= 100 - most
    gate.opened.set()
    eventually(lambda: len(finished(engine)) == 100)
    threads.stop()


def test_commands_that_ask_for_too_much_leave_the_rest_to_others(engine: Engine, gate: Gate) -> None:
    threads = start(engine, gate)
    most = engine.settings.worker_threads * (1 + MOST_WAITING)
    add(engine, most + 100)

    eventually(lambda: claimable(engine) >= 100)
    gate.opened.set()
    eventually(lambda: len(finished(engine)) == most + 100, seconds=20)
    threads.stop()


def test_a_call_longer_than_its_lease_is_made_once(engine: Engine, gate: Gate) -> None:
    add(engine, 3)
    threads = start(engine, gate)
    time.sleep(1.5)
    gate.opened.set()

    eventually(lambda: len(finished(engine)) == 3)
    threads.stop()
    assert gate.calls == 3


def test_stopping_finishes_what_runs_and_gives_back_the_rest(engine: Engine, gate: Gate) -> None:
    add(engine, 10)
    threads = start(engine, gate)
    eventually(lambda: gate.calls == 2)
    threading.Timer(0.2, gate.opened.set).start()

    threads.stop()

    assert (len(finished(engine)), claimable(engine), gate.calls) == (2, 8, 2)
    with engine.reading(SYSTEM) as tx:
        assert set(tx.session.scalars(select(JobRow.deliveries))) == {0}


def test_giving_back_does_not_wait_for_what_a_thread_has_just_taken() -> None:
    class Emptied(queue.SimpleQueue[Ref | None]):
        def qsize(self) -> int:
            return super().qsize() + 1

    lane = Lane("engine", 1, waiting=Emptied())
    lane.waiting.put(Ref(1, "lease", "engine"))

    assert list(lane.surplus(0)) == [Ref(1, "lease", "engine")]


def test_a_call_that_does_not_end_does_not_keep_the_worker(engine: Engine, gate: Gate) -> None:
    add(engine)
    threads = start(engine, gate)
    eventually(lambda: gate.calls == 1)

    began = time.monotonic()
    threads.stop(SECOND / 5)

    assert time.monotonic() - began < 2
    gate.opened.set()
    eventually(lambda: len(finished(engine)) == 1)


def test_the_poller_outlives_a_database_that_is_away(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, refusals = leases.claim, [OperationalError("claim", {}, Exception("away")) for _ in range(2)]

    def broken(*arguments: object) -> object:
        if refusals:
            raise refusals.pop()
        return claim(*arguments)

    monkeypatch.setattr(leases, "claim", broken)
    add(engine)
    threads = start(engine)

    eventually(lambda: finished(engine))
    threads.stop()


@pytest.mark.parametrize("migrated_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_every_connection_of_a_running_worker_may_break(engine: Engine) -> None:
    threads = start(engine)
    add(engine, 200)
    for _ in range(3):
        time.sleep(0.1)
        with engine.database.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
            connection.execute(text(others + "pid <> pg_backend_pid()"))

    eventually(lambda: len(finished(engine)) == 200, seconds=10)
    threads.stop()
    assert len(set(finished(engine))) == 200


def test_two_workers_share_without_doubling(engine: Engine) -> None:
    add(engine, 200)
    workers = [start(engine), start(engine)]

    eventually(lambda: len(finished(engine)) == 200)
    for worker in workers:
        worker.stop()
    assert len(set(finished(engine))) == 200


RACE = document(
    """
    <startEvent id="asked"/><userTask id="answer"/><endEvent id="answered"/>
    <boundaryEvent id="deadline" attachedToRef="answer">
      <timerEventDefinition><timeDuration>PT0.5S</timeDuration></timerEventDefinition>
    </boundaryEvent>
    <endEvent id="escalated"/>
    """
    + chain("asked", "answer", "answered")
    + chain("deadline", "escalated")
)


def test_when_a_person_and_a_timer_meet_exactly_one_wins(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"race.bpmn": RACE})
        ids = [instances.start(tx, "p").id for _ in range(40)]
        tasks = [user_tasks.of_instance(tx, id)[0].id for id in ids]
    won = []

    def answer(mine: list[int]) -> None:
        for task in mine:
            try:
                with engine.transaction(SYSTEM) as tx:
                    user_tasks.claim(tx, task)
                with engine.transaction(SYSTEM) as tx:
                    user_tasks.complete(tx, task, {})
                won.append(task)
            except Rejected:  # the timer was first
                continue

    people = [threading.Thread(target=answer, args=[tasks[start::2]]) for start in range(2)]
    time.sleep(0.4)
    engine.start_worker()
    for person in people:
        person.start()
    for person in people:
        person.join()
    eventually(lambda: jobs_left(engine) == 0)
    engine.stop_worker()

    with engine.reading(SYSTEM) as tx:
        assert {instances.get(tx, id).status for id in ids} == {InstanceStatus.COMPLETED}
        ends = [progress.activities(tx, id).rows[0].element_id for id in ids]
    assert (ends.count("answered"), ends.count("escalated")) == (len(won), len(ids) - len(won))


def test_an_engine_starts_and_stops_its_worker(engine: Engine) -> None:
    engine.start_worker()
    engine.start_worker()
    before = threading.active_count()

    engine.stop_worker()
    engine.stop_worker()

    assert before - threading.active_count() == 2 + 4 + 8 + 2 + 1


def test_a_database_in_memory_has_no_worker() -> None:
    with Engine(Settings(database_url="sqlite://")) as engine, pytest.raises(Conflict, match="Name a file"):
        engine.start_worker()


# ---- services that take long ---------------------------------------------------------------------------------------


@pytest.fixture
def calling(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A worker with two threads for services; process "calls" asks one, "waits" waits for a timer."""
    monkeypatch.setattr(services, "_SERVICES", {})
    moment = "<timerEventDefinition><timeDuration>PT0.2S</timeDuration></timerEventDefinition>"
    steps = {
        "calls": '<serviceTask id="step" camunda:topic="slow"/>',
        "waits": f'<intermediateCatchEvent id="step">{moment}</intermediateCatchEvent>',
    }
    settings = Settings(
        database_url=migrated_url, service_threads=2, service_duration=SECOND, poll_interval=SECOND / 10
    )
    with Engine(settings) as engine:
        with engine.transaction(SYSTEM) as tx:
            for key, step in steps.items():
                drawn = document(START + step + END + chain("start", "step", "end"))
                definitions.deploy(
                    tx, {f"{key}.bpmn": drawn.replace(b'process id="p"', f'process id="{key}"'.encode())}
                )
        yield engine


def begin(engine: Engine, key: str, count: int = 1) -> list[int]:
    with engine.transaction(SYSTEM) as tx:
        return [instances.start(tx, key).id for _ in range(count)]


def is_over(engine: Engine, instance_id: int) -> bool:
    with engine.reading(SYSTEM) as tx:
        return instances.get(tx, instance_id).status == InstanceStatus.COMPLETED


def test_timers_fire_while_every_service_hangs(calling: Engine) -> None:
    hang = threading.Event()
    services.register("slow")(lambda call: {} if hang.wait(10) else None)
    calling.start_worker()
    begin(calling, "calls", 8)
    (waits,) = begin(calling, "waits")

    eventually(lambda: is_over(calling, waits), seconds=2)
    hang.set()


def test_a_service_that_does_not_answer_in_time_has_failed_its_try(calling: Engine) -> None:
    hang, tries = threading.Event(), []
    services.register("slow")(lambda call: tries.append(call.attempt) or ({} if tries[1:] else hang.wait(10) and {}))
    (calls,) = begin(calling, "calls")

    calling.start_worker()

    eventually(lambda: is_over(calling, calls), seconds=10)
    assert tries == [1, 2]
    hang.set()


def test_a_service_that_asks_for_the_end_of_the_program_has_failed_its_try(calling: Engine) -> None:
    asked = []

    def rude(call: services.Call) -> None:
        asked.append(call.attempt)
        if len(asked) <= 3:
            sys.exit("now")

    services.register("slow")(rude)
    ids = begin(calling, "calls", 3)

    calling.start_worker()

    eventually(lambda: all(is_over(calling, id) for id in ids), seconds=10)
    assert len(asked) == 6


def test_a_topic_that_only_another_worker_serves_is_left_to_it(calling: Engine) -> None:
    (calls,) = begin(calling, "calls")
    calling.start_worker()
    time.sleep(0.5)
    with calling.reading(SYSTEM) as tx:
        assert [(job.attempts, job.error) for job in tx.session.scalars(select(JobRow))] == [(0, None)]

    services.register("slow")(lambda call: {})

    eventually(lambda: is_over(calling, calls))
