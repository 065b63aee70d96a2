"""Run jobs on a few threads of this process; one more thread asks the job table for what is due."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from engine import gates, leases, tries, workers
from engine.jobs import Handlers
from engine.transaction import Ref, Store, Transaction

log = logging.getLogger(__name__)

AHEAD = 4
"""Jobs claimed ahead for each thread: enough to keep it busy, few enough to leave the rest to other processes."""
MOST_WAITING = 64
"""Jobs for each thread that may wait here when commands hand over more than the threads can run."""
LONGEST_PAUSE = timedelta(seconds=30)
PATIENCE = timedelta(seconds=1)


@dataclass(slots=True)
class Lane:
    """What waits here of one queue, for the threads that run it."""

    name: str
    threads: int
    topics: Callable[[], Collection[str] | None] = lambda: ("",)
    """Of the jobs that its threads can run; None: all."""
    waiting: queue.SimpleQueue[Ref | None] = field(default_factory=queue.SimpleQueue)
    has_more: bool = False
    """The table held more than was claimed, or than may run at one time."""

    @property
    def room(self) -> int:
        return max(0, AHEAD * self.threads - self.waiting.qsize())

    @property
    def own(self) -> Collection[str]:
        """The topics that are served by name."""
        return [topic for topic in self.topics() or () if topic]

    def surplus(self, most: int) -> Iterator[Ref]:
        """Takes what waits beyond `most`, and never waits itself: threads take from here, too."""
        with suppress(queue.Empty):
            while self.waiting.qsize() > most and (ref := self.waiting.get_nowait()) is not None:
                yield ref

    def has(self, topic: str) -> bool:
        topics = self.topics()
        return topics is None or topic in topics


class Threads:
    """Takes jobs in two ways: handed over after a commit (submit), or found due by the poller.

    The poller also keeps the leases of what is held here, however long it runs: a lease runs out only when the process
    is gone. Polling costs one indexed query for each queue in each poll_interval, however many jobs wait for later.
    """

    def __init__(self, store: Store, handlers: Handlers, lanes: Sequence[Lane]) -> None:
        self._store = store
        self._handlers = handlers
        self._held: set[Ref] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._kept_at = time.monotonic()
        self._lanes: Mapping[str, Lane] = {lane.name: lane for lane in lanes}
        self._threads = [
            self._thread(partial(self._work, lane), f"{lane.name}-{number}")
            for lane in self._lanes.values()
            for number in range(lane.threads)
        ]
        self._poller = self._thread(self._poll, "job-poller")

    def start(self) -> None:
        for thread in (*self._threads, self._poller):
            thread.start()

    def stop(self, grace: timedelta | None = None) -> None:
        """Finish what runs, give back the rest. What runs beyond the grace (one lease) is left to its lease."""
        self._stopping.set()
        self._wake.set()
        self._poller.join()
        for lane in self._lanes.values():
            self._carefully(partial(self._give_back_beyond, lane, 0))
            for _ in range(lane.threads):
                lane.waiting.put(None)
        until = time.monotonic() + (grace or self._store.settings.lease).total_seconds()
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))
        log.info("worker stopped", extra={"unfinished": len(self._held)})

    def takes(self, tx: Transaction, queue: str, topic: str) -> bool:
        lane = self._lanes.get(queue)
        return lane is not None and lane.has(topic) and gates.is_free(tx, topic)

    def look(self) -> None:
        self._wake.set()

    def has_room(self, queue: str) -> bool:
        lane = self._lanes.get(queue)
        return lane is not None and lane.room > 0

    def take(self, ref: Ref) -> None:
        """One that others have sent: waits a while for room, so that the sender's queue holds the rest."""
        until = time.monotonic() + PATIENCE.total_seconds()
        while not self.has_room(ref.queue) and time.monotonic() < until and not self._stopping.is_set():
            time.sleep(0.01)
        if ref.queue in self._lanes and not self._stopping.is_set():
            self.submit([ref])

    def submit(self, refs: Sequence[Ref]) -> None:
        """Run these soon; returns at once."""
        with self._lock:
            self._held.update(refs)
        for ref in refs:
            self._lanes[ref.queue].waiting.put(ref)

    # ---- the threads -----------------------------------------------------------------------------------------------

    def _thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        return threading.Thread(target=target, name=name, daemon=True)

    def _work(self, lane: Lane) -> None:
        while (ref := lane.waiting.get()) is not None:
            self._carefully(partial(tries.execute, self._store, ref, self._handlers))
            with self._lock:
                self._held.discard(ref)
            if lane.has_more and lane.waiting.qsize() <= lane.threads:
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
        self._keep_leases()
        workers.note(self._store, workers.own_name(), [topic for lane in self._lanes.values() for topic in lane.own])
        for lane in self._lanes.values():
            self._give_back_beyond(lane, MOST_WAITING * lane.threads)
            self._fill(lane)

    def _fill(self, lane: Lane) -> None:
        room, gate = lane.room, gates.Gate()
        refs = leases.claim(self._store, room, lane.name, lane.topics(), gate) if room else []
        lane.has_more = gate.held_back or len(refs) >= room
        self.submit(refs)

    def _keep_leases(self) -> None:
        if time.monotonic() - self._kept_at < self._store.settings.lease.total_seconds() / 3:
            return
        with self._lock:
            held = list(self._held)
        if held:
            leases.extend(self._store, held)
        self._kept_at = time.monotonic()

    def _give_back_beyond(self, lane: Lane, most: int) -> None:
        surplus = list(lane.surplus(most))
        if surplus:
            with self._lock:
                self._held.difference_update(surplus)
            leases.give_back(self._store, surplus)
