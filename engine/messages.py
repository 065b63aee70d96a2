"""Messages and signals: to one waiting instance, or to all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select

from engine import execution, history, incidents, jobs, values
from engine.bpmn.names import element_of
from engine.bpmn.variables import check
from engine.errors import Conflict, Invalid, NotFound, ServiceFailed
from engine.jobs import Handler, Job, NewJob
from engine.model import Json, Place, Problem, Right
from engine.storage.tables import DefinitionRow, InstanceRow, JobRow, MessageRow, SubscriptionRow
from engine.transaction import Transaction


def correlate(
    tx: Transaction,
    name: str,
    *,
    business_key: str | None = None,
    variables: Mapping[str, Json] | None = None,
    instance_id: int | None = None,
) -> int:
    """Deliver a message to the one instance that waits for it, else start the one that begins with it; gives its id.

    Where it is waited for at several places of that instance, it goes to the one that has waited longest.
    Raises NotFound when nobody waits, Conflict when several do, Invalid and InvalidValues for what no row can hold.
    """
    tx.require(Right.MESSAGE)
    execution.check_business_key(business_key)
    _require_storable(name, variables or {})
    taker = _hand_over(tx, name, business_key, variables or {}, instance_id)
    if taker is None:
        raise NotFound(f'Expected an instance to wait for message "{name}", but none does, and none starts with it.')
    return taker


def _hand_over(
    tx: Transaction, name: str, business_key: str | None, payload: Mapping[str, Json], instance_id: int | None = None
) -> int | None:
    """Deliver it, or start an instance with it; gives that instance's id. None: nobody waits. Raises Conflict."""
    waiting = _waiting(tx, name, business_key, instance_id)
    if len(waiting) > 1:
        ids = ", ".join(map(str, waiting))
        raise Conflict(
            f'Expected one instance to wait for message "{name}", but these do: {ids}. Name the business key.'
        )
    if waiting:
        return _deliver(tx, _longest(tx, name, waiting[0]), payload)
    return _start(tx, name, business_key, payload)


def _require_storable(name: str, payload: Mapping[str, Json]) -> None:
    try:
        check(payload)
    except TypeError as cause:
        raise Invalid([Problem("variable-type", str(cause), Place(name))]) from cause


def _waiting(tx: Transaction, name: str, business_key: str | None, instance_id: int | None) -> list[int]:
    """Ids of the instances that wait for a message; ten are enough to tell that it is not clear which is meant."""
    query = select(InstanceRow.id).join(SubscriptionRow, SubscriptionRow.instance_id == InstanceRow.id).where(_of(name))
    if business_key is not None:
        query = query.where(InstanceRow.business_key == business_key)
    if instance_id is not None:
        query = query.where(InstanceRow.id == instance_id)
    return list(tx.session.scalars(query.distinct().order_by(InstanceRow.id).limit(10)))


def _longest(tx: Transaction, name: str, instance_id: int) -> SubscriptionRow:
    """Where an instance has waited longest for a message."""
    query = select(SubscriptionRow).where(_of(name), SubscriptionRow.instance_id == instance_id)
    return tx.session.scalars(query.order_by(SubscriptionRow.id).limit(1)).one()


def _of(name: str) -> ColumnElement[bool]:
    return (SubscriptionRow.kind == "message") & (SubscriptionRow.name == values.shown(name))


def _deliver(tx: Transaction, row: SubscriptionRow, payload: Mapping[str, Json]) -> int:
    instance_id, token = row.instance_id or 0, row.token or ""
    at, data = element_of(row.element_id), {"name": row.name}
    told = history.event(tx, f"{row.kind} received", instance_id=instance_id, element_id=at, data=data)
    history.append(tx, [told])
    execution.advance(tx, instance_id, lambda run: run.happen(token, row.element_id, payload))
    return instance_id


def _start(tx: Transaction, name: str, business_key: str | None, payload: Mapping[str, Json]) -> int | None:
    query = (
        select(SubscriptionRow, DefinitionRow)
        .join(DefinitionRow, DefinitionRow.id == SubscriptionRow.definition_id)
        .where(_of(name))
        .limit(10)
    )
    rows = tx.session.execute(query).all()
    if not rows:
        return None
    if len(rows) > 1:
        keys = ", ".join(definition.key for _, definition in rows)
        raise Conflict(f'Expected one process to start with message "{name}", but these do: {keys}.')
    ((start, definition),) = rows
    return execution.begin(tx, definition, payload, business_key=business_key, start_event=start.element_id)


# ---- thrown by instances -------------------------------------------------------------------------------------------


def _post(tx: Transaction, job: Job, _result: object) -> None:
    """A message was thrown. Nobody waits for it yet: it is kept, until somebody does or its time is over."""
    name, thrower = str(job.payload["name"]), int(job.payload["from"])
    if _send(tx, name, thrower, values.decode(job.payload["values"])):
        return
    row = MessageRow(
        name=values.shown(name),
        payload=job.payload["values"],
        thrower_id=thrower,
        expires_at=tx.now + tx.store.settings.message_lifetime,
    )
    tx.session.add(row)
    tx.session.flush()
    again = NewJob("seek", payload=_seeking(row, last=False), due_at=tx.now + AGAIN)
    last = NewJob("seek", payload=_seeking(row, last=True), due_at=row.expires_at)
    jobs.add_many(tx, [again, last])


def _seeking(row: MessageRow, *, last: bool) -> dict[str, Json]:
    return {"name": row.name, "message": row.id, "last": last}


AGAIN = timedelta(seconds=2)
"""Who began to wait in a transaction beside ours did not see the message, nor it him: it looks once more."""


def _seek(tx: Transaction, job: Job, _result: object) -> None:
    """A kept message looks for somebody who takes it. Of two that look at once the second finds it gone."""
    row = tx.session.get(MessageRow, job.payload["message"], with_for_update=True)
    if row is None:
        return
    if _send(tx, row.name, row.thrower_id, values.decode(row.payload)):
        _forget(tx, row)
    elif job.payload["last"]:
        message = f'Message "{row.name}" of instance {row.thrower_id} was thrown, but nobody took it in time.'
        raise ServiceFailed(message, retryable=False)


def _forget(tx: Transaction, row: MessageRow) -> None:
    """It was taken: nobody has to tell that it was not, and who has told it is put right."""
    last = (JobRow.kind == "seek", JobRow.due_at == row.expires_at, JobRow.payload == _seeking(row, last=True))
    tx.session.execute(delete(JobRow).where(*last))
    tx.session.delete(row)
    tx.session.flush()


def _send(tx: Transaction, name: str, thrower: int, payload: Mapping[str, Json]) -> bool:
    """To who waits with the thrower's business key, when it has one."""
    business_key = tx.session.scalar(select(InstanceRow.business_key).where(InstanceRow.id == thrower))
    return _hand_over(tx, name, business_key, payload) is not None


# ---- signals -------------------------------------------------------------------------------------------------------


def broadcast(tx: Transaction, name: str, variables: Mapping[str, Json] | None = None) -> None:
    """Throw a signal to everything that waits for it now; each instance takes it in a transaction of its own.

    Raises Invalid for values no variable can hold.
    """
    tx.require(Right.MESSAGE)
    _require_storable(name, variables or {})
    _deliver_to_all(tx, name, values.encode(dict(variables or {})))


def _deliver_to_all(tx: Transaction, name: str, payload: Json, *among: ColumnElement[bool]) -> None:
    waiting = select(SubscriptionRow).where(
        SubscriptionRow.kind == "signal", SubscriptionRow.name == values.shown(name), *among
    )
    receivers = tx.session.scalars(waiting.order_by(SubscriptionRow.id))
    jobs.add_many(tx, [_delivery(row, {"name": name, "values": payload}) for row in receivers])


def _delivery(row: SubscriptionRow, told: Mapping[str, Json]) -> NewJob:
    return NewJob(
        "delivery",
        instance_id=row.instance_id,
        definition_id=row.definition_id,
        token=row.token,
        element_id=row.element_id,
        payload=told,
    )


def _broadcast(tx: Transaction, job: Job, _result: object) -> None:
    """An instance has thrown a signal, and taken it itself where it waited. Who began to wait later gets none of it.

    A second run cannot happen: this one deletes the job with what it adds.
    """
    told = job.payload
    others = SubscriptionRow.instance_id.is_distinct_from(told["from"])
    _deliver_to_all(tx, str(told["name"]), told["values"], others, SubscriptionRow.id <= (told["last"] or 0))


def _take(tx: Transaction, job: Job, _result: object) -> None:
    """One receiver takes a signal. A second run is harmless: who has gone on does not wait for it any more."""
    payload = values.decode(job.payload["values"])
    if job.instance_id is None:
        definition = tx.session.get(DefinitionRow, job.definition_id)
        if definition is not None:
            execution.begin(tx, definition, payload, start_event=job.element_id)
        return
    query = select(SubscriptionRow).where(
        SubscriptionRow.instance_id == job.instance_id,
        SubscriptionRow.token == job.token,
        SubscriptionRow.element_id == job.element_id,
    )
    row = tx.session.scalars(query).first()
    if row is not None:
        _deliver(tx, row, payload)


MESSAGE = Handler(finish=_post, gave_up=incidents.give_up)
SEEK = Handler(finish=_seek, gave_up=incidents.give_up)
SIGNAL = Handler(finish=_broadcast, gave_up=incidents.give_up)
DELIVERY = Handler(finish=_take, gave_up=incidents.give_up)
