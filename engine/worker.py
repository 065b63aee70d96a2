"""The engine as a program: a Store that migrates its database and runs its jobs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from sqlalchemy.pool import StaticPool

from engine import calls, jobs, messages, services, signals, timers, tries
from engine.clock import Clock
from engine.config import Settings
from engine.dispatch.threads import Threads
from engine.errors import Conflict, EngineError
from engine.jobs import Handler
from engine.storage import migrations
from engine.transaction import Store

HANDLERS: Mapping[str, Handler] = {
    "timer": timers.HANDLER,
    "service": services.HANDLER,
    "message": messages.MESSAGE,
    "seek": messages.SEEK,
    "signal": signals.SIGNAL,
    "delivery": signals.DELIVERY,
    "call": calls.CALL,
    "return": calls.RETURN,
    "escalation": calls.ESCALATION,
    "recall": calls.RECALL,
    "release": calls.RELEASE,
}

BATCH = 100


class Engine(Store):
    """Everything a program needs. As a context manager it stops its worker and closes at the end."""

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(settings, clock=clock)
        self._worker: Threads | None = None
        for name in self.settings.services:
            _import_services(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def migrate(self) -> str:
        """Bring the database to this program's tables; gives the revision. Raises Conflict when it is newer."""
        return migrations.upgrade(self._writers)

    def require_current(self) -> None:
        """Raises Conflict, saying what to do, unless the database has this program's tables."""
        with self.database.connect() as connection:
            migrations.require_current(connection)

    def run_until_idle(self, *, at_most: int = 10_000) -> int:
        """Run due jobs in this thread until none is left; gives how many runs that took.

        Jobs that wait for a later moment (a timer, the next try) are left alone. Raises EngineError after at_most runs.
        """
        ran = 0
        while refs := [ref for queue in jobs.QUEUES for ref in jobs.claim(self, BATCH, queue)]:
            for ref in refs:
                tries.execute(self, ref, HANDLERS)
            ran += len(refs)
            if ran >= at_most:
                raise EngineError(f"Expected all jobs to be done within {at_most} runs, but jobs keep coming.")
        return ran

    def start_worker(self) -> None:
        """Run jobs on threads of this process until stop_worker. Raises Conflict for a database in memory."""
        if isinstance(self.database.pool, StaticPool):
            raise Conflict("Expected a database that threads can share, but this one is in memory. Name a file.")
        if self._worker is None:
            self._worker = Threads(self, HANDLERS)
            self.dispatch = self._worker.submit
            self._worker.start()

    def stop_worker(self) -> None:
        """Finish the jobs that run, give back those that wait. A second call does nothing."""
        worker, self._worker, self.dispatch = self._worker, None, None
        if worker is not None:
            worker.stop()

    def close(self) -> None:
        self.stop_worker()
        super().close()


def _import_services(name: str) -> None:
    """Importing a module of services registers them."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as cause:
        raise EngineError(f"Expected to import {name}, which setting `services` names, but: {cause}.") from cause
