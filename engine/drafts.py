"""Drafts: uploads that can be read and need not be able to run. They are looked at, compared, mended and deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from engine import deployments, reports
from engine.bpmn import forms
from engine.bpmn.templates import is_template
from engine.deployments import Examined
from engine.errors import Conflict, Invalid, NotFound
from engine.model.people import Right
from engine.model.processes import Deployment
from engine.storage.tables import DraftFileRow, DraftRow
from engine.transaction import Transaction

LONGEST_NAME = 400


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft as it was checked last; revision: counts from 1 how often its files were replaced."""

    id: int
    name: str
    revision: int
    errors: int
    warnings: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


# ---- finding -------------------------------------------------------------------------------------------------------


def find(tx: Transaction) -> list[Draft]:
    """Every draft, the one that was changed last first."""
    tx.require(Right.DEPLOY)
    rows = tx.session.scalars(select(DraftRow).order_by(DraftRow.updated_at.desc(), DraftRow.id.desc()))
    return [_draft(row) for row in rows]


def get(tx: Transaction, draft_id: int) -> Draft:
    """Raises NotFound."""
    return _draft(_row(tx, draft_id))


def files(tx: Transaction, draft_id: int) -> dict[str, bytes]:
    """Its files as they were uploaded, diagrams first, then by name. Raises NotFound."""
    _row(tx, draft_id)
    query = select(DraftFileRow.file, DraftFileRow.content).where(DraftFileRow.draft_id == draft_id)
    found = {file: content for file, content in tx.session.execute(query)}
    return {file: found[file] for file in sorted(found, key=lambda file: (not is_diagram(file), file))}


def is_diagram(file: str) -> bool:
    """By its name: whatever is no form and no template of a mail."""
    return not (forms.is_form(file) or is_template(file))


def _row(tx: Transaction, draft_id: int) -> DraftRow:
    tx.require(Right.DEPLOY)
    row = tx.session.get(DraftRow, draft_id)
    if row is None:
        raise NotFound(f"There is no draft {draft_id}. It may have been deployed or deleted.")
    return row


def _draft(row: DraftRow) -> Draft:
    return Draft(**{name: getattr(row, name) for name in Draft.__slots__})


# ---- keeping -------------------------------------------------------------------------------------------------------


def keep(tx: Transaction, examined: Examined) -> Draft:
    """Keep all files of an upload, whether they can run or not.

    Raises Invalid with every problem when one of them cannot be read; nothing is stored then.
    """
    tx.require(Right.DEPLOY)
    _require_readable(examined)
    row = DraftRow(revision=1, created_at=tx.now, created_by=tx.actor.id, **_facts(tx, examined))
    tx.session.add(row)
    tx.session.flush()
    _store(tx, row.id, examined.files)
    return _draft(row)


def replace(tx: Transaction, draft_id: int, examined: Examined, *, revision: int) -> Draft:
    """Put other files in the place of a draft's; revision: the one that they were made from.

    Raises as keep does, NotFound, and Conflict when somebody else was faster.
    """
    _require_readable(examined)
    row = _row(tx, draft_id)
    _take(tx, row, revision)
    tx.session.execute(
        update(DraftRow).where(DraftRow.id == draft_id).values(revision=revision + 1, **_facts(tx, examined))
    )
    tx.session.execute(delete(DraftFileRow).where(DraftFileRow.draft_id == draft_id))
    _store(tx, draft_id, examined.files)
    tx.session.refresh(row)
    return _draft(row)


def mended(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, bytes]:
    """A draft's files with new ones beside and over them; a single diagram replaces a single one of another name."""
    before, after = ([file for file in each if is_diagram(file)] for each in (old, new))
    replaced = before if len(before) == len(after) == 1 else []
    return {**{file: content for file, content in old.items() if file not in replaced}, **new}


def deploy(tx: Transaction, draft_id: int, examined: Examined, *, revision: int) -> Deployment:
    """Make new versions of what a draft, or what mends it, draws; the draft is gone then.

    Raises Invalid when there is an error among its problems, NotFound, and Conflict as replace does.
    """
    row = _row(tx, draft_id)
    checked = deployments.check(examined)
    _take(tx, row, revision)
    delete_draft(tx, draft_id)
    return deployments.deploy(tx, checked)


def delete_draft(tx: Transaction, draft_id: int) -> None:
    """Raises NotFound."""
    _row(tx, draft_id)
    tx.session.execute(delete(DraftRow).where(DraftRow.id == draft_id))


def _require_readable(examined: Examined) -> None:
    if not examined.is_readable:
        raise Invalid(examined.problems)


def _take(tx: Transaction, row: DraftRow, revision: int) -> None:
    """Let nobody else change the draft in this transaction. Raises Conflict when somebody has."""
    mine = update(DraftRow).where(DraftRow.id == row.id, DraftRow.revision == revision)
    if tx.session.scalar(mine.values(updated_at=tx.now).returning(DraftRow.id)) is None:
        message = f"Expected draft {row.id} in revision {revision}, but {row.updated_by} has replaced it since."
        raise Conflict(f"{message} Look at it again.")


def _facts(tx: Transaction, examined: Examined) -> dict[str, object]:
    errors = reports.errors(examined.problems)
    return {
        "name": _name(examined)[:LONGEST_NAME],
        "errors": errors,
        "warnings": len(examined.problems) - errors,
        "updated_at": tx.now,
        "updated_by": tx.actor.id,
    }


def _name(examined: Examined) -> str:
    """The file of its first diagram."""
    return next((document.file for document in examined.documents), next(iter(examined.files)))


def _store(tx: Transaction, draft_id: int, files: Mapping[str, bytes]) -> None:
    rows = [{"draft_id": draft_id, "file": file, "content": content} for file, content in files.items()]
    tx.session.execute(insert(DraftFileRow), rows)
