"""Deploy diagrams and forms: check an upload, store it as new versions, and let its start events wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update

from engine import consistency, execution, history, jobs, uploads, waits
from engine.bpmn import check as checks
from engine.bpmn import parse, schedule
from engine.bpmn.check import imported as reports
from engine.bpmn.check.imported import Imported
from engine.bpmn.document import Document
from engine.bpmn.elements.event_definition import Conditional, Message, Signal, Timer
from engine.bpmn.process import Process, StartPoint
from engine.bpmn.script import constant
from engine.errors import Invalid
from engine.model.people import Right
from engine.model.problems import Problem, Severity
from engine.model.processes import Definition, Deployment
from engine.storage.tables import CorrelationRow, DefinitionRow, DeploymentRow, JobRow, ResourceRow, SubscriptionRow
from engine.transaction import Transaction

# ---- checking ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Examined:
    """An upload that was looked at, and the two verdicts on it."""

    files: Mapping[str, bytes]
    """Archives opened; empty when that was not possible."""
    problems: tuple[Problem, ...]
    documents: tuple[Document, ...]

    @property
    def is_readable(self) -> bool:
        """Whether all of it can be kept and shown."""
        return not any(problem.rule in checks.UNREADABLE for problem in self.problems)

    @property
    def is_deployable(self) -> bool:
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload without errors, ready to be stored."""

    files: Mapping[str, bytes]
    warnings: tuple[Problem, ...]
    parsed: tuple[tuple[Document, Process], ...]
    """Each executable process, with the file it is drawn in."""


def problems(files: Mapping[str, bytes]) -> list[Problem]:
    """Everything that is wrong with an upload, in the order of files, lines and columns; nothing is stored.

    files: name -> content of diagrams, forms, mail templates, and ZIP archives of them.
    """
    return list(examine(files.items()).problems)


def examine(sent: Iterable[tuple[str, bytes]]) -> Examined:
    """Check an upload, outside of any transaction: that of a large one takes a while.

    sent: name and content of each file as it came, in any order; two of one name are a problem.
    """
    try:
        files = uploads.unpack(sent)
    except Invalid as refused:
        return Examined({}, refused.problems, ())
    documents, found = checks.examine(files)
    return Examined(files, tuple(found), tuple(documents))


def imported(upload: Mapping[str, bytes] | Examined) -> list[Imported]:
    """What becomes of each word of another tool in the diagrams of an upload that can be read."""
    examined = _examined(upload)
    return reports.report(examined.documents, examined.problems)


def _examined(upload: Mapping[str, bytes] | Examined) -> Examined:
    return upload if isinstance(upload, Examined) else examine(upload.items())


def check(upload: Mapping[str, bytes] | Examined) -> Checked:
    """What can be deployed. Raises Invalid with every problem when there is an error among them."""
    examined = _examined(upload)
    if not examined.is_deployable:
        raise Invalid(examined.problems)
    files = examined.files
    parsed = [(document, process) for document in examined.documents for process in parse.processes(document, files)]
    return Checked(files, examined.problems, tuple(parsed))


# ---- storing -------------------------------------------------------------------------------------------------------


def deploy(tx: Transaction, upload: Mapping[str, bytes] | Checked) -> Deployment:
    """Store all files of one upload and make a new version of each executable process in them.

    Raises Invalid with every problem when there is an error among them; nothing is stored then.
    """
    tx.require(Right.DEPLOY)
    checked = upload if isinstance(upload, Checked) else check(upload)
    _one_at_a_time(tx)
    deployment_id, resources = _store(tx, checked.files)
    made = [
        definition(_new_version(tx, deployment_id, resources[document.file], document, process), document.file)
        for document, process in checked.parsed
    ]
    documents = dict.fromkeys(document for document, _process in checked.parsed)
    warnings = {*checked.warnings, *consistency.problems(tx, documents)}
    ordered = sorted(warnings, key=lambda problem: (problem.place, problem.rule))
    return Deployment(deployment_id, tx.now, tx.actor.id, tuple(made), tuple(ordered))


def _one_at_a_time(tx: Transaction) -> None:
    """Two deployments at once would give the same version number. (SQLite has one writer.)"""
    if tx.store.database.dialect.name == "postgresql":
        tx.session.execute(text("LOCK TABLE deployment IN SHARE ROW EXCLUSIVE MODE"))


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
    tx: Transaction, deployment_id: int, resource_id: int, document: Document, process: Process
) -> DefinitionRow:
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
        version_tag=process.version_tag,
        starts_by_hand=bool(process.start_nodes) and not process.is_global_task,
        created_at=tx.now,
        created_by=tx.actor.id,
    )
    tx.session.add(row)
    tx.session.flush()
    execution.keep_for_now(tx, row.id, process)
    for start in process.starts:
        _STARTS[type(start.definition)](tx, row, start, start.definition)
    rules = [
        {"definition_id": row.id, "message": message, "name": told.name, "retrieved": list(told.retrieved)}
        for message, told in process.correlations
    ]
    if rules:
        tx.session.execute(insert(CorrelationRow), rules)
    data = {"key": process.key, "version": row.version}
    history.append(tx, [history.event(tx, "definition deployed", data=data)])
    return row


def definition(row: DefinitionRow, file: str) -> Definition:
    """A row, and the name of the file it was drawn in, as callers see them."""
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


def _start_timer(tx: Transaction, row: DefinitionRow, start: StartPoint, timer: Timer) -> None:
    told = constant(timer.source)
    assert told is not None  # the checks let nothing else through
    due = schedule.first(timer.kind, str(told[0]), tx.now, execution.zone(tx))
    add_start_timer(tx, row.id, start.at, due, catch_up=timer.catch_up)


def add_start_timer(
    tx: Transaction, definition_id: int, element_id: str, due: schedule.Due, *, catch_up: schedule.CatchUp
) -> None:
    payload = {"due": due.at.isoformat(), "remaining": due.remaining, "interval": due.interval, "catch_up": catch_up}
    jobs.add(tx, "timer", definition_id=definition_id, element_id=element_id, due_at=due.at, payload=payload)


def _start_condition(tx: Transaction, row: DefinitionRow, start: StartPoint, told: Conditional) -> None:
    values = {"kind": "condition", "name": "", "definition_id": row.id, "element_id": start.at}
    tx.session.execute(insert(SubscriptionRow).values(**values))


def _start_subscription(kind: str) -> Any:
    def subscribe(
        tx: Transaction,
        row: DefinitionRow,
        start: StartPoint,
        told: Message | Signal,
    ) -> None:
        values = {"kind": kind, "name": told.name, "definition_id": row.id, "element_id": start.at}
        tx.session.execute(insert(SubscriptionRow).values(**values))
        if kind == "message":
            waits.seek_all(tx, told.name)

    return subscribe


_STARTS: Mapping[type, Any] = {
    Timer: _start_timer,
    Message: _start_subscription("message"),
    Signal: _start_subscription("signal"),
    Conditional: _start_condition,
}
