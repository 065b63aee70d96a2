"""Real brokers for the tests, from Debian's packages: Redis and RabbitMQ, each on free ports of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

STARTING_SECONDS = 60
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = "/usr/bin/epmd"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(0.5)
        return tried.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """One server, running inside the with block; it can be killed and started again on its port."""

    scheme: str

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.scheme}-"))
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        self._start()
        _eventually(lambda: is_listening(self.port))

    def kill(self) -> None:
        """At once, with whatever it started."""
        self.strike()
        for process in self._processes:
            process.wait(10)
        self._processes.clear()

    def strike(self) -> None:
        """Kill it, and leave it there."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    @property
    def is_killed(self) -> bool:
        return any(process.poll() is not None for process in self._processes)

    def forget(self) -> None:
        """What it has kept in files, while it does not run."""

    def _start(self) -> None:
        raise NotImplementedError

    def _run(self, *command: str, **environment: str) -> None:
        with (self.folder / "log").open("ab") as log:
            told = {**os.environ, **environment}
            self._processes.append(
                subprocess.Popen(command, env=told, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
            )


class Redis(Broker):
    scheme = "redis"

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("redis-server") is not None

    def _start(self) -> None:
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        self._run("redis-server", *where, "--save", "", "--appendonly", "no")


class RabbitMq(Broker):
    scheme = "amqp"

    @staticmethod
    def is_installed() -> bool:
        return RABBITMQ.exists()

    def _start(self) -> None:
        names, distribution = free_port(), free_port()
        environment = {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tests-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }
        (self.folder / "plugins").write_text("[].")
        self._run(EPMD, "-port", str(names), "-address", "127.0.0.1")
        self._run(str(RABBITMQ), **environment)

    def forget(self) -> None:
        shutil.rmtree(self.folder / "mnesia", ignore_errors=True)


def _eventually(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError("The broker did not start.")
        time.sleep(0.05)
