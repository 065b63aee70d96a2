"""Bring a database to this program's tables, one revision after another; see versions/.

While programs are replaced one by one, some are older than the database: they work on with it as long as the revisions
that they do not know only add something. The table `program` says so, see older.py.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy import Engine as Database
from sqlalchemy.exc import OperationalError

from engine.errors import Conflict
from engine.storage.tables import ProgramRow

log = logging.getLogger(__name__)

_MIGRATING = 7_263_401_112
"""Key of the advisory lock: any number that nothing else in the database locks."""
_LOCK_SECONDS = 2
"""PostgreSQL: how long it waits for those who work with a table; whoever comes meanwhile waits behind it."""
_TRIES = 30
_CONTENTION = {"55P03", "40P01"}
"""PostgreSQL: it waited too long, or for each other."""


def upgrade(database: Database, to: str = "head") -> str:
    """Run the missing revisions in one transaction; gives the revision that the database then has.

    Others may work with the database meanwhile, or do the same: the second waits (on SQLite, database must begin
    transactions as a writer does) and finds nothing left to do. A newer database that this program may work with stays
    as it is. Raises Conflict when it may not.
    """
    for _ in range(_TRIES - 1):
        try:
            return _upgrade(database, to)
        except OperationalError as cause:
            if getattr(cause.orig, "sqlstate", None) not in _CONTENTION:
                raise
            log.info("tables are in use, they are changed in a moment")
            time.sleep(_LOCK_SECONDS / 10)
    return _upgrade(database, to)


def _upgrade(database: Database, to: str) -> str:
    with database.connect() as connection, _references_unenforced(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        found = present(connection)
        if found is not None and not _is_known(found):
            _require_not_too_new(connection, found)
            return found
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
    """Raises Conflict, saying what to do, unless the database has the program's tables, or more than those."""
    found = present(connection)
    if found is not None and not _is_known(found):
        _require_not_too_new(connection, found)
    elif found != head():
        wrong = f"Expected the database at revision {head()}, but it is {found or 'empty'}."
        raise Conflict(f"{wrong} Run: procession migrate")


def present(connection: Connection) -> str | None:
    """The database's revision; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The program's newest revision."""
    newest = _scripts().get_current_head()
    if newest is None:
        raise LookupError("Expected revisions beside this file, but there are none. Install the program again.")
    return newest


def _is_known(revision: str) -> bool:
    try:
        return _scripts().get_revision(revision) is not None
    except CommandError:
        return False


def _require_not_too_new(connection: Connection, found: str) -> None:
    """Raises Conflict unless the revisions that the program does not know leave alone what it works with."""
    is_told = inspect(connection).has_table(ProgramRow.__tablename__)
    oldest = connection.scalar(select(ProgramRow.oldest)) if is_told else None
    if oldest is None or not _is_known(oldest):
        raise Conflict(
            f"Expected the database at revision {head()} or older, but it is at {found}, "
            "written by a newer version of this program, and older ones cannot work with it. Start that version."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "engine.storage:migrations")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
