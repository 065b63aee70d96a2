"""The command line: what an operator does with a shell. `run`, which serves the pages, is added by web/cli.py."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import orjson
from sqlalchemy.exc import ArgumentError, OperationalError

from engine import accounts, definitions, instances, services
from engine.config import Settings
from engine.errors import Conflict, EngineError, Invalid
from engine.model import Actor, Json, Problem, Right, Role, Severity
from engine.transaction import Transaction
from engine.worker import Engine

OPERATOR = Actor("command-line", rights=frozenset(Right))
"""Whoever has a shell and the database's address may do everything."""


class Commands(click.Group):
    """A refusal becomes one clear line (or one for each problem) and exit status 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Invalid as refusal:
            _tell(refusal.problems)
            ctx.exit(1)
        except EngineError as refusal:
            raise click.ClickException(str(refusal)) from refusal
        except (OperationalError, ArgumentError) as cause:
            raise click.ClickException(f"Expected the database to answer, but: {_first_line(cause)}") from cause


@click.group(cls=Commands)
@click.version_option(package_name="procession", message="%(prog)s %(version)s")
def main() -> None:
    """Run processes drawn in BPMN 2.0. Settings are environment variables: PROCESSION_DATABASE_URL and others."""


@contextmanager
def _engine() -> Iterator[Engine]:
    try:
        settings = Settings.from_environment()
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    with Engine(settings) as engine:
        yield engine


@contextmanager
def _transaction() -> Iterator[Transaction]:
    with _engine() as engine:
        engine.require_current()
        with engine.transaction(OPERATOR) as tx:
            yield tx


def _first_line(cause: Exception) -> str:
    return str(getattr(cause, "orig", None) or cause).partition("\n")[0]


# ---- the program ---------------------------------------------------------------------------------------------------


@main.command()
def migrate() -> None:
    """Bring the database to this program's tables."""
    with _engine() as engine:
        click.echo(f"The database is at revision {engine.migrate()}.")


@main.command()
def worker() -> None:
    """Run timers, services and other jobs until SIGTERM or SIGINT; what runs then is finished first."""
    show_log()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _engine() as engine:
        engine.require_current()
        engine.start_worker()
        click.echo("The worker runs (stop with Ctrl+C).")
        click.echo(f"Services: {', '.join(services.topics()) or 'none; name their modules in PROCESSION_SERVICES'}.")
        stop.wait()
    click.echo("The worker has stopped.")


def show_log() -> None:
    """Write the log to standard error: time, level, event, keys."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Keys("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells each look at the revision


class _Keys(logging.Formatter):
    """Adds the keys of a record's `extra` to its line."""

    _ordinary = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def formatMessage(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in self._ordinary}
        return " ".join([super().formatMessage(record), *(f"{key}={value}" for key, value in extra.items())])


# ---- processes -----------------------------------------------------------------------------------------------------

_FILES = click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))


@main.command()
@_FILES
def check(paths: Sequence[Path]) -> None:
    """Tell what is wrong with diagrams and forms, one line for each problem; stores nothing."""
    problems = definitions.problems(_read(paths))
    _tell(problems)
    if any(problem.severity == Severity.ERROR for problem in problems):
        raise click.exceptions.Exit(1)
    click.echo(f"All can run: {', '.join(path.name for path in paths)}.")


@main.command()
@_FILES
def deploy(paths: Sequence[Path]) -> None:
    """Store diagrams and their forms together, as new versions."""
    checked = definitions.check(_read(paths))
    with _transaction() as tx:
        deployment = definitions.deploy(tx, checked)
    _tell(deployment.warnings)
    for definition in deployment.definitions:
        click.echo(f"Deployed {definition.key}, version {definition.version}.")


@main.command()
@click.argument("key")
@click.option(
    "--variable", "variables", metavar="NAME=VALUE", multiple=True, help="JSON, or else text; may be repeated."
)
@click.option("--business-key")
def start(key: str, variables: Sequence[str], business_key: str | None) -> None:
    """Start an instance of the newest version of a process."""
    values = dict(map(_variable, variables))
    with _transaction() as tx:
        instance = instances.start(tx, key, variables=values, business_key=business_key)
    click.echo(f"Started instance {instance.id} of {key}, version {instance.definition_version}.")


def _read(paths: Sequence[Path]) -> dict[str, bytes]:
    counted = Counter(path.name for path in paths)
    twice = ", ".join(name for name, count in counted.items() if count > 1)
    if twice:
        raise Conflict(f"Expected files of different names, but these come twice: {twice}.")
    return {path.name: _content(path) for path in paths}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise Conflict(f"Expected to read {path}, but: {cause.strerror}.") from cause


def _variable(text: str) -> tuple[str, Json]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Conflict(f"Expected --variable name=value, but got {text}.")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value  # not JSON: a text that needs no quotes


def _tell(problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)


# ---- accounts ------------------------------------------------------------------------------------------------------


@main.group()
def user() -> None:
    """Manage accounts."""


_PASSWORD_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@user.command("add")
@click.argument("id")
@click.option("--name", help="Name to show; by default the id.")
@click.option("--email", default="")
@click.option("--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]))
@click.option("--group", "groups", multiple=True)
@_PASSWORD_STDIN
def add_user(
    id: str, *, name: str | None, email: str, roles: Sequence[str], groups: Sequence[str], password_stdin: bool
) -> None:
    """Make an account; asks for its password."""
    password = _password(password_stdin)
    with _transaction() as tx:
        wanted = [Role(role) for role in roles]
        accounts.add(tx, id, name=name or id, password=password, email=email, roles=wanted, groups=groups)
    click.echo(f"Added {id}.")


@user.command()
@click.argument("id")
@_PASSWORD_STDIN
def passwd(id: str, *, password_stdin: bool) -> None:
    """Change an account's password, which ends its sessions; asks for the new one."""
    password = _password(password_stdin)
    with _transaction() as tx:
        accounts.set_password(tx, id, password)
    click.echo(f"Changed the password of {id}.")


@user.command("list")
@click.argument("search", default="")
def list_users(search: str) -> None:
    """List accounts: id, name, roles, groups; those whose id, name or e-mail address contains SEARCH."""
    with _transaction() as tx:
        found = accounts.find(tx, search, limit=1_000_000).rows
    for account in found:
        state = "" if account.is_active else "inactive"
        cells = [account.id, account.name, ",".join(sorted(account.roles)), ",".join(sorted(account.groups)), state]
        click.echo("\t".join(cells).rstrip())


def _password(from_stdin: bool) -> str:
    """Never an argument: others on the machine can read those."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
