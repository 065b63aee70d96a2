"""Variable values <-> JSON text: Decimal, date, datetime and bytes keep their type. And which texts a row can hold."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

import orjson

from engine.model import Json

_TAG = "$"
"""A value of a kept type is {"$": [type name, text]}; a dict that has the key "$" itself is kept the same way."""

_WRITE: dict[type, tuple[str, Callable[..., str]]] = {
    Decimal: ("decimal", str),
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    bytes: ("bytes", lambda value: b64encode(value).decode()),
}
_READ: dict[str, Callable[[str], Json]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "bytes": b64decode,
    "int": int,
}
_LARGEST = 2**63 - 1
MAX_BYTES = 10_000_000
"""Of one value as JSON: each change of it is a row of history, too."""
MAX_DIGITS = 3_000
"""Of a whole number: Python itself refuses to write the longest ones."""


def dump(value: Json) -> str:
    """Raises TypeError for what no variable can hold: sets, functions, objects, NaN, lists in lists without end."""
    try:
        text = orjson.dumps(encode(value)).decode()
    except RecursionError as cause:
        raise TypeError("Expected lists and dicts that are not nested so deeply.") from cause
    if len(text) > MAX_BYTES:
        raise TypeError(f"Expected at most {MAX_BYTES:,} characters of JSON, but there are {len(text):,}.")
    return text


def load(text: str) -> Json:
    """The value of a text that dump has made."""
    plain = orjson.loads(text)
    return decode(plain) if _TAG in text else plain


def of_person(text: str) -> Json:
    """A value that a person wrote as JSON. Raises TypeError."""
    try:
        return load(text)
    except (ValueError, KeyError, TypeError, RecursionError) as cause:
        raise TypeError(f"Expected a value in JSON, but: {cause}.") from cause


def for_person(value: Json) -> str:
    """JSON for a person to change."""
    return orjson.dumps(encode(value), option=orjson.OPT_INDENT_2).decode()


def encode(value: Json) -> Json:
    """Plain JSON for a value."""
    kind = type(value)
    if kind in (str, bool) or value is None:
        return value
    if kind is int:
        return value if -_LARGEST <= value <= _LARGEST else {_TAG: ["int", _long(value)]}
    if kind is float:
        return _finite(value)
    if kind in (list, tuple):
        return [encode(item) for item in value]
    if kind is dict:
        return _encoded_dict(value)
    if kind in _WRITE:
        name, write = _WRITE[kind]
        return {_TAG: [name, write(value)]}
    raise TypeError(f"Expected a JSON value, Decimal, date, time or bytes, but got {kind.__name__}.")


def _long(value: int) -> str:
    if abs(value) >= 10**MAX_DIGITS:
        raise TypeError(f"Expected a whole number of at most {MAX_DIGITS:,} digits, but it is longer.")
    return str(value)


def decode(value: Json) -> Json:
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = value.get(_TAG)
    if isinstance(kept, list):
        name, text = kept
        return {key: decode(item) for key, item in text} if name == "dict" else _READ[name](text)
    return {key: decode(item) for key, item in value.items()}


def fitting(text: str, longest: int, what: str) -> str:
    """The text, when a column of so many characters can hold it. Raises TypeError, saying what it is."""
    if len(text) > longest:
        raise TypeError(f"Expected {what} of at most {longest} characters, but it has {len(text):,}.")
    if shown(text) != text:
        raise TypeError(f"Expected {what} of characters that can be stored, but it has others: {text!a}.")
    return text


def shown(text: str, longest: int | None = None) -> str:
    """As much of a text as any column can hold: no zero character, no half of a surrogate pair."""
    return text[:longest].encode(errors="replace").decode().replace("\0", "")


def _finite(value: float) -> float:
    if value != value or value in (float("inf"), float("-inf")):
        raise TypeError(f"Expected a number, but got {value}.")
    return value


def _encoded_dict(value: dict[Json, Json]) -> Json:
    wrong = next((key for key in value if not isinstance(key, str)), None)
    if wrong is not None:
        raise TypeError(f"Expected text as the key of a dict, but got {type(wrong).__name__} {wrong!r}.")
    if _TAG in value:
        return {_TAG: ["dict", [[key, encode(item)] for key, item in value.items()]]}
    return {key: encode(item) for key, item in value.items()}
