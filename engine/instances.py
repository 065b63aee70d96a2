"""Start instances, find them, read and put right their variables, cancel them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, select, true, union
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, aliased

from engine import conditions, definitions, differences, execution, history, values, waits
from engine.bpmn import forms
from engine.bpmn.runtime import Run
from engine.bpmn.variables import PROCESS, is_internal
from engine.errors import Invalid, InvalidValues, NotFound
from engine.model import Json, Page
from engine.model.people import Right
from engine.model.problems import Place, Problem
from engine.model.processes import Instance, InstanceStatus, Variable
from engine.storage.tables import (
    ActivityRow,
    DefinitionRow,
    IncidentRow,
    InstanceRow,
    UserTaskRow,
    VariableRow,
)
from engine.transaction import Transaction

COUNTED_TO = 10_000
MOST_CALLED = 100
"""Called instances that are told of, newest first."""


def start(
    tx: Transaction,
    key: str,
    *,
    variables: Mapping[str, Json] | None = None,
    business_key: str | None = None,
    version: int | None = None,
    start_event: str | None = None,
    once: str | None = None,
) -> Instance:
    """Start the newest (or the given) version of a process; it runs until it waits.

    once: a key under which a process is started once only, whatever its version: starting again gives the instance
    that there is.

    start_event: one of several plain start events; None: the first that is drawn. A process without any begins at a
    conditional start event whose condition holds for the variables.
    Raises NotFound, Forbidden, Conflict when it has no such start event, Invalid for values no variable can hold,
    InvalidValues for a business key that is too long.
    """
    row = definitions.row_to_start(tx, key, version)
    if start_event is None and not row.starts_by_hand:
        start_event = conditions.that_holds(tx, row, variables or {})
    if once is None:
        return _begin(tx, row, variables or {}, business_key, start_event=start_event)
    _require_fitting_key(once)
    return _begun_under(tx, key, once) or _begin_once(tx, row, variables or {}, business_key, start_event, once)


def _require_fitting_key(once: str) -> None:
    try:
        values.fitting(once, execution.LONGEST_BUSINESS_KEY, "a key")
    except TypeError as cause:
        raise InvalidValues({"once": str(cause)}) from cause


def _begun_under(tx: Transaction, key: str, once: str) -> Instance | None:
    mine = select(InstanceRow.id).where(InstanceRow.definition_key == key, InstanceRow.start_key == once)
    instance_id = tx.session.scalar(mine)
    return None if instance_id is None else _load(tx, instance_id)


def _begin_once(
    tx: Transaction,
    row: DefinitionRow,
    variables: Mapping[str, Json],
    business_key: str | None,
    start_event: str | None,
    once: str,
) -> Instance:
    """Of two at once the second waits for the first, and then has nothing to begin."""
    hints = len(tx.hints)
    try:
        with tx.session.begin_nested():
            return _begin(tx, row, variables, business_key, start_event=start_event, start_key=once)
    except IntegrityError:
        del tx.hints[hints:]
        begun = _begun_under(tx, row.key, once)
        if begun is None:
            raise
        return begun


def start_by_form(
    tx: Transaction,
    definition_id: int,
    submitted: Mapping[str, object],
    *,
    business_key: str | None = None,
    start_event: str | None = None,
) -> Instance:
    """Start with what a person filled in. Raises InvalidValues naming each field that breaks a rule."""
    row = definitions.version_to_start(tx, definition_id)
    if start_event is not None and start_event not in definitions.plain_starts(tx, definition_id):
        raise NotFound(f"There is no start event {start_event} to begin at by hand.")
    form = definitions.start_form(tx, definition_id, start_event)
    filled = {} if form is None else {**form.defaults(submitted), **submitted}
    given = {} if form is None else forms.checked(form, filled, execution.circumstances(tx, dict))
    return _begin(tx, row, given, business_key, start_event=start_event)


def _begin(
    tx: Transaction,
    row: DefinitionRow,
    variables: Mapping[str, Json],
    business_key: str | None,
    *,
    start_event: str | None = None,
    start_key: str | None = None,
) -> Instance:
    key = business_key or None
    try:
        instance_id = execution.begin(
            tx, row, variables, business_key=key, start_event=start_event, start_key=start_key
        )
    except TypeError as cause:
        raise Invalid([Problem("variable-type", str(cause), Place(row.key))]) from cause
    return _load(tx, instance_id)


# ---- finding -------------------------------------------------------------------------------------------------------

_INCIDENTS = (
    select(func.count())
    .select_from(IncidentRow)
    .where(IncidentRow.instance_id == InstanceRow.id, IncidentRow.resolved_at.is_(None))
    .correlate(InstanceRow)
    .scalar_subquery()
)
_ROWS = select(InstanceRow, DefinitionRow.name, DefinitionRow.version, _INCIDENTS).join(
    DefinitionRow, DefinitionRow.id == InstanceRow.definition_id
)


def get(tx: Transaction, instance_id: int) -> Instance:
    """Raises NotFound, also when the actor may not see it."""
    require_sight(tx, instance_id)
    return _load(tx, instance_id)


def taker(tx: Transaction, instance_id: int) -> tuple[Instance, bool]:
    """Who took a message, for who has sent it; and whether it has begun with it. Raises Forbidden."""
    tx.require(Right.MESSAGE)
    commands = tx.session.scalar(select(InstanceRow.version).where(InstanceRow.id == instance_id))
    return _load(tx, instance_id), commands == 1


def find(
    tx: Transaction,
    *,
    status: InstanceStatus | None = None,
    key: str | None = None,
    business_key: str | None = None,
    variable: tuple[str, str | None] | None = None,
    with_incident: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> Page[Instance]:
    """Instances, newest first; who may not inspect sees those they started.

    variable: (name, value as text) of the process; "120" also finds 120.0, None whatever has the name.
    """
    conditions = [
        None if tx.may(Right.INSPECT) else InstanceRow.started_by == tx.actor.id,
        None if status is None else InstanceRow.status == status,
        None if key is None else InstanceRow.definition_key == key,
        None if not business_key else InstanceRow.business_key == values.shown(business_key),
        None if variable is None else _has_variable(*variable),
        _HAS_INCIDENT if with_incident else None,
    ]
    asked = [condition for condition in conditions if condition is not None]
    fitting = select(InstanceRow.id).where(*asked)
    found = _shown(tx, fitting.order_by(InstanceRow.id.desc()).limit(limit).offset(offset))
    return Page(tuple(found), _count(tx, fitting), offset, limit)


def _shown(tx: Transaction, newest: Select[Any]) -> list[Instance]:
    """The instances of these ids, newest first; the rest is looked up for these only, after they were sorted."""
    chosen = _ROWS.where(InstanceRow.id.in_(newest)).order_by(InstanceRow.id.desc())
    return [_instance(*row) for row in tx.session.execute(chosen)]


def called(tx: Transaction, instance_id: int) -> list[Instance]:
    """The instances that its call activities started, newest first, at most MOST_CALLED."""
    require_sight(tx, instance_id)
    return _shown(tx, newest_called(instance_id))


def newest_called(instance_id: int) -> Select[Any]:
    called = select(InstanceRow.id).where(InstanceRow.caller_id == instance_id)
    return called.order_by(InstanceRow.id.desc()).limit(MOST_CALLED)


def _has_variable(name: str, value: str | None) -> Any:
    """Looked up by value, each way by its own index, whatever number of instances has the name."""
    named = select(VariableRow.instance_id).where(VariableRow.name == values.shown(name), VariableRow.scope == PROCESS)
    if value is None:
        return named.where(VariableRow.instance_id == InstanceRow.id).exists()
    ways = [named.where(VariableRow.text == values.shown(value, differences.SEARCHABLE_CHARACTERS))]
    with suppress(ValueError):  # not a number: compared as text only
        ways.append(named.where(VariableRow.number == float(value)))
    return InstanceRow.id.in_(union(*ways))


def with_values(instance_id: InstrumentedAttribute[Any], told: Mapping[str, Json]) -> ColumnElement[bool]:
    """Whether the process of an instance has variables of these very values."""
    return and_(true(), *(_has_value(instance_id, name, value) for name, value in told.items()))


def _has_value(instance_id: InstrumentedAttribute[Any], name: str, value: Json) -> ColumnElement[bool]:
    try:
        stored = values.dump(value)
    except TypeError:
        return false()  # no variable has what cannot be stored
    if values.shown(name) != name:
        return false()
    same = VariableRow.number == float(value) if _is_compared_as_number(value) else VariableRow.value == stored
    mine = (VariableRow.instance_id == instance_id, VariableRow.scope == PROCESS, VariableRow.name == name)
    return exists().where(*mine, same)


def _is_compared_as_number(value: Json) -> bool:
    """12 is 12.0; but a whole number that a float cannot tell from the next one is itself only."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 2**53


_HAS_INCIDENT = InstanceRow.id.in_(select(IncidentRow.instance_id).where(IncidentRow.resolved_at.is_(None)))


def _count(tx: Transaction, query: Select[Any]) -> int:
    """Counting stops at COUNTED_TO: nobody pages further, and it must stay quick."""
    return tx.session.scalar(select(func.count()).select_from(query.limit(COUNTED_TO).subquery())) or 0


def _load(tx: Transaction, instance_id: int) -> Instance:
    found = tx.session.execute(_ROWS.where(InstanceRow.id == instance_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no instance {instance_id}.")
    return _instance(*found)


def _instance(row: InstanceRow, name: str, version: int, incidents: int) -> Instance:
    return Instance(
        id=row.id,
        definition_id=row.definition_id,
        definition_key=row.definition_key,
        definition_name=name,
        definition_version=version,
        business_key=row.business_key,
        status=InstanceStatus(row.status),
        error_code=row.error_code,
        started_by=row.started_by,
        started_at=row.started_at,
        ended_at=row.ended_at,
        incidents=incidents,
        caller_id=row.caller_id,
    )


# ---- who may see ---------------------------------------------------------------------------------------------------


def require_sight(tx: Transaction, instance_id: int) -> None:
    """Inspectors, the starter, whoever has or had a task in it, and who may see the instance that called it."""
    if not may_see(tx, instance_id):
        raise NotFound(f"There is no instance {instance_id}.")


def may_see(tx: Transaction, instance_id: int) -> bool:
    if tx.may(Right.INSPECT):
        return True
    line = _with_callers(instance_id)
    started = exists().where(InstanceRow.id.in_(line), InstanceRow.started_by == tx.actor.id)
    involved = exists().where(UserTaskRow.instance_id.in_(line), waits.is_for(tx.actor))
    return bool(tx.session.scalar(select(started | involved)))


def _with_callers(instance_id: int) -> Select[Any]:
    """The ids of an instance, of the one that called it, and so on upward."""
    found = select(InstanceRow.id, InstanceRow.caller_id).where(InstanceRow.id == instance_id).cte(recursive=True)
    above = aliased(InstanceRow)
    line = found.union_all(select(above.id, above.caller_id).join(found, above.id == found.c.caller_id))
    return select(line.c.id)


# ---- variables -----------------------------------------------------------------------------------------------------


def variables(tx: Transaction, instance_id: int) -> list[Variable]:
    """Values now (or at the end), those of the process first."""
    require_sight(tx, instance_id)
    at = ActivityRow.instance_id == VariableRow.instance_id, ActivityRow.token == VariableRow.scope
    query = (
        select(VariableRow.scope, ActivityRow.element_id, VariableRow.name, VariableRow.value)
        .outerjoin(ActivityRow, (at[0]) & (at[1]))
        .where(VariableRow.instance_id == instance_id)
        .order_by(VariableRow.scope, VariableRow.name)
    )
    rows = tx.session.execute(query)
    return [
        Variable(scope, element, name, values.load(value))
        for scope, element, name, value in rows
        if not (is_internal(name) or is_internal(scope))
    ]


def process_values(tx: Transaction, instance_id: int) -> dict[str, Json]:
    """The process's own variables; whoever asks may see them."""
    query = select(VariableRow.name, VariableRow.value).where(
        VariableRow.instance_id == instance_id, VariableRow.scope == PROCESS
    )
    rows = tx.session.execute(query.order_by(VariableRow.name))
    return {name: values.load(value) for name, value in rows if not is_internal(name)}


# ---- repairing -----------------------------------------------------------------------------------------------------


def variable(tx: Transaction, instance_id: int, name: str, *, scope: str = "") -> Variable:
    """Raises NotFound when there is none."""
    found = (each for each in variables(tx, instance_id) if (each.scope, each.name) == (scope, name))
    told = next(found, None)
    if told is None:
        raise NotFound(f'Instance {instance_id} has no variable "{values.shown(name, 60)}" there.')
    return told


def set_variable(
    tx: Transaction, instance_id: int, name: str, text: str, *, scope: str = "", seen: str | None = None
) -> None:
    """Put a variable of an active instance right, and let it go on where that moves it.

    text: JSON. scope: as Variable has it. seen: the JSON of the value that it replaces; None: there is none yet.
    Raises Forbidden, NotFound, Conflict when it was set since, InvalidValues for what no variable can hold.
    """
    tx.require(Right.REPAIR)
    try:
        value = values.of_person(text)
        execution.advance(tx, instance_id, lambda run: run.change_variable(scope, name, value, seen))
    except TypeError as cause:
        raise InvalidValues({"variable": str(cause)}) from cause


def cancel(tx: Transaction, instance_id: int, reason: str) -> None:
    """End an active instance at once: its tasks, timers and services wait no longer."""
    tx.require(Right.REPAIR)
    if not reason.strip():
        raise InvalidValues({"reason": "Expected a reason for cancelling. Say in a few words why."})
    execution.advance(tx, instance_id, Run.terminate)
    data = {"reason": reason.strip()}
    history.append(tx, [history.event(tx, "instance cancelled", instance_id=instance_id, data=data)])
