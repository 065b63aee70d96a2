"""Messages and signals: to one waiting instance, or to all."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Select, select

from engine import execution, history, incidents, jobs, values
from engine.bpmn.variables import check
from engine.errors import Conflict, Invalid, NotFound
from engine.jobs import Handler, Job, NewJob
from engine.model import Json, Place, Problem, Right
from engine.storage.tables import DefinitionRow, InstanceRow, SubscriptionRow
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
    found = tx.session.scalars(_waiting(name, business_key, instance_id)).all()
    waiting = dict.fromkeys(row.instance_id for row in found)
    if len(waiting) > 1:
        ids = ", ".join(map(str, waiting))
        raise Conflict(
            f'Expected one instance to wait for message "{name}", but these do: {ids}. Name the business key.'
        )
    if found:
        return _deliver(tx, found[0], variables or {})
    return _start(tx, name, business_key, variables or {})


def _require_storable(name: str, payload: Mapping[str, Json]) -> None:
    try:
        check(payload)
    except TypeError as cause:
        raise Invalid([Problem("variable-type", str(cause), Place(name))]) from cause


def _waiting(name: str, business_key: str | None, instance_id: int | None) -> Select[SubscriptionRow]:
    query = (
        select(SubscriptionRow)
        .join(InstanceRow, InstanceRow.id == SubscriptionRow.instance_id)
        .where(SubscriptionRow.kind == "message", SubscriptionRow.name == values.shown(name))
        .order_by(SubscriptionRow.id)
        .limit(10)
    )
    if business_key is not None:
        query = query.where(InstanceRow.business_key == business_key)
    return query if instance_id is None else query.where(InstanceRow.id == instance_id)


def _deliver(tx: Transaction, row: SubscriptionRow, payload: Mapping[str, Json]) -> int:
    instance_id, token = row.instance_id or 0, row.token or ""
    told = history.event(
        tx, f"{row.kind} received", instance_id=instance_id, element_id=row.element_id, data={"name": row.name}
    )
    history.append(tx, [told])
    execution.advance(tx, instance_id, lambda run: run.happen(token, row.element_id, payload))
    return instance_id


def _start(tx: Transaction, name: str, business_key: str | None, payload: Mapping[str, Json]) -> int:
    query = (
        select(SubscriptionRow, DefinitionRow)
        .join(DefinitionRow, DefinitionRow.id == SubscriptionRow.definition_id)
        .where(SubscriptionRow.kind == "message", SubscriptionRow.name == values.shown(name))
        .limit(10)
    )
    rows = tx.session.execute(query).all()
    if not rows:
        raise NotFound(f'Expected an instance to wait for message "{name}", but none does, and none starts with it.')
    if len(rows) > 1:
        keys = ", ".join(definition.key for _, definition in rows)
        raise Conflict(f'Expected one process to start with message "{name}", but these do: {keys}.')
    ((start, definition),) = rows
    return execution.begin(tx, definition, payload, business_key=business_key, start_event=start.element_id)


# ---- signals -------------------------------------------------------------------------------------------------------


def broadcast(tx: Transaction, name: str, variables: Mapping[str, Json] | None = None) -> None:
    """Throw a signal to everything that waits for it now; each instance takes it in a transaction of its own.

    Raises Invalid for values no variable can hold.
    """
    tx.require(Right.MESSAGE)
    _require_storable(name, variables or {})
    payload = values.encode(dict(variables or {}))
    waiting = select(SubscriptionRow).where(
        SubscriptionRow.kind == "signal", SubscriptionRow.name == values.shown(name)
    )
    told = {"name": name, "values": payload}
    receivers = tx.session.scalars(waiting.order_by(SubscriptionRow.id))
    jobs.add_many(tx, [_delivery(row, told) for row in receivers])


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
    """A signal was thrown. A second run cannot happen: this one deletes the job with what it adds."""
    broadcast(tx, str(job.payload["name"]), values.decode(job.payload["values"]))


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


SIGNAL = Handler(finish=_broadcast, gave_up=incidents.give_up)
DELIVERY = Handler(finish=_take, gave_up=incidents.give_up)
