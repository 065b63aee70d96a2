"""Secrets of services: written by administrators, encrypted at rest, used by name, never shown."""

from __future__ import annotations

import re

from sqlalchemy import delete, select

from engine import history, keys
from engine.errors import InvalidValues, NotFound, ServiceFailed
from engine.model.people import Right
from engine.model.services import Secret
from engine.storage.tables import SecretRow
from engine.transaction import Transaction

LONGEST = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def put(tx: Transaction, name: str, content: str) -> None:
    """Keep a secret, in place of the one of this name. Raises Forbidden, InvalidValues (name, content)."""
    tx.require(Right.ACCOUNTS)
    errors = {}
    if not _NAME.fullmatch(name):
        errors["name"] = "Expected up to 100 letters, digits, dots, dashes and underscores."
    if not 0 < len(content) <= LONGEST:
        errors["content"] = f"Expected from 1 to {LONGEST:,} characters."
    if errors:
        raise InvalidValues(errors)
    kept = keys.encrypted(tx.store.settings, content)
    tx.session.merge(SecretRow(name=name, content=kept, updated_at=tx.now, updated_by=tx.actor.id))
    tx.session.flush()
    history.append(tx, [history.event(tx, "secret set", data={"name": name})])


def find(tx: Transaction) -> list[Secret]:
    """Their names and when each was written, by name."""
    tx.require(Right.ACCOUNTS)
    rows = tx.session.scalars(select(SecretRow).order_by(SecretRow.name))
    return [Secret(row.name, row.updated_at, row.updated_by) for row in rows]


def delete_secret(tx: Transaction, name: str) -> None:
    """Calls that need it fail from now on. Raises Forbidden, NotFound."""
    tx.require(Right.ACCOUNTS)
    gone = delete(SecretRow).where(SecretRow.name == name).returning(SecretRow.name)
    if tx.session.scalar(gone) is None:
        raise NotFound(f"There is no secret {name}.")
    history.append(tx, [history.event(tx, "secret deleted", data={"name": name})])


def reveal(tx: Transaction, name: str) -> str:
    """For a call that is about to be made; keep it nowhere. Raises ServiceFailed."""
    content = tx.session.scalar(select(SecretRow.content).where(SecretRow.name == name))
    if content is None:
        message = f'Expected secret "{name}" to be there, but it is not. Ask an administrator to add it.'
        raise ServiceFailed(message, retryable=False)
    told = keys.decrypted(tx.store.settings, content)
    if told is None:
        message = f'Secret "{name}" was written under another PROCESSION_SECRET_KEY. Write it again.'
        raise ServiceFailed(message, retryable=False)
    return told
