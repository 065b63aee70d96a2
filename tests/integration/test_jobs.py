"""Jobs: added with the state that asks for them, handed out once, tried again, finished once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, text
from sqlalchemy.exc import OperationalError

from engine import jobs, leases, tries
from engine.clock import SettableClock
from engine.config import Settings
from engine.errors import Busy, Conflict, NotFound, ServiceFailed
from engine.jobs import Handler, Job, NewJob, Told
from engine.model.people import SYSTEM
from engine.storage.tables import DefinitionRow, DeploymentRow, EventRow, InstanceRow, JobRow, ResourceRow
from engine.transaction import Ref, Store, Transaction
from engine.worker import Engine

MINUTE = timedelta(minutes=1)


def note(tx: Transaction, job: Job, outcome: object) -> None:
    """A finish that leaves a trace."""
    tx.session.add(EventRow(at=tx.now, actor="test", kind=job.kind, data={"job": job.id, "outcome": outcome}))
    tx.session.flush()


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise error

    return fail


NOTE = {"note": Handler(finish=note)}


class Hands:
    """A dispatcher that keeps what it is handed, of the engine's queue."""

    def __init__(self) -> None:
        self.handed: list[Ref] = []

    def takes(self, tx: Transaction, queue: str, topic: str) -> bool:
        return (queue, topic) == ("engine", "")

    def look(self) -> None:
        """Nobody does."""

    def submit(self, refs: Sequence[Ref]) -> None:
        self.handed += refs


def add(engine: Engine, kind: str = "note", **details: Any) -> int:
    with engine.transaction(SYSTEM) as tx:
        return jobs.add(tx, kind, **details)


def run(engine: Engine, handlers: jobs.Handlers = NOTE) -> list[bool]:
    """Run what is due once."""
    return [tries.execute(engine, ref, handlers) for ref in leases.claim(engine, 100)]


def traces(engine: Engine) -> list[object]:
    with engine.reading(SYSTEM) as tx:
        return [event.data["outcome"] for event in tx.session.scalars(select(EventRow).order_by(EventRow.id))]


def row(engine: Engine, job_id: int) -> JobRow | None:
    with engine.reading(SYSTEM) as tx:
        return tx.session.get(JobRow, job_id)


def count(engine: Engine) -> int:
    with engine.reading(SYSTEM) as tx:
        return tx.session.scalar(select(func.count()).select_from(JobRow)) or 0


def instance(engine: Engine) -> int:
    """A bare instance row for jobs to belong to."""
    with engine.transaction(SYSTEM) as tx:
        deployment = DeploymentRow(created_at=tx.now, created_by="test")
        tx.session.add(deployment)
        tx.session.flush()
        resource = ResourceRow(deployment_id=deployment.id, file="a.bpmn", content=b"")
        tx.session.add(resource)
        tx.session.flush()
        shared = {"created_at": tx.now, "created_by": "test", "has_diagram": False, "starter_users": []}
        definition = DefinitionRow(
            key="a", version=1, is_latest=True, name="a", deployment_id=deployment.id, resource_id=resource.id,
            starter_groups=[], **shared,
        )  # fmt: skip
        tx.session.add(definition)
        tx.session.flush()
        made = InstanceRow(
            definition_id=definition.id, definition_key="a", status="active", started_by="test", started_at=tx.now
        )
        tx.session.add(made)
        tx.session.flush()
        return made.id


# ---- adding and taking away ----------------------------------------------------------------------------------------


def test_a_due_job_runs_once_and_is_gone(engine: Engine) -> None:
    add(engine)

    assert run(engine) == [True]

    assert (traces(engine), run(engine), count(engine)) == ([None], [], 0)


def test_a_job_shares_the_fate_of_its_transaction(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), engine.transaction(SYSTEM) as tx:
        jobs.add(tx, "note")
        raise ZeroDivisionError

    assert count(engine) == 0


def test_a_job_waits_for_its_due_time(engine: Engine, clock: SettableClock) -> None:
    due = clock.now() + MINUTE
    add(engine, due_at=due)

    assert run(engine) == []

    clock.advance(minutes=1)
    assert run(engine) == [True]


def test_the_longest_waiting_job_is_handed_out_first(engine: Engine, clock: SettableClock) -> None:
    now = clock.now()
    late, early = add(engine, due_at=now - MINUTE), add(engine, due_at=now - 2 * MINUTE)

    assert [ref.id for ref in leases.claim(engine, 1) + leases.claim(engine, 1)] == [early, late]


def test_details_reach_the_handler(engine: Engine, clock: SettableClock) -> None:
    seen = []
    instance_id = instance(engine)
    add(engine, instance_id=instance_id, token="t1", element_id="Task", payload={"a": [1, "b"]}, max_attempts=7)

    run(engine, {"note": Handler(finish=lambda tx, job, outcome: seen.append(job))})

    (job,) = seen
    assert (job.instance_id, job.token, job.element_id) == (instance_id, "t1", "Task")
    assert (job.payload, job.max_attempts, job.attempts) == ({"a": [1, "b"]}, 7, 0)
    assert (job.queue, job.due_at) == ("engine", clock.now())


def test_many_jobs_are_added_at_once(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        ids = jobs.add_many(tx, [NewJob("note") for _ in range(2500)])

    assert len(set(ids)) == count(engine) == 2500
    with engine.transaction(SYSTEM) as tx:
        assert jobs.add_many(tx, []) == []


def test_an_id_is_never_used_twice(engine: Engine) -> None:
    first = add(engine)
    run(engine)

    assert add(engine) > first


def test_cancelling_takes_only_what_these_tokens_wait_for(engine: Engine) -> None:
    instance_id = instance(engine)
    for token, element in [("t1", "A"), ("t1", "B"), ("t2", "A"), ("t3", "A")]:
        add(engine, instance_id=instance_id, token=token, element_id=element)
    add(engine, token="t1", element_id="A")

    with engine.transaction(SYSTEM) as tx:
        jobs.cancel(tx, instance_id, [("t1", "A"), ("t2", "A")])
        jobs.cancel(tx, instance_id, [])

    with engine.reading(SYSTEM) as tx:
        left = tx.session.execute(select(JobRow.token, JobRow.element_id).order_by(JobRow.id)).all()
    assert left == [("t1", "B"), ("t3", "A"), ("t1", "A")]


def test_a_job_of_another_queue_is_left_to_others(engine: Engine) -> None:
    add(engine, queue="mail")

    assert run(engine) == []
    assert len(leases.claim(engine, 10, "mail")) == 1


def test_a_job_of_another_queue_is_handed_to_nobody_here(engine: Engine) -> None:
    engine.dispatch = hands = Hands()
    job_id = add(engine, queue="mail", max_attempts=1)
    (ref,) = leases.claim(engine, 10, "mail")
    tries.execute(engine, ref, {"note": Handler(finish=raising(KeyError("bug")))})

    with engine.transaction(SYSTEM) as tx:
        jobs.retry(tx, job_id)

    assert hands.handed == []
    assert [ref.id for ref in leases.claim(engine, 10, "mail")] == [job_id]


def test_an_idle_poll_is_one_query_on_one_index(engine: Engine, clock: SettableClock) -> None:
    with engine.transaction(SYSTEM) as tx:
        jobs.add_many(tx, [NewJob("note", due_at=clock.now() + MINUTE) for _ in range(1000)])
    asked: list[tuple[str, Any]] = []
    event.listen(
        engine.database, "before_cursor_execute", lambda _c, _cursor, query, values, *_: asked.append((query, values))
    )

    assert leases.claim(engine, 10) == []

    ((query, values),) = [(query, values) for query, values in asked if not query.startswith("BEGIN")]
    with engine.database.begin() as connection:
        connection.execute(text("ANALYZE job"))
        explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[engine.database.dialect.name]
        plan = str(connection.exec_driver_sql(f"{explain} {query}", values).all()).upper()
    assert "IX_JOB_CLAIM" in plan
    assert "SORT" not in plan
    assert "TEMP B-TREE" not in plan


# ---- leases --------------------------------------------------------------------------------------------------------


def test_a_job_that_was_handed_out_is_not_handed_out_again(engine: Engine) -> None:
    add(engine)

    assert len(leases.claim(engine, 10)) == 1
    assert leases.claim(engine, 10) == []
    assert leases.claim(engine, 0) == []


def test_a_lost_job_comes_again_when_its_lease_ends(engine: Engine, clock: SettableClock) -> None:
    add(engine)
    (lost,) = leases.claim(engine, 10)

    clock.advance(seconds=31)
    (again,) = leases.claim(engine, 10)

    assert tries.execute(engine, lost, NOTE) is False
    assert tries.execute(engine, again, NOTE) is True
    assert tries.execute(engine, again, NOTE) is False
    assert traces(engine) == [None]


def test_an_extended_lease_does_not_end(engine: Engine, clock: SettableClock) -> None:
    add(engine)
    held = leases.claim(engine, 10)

    clock.advance(seconds=20)
    leases.extend(engine, held)
    clock.advance(seconds=20)

    assert leases.claim(engine, 10) == []
    assert tries.execute(engine, held[0], NOTE) is True


def test_a_job_given_back_counts_as_never_handed_out(engine: Engine) -> None:
    job_id = add(engine)
    leases.give_back(engine, leases.claim(engine, 10))

    assert leases.claim(engine, 10)[0].id == job_id
    assert row(engine, job_id).deliveries == 1


def test_a_stale_holder_can_neither_extend_nor_give_back(engine: Engine, clock: SettableClock) -> None:
    add(engine)
    stale = leases.claim(engine, 10)
    clock.advance(seconds=31)
    present = leases.claim(engine, 10)

    leases.extend(engine, stale)
    leases.give_back(engine, stale)

    assert leases.claim(engine, 10) == []
    assert tries.execute(engine, present[0], NOTE) is True


def test_a_job_due_now_is_handed_over_after_the_commit(engine: Engine, clock: SettableClock) -> None:
    engine.dispatch = hands = Hands()
    with engine.transaction(SYSTEM) as tx:
        jobs.add(tx, "note")
        jobs.add(tx, "note", due_at=clock.now() + MINUTE)
        jobs.add(tx, "note", queue="mail")
        assert hands.handed == []

    assert leases.claim(engine, 10) == []
    assert [tries.execute(engine, ref, NOTE) for ref in hands.handed] == [True]


def test_a_lost_hint_costs_one_lease(engine: Engine, clock: SettableClock) -> None:
    engine.dispatch = Hands()
    add(engine)

    assert run(engine) == []
    clock.advance(seconds=31)
    assert run(engine) == [True]


# ---- slow parts ----------------------------------------------------------------------------------------------------


def test_the_slow_part_runs_outside_any_transaction(engine: Engine) -> None:
    def call(store: Store, job: Job, told: Told) -> object:
        with store.transaction(SYSTEM) as tx:  # would wait for itself inside one
            return tx.session.scalar(select(JobRow.deliveries).where(JobRow.id == job.id))

    add(engine)
    assert run(engine, {"note": Handler(call=call, finish=note)}) == [True]
    assert traces(engine) == [1]


def test_a_slow_part_begins_with_a_fresh_lease(engine: Engine, clock: SettableClock) -> None:
    def call(store: Store, job: Job, told: Told) -> object:
        clock.advance(seconds=20)
        return len(leases.claim(engine, 10))

    add(engine)
    held = leases.claim(engine, 10)
    clock.advance(seconds=20)

    assert tries.execute(engine, held[0], {"note": Handler(call=call, finish=note)}) is True
    assert traces(engine) == [0]


def test_an_answer_that_comes_after_the_lease_is_dropped(engine: Engine, clock: SettableClock) -> None:
    def call(store: Store, job: Job, told: Told) -> object:
        clock.advance(seconds=31)
        taken.extend(leases.claim(engine, 10))
        return "late"

    taken: list[Ref] = []
    add(engine)
    assert run(engine, {"note": Handler(call=call, finish=note)}) == [False]
    assert traces(engine) == []

    assert tries.execute(engine, taken[0], NOTE) is True
    assert traces(engine) == [None]


def test_a_job_cancelled_while_it_ran_changes_nothing(engine: Engine) -> None:
    def call(store: Store, job: Job, told: Told) -> object:
        with store.transaction(SYSTEM) as tx:
            jobs.cancel(tx, instance_id, [("t", "A")])
        return "too late"

    instance_id = instance(engine)
    add(engine, instance_id=instance_id, token="t", element_id="A")

    assert run(engine, {"note": Handler(call=call, finish=note)}) == [False]
    assert (traces(engine), count(engine)) == ([], 0)


# ---- busy ----------------------------------------------------------------------------------------------------------


def test_a_busy_instance_puts_the_job_back_without_counting(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine)

    for _ in range(3 * tries.MAX_DELIVERIES):
        assert run(engine, {"note": Handler(finish=raising(Busy("just now")))}) == [False]
        assert run(engine) == []
        clock.advance(seconds=0.1)

    assert (row(engine, job_id).attempts, row(engine, job_id).deliveries) == (0, 0)
    assert run(engine) == [True]


def test_an_answer_waits_for_a_busy_instance(engine: Engine) -> None:
    calls, refusals = [], [Busy("just now"), Busy("still")]

    def finish(tx: Transaction, job: Job, outcome: object) -> None:
        if refusals:
            raise refusals.pop()
        note(tx, job, outcome)

    add(engine)
    handler = Handler(call=lambda store, job, told: calls.append(job) or "answer", finish=finish)

    assert run(engine, {"note": handler}) == [True]
    assert (len(calls), traces(engine)) == (1, ["answer"])


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_an_instance_held_by_another_command_is_busy(engine: Engine, clock: SettableClock) -> None:
    instance_id = instance(engine)
    job_id = add(engine, instance_id=instance_id)
    with engine.transaction(SYSTEM) as other:
        other.session.execute(select(InstanceRow.id).where(InstanceRow.id == instance_id).with_for_update())
        assert run(engine) == [False]

    clock.advance(seconds=0.1)
    assert (row(engine, job_id).attempts, run(engine)) == (0, [True])


# ---- failing -------------------------------------------------------------------------------------------------------


def test_a_failed_try_is_tried_again_later_and_later(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine)
    pauses = []
    for _ in range(2):
        assert run(engine, {"note": Handler(finish=raising(KeyError("amount")))}) == [False]
        pauses.append((row(engine, job_id).run_at - clock.now()).total_seconds())
        clock.advance(seconds=pauses[-1])

    assert 1 <= pauses[0] <= 2 <= pauses[1] <= 4
    assert row(engine, job_id).error == "KeyError: 'amount'"
    assert run(engine) == [True]


def test_the_last_try_tells_the_handler_in_the_same_transaction(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine, max_attempts=2)
    handler = Handler(finish=raising(ServiceFailed("the bank is closed")), gave_up=note)
    for _ in range(4):
        run(engine, {"note": handler})
        clock.advance(hours=1)

    failed = row(engine, job_id)
    assert traces(engine) == ["the bank is closed"]
    assert (failed.attempts, failed.error, failed.failed_at is not None) == (2, "the bank is closed", True)


def test_a_failure_that_cannot_be_stored_leaves_the_job_to_its_lease(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine, max_attempts=1)
    handler = Handler(finish=raising(KeyError("bug")), gave_up=raising(ZeroDivisionError()))

    with pytest.raises(ZeroDivisionError):
        run(engine, {"note": handler})

    assert (row(engine, job_id).failed_at, run(engine)) == (None, [])
    clock.advance(seconds=31)
    assert run(engine) == [True]


def test_a_service_names_the_time_of_its_next_try(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine)
    run(engine, {"note": Handler(finish=raising(ServiceFailed("too many", retry_after=7 * MINUTE)))})

    assert row(engine, job_id).run_at == clock.now() + 7 * MINUTE


def test_a_failure_that_stays_is_not_tried_again(engine: Engine) -> None:
    add(engine)
    run(engine, {"note": Handler(finish=raising(ServiceFailed("no such account", retryable=False)), gave_up=note)})

    assert traces(engine) == ["no such account"]


def test_a_kind_without_handler_is_left_to_newer_programs_first(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine, kind="fax", max_attempts=1)
    for _ in range(2 * tries.MAX_DELIVERIES):
        run(engine)
        clock.advance(seconds=3)
    assert (row(engine, job_id).failed_at, row(engine, job_id).attempts) == (None, 0)

    run(engine, {"fax": Handler(finish=note)})

    assert (len(traces(engine)), count(engine)) == (1, 0)


def test_a_kind_that_nobody_has_a_handler_for_fails_by_name(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine, kind="fax", max_attempts=1)
    clock.advance(minutes=61)
    run(engine)

    assert row(engine, job_id).error == "Expected a handler for jobs of kind fax, but there are note."


def test_a_job_that_kills_its_workers_is_stopped(engine: Engine, clock: SettableClock) -> None:
    add(engine)
    for _ in range(tries.MAX_DELIVERIES):
        assert len(leases.claim(engine, 10)) == 1
        clock.advance(seconds=31)

    assert run(engine, {"note": Handler(finish=note, gave_up=note)}) == [False]

    assert traces(engine) == ["Expected the job to end, but 10 times its worker was gone before it did."]
    clock.advance(hours=1)
    assert run(engine) == []


def test_a_failed_job_can_be_retried(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine, max_attempts=1)
    run(engine, {"note": Handler(finish=raising(KeyError("bug")))})

    with engine.transaction(SYSTEM) as tx:
        jobs.retry(tx, job_id)

    assert (row(engine, job_id).attempts, row(engine, job_id).error) == (0, None)
    assert run(engine) == [True]


def test_only_a_failed_job_can_be_retried(engine: Engine) -> None:
    job_id = add(engine)

    with engine.transaction(SYSTEM) as tx, pytest.raises(Conflict, match=f"Expected job {job_id} to have failed"):
        jobs.retry(tx, job_id)
    with engine.transaction(SYSTEM) as tx, pytest.raises(NotFound, match="Expected job 999999999 to exist"):
        jobs.retry(tx, 999_999_999)


# ---- several at once -----------------------------------------------------------------------------------------------


@pytest.fixture
def shared(migrated_url: str) -> Iterator[Engine]:
    """A real clock and a database that threads share."""
    settings = Settings(database_url=migrated_url, lease=timedelta(seconds=1), poll_interval=timedelta(seconds=0.05))
    with Engine(settings) as engine:
        yield engine


def test_claims_at_once_never_hand_out_the_same_job(shared: Engine) -> None:
    with shared.transaction(SYSTEM) as tx:
        jobs.add_many(tx, [NewJob("note") for _ in range(100)])
    start, claimed = Barrier(8), []

    def claim() -> None:
        start.wait()
        while refs := leases.claim(shared, 5):
            claimed.extend(refs)

    threads = [Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == len({ref.id for ref in claimed}) == 100


def test_the_leases_of_a_database_server_follow_its_own_clock(shared: Engine) -> None:
    add(shared)
    (ref,) = leases.claim(shared, 10)

    held = row(shared, ref.id).run_at - shared.clock.now()
    assert timedelta(seconds=0.5) < held <= timedelta(seconds=1.1)
    assert leases.claim(shared, 10) == []
    assert tries.execute(shared, ref, NOTE) is True


def test_a_job_that_nobody_can_be_told_of_has_failed_all_the_same(engine: Engine) -> None:
    def nobody(tx: Transaction, job: Job, message: str) -> None:
        tx.session.execute(delete(JobRow))
        raise Conflict("There is nobody.")

    def broken(tx: Transaction, job: Job, result: object) -> None:
        raise ServiceFailed("It is broken.", retryable=False)

    with engine.transaction(SYSTEM) as tx:
        jobs.add(tx, "lost")
    (ref,) = leases.claim(engine, 1)

    assert not tries.execute(engine, ref, {"lost": Handler(finish=broken, gave_up=nobody)})

    with engine.reading(SYSTEM) as tx:
        failed = tx.session.scalars(select(JobRow)).one()
    assert failed.failed_at is not None and "broken" in (failed.error or "")


def test_a_database_that_is_away_is_nobodys_failure(engine: Engine, clock: SettableClock) -> None:
    job_id = add(engine, max_attempts=1)
    away = OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    assert run(engine, {"note": Handler(finish=raising(away))}) == [False]

    held = row(engine, job_id)
    assert held is not None and (held.attempts, held.failed_at, held.lease) == (0, None, None)
    clock.advance(seconds=2)
    assert run(engine) == [True]
