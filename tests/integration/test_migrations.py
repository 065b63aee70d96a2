"""The revisions make exactly the tables of storage/tables.py, once, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, text
from sqlalchemy.exc import IntegrityError

from engine.config import Settings
from engine.errors import Conflict
from engine.storage import migrations
from engine.storage.tables import Base, MembershipRow
from engine.worker import Engine

MIGRATE = "import sys; from engine.worker import Engine, Settings; Engine(Settings(database_url=sys.argv[1])).migrate()"


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    with Engine(Settings(database_url=database_url)) as engine:
        yield engine


def test_revisions_make_the_tables_of_the_program(empty: Engine) -> None:
    empty.migrate()

    with empty.database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_partial_indexes_are_partial(empty: Engine) -> None:
    empty.migrate()

    kind = empty.database.dialect.name
    for table in Base.metadata.sorted_tables:
        wanted = {index.name: index.dialect_options[kind]["where"] is not None for index in table.indexes}
        found = inspect(empty.database).get_indexes(table.name)
        made = {
            index["name"]: f"{kind}_where" in index.get("dialect_options", {})
            for index in found
            if "duplicates_constraint" not in index
        }
        assert made == wanted


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_job_ids_are_never_used_again_on_sqlite(empty: Engine) -> None:
    empty.migrate()

    with empty.database.connect() as connection:
        made = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'job'"))
    assert "AUTOINCREMENT" in made


def test_migrating_twice_changes_nothing(empty: Engine) -> None:
    assert empty.migrate() == empty.migrate() == migrations.head()
    empty.require_current()


def test_several_processes_migrate_at_once(empty: Engine, database_url: str) -> None:
    running = [subprocess.Popen([sys.executable, "-c", MIGRATE, database_url]) for _ in range(3)]

    assert [process.wait(20) for process in running] == [0, 0, 0]
    empty.require_current()


def test_an_empty_database_is_told_from_a_migrated_one(empty: Engine) -> None:
    with pytest.raises(Conflict, match="but it is empty"):
        empty.require_current()


def test_a_database_that_has_more_than_the_program_needs_will_do(empty: Engine) -> None:
    empty.migrate()
    with empty.database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    empty.require_current()
    assert empty.migrate() == "9999"


def test_a_newer_database_is_left_alone(empty: Engine) -> None:
    empty.migrate()
    with empty.database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE program SET oldest = '9998'"))

    with pytest.raises(Conflict, match="or older, but it is at 9999, written by a newer version of this program"):
        empty.migrate()
    with pytest.raises(Conflict, match="written by a newer version"):
        empty.require_current()


def test_references_are_enforced_after_migrating(empty: Engine) -> None:
    empty.migrate()

    with pytest.raises(IntegrityError), empty.database.begin() as connection:
        connection.execute(insert(MembershipRow).values(account_id="nobody", group="clerks"))


def test_rows_of_the_first_revision_are_carried_over(empty: Engine) -> None:
    migrations.upgrade(empty._writers, "0001")
    with empty.database.begin() as connection:
        for row in FIRST_ROWS:
            connection.execute(text(row))

    empty.migrate()

    with empty.database.connect() as connection:
        flows = connection.scalars(text("SELECT flow FROM activity ORDER BY id")).all()
        incident = connection.execute(text("SELECT instance_id, definition_id, message FROM incident")).one()
        by_hand = connection.scalar(text("SELECT starts_by_hand FROM definition"))
    assert flows == [None, "to-answer"]
    assert tuple(incident) == (3, 2, "no way out")
    assert by_hand
    with empty.database.begin() as connection:
        connection.execute(text("DELETE FROM job"))


FIRST_ROWS = (
    "INSERT INTO deployment VALUES (1, '2026-01-05 09:00:00', 'ana')",
    "INSERT INTO resource (id, deployment_id, file, content) VALUES (1, 1, 'p.bpmn', '')",
    "INSERT INTO definition (id, key, version, is_latest, name, deployment_id, resource_id, has_diagram, starter_users,"
    " starter_groups, created_at, created_by)"
    " VALUES (2, 'p', 1, TRUE, 'Process', 1, 1, TRUE, '[]', '[]', '2026-01-05 09:00:00', 'ana')",
    "INSERT INTO instance (id, definition_id, definition_key, status, started_by, started_at, version)"
    " VALUES (3, 2, 'p', 'active', 'ana', '2026-01-05 09:00:00', 1)",
    "INSERT INTO activity (id, instance_id, token, element_id, element_type, element_name, entered_at, flows)"
    " VALUES (1, 3, 'a', 'asked', 'startEvent', '', '2026-01-05 09:00:00', '[]'),"
    " (2, 3, 'b', 'answer', 'userTask', '', '2026-01-05 09:00:00', '[\"to-answer\"]')",
    "INSERT INTO incident (id, instance_id, token, element_id, element_name, message, detail, created_at)"
    " VALUES (1, 3, 'b', 'answer', '', 'no way out', '', '2026-01-05 09:00:00')",
)
