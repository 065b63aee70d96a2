"""What machines ask: does it live, can it work, and what Prometheus reads."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine import Engine, ServiceFailed, SettableClock, Settings, external_tasks, jobs, leases, services
from engine.errors import Conflict
from engine.jobs import ENGINE_QUEUE, NewJob
from engine.model.people import SYSTEM
from engine.observe import gauges, metrics, probes, watch
from tests.driver import ROOT, Driver
from tests.play import END, START, chain, user
from tests.site import PASSWORD, Site, Visitor

CALLING = (
    START
    + '<serviceTask id="charge" camunda:type="external" camunda:topic="charge"/>'
    + END
    + chain("start", "charge", "end")
)
WAITING = (
    START
    + '<intermediateCatchEvent id="later"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    + "</timerEventDefinition></intermediateCatchEvent>"
    + END
    + chain("start", "later", "end")
)
Values = dict[str, float]


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Iterator[Driver]:
    yield Driver(engine, clock)
    services._SERVICES.pop("charge", None)


def read(engine: Engine, authorization: str = "") -> Values:
    """Each sample as it stands in the text, without buckets."""
    text = probes.metrics_of(engine, authorization).content.decode()
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


@contextmanager
def growth(engine: Engine) -> Iterator[Callable[[str], float]]:
    """By how much a counter of this process has grown since."""
    before = read(engine)
    yield lambda name: read(engine).get(name, 0) - before.get(name, 0)


# ---- what this process does ----------------------------------------------------------------------------------------


def test_tries_calls_commands_and_steps_are_counted(driver: Driver) -> None:
    driver.serve("charge", ConnectionError("no answer"), {"paid": True})

    with growth(driver.engine) as grown:
        driver.draw(CALLING)
        driver.tick(minutes=1)

        assert grown("procession_tries_total,service,failed") == 1
        assert grown("procession_tries_total,service,finished") == 1
        assert grown("procession_try_seconds_count,service") == 2
        assert grown("procession_call_seconds_count,charge") == 2
        assert grown("procession_command_seconds_count,begin") == 1
        assert grown("procession_command_seconds_count,advance") == 1
        assert grown("procession_steps_total") == 4


def test_the_last_try_is_counted_as_given_up(driver: Driver) -> None:
    driver.serve("charge", ServiceFailed("no such account", retryable=False))

    with growth(driver.engine) as grown:
        driver.draw(CALLING)

        assert grown("procession_tries_total,service,given_up") == 1
        assert grown("procession_tries_total,service,failed") == 0


def test_tries_of_workers_outside_are_counted_too(driver: Driver, clock: SettableClock) -> None:
    for _ in range(2):
        driver.draw(CALLING)
    wanted = [external_tasks.Wanted("charge", timedelta(minutes=5))]
    done, failed = external_tasks.fetch(driver.engine, ROOT, wanted, worker="w", limit=2)
    clock.advance(seconds=40)

    with growth(driver.engine) as grown:
        driver.do(external_tasks.complete, done.task.id, "w", {}, by=ROOT)
        driver.do(external_tasks.fail, failed.task.id, "w", "no answer", retries=1, by=ROOT)
        assert grown("procession_tries_total,service,finished") == 1
        assert grown("procession_tries_total,service,failed") == 1
        assert grown("procession_try_seconds_sum,service") == pytest.approx(80)

        external_tasks.fetch(driver.engine, ROOT, wanted, worker="w", limit=2)
        driver.do(external_tasks.fail, failed.task.id, "w", "no answer", retries=0, by=ROOT)
        assert grown("procession_tries_total,service,given_up") == 1


def test_topics_beyond_a_hundred_are_told_as_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_topics", set())

    with growth(engine) as grown:
        for number in range(metrics.MOST_TOPICS + 2):
            with watch.call(f"{number}.example.com"):
                pass

        assert grown("procession_call_seconds_count,0.example.com") == 1
        assert grown("procession_call_seconds_count,other") == 2


# ---- what the database holds ---------------------------------------------------------------------------------------


def test_jobs_are_counted_by_queue_and_state(driver: Driver, clock: SettableClock) -> None:
    driver.serve("charge", ServiceFailed("no such account", retryable=False))
    driver.draw(CALLING)
    services._SERVICES.pop("charge")
    for _ in range(2):
        driver.draw(CALLING)
    for _ in range(3):
        driver.draw(WAITING)

    clock.advance(seconds=90)
    found = read(driver.engine)

    of_service = {state: found[f"procession_jobs,service,{state}"] for state in ("waiting", "due", "leased", "failed")}
    assert of_service == {"waiting": 0, "due": 2, "leased": 0, "failed": 1}
    assert found["procession_jobs,engine,waiting"] == 3
    assert found["procession_job_lag_seconds,service"] == 90
    assert found["procession_job_lag_seconds,engine"] == 0


def test_a_job_in_work_is_leased_and_late_once_its_lease_is_over(engine: Engine, clock: SettableClock) -> None:
    with engine.transaction(SYSTEM) as tx:
        jobs.add(tx, "note")
    leases.claim(engine, 1)

    found = read(engine)
    assert (found["procession_jobs,engine,leased"], found["procession_jobs,engine,due"]) == (1, 0)

    clock.advance(seconds=engine.settings.lease.total_seconds() + 5)
    found = read(engine)
    assert (found["procession_jobs,engine,leased"], found["procession_jobs,engine,due"]) == (0, 1)
    assert found["procession_job_lag_seconds,engine"] == 5


def test_every_topic_priority_and_queue_is_counted(engine: Engine) -> None:
    lanes = [("service", topic, priority) for topic in ("", "a", "b", "ä") for priority in (-1, 0, 7)]
    lanes += [("mail", "", 0), (ENGINE_QUEUE, "", 0)]
    with engine.transaction(SYSTEM) as tx:
        added = [NewJob("note", queue=queue, topic=topic, priority=number) for queue, topic, number in lanes * 2]
        jobs.add_many(tx, added)

    found = read(engine)

    assert [found[f"procession_jobs,{queue},due"] for queue in ("service", "mail", "engine")] == [24, 2, 2]


def test_instances_tasks_and_incidents_are_counted(driver: Driver) -> None:
    driver.serve("charge", ServiceFailed("no such account", retryable=False))
    driver.draw(CALLING)
    driver.draw(START + user("approve") + END + chain("start", "approve", "end"))
    driver.draw(START + END + chain("start", "end"))

    found = read(driver.engine)

    assert (found["procession_instances,active"], found["procession_instances,completed"]) == (2, 1)
    assert found["procession_instances,suspended"] == 0
    assert (found["procession_open_user_tasks"], found["procession_open_incidents"]) == (1, 1)


def test_counting_stops_where_it_would_be_slow(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "COUNTED_TO", 2)
    for _ in range(3):
        driver.draw(START + END + chain("start", "end"))

    assert read(driver.engine)["procession_instances,completed"] == 2


def test_connections_are_counted(migrated_url: str) -> None:
    with Engine(Settings(database_url=migrated_url)) as engine, engine.database.connect(), engine.database.connect():
        found = read(engine)

    # The two of this test, and the one that asks.
    used = {state: found[f"procession_pool_connections,{state}"] for state in ("checked_out", "idle", "overflow")}
    assert used == {"checked_out": 2, "idle": 1, "overflow": 0}
    assert found["procession_pool_connections,size"] == engine.database.pool.size()  # type: ignore[attr-defined]


# ---- when the database is away -------------------------------------------------------------------------------------


@pytest.fixture
def leaving(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Path]]:
    """An engine, and the file of its database."""
    path = tmp_path / "procession.db"
    path.write_bytes(request.getfixturevalue("_sqlite_tables").read_bytes())
    with Engine(Settings(database_url=f"sqlite:///{path}")) as engine:
        yield engine, path


@contextmanager
def away(engine: Engine, path: Path) -> Iterator[None]:
    engine.database.dispose()
    kept = path.rename(path.with_suffix(".away"))
    path.mkdir()
    yield
    path.rmdir()
    kept.rename(path)


def test_readyz_tells_that_the_database_is_away_and_that_it_is_back(leaving: tuple[Engine, Path]) -> None:
    engine, path = leaving
    assert probes.readyz(engine, "").status == 200

    with away(engine, path):
        told = probes.readyz(engine, "")
        assert (told.status, json.loads(told.content)) == (
            503,
            {"status": "not ready", "reason": "The database does not answer."},
        )
        assert probes.healthz(engine, "").status == 200

    assert probes.readyz(engine, "").status == 200


def test_metrics_of_the_process_outlive_the_database(
    leaving: tuple[Engine, Path], caplog: pytest.LogCaptureFixture
) -> None:
    engine, path = leaving
    assert read(engine)["procession_database_up"] == 1

    with away(engine, path), caplog.at_level(logging.WARNING):
        found = read(engine)

    assert found["procession_database_up"] == 0
    assert "procession_steps_total" in found
    assert "procession_instances,active" not in found
    assert caplog.messages == ["metrics without the database"]


def test_readyz_asks_for_this_programs_tables(tmp_path: Path) -> None:
    with Engine(Settings(database_url=f"sqlite:///{tmp_path}/empty.db")) as engine:
        told = probes.readyz(engine, "")

    assert told.status == 503
    assert "Run: procession migrate" in json.loads(told.content)["reason"]


@pytest.mark.postgres
def test_readyz_on_a_server(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    cluster = request.getfixturevalue("cluster")
    template = request.getfixturevalue("_postgres_tables")
    with Engine(Settings(database_url=cluster.make("leaving", template=template))) as engine:
        assert probes.readyz(engine, "").status == 200

        cluster.drop("leaving")
        assert probes.readyz(engine, "").status == 503

        cluster.make("leaving", template=template)
        assert probes.readyz(engine, "").status == 200


# ---- who may ask ---------------------------------------------------------------------------------------------------


def test_metrics_need_no_sign_in_and_name_nobody(site: Site, ana: Visitor) -> None:
    site.deploy("leave.bpmn")
    ana.start("Leave request", business_key="L-1")
    site.engine.run_until_idle()

    answer = site.stranger().get("/metrics")

    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "procession_open_user_tasks 1.0" in answer.text
    samples = [line for line in answer.text.splitlines() if line.startswith("procession_")]
    assert not [line for line in samples for name in ('"ana"', "L-1", "managers", PASSWORD) if name in line]


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic sesame", "sesame", "Bearer sesamé"])
def test_a_token_is_asked_for(site: Site, shown: str) -> None:
    site.engine.settings = replace(site.engine.settings, metrics_token="sesame")

    answer = site.stranger().client.get("/metrics", headers={"Authorization": shown})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "procession_" not in answer.text


def test_who_shows_the_token_is_told(site: Site) -> None:
    site.engine.settings = replace(site.engine.settings, metrics_token="sesame")

    assert site.stranger().client.get("/metrics", headers={"Authorization": "Bearer sesame"}).status_code == 200


# ---- a worker's own server -----------------------------------------------------------------------------------------


def status(port: int, path: str, **headers: str) -> int:
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as refusal:
        with refusal:
            return refusal.code


def test_a_worker_answers_the_same_probes(leaving: tuple[Engine, Path]) -> None:
    engine, path = leaving
    engine.settings = replace(engine.settings, metrics_token="sesame")

    with probes.serving(engine, "127.0.0.1", 0) as port:
        told = [status(port, each) for each in ("/healthz", "/readyz", "/metrics", "/", "/metrics/")]
        assert told == [200, 200, 401, 404, 404]
        assert status(port, "/metrics", Authorization="Bearer sesame") == 200
        with away(engine, path):
            assert status(port, "/readyz") == 503

    with pytest.raises(OSError, match="refused"):
        status(port, "/healthz")


def test_a_taken_port_is_told(leaving: tuple[Engine, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with (
            pytest.raises(Conflict, match=f"Expected 127.0.0.1:{port} to be free for metrics"),
            probes.serving(leaving[0], "127.0.0.1", port),
        ):
            pass


def test_somebody_who_says_nothing_keeps_nobody_waiting(leaving: tuple[Engine, Path]) -> None:
    with probes.serving(leaving[0], "127.0.0.1", 0) as port, socket.create_connection(("127.0.0.1", port)):
        assert status(port, "/healthz") == 200


def test_lag_is_told_in_seconds_since_a_job_was_due(engine: Engine, clock: SettableClock) -> None:
    with engine.transaction(SYSTEM) as tx:
        jobs.add_many(tx, [NewJob("note"), NewJob("note", due_at=tx.now + timedelta(seconds=60))])

    clock.advance(seconds=61)

    assert read(engine)["procession_job_lag_seconds,engine"] == 61


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_jobs_that_wait_are_leapt_over(engine: Engine) -> None:
    """SQLite tells how much it does: finding the lanes must not read the jobs in them."""
    hundreds: list[None] = []
    with engine.transaction(SYSTEM) as tx:
        later = tx.now + timedelta(days=1)
        jobs.add_many(tx, [NewJob("note", topic=topic, due_at=later) for topic in ("", "a") for _ in range(3_000)])

    with engine.reading(SYSTEM) as tx:
        driver: Any = tx.connection.connection.driver_connection
        driver.set_progress_handler(lambda: hundreds.append(None), 100)
        found = list(gauges._lanes(tx))
        driver.set_progress_handler(None, 0)

    assert found == [("engine", "", 0), ("engine", "a", 0)]
    assert len(hundreds) < 10
