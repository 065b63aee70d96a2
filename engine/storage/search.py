"""Look for a text that people typed, letter for letter: % and _ mean themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_

from engine import values


def contains(text: str, *columns: Any) -> ColumnElement[bool]:
    """The rows of which a column has the text somewhere in it, in capitals or small letters."""
    return or_(*(column.icontains(values.shown(text), autoescape=True) for column in columns))
