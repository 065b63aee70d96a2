"""A site for page tests: its own database file, copied from one that was filled once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, SettableClock, Settings
from tests.site import Site, Visitor, add_cast


@pytest.fixture(scope="session")
def filled_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the cast in it: hashing passwords takes its time."""
    path = tmp_path_factory.mktemp("site") / "filled.db"
    with Engine(Settings(database_url=f"sqlite:///{path}"), clock=SettableClock()) as engine:
        engine.migrate()
        add_cast(engine)
    return path


@pytest.fixture
def site(filled_database: Path, tmp_path: Path) -> Iterator[Site]:
    database = tmp_path / "site.db"
    shutil.copy(filled_database, database)
    site = Site.over(database)
    yield site
    site.engine.close()


@pytest.fixture
def ana(site: Site) -> Visitor:
    """An analyst of the group clerks."""
    return site.visitor("ana")


@pytest.fixture
def ben(site: Site) -> Visitor:
    """An approver of the group managers."""
    return site.visitor("ben")


@pytest.fixture
def root(site: Site) -> Visitor:
    """An administrator."""
    return site.visitor("root")
