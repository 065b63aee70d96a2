"""The engine as a program: a Store that migrates its database and runs its jobs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.pool import StaticPool

from engine import calls, gates, jobs, leases, messages, services, signals, timers, tries
from engine.clock import Clock
from engine.config import Settings
from engine.dispatch.threads import Lane, Threads
from engine.errors import Conflict, EngineError
from engine.jobs import Handler
from engine.services import http, mail
from engine.storage import migrations
from engine.transaction import Ref, Store

if TYPE_CHECKING:
    from engine.dispatch.broker import Sender

HANDLERS: Mapping[str, Handler] = {
    "timer": timers.HANDLER,
    "service": services.HANDLER,
    "http": http.HANDLER,
    "mail": mail.HANDLER,
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


@dataclass(frozen=True, slots=True)
class _Queue:
    threads: Callable[[Settings], int]
    topics: Callable[[], Collection[str] | None]
    """Of the jobs that can be run here; None: all."""


LANES: Mapping[str, _Queue] = {
    jobs.ENGINE_QUEUE: _Queue(lambda settings: settings.worker_threads, lambda: ("",)),
    jobs.SERVICE_QUEUE: _Queue(lambda settings: settings.service_threads, services.topics),
    jobs.HTTP_QUEUE: _Queue(lambda settings: settings.http_threads, lambda: None),
    jobs.MAIL_QUEUE: _Queue(lambda settings: settings.mail_threads, lambda: None),
}
"""The queues, each run by threads of its own: what is slow holds up nothing else."""


class Engine(Store):
    """Everything a program needs. As a context manager it stops its worker and closes at the end."""

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(settings, clock=clock)
        self._worker: Threads | None = None
        self._sender: Sender | None = None
        for name in self.settings.services:
            _import_services(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def migrate(self) -> str:
        """Bring the database to this program's tables; gives its revision. Raises Conflict when it is too new."""
        return migrations.upgrade(self._writers)

    def require_current(self) -> None:
        """Raises Conflict, saying what to do, unless the database has this program's tables, or more than those."""
        with self.database.connect() as connection:
            migrations.require_current(connection)

    def run_until_idle(self, *, at_most: int = 10_000) -> int:
        """Run due jobs in this thread until none is left; gives how many runs that took.

        Jobs that wait for a later moment (a timer, the next try) are left alone. Raises EngineError after at_most runs.
        """
        ran = 0
        while refs := self._claim():
            for ref in refs:
                tries.execute(self, ref, HANDLERS)
            ran += len(refs)
            if ran >= at_most:
                raise EngineError(f"Expected all jobs to be done within {at_most} runs, but jobs keep coming.")
        return ran

    def _claim(self) -> list[Ref]:
        return [
            ref
            for queue, lane in LANES.items()
            for ref in leases.claim(self, BATCH, queue, lane.topics(), gates.Gate())
        ]

    def start_worker(self, queues: Collection[str] = (), *, threads: int | None = None) -> None:
        """Run jobs on threads of this process until stop_worker. Raises Conflict for a database in memory.

        queues: those whose jobs it runs; none named: all. threads: of each queue; None: as the settings say.
        """
        if isinstance(self.database.pool, StaticPool):
            raise Conflict("Expected a database that threads can share, but this one is in memory. Name a file.")
        if self._worker is None:
            lanes = [
                Lane(queue, threads or lane.threads(self.settings), lane.topics)
                for queue, lane in LANES.items()
                if not queues or queue in queues
            ]
            self._worker = Threads(self, HANDLERS, lanes)
            sender = self._start_sender()
            self.dispatch = self._worker if sender is None else sender.beside(self._worker)
            self._worker.start()

    def start_sending(self) -> None:
        """Run no jobs here: send them to workers elsewhere. Without a broker they are left to be polled."""
        self.dispatch = self._start_sender()

    def _start_sender(self) -> Sender | None:
        if self._sender is None and self.settings.broker_url:
            try:
                from engine.dispatch import broker
            except ModuleNotFoundError as cause:
                wanted = "Expected what PROCESSION_BROKER_URL needs to be installed"
                raise EngineError(f"{wanted}, but {cause}. Do: pip install 'procession[celery]'") from cause
            app = broker.app(self.settings.broker_url, LANES)
            self._sender = broker.Sender(self, app, {queue: lane.topics for queue, lane in LANES.items()})
            self._sender.start()
        return self._sender

    def take(self, ref: Ref) -> None:
        """Run a job that was handed out elsewhere; unless this worker is about to stop."""
        if self._worker is not None:
            self._worker.take(ref)

    def stop_worker(self) -> None:
        """Finish the jobs that run, give back those that wait. A second call does nothing."""
        worker, self._worker, self.dispatch = self._worker, None, None
        if worker is not None:
            worker.stop()
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.stop()

    def close(self) -> None:
        self.stop_worker()
        super().close()


def _import_services(name: str) -> None:
    """Importing a module of services registers them."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as cause:
        raise EngineError(f"Expected to import {name}, which setting `services` names, but: {cause}.") from cause
