"""The command line: what it prints, what it refuses, and its exit status."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result

from engine import SYSTEM, Settings, accounts, instances
from engine.cli import main
from engine.worker import Engine
from tests.play import END, START, chain, document, user

PROCESSES = Path(__file__).parents[1] / "processes"
LEAVE = str(PROCESSES / "leave.bpmn")
REFUSED = str(PROCESSES / "refused.bpmn")

Command = Callable[..., Result]


@pytest.fixture
def command(database_url: str) -> Command:
    """Run one command line against an empty database."""
    return partial(run, database_url)


@pytest.fixture
def migrated(migrated_url: str) -> Command:
    """Run one command line against empty tables."""
    return partial(run, migrated_url)


def run(database_url: str, *arguments: str, input: str | None = None) -> Result:
    """More than an exit is a failure of the test."""
    environment = {"PROCESSION_DATABASE_URL": database_url}
    result = CliRunner().invoke(main, arguments, input=input, env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_migrate_tells_the_revision(command: Command) -> None:
    assert command("migrate").output.startswith("The database is at revision 0")


@pytest.mark.parametrize("arguments", [["start", "leave"], ["user", "list"], ["worker"], ["deploy", LEAVE]])
def test_a_database_without_tables_is_refused(command: Command, arguments: list[str]) -> None:
    result = command(*arguments)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "Run: procession migrate" in result.stderr


def test_deploy_then_start(migrated: Command, migrated_url: str) -> None:
    assert migrated("deploy", LEAVE).output == "Deployed leave, version 1.\n"
    assert migrated("deploy", LEAVE).output == "Deployed leave, version 2.\n"

    started = migrated(
        "start", "leave", "--business-key", "4711", "--variable", "days=3", "--variable", "remark=by the sea"
    )

    assert started.output == "Started instance 1 of leave, version 2.\n"
    with Engine(Settings(database_url=migrated_url)) as engine, engine.reading(SYSTEM) as tx:
        values = {variable.name: variable.value for variable in instances.variables(tx, 1)}
        assert (instances.get(tx, 1).business_key, values) == ("4711", {"days": 3, "remark": "by the sea"})


def test_start_refuses_what_it_does_not_know(migrated: Command) -> None:
    migrated("deploy", LEAVE)

    assert migrated("start", "fly").exit_code == 1
    refusal = migrated("start", "leave", "--variable", "days")
    assert (refusal.exit_code, refusal.stderr) == (1, "Error: Expected --variable name=value, but got days.\n")


def test_check_tells_what_becomes_of_the_words_of_other_tools(command: Command) -> None:
    told = command("check", "--imported", LEAVE)

    assert told.exit_code == 0
    assert "leave.bpmn:6:101 mapped: camunda:dueDate of userTask" in told.output
    assert "Words of other tools: 4 mapped." in told.output


def test_check_lists_each_problem_on_its_line(command: Command) -> None:
    good, bad = command("check", LEAVE), command("check", LEAVE, REFUSED)

    assert (good.exit_code, good.output) == (0, "All can run: leave.bpmn.\n")
    assert bad.exit_code == 1
    assert bad.stderr
    assert all(line.startswith("refused.bpmn:") for line in bad.stderr.splitlines())


def test_deploy_of_a_bad_file_lists_the_same_and_stores_nothing(migrated: Command) -> None:
    refused = migrated("deploy", LEAVE, REFUSED)

    assert (refused.exit_code, refused.stderr) == (1, migrated("check", LEAVE, REFUSED).stderr)
    assert migrated("start", "leave").exit_code == 1


def test_files_are_told_apart_by_name(command: Command, tmp_path: Path) -> None:
    (tmp_path / "leave.bpmn").write_text("")

    twice, missing = command("check", LEAVE, str(tmp_path / "leave.bpmn")), command("check", "nothing.bpmn")
    assert (twice.exit_code, missing.exit_code) == (2, 2)
    assert twice.stderr.endswith("Error: Expected files of different names, but these come twice: leave.bpmn.\n")
    assert missing.stderr.endswith("Error: Expected to read nothing.bpmn, but: No such file or directory.\n")
    assert command("deploy", "nothing.bpmn").stderr == (
        "Error: Expected to read nothing.bpmn, but: No such file or directory.\n"
    )


def test_timers_are_listed_moved_and_fired(migrated: Command, migrated_url: str) -> None:
    migrated("deploy", str(PROCESSES / "deadline.bpmn"))
    migrated("start", "deadline")
    id, due_at, *told = migrated("timers", "list").output.rstrip().split("\t")
    assert told == ["Answer in time", "late", "1"]

    assert migrated("timers", "move", id, "2126-05-04T17:00Z").output == (
        f"Timer {id} is due at 2126-05-04T17:00:00+00:00.\n"
    )
    assert migrated("timers", "list").output.split("\t")[1] == "2126-05-04T17:00:00+00:00" > due_at
    assert migrated("timers", "fire", id).output == f"Fired timer {id}.\n"

    assert migrated("timers", "list").output == ""
    with Engine(Settings(database_url=migrated_url)) as engine, engine.reading(SYSTEM) as tx:
        assert instances.get(tx, 1).status == "completed"


@pytest.mark.parametrize("arguments", [["fire", "4711"], ["move", "4711", "PT1H"], ["move", "4711", "soon"]])
def test_a_timer_that_cannot_be_changed_is_one_line(migrated: Command, arguments: list[str]) -> None:
    refused = migrated("timers", *arguments)

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "soon" in refused.stderr or "There is no timer 4711" in refused.stderr


def test_accounts_are_added_changed_and_listed(migrated: Command, migrated_url: str) -> None:
    details = ["--name", "Ana Lind", "--role", "admin", "--group", "clerks", "--group", "managers"]
    added = migrated("user", "add", "ana", *details, "--password-stdin", input="correct horse\n")
    asked = migrated("user", "add", "ben", input="another horse\nanother horse\n")
    changed = migrated("user", "passwd", "ana", "--password-stdin", input="third horse\n")

    assert [result.exit_code for result in (added, asked, changed)] == [0, 0, 0]
    assert migrated("user", "list").output == "ana\tAna Lind\tadmin\tclerks,managers\nben\tben\n"
    assert migrated("user", "list", "lind").output == "ana\tAna Lind\tadmin\tclerks,managers\n"
    with Engine(Settings(database_url=migrated_url)) as engine, engine.reading(SYSTEM) as tx:
        assert accounts.verify(tx, "ana", "third horse")
        assert accounts.verify(tx, "ben", "another horse")


def test_a_refusal_is_one_line(migrated: Command) -> None:
    short = migrated("user", "add", "ana", "--password-stdin", input="short\n")
    unknown = migrated("user", "passwd", "nobody", "--password-stdin", input="correct horse\n")

    assert (short.exit_code, short.stderr) == (1, "Error: password: Expected 10 to 1000 characters, but got 5.\n")
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: There is no account nobody.\n")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db", "Error: Expected the database to answer, but: unable to open"),
        ("DATABASE_URL", "nonsense", "Error: Expected the database to answer, but: Could not parse SQLAlchemy URL"),
        ("LEASE", "long", "Error: Expected PROCESSION_LEASE to be a number, but it is 'long'."),
        ("SERVICES", "no.such.module", "Error: Expected to import no.such.module, which setting `services` names"),
    ],
)
def test_a_wrong_setting_is_one_line(name: str, value: str, told: str) -> None:
    environment = {"PROCESSION_DATABASE_URL": "sqlite://", f"PROCESSION_{name}": value}
    result = CliRunner().invoke(main, ["migrate"], env=environment)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(told)


LATER = "<timerEventDefinition><timeDuration>PT0.1S</timeDuration></timerEventDefinition>"
TIMED = (
    START
    + f'<intermediateCatchEvent id="later">{LATER}</intermediateCatchEvent>'
    + user("approve")
    + END
    + chain("start", "later", "approve", "end")
)


def test_a_worker_serves_metrics_and_logs_objects(migrated: Command, migrated_url: str, tmp_path: Path) -> None:
    (tmp_path / "p.bpmn").write_bytes(document(TIMED))
    migrated("deploy", str(tmp_path / "p.bpmn"))
    migrated("start", "p", "--variable", "secret=sesame")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [sys.executable, "-c", "from engine.cli import main; main()", "worker"]
    settings = {"DATABASE_URL": migrated_url, "METRICS_PORT": str(port), "LOG_FORMAT": "json"}
    environment = {**os.environ, **{f"PROCESSION_{name}": value for name, value in settings.items()}}
    with subprocess.Popen(
        program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "The worker runs (stop with Ctrl+C).\n"
        await_metric(port, b'procession_tries_total{kind="timer",outcome="finished"} 1.0')
        worker.send_signal(signal.SIGTERM)

        _, logged = worker.communicate(timeout=10)
    assert [json.loads(line)["event"] for line in logged.splitlines()] == ["worker stopped"]


def await_metric(port: int, line: bytes) -> None:
    deadline = time.monotonic() + 10
    told = b""
    while line not in told:
        assert time.monotonic() < deadline, told.decode()
        time.sleep(0.05)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            told = answer.read()


def test_a_worker_runs_until_it_is_told_to_stop(migrated: Command, migrated_url: str) -> None:
    program = [sys.executable, "-c", "from engine.cli import main; main()", "worker"]
    environment = {**os.environ, "PROCESSION_DATABASE_URL": migrated_url}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "The worker runs (stop with Ctrl+C).\n"
        assert worker.stdout.readline() == "Services: none; name their modules in PROCESSION_SERVICES.\n"
        worker.send_signal(signal.SIGTERM)

        assert worker.stdout.readline() == "The worker has stopped.\n"
        assert worker.wait(10) == 0


# ---- messages and signals ------------------------------------------------------------------------------------------

CATCH = START + '<intermediateCatchEvent id="wait">{}</intermediateCatchEvent>' + END + chain("start", "wait", "end")
PAID = '<messageEventDefinition messageRef="paid"/>'
ALARM = '<signalEventDefinition signalRef="alarm"/>'


def deployed(migrated: Command, tmp_path: Path, body: str) -> None:
    path = tmp_path / "p.bpmn"
    path.write_bytes(document(body))
    migrated("deploy", str(path))


def test_message_send(migrated: Command, tmp_path: Path) -> None:
    deployed(migrated, tmp_path, CATCH.format(PAID))
    nobody = migrated("message", "send", "paid")
    assert (nobody.exit_code, "none does" in nobody.stderr) == (1, True)
    kept = migrated("message", "send", "paid", "--keep", "60", "--id", "m1", "--business-key", "B")
    assert kept.output == "Nobody waits for it yet, so it is kept.\n"
    migrated("start", "p", "--business-key", "A")

    taken = migrated("message", "send", "paid", "--business-key", "A", "--variable", "amount=12", "--id", "m2")

    assert taken.output == "Taken by instance 1.\n"
    assert migrated("message", "send", "paid", "--id", "m2").output == taken.output
    assert migrated("message", "send", "paid", "--keep", "1e300").exit_code == 1
    assert migrated("message", "send", "paid", "--instance", "7").exit_code == 1


def test_message_send_starts_an_instance(migrated: Command, tmp_path: Path) -> None:
    deployed(migrated, tmp_path, f'<startEvent id="start">{PAID}</startEvent>' + END + chain("start", "end"))
    assert migrated("message", "send", "paid").output == "Started instance 1.\n"


def test_signal_send(migrated: Command, tmp_path: Path) -> None:
    deployed(migrated, tmp_path, CATCH.format(ALARM))
    migrated("start", "p")

    assert migrated("signal", "send", "alarm", "--variable", "level=2").output == "Sent to 1.\n"
    assert migrated("signal", "send", "other").output == "Sent to 0.\n"


# ---- reports -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_a_report_names_files_as_they_were_given(command: Command, form: str) -> None:
    good, bad = command("check", "--format", form, LEAVE), command("check", "--format", form, LEAVE, REFUSED)

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert (good.stderr, bad.stderr) == ("", "")
    assert REFUSED in json.dumps(json.loads(bad.stdout))


def test_check_fails_by_warnings_where_that_is_asked_for(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "nobody.bpmn"
    path.write_bytes(document(START + user("u") + END + chain("start", "u", "end")))

    lenient, strict = command("check", str(path)), command("check", "--strict", str(path))

    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert lenient.stderr == strict.stderr != ""


def test_check_opens_archives(command: Command, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(LEAVE, "processes/leave.bpmn")

    assert command("check", str(tmp_path / "all.zip")).output == "All can run: all.zip.\n"


def test_a_wrong_format_is_a_wrong_command(command: Command) -> None:
    assert command("check", "--format", "xml", LEAVE).exit_code == 2
