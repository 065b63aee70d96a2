"""The command line: what an operator does with a shell. `run`, which serves the pages, is added by web/cli.py."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import orjson
from sqlalchemy.exc import ArgumentError, OperationalError

from engine import access_tokens, accounts, definitions, instances, messages, reports, services, signals, timers
from engine.bpmn.check.imported import Imported
from engine.bpmn.dialects import Effect
from engine.config import Settings
from engine.errors import Conflict, EngineError, Invalid
from engine.model import Json
from engine.model.people import Actor, Right, Role
from engine.model.problems import Problem, Severity
from engine.observe import logs, probes, tracing
from engine.transaction import Transaction
from engine.worker import LANES, Engine

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
def _engine(settings: Settings | None = None) -> Iterator[Engine]:
    with Engine(settings or read_settings()) as engine:
        yield engine


def read_settings() -> Settings:
    """From the environment; a wrong one ends the program with a clear line."""
    try:
        return Settings.from_environment()
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong


def watched_settings() -> Settings:
    """The same for a program that stays: from here on it writes its log, and sends its traces."""
    settings = read_settings()
    logs.show(settings.log_format)
    tracing.set_up()
    return settings


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
@click.option("--queue", "queues", multiple=True, type=click.Choice(list(LANES)), help="Run only the jobs of these.")
@click.option("--threads", type=click.IntRange(1, 1_000), help="Jobs of each queue at one time.")
def worker(*, queues: Sequence[str], threads: int | None) -> None:
    """Run timers, services and other jobs until SIGTERM or SIGINT; what runs then is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _engine(watched_settings()) as engine:
        engine.require_current()
        with probes.beside(engine):
            engine.start_worker(queues, threads=threads)
            click.echo("The worker runs (stop with Ctrl+C).")
            topics = ", ".join(services.topics())
            click.echo(f"Services: {topics or 'none; name their modules in PROCESSION_SERVICES'}.")
            stop.wait()
    click.echo("The worker has stopped.")


# ---- processes -----------------------------------------------------------------------------------------------------

_FILES = click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))


_REPORTS: Mapping[str, Callable[[Sequence[Problem]], dict[str, Any]]] = {
    "json": reports.as_json,
    "sarif": reports.as_sarif,
}


@main.command()
@_FILES
@click.option(
    "--format", "form", type=click.Choice(["text", *_REPORTS]), default="text", show_default=True, help="Of the report."
)
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@click.option("--imported", is_flag=True, help="Tell, too, what becomes of each word of other tools.")
def check(paths: Sequence[Path], *, form: str, strict: bool, imported: bool) -> None:
    """Tell what is wrong with diagrams, forms and ZIP archives of them; stores nothing.

    Exit status: 0 all can run, 1 there are errors, 2 the files cannot be read or the command is wrong.
    """
    try:
        files = _read(paths)
    except Conflict as cause:
        raise click.UsageError(str(cause)) from cause
    examined = definitions.examine(files.items())
    problems = examined.problems
    if form == "text":
        _tell(problems)
        _tell_imported(definitions.imported(examined) if imported else [])
    else:
        click.echo(orjson.dumps(_REPORTS[form](_by_path(problems, paths)), option=orjson.OPT_INDENT_2))
    if any(strict or problem.severity == Severity.ERROR for problem in problems):
        raise click.exceptions.Exit(1)
    if form == "text":
        click.echo(f"All can run: {', '.join(path.name for path in paths)}.")


def _by_path(problems: Sequence[Problem], paths: Sequence[Path]) -> list[Problem]:
    """Told by the paths that were given, so that other programs find the files."""
    given = {path.name: str(path) for path in paths}
    found = ((problem, given.get(problem.place.file)) for problem in problems)
    return [
        problem if file is None else replace(problem, place=replace(problem.place, file=file))
        for problem, file in found
    ]


@main.command()
@_FILES
def deploy(paths: Sequence[Path]) -> None:
    """Store diagrams and their forms together, as new versions; a ZIP archive stands for its files."""
    checked = definitions.check(_read(paths))
    with _transaction() as tx:
        deployment = definitions.deploy(tx, checked)
    _tell(deployment.warnings)
    for definition in deployment.definitions:
        click.echo(f"Deployed {definition.key}, version {definition.version}.")


_VARIABLES = click.option(
    "--variable", "variables", metavar="NAME=VALUE", multiple=True, help="JSON, or else text; may be repeated."
)


@main.command()
@click.argument("key")
@_VARIABLES
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


def _tell_imported(rows: Sequence[Imported]) -> None:
    """What becomes of the words of other tools, those first that must change."""
    for row in sorted(rows, key=lambda row: row.effect is not Effect.CHANGE):
        click.echo(str(row))
    counts = Counter(str(row.effect) for row in rows)
    if counts:
        click.echo(f"Words of other tools: {', '.join(f'{count} {effect}' for effect, count in counts.items())}.")


def _tell(problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)


# ---- timers --------------------------------------------------------------------------------------------------------


@main.group("timers")
def timer() -> None:
    """List timers that wait, fire and move them."""


@timer.command("list")
@click.option("--limit", default=1_000, type=click.IntRange(min=1), show_default=True, help="How many at most.")
def list_timers(limit: int) -> None:
    """List timers, next first: id, when it is due (UTC), process, element, instance (none: it starts one)."""
    with _transaction() as tx:
        found = timers.pending(tx, limit=limit).rows
    for each in found:
        instance = "" if each.instance_id is None else str(each.instance_id)
        cells = [str(each.job_id), each.due_at.isoformat(), each.definition_name, each.element_id, instance]
        click.echo("\t".join(cells).rstrip())


@timer.command("fire")
@click.argument("id", type=int)
def fire_timer(id: int) -> None:
    """Let a timer fire now; of a cycle this is one turn more."""
    with _transaction() as tx:
        timers.fire(tx, id)
    click.echo(f"Fired timer {id}.")


@timer.command("move")
@click.argument("id", type=int)
@click.argument("moment")
def move_timer(id: int, moment: str) -> None:
    """Let a timer be due at another moment: a date such as 2026-05-04T17:00, or PT2H from now."""
    with _transaction() as tx:
        due_at = timers.moment(tx, moment)
        timers.move(tx, id, due_at)
    click.echo(f"Timer {id} is due at {due_at.isoformat()}.")


# ---- messages and signals ------------------------------------------------------------------------------------------


@main.group()
def message() -> None:
    """Messages: each to the one instance that waits for it."""


@message.command("send")
@click.argument("name")
@_VARIABLES
@click.option("--business-key")
@click.option("--correlation-key")
@click.option("--instance", "instance_id", type=click.IntRange(1), help="Only to this one.")
@click.option("--id", "message_id", help="What is sent again under it changes nothing.")
@click.option("--keep", "seconds", type=click.FloatRange(0, min_open=True), help="Seconds to wait for who comes later.")
def send_message(name: str, *, variables: Sequence[str], seconds: float | None, **about: Any) -> None:
    """Send a message; tells which instance took it."""
    told, lifetime = dict(map(_variable, variables)), None if seconds is None else _lifetime(seconds)
    with _transaction() as tx:
        taker = messages.correlate(tx, name, variables=told, lifetime=lifetime, **about)
        is_begun = taker is not None and instances.taker(tx, taker)[1]
    if taker is None:
        click.echo("Nobody waits for it yet, so it is kept.")
    else:
        click.echo(f"{'Started' if is_begun else 'Taken by'} instance {taker}.")


def _lifetime(seconds: float) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError as cause:
        raise Conflict(f"Expected --keep to be a number of seconds, but got {seconds:g}.") from cause


@main.group("signal")
def signal_group() -> None:
    """Signals: to all who wait for them."""


@signal_group.command("send")
@click.argument("name")
@_VARIABLES
def send_signal(name: str, *, variables: Sequence[str]) -> None:
    """Send a signal; tells how many wait for it."""
    with _transaction() as tx:
        count = signals.broadcast(tx, name, dict(map(_variable, variables)))
    click.echo(f"Sent to {count}.")


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


# ---- access tokens -------------------------------------------------------------------------------------------------


@main.group()
def token() -> None:
    """Manage the tokens that let programs in: workers, and whoever starts processes and sends messages."""


@token.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in access_tokens.SCOPES]),
)
@click.option("--days", default=90, show_default=True, help="Until it expires.")
def add_token(name: str, *, scopes: Sequence[str], days: int) -> None:
    """Make a token; prints its secret, once."""
    with _transaction() as tx:
        life = timedelta(days=min(max(days, -1), 10_000))
        secret = access_tokens.add(tx, name, scopes=[Right(scope) for scope in scopes], life=life)
    click.echo(secret)


@token.command("list")
def list_tokens() -> None:
    """List tokens: name, scopes, when each expires and was used last."""
    with _transaction() as tx:
        found = access_tokens.find(tx)
    for each in found:
        used = "never used" if each.used_at is None else f"used {each.used_at:%Y-%m-%d %H:%M}"
        click.echo("\t".join([each.name, ",".join(sorted(each.scopes)), f"expires {each.expires_at:%Y-%m-%d}", used]))


@token.command("delete")
@click.argument("name")
def delete_token(name: str) -> None:
    """Take a token away; whoever uses it is let in no longer."""
    with _transaction() as tx:
        access_tokens.delete_token(tx, name)
    click.echo(f"Deleted {name}.")
