"""A real PostgreSQL server for the tests: made in a temporary folder, reached by a socket there, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

STARTING_SECONDS = 30
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "listen_addresses=")


def programs() -> Path | None:
    """The folder of the newest installed server's programs; None when PostgreSQL is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    return None if initdb is None else Path(initdb).parent


def kill_server(pid: int) -> None:
    """As the power fails: those of its processes that serve a connection have sessions of their own."""
    told = Path(f"/proc/{pid}/task/{pid}/children")
    children = told.read_text().split() if told.exists() else []
    for each in (pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


class Cluster:
    """One server, running inside the with block."""

    def __init__(self, programs: Path, *, is_durable: bool = False) -> None:
        """is_durable: what is committed outlives the server's death, though not the machine's."""
        self._programs = programs
        self._options = ("synchronous_commit=on", "full_page_writes=on") if is_durable else ()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        data = self._folder / "data"
        settings = [part for setting in (*QUICK, *self._options) for part in ("-c", setting)]
        subprocess.run(
            self._command("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-D", str(data)),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self._serving = self._command("postgres", "-D", str(data), "-k", str(self._folder), *settings)
        self._start()
        self._administration = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self._await_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._administration.dispose()
        self._server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        self._server.wait(STARTING_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        with (self._folder / "log").open("a") as log:
            self._server = subprocess.Popen(self._serving, stdout=log, stderr=log, start_new_session=True)

    def crash(self) -> None:
        """Kill it with all its processes, and start it again: it recovers what was committed."""
        kill_server(self.pid)
        self.start_again()

    def start_again(self) -> None:
        """After it was killed: as often as it refuses to start because one of its processes has not ended yet."""
        self._server.wait(STARTING_SECONDS)
        self._administration.dispose()
        until = time.monotonic() + STARTING_SECONDS
        while True:
            self._start()
            try:
                return self._await_start()
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def is_killed(self) -> bool:
        return self._server.poll() is not None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self._folder))}"

    def make(self, database: str, *, template: str = "template0") -> str:
        """Make a database, as a copy of another that nobody is connected to; gives its URL."""
        with self._administration.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy'))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, whoever is still connected to it."""
        with self._administration.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{database}" WITH (FORCE)'))

    def _command(self, program: str, *arguments: str) -> list[str]:
        """The server refuses to be root; it ends with the tests, even when they are killed."""
        user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        return ["setpriv", "--pdeathsig=INT", *user, str(self._programs / program), *arguments]

    def _await_start(self) -> None:
        until = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                with self._administration.connect():
                    return
            except OperationalError as cause:
                if self._server.poll() is not None or time.monotonic() > until:
                    told = (self._folder / "log").read_text()
                    raise RuntimeError(f"Expected PostgreSQL to start, but it said:\n{told}") from cause
                time.sleep(0.05)
