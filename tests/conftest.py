"""What every test may ask for: a clock, an engine on each database, and the cast."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from engine import accounts
from engine.clock import SettableClock
from engine.config import Settings
from engine.model.people import Actor, Right
from engine.storage.tables import Base
from engine.worker import Engine
from tests.postgres import Cluster, programs

ON_EACH_DATABASE = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class Cast:
    ana = Actor("ana", groups=frozenset({"clerks"}))
    ben = Actor("ben", groups=frozenset({"managers"}))
    eve = Actor("eve")
    root = Actor("root", rights=frozenset(Right))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What hostile texts left in a log must be written as UTF-8 between the processes that test."""
    report = yield
    report.sections = [(title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections]
    return report


@pytest.fixture(scope="session")
def cast() -> Cast:
    return Cast()


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """Hash in no time: what a real hash costs on purpose, hundreds of tests cannot pay."""
    accounts._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(params=ON_EACH_DATABASE)
def engine(request: pytest.FixtureRequest, clock: SettableClock) -> Iterator[Engine]:
    """An engine on empty tables: SQLite in memory, then PostgreSQL."""
    with Engine(Settings(database_url=_URLS[request.param](request)), clock=clock) as engine:
        _EMPTY[request.param](request, engine)
        yield engine


@pytest.fixture(params=ON_EACH_DATABASE)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the test's own, for several threads or processes."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.make(f"own-{tmp_path.name}")


@pytest.fixture(params=ON_EACH_DATABASE)
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same with empty tables in it."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_tables"), tmp_path / "test.db")
        return f"sqlite:///{tmp_path / 'test.db'}"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.make(f"own-{tmp_path.name}", template=request.getfixturevalue("_postgres_tables"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    found = programs()
    if found is None:
        missing = "Left out: everything on PostgreSQL, which is not installed. Get it by: apt-get install postgresql"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with Cluster(found) as cluster:
        yield cluster


# ---- empty tables, quickly -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that others are copied from."""
    path = tmp_path_factory.mktemp("tables") / "empty.db"
    with Engine(Settings(database_url=f"sqlite:///{path}")) as engine:
        engine.migrate()
    return path


@pytest.fixture(scope="session")
def _postgres_tables(cluster: Cluster) -> str:
    """The name of a database that others are copied from."""
    with Engine(Settings(database_url=cluster.make("empty"))) as engine:
        engine.migrate()
    return "empty"


@pytest.fixture(scope="session")
def _postgres_url(cluster: Cluster, _postgres_tables: str) -> str:
    """A database that tests use one after the other."""
    return cluster.make("shared", template=_postgres_tables)


def _copy_tables(request: pytest.FixtureRequest, engine: Engine) -> None:
    path: Path = request.getfixturevalue("_sqlite_tables")
    with closing(sqlite3.connect(path)) as source, closing(engine.database.raw_connection()) as target:
        source.backup(target.driver_connection)


def _delete_rows(_request: pytest.FixtureRequest, engine: Engine) -> None:
    """Several times quicker than TRUNCATE for the few rows of a test."""
    tables = [f'DELETE FROM "{table.name}"' for table in reversed(Base.metadata.sorted_tables)]
    with engine.database.begin() as connection:
        connection.execute(text("; ".join(["SET LOCAL lock_timeout = '5s'", *tables])))


_URLS = {"sqlite": lambda _: "sqlite://", "postgres": lambda request: request.getfixturevalue("_postgres_url")}
_EMPTY = {"sqlite": _copy_tables, "postgres": _delete_rows}
