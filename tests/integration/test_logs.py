"""Lines of the log say which job, instance and element they are about, whoever writes them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine import Engine, ServiceFailed, SettableClock, services
from engine.observe import logs
from engine.services import Call
from tests.driver import ROOT, Driver
from tests.play import END, START, chain, script, user
from tests.site import Site, Visitor
from tests.spans import tracing_in_memory

CALLING = (
    START
    + '<serviceTask id="charge" camunda:type="external" camunda:topic="charge"/>'
    + END
    + chain("start", "charge", "end")
)
DECIDING = START + user("approve") + script("count", "total = missing + 1") + END
DECIDING += chain("start", "approve", "count", "end")
Lines = Callable[[str], list[Any]]


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of an event, as a program reads them."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logs.handler(logs.JSON, stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda event: [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == event]
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_failed_try_says_which_and_why(driver: Driver, lines: Lines) -> None:
    driver.serve("charge", ServiceFailed("no such account", retryable=False))
    story = driver.draw(CALLING)

    (tried,), (failed,) = lines("job try failed"), lines("job failed")
    assert (tried["instance"], tried["element"]) == (failed["instance"], failed["element"]) == (story.id, "charge")
    assert tried["job"] == failed["job"]
    assert tried["exception"].splitlines()[-1].endswith("ServiceFailed: no such account")
    assert failed["error"] == "no such account"


def test_what_a_service_logs_belongs_to_its_job(driver: Driver, lines: Lines) -> None:
    @services.register("charge")
    def charge(call: Call) -> None:
        logging.getLogger("shop").info("charged", extra={"amount": 120})

    story = driver.draw(CALLING)

    (line,) = lines("charged")
    assert (line["logger"], line["amount"]) == ("shop", 120)
    assert (line["instance"], line["element"], line["job"] > 0) == (story.id, "charge", True)


def test_lines_of_the_next_job_are_about_that_one(driver: Driver, lines: Lines) -> None:
    driver.serve("charge", ServiceFailed("no such account", retryable=False))

    stories = [driver.draw(CALLING) for _ in range(2)]

    assert [line["instance"] for line in lines("job failed")] == [story.id for story in stories]
    assert len({line["job"] for line in lines("job failed")}) == 2


def test_an_incident_that_a_person_runs_into_is_logged(driver: Driver, lines: Lines) -> None:
    story = driver.draw(DECIDING)
    driver.complete(ROOT, "approve")

    (line,) = lines("incident")
    assert (line["level"], line["instance"], line["element"]) == ("WARNING", story.id, "count")
    assert "missing" in line["reason"]
    assert "job" not in line


def test_lines_name_the_trace_they_belong_to(driver: Driver, lines: Lines) -> None:
    driver.serve("charge", ServiceFailed("no such account", retryable=False))

    with tracing_in_memory() as traced:
        driver.draw(CALLING)

    assert {lines("job failed")[0]["trace"]} == traced.trace_ids()


def test_neither_requests_nor_statements_tell_secrets(
    site: Site, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.engine.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE account RENAME TO away")
    site.app.testing = False

    stranger = site.stranger()
    stranger._token = "none"
    site.app.config["WTF_CSRF_ENABLED"] = False
    answer = stranger.sign_in("secret-name", "secret-password")

    with site.engine.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO account")
    (line,) = [line for line in lines("Exception on /login [POST]")]
    assert answer.status_code == 500
    assert "account" in line["exception"]
    assert "secret" not in json.dumps(line)


def test_a_request_that_was_served_leaves_nothing_in_hand(site: Site, ana: Visitor) -> None:
    ana.get("/")

    assert logs.in_hand() == {}
