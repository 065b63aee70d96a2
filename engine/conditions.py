"""Conditional start events: processes that begin when a condition about the world holds.

The engine does not watch the world: who knows what has changed says so.
Source: BPMN 2.0.2, 10.5.2 Start Event (Conditional): the condition knows no instance.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from engine import execution, history
from engine.bpmn.elements.event_definition import Conditional
from engine.bpmn.process import Process
from engine.bpmn.script import ScriptFailed, names
from engine.model import Json, Right
from engine.storage.tables import DefinitionRow, SubscriptionRow
from engine.transaction import Transaction


def evaluate(tx: Transaction, variables: Mapping[str, Json]) -> list[int]:
    """Ask the condition of each start event, and start an instance where it holds, with these variables; gives the ids.

    A condition that reads a name which is not among the variables is not asked; one that fails is told in history.
    """
    tx.require(Right.MESSAGE)
    query = select(SubscriptionRow.element_id, DefinitionRow).join(
        DefinitionRow, DefinitionRow.id == SubscriptionRow.definition_id
    )
    waiting = tx.session.execute(query.where(SubscriptionRow.kind == "condition").order_by(SubscriptionRow.id)).all()
    return [
        execution.begin(tx, definition, variables, start_event=at)
        for at, definition in waiting
        if _holds(tx, definition, at, variables)
    ]


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
