"""Procession as many processes on one machine: pages, workers, a database, perhaps a broker; each can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.brokers import Broker, free_port

ROOT = Path(__file__).parents[1]
SECRET_KEY = "for tests"
READY_SECONDS = 60
COMMAND = [sys.executable, "-c", "from web.cli import main; main()"]
CELERY = [sys.executable, "-m", "celery", "-A", "engine.dispatch.celery", "worker", "--loglevel", "WARNING"]


@dataclass
class Process:
    """One that runs until it is stopped, and is started again as it was."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    address: str = ""
    """Of its pages; "": it has none."""
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            told = {**os.environ, **self.environment}
            self.running = subprocess.Popen(
                self.command, env=told, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """As the power fails."""
        self._end(signal.SIGKILL)

    def stop(self, seconds: float = 30) -> int:
        """As an operator does; gives the exit status."""
        return self._end(signal.SIGTERM, seconds)

    def _end(self, how: signal.Signals, seconds: float = 10) -> int:
        assert self.running is not None
        with suppress(ProcessLookupError):
            os.killpg(self.running.pid, how) if how == signal.SIGKILL else self.running.send_signal(how)
        return self.running.wait(seconds)

    @property
    def is_ready(self) -> bool:
        if not self.address:
            return True
        with suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(f"{self.address}/login", timeout=2).status == 200
        return False


@dataclass
class Topology:
    database_url: str
    folder: Path
    broker: Broker | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of all processes, beyond the usual ones."""
    web: list[Process] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.web, *self.workers):
            if process.running is not None and process.running.poll() is None:
                process.kill()

    @property
    def environment(self) -> dict[str, str]:
        told = {
            "PROCESSION_DATABASE_URL": self.database_url,
            "PROCESSION_SECRET_KEY": SECRET_KEY,
            "PROCESSION_BROKER_URL": self.broker.url if self.broker else "",
            "PROCESSION_HTTP_HOSTS": "127.0.0.1",
            "PROCESSION_HTTP_PRIVATE": "127.0.0.0/8",
            "PROCESSION_LEASE": "3",
            "PYTHONPATH": str(ROOT),
        }
        return {**told, **self.settings}

    def add_web(self, *, with_worker: bool = False) -> Process:
        port = free_port()
        option = "--worker" if with_worker else "--no-worker"
        command = [*COMMAND, "run", option, "--port", str(port)]
        return self._add(self.web, f"web-{len(self.web)}", command, f"http://127.0.0.1:{port}")

    def add_worker(self, *queues: str) -> Process:
        """Celery's where there is a broker, else our own."""
        name = f"worker-{len(self.workers)}"
        options = [part for queue in queues for part in ("--queue", queue)]
        command = [*COMMAND, "worker", *options]
        if self.broker is not None:
            command = [*CELERY, "--hostname", f"{name}@%h", *(["-Q", ",".join(queues)] if queues else [])]
        return self._add(self.workers, name, command)

    def _add(self, among: list[Process], name: str, command: list[str], address: str = "") -> Process:
        process = Process(name, command, self.environment, self.folder / f"{name}.log", address)
        among.append(process)
        process.start()
        return process

    def await_web(self) -> None:
        eventually(lambda: all(process.is_ready for process in self.web), seconds=READY_SECONDS)


def eventually(is_so: Callable[[], object], *, seconds: float = 30, pause: float = 0.05) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(pause)
