"""Variables as Camunda's REST writes them: {"value": ..., "type": "Integer", "valueInfo": {}}; and plain values."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from engine import Json

_INT, _LONG = 2**31, 2**63
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""What can be told in every zone."""


# ---- out -----------------------------------------------------------------------------------------------------------


def typed(values: Mapping[str, Json]) -> dict[str, Json]:
    return {name: _typed(value) for name, value in values.items()}


def _typed(value: Json) -> Json:
    kind, shown = _WRITERS.get(type(value), _json)(value)
    return {"value": shown, "type": kind, "valueInfo": {}}


def _whole(value: int) -> tuple[str, Json]:
    if -_INT <= value < _INT:
        return "Integer", value
    return ("Long", value) if -_LONG <= value < _LONG else ("String", str(value))


def _json(value: Json) -> tuple[str, Json]:
    return "Json", orjson.dumps(value, default=_plain).decode()


def _plain(value: Json) -> Json:
    """What JSON has no word for, inside of lists and dicts."""
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)


_WRITERS: Mapping[type, Callable[[Any], tuple[str, Json]]] = {
    type(None): lambda value: ("Null", None),
    bool: lambda value: ("Boolean", value),
    int: _whole,
    float: lambda value: ("Double", value),
    Decimal: lambda value: ("Double", float(value)),
    str: lambda value: ("String", value),
    datetime: lambda value: ("Date", moment(value)),
    date: lambda value: ("Date", moment(datetime.combine(value, time(), UTC))),
    time: lambda value: ("String", value.isoformat()),
    bytes: lambda value: ("Bytes", b64encode(value).decode()),
}


def moment(at: datetime | None) -> str | None:
    """2026-01-05T09:00:00.000+0000"""
    if at is None:
        return None
    told = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{told:%Y-%m-%dT%H:%M:%S}.{told.microsecond // 1000:03d}{told:%z}"


# ---- in ------------------------------------------------------------------------------------------------------------


def value_from(name: str, told: Json) -> Json:
    """The plain value of a typed one; without a type as JSON has it. Raises ValueError naming the variable."""
    if not isinstance(told, Mapping):
        raise ValueError(f'Expected variable "{name}" to be an object with a value, but it is {type(told).__name__}.')
    value, kind = told.get("value"), str(told.get("type") or "")
    if not kind or value is None:
        return value
    read = _READERS.get(kind.lower())
    if read is None:
        raise ValueError(f'Expected a known type for variable "{name}", but it is "{kind}".')
    try:
        return read(value, told.get("valueInfo") or {})
    except (ValueError, TypeError, AttributeError, OverflowError) as cause:
        raise ValueError(f'Expected variable "{name}" to be of type {kind}, but: {cause}') from cause


def moment_from(told: Json) -> datetime:
    """Raises ValueError."""
    if not isinstance(told, str):
        raise ValueError(f"Expected a moment such as 2026-01-05T09:00:00.000+0000, but got {told!r:.60}")
    found = datetime.fromisoformat(told.replace(" ", "+"))
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not EARLIEST <= found <= LATEST:
        raise ValueError(f"Expected a moment of the years 2 to 9998, but got {told:.60}")
    return found


def _number(limit: int) -> Callable[[Json, Any], int]:
    def read(value: Json, _info: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str) or not -limit <= int(value) < limit:
            raise ValueError(f"it is {value!r:.60}")
        return int(value)

    return read


def _float(value: Json, _info: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"it is {value!r:.60}")
    return float(value)


def _text(value: Json, _info: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"it is {value!r:.60}")
    return value


def _is_true(value: Json, _info: Any) -> bool:
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ValueError(f"it is {value!r:.60}")
    return found


def _parsed(value: Json, _info: Any) -> Json:
    return orjson.loads(value) if isinstance(value, str) else value


def _object(value: Json, info: Any) -> Json:
    form = info.get("serializationDataFormat", "application/json")
    if form != "application/json":
        raise ValueError(f"it is serialized as {form}; only application/json can be read")
    return _parsed(value, info)


_READERS: Mapping[str, Callable[[Json, Any], Json]] = {
    "null": lambda value, info: None,
    "boolean": _is_true,
    "short": _number(2**15),
    "integer": _number(_INT),
    "long": _number(_LONG),
    "double": _float,
    "float": _float,
    "number": _float,
    "string": _text,
    "xml": _text,
    "date": lambda value, info: moment_from(value),
    "json": _parsed,
    "object": _object,
    "bytes": lambda value, info: b64decode(_text(value, info), validate=True),
    "file": lambda value, info: b64decode(_text(value, info), validate=True),
}
