"""The database is away: each page and call says so with 503, and works again once it is back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engine import Engine, Right, Settings, access_tokens
from tests.integration.test_api import Program
from tests.integration.test_metrics import away
from tests.site import Site, add_cast, words


@pytest.fixture
def path(_sqlite_tables: Path, tmp_path: Path) -> Path:
    path = tmp_path / "leaving.db"
    path.write_bytes(_sqlite_tables.read_bytes())
    return path


@pytest.fixture
def site(path: Path) -> Iterator[Site]:
    with Engine(Settings(database_url=f"sqlite:///{path}")) as engine:
        add_cast(engine)
        site = Site.over(engine)
        site.app.testing = False  # what nobody handles would be an answer 500
        yield site


@pytest.mark.parametrize("address", ["/", "/start/", "/instances/1", "/login"])
def test_pages_say_so_and_come_back(site: Site, path: Path, address: str, caplog: pytest.LogCaptureFixture) -> None:
    ben = site.visitor("ben")
    usual = ben.get(address).status_code

    with away(site.engine, path), caplog.at_level(logging.WARNING):
        page = ben.get(address)
        part = ben.get(address, fragment=True)
        told = ben.client.get(address, headers={"Accept": "application/json"})

    assert {page.status_code, part.status_code, told.status_code} == {503}
    assert (page.headers["Retry-After"], part.headers["Retry-After"]) == ("1", "1")
    assert "The database does not answer" in words(page.text) and "<html" in page.text
    assert "The database does not answer" in words(part.text) and "<html" not in part.text
    assert told.json["error"]["status"] == 503
    assert set(caplog.messages) == {"database away"}
    assert ben.get(address).status_code == usual


def test_signing_in_says_so(site: Site, path: Path) -> None:
    stranger = site.stranger()
    stranger.token()

    with away(site.engine, path):
        assert stranger.sign_in("ben").status_code == 503

    assert stranger.sign_in("ben").status_code == 302


def test_calls_of_programs_say_so(site: Site, path: Path) -> None:
    program = Program(site, *access_tokens.SCOPES)
    site.app.testing = False

    with away(site.engine, path):
        answers = [
            program.call("GET", "/external-task"),
            program.post("/message", {"messageName": "paid"}),
            site.app.test_client().post("/webhooks/shop", data=b"{}"),
        ]

    assert [each.status_code for each in answers] == [503] * 3
    assert {each.json["type"] for each in answers} == {"RestException"}
    assert [each.headers["Retry-After"] for each in answers[:2]] == ["1"] * 2
    assert program.call("GET", "/external-task").status_code == 200


def test_no_connection_left_is_worth_another_call(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(site, Right.WORK)

    def none_left(*_args: object, **_about: object) -> None:
        raise PoolTimeout("QueuePool limit reached")

    monkeypatch.setattr("web.api.external_tasks.external_task_query.find", none_left)

    assert program.call("GET", "/external-task").status_code == 503


def test_a_statement_that_fails_is_a_bug_and_no_outage(site: Site) -> None:
    """It would fail again, however often it is tried."""
    program = Program(site, Right.WORK)
    site.app.testing = False
    with site.engine.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job RENAME TO lost")

    answer = program.call("GET", "/external-task")

    assert (answer.status_code, answer.json["type"]) == (500, "RestException")
    assert "lost" not in answer.text and "job" not in answer.text
