"""Imported by each process of a topology among its services: where an order says so, somebody dies.

An order is an empty file, POINT.QUEUE.VICTIM.NUMBER, in the folder ORDERS. Whichever process comes to the point first
and moves the file to DONE carries it out, there and then.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from engine import execution, jobs, services
from engine.config import Settings
from engine.dispatch.threads import Threads
from engine.services import http
from engine.transaction import Ref, Store
from tests.postgres import kill_server

FOLDER = Path(os.environ["TESTS_FAULTS"])
ORDERS, DONE, SERVERS = FOLDER / "orders", FOLDER / "done", FOLDER / "servers"

POINTS = ("claimed", "called", "changing", "committed", "handed", "sent")
"""Where somebody dies:

claimed: a job is held, or its message taken from the broker, and it has not begun
called: the service has answered, nothing is recorded     changing: state is changed, not yet committed
committed: the next job exists, nobody was told of it     handed: it is in a thread's hands
sent: its message is with the broker

Queue "start" is that of commands which begin an instance, and of what web requests do.
"""

Deliver = Callable[[], object]


def come_to(point: str, queues: Iterable[str], deliver: Deliver = lambda: None) -> None:
    for queue in set(queues):
        for order in ORDERS.glob(f"{point}.{queue}.*"):
            with suppress(FileNotFoundError):  # another process was faster
                order.rename(DONE / order.name)
                HARM[order.name.split(".")[2]](deliver)


def _die(_deliver: Deliver) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_database(_deliver: Deliver) -> None:
    for pid in _pids("database"):
        kill_server(pid)


def _kill_broker(_deliver: Deliver) -> None:
    for pid in _pids("broker"):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _pids(server: str) -> list[int]:
    return [int(pid) for pid in (SERVERS / server).read_text().split()]


def _repeat(deliver: Deliver) -> None:
    """The message comes twice, and once more when its lease is over."""
    deliver()
    late = threading.Timer(2 * Settings.from_environment().lease.total_seconds(), deliver)
    late.daemon = True
    late.start()


HARM: Mapping[str, Callable[[Deliver], None]] = {
    "self": _die,
    "database": _kill_database,
    "broker": _kill_broker,
    "again": _repeat,
}


# ---- where it is noticed that a process comes to a point -----------------------------------------------------------


def _after(owner: Any, name: str, notice: Callable[..., None]) -> None:
    """Call notice with the arguments of each call of owner's function, after it."""
    original = getattr(owner, name)

    @wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        answer = original(*arguments, **named)
        notice(*arguments)
        return answer

    setattr(owner, name, call)


def _install() -> None:
    _after(http, "exchange", lambda *_: come_to("called", ["http"]))
    _after(services, "within", lambda *_: come_to("called", ["service"]))
    _after(jobs, "end", lambda _tx, job: come_to("changing", [job.queue]))
    _after(execution, "begin", lambda *_: come_to("changing", ["start"]))
    _watch_commits()
    _watch_hands()


def _watch_commits() -> None:
    transaction, commit = Store.transaction, Session.commit

    @contextmanager
    def watched(store: Store, actor: Any) -> Iterator[Any]:
        with transaction(store, actor) as tx:
            tx.session.info["hints"] = tx.hints
            yield tx

    def committed(session: Session) -> None:
        commit(session)
        in_request = threading.current_thread().name.startswith("waitress")
        hints: Sequence[Ref] = session.info.get("hints", ())
        come_to("committed", ["start" if in_request else ref.queue for ref in hints])

    Store.transaction, Session.commit = watched, committed  # type: ignore[method-assign]


def _watch_hands() -> None:
    submit, take = Threads.submit, Threads.take

    def submitted(threads: Threads, refs: Sequence[Ref]) -> None:
        queues = [ref.queue for ref in refs]
        if threading.current_thread() is threads._poller:
            come_to("claimed", queues)
        submit(threads, refs)
        come_to("handed", queues, lambda: submit(threads, refs))

    def taken(threads: Threads, ref: Ref) -> None:
        come_to("claimed", [ref.queue])
        take(threads, ref)

    Threads.submit, Threads.take = submitted, taken  # type: ignore[method-assign]
    if Settings.from_environment().broker_url:
        from engine.dispatch.broker import Sender  # an extra

        send = Sender._send

        def sent(sender: Sender, ref: Ref) -> bool:
            is_sent = send(sender, ref)
            come_to("sent", [ref.queue], lambda: send(sender, ref))
            return is_sent

        Sender._send = sent  # type: ignore[method-assign]


_install()
