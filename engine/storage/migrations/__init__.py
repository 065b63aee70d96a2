"""Bring a database to this program's tables, one revision after another; see versions/."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy import Engine as Database

from engine.errors import Conflict

_MIGRATING = 7_263_401_112
"""Key of the advisory lock: any number that nothing else in the database locks."""


def upgrade(database: Database, to: str = "head") -> str:
    """Run the missing revisions in one transaction; gives the program's newest.

    Two processes may do this at once: the second waits (on SQLite, database must begin transactions as a writer does)
    and finds nothing left to do. Raises Conflict when the database is newer than the program.
    """
    with database.connect() as connection, _references_unenforced(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        _require_known(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    return head()


@contextmanager
def _references_unenforced(connection: Connection) -> Iterator[None]:
    """SQLite alters a table by copying it; dropping the old one would delete every row that refers to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    cursor = connection.connection.cursor()  # beneath SQLAlchemy: inside a transaction the switch does nothing
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")


def require_current(connection: Connection) -> None:
    """Raises Conflict, saying what to do, unless the database has exactly the program's tables."""
    _require_known(connection)
    if present(connection) != head():
        found = present(connection) or "empty"
        raise Conflict(f"Expected the database at revision {head()}, but it is {found}. Run: procession migrate")


def present(connection: Connection) -> str | None:
    """The database's revision; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The program's newest revision."""
    newest = _scripts().get_current_head()
    if newest is None:
        raise LookupError("Expected revisions beside this file, but there are none. Install the program again.")
    return newest


def _require_known(connection: Connection) -> None:
    found = present(connection)
    try:
        _scripts().get_revision(found or head())
    except CommandError as cause:
        raise Conflict(
            f"Expected the database at revision {head()} or older, but it is at {found}, "
            "written by a newer version of this program. Start that version."
        ) from cause


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "engine.storage:migrations")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
