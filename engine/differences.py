"""Write what a command changed: only rows that are different now, in the command's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, update

from engine import data_stores, history, jobs, values, waits
from engine.bpmn.facts import Entered, Left, Logged, Thrown
from engine.bpmn.runtime import Run
from engine.bpmn.snapshot import Parts
from engine.bpmn.variables import STORES, Scopes, Written, is_internal
from engine.bpmn.wait import Wait, Waits
from engine.errors import Busy
from engine.model import Json
from engine.model.processes import InstanceStatus
from engine.storage.tables import Base, InstanceRow, SnapshotRow, SubscriptionRow, VariableRow
from engine.transaction import Transaction

SEARCHABLE_CHARACTERS = 200
_INSTANCES, _SNAPSHOTS, _VALUES = (Base.metadata.tables[name] for name in ("instance", "snapshot", "variable"))


@dataclass(frozen=True, slots=True)
class Caller:
    """The call activity that an instance was started by."""

    instance_id: int
    token: str


@dataclass(slots=True)
class Command:
    """One instance while a command changes it."""

    owner: waits.Owner
    version: int
    """Of the instance as it was read."""
    run: Run
    parts: Parts
    """The snapshot as it was read."""
    caller: Caller | None = None


def write(tx: Transaction, command: Command, completed: Collection[str], events: Sequence[dict[str, Any]]) -> None:
    """completed: tokens of user tasks whose rows are closed already. events: further facts. Raises Busy."""
    run = command.run
    status = _status(run)
    _write_instance(tx, command, status)
    _write_parts(tx, command, {} if run.is_over and not run.keeps else run.parts())
    _write_variables(tx, command.owner.instance_id, run.scopes)
    _write_history(tx, command, status, events)
    _write_thrown(tx, command)
    _write_waits(tx, command, completed)
    if status != InstanceStatus.ACTIVE and command.caller is not None:
        _tell_caller(tx, command, command.caller)


def release(tx: Transaction, command: Command) -> None:
    """Write that an instance that has ended keeps nothing any more."""
    _write_parts(tx, command, {})
    _write_variables(tx, command.owner.instance_id, command.run.scopes)
    _write_thrown(tx, command)


def _status(run: Run) -> InstanceStatus:
    if not run.is_over:
        return InstanceStatus.ACTIVE
    if run.result.error is not None:
        return InstanceStatus.FAILED
    return InstanceStatus.TERMINATED if run.result.terminated else InstanceStatus.COMPLETED


_UPDATE_INSTANCE = (
    update(_INSTANCES)
    .where(InstanceRow.id == bindparam("of"), InstanceRow.version == bindparam("seen"))
    .values(
        version=bindparam("seen") + 1,
        status=bindparam("how"),
        ended_at=bindparam("moment"),
        error_code=bindparam("code"),
    )
    .returning(InstanceRow.id)
)


def _write_instance(tx: Transaction, command: Command, status: InstanceStatus) -> None:
    """Raises Busy when the instance is not as it was read: whoever changed it went past the row's lock."""
    error, instance_id = command.run.result.error, command.owner.instance_id
    row = {
        "of": instance_id,
        "seen": command.version,
        "how": status,
        "moment": None if status == InstanceStatus.ACTIVE else tx.now,
        "code": error and error.code,
    }
    if tx.connection.execute(_UPDATE_INSTANCE, row).one_or_none() is None:
        raise Busy(f"Expected instance {instance_id} to be as it was read, but it was changed meanwhile. Try again.")


_AT_PART = (SnapshotRow.instance_id == bindparam("of"), SnapshotRow.part == bindparam("at"))
_ADD_PART = insert(_SNAPSHOTS)
_UPDATE_PART = update(_SNAPSHOTS).where(*_AT_PART).values(content=bindparam("new"))
_DROP_PART = delete(_SNAPSHOTS).where(*_AT_PART)


def _write_parts(tx: Transaction, command: Command, parts: Parts) -> None:
    """Only parts whose bytes changed."""
    old, of = command.parts, command.owner.instance_id
    new = [{"instance_id": of, "part": part, "content": parts[part]} for part in parts.keys() - old.keys()]
    changed = [
        {"of": of, "at": part, "new": parts[part]} for part in parts.keys() & old.keys() if parts[part] != old[part]
    ]
    gone = [{"of": of, "at": part} for part in old.keys() - parts.keys()]
    _execute(tx, (_ADD_PART, new), (_UPDATE_PART, changed), (_DROP_PART, gone))


_AT_VARIABLE = (
    VariableRow.instance_id == bindparam("of"),
    VariableRow.scope == bindparam("within"),
    VariableRow.name == bindparam("called"),
)
_ADD_VARIABLE = insert(_VALUES)
_UPDATE_VARIABLE = (
    update(_VALUES)
    .where(*_AT_VARIABLE)
    .values(value=bindparam("json"), text=bindparam("searched"), number=bindparam("counted"))
)
_DROP_VARIABLE = delete(_VALUES).where(*_AT_VARIABLE)
_DROP_SCOPE = delete(_VALUES).where(*_AT_VARIABLE[:2])


def _write_variables(tx: Transaction, instance_id: int, scopes: Scopes) -> None:
    last = {(written.scope, written.name): written.text for written in scopes.written}
    if STORES in scopes.known:
        data_stores.write(tx, {name: text for (scope, name), text in last.items() if scope == STORES})
    last = {
        (scope, name): text
        for (scope, name), text in last.items()
        if name in scopes.known.get(scope, {}) and scope != STORES
    }
    new, changed = [], []
    for (scope, name), text in last.items():
        shown, number = _searchable(scopes.known[scope][name])
        if (scope, name) in scopes.stored:
            at = {"of": instance_id, "within": scope, "called": name}
            changed.append({**at, "json": text, "searched": shown, "counted": number})
        else:
            at = {"instance_id": instance_id, "scope": scope, "name": name}
            new.append({**at, "value": text, "text": shown, "number": number})
    gone = [{"of": instance_id, "within": scope, "called": name} for scope, name in scopes.gone]
    _execute(tx, (_ADD_VARIABLE, new), (_UPDATE_VARIABLE, changed), (_DROP_VARIABLE, gone))
    _execute(tx, (_DROP_SCOPE, [{"of": instance_id, "within": scope} for scope in scopes.ended]))


def _searchable(value: Json) -> tuple[str | None, float | None]:
    """A value as people search for it: as text, and as a number when it is one."""
    if isinstance(value, bool):
        return str(value).lower(), None
    if value is None or isinstance(value, list | tuple | dict | bytes):
        return None, None
    text = value if isinstance(value, str) else str(value)
    return values.shown(text, SEARCHABLE_CHARACTERS), _number(value)


def _number(value: Json) -> float | None:
    if isinstance(value, str) or not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _write_history(tx: Transaction, command: Command, status: InstanceStatus, told: Sequence[dict[str, Any]]) -> None:
    of = command.owner.instance_id
    facts = command.run.facts
    left = {fact.token: fact.outcome for fact in facts if isinstance(fact, Left)}
    entered = [fact for fact in facts if isinstance(fact, Entered)]
    history.add_activities(tx, [_activity(tx, of, fact, left.pop(fact.token, None)) for fact in entered])
    history.leave_activities(tx, of, left.items())
    events = [*told]
    events += [_variable_set(tx, of, written) for written in _told(command.run.scopes.written)]
    events += _stores_written(tx, of, command.run.scopes)
    events += [_logged(tx, of, fact) for fact in facts if isinstance(fact, Logged)]
    if status != InstanceStatus.ACTIVE:
        events.append(history.event(tx, f"instance {status}", instance_id=of, data=_error(command.run)))
    history.append(tx, events)


def _activity(tx: Transaction, instance_id: int, fact: Entered, outcome: str | None) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "token": fact.token,
        "element_id": fact.element.id,
        "element_type": fact.element.type,
        "element_name": fact.element.name,
        "entered_at": tx.now,
        "left_at": None if outcome is None else tx.now,
        "outcome": outcome,
        "actor": None if outcome is None else tx.actor.id,
        "flow": fact.flow,
    }


def _told(written: Sequence[Written]) -> list[Written]:
    """Every change in order; of a large value only the last in this command."""
    last = {(each.scope, each.name): each for each in written}
    return [
        each
        for each in written
        if not (is_internal(each.name) or is_internal(each.scope))
        and (len(each.text) <= history.LARGE_VALUE or last[each.scope, each.name] is each)
    ]


def _variable_set(tx: Transaction, instance_id: int, written: Written) -> dict[str, Any]:
    data = {"name": written.name, "scope": written.scope, "value": orjson.Fragment(written.text)}
    return history.event(tx, "variable set", instance_id=instance_id, data=data)


def _stores_written(tx: Transaction, instance_id: int, scopes: Scopes) -> list[dict[str, Any]]:
    if STORES not in scopes.known:
        return []
    told = [written for written in scopes.written if written.scope == STORES]
    return [data_stores.event(tx, each.name, each.text, instance_id=instance_id) for each in told]


def _logged(tx: Transaction, instance_id: int, fact: Logged) -> dict[str, Any]:
    return history.event(tx, "logged", instance_id=instance_id, element_id=fact.element, data={"text": fact.text})


def _error(run: Run) -> dict[str, Json]:
    error = run.result.error
    return {} if error is None else {"code": error.code, "message": error.message}


def _write_waits(tx: Transaction, command: Command, completed: Collection[str]) -> None:
    before, after = command.run.waited, command.run.waits()
    ended = [wait for key, wait in before.items() if after.get(key) != wait and not _stops_again(wait, after)]
    begun = [wait for key, wait in after.items() if before.get(key) != wait]
    waits.end(tx, command.owner, [wait for wait in ended if wait.kind != "user" or wait.token not in completed])
    waits.begin(tx, command.owner, begun)


def _stops_again(wait: Wait, after: Waits) -> bool:
    """What was tried again in vain is the same incident still."""
    return wait.kind == "incident" and wait.key in after


def _write_thrown(tx: Transaction, command: Command) -> None:
    """What was thrown for the world outside goes out as jobs: no second instance is touched in this transaction."""
    for fact in command.run.facts:
        if isinstance(fact, Thrown):
            _OUTSIDE[fact.kind](tx, command, fact)


def _throw_signal(tx: Transaction, command: Command, fact: Thrown) -> None:
    """To those who wait by now: their subscriptions are older than any to come."""
    last = tx.session.scalar(select(func.max(SubscriptionRow.id)))
    jobs.add(tx, "signal", payload={**_told_outside(command, fact), "last": last})


def _throw_message(tx: Transaction, command: Command, fact: Thrown) -> None:
    jobs.add(tx, "message", payload={**_told_outside(command, fact), "keys": list(fact.keys)})


def _throw_escalation(tx: Transaction, command: Command, fact: Thrown) -> None:
    caller = command.caller
    if caller is not None:
        payload = _told_outside(command, fact)
        jobs.add(tx, "escalation", instance_id=caller.instance_id, token=caller.token, payload=payload)


def _release(tx: Transaction, command: Command, fact: Thrown) -> None:
    """A called instance will not be compensated any more."""
    jobs.add(tx, "release", instance_id=fact.payload["called"])


def _told_outside(command: Command, fact: Thrown) -> dict[str, Any]:
    return {"name": fact.name, "values": values.encode(dict(fact.payload)), "from": command.owner.instance_id}


_OUTSIDE: Mapping[str, Callable[[Transaction, Command, Thrown], None]] = {
    "signal": _throw_signal,
    "message": _throw_message,
    "escalation": _throw_escalation,
    "release": _release,
}


def _tell_caller(tx: Transaction, command: Command, caller: Caller) -> None:
    run = command.run
    payload = {"called": command.owner.instance_id, "cancelled": run.result.cancelled, "error": _error(run)}
    payload |= {"keeps": run.keeps, "undoing": run.workflow.is_undone}
    jobs.add(tx, "return", instance_id=caller.instance_id, token=caller.token, payload=payload)


def _execute(tx: Transaction, *statements: tuple[Any, Sequence[Mapping[str, Any]]]) -> None:
    for statement, rows in statements:
        if rows:
            tx.connection.execute(statement, list(rows))
