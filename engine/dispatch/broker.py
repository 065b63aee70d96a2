"""Hands references of jobs to a broker (Redis or RabbitMQ), for workers of Celery. Needs the extra `celery`.

A reference is a job's id and lease. The job table stays the only queue: what the broker loses, repeats or brings late
changes nothing, and without it everything goes on by polling.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from celery import Celery

from engine import gates, jobs, leases
from engine.dispatch.threads import Threads
from engine.transaction import Ref, Store, Transaction

log = logging.getLogger(__name__)

TASK = "procession.run_job"
Topics = Callable[[], Collection[str] | None]
_AWAY_SECONDS = 5
"""How long a broker that does not answer is left alone."""


def app(url: str, queues: Collection[str]) -> Celery:
    made = Celery("procession", broker=url or None)
    made.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 5},
        task_acks_late=False,
        task_default_queue=jobs.ENGINE_QUEUE,
        task_ignore_result=True,
        task_publish_retry=False,
        task_queues={name: {} for name in queues},
        worker_hijack_root_logger=False,
        worker_pool="threads",
        worker_send_task_events=False,
    )
    return made


class Sender:
    """Sends from a thread of its own: no command waits for the broker. What cannot be sent is given back."""

    def __init__(self, store: Store, celery: Celery, topics: Mapping[str, Topics]) -> None:
        """topics: of each queue those that some worker can run; None for all."""
        self._store = store
        self._celery = celery
        self._topics = topics
        self._waiting: queue.SimpleQueue[Sequence[Ref] | None] = queue.SimpleQueue()
        self._away_until = 0.0
        self._thread = threading.Thread(target=self._run, name="job-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, but not for long."""
        self._waiting.put(None)
        self._thread.join(_AWAY_SECONDS)

    def takes(self, tx: Transaction, queue: str, topic: str) -> bool:
        if queue not in self._topics or self._is_away:
            return False
        topics = self._topics[queue]()
        return (topics is None or topic in topics) and gates.is_free(tx, topic)

    def submit(self, refs: Sequence[Ref]) -> None:
        self._waiting.put(refs)

    def look(self) -> None:
        """Those who look for jobs are elsewhere, and do so soon enough."""

    def beside(self, here: Threads) -> Nearest:
        return Nearest(here, self)

    @property
    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _run(self) -> None:
        while (refs := self._waiting.get()) is not None:
            unsent = [ref for ref in refs if not self._send(ref)]
            if unsent:
                self._give_back(unsent)

    def _send(self, ref: Ref) -> bool:
        if self._is_away:
            return False
        try:
            self._celery.send_task(TASK, args=(ref.id, ref.lease, ref.queue), queue=ref.queue)
        except Exception as cause:  # noqa: BLE001  each broker's library has its own; whatever it is, polling goes on
            self._away_until = time.monotonic() + _AWAY_SECONDS
            log.warning("broker away, work goes on by polling", extra={"error": str(cause)})
            return False
        return True

    def _give_back(self, refs: Sequence[Ref]) -> None:
        try:
            leases.give_back(self._store, refs)
        except Exception:  # the thread's loop: it outlives everything, and leases run out
            log.exception("jobs could not be given back")


class Nearest:
    """Jobs that can be run in this process stay here as long as there is room; the others are sent."""

    def __init__(self, here: Threads, sender: Sender) -> None:
        self._here = here
        self._sender = sender

    def takes(self, tx: Transaction, queue: str, topic: str) -> bool:
        return self._here.takes(tx, queue, topic) or self._sender.takes(tx, queue, topic)

    def submit(self, refs: Sequence[Ref]) -> None:
        staying = [ref for ref in refs if self._here.has_room(ref.queue)]
        if staying:
            self._here.submit(staying)
        if len(staying) < len(refs):
            self._sender.submit([ref for ref in refs if ref not in staying])

    def look(self) -> None:
        self._here.look()
