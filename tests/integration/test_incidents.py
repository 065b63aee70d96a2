"""Stops that belong to no instance: a start or a broadcast whose last try failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from engine import Conflict, Engine, SettableClock, definitions, execution, incidents, instances, signals
from engine.bpmn.snapshot import TOP
from engine.model.people import SYSTEM
from engine.model.processes import Incident
from engine.storage.tables import SnapshotRow
from tests.conftest import Cast
from tests.play import END, START, chain, document, sub, user

DAILY = "<timerEventDefinition><timeCycle>R2/P1D</timeCycle></timerEventDefinition>"
ALARM = '<signalEventDefinition signalRef="alarm"/>'


@contextmanager
def no_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def broken(*_: object, **__: object) -> int:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(execution, "begin", broken)
        yield


def deploy(engine: Engine, cast: Cast, definition: str) -> None:
    body = (
        f'<startEvent id="start" name="Begins">{definition}</startEvent>' + user("u") + END + chain("start", "u", "end")
    )
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body)})


def exhaust(engine: Engine, clock: SettableClock) -> None:
    """Let every try come."""
    for _ in range(3):
        engine.run_until_idle()
        clock.advance(hours=1)


def pending(engine: Engine, cast: Cast) -> list[Incident]:
    with engine.reading(cast.root) as tx:
        return list(incidents.pending(tx))


def count(engine: Engine, cast: Cast) -> int:
    with engine.reading(cast.root) as tx:
        return len(instances.find(tx))


def test_a_start_timer_that_failed_is_told_and_tried_again(
    engine: Engine, cast: Cast, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(engine, cast, DAILY)
    clock.advance(days=1)

    with no_start(monkeypatch):
        exhaust(engine, clock)
    (incident,) = pending(engine, cast)

    assert (incident.instance_id, incident.definition_name, incident.element_name) == (None, "Process", "Begins")
    assert incident.message == "OSError: the disk is full"
    with engine.transaction(cast.root) as tx:
        incidents.retry(tx, incident.id)
    engine.run_until_idle()
    assert (pending(engine, cast), count(engine, cast)) == ([], 1)
    clock.advance(days=1)
    engine.run_until_idle()
    assert count(engine, cast) == 2


def test_who_retries_second_is_refused(
    engine: Engine, cast: Cast, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(engine, cast, DAILY)
    clock.advance(days=1)
    with no_start(monkeypatch):
        exhaust(engine, clock)
    (incident,) = pending(engine, cast)
    with engine.transaction(cast.root) as tx:
        incidents.retry(tx, incident.id)

    assert [(each.retries, each.retried_by) for each in pending(engine, cast)] == [(1, "root")]
    with engine.transaction(cast.root) as tx, pytest.raises(Conflict, match="root has it tried again already"):
        incidents.retry(tx, incident.id)


def test_a_job_that_fails_again_has_the_same_incident(
    engine: Engine, cast: Cast, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(engine, cast, DAILY)
    clock.advance(days=1)
    with no_start(monkeypatch):
        exhaust(engine, clock)
        (first,) = pending(engine, cast)
        with engine.transaction(cast.root) as tx:
            incidents.retry(tx, first.id)
        exhaust(engine, clock)

    (again,) = pending(engine, cast)
    assert (again.id, again.created_at, again.retries, again.retried_by) == (first.id, first.created_at, 1, None)


def test_a_signal_that_could_not_start_an_instance_is_told_and_tried_again(
    engine: Engine, cast: Cast, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(engine, cast, ALARM)
    with engine.transaction(cast.root) as tx:
        signals.broadcast(tx, "alarm")

    with no_start(monkeypatch):
        exhaust(engine, clock)
    (incident,) = pending(engine, cast)
    with engine.transaction(cast.root) as tx:
        incidents.retry(tx, incident.id)
    engine.run_until_idle()

    assert (pending(engine, cast), count(engine, cast)) == ([], 1)


def test_an_incident_of_a_start_ends_with_the_version_it_belongs_to(
    engine: Engine, cast: Cast, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(engine, cast, DAILY)
    clock.advance(days=1)
    with no_start(monkeypatch):
        exhaust(engine, clock)
    assert pending(engine, cast)

    deploy(engine, cast, DAILY)

    assert pending(engine, cast) == []


def test_a_broadcast_that_failed_is_told_and_tried_again(
    engine: Engine, cast: Cast, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(engine, cast, ALARM)
    thrown = '<intermediateThrowEvent id="throw"><signalEventDefinition signalRef="alarm"/></intermediateThrowEvent>'
    thrower = document('<startEvent id="start"/>' + thrown + END + chain("start", "throw", "end"))
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"q.bpmn": thrower.replace(b'<process id="p"', b'<process id="q"')})
        instances.start(tx, "q")

    with monkeypatch.context() as patch:
        patch.setattr(signals, "_deliver_to_all", lambda *_: 1 / 0)
        exhaust(engine, clock)
    (incident,) = pending(engine, cast)
    assert (incident.definition_id, incident.element_name) == (None, 'signal "alarm"')
    with engine.transaction(cast.root) as tx:
        incidents.retry(tx, incident.id)
    engine.run_until_idle()

    assert (pending(engine, cast), count(engine, cast)) == ([], 2)


# ---- a state that cannot be read ------------------------------------------------------------------------------------


def test_a_job_whose_instance_cannot_be_read_is_told_and_goes_on_once_it_can(
    engine: Engine, cast: Cast, clock: SettableClock
) -> None:
    """As when there are only workers of an older version, for longer than it takes to replace them."""
    instance_id = waiting_for_a_timer(engine, cast)
    readable = change_state(engine, b'{"v":99}')
    clock.advance(days=1)
    engine.run_until_idle()
    assert pending(engine, cast) == []
    clock.advance(hours=1)

    exhaust(engine, clock)

    (incident,) = pending(engine, cast)
    assert (incident.instance_id, incident.element_name) == (instance_id, "A day")
    assert "cannot be read" in incident.message
    change_state(engine, readable)
    with engine.transaction(cast.root) as tx:
        incidents.retry(tx, incident.id)
    engine.run_until_idle()
    with engine.reading(cast.root) as tx:
        assert instances.get(tx, instance_id).status == "completed"
    assert pending(engine, cast) == []


def test_the_same_where_only_the_part_that_is_asked_for_cannot_be_read(
    engine: Engine, cast: Cast, clock: SettableClock
) -> None:
    instance_id = waiting_for_a_timer(engine, cast, inside=True)
    with engine.transaction(SYSTEM) as tx:
        (row,) = tx.session.scalars(select(SnapshotRow).where(SnapshotRow.part != TOP))
        row.content = row.content.replace(b'"wait"', b'"gone"')
    clock.advance(days=1)

    exhaust(engine, clock)

    (incident,) = pending(engine, cast)
    assert incident.message.startswith(f"The state of instance {instance_id} cannot be read.")


def test_the_incident_of_a_job_goes_with_its_instance(engine: Engine, cast: Cast, clock: SettableClock) -> None:
    instance_id = waiting_for_a_timer(engine, cast)
    readable = change_state(engine, b'{"v":99}')
    clock.advance(days=1)
    exhaust(engine, clock)
    change_state(engine, readable)

    with engine.transaction(cast.root) as tx:
        instances.cancel(tx, instance_id, "for another reason")

    assert pending(engine, cast) == []


def waiting_for_a_timer(engine: Engine, cast: Cast, *, inside: bool = False) -> int:
    timer = "<timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition>"
    wait = f'<intermediateCatchEvent id="wait" name="A day">{timer}</intermediateCatchEvent>'
    body = START + wait + END + chain("start", "wait", "end")
    if inside:
        within = sub("s", body.replace('"start"', '"start2"').replace('"end"', '"end2"').replace("start_", "start2_"))
        body = START + within + END + chain("start", "s", "end")
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"wait.bpmn": document(body)})
        return instances.start(tx, "p").id


def change_state(engine: Engine, content: bytes) -> bytes:
    """Put another content into the root part of the one instance; gives the former."""
    with engine.transaction(SYSTEM) as tx:
        row = tx.session.scalars(select(SnapshotRow).where(SnapshotRow.part == TOP)).one()
        former, row.content = row.content, content
        tx.session.flush()
    return former
