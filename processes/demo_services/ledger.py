"""What the services have done, in a SQLite file of their own: each work once for each key, whatever is killed when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_TABLES = """
    PRAGMA journal_mode = wal;
    CREATE TABLE IF NOT EXISTS call (
        endpoint TEXT, key TEXT, asked INTEGER DEFAULT 0, worked INTEGER DEFAULT 0, reply TEXT,
        PRIMARY KEY (endpoint, key)
    );
    CREATE TABLE IF NOT EXISTS entry (
        number INTEGER PRIMARY KEY, at TEXT, endpoint TEXT, key TEXT, act TEXT, thing TEXT, reference TEXT, data TEXT
    );
    CREATE INDEX IF NOT EXISTS entry_thing ON entry (thing);
    CREATE INDEX IF NOT EXISTS entry_reference ON entry (reference);
    CREATE TABLE IF NOT EXISTS switch (endpoint TEXT PRIMARY KEY, told TEXT);
"""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)
    location: str | None = None
    """Where to ask for the outcome."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done, never changed."""

    number: int
    at: str
    endpoint: str
    key: str
    act: str
    """Such as "charged"."""
    thing: str
    """Id of what it was done to, such as AUTH-00007."""
    reference: str
    """What the caller calls it."""
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger, open for one work: what is written counts together with the answer, or not at all."""

    connection: sqlite3.Connection
    endpoint: str
    key: str

    def write(self, act: str, thing: str, reference: str = "", **data: Any) -> None:
        row = (_now(), self.endpoint, self.key, act, thing, reference or thing, json.dumps(data))
        self.connection.execute(
            "INSERT INTO entry (at, endpoint, key, act, thing, reference, data) VALUES (?, ?, ?, ?, ?, ?, ?)", row
        )

    def new_id(self, prefix: str) -> str:
        (last,) = self.connection.execute("SELECT coalesce(max(number), 0) FROM entry").fetchone()
        return f"{prefix}-{last + 1:05d}"

    def of(self, thing: str) -> list[Entry]:
        """Oldest first."""
        return _entries(self.connection, "thing", thing)

    def times_asked(self) -> int:
        """This one included."""
        asked = "SELECT asked FROM call WHERE endpoint = ? AND key = ?"
        return int(self.connection.execute(asked, (self.endpoint, self.key)).fetchone()[0])

    def has(self, act: str, thing: str) -> bool:
        return any(entry.act == act for entry in self.of(thing))


Work = Callable[[Books], Reply]


class Ledger:
    """May be opened by several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._connect()) as connection:
            connection.executescript(_TABLES)

    # ---- calls

    def count(self, endpoint: str, key: str) -> int:
        """Remember that it was asked for; gives how often by now."""
        with self._writing() as connection:
            (asked,) = connection.execute(
                "INSERT INTO call (endpoint, key, asked) VALUES (?, ?, 1)"
                " ON CONFLICT DO UPDATE SET asked = asked + 1 RETURNING asked",
                (endpoint, key),
            ).fetchone()
        return int(asked)

    def once(self, endpoint: str, key: str, work: Work) -> tuple[Reply, bool]:
        """Do it unless it was done for this key; gives the answer then and now, and whether it was done now.

        Two at once: the second waits for the first, and gets its answer.
        """
        with self._writing() as connection:
            known = connection.execute(
                "SELECT reply FROM call WHERE endpoint = ? AND key = ? AND worked > 0", (endpoint, key)
            ).fetchone()
            if known is not None:
                return Reply(**json.loads(known[0])), False
            reply = work(Books(connection, endpoint, key))
            told = json.dumps({"status": reply.status, "body": reply.body, "location": reply.location})
            connection.execute(
                "UPDATE call SET worked = worked + 1, reply = ? WHERE endpoint = ? AND key = ?", (told, endpoint, key)
            )
        return reply, True

    def look(self, endpoint: str, key: str, work: Work) -> Reply:
        """An answer that changes nothing, made anew each time."""
        with self._reading() as connection:
            return work(Books(connection, endpoint, key))

    def calls(self) -> list[Mapping[str, Any]]:
        with self._reading() as connection:
            return [dict(row) for row in connection.execute("SELECT endpoint, key, asked, worked FROM call")]

    # ---- entries

    def entries(self) -> list[Entry]:
        """Oldest first."""
        with self._reading() as connection:
            return _entries(connection)

    def of(self, reference: str) -> list[Entry]:
        """Oldest first."""
        with self._reading() as connection:
            return _entries(connection, "reference", reference)

    # ---- switches

    def told(self) -> Mapping[str, Mapping[str, Any]]:
        """Endpoint -> its switches, as they were set."""
        with self._reading() as connection:
            return {row["endpoint"]: json.loads(row["told"]) for row in connection.execute("SELECT * FROM switch")}

    def tell(self, endpoints: list[str], told: Mapping[str, Any]) -> None:
        with self._writing() as connection:
            rows = [(endpoint, json.dumps(told)) for endpoint in endpoints]
            connection.executemany("INSERT OR REPLACE INTO switch (endpoint, told) VALUES (?, ?)", rows)

    # ---- the file

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = normal")  # outlives SIGKILL, which is what is shown here
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; one at a time."""
        with self._reading() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection


def _entries(connection: sqlite3.Connection, column: str = "", value: str = "") -> list[Entry]:
    where = f" WHERE {column} = ?" if column else ""
    rows = connection.execute(f"SELECT * FROM entry{where} ORDER BY number", (value,) if column else ())
    return [Entry(**{**dict(row), "data": json.loads(row["data"])}) for row in rows]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
