"""The server's check of what a person filled in: every rule of the form again, and nothing but the form's own keys."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal

from engine.bpmn.forms.drawn import Circumstances, Component, Wrong, check, components, with_choices
from engine.bpmn.forms.properties import is_said
from engine.errors import InvalidValues
from engine.model import Json
from engine.model.forms import Field, FieldKind, Form

MAX_TEXT = 100_000
"""Characters of a text whose field gives no other limit."""
MAX_ITEMS = 1_000
"""Of a list of choices."""


def checked(form: Form, values: Mapping[str, object], around: Circumstances | None = None) -> dict[str, Json]:
    """The values with their types: dates as date, moments as aware datetime, numbers as int or float, nothing as None.

    Read-only fields and keys that are not the form's are left out; so are fields that were not sent and need not be.
    around: None is now, in UTC, with no variables. Raises InvalidValues naming each field that breaks a rule.
    """
    around = around or Circumstances()
    result: dict[str, Json] = {}
    errors: dict[str, str] = {}
    drawn = components(form)
    for field in form.fields:
        if field.readonly or _may_be_absent(field, values):
            continue
        try:
            result[field.key] = _checked(field, values.get(field.key), drawn.get(field.key, {}), around)
        except Wrong as cause:
            errors[field.key] = str(cause)
    if errors:
        raise InvalidValues(errors)
    return result


def _may_be_absent(field: Field, values: Mapping[str, object]) -> bool:
    return field.key not in values and (field.is_conditional or not field.required)


def _checked(field: Field, value: object, component: Component, around: Circumstances) -> Json:
    if value is None or value == "" or value == []:
        return _nothing(field, value)
    found = _READ[field.kind](with_choices(field, component, around), value, around.zone)
    _check_required(field, found)
    _check_range(field, found)
    if isinstance(found, str):
        _check_text(field, found, around)
    if is_said(component.get("serializeToString")):
        found = str(value).strip()  # with all its digits
    check(component, found, around)
    return found


def _nothing(field: Field, value: object) -> Json:
    """What an empty field stands for."""
    if field.required and not field.is_conditional:
        raise Wrong("Expected a value, but there is none.")
    if field.kind in _TEXTS:
        return value
    return [] if field.kind in _LISTS else False if field.kind is FieldKind.CHECKBOX else None


_TEXTS = (FieldKind.TEXT, FieldKind.TEXTAREA)
_LISTS = (FieldKind.CHOICES, FieldKind.LINES)


# ---- rules ---------------------------------------------------------------------------------------------------------


def _check_required(field: Field, found: Json) -> None:
    if field.required and found is False and not field.is_conditional:
        raise Wrong("Expected the box to be checked, but it is not.")


def _check_range(field: Field, found: Json) -> None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return
    if field.minimum is not None and found < field.minimum:
        raise Wrong(f"Expected {field.minimum:.15g} or more, but it is {found}.")
    if field.maximum is not None and found > field.maximum:
        raise Wrong(f"Expected {field.maximum:.15g} or less, but it is {found}.")


def _check_text(field: Field, found: str, around: Circumstances) -> None:
    longest = MAX_TEXT if field.max_length is None else field.max_length
    length = _length(found)
    if length < (field.min_length or 0):
        raise Wrong(f"Expected {field.min_length} characters or more, but there are {length}.")
    if length > longest:
        raise Wrong(f"Expected {longest} characters or fewer, but there are {length}.")
    if len(found) > max(longest, MAX_TEXT):
        raise Wrong(f"Expected less space around the text, but there are {len(found)} characters.")
    if field.pattern is not None and not around.fits(field.pattern, found):
        raise Wrong(f"Expected a text that fits the pattern {field.pattern}, but it does not.")


def _length(text: str) -> int:
    """As the browser counts: without the space around, and in units of UTF-16."""
    return len(text.strip().encode("utf-16-le")) // 2


# ---- types ---------------------------------------------------------------------------------------------------------


def _text(field: Field, value: object, zone: tzinfo) -> str:
    if not isinstance(value, str):
        raise Wrong(f"Expected a text, but it is {_shown(value)}.")
    return _storable(value)


def _lines(field: Field, value: object, zone: tzinfo) -> list[str]:
    """A list may come as it is, too."""
    several = value if isinstance(value, list | tuple) else _text(field, value, zone).splitlines()
    found = [line for each in several if (line := _text(field, each, zone).strip())]
    if len(found) > MAX_ITEMS or sum(map(len, found)) > MAX_TEXT:
        raise Wrong(f"Expected at most {MAX_ITEMS:,} lines and {MAX_TEXT:,} characters, but there are more.")
    return found


def _storable(text: str) -> str:
    """Databases hold no zero character and no half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Wrong("Expected a text, but it has characters that cannot be stored.")
    return text


_NUMBER = re.compile(r"\s*[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?\s*\Z", re.ASCII)


def _number(field: Field, value: object, zone: tzinfo) -> int | float:
    if isinstance(value, str) and _NUMBER.match(value):
        value = int(value) if value.strip().lstrip("+-").isdigit() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise Wrong(f"Expected a number such as 12.50, but it is {_shown(value)}.")
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number larger than any that a form means
        return False


def _integer(field: Field, value: object, zone: tzinfo) -> int:
    number = _number(field, value, zone)
    if number != int(number):
        raise Wrong(f"Expected a whole number, but it is {number}.")
    return int(number)


_BOOLEANS = {"true": True, "on": True, "false": False}


def _boolean(field: Field, value: object, zone: tzinfo) -> bool:
    found = _BOOLEANS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise Wrong(f"Expected true or false, but it is {_shown(value)}.")
    return found


def _choice(field: Field, value: object, zone: tzinfo) -> Json:
    return _chosen(field, _by_value(field), value)


def _choices(field: Field, value: object, zone: tzinfo) -> list[Json]:
    if not isinstance(value, list | tuple) or len(value) > MAX_ITEMS:
        raise Wrong(f"Expected a list of at most {MAX_ITEMS:,} choices, but it is {_shown(value)}.")
    known = _by_value(field)
    found = [_chosen(field, known, item) for item in value]
    if len({(type(item), item) for item in found}) < len(found):
        raise Wrong("Expected each choice once, but one is there twice.")
    return found


def _by_value(field: Field) -> Mapping[tuple[type, object], Json]:
    """Type and value -> the option's value; the text of a value stands for it too."""
    found: dict[tuple[type, object], Json] = {}
    for option in field.options:
        found.setdefault(_like(option.value), option.value)
        found.setdefault((str, _as_sent(option.value)), option.value)
    return found


def _like(value: Json) -> tuple[type, object]:
    """JavaScript knows one kind of number: 2 and 2.0 are the same choice, and true is none of them."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float, float(value) if isinstance(value, Decimal) else value
    return type(value), value


def _as_sent(value: Json) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _chosen(field: Field, known: Mapping[tuple[type, object], Json], value: object) -> Json:
    """The option's value."""
    if isinstance(value, str | bool | int | float) and _like(value) in known:
        return known[_like(value)]
    told = ", ".join(str(option.value) for option in field.options[:10])
    raise Wrong(f"Expected one of {told}, but it is {_shown(value)}.")


def _date(field: Field, value: object, zone: tzinfo) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise Wrong(f"Expected a date such as 2026-05-04, but it is {_shown(value)}.")
    try:
        return date.fromisoformat(value)
    except ValueError as cause:
        raise Wrong(f"Expected a date such as 2026-05-04, but {value} does not exist.") from cause


_TIME = re.compile(r"\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def _time(field: Field, value: object, zone: tzinfo) -> str:
    """The text as it came: there is no type for times of day."""
    text = value.isoformat() if isinstance(value, time) else value
    if not isinstance(text, str) or not _TIME.fullmatch(text) or not is_read(time.fromisoformat, text):
        raise Wrong(f"Expected a time such as 17:30, but it is {_shown(value)}.")
    return text


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def _moment(field: Field, value: object, zone: tzinfo) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value) and is_read(datetime.fromisoformat, value):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise Wrong(f"Expected a date and time such as 2026-05-04T17:30, but it is {_shown(value)}.")
    return value if value.tzinfo is not None else value.replace(tzinfo=zone)


def is_read(read: Callable[[str], object], text: str) -> bool:
    """Whether the reader takes the text. It says no by ValueError."""
    try:
        read(text)
    except ValueError:
        return False
    return True


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 1_000:
        return "a number with hundreds of digits"  # Python itself refuses to write the longest ones
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


_READ: dict[FieldKind, Callable[[Field, object, tzinfo], Json]] = {
    FieldKind.TEXT: _text,
    FieldKind.TEXTAREA: _text,
    FieldKind.INTEGER: _integer,
    FieldKind.NUMBER: _number,
    FieldKind.CHECKBOX: _boolean,
    FieldKind.CHOICE: _choice,
    FieldKind.CHOICES: _choices,
    FieldKind.LINES: _lines,
    FieldKind.DATE: _date,
    FieldKind.TIME: _time,
    FieldKind.DATETIME: _moment,
}
