"""What the form in the browser sent: its values as one JSON object, and the button pressed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import NoReturn

from flask import request

from engine import Form, InvalidValues, Json

MAX_DEPTH = 50


def submitted() -> dict[str, Json]:
    """The values as typed; the engine checks every rule. Raises InvalidValues for what is no JSON object."""
    text = request.form.get("values", "").strip() or "{}"
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as cause:
        raise _unreadable() from cause
    if not isinstance(values, dict) or _depth(values) > MAX_DEPTH:
        raise _unreadable()
    return values


def button() -> int | None:
    """The index of the button pressed; None when there was only one way to complete."""
    pressed = request.form.get("button", "")
    return int(pressed) if pressed.isascii() and pressed.isdigit() and len(pressed) < 4 else None


def island(form: Form, values: Mapping[str, Json], errors: Mapping[str, str]) -> dict[str, Json]:
    """What the form island reads from the page."""
    return {"schema": form.schema, "data": _shown(dict(values)), "errors": dict(errors)}


def _shown(value: Json) -> Json:
    """A value as form-js takes it: dates and times in ISO 8601, exact numbers as numbers."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | time) else value


def summary(form: Form, errors: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each error with the label of its field, in the order of the form."""
    labels = {field.key: field.label or field.key for field in form.fields}
    ordered = [key for key in labels if key in errors] + [key for key in errors if key not in labels]
    return [(labels.get(key, key), errors[key]) for key in ordered]


def _unreadable() -> InvalidValues:
    return InvalidValues({"form": "Expected the values as one JSON object. Load the page again and retype them."})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Expected a number, but got {name}.")


def _depth(value: Json) -> int:
    """How deep lists and dicts are nested; stops counting where it is too deep anyway."""
    layer, depth = [value], 0
    while layer and depth <= MAX_DEPTH:
        layer = [item for outer in layer if isinstance(outer, list | dict) for item in _items(outer)]
        depth += 1
    return depth


def _items(outer: Json) -> list[Json]:
    return list(outer.values()) if isinstance(outer, dict) else list(outer)
