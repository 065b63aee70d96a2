"""Conditional start events: processes that begin when a condition about the world holds.

The engine does not watch the world: who knows what has changed says so.
Source: BPMN 2.0.2, 10.5.2 Start Event (Conditional): the condition knows no instance.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import exists, select

from engine import execution, history
from engine.bpmn.elements.event_definition import Conditional
from engine.bpmn.names import element_of
from engine.bpmn.process import Process
from engine.bpmn.script import ScriptFailed, names
from engine.model import Json
from engine.model.people import Right
from engine.model.processes import InstanceStatus
from engine.storage.tables import ActivityRow, DefinitionRow, InstanceRow, SubscriptionRow
from engine.transaction import Transaction


def evaluate(tx: Transaction, variables: Mapping[str, Json]) -> list[int]:
    """Ask the condition of each start event, and start an instance where it holds, with these variables; gives the ids.

    Where other triggers are needed, too, and have begun instances that wait for it, it comes to these with the
    variables instead. A condition that reads a name which is not among them is not asked; one that fails is told in
    history.
    """
    tx.require(Right.MESSAGE)
    query = select(SubscriptionRow.element_id, DefinitionRow).join(
        DefinitionRow, DefinitionRow.id == SubscriptionRow.definition_id
    )
    waiting = tx.session.execute(query.where(SubscriptionRow.kind == "condition").order_by(SubscriptionRow.id)).all()
    true = [(at, definition) for at, definition in waiting if _holds(tx, definition, at, variables)]
    return [instance_id for at, definition in true for instance_id in _told(tx, definition, at, variables)]


def _told(tx: Transaction, definition: DefinitionRow, at: str, variables: Mapping[str, Json]) -> list[int]:
    begun = _begun_before(tx, definition, at)
    for instance_id in begun:
        execution.advance(tx, instance_id, lambda run: run.set_variables(variables))
    return begun or [execution.begin(tx, definition, variables, start_event=at)]


def _begun_before(tx: Transaction, definition: DefinitionRow, at: str) -> list[int]:
    """The instances that other triggers have begun, and that wait for the condition. Source: 13.5.1 Start Events."""
    if not execution.process_of(tx, definition.id).needs_others(at):
        return []
    there = (ActivityRow.element_id == element_of(at), ActivityRow.left_at.is_(None))
    entered = exists().where(ActivityRow.instance_id == InstanceRow.id, *there)
    query = select(InstanceRow.id).where(
        InstanceRow.definition_id == definition.id, InstanceRow.status == InstanceStatus.ACTIVE, entered
    )
    found = tx.session.scalars(query.order_by(InstanceRow.id)).all()
    return [instance_id for instance_id in found if execution.look(tx, instance_id).awaits_condition(at)]


def that_holds(tx: Transaction, definition: DefinitionRow, variables: Mapping[str, Json]) -> str | None:
    """The first conditional start event of a definition whose condition holds; None: there is none."""
    process = execution.process_of(tx, definition.id)
    found = (start.at for start in process.starts if isinstance(start.definition, Conditional))
    return next((at for at in found if _holds(tx, definition, at, variables)), None)


def _holds(tx: Transaction, definition: DefinitionRow, at: str, variables: Mapping[str, Json]) -> bool:
    source = _source(execution.process_of(tx, definition.id), at)
    wanted = names(source).wanted
    if not wanted <= variables.keys():
        return False
    try:
        return bool(tx.store.evaluator.evaluate(source, {name: variables[name] for name in wanted}, tx.now))
    except ScriptFailed as problem:
        data = {"process": definition.key, "message": str(problem)}
        history.append(tx, [history.event(tx, "condition failed", element_id=at, data=data)])
        return False


def _source(process: Process, at: str) -> str:
    return next(
        start.definition.source
        for start in process.starts
        if start.at == at and isinstance(start.definition, Conditional)
    )
