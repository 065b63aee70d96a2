"""Deploy diagrams and forms, and find what is deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, text, update

from engine import execution, history, jobs, waits
from engine.bpmn import check, forms, parse, read, schedule
from engine.bpmn.elements import events
from engine.bpmn.elements.flow_node import text_of
from engine.bpmn.parse import FormSource, Process, StartPoint
from engine.errors import Forbidden, Invalid, NotFound
from engine.model import (
    Definition,
    DefinitionCounts,
    Deployment,
    Form,
    InstanceStatus,
    Problem,
    Right,
    Severity,
)
from engine.storage.tables import (
    DefinitionRow,
    DeploymentRow,
    IncidentRow,
    InstanceRow,
    JobRow,
    ResourceRow,
    SubscriptionRow,
    UserTaskRow,
)
from engine.transaction import Transaction


def problems(files: Mapping[str, bytes]) -> list[Problem]:
    """Everything that is wrong with an upload; nothing is stored."""
    return check.check(files)


def deploy(tx: Transaction, files: Mapping[str, bytes]) -> Deployment:
    """Store all files of one upload and make a new version of each executable process in them.

    Raises Invalid with every problem when there is an error among them; nothing is stored then.
    """
    tx.require(Right.DEPLOY)
    found = check.check(files)
    if any(problem.severity == Severity.ERROR for problem in found):
        raise Invalid(found)
    _one_at_a_time(tx)
    deployment_id, resources = _store(tx, files)
    made = [
        _new_version(tx, deployment_id, resources[name], document, process)
        for name, document in _documents(files)
        for process in parse.processes(document)
    ]
    rows = [_definition(row, file) for row, file in made]
    return Deployment(deployment_id, tx.now, tx.actor.id, tuple(rows), tuple(found))


def _one_at_a_time(tx: Transaction) -> None:
    """Two deployments at once would give the same version number. (SQLite has one writer.)"""
    if tx.store.database.dialect.name == "postgresql":
        tx.session.execute(text("LOCK TABLE deployment IN SHARE ROW EXCLUSIVE MODE"))


def _documents(files: Mapping[str, bytes]) -> list[tuple[str, read.Document]]:
    return [(name, read.read(name, data)) for name, data in files.items() if not is_form(name)]


def is_form(file: str) -> bool:
    return file.lower().endswith((".form", ".json"))


def _store(tx: Transaction, files: Mapping[str, bytes]) -> tuple[int, dict[str, int]]:
    add = insert(DeploymentRow).values(created_at=tx.now, created_by=tx.actor.id)
    deployment_id = tx.session.scalars(add.returning(DeploymentRow.id)).one()
    resources = {
        name: tx.session.scalars(
            insert(ResourceRow).values(deployment_id=deployment_id, file=name, content=data).returning(ResourceRow.id)
        ).one()
        for name, data in files.items()
    }
    return deployment_id, resources


def _new_version(
    tx: Transaction, deployment_id: int, resource_id: int, document: read.Document, process: Process
) -> tuple[DefinitionRow, str]:
    last = tx.session.scalar(select(func.max(DefinitionRow.version)).where(DefinitionRow.key == process.key)) or 0
    _end_starts(tx, process.key)
    tx.session.execute(update(DefinitionRow).where(DefinitionRow.key == process.key).values(is_latest=False))
    row = DefinitionRow(
        key=process.key,
        version=last + 1,
        is_latest=True,
        name=process.name,
        deployment_id=deployment_id,
        resource_id=resource_id,
        has_diagram=document.has_diagram,
        starter_users=list(process.starter_users),
        starter_groups=list(process.starter_groups),
        created_at=tx.now,
        created_by=tx.actor.id,
    )
    tx.session.add(row)
    tx.session.flush()
    for start in process.starts:
        _STARTS[type(start.definition)](tx, row, start, start.definition)
    data = {"key": process.key, "version": row.version}
    history.append(tx, [history.event(tx, "definition deployed", data=data)])
    return row, document.file


# ---- start events that wait ----------------------------------------------------------------------------------------


def _end_starts(tx: Transaction, key: str) -> None:
    """The start events of earlier versions wait no longer.

    A timer that fires just now is waited for first; the turn of its cycle that it adds is seen by the DELETE only then.
    """
    earlier = select(DefinitionRow.id).where(DefinitionRow.key == key)
    timers = (JobRow.definition_id.in_(earlier), JobRow.instance_id.is_(None))
    tx.session.execute(delete(SubscriptionRow).where(SubscriptionRow.definition_id.in_(earlier)))
    tx.session.execute(select(JobRow.id).where(*timers).with_for_update())
    tx.session.execute(delete(JobRow).where(*timers))


def _start_timer(tx: Transaction, row: DefinitionRow, start: StartPoint, timer: events.Timer) -> None:
    world = execution.world(tx)
    told = text_of(world.evaluator.evaluate(timer.source, {}, tx.now))
    add_start_timer(tx, row.id, start.element.id, schedule.first(timer.kind, told, tx.now, world.zone))


def add_start_timer(tx: Transaction, definition_id: int, element_id: str, due: schedule.Due) -> None:
    payload = {"remaining": due.remaining, "interval": due.interval}
    jobs.add(tx, "timer", definition_id=definition_id, element_id=element_id, due_at=due.at, payload=payload)


def _start_subscription(kind: str) -> Any:
    def subscribe(tx: Transaction, row: DefinitionRow, start: StartPoint, told: events.Message | events.Signal) -> None:
        values = {"kind": kind, "name": told.name, "definition_id": row.id, "element_id": start.element.id}
        tx.session.execute(insert(SubscriptionRow).values(**values))

    return subscribe


_STARTS: Mapping[type, Any] = {
    events.Timer: _start_timer,
    events.Message: _start_subscription("message"),
    events.Signal: _start_subscription("signal"),
}


# ---- finding -------------------------------------------------------------------------------------------------------

_ROWS = select(DefinitionRow, ResourceRow.file).join(ResourceRow, ResourceRow.id == DefinitionRow.resource_id)


def get(tx: Transaction, definition_id: int) -> Definition:
    found = tx.session.execute(_ROWS.where(DefinitionRow.id == definition_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no definition {definition_id}.")
    return _definition(*found)


def latest(tx: Transaction, *, search: str | None = None) -> list[DefinitionCounts]:
    """The newest version of each process, with counts over all its versions."""
    _require_sight(tx)
    query = _ROWS.where(DefinitionRow.is_latest).order_by(func.lower(DefinitionRow.name))
    if search:
        like = f"%{search.lower()}%"
        query = query.where(func.lower(DefinitionRow.name).like(like) | func.lower(DefinitionRow.key).like(like))
    rows = tx.session.execute(query).all()
    counts = _counts(tx, DefinitionRow.key)
    versions = dict(_pairs(tx, select(DefinitionRow.key, func.count()).group_by(DefinitionRow.key)))
    return [
        DefinitionCounts(_definition(row, file), versions[row.key], *counts.get(row.key, (0, 0))) for row, file in rows
    ]


def versions(tx: Transaction, key: str) -> list[DefinitionCounts]:
    """Every version of one process, newest first. Raises NotFound."""
    _require_sight(tx)
    rows = tx.session.execute(_ROWS.where(DefinitionRow.key == key).order_by(DefinitionRow.version.desc())).all()
    if not rows:
        raise NotFound(f"There is no process {key}.")
    counts = _counts(tx, DefinitionRow.id)
    return [DefinitionCounts(_definition(row, file), len(rows), *counts.get(row.id, (0, 0))) for row, file in rows]


def source(tx: Transaction, definition_id: int) -> bytes:
    """The diagram, byte for byte as it was uploaded. Raises NotFound, also for who has nothing to do with it."""
    row = tx.session.get(DefinitionRow, definition_id)
    if row is None or not _may_see(tx, row):
        raise NotFound(f"There is no definition {definition_id}.")
    return tx.session.scalars(select(ResourceRow.content).where(ResourceRow.id == row.resource_id)).one()


def _may_see(tx: Transaction, row: DefinitionRow) -> bool:
    """Analysts, inspectors, who may start it, and who started an instance of it or has, had or is offered a task."""
    return tx.may(Right.DEPLOY) or tx.may(Right.INSPECT) or may_start(tx, row) or _is_involved(tx, row.id)


def _is_involved(tx: Transaction, definition_id: int) -> bool:
    started = exists().where(InstanceRow.definition_id == definition_id, InstanceRow.started_by == tx.actor.id)
    involved = exists().where(UserTaskRow.definition_id == definition_id, waits.is_for(tx.actor))
    return bool(tx.session.scalar(select(started | involved)))


def documentation(tx: Transaction, definition_id: int) -> str:
    """What the diagram says of the process as a whole."""
    return execution.process_of(tx, definition_id).documentation


def _require_sight(tx: Transaction) -> None:
    if not (tx.may(Right.DEPLOY) or tx.may(Right.INSPECT)):
        tx.require(Right.INSPECT)


def _pairs(tx: Transaction, query: Any) -> Sequence[tuple[Any, int]]:
    return [(key, count) for key, count in tx.session.execute(query)]


def _counts(tx: Transaction, by: Any) -> dict[Any, tuple[int, int]]:
    """(active instances, open incidents) by a column of the definition."""
    joined = select(by, func.count()).join(InstanceRow, InstanceRow.definition_id == DefinitionRow.id).group_by(by)
    active = dict(_pairs(tx, joined.where(InstanceRow.status == InstanceStatus.ACTIVE)))
    stopped = joined.join(IncidentRow, IncidentRow.instance_id == InstanceRow.id).where(
        IncidentRow.resolved_at.is_(None)
    )
    incidents = dict(_pairs(tx, stopped))
    return {key: (active.get(key, 0), incidents.get(key, 0)) for key in active.keys() | incidents.keys()}


def _definition(row: DefinitionRow, file: str) -> Definition:
    return Definition(
        id=row.id,
        key=row.key,
        version=row.version,
        name=row.name,
        deployment_id=row.deployment_id,
        created_at=row.created_at,
        created_by=row.created_by,
        file=file,
        has_diagram=row.has_diagram,
    )


# ---- starting ------------------------------------------------------------------------------------------------------


def startable(tx: Transaction) -> list[Definition]:
    """The newest version of each process that the actor may start by hand."""
    rows = tx.session.execute(_ROWS.where(DefinitionRow.is_latest).order_by(func.lower(DefinitionRow.name))).all()
    allowed = [(row, file) for row, file in rows if may_start(tx, row)]
    return [_definition(row, file) for row, file in allowed if execution.process_of(tx, row.id).start_nodes]


def may_start(tx: Transaction, row: DefinitionRow) -> bool:
    named = row.starter_users or row.starter_groups
    return (
        not named
        or tx.may(Right.REPAIR)
        or tx.actor.id in row.starter_users
        or not tx.actor.groups.isdisjoint(row.starter_groups)
    )


def row_to_start(tx: Transaction, key: str, version: int | None = None) -> DefinitionRow:
    """The row of the newest version, or of the one asked for. Raises NotFound, Forbidden.

    Who may start an older version must be among the starters of the newest too: that one may have been made stricter.
    """
    which = DefinitionRow.is_latest if version is None else DefinitionRow.version == version
    row = tx.session.scalar(select(DefinitionRow).where(DefinitionRow.key == key, which))
    if row is None:
        raise NotFound(f"There is no process {key}" + (f" in version {version}." if version else "."))
    newest = tx.session.scalars(select(DefinitionRow).where(DefinitionRow.key == key, DefinitionRow.is_latest)).one()
    if not (may_start(tx, row) and may_start(tx, newest)):
        raise Forbidden(f'Expected {tx.actor.id} to be among those who may start "{row.name}". Ask an administrator.')
    return row


def start_form(tx: Transaction, definition_id: int) -> Form | None:
    """What to fill in before starting; None when the start event asks for nothing."""
    process = execution.process_of(tx, definition_id)
    told = process.forms.get(process.start_event or "")
    if told is None or not told.is_drawn:
        return None
    return form_from(tx, definition_id, told)


def form_from(tx: Transaction, definition_id: int, told: FormSource) -> Form:
    """The form of a user task or start event. Raises NotFound when its file was not deployed with the diagram.

    A drawn form that does not ask for what decides at the gateway behind the task gets the gateway's buttons.
    """
    made = forms.from_choices(told.names, told.choices, told.choice_variable)
    if not told.is_drawn:
        return made
    drawn = _drawn_form(tx, definition_id, told)
    decided = {key for button in made.buttons for key in button.values}
    asked = {field.key for field in drawn.fields}
    return drawn if decided & asked else replace(drawn, buttons=made.buttons)


def _drawn_form(tx: Transaction, definition_id: int, told: FormSource) -> Form:
    if told.key is None:
        return told.data or Form()
    return forms.from_form_js(*_form_file(tx, definition_id, told.key))


def _form_file(tx: Transaction, definition_id: int, key: str) -> tuple[str, bytes]:
    """The form whose file name, or whose own id, the key gives; "camunda-forms:deployment:" before it says nothing."""
    wanted = key.rpartition(":")[2]
    query = (
        select(ResourceRow.file, ResourceRow.content)
        .join(DefinitionRow, DefinitionRow.deployment_id == ResourceRow.deployment_id)
        .where(DefinitionRow.id == definition_id)
    )
    found = [(file, content) for file, content in tx.session.execute(query) if is_form(file)]
    for file, content in found:
        if wanted in (file, file.rpartition("/")[2], file.rpartition(".")[0]) or forms.form_id(content) == wanted:
            return file, content
    raise NotFound(
        f'Expected a form "{wanted}" to be deployed with the diagram, but there is none. Upload both together.'
    )
