"""What tokens wait for, as rows: a table of kinds, each with a way to begin and a way to end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    true,
    update,
)

from engine import history, jobs, values
from engine.bpmn.parse import Process
from engine.bpmn.wait import Wait
from engine.jobs import NewJob
from engine.model import Json
from engine.model.people import Actor
from engine.model.processes import InstanceStatus
from engine.model.tasks import TaskStatus
from engine.retry import Retry
from engine.storage.tables import (
    NEVER,
    CandidateRow,
    IncidentRow,
    InstanceRow,
    MessageRow,
    SubscriptionRow,
    UserTaskRow,
)
from engine.transaction import Transaction

log = logging.getLogger(__name__)

MOST_MESSAGES = 10
"""Tried again at once when somebody begins to wait."""
EVERYBODY = "all:"
"""The reader of a task that names nobody."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The instance whose tokens wait."""

    instance_id: int
    definition_id: int
    process: Process

    def name(self, element_id: str) -> str:
        element = self.process.elements.get(element_id)  # none where a process as a whole is compensated
        return (element and element.name) or element_id


def begin(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    for kind, some in _by_kind(waits).items():
        _KINDS[kind].begin(tx, owner, some)


def end(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    for kind, some in _by_kind(waits).items():
        _KINDS[kind].end(tx, owner, some)


def _by_kind(waits: Sequence[Wait]) -> Mapping[str, list[Wait]]:
    found: dict[str, list[Wait]] = {}
    for wait in waits:
        found.setdefault(wait.kind, []).append(wait)
    return found


def _table(row: Any) -> Table:
    table: Table = row.__table__
    return table


# ---- user tasks ----------------------------------------------------------------------------------------------------


def readers(users: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Who is offered a task: one reader for each candidate, everybody when nobody is named."""
    return [f"user:{user}" for user in users] + [f"group:{group}" for group in groups] or [EVERYBODY]


def readers_of(actor: Actor) -> list[str]:
    """As whom a person reads offers."""
    return [*readers([actor.id], sorted(actor.groups)), EVERYBODY]


def is_for(actor: Actor) -> ColumnElement[bool]:
    """The user tasks that an actor has, had or is offered."""
    offered = exists().where(CandidateRow.task_id == UserTaskRow.id, CandidateRow.reader.in_(readers_of(actor)))
    return (UserTaskRow.assignee == actor.id) | (UserTaskRow.completed_by == actor.id) | offered


def offer(tx: Transaction, task_ids: Sequence[int], tasks: Sequence[Mapping[str, Any]]) -> None:
    """Show unassigned tasks to their candidates; tasks hold the columns of their rows."""
    rows = [
        {"task_id": task_id, "reader": reader, "priority": task["priority"], "due_order": task["due_order"]}
        for task_id, task in zip(task_ids, tasks, strict=True)
        if task["assignee"] is None
        for reader in readers(task["candidate_users"], task["candidate_groups"])
    ]
    if rows:
        tx.connection.execute(insert(_table(CandidateRow)), rows)


def _begin_user(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    rows = [_user_task(tx, owner, wait) for wait in waits]
    connection = tx.connection
    ids = [connection.execute(_ADD_TASK, row).scalar_one() for row in rows]
    offer(tx, ids, rows)


def _user_task(tx: Transaction, owner: Owner, wait: Wait) -> dict[str, Any]:
    told = wait.data
    due = told["due"] and datetime.fromisoformat(told["due"])
    return {
        "instance_id": owner.instance_id,
        "definition_id": owner.definition_id,
        "token": wait.token,
        "element_id": wait.element_id,
        "name": owner.name(wait.element_id),
        "status": TaskStatus.OPEN,
        "assignee": told["assignee"],
        "candidate_users": told["users"],
        "candidate_groups": told["groups"],
        "priority": told["priority"],
        "due_at": due,
        "due_order": due or NEVER,
        "follow_up_at": told["follow_up"] and datetime.fromisoformat(told["follow_up"]),
        "created_at": tx.now,
    }


_ADD_TASK = insert(_table(UserTaskRow)).returning(UserTaskRow.id)
_MINE = (UserTaskRow.instance_id == bindparam("of"), UserTaskRow.token == bindparam("at"))
_CANCEL_TASK = (
    update(_table(UserTaskRow))
    .where(*_MINE, UserTaskRow.status == TaskStatus.OPEN)
    .values(status=TaskStatus.CANCELLED, ended_at=bindparam("moment"))
)
_WITHDRAW = delete(_table(CandidateRow)).where(CandidateRow.task_id.in_(select(UserTaskRow.id).where(*_MINE)))


def _end_user(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    for wait in waits:
        at = {"of": owner.instance_id, "at": wait.token}
        tx.connection.execute(_CANCEL_TASK, {**at, "moment": tx.now})
        tx.connection.execute(_WITHDRAW, at)  # after the task, as a claim does: neither waits for the other


# ---- jobs: timers and services -------------------------------------------------------------------------------------


def _begin_timer(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    for wait in waits:
        _add_job(tx, owner, wait, due_at=datetime.fromisoformat(wait.data["due"]), payload=dict(wait.data))


def _begin_service(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    for wait in waits:
        retry = tx.store.settings.retry if "retry" not in wait.data else Retry.of(wait.data["retry"])
        payload = {name: value for name, value in wait.data.items() if name not in ("topic", "priority")}
        about = {"topic": wait.data["topic"], "priority": wait.data.get("priority", 0), "payload": payload}
        about["max_attempts"] = retry.tries
        _add_job(tx, owner, wait, queue=_QUEUES[wait.kind], **about)


_QUEUES = {"service": jobs.SERVICE_QUEUE, "http": jobs.HTTP_QUEUE, "mail": jobs.MAIL_QUEUE}


def _add_job(tx: Transaction, owner: Owner, wait: Wait, **options: Any) -> None:
    jobs.add(
        tx,
        wait.kind,
        instance_id=owner.instance_id,
        definition_id=owner.definition_id,
        token=wait.token,
        element_id=wait.element_id,
        **options,
    )


def _end_jobs(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    jobs.cancel(tx, owner.instance_id, [(wait.token, wait.element_id) for wait in waits])


# ---- call activities: jobs that start an instance, and end it when its caller goes on --------------------------------


def _begin_call(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    for wait in waits:
        _add_job(tx, owner, wait, payload=dict(wait.data))


def _end_call(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    _end_jobs(tx, owner, waits)
    tokens = [wait.token for wait in waits]
    called = select(InstanceRow.id).where(
        InstanceRow.caller_id == owner.instance_id,
        InstanceRow.caller_token.in_(tokens),
        InstanceRow.status == InstanceStatus.ACTIVE,
    )
    jobs.add_many(tx, [NewJob("recall", instance_id=instance_id) for instance_id in tx.session.scalars(called)])


# ---- subscriptions -------------------------------------------------------------------------------------------------


def _begin_subscription(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    rows = [
        {
            "kind": wait.kind,
            "name": wait.data["name"],
            "correlation_key": wait.data.get("key"),
            "key_told": wait.data.get("told") and values.shown(wait.data["told"]),
            "instance_id": owner.instance_id,
            "token": wait.token,
            "element_id": wait.element_id,
        }
        for wait in waits
    ]
    tx.connection.execute(insert(_table(SubscriptionRow)), rows)
    _seek_for(tx, owner, [wait for wait in waits if wait.kind == "message"])


def _seek_for(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    """Somebody waits now: kept messages that are for him try again, whatever others are kept before them."""
    names = {wait.data["name"] for wait in waits}
    if not names or tx.connection.scalar(select(MessageRow.id).where(MessageRow.name.in_(names)).limit(1)) is None:
        return
    for wait in waits:
        _seek(tx, wait.data["name"], _kept(wait.data["name"], _is_for(owner, wait.data.get("key"))))


def _is_for(owner: Owner, key: str | None) -> ColumnElement[bool]:
    """Messages that carry this key, or none but the business key; to who waits without a key: any."""
    mine = select(InstanceRow.business_key).where(InstanceRow.id == owner.instance_id).scalar_subquery()
    business, keys = MessageRow.business_key, cast(MessageRow.keys, Text)
    ours = keys.contains(key) | ((keys == "[]") & business.is_not(None)) if key is not None else true()
    return (business.is_(None) | (business == mine)) & ours


def seek_all(tx: Transaction, name: str, after: int = 0) -> None:
    """A process begins with messages of this name: those that are kept try again, each portion before the next."""
    _seek(tx, name, _kept(name, MessageRow.id > after), is_all=True)


def _kept(name: str, fits: ColumnElement[bool]) -> Select[int]:
    return select(MessageRow.id).where(MessageRow.name == name, fits).order_by(MessageRow.id).limit(MOST_MESSAGES)


def _seek(tx: Transaction, name: str, kept: Select[int], *, is_all: bool = False) -> None:
    """is_all: the last one of this portion looks for the next portion."""
    found = tx.connection.scalars(kept).all()
    told: list[dict[str, Json]] = [{"message": id, "name": name, "last": False} for id in found]
    if is_all and len(told) == MOST_MESSAGES:
        told[-1]["more"] = True
    jobs.add_many(tx, [NewJob("seek", payload=each) for each in told])


_UNSUBSCRIBE = delete(_table(SubscriptionRow)).where(
    SubscriptionRow.instance_id == bindparam("of"),
    SubscriptionRow.token == bindparam("at"),
    SubscriptionRow.element_id == bindparam("event"),
)


def _end_subscription(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    rows = [{"of": owner.instance_id, "at": wait.token, "event": wait.element_id} for wait in waits]
    tx.connection.execute(_UNSUBSCRIBE, rows)


# ---- incidents -----------------------------------------------------------------------------------------------------


def _begin_incident(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    rows = [_incident(tx, owner, wait) for wait in waits if not _stops_again(tx, owner, wait)]
    if rows:
        tx.connection.execute(insert(_table(IncidentRow)), rows)
    for wait in waits:
        told = {"instance": owner.instance_id, "element": wait.element_id, "reason": wait.data["message"]}
        log.warning("incident", extra=told)
    history.append(tx, [_stopped(tx, owner, wait) for wait in waits])


def _incident(tx: Transaction, owner: Owner, wait: Wait) -> dict[str, Any]:
    return {
        "instance_id": owner.instance_id,
        "definition_id": owner.definition_id,
        "token": wait.token,
        "element_id": wait.element_id,
        "element_name": owner.name(wait.element_id),
        "message": wait.data["message"],
        "created_at": tx.now,
    }


def _stops_again(tx: Transaction, owner: Owner, wait: Wait) -> bool:
    """Whether it was tried again in vain: its incident is open still, and says now why it stopped this time."""
    if wait.data["stop"] == 1:
        return False
    told = {"of": owner.instance_id, "at": wait.token, "why": wait.data["message"]}
    return tx.connection.scalar(_STOP_AGAIN, told) is not None


def _stopped(tx: Transaction, owner: Owner, wait: Wait) -> dict[str, Any]:
    """The incident goes when it is resolved; that it came stays."""
    data = {"message": wait.data["message"]}
    return history.event(tx, "stopped", instance_id=owner.instance_id, element_id=wait.element_id, data=data)


_OPEN_INCIDENT = update(_table(IncidentRow)).where(
    IncidentRow.instance_id == bindparam("of"),
    IncidentRow.token == bindparam("at"),
    IncidentRow.resolved_at.is_(None),
)
_STOP_AGAIN = _OPEN_INCIDENT.values(message=bindparam("why"), resolved_by=None).returning(IncidentRow.id)
_RESOLVE = _OPEN_INCIDENT.values(
    resolved_at=bindparam("moment"), resolved_by=func.coalesce(IncidentRow.resolved_by, bindparam("who"))
)
"""By who had it tried again, if somebody has."""


def _end_incident(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    rows = [{"of": owner.instance_id, "at": wait.token, "moment": tx.now, "who": tx.actor.id} for wait in waits]
    tx.connection.execute(_RESOLVE, rows)


# ---- conditions: tested by the instance itself --------------------------------------------------------------------


def _nothing(tx: Transaction, owner: Owner, waits: Sequence[Wait]) -> None:
    """Nobody outside has to know."""


# ---- the table -----------------------------------------------------------------------------------------------------

_Act = Callable[[Transaction, Owner, Sequence[Wait]], None]


@dataclass(frozen=True, slots=True)
class _Kind:
    begin: _Act
    end: _Act


_KINDS: Mapping[str, _Kind] = {
    "user": _Kind(_begin_user, _end_user),
    "timer": _Kind(_begin_timer, _end_jobs),
    "service": _Kind(_begin_service, _end_jobs),
    "http": _Kind(_begin_service, _end_jobs),
    "mail": _Kind(_begin_service, _end_jobs),
    "call": _Kind(_begin_call, _end_call),
    "message": _Kind(_begin_subscription, _end_subscription),
    "signal": _Kind(_begin_subscription, _end_subscription),
    "condition": _Kind(_nothing, _nothing),
    "incident": _Kind(_begin_incident, _end_incident),
}
