"""`procession run`: from an empty folder to a page, and stopped like any other program."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.request import urlopen

import pytest

from engine import SYSTEM, Engine, Service, Settings, accounts, definitions, instances, user_tasks
from engine.services import catalog
from tests import outside
from tests.postgres import Cluster
from web import demo

PROGRAM = (sys.executable, "-c", "from web.cli import main; main()")
STARTING_SECONDS = 60


class Program:
    """`procession run` in a folder of its own, from its start on."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self._log = folder / "said.txt"
        given = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
        with self._log.open("w") as log:
            command = (*PROGRAM, "run", "--port", "0", *options)
            self._process = subprocess.Popen(command, cwd=folder, env=given, stdout=log, stderr=subprocess.STDOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def said(self) -> str:
        return self._log.read_text()

    def status_of(self, path: str) -> int:
        """Ask for a page, as soon as the program says where it is."""
        status: int = urlopen(f"{self.address()}{path}").status
        return status

    def address(self) -> str:
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+", self.said):
                return found.group()
            time.sleep(0.05)
        raise AssertionError(self.said)

    def stop(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        return self.end()

    def end(self) -> int:
        return self._process.wait(STARTING_SECONDS)


def counts(folder: Path) -> tuple[int, int, int]:
    with Engine(Settings(database_url=f"sqlite:///{folder}/procession.db")) as engine, engine.reading(SYSTEM) as tx:
        found = accounts.find(tx).total, len(definitions.latest(tx)), instances.find(tx).total
    return found[0] or 0, found[1], found[2] or 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_first_start_serves_the_demonstration_and_a_second_changes_nothing(
    tmp_path: Path, stop: signal.Signals
) -> None:
    with Program(tmp_path, "--demo") as program:
        assert program.status_of("/readyz") == 200
        assert program.stop(stop) == 0
        assert program.said.startswith("Procession is at")
        assert "procession-demo" in program.said
        assert "Stopped." in program.said
    first = counts(tmp_path)
    assert first == (6, 4, len(demo.OPENINGS))

    with Program(tmp_path, "--demo") as program:
        assert program.status_of("/login") == 200
    assert counts(tmp_path) == first


def test_a_start_without_demonstration_tells_how_to_make_the_first_account(tmp_path: Path) -> None:
    with Program(tmp_path) as program:
        assert program.status_of("/readyz") == 200
        assert "procession user add" in program.said

    assert counts(tmp_path) == (0, 0, 0)


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Program(tmp_path, "--port", port) as program:
            assert program.end() == 1

    assert program.said.startswith(f"Error: Expected 127.0.0.1:{port} to be free")


@pytest.mark.postgres
def test_a_server_database_without_a_key_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    with Program(tmp_path, PROCESSION_DATABASE_URL=cluster.make("without-a-key")) as program:
        assert program.end() == 1

    assert "PROCESSION_SECRET_KEY" in program.said


def test_the_demonstration_fills_the_inboxes(engine: Engine) -> None:
    assert demo.prepare(engine)
    engine.run_until_idle()

    with engine.reading(SYSTEM) as tx:
        ben = accounts.get(tx, "ben").actor
    with engine.reading(ben) as tx:
        assert {task.business_key for task in user_tasks.inbox(tx).rows} >= {"PO-1001", "PO-1002"}
    assert not demo.prepare(engine)


def test_the_demo_services_are_found_where_they_are_now_and_limits_stay(engine: Engine) -> None:
    demo.prepare(engine, "http://127.0.0.1:1001")
    with engine.transaction(SYSTEM) as tx:
        catalog.put(tx, replace(catalog.get(tx, "payments"), most_at_once=3))
        catalog.put(tx, Service("crm", "https://crm.example.com"))

    demo.prepare(engine, "http://127.0.0.1:1002")

    with engine.reading(SYSTEM) as tx:
        payments, crm = catalog.get(tx, "payments"), catalog.get(tx, "crm")
    assert (payments.base_url, payments.most_at_once) == ("http://127.0.0.1:1002/payments", 3)
    assert crm.base_url == "https://crm.example.com"


def test_demo_services_run_on_their_own_and_a_taken_port_is_told(tmp_path: Path) -> None:
    with outside.Process(tmp_path) as process:
        assert process.outside.ledger() == {"calls": [], "entries": []}
        port = process.outside.address.rpartition(":")[2]
        with Program(tmp_path, "--demo", "--services-port", port) as program:
            assert program.end() == 1

    assert f"Expected 127.0.0.1:{port} to be free" in program.said
