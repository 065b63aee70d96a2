"""The demonstration as `make run` has it: pages, workers on threads, and the services that the examples call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine import SYSTEM, Engine, InstanceStatus, Settings, accounts, instances, progress, user_tasks
from engine.services import catalog
from processes.demo import DOCUMENTS_AT_ONCE
from tests import live, outside
from tests.outside import Outside
from web import demo

PATIENCE_SECONDS = 60
DOCUMENTS = 200


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Outside]:
    with outside.serving(tmp_path / "demo-services.db") as found:
        yield found


@pytest.fixture
def engine(tmp_path: Path, _sqlite_tables: Path, services: Outside) -> Iterator[Engine]:
    path = tmp_path / "procession.db"
    path.write_bytes(_sqlite_tables.read_bytes())
    settings = Settings(f"sqlite:///{path}", services=demo.services(), http_private=("127.0.0.0/8",))
    with Engine(settings) as engine, live.serving(engine) as server:
        engine.settings = replace(settings, public_url=server.address)
        demo.prepare(engine, services.address)
        yield engine


def await_true(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_the_register_tells_its_answer_later(engine: Engine, services: Outside) -> None:
    with engine.reading(SYSTEM) as tx:
        ben = accounts.get(tx, "ben").actor

    def has_task() -> bool:
        with engine.reading(ben) as tx:
            return "Jon Vale" in {task.business_key for task in user_tasks.inbox(tx).rows}

    await_true(has_task)
    with engine.reading(SYSTEM) as tx:
        hired = next(one for one in instances.find(tx).rows if one.business_key == "Jon Vale")
        tries = [each.answer for each in progress.tries(tx, hired.id) if each.element_id == "check-identity"]
    assert tries[0] == '{"confirmed":true}'
    assert tries[1].startswith("202")


def test_two_hundred_documents_side_by_side(engine: Engine, services: Outside) -> None:
    documents = [f"Bill {number}: invoice with amount payable" for number in range(DOCUMENTS)]
    told = {"document_lines": "\n".join(documents), "threshold": 0.8}
    with engine.transaction(SYSTEM) as tx:
        batch = instances.start(tx, "document-pipeline", variables=told).id

    def is_over() -> bool:
        with engine.reading(SYSTEM) as tx:
            return instances.get(tx, batch).status != InstanceStatus.ACTIVE

    await_true(is_over)
    with engine.reading(SYSTEM) as tx:
        values = {variable.name: variable.value for variable in instances.variables(tx, batch)}
    assert values["summary"]["published"] == DOCUMENTS
    assert services.acts().count("stored") >= DOCUMENTS


def test_a_long_batch_does_not_flood_the_service_of_documents(engine: Engine) -> None:
    with engine.reading(SYSTEM) as tx:
        found = {service.name: service.most_at_once for service in catalog.find(tx)}

    assert found["documents"] == DOCUMENTS_AT_ONCE
