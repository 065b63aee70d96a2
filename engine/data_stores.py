"""Data stores: one value for each name, shared by all instances and outliving them.

Source: BPMN 2.0.2, 10.4.1 Data Store.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Insert, Row, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine import history, values
from engine.errors import Conflict, InvalidValues, NotFound
from engine.model import Json, Page
from engine.model.people import Right
from engine.model.processes import DataStore
from engine.storage.tables import DataStoreRow
from engine.transaction import Transaction

LONGEST_NAME = 400
_WRITTEN = DataStoreRow.version > 0
_SEEN = select(
    DataStoreRow.name, DataStoreRow.value, DataStoreRow.version, DataStoreRow.updated_at, DataStoreRow.updated_by
).where(_WRITTEN)


# ---- by people -----------------------------------------------------------------------------------------------------


def get(tx: Transaction, name: str) -> DataStore:
    """Raises NotFound when nobody has written it, Forbidden."""
    tx.require(Right.INSPECT)
    row = tx.session.execute(_SEEN.where(DataStoreRow.name == name)).one_or_none()
    if row is None:
        raise NotFound(f'There is no data store "{values.shown(name, LONGEST_NAME)}".')
    return _data_store(row)


def find(tx: Transaction, *, limit: int = 50, offset: int = 0) -> Page[DataStore]:
    """Those that were ever written, by name. Raises Forbidden."""
    tx.require(Right.INSPECT)
    rows = tx.session.execute(_SEEN.order_by(DataStoreRow.name).limit(limit).offset(offset))
    total = tx.session.scalar(select(func.count()).select_from(DataStoreRow).where(_WRITTEN)) or 0
    return Page(tuple(map(_data_store, rows)), total, offset, limit)


def text_of(store: DataStore) -> str:
    """A value as JSON, for people to change."""
    return values.for_person(store.value)


def put_text(tx: Transaction, name: str, text: str, *, seen: int | None = None) -> None:
    """The same as put with what a person typed. Raises InvalidValues for what is no JSON."""
    try:
        value = values.of_person(text)
    except TypeError as cause:
        raise InvalidValues({"data_store": str(cause)}) from cause
    put(tx, name, value, seen=seen)


def put(tx: Transaction, name: str, value: Json, *, seen: int | None = None) -> None:
    """Write the whole value. seen: the version that it replaces.

    Raises Forbidden, InvalidValues, and Conflict when somebody has written another version meanwhile.
    """
    tx.require(Right.REPAIR)
    try:
        told, text = values.fitting(name, LONGEST_NAME, "the name of a data store"), values.dump(value)
    except TypeError as cause:
        raise InvalidValues({"data_store": str(cause)}) from cause
    if not told:
        raise InvalidValues({"data_store": "Expected the name of a data store, but it is empty."})
    hold(tx, name)
    version = tx.session.scalar(select(DataStoreRow.version).where(DataStoreRow.name == name))
    if seen not in (None, version):
        raise Conflict(f'Expected data store "{name}" to be as you saw it, but it was written since. Load it again.')
    write(tx, {name: text})
    history.append(tx, [event(tx, name, text)])


def _data_store(row: Row[str, str, int, datetime, str]) -> DataStore:
    name, value, version, updated_at, updated_by = row
    return DataStore(name, values.load(value), version, updated_at, updated_by)


# ---- by commands ---------------------------------------------------------------------------------------------------

_HOLD = select(DataStoreRow.value).where(DataStoreRow.name == bindparam("called")).with_for_update()
_WRITE = (
    update(DataStoreRow.__table__)  # type: ignore[arg-type]
    .where(DataStoreRow.name == bindparam("called"))
    .values(
        value=bindparam("json"),
        version=DataStoreRow.version + 1,
        updated_at=bindparam("moment"),
        updated_by=bindparam("who"),
    )
)
_ADD: dict[str, Insert] = {
    "sqlite": sqlite.insert(DataStoreRow).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(DataStoreRow).on_conflict_do_nothing(),
}


def hold(tx: Transaction, name: str) -> Json:
    """The value of a data store, None when nobody has written it; others wait for it until the transaction ends.

    What is read may be written, and what another command wrote meanwhile would be lost. So that two who write it first
    wait for each other, too, there is a row from then on. Two who hold one each and want the other's are Busy: the
    database sees to that. (SQLite has one writer: nobody else is there.)
    """
    found = tx.connection.execute(_HOLD, {"called": name}).scalar_one_or_none()
    if found is None:
        row = {"name": name, "value": "null", "version": 0, "updated_at": tx.now, "updated_by": tx.actor.id}
        tx.connection.execute(_ADD[tx.connection.dialect.name], row)
        found = tx.connection.execute(_HOLD, {"called": name}).scalar_one()
    return values.load(found)


def write(tx: Transaction, told: dict[str, str]) -> None:
    """Write data stores that the transaction holds. told: JSON by name."""
    rows = [{"called": name, "json": text, "moment": tx.now, "who": tx.actor.id} for name, text in sorted(told.items())]
    if rows:
        tx.connection.execute(_WRITE, rows)


def event(tx: Transaction, name: str, text: str, *, instance_id: int | None = None) -> dict[str, Any]:
    """The fact that a data store was written; of a large value only how large it is."""
    small = len(text) <= history.LARGE_VALUE
    data = {"name": name, "value": orjson.Fragment(text)} if small else {"name": name, "characters": len(text)}
    return history.event(tx, "data store written", instance_id=instance_id, data=data)
