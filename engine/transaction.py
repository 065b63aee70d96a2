"""Store and Transaction: who may read and write, and the ONLY commit."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition, RLock
from typing import Any, Protocol

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as Database
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from engine.bpmn.cache import DefinitionCache
from engine.bpmn.script import Evaluator, Limits
from engine.clock import Clock, SystemClock
from engine.config import Settings
from engine.errors import Busy, Forbidden
from engine.model.people import Actor, Right

log = logging.getLogger(__name__)

_BEGIN = "procession_begin"
LOCK_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Ref:
    """A job that was handed out: whoever shows the lease may finish it."""

    id: int
    lease: str
    queue: str


class Dispatch(Protocol):
    """Carries references of jobs to who runs them. They may be lost or repeated on the way."""

    def takes(self, tx: Transaction, queue: str, topic: str) -> bool:
        """Whether somebody behind it runs such jobs, and may now."""
        ...

    def submit(self, refs: Sequence[Ref]) -> None:
        """Let these be run soon; returns at once."""
        ...

    def look(self) -> None:
        """There are jobs that were not handed over: those who look for due ones shall do so now."""
        ...


class Bell:
    """Tells those who wait in this process that there is something new; whoever hears it looks for himself."""

    def __init__(self) -> None:
        self._rung = 0
        self._condition = Condition()
        self.is_closed = False
        """Nobody shall wait any more: the process ends."""

    def ring(self) -> None:
        with self._condition:
            self._rung += 1
            self._condition.notify_all()

    def close(self) -> None:
        self.is_closed = True
        self.ring()

    @property
    def rung(self) -> int:
        """How often it was."""
        return self._rung

    def wait(self, since: int, seconds: float) -> None:
        """Until it was rung once more than that often, but not for longer."""
        with self._condition:
            self._condition.wait_for(lambda: self._rung > since, seconds)


@dataclass(slots=True)
class Transaction:
    """One command or one look: a session, the moment it runs at, and who asks."""

    session: Session
    now: datetime
    actor: Actor
    store: Store
    hints: list[Ref] = field(default_factory=list)
    """Jobs due now, handed to the dispatcher after the commit. A lost hint costs one lease."""
    has_news: bool = False
    """Whether it adds jobs that are handed to nobody: who can run them has to look for them."""
    _connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """For statements on tables, not on objects. Asking the session each time costs as much as a statement."""
        if self._connection is None:
            self._connection = self.session.connection()
        return self._connection

    def require(self, right: Right) -> None:
        """Raises Forbidden unless the actor has the right."""
        if right not in self.actor.rights:
            raise Forbidden(f'Expected the right "{right}", but {self.actor.id} lacks it. Ask an administrator.')

    def may(self, right: Right) -> bool:
        return right in self.actor.rights


class Store:
    """The database, the clock, and what is shared between commands; make one per process."""

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()
        self.database = _connect(self.settings.database_url)
        self.evaluator = Evaluator(
            Limits(self.settings.script_duration, self.settings.script_memory_bytes, self.settings.script_processes)
        )
        self.definitions = DefinitionCache()
        self.dispatch: Dispatch | None = None
        """Set by a running worker; without one, due jobs wait for a poller."""
        self.seen: dict[tuple[str, str], datetime] = {}
        """When it was last noted that a worker serves a topic."""
        self.bell = Bell()
        """Rung when there may be jobs for workers outside."""
        self._writer = RLock() if self.database.dialect.name == "sqlite" else None
        """SQLite has one writer at a time: threads take turns here rather than by asking it again and again."""
        self._writers = self.database.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @contextmanager
    def transaction(self, actor: Actor) -> Iterator[Transaction]:
        """Run one command: commits at the end, rolls back on any exception.

        Raises Busy when another command held what this one needs for too long.
        """
        with (
            _turn(self._writer),
            _contention_as_busy(),
            Session(self._writers, autoflush=False, expire_on_commit=False) as session,
        ):
            tx = Transaction(session, self.clock.now(), actor, self)
            yield tx
            session.commit()
        if tx.hints and self.dispatch is not None:
            self.dispatch.submit(tx.hints)
        if tx.has_news:
            self.bell.ring()
            if self.dispatch is not None:
                self.dispatch.look()

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Transaction]:
        """Look without changing: takes no write lock, and whatever was changed is rolled back."""
        with Session(self.database, autoflush=False) as session:
            yield Transaction(session, self.clock.now(), actor, self)

    def close(self) -> None:
        self.bell.close()
        self.evaluator.close()
        self.database.dispose()


@contextmanager
def _turn(writer: RLock | None) -> Iterator[None]:
    """Be the one writer of this process. Raises Busy after the time that the database itself would wait."""
    if writer is None:
        yield
        return
    if not writer.acquire(timeout=LOCK_TIMEOUT_MS / 1_000):
        raise Busy("Expected the database to be free, but another command held it too long. Try again.")
    try:
        yield
    finally:
        writer.release()


@contextmanager
def _contention_as_busy() -> Iterator[None]:
    try:
        yield
    except OperationalError as cause:
        code = getattr(cause.orig, "sqlstate", None) or getattr(cause.orig, "sqlite_errorname", None)
        if code not in _CONTENTION:
            raise
        raise Busy("Expected the database to be free, but another command held it too long. Try again.") from cause


AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""The database does not answer, has ended the connection, or has none left for us."""
_CONTENTION = {"SQLITE_BUSY", "55P03", "40P01", "40001"}
"""Locked (SQLite, PostgreSQL), deadlock, serialization failure."""


def note_away(error: Exception) -> None:
    """Log that the database is away. Raises the error again when it says something else: then it is a bug of ours."""
    if getattr(getattr(error, "orig", None), "sqlite_errorname", None) == "SQLITE_ERROR":
        raise error  # of the statement itself
    log.warning("database away", extra={"error": type(error).__name__})


def _connect(url: str) -> Database:
    """What a statement is asked with is never told of when it fails: it would stand in the log."""
    if make_url(url).get_backend_name() != "sqlite":
        patience = {"options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"}
        return create_engine(
            url, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True, connect_args=patience
        )
    in_memory = make_url(url).database in (None, "", ":memory:")
    options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    database = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False}, **options)
    event.listen(database, "connect", _prepare_sqlite)
    event.listen(database, "begin", _begin_sqlite)
    return database


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Let SQLAlchemy say BEGIN itself; readers do not wait for the writer (WAL)."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", f"busy_timeout={LOCK_TIMEOUT_MS}", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
