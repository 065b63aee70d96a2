"""Signals: to all who wait for them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, exists, select

from engine import execution, incidents, jobs, messages, receipts, values
from engine.jobs import Handler, Job, NewJob
from engine.model import Json
from engine.model.people import Right
from engine.storage.tables import DefinitionRow, InstanceRow, JobRow, SubscriptionRow
from engine.transaction import Transaction


def broadcast(
    tx: Transaction, name: str, variables: Mapping[str, Json] | None = None, *, message_id: str | None = None
) -> int:
    """Throw a signal to everything that waits for it now; each instance takes it in a transaction of its own.

    Gives how many do. message_id: a second signal of that id changes nothing, and gives 0.
    Raises Invalid for values no variable can hold.
    """
    tx.require(Right.MESSAGE)
    messages.require_storable(name, variables or {})
    if message_id is not None and not receipts.is_new(tx, name, message_id):
        return 0
    return _deliver_to_all(tx, name, values.encode(dict(variables or {})))


def _deliver_to_all(tx: Transaction, name: str, payload: Json, *among: ColumnElement[bool]) -> int:
    waiting = select(SubscriptionRow).where(
        SubscriptionRow.kind == "signal", SubscriptionRow.name == values.shown(name), *among
    )
    receivers = tx.session.scalars(waiting.order_by(SubscriptionRow.id)).all()
    told = {"name": name, "values": payload}
    deliveries = [_delivery(row, told) for row in receivers if _begun_before(tx, row, *among) is None]
    jobs.add_many(tx, deliveries)
    return len(deliveries)


def _begun_before(tx: Transaction, start: SubscriptionRow, *among: ColumnElement[bool]) -> SubscriptionRow | None:
    """The oldest instance that other triggers have begun, and that waits where this one would begin another.

    The signal comes to it instead: unless the start needs no other trigger, or a signal is on its way to it already.
    Source: BPMN 2.0.2, 13.5.1 Start Events: the first event makes the instance, the rest are routed to it.
    """
    of = start.definition_id
    if of is None or not execution.process_of(tx, of).needs_others(start.element_id):
        return None
    query = select(SubscriptionRow).join(InstanceRow, InstanceRow.id == SubscriptionRow.instance_id)
    there = (SubscriptionRow.kind == "signal", SubscriptionRow.element_id == start.element_id)
    waiting = query.where(InstanceRow.definition_id == of, *there, ~_IS_TOLD, *among)
    return tx.session.scalars(waiting.order_by(SubscriptionRow.id).limit(1)).first()


_IS_TOLD = exists().where(
    JobRow.kind == "delivery",
    JobRow.failed_at.is_(None),
    JobRow.instance_id == SubscriptionRow.instance_id,
    JobRow.token == SubscriptionRow.token,
    JobRow.element_id == SubscriptionRow.element_id,
)


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
    if job.instance_id is None:
        _start_by_signal(tx, job)
        return
    query = select(SubscriptionRow).where(
        SubscriptionRow.instance_id == job.instance_id,
        SubscriptionRow.token == job.token,
        SubscriptionRow.element_id == job.element_id,
    )
    row = tx.session.scalars(query).first()
    if row is not None:
        messages.deliver(tx, row, values.decode(job.payload["values"]))


def _start_by_signal(tx: Transaction, job: Job) -> None:
    """It begins an instance, unless another trigger has begun one since it was thrown: then it comes to that one."""
    at = (SubscriptionRow.definition_id == job.definition_id, SubscriptionRow.element_id == job.element_id)
    start = tx.session.scalars(select(SubscriptionRow).where(*at)).first()
    begun = None if start is None else _begun_before(tx, start)
    definition = tx.session.get(DefinitionRow, job.definition_id)
    if begun is not None:
        jobs.add_many(tx, [_delivery(begun, job.payload)])
    elif definition is not None:
        execution.begin(tx, definition, values.decode(job.payload["values"]), start_event=job.element_id)


SIGNAL = Handler(finish=_broadcast, gave_up=incidents.give_up)
DELIVERY = Handler(finish=_take, gave_up=incidents.give_up)
