"""Definitions: what is deployed, who may see it, who may start it, and its forms."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Text, and_, exists, func, or_, select, type_coerce

from engine import execution, values, waits
from engine.bpmn.check import imported as reports
from engine.bpmn.check.imported import Imported
from engine.deployments import (
    Checked,
    Examined,
    add_start_timer,
    check,
    definition,
    deploy,
    examine,
    imported,
    problems,
)
from engine.errors import Forbidden, NotFound
from engine.model.forms import Form
from engine.model.people import Right
from engine.model.processes import Definition, DefinitionCounts, InstanceStatus
from engine.storage import search as searching
from engine.storage.tables import DefinitionRow, IncidentRow, InstanceRow, ResourceRow, UserTaskRow
from engine.transaction import Transaction

__all__ = [
    "Checked",
    "Examined",
    "add_start_timer",
    "check",
    "deploy",
    "documentation",
    "examine",
    "get",
    "import_report",
    "imported",
    "latest",
    "may_start",
    "plain_starts",
    "problems",
    "row_to_start",
    "source",
    "start_form",
    "startable",
    "tools",
    "version_to_start",
    "versions",
]

# ---- finding -------------------------------------------------------------------------------------------------------

_ROWS = select(DefinitionRow, ResourceRow.file).join(ResourceRow, ResourceRow.id == DefinitionRow.resource_id)
_LATEST = _ROWS.where(DefinitionRow.is_latest).order_by(func.lower(DefinitionRow.name), DefinitionRow.key)


def get(tx: Transaction, definition_id: int) -> Definition:
    """Raises NotFound, also for who has nothing to do with it."""
    row = _visible(tx, definition_id)
    return definition(row, _of_file(tx, row, ResourceRow.file))


def source(tx: Transaction, definition_id: int) -> bytes:
    """The diagram, byte for byte as it was uploaded. Raises as get does."""
    content: bytes = _of_file(tx, _visible(tx, definition_id), ResourceRow.content)
    return content


def tools(tx: Transaction, definition_id: int) -> list[str]:
    """The other tools whose words its diagram may have. Raises as get does."""
    return reports.tools(source(tx, definition_id))


def import_report(tx: Transaction, definition_id: int) -> list[Imported]:
    """What became of each word of other tools in its diagram. Raises as get does."""
    row = _visible(tx, definition_id)
    query = select(ResourceRow.file, ResourceRow.content).where(ResourceRow.deployment_id == row.deployment_id)
    files = {file: content for file, content in tx.session.execute(query)}
    drawn_in = _of_file(tx, row, ResourceRow.file)
    return [each for each in imported(files) if each.place.file == drawn_in]


def _of_file(tx: Transaction, row: DefinitionRow, column: Any) -> Any:
    return tx.session.scalars(select(column).where(ResourceRow.id == row.resource_id)).one()


def documentation(tx: Transaction, definition_id: int) -> str:
    """What the diagram says of the process as a whole. Raises as get does."""
    return execution.process_of(tx, _visible(tx, definition_id).id).documentation


def latest(tx: Transaction, *, search: str | None = None) -> list[DefinitionCounts]:
    """The newest version of each process, with counts over all its versions."""
    _require_sight(tx)
    query = _LATEST.add_columns(_versions_of_key, _active(InstanceRow.definition_key == DefinitionRow.key))
    if search:
        query = query.where(searching.contains(search, DefinitionRow.name, DefinitionRow.key))
    stopped = _incidents(tx, DefinitionRow.key)
    return [
        DefinitionCounts(definition(row, file), versions, active, stopped.get(row.key, 0))
        for row, file, versions, active in tx.session.execute(query)
    ]


def versions(tx: Transaction, key: str) -> list[DefinitionCounts]:
    """Every version of one process, newest first. Raises NotFound."""
    _require_sight(tx)
    query = _ROWS.add_columns(_active(InstanceRow.definition_id == DefinitionRow.id))
    of_key = DefinitionRow.key == values.shown(key)
    rows = tx.session.execute(query.where(of_key).order_by(DefinitionRow.version.desc())).all()
    if not rows:
        raise NotFound(f"There is no process {key}.")
    stopped = _incidents(tx, DefinitionRow.id, of_key)
    return [
        DefinitionCounts(definition(row, file), len(rows), active, stopped.get(row.id, 0)) for row, file, active in rows
    ]


_OTHER = DefinitionRow.__table__.alias()
_versions_of_key = (
    select(func.count()).select_from(_OTHER).where(_OTHER.c.key == DefinitionRow.key).correlate(DefinitionRow)
).scalar_subquery()


def _active(of: ColumnElement[bool]) -> Any:
    """How many instances of a definition run: each is counted by an index, those that have ended cost nothing."""
    query = select(func.count()).select_from(InstanceRow).where(of, InstanceRow.status == InstanceStatus.ACTIVE)
    return query.correlate(DefinitionRow).scalar_subquery()


def _incidents(tx: Transaction, by: Any, *of: ColumnElement[bool]) -> dict[Any, int]:
    """Open incidents by a column of the definition; definitions without any are absent."""
    query: Select[Any] = (
        select(by, func.count())
        .join(IncidentRow, IncidentRow.definition_id == DefinitionRow.id)
        .where(IncidentRow.resolved_at.is_(None), *of)
        .group_by(by)
    )
    return {key: count for key, count in tx.session.execute(query)}


# ---- who may see ---------------------------------------------------------------------------------------------------


def _require_sight(tx: Transaction) -> None:
    if not (tx.may(Right.DEPLOY) or tx.may(Right.INSPECT)):
        tx.require(Right.INSPECT)


def _visible(tx: Transaction, definition_id: int) -> DefinitionRow:
    row = tx.session.get(DefinitionRow, definition_id)
    if row is None or not _may_see(tx, row):
        raise NotFound(f"There is no definition {definition_id}.")
    return row


def _may_see(tx: Transaction, row: DefinitionRow) -> bool:
    """Analysts, inspectors, who may start it, and who started an instance of it or has, had or is offered a task."""
    return tx.may(Right.DEPLOY) or tx.may(Right.INSPECT) or may_start(tx, row) or _is_involved(tx, row.id)


def _is_involved(tx: Transaction, definition_id: int) -> bool:
    started = exists().where(InstanceRow.definition_id == definition_id, InstanceRow.started_by == tx.actor.id)
    task_of_it = UserTaskRow.definition_id == definition_id
    ways = (started, exists().where(task_of_it, waits.is_for(tx.actor)), exists().where(task_of_it, _was_offered(tx)))
    return any(tx.session.scalar(select(way)) for way in ways)


def _was_offered(tx: Transaction) -> ColumnElement[bool]:
    """A task that somebody else has taken since is still shown to those it was offered to."""
    users, groups = (type_coerce(each, Text) for each in (UserTaskRow.candidate_users, UserTaskRow.candidate_groups))
    named = [users.contains(_written(tx.actor.id), autoescape=True)]
    named += [groups.contains(_written(group), autoescape=True) for group in sorted(tx.actor.groups)]
    return or_(*named, and_(users == "[]", groups == "[]"))


def _written(name: str) -> str:
    """A name as it stands in a row that holds a list of them."""
    return orjson.dumps(name).decode()


# ---- starting ------------------------------------------------------------------------------------------------------


def startable(tx: Transaction) -> list[Definition]:
    """The newest version of each process that the actor may start by hand."""
    rows = tx.session.execute(_LATEST.where(DefinitionRow.starts_by_hand))
    return [definition(row, file) for row, file in rows if may_start(tx, row)]


def may_start(tx: Transaction, row: DefinitionRow) -> bool:
    named = row.starter_users or row.starter_groups
    return (
        not named
        or tx.may(Right.START)
        or tx.actor.id in row.starter_users
        or not tx.actor.groups.isdisjoint(row.starter_groups)
    )


def row_to_start(tx: Transaction, key: str, version: int | None = None) -> DefinitionRow:
    """The row of the newest version, or of the one asked for. Raises NotFound, Forbidden."""
    which = DefinitionRow.is_latest if version is None else DefinitionRow.version == version
    row = tx.session.scalar(select(DefinitionRow).where(DefinitionRow.key == values.shown(key), which))
    if row is None:
        raise NotFound(f"There is no process {key}" + (f" in version {version}." if version else "."))
    return _allowed(tx, row)


def version_to_start(tx: Transaction, definition_id: int) -> DefinitionRow:
    """The row of one version. Raises NotFound, Forbidden."""
    row = tx.session.get(DefinitionRow, definition_id)
    if row is None:
        raise NotFound(f"There is no definition {definition_id}.")
    return _allowed(tx, row)


def _allowed(tx: Transaction, row: DefinitionRow) -> DefinitionRow:
    """Who may start an older version must be among the starters of the newest too: it may have been made stricter."""
    newest = select(DefinitionRow).where(DefinitionRow.key == row.key, DefinitionRow.is_latest)
    if not (may_start(tx, row) and may_start(tx, tx.session.scalars(newest).one())):
        raise Forbidden(f'Expected {tx.actor.id} to be among those who may start "{row.name}". Ask an administrator.')
    return row


# ---- forms ---------------------------------------------------------------------------------------------------------


def plain_starts(tx: Transaction, definition_id: int) -> dict[str, str]:
    """The name of each start event without a trigger, by its id; a person may choose. Raises NotFound, Forbidden."""
    process = execution.process_of(tx, version_to_start(tx, definition_id).id)
    return {start: process.elements[start].name or start for start in process.plain_starts}


def start_form(tx: Transaction, definition_id: int, start_event: str | None = None) -> Form | None:
    """What to fill in before starting; None when the start event asks for nothing. Raises NotFound, Forbidden.

    start_event: one of several plain ones; None: the first.
    """
    process = execution.process_of(tx, version_to_start(tx, definition_id).id)
    told = process.forms.get(start_event or process.start_event or "")
    if told is None or not told.is_drawn:
        return None
    return told.form
