"""Rows of which there is one at most, whoever comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite

from engine.storage.tables import Base

_INSERTS: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def unless_there(dialect: str, table: type[Base], values: Mapping[str, Any], column: Any) -> Executable:
    """Insert a row unless there is one of its key; gives the column of the new row, nothing when there was one.

    Of two at once the second waits for the first.
    """
    insert: Executable = _INSERTS[dialect](table).values(**values).on_conflict_do_nothing().returning(column)
    return insert
