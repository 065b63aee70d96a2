"""Workers that others' clients make, unchanged, against a live server: npm's and PyPI's of Camunda 7."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, Engine, InstanceStatus, Right, Settings, access_tokens, definitions, instances, progress
from tests.live import Server, serving
from tests.play import END, START, boundary, chain, document

CLIENTS = Path(__file__).parents[1] / "clients"
SECRET = "for tests"


def service(topic: str) -> str:
    return f'<serviceTask id="call" camunda:type="external" camunda:topic="{topic}"/>'


MAPPED = (
    START
    + '<serviceTask id="call" camunda:type="external" camunda:topic="TOPIC"><extensionElements><camunda:inputOutput>'
    + '<camunda:outputParameter name="kept">${own}</camunda:outputParameter>'
    + "</camunda:inputOutput></extensionElements></serviceTask>"
    + END
    + chain("start", "call", "end")
)
GUARDED = (
    START
    + service("refuse")
    + boundary("refused", "call", '<errorEventDefinition errorRef="declined"/>')
    + '<endEvent id="sorry"/>'
    + END
    + chain("start", "call", "end")
    + chain("refused", "sorry")
)
PLAIN = START + service("stumble") + END + chain("start", "call", "end")


@pytest.fixture
def server(migrated_url: str) -> Iterator[Server]:
    with Engine(Settings(database_url=migrated_url, secret_key=SECRET)) as engine, serving(engine) as server:
        yield server


@pytest.fixture(scope="session")
def javascript() -> list[str]:
    """How the worker in JavaScript is run; its client comes from npm."""
    with (CLIENTS / "package.json").open() as package:
        fcntl.flock(package, fcntl.LOCK_EX)  # others may want it at the same time
        if not (CLIENTS / "node_modules").is_dir():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=CLIENTS, check=True, capture_output=True)
    return ["node", str(CLIENTS / "worker.js")]


@pytest.fixture(params=["javascript", "python"])
def worker(request: pytest.FixtureRequest, server: Server) -> Iterator[str]:
    """A worker that runs; its name."""
    commands = {"javascript": lambda: request.getfixturevalue("javascript"), "python": _python}
    with running(commands[request.param](), server):
        yield request.param


def _python() -> list[str]:
    return [sys.executable, str(CLIENTS / "worker.py")]


@contextmanager
def running(command: list[str], server: Server) -> Iterator[None]:
    with server.engine.transaction(SYSTEM) as tx:
        token = access_tokens.add(tx, "worker", scopes=[Right.WORK], life=timedelta(days=1))
    told = {**os.environ, "BASE_URL": f"{server.address}/engine-rest", "TOKEN": token}
    process = subprocess.Popen(command, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def outcome(server: Server, body: str, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any], int]:
    """Run an instance to its end: how it ended, its variables, and the tries that this took."""
    with server.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body)})
        instance_id = instances.start(tx, "p", variables=variables, business_key="4711").id

    def is_over() -> bool:
        with server.engine.reading(SYSTEM) as tx:
            return instances.get(tx, instance_id).status != InstanceStatus.ACTIVE

    eventually(is_over)
    with server.engine.reading(SYSTEM) as tx:
        row, tries = instances.get(tx, instance_id), progress.tries(tx, instance_id)
        return str(row.status), instances.process_values(tx, instance_id), tries.total


def eventually(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "nothing came of it"
        time.sleep(0.02)


def test_a_worker_completes_a_task(server: Server, worker: str) -> None:
    order = {"amount": 120, "lines": ["a", {"b": None}], "note": "Grüße"}

    status, values, tries = outcome(server, MAPPED.replace("TOPIC", "rate"), {"order": order})

    assert (status, tries, values["rating"], values["kept"]) == ("completed", 1, "B", "4711")
    assert values["seen"]["by"] == worker
    assert str(values["day"]).startswith("2026-01-05")


def test_a_worker_throws_a_bpmn_error(server: Server, worker: str) -> None:
    status, values, tries = outcome(server, GUARDED, {})

    assert (status, tries, values["age"], values["errorCode"]) == ("completed", 1, 17, "DECLINED")


def test_a_worker_fails_and_tries_again(server: Server, worker: str) -> None:
    status, values, tries = outcome(server, PLAIN, {})

    assert (status, tries, values["tries"]) == ("completed", 2, 1)


README = (Path(__file__).parents[2] / "README.md").read_text()
RATED = START + service("credit-check") + END + chain("start", "call", "end")


@pytest.mark.parametrize("language", ["javascript", "py"])
def test_the_workers_in_readme_do_their_work(
    server: Server, language: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (program,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    file = tmp_path / {"javascript": "worker.mjs", "py": "worker.py"}[language]
    file.write_text(program)
    if language == "javascript":
        request.getfixturevalue("javascript")
        (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")

    with running([{"javascript": "node", "py": sys.executable}[language], str(file)], server):
        status, values, _ = outcome(server, RATED, {"amount": 12_000})

    assert (status, values["rating"]) == ("completed", "B")


def test_the_lock_file_is_of_the_client_that_people_use() -> None:
    package = json.loads((CLIENTS / "package-lock.json").read_text())
    assert package["packages"]["node_modules/camunda-external-task-client-js"]["version"] == "3.1.0"
