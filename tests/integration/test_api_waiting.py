"""Workers that wait for work: over real connections, which may be many, and whose other side may go."""

from __future__ import annotations

import json
import signal
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from engine import SYSTEM, Engine, Settings, access_tokens, definitions, external_task_query, instances
from tests.integration.test_api import CALL
from tests.integration.test_web_run import Program
from tests.live import Server, serving
from tests.play import document
from web.api.external_tasks import MOST_WAITING

LONG = 60_000
"""Milliseconds; more than any of these tests takes."""
SOON = 5.0


@pytest.fixture
def engine(migrated_url: str) -> Engine:
    settings = Settings(database_url=migrated_url, secret_key="for tests", poll_interval=timedelta(milliseconds=50))
    return Engine(settings)


@pytest.fixture
def secret(engine: Engine) -> str:
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": document(CALL)})
        return access_tokens.add(tx, "tests", scopes=access_tokens.SCOPES, life=timedelta(days=1))


def begin(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        instances.start(tx, "p")


def asking(server: Server, secret: str, worker: str, wait: int = LONG) -> Request:
    topic = {"topicName": "rate", "lockDuration": 60_000}
    asked = {"workerId": worker, "maxTasks": 1, "asyncResponseTimeout": wait, "topics": [topic]}
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    path = f"{server.address}/engine-rest/external-task/fetchAndLock"
    return Request(path, json.dumps(asked).encode(), headers)


def ask(server: Server, secret: str, worker: str) -> list[object]:
    with urlopen(asking(server, secret, worker), timeout=30) as answer:
        return list(json.load(answer))


def lockers(engine: Engine) -> list[str | None]:
    """Who has each of the tasks."""
    with engine.reading(SYSTEM) as tx:
        return [task.worker if task.locked_until else None for task in external_task_query.find(tx, {})]


def test_who_hangs_up_gets_nothing(engine: Engine, secret: str) -> None:
    with engine, serving(engine) as server:
        request = asking(server, secret, "gone")
        told = urlsplit(server.address)
        lines = [f"{name}: {value}" for name, value in request.header_items()]
        lines += ["Host: here", f"Content-Length: {len(request.data or b'')}"]  # type: ignore[arg-type]
        with socket.create_connection((told.hostname, told.port)) as line:  # type: ignore[arg-type]
            line.sendall("\r\n".join([f"POST {request.selector} HTTP/1.1", *lines, "", ""]).encode())
            line.sendall(request.data or b"")  # type: ignore[arg-type]
            time.sleep(0.3)  # it waits
        time.sleep(0.3)  # and is seen to be gone

        begin(engine)
        time.sleep(0.3)

        assert lockers(engine) == [None]
        assert len(ask(server, secret, "there")) == 1


def test_who_waits_gets_what_comes(engine: Engine, secret: str) -> None:
    with engine, serving(engine) as server, ThreadPoolExecutor() as workers:
        answer = workers.submit(ask, server, secret, "w")
        time.sleep(0.3)

        begin(engine)

        assert len(answer.result(SOON)) == 1
        assert lockers(engine) == ["w"]


def answered(answers: list[Future[list[object]]], count: int) -> bool:
    """As many and no more, within a moment."""
    deadline = time.monotonic() + SOON
    while sum(each.done() for each in answers) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return sum(each.done() for each in answers) == count


def test_many_who_wait_leave_room_for_others(engine: Engine, secret: str) -> None:
    """Those beyond as many as may wait are answered at once."""
    with engine, serving(engine) as server, ThreadPoolExecutor(20) as workers:
        answers = [workers.submit(ask, server, secret, f"w{number}") for number in range(20)]

        assert answered(answers, 20 - MOST_WAITING)
        assert urlopen(f"{server.address}/login", timeout=SOON).status == 200

        engine.bell.close()
        assert [each.result(SOON) for each in answers] == [[]] * 20


def test_a_server_that_is_stopped_answers_who_waits(engine: Engine, secret: str, tmp_path: Path) -> None:
    told = {"PROCESSION_DATABASE_URL": engine.settings.database_url, "PROCESSION_SECRET_KEY": "for tests"}
    with engine, ThreadPoolExecutor(20) as workers, Program(tmp_path, **told) as program:
        server = Server(program.address(), engine)
        answers = [workers.submit(ask, server, secret, f"w{number}") for number in range(20)]
        assert answered(answers, 20 - MOST_WAITING)

        stopped_at = time.monotonic()

        assert program.stop(signal.SIGTERM) == 0
        assert time.monotonic() - stopped_at < SOON
        assert [each.result(SOON) for each in answers] == [[]] * 20
