"""Advance an instance: lock, restore, act, step until all wait, write the differences. One command, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, func, insert, or_, select, update

from engine import data_stores, differences, history, values, waits
from engine.bpmn import forms, parse, read, templates
from engine.bpmn.asleep import Unreadable
from engine.bpmn.elements.correlation import KnownKeys
from engine.bpmn.names import element_of
from engine.bpmn.parse import Process
from engine.bpmn.runtime import Run
from engine.bpmn.snapshot import Parts
from engine.bpmn.variables import Scopes
from engine.bpmn.world import World
from engine.differences import Caller, Command
from engine.errors import Conflict, InvalidValues, Newer, NotFound
from engine.model import Json
from engine.model.processes import InstanceStatus
from engine.observe import watch
from engine.storage.tables import Base, DefinitionRow, InstanceRow, ResourceRow, SnapshotRow, VariableRow
from engine.transaction import Transaction

LONGEST_BUSINESS_KEY = 255


class NotActive(Conflict):
    """The instance has ended, or is suspended."""


class StateUnreadable(Conflict):
    """The stored state of an instance does not fit this program or the definition."""


class StateNewer(StateUnreadable, Newer):
    """A newer program can read it."""


def begin(
    tx: Transaction,
    definition: DefinitionRow,
    variables: Mapping[str, Json],
    *,
    business_key: str | None = None,
    start_event: str | None = None,
    keys: KnownKeys | None = None,
    caller: Caller | None = None,
    start_key: str | None = None,
) -> int:
    """Start an instance and run it until it waits or ends; gives its id. Raises Conflict, TypeError, InvalidValues.

    keys: of the message that begins it. start_key: no other instance of the process has it (else IntegrityError).
    """
    check_business_key(business_key)
    process = process_of(tx, definition.id)
    initiator = process.initiators.get(element_of(start_event or process.start_event or ""))
    given = {**variables, initiator: tx.actor.id} if initiator else variables
    with watch.command("begin"):
        run = Run.begin(process, _world_of(tx, caller), given, start_event=start_event, keys=keys)
        run.workflow.is_called = caller is not None
        row = {**_instance(tx, definition, business_key, caller), "start_key": start_key}
        instance_id: int = tx.connection.execute(_ADD_INSTANCE, row).scalar_one()
        watch.instance(instance_id)
        started = history.event(tx, "instance started", instance_id=instance_id, data={"business key": business_key})
        command = Command(waits.Owner(instance_id, definition.id, process), 0, run, {}, caller)
        _finish(tx, command, events=[started])
    return instance_id


def advance(
    tx: Transaction,
    instance_id: int,
    act: Callable[[Run], None],
    *,
    completed: Collection[str] = (),
    events: Sequence[dict[str, Any]] = (),
) -> None:
    """Do something to an instance and run it until it waits or ends.

    completed: tokens of user tasks whose rows the caller has closed already.
    events: facts to write together with those of this command.
    Raises NotFound, and NotActive.
    """
    with watch.command("advance", instance_id), _readable(instance_id):
        command = _open(tx, instance_id)
        act(command.run)
        _finish(tx, command, completed=completed, events=events)


def compensate(tx: Transaction, instance_id: int, caller: Caller) -> None:
    """Make an instance that has ended active again, to undo what has completed in it, for a call activity.

    Raises NotActive when there is nothing to undo: it did not end well, or all is undone.
    """
    with watch.command("compensate", instance_id):
        command = _open_ended(tx, instance_id)
        command.caller = caller
        tx.connection.execute(_HAND_OVER, {"of": instance_id, "token": caller.token})
        command.run.compensate()
        _finish(tx, command, events=[history.event(tx, "instance compensated", instance_id=instance_id)])


def release(tx: Transaction, instance_id: int) -> None:
    """An instance that has ended will not be compensated any more. Raises NotActive when it keeps nothing."""
    with watch.command("release", instance_id):
        command = _open_ended(tx, instance_id)
        command.run.release()
        differences.release(tx, command)


def look(tx: Transaction, instance_id: int) -> Run:
    """The state of an instance, to be read only."""
    row = _instance_row(tx, instance_id, lock=False)
    return _restore(tx, instance_id, process_of(tx, row.definition_id), _read_parts(tx, instance_id))


def process_of(tx: Transaction, definition_id: int) -> Process:
    """The parsed definition; from the cache when it was used before. Raises NotFound."""
    here: Mapping[int, Process] = tx.session.info.get(_DEPLOYED_HERE, {})
    return here.get(definition_id) or tx.store.definitions.get(definition_id, lambda: _parse(tx, definition_id))


def keep_for_now(tx: Transaction, definition_id: int, process: Process) -> None:
    """Know a definition that this transaction deploys, until it ends.

    Were it kept for others and then rolled back, the next deployment might get the same id.
    """
    tx.session.info.setdefault(_DEPLOYED_HERE, {})[definition_id] = process


_DEPLOYED_HERE = "definitions deployed in this transaction"


def world(tx: Transaction) -> World:
    return World(tx.store.evaluator, tx.now, zone(tx), partial(data_stores.hold, tx))


def _world_of(tx: Transaction, caller: Caller | None) -> World:
    here = world(tx)
    return here if caller is None else replace(here, is_caught_outside=partial(_catches, tx, caller))


def _catches(tx: Transaction, caller: Caller | None, code: str) -> bool:
    """Whether who called an instance catches a BPMN error, or who called that one."""
    while caller is not None:
        row = _instance_row(tx, caller.instance_id, lock=False)
        if look(tx, caller.instance_id).catches(caller.token, code):
            return True
        caller = _caller(row.caller_id, row.caller_token)
    return False


def _caller(instance_id: int | None, token: str | None) -> Caller | None:
    return None if instance_id is None else Caller(instance_id, token or "")


def zone(tx: Transaction) -> ZoneInfo:
    """For dates that name no zone."""
    return ZoneInfo(tx.store.settings.time_zone)


def circumstances(tx: Transaction, known: Callable[[], Mapping[str, Json]]) -> forms.Circumstances:
    """For the check of a form. known: reads the variables that its page showed."""
    return forms.Circumstances(zone(tx), tx.now, known)


# ---- opening -------------------------------------------------------------------------------------------------------


def _open(tx: Transaction, instance_id: int) -> Command:
    row = _instance_row(tx, instance_id, lock=True)
    if row.status != InstanceStatus.ACTIVE:
        raise NotActive(f"Expected instance {instance_id} to be active, but it is {row.status}.")
    return _opened(tx, instance_id, row, _read_parts(tx, instance_id))


def _open_ended(tx: Transaction, instance_id: int) -> Command:
    row, parts = _instance_row(tx, instance_id, lock=True), _read_parts(tx, instance_id)
    if row.status == InstanceStatus.ACTIVE or not parts:
        raise NotActive(f"Expected instance {instance_id} to have ended and to keep something, but it does not.")
    return _opened(tx, instance_id, row, parts)


def _opened(tx: Transaction, instance_id: int, row: InstanceSeen, parts: Parts) -> Command:
    process = process_of(tx, row.definition_id)
    caller = _caller(row.caller_id, row.caller_token)
    run = _restore(tx, instance_id, process, parts, caller)
    run.workflow.is_called = caller is not None
    return Command(waits.Owner(instance_id, row.definition_id, process), row.version, run, parts, caller)


_SEEN = (
    InstanceRow.definition_id,
    InstanceRow.status,
    InstanceRow.version,
    InstanceRow.caller_id,
    InstanceRow.caller_token,
)
_LOOK = select(*_SEEN).where(InstanceRow.id == bindparam("of"))
_LOCK = _LOOK.with_for_update(key_share=True)
"""As weak as an UPDATE's: rows that refer to the instance may still be added. (SQLite has one writer.)"""
_PARTS = select(SnapshotRow.part, SnapshotRow.content).where(SnapshotRow.instance_id == bindparam("of"))
_VARIABLES = select(VariableRow.scope, VariableRow.name, VariableRow.value).where(
    VariableRow.instance_id == bindparam("of")
)
_OF_SCOPE = _VARIABLES.where(VariableRow.scope == bindparam("within"))
"""The usual case, without the cost of a list."""
_OF_SCOPES = _VARIABLES.where(VariableRow.scope.in_(bindparam("scopes", expanding=True)))
_OF_NAMES = _OF_SCOPE.where(VariableRow.name.in_(bindparam("names", expanding=True)))


@dataclass(frozen=True, slots=True)
class _Stored:
    """The rows of one instance's variables."""

    tx: Transaction
    instance_id: int

    def of_scopes(self, scopes: Collection[str]) -> Iterator[tuple[str, str, Json]]:
        first, *others = scopes
        return self._read(_OF_SCOPES, scopes=[first, *others]) if others else self._read(_OF_SCOPE, within=first)

    def of_names(self, scope: str, names: Collection[str]) -> Iterator[tuple[str, str, Json]]:
        return self._read(_OF_NAMES, names=list(names), within=scope)

    def _read(self, query: Select[str, str, str], **told: Any) -> Iterator[tuple[str, str, Json]]:
        rows = self.tx.connection.execute(query, {"of": self.instance_id, **told})
        return ((scope, name, values.load(value)) for scope, name, value in rows)


InstanceSeen = Row[int, str, int, int | None, str | None]
_HAND_OVER = (
    update(Base.metadata.tables["instance"])
    .where(InstanceRow.id == bindparam("of"))
    .values(caller_token=bindparam("token"))
)


def _instance_row(tx: Transaction, instance_id: int, *, lock: bool) -> InstanceSeen:
    row = tx.connection.execute(_LOCK if lock else _LOOK, {"of": instance_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no instance {instance_id}.")
    return row


def _read_parts(tx: Transaction, instance_id: int) -> Parts:
    rows = tx.connection.execute(_PARTS, {"of": instance_id}).all()
    return {part: content for part, content in rows}


def _restore(tx: Transaction, instance_id: int, process: Process, parts: Parts, caller: Caller | None = None) -> Run:
    here, scopes = _world_of(tx, caller), Scopes(_Stored(tx, instance_id))
    with _readable(instance_id):
        return Run.restore(process, parts, scopes, here)


@contextmanager
def _readable(instance_id: int) -> Iterator[None]:
    """What cannot be read may be found late: parts of the state are loaded when something in them is asked for."""
    try:
        yield
    except Unreadable as cause:
        kind = StateNewer if isinstance(cause, Newer) else StateUnreadable
        raise kind(f"The state of instance {instance_id} cannot be read. {cause}") from cause


def _parse(tx: Transaction, definition_id: int) -> Process:
    query = (
        select(DefinitionRow.key, ResourceRow.file, ResourceRow.content)
        .join(ResourceRow, ResourceRow.id == DefinitionRow.resource_id)
        .where(DefinitionRow.id == definition_id)
    )
    row = tx.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no definition {definition_id}.")
    found = parse.processes(read.read(row.file, row.content), _files_beside(tx, definition_id))
    return next(process for process in found if process.key == row.key)


def _files_beside(tx: Transaction, definition_id: int) -> dict[str, bytes]:
    """The forms and templates that were deployed with a definition."""
    query = (
        select(ResourceRow.file, ResourceRow.content)
        .join(DefinitionRow, DefinitionRow.deployment_id == ResourceRow.deployment_id)
        .where(DefinitionRow.id == definition_id)
        .where(or_(*(func.lower(ResourceRow.file).endswith(ending) for ending in _BESIDE)))
    )
    return {file: content for file, content in tx.session.execute(query)}


_BESIDE = (*forms.ENDINGS, *templates.ENDINGS)


# ---- writing -------------------------------------------------------------------------------------------------------


def _finish(
    tx: Transaction, command: Command, *, completed: Collection[str] = (), events: Sequence[dict[str, Any]] = ()
) -> None:
    """Settle, then write what is different now."""
    settings = tx.store.settings
    watch.stepped(command.run.settle(settings.max_steps, settings.command_duration.total_seconds()))
    differences.write(tx, command, completed, events)


_ADD_INSTANCE = insert(Base.metadata.tables["instance"]).returning(InstanceRow.id)


def _instance(
    tx: Transaction, definition: DefinitionRow, business_key: str | None, caller: Caller | None
) -> dict[str, Any]:
    return {
        "definition_id": definition.id,
        "definition_key": definition.key,
        "business_key": business_key,
        "status": InstanceStatus.ACTIVE,
        "started_by": tx.actor.id,
        "started_at": tx.now,
        "version": 0,
        "caller_id": caller and caller.instance_id,
        "caller_token": caller and caller.token,
    }


def check_business_key(business_key: str | None) -> None:
    """Raises InvalidValues for one that no row can hold."""
    try:
        values.fitting(business_key or "", LONGEST_BUSINESS_KEY, "a business key")
    except TypeError as cause:
        raise InvalidValues({"business_key": str(cause)}) from cause
