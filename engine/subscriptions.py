"""Who waits for which message or signal, and which messages wait for somebody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select, true

from engine import execution, history, instances, messages, values
from engine.bpmn.asleep import Unreadable
from engine.bpmn.elements import correlation
from engine.bpmn.elements.event_definition import Conditional, has
from engine.bpmn.elements.events import Event
from engine.bpmn.names import element_of
from engine.bpmn.process import Process
from engine.bpmn.wait import Wait
from engine.errors import NotFound
from engine.model import Page
from engine.model.people import Right
from engine.model.processes import InstanceStatus, KeptMessage, Subscription
from engine.storage.tables import DefinitionRow, InstanceRow, MessageRow, SubscriptionRow
from engine.transaction import Transaction

KINDS = ("message", "signal")
_WAITING = (InstanceStatus.ACTIVE, InstanceStatus.SUSPENDED)


def find(tx: Transaction, *, name: str | None = None, limit: int = 50, offset: int = 0) -> Page[Subscription]:
    """Instances, and start events of definitions, that wait for messages and signals; who waits last comes first."""
    tx.require(Right.INSPECT)
    named = true() if name is None else SubscriptionRow.name == values.shown(name)
    asked = (SubscriptionRow.kind.in_(KINDS), named)
    chosen = select(SubscriptionRow.id).where(*asked)
    rows = tx.session.execute(_rows().where(*asked).order_by(SubscriptionRow.id.desc()).limit(limit).offset(offset))
    return Page(tuple(_subscription(tx, *row) for row in rows), _count(tx, chosen), offset, limit)


def of_instance(tx: Transaction, instance_id: int) -> list[Subscription]:
    """What one instance waits for: messages, signals and conditions. Raises NotFound for who may not see it."""
    instance = instances.get(tx, instance_id)
    query = _rows().where(SubscriptionRow.instance_id == instance_id).order_by(SubscriptionRow.id)
    found = [_subscription(tx, *row) for row in tx.session.execute(query)]
    process = execution.process_of(tx, instance.definition_id)
    for wait in _conditions(tx, instance_id, process) if instance.status in _WAITING else ():
        at, name = element_of(wait.element_id), str(wait.data["source"])
        about = (instance.business_key, instance.definition_id, instance.definition_name, at)
        found.append(Subscription("condition", name, None, instance_id, *about, _name(process, at)))
    return found


def _conditions(tx: Transaction, instance_id: int, process: Process) -> list[Wait]:
    """They are no rows: the state itself is read, if its diagram has any."""
    nodes = (node for spec in process.specs.values() for node in spec.task_specs.values())
    if not any(isinstance(node, Event) and has(node.definition, Conditional) for node in nodes):
        return []
    try:
        return execution.look(tx, instance_id).conditions()
    except (execution.StateUnreadable, Unreadable):
        return []  # whoever looks at such an instance wants to see the rest of it


def _rows() -> Select[Any, Any, Any]:
    of_either = func.coalesce(SubscriptionRow.definition_id, InstanceRow.definition_id)
    query = select(SubscriptionRow, InstanceRow.business_key, DefinitionRow)
    query = query.outerjoin(InstanceRow, InstanceRow.id == SubscriptionRow.instance_id)
    return query.join(DefinitionRow, DefinitionRow.id == of_either)


def _count(tx: Transaction, query: Select[Any]) -> int:
    return tx.session.scalar(select(func.count()).select_from(query.limit(instances.COUNTED_TO).subquery())) or 0


def _subscription(
    tx: Transaction, row: SubscriptionRow, business_key: str | None, definition: DefinitionRow
) -> Subscription:
    at = element_of(row.element_id)
    return Subscription(
        kind=row.kind,
        name=row.name,
        key=row.key_told,
        instance_id=row.instance_id,
        business_key=business_key,
        definition_id=definition.id,
        definition_name=definition.name,
        element_id=at,
        element_name=_name(execution.process_of(tx, definition.id), at),
    )


def _name(process: Process, element_id: str) -> str:
    element = process.elements.get(element_id)
    return (element and element.name) or element_id


# ---- messages that wait for somebody -------------------------------------------------------------------------------


def kept(tx: Transaction, *, limit: int = 50, offset: int = 0) -> Page[KeptMessage]:
    """Those kept last come first."""
    tx.require(Right.INSPECT)
    query = select(MessageRow).order_by(MessageRow.id.desc()).limit(limit).offset(offset)
    found = tuple(map(_kept, tx.session.scalars(query)))
    return Page(found, _count(tx, select(MessageRow.id)), offset, limit)


def _kept(row: MessageRow) -> KeptMessage:
    return KeptMessage(
        id=row.id,
        name=row.name,
        business_key=row.business_key,
        keys=tuple(filter(None, map(correlation.told_on_message, row.keys))),
        thrower_id=row.thrower_id,
        kept_at=row.kept_at,
        expires_at=row.expires_at,
    )


def delete_kept(tx: Transaction, message_id: int) -> str:
    """Nobody gets it any more, nor is it told that nobody took it; gives its name. Raises Forbidden, NotFound."""
    tx.require(Right.MESSAGE)
    row = tx.session.get(MessageRow, message_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such message: somebody took it, or it was deleted.")
    messages.forget(tx, row)
    history.append(tx, [history.event(tx, "message deleted", data={"name": row.name})])
    return row.name
