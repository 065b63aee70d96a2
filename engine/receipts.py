"""Receipts: which messages from outside were taken, so that one which comes again changes nothing."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select, update

from engine import values
from engine.errors import InvalidValues
from engine.storage import inserts
from engine.storage.tables import ReceiptRow
from engine.transaction import Transaction

LONGEST_ID = 255
MOST_FORGOTTEN = 100
"""Receipts that one delivery clears away: more than it adds."""


def is_new(tx: Transaction, name: str, message_id: str) -> bool:
    """Whether it is the first of its id. Of two at once the second waits for the first, and is not new then.

    Raises InvalidValues for an id that is too long.
    """
    try:
        values.fitting(message_id, LONGEST_ID, "a message id")
    except TypeError as cause:
        raise InvalidValues({"message_id": str(cause)}) from cause
    old = select(ReceiptRow.name, ReceiptRow.message_id).where(
        ReceiptRow.received_at < tx.now - tx.store.settings.receipt_lifetime
    )
    for each in tx.session.execute(old.order_by(ReceiptRow.received_at).limit(MOST_FORGOTTEN)).all():
        tx.session.execute(delete(ReceiptRow).where(ReceiptRow.name == each[0], ReceiptRow.message_id == each[1]))
    row = {"name": values.shown(name), "message_id": message_id, "received_at": tx.now}
    dialect = tx.store.database.dialect.name
    return tx.session.scalar(inserts.unless_there(dialect, ReceiptRow, row, ReceiptRow.message_id)) is not None


def is_known(tx: Transaction, name: str, message_id: str) -> bool:
    """Whether it was taken, as far as can be seen without waiting for others."""
    return tx.session.scalar(select(ReceiptRow.name).where(*_of(name, message_id))) is not None


def taker(tx: Transaction, name: str, message_id: str) -> int | None:
    """Who took it; None: nobody has yet, and it is kept."""
    return tx.session.scalar(select(ReceiptRow.instance_id).where(*_of(name, message_id)))


def note_taker(tx: Transaction, name: str, message_id: str | None, instance_id: int) -> None:
    """Who asks again is told who took it."""
    if message_id is not None:
        tx.session.execute(update(ReceiptRow).where(*_of(name, message_id)).values(instance_id=instance_id))


def _of(name: str, message_id: str) -> tuple[ColumnElement[bool], ...]:
    return ReceiptRow.name == values.shown(name), ReceiptRow.message_id == message_id
