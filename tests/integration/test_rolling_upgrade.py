"""An old and a new program on one database, while one process after another is replaced.

The old one is this program, on a database that a revision of the test's has brought further.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from engine import SYSTEM, Engine, InstanceStatus, Settings, definitions, incidents, instances
from engine.bpmn import snapshot
from engine.clock import SettableClock
from engine.storage import migrations
from engine.storage.tables import JobRow
from tests.play import END, START, chain, document
from tests.topology import COMMAND, SECRET_KEY, Process, Topology, eventually

COUNT = 30
FURTHER = """
import sqlalchemy as sa
from alembic import op
from engine.storage.migrations.older import end_programs_before

revision, down_revision, branch_labels, depends_on = "further", "{head}", None, None


def upgrade():
    op.create_table("stamp", sa.Column("id", sa.Integer(), primary_key=True),
                    sa.Column("colour", sa.String(20), nullable=False, server_default="red"))
    op.execute("INSERT INTO stamp (id) VALUES (1)")
    for table in ("instance", "job", "activity", "event", "variable", "snapshot", "definition"):
        op.add_column(table, sa.Column("remark", sa.Text()))
        op.add_column(table, sa.Column("weight", sa.Integer(), nullable=False, server_default="7"))
    {more}
"""
ORDER = document(
    START
    + "<intermediateCatchEvent id='pause'>"
    + "<timerEventDefinition><timeDuration>PT0.5S</timeDuration></timerEventDefinition></intermediateCatchEvent>"
    + "<scriptTask id='count' scriptFormat='python'><script>counted = number + 1</script></scriptTask>"
    + END
    + chain("start", "pause", "count", "end")
)


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    with Engine(Settings(database_url=migrated_url, secret_key=SECRET_KEY)) as engine:
        with engine.transaction(SYSTEM) as tx:
            definitions.deploy(tx, {"order.bpmn": ORDER})
        yield engine


@pytest.fixture
def topology(engine: Engine, migrated_url: str, tmp_path: Path) -> Iterator[Topology]:
    with Topology(migrated_url, tmp_path) as topology:
        topology.add_web(with_worker=True)
        topology.add_worker()
        topology.await_web()
        yield topology


def upgrade_further(engine: Engine, folder: Path, more: str = "") -> None:
    """As the next version of the program does, before its processes are started."""
    versions = folder / "versions"
    versions.mkdir()
    (versions / "further.py").write_text(FURTHER.format(head=migrations.head(), more=more))
    config = migrations._config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{Path(migrations.__file__).parent / 'versions'}\n{versions}")
    with pytest.MonkeyPatch.context() as newer:
        newer.setattr(migrations, "_config", lambda: config)
        assert migrations.upgrade(engine._writers) == "further"


def start(engine: Engine, number: int) -> int:
    with engine.transaction(SYSTEM) as tx:
        return instances.start(tx, "p", variables={"number": number}).id


def await_end(engine: Engine, count: int) -> None:
    def completed() -> int:
        with engine.reading(SYSTEM) as tx:
            return instances.find(tx, status=InstanceStatus.COMPLETED, limit=1).total

    eventually(lambda: completed() == count, seconds=60)


def asked(engine: Engine, statement: str) -> Any:
    with engine.database.connect() as connection:
        return connection.execute(text(statement)).all()


def readiness(web: Process) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"{web.address}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


# ---- revisions that add --------------------------------------------------------------------------------------------


def test_old_processes_go_on_while_and_after_the_database_gets_more(
    engine: Engine, topology: Topology, tmp_path: Path
) -> None:
    for number in range(COUNT):
        start(engine, number)
        if number == COUNT // 2:
            upgrade_further(engine, tmp_path)
    await_end(engine, COUNT)

    assert asked(engine, "SELECT DISTINCT weight, remark FROM instance") == [(7, None)]
    assert asked(engine, "SELECT colour FROM stamp") == [("red",)]
    assert asked(engine, "SELECT count(*) FROM variable WHERE name = 'counted'") == [(COUNT,)]
    assert readiness(topology.web[0]) == (200, {"status": "ready"})
    assert asked(engine, "SELECT count(*) FROM incident") == [(0,)]


def test_old_processes_that_died_come_back_on_the_newer_database(
    engine: Engine, topology: Topology, tmp_path: Path
) -> None:
    upgrade_further(engine, tmp_path)
    for process in (*topology.web, *topology.workers):
        process.kill()
        process.start()
    topology.await_web()

    for number in range(COUNT):
        start(engine, number)
    await_end(engine, COUNT)

    assert readiness(topology.web[0]) == (200, {"status": "ready"})
    assert topology.workers[0].stop() == 0


def test_what_the_new_program_writes_is_kept_by_the_old_one(engine: Engine, topology: Topology, tmp_path: Path) -> None:
    upgrade_further(engine, tmp_path)
    started = start(engine, 1)
    with engine.database.begin() as connection:
        connection.execute(text("UPDATE instance SET remark = 'by the new one', weight = 8"))

    await_end(engine, 1)

    assert asked(engine, "SELECT id, remark, weight FROM instance") == [(started, "by the new one", 8)]


# ---- revisions that do not -----------------------------------------------------------------------------------------


def test_a_revision_can_end_older_programs(engine: Engine, topology: Topology, tmp_path: Path) -> None:
    upgrade_further(engine, tmp_path, "end_programs_before(revision)")

    status, told = readiness(topology.web[0])
    assert (status, told["status"]) == (503, "not ready")
    assert "older ones cannot work with it" in told["reason"]
    for arguments in (["worker"], ["migrate"], ["run", "--port", "0"]):
        ended = subprocess.run([*COMMAND, *arguments], env=topology.environment, capture_output=True, timeout=60)
        assert (ended.returncode, b"Start that version." in ended.stderr) == (1, True), ended


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_migrating_waits_for_those_who_work_with_a_table(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds nobody up for long meanwhile: it lets go and tries again."""
    monkeypatch.setattr(migrations, "_LOCK_SECONDS", 0.2)
    with Engine(Settings(database_url=database_url, secret_key=SECRET_KEY)) as engine:
        migrations.upgrade(engine.database, "0014")
        assert _tries_while_a_table_is_held(engine, monkeypatch) == 2


def _tries_while_a_table_is_held(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> int:
    holding = engine.database.connect()
    holding.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
    tries = 0

    def release(_seconds: float) -> None:
        nonlocal tries
        tries += 1
        if tries == 2:
            holding.close()

    monkeypatch.setattr(migrations.time, "sleep", release)
    assert engine.migrate() == migrations.head()
    return tries


# ---- what the new program makes ------------------------------------------------------------------------------------


def test_a_state_that_a_newer_program_wrote_is_left_to_it(
    engine: Engine, clock: SettableClock, monkeypatch: pytest.MonkeyPatch, migrated_url: str
) -> None:
    with Engine(Settings(database_url=migrated_url, secret_key=SECRET_KEY), clock=clock) as old:
        with monkeypatch.context() as newer:
            newer.setattr(snapshot, "VERSION", snapshot.VERSION + 1)
            started = start(old, 1)
        clock.advance(seconds=1)
        for _ in range(10):
            old.run_until_idle()
            clock.advance(seconds=3)
        with old.reading(SYSTEM) as tx:
            [job] = tx.session.query(JobRow).all()
            assert (job.failed_at, job.attempts, incidents.of_instance(tx, started)) == (None, 0, [])

        monkeypatch.setattr(snapshot, "VERSION", snapshot.VERSION + 1)
        old.run_until_idle()

        await_end(old, 1)
