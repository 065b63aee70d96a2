"""A worker process that kills itself, as kill -9 would, when it comes to a chosen point for the first time.

It works on chains of jobs. Each step calls a service (a line in a file), then records itself (an event) and adds the
next step, in one transaction.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from engine import jobs, services
from engine.config import Settings
from engine.dispatch.threads import Lane, Threads
from engine.jobs import Handler, Handlers, Job, NewJob, Told
from engine.storage.tables import EventRow
from engine.transaction import Ref, Store, Transaction
from engine.worker import Engine
from tests.play import chain, document

STEPS = 4
LEASE = timedelta(seconds=0.5)

POINTS = ("claimed", "called", "changing", "committed", "handed over")
"""Where a worker dies:

claimed: it holds a job and has not begun it        called: the service has answered, nothing is recorded
changing: state is changed, not yet committed       committed: the next step exists, nobody was told of it
handed over: the next step is in a thread's hands, not begun
"""

PROCESS = document(
    """
    <startEvent id="ordered"/>
    <serviceTask id="charge" camunda:type="external" camunda:topic="charge"/>
    <intermediateCatchEvent id="pause">
      <timerEventDefinition><timeDuration>PT0.2S</timeDuration></timerEventDefinition>
    </intermediateCatchEvent>
    <serviceTask id="ship" camunda:type="external" camunda:topic="ship"/>
    <endEvent id="done"/>
    """
    + chain("ordered", "charge", "pause", "ship", "done")
)

_processes = get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Place:
    """What one worker needs to know. point: where to die; None: nowhere."""

    database_url: str
    calls: Path
    point: str | None = None

    def engine(self) -> Engine:
        return Engine(Settings(self.database_url, worker_threads=2, poll_interval=LEASE / 10, lease=LEASE))


def start(place: Place) -> BaseProcess:
    """Start a worker for chains of jobs in a process of its own."""
    return _started(_work, place)


def start_engine(place: Place) -> BaseProcess:
    """Start a worker for real processes in a process of its own; it serves the topics of PROCESS."""
    return _started(_serve, place)


def _started(target: Callable[[Place], None], place: Place) -> BaseProcess:
    process = _processes.Process(target=target, args=(place,), daemon=True)
    process.start()
    return process


def add_chains(tx: Transaction, count: int) -> None:
    jobs.add_many(tx, [NewJob("step", payload={"chain": chain, "step": 1}) for chain in range(count)])


# ---- inside the worker's process -----------------------------------------------------------------------------------


def _work(place: Place) -> None:
    with place.engine() as engine:
        threads = _Deadly(engine, _handlers(place), place.point)
        engine.dispatch = threads
        threads.start()
        time.sleep(60)  # until it is killed


def _handlers(place: Place) -> Handlers:
    def call(store: Store, job: Job, told: Told) -> object:
        with place.calls.open("a") as file:
            file.write(f"{job.payload['chain']}-{job.payload['step']}\n")
        _die_at("called", place.point)
        return None

    def finish(tx: Transaction, job: Job, _outcome: object) -> None:
        tx.session.add(EventRow(at=tx.now, actor="worker", kind="step", data=dict(job.payload)))
        tx.session.flush()
        if job.payload["step"] < STEPS:
            jobs.add(tx, "step", payload={**job.payload, "step": job.payload["step"] + 1})
        _die_at("changing", place.point)

    return {"step": Handler(call=call, finish=finish)}


def _serve(place: Place) -> None:
    for topic in ("charge", "ship"):
        services.register(topic)(lambda call: _served(place, call))
    with place.engine() as engine:
        engine.start_worker()
        time.sleep(60)


def _served(place: Place, call: services.Call) -> dict[str, object]:
    with place.calls.open("a") as file:
        file.write(f"{call.idempotency_key}\n")
    return {call.element_id: True}


class _Deadly(Threads):
    def __init__(self, store: Store, handlers: Handlers, point: str | None) -> None:
        super().__init__(store, handlers, [Lane("engine", store.settings.worker_threads)])
        self._point = point

    def submit(self, refs: Sequence[Ref]) -> None:
        if threading.current_thread() is self._poller:
            _die_at("claimed" if refs else "", self._point)
            super().submit(refs)
        else:
            _die_at("committed", self._point)
            super().submit(refs)
            _die_at("handed over", self._point)


def _die_at(point: str, chosen: str | None) -> None:
    if point == chosen:
        os.kill(os.getpid(), signal.SIGKILL)
