"""Run jobs on a few threads of this process; one more thread asks the job table for what is due."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from engine import jobs, tries
from engine.jobs import ENGINE_QUEUE, Handlers
from engine.transaction import Ref, Store

log = logging.getLogger(__name__)

AHEAD = 4
"""Jobs claimed ahead for each thread: enough to keep it busy, few enough to leave the rest to other processes."""
MOST_WAITING = 64
"""Jobs for each thread that may wait here when commands hand over more than the threads can run."""
LONGEST_PAUSE = timedelta(seconds=30)


class Threads:
    """Takes jobs in two ways: handed over after a commit (submit), or found due by the poller.

    The poller also keeps the leases of what is held here, however long it runs: a lease runs out only when the process
    is gone. Polling costs one indexed query in each poll_interval, however many jobs wait for later.
    """

    def __init__(self, store: Store, handlers: Handlers, *, queues: Sequence[str] = (ENGINE_QUEUE,)) -> None:
        self._store = store
        self._handlers = handlers
        self._queues = queues
        self._waiting: queue.SimpleQueue[Ref | None] = queue.SimpleQueue()
        self._held: set[Ref] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._has_more = False
        self._kept_at = time.monotonic()
        size = store.settings.worker_threads
        self._threads = [self._thread(self._work, f"job-{number}") for number in range(size)]
        self._poller = self._thread(self._poll, "job-poller")

    def start(self) -> None:
        for thread in (*self._threads, self._poller):
            thread.start()

    def stop(self, grace: timedelta | None = None) -> None:
        """Finish what runs, give back the rest. What runs beyond the grace (one lease) is left to its lease."""
        self._stopping.set()
        self._wake.set()
        self._poller.join()
        self._carefully(partial(self._give_back_beyond, 0))
        for _ in self._threads:
            self._waiting.put(None)
        until = time.monotonic() + (grace or self._store.settings.lease).total_seconds()
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))
        log.info("worker stopped", extra={"unfinished": len(self._held)})

    def submit(self, refs: Sequence[Ref]) -> None:
        """Run these soon; returns at once."""
        with self._lock:
            self._held.update(refs)
        for ref in refs:
            self._waiting.put(ref)

    # ---- the threads -----------------------------------------------------------------------------------------------

    def _thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        return threading.Thread(target=target, name=name, daemon=True)

    def _work(self) -> None:
        while (ref := self._waiting.get()) is not None:
            self._carefully(partial(tries.execute, self._store, ref, self._handlers))
            with self._lock:
                self._held.discard(ref)
            if self._has_more and self._waiting.qsize() <= len(self._threads):
                self._wake.set()

    def _carefully(self, act: Callable[[], object]) -> bool:
        """Go on whatever happens: the database is away, or it is a bug of ours. Leases run out, jobs come again."""
        try:
            act()
        except Exception:  # the worker's loop: the one place that outlives everything
            log.exception("worker goes on")
            return False
        return True

    # ---- the poller ------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        pause = self._store.settings.poll_interval
        while not self._stopping.is_set():
            went_well = self._carefully(self._round)
            pause = self._store.settings.poll_interval if went_well else min(pause * 2, LONGEST_PAUSE)
            self._wake.wait(pause.total_seconds())
            self._wake.clear()

    def _round(self) -> None:
        self._give_back_beyond(MOST_WAITING * len(self._threads))
        self._keep_leases()
        room = AHEAD * len(self._threads) - self._waiting.qsize()
        refs = jobs.claim(self._store, room, self._queues) if room > 0 else []
        self._has_more = len(refs) >= room
        self.submit(refs)

    def _keep_leases(self) -> None:
        if time.monotonic() - self._kept_at < self._store.settings.lease.total_seconds() / 3:
            return
        with self._lock:
            held = list(self._held)
        if held:
            jobs.extend(self._store, held)
        self._kept_at = time.monotonic()

    def _give_back_beyond(self, most: int) -> None:
        surplus = []
        while self._waiting.qsize() > most and (ref := self._waiting.get()) is not None:
            surplus.append(ref)
        if surplus:
            with self._lock:
                self._held.difference_update(surplus)
            jobs.give_back(self._store, surplus)
