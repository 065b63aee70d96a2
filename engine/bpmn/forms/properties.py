"""The properties of form-js fields that are rules: which components know them, and what they may say.

Properties that are named nowhere here only change how a field looks. What a rule asks of a value is checked again in
values.py and, where only form-js knows the rule, in drawn.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from engine.bpmn import names
from engine.bpmn.forms import patterns
from engine.model import Json
from engine.model.forms import FieldKind

MAX_OPTIONS = 2_000
"""Of one field."""

KINDS = {
    "textfield": FieldKind.TEXT,
    "textarea": FieldKind.TEXTAREA,
    "number": FieldKind.NUMBER,
    "checkbox": FieldKind.CHECKBOX,
    "radio": FieldKind.CHOICE,
    "select": FieldKind.CHOICE,
    "checklist": FieldKind.CHOICES,
    "taglist": FieldKind.CHOICES,
    "datetime": FieldKind.DATETIME,
}
"""Components that set a value; a number may turn out to be an integer, a datetime a date or a time."""

Fault = tuple[str, str]
"""What is wrong, and what to do."""


def number(rule: Json) -> float | None:
    """The number that a rule says, also as text; None when it says none."""
    if isinstance(rule, bool) or not isinstance(rule, int | float | str):
        return None
    try:
        found = float(rule)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def count(rule: Json) -> int | None:
    found = number(rule)
    return int(found) if found is not None and 0 <= found < 1e9 and found == int(found) else None


def is_said(rule: Json) -> bool:
    """Whether a property says anything: form editors leave empty ones behind."""
    return rule is not None and rule is not False and rule != ""


# ---- the table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    what: str
    """What it has to be, in words."""
    is_right: Callable[[Json], bool]
    types: Collection[str] = tuple(KINDS)
    """Components that know it."""


_FIELDS = tuple(KINDS)
_TEXTS = ("textfield", "textarea")
_CHOICES = ("radio", "select", "checklist", "taglist")


def _is_flag(rule: Json) -> bool:
    return isinstance(rule, bool)


def _is_number(rule: Json) -> bool:
    return number(rule) is not None


def _is_count(rule: Json) -> bool:
    return count(rule) is not None


def _one_of(*words: Json, types: Collection[str]) -> _Rule:
    told = ", ".join(map(str, words))
    return _Rule(f"one of {told}", lambda rule: not isinstance(rule, bool) and rule in words, types)


VALIDATE: Mapping[str, _Rule] = {
    "required": _Rule("true or false", _is_flag, _FIELDS),
    "min": _Rule("a number", _is_number, ("number",)),
    "max": _Rule("a number", _is_number, ("number",)),
    "minLength": _Rule("a whole number from 0 on", _is_count, _TEXTS),
    "maxLength": _Rule("a whole number from 0 on", _is_count, _TEXTS),
    "pattern": _Rule("a text", lambda rule: isinstance(rule, str), _TEXTS),
    "patternErrorMessage": _Rule("a text", lambda rule: isinstance(rule, str), _TEXTS),
    "validationType": _one_of("email", "phone", "custom", types=_TEXTS),
}
"""What "validate" may say. The message is the browser's alone."""

PROPERTIES: Mapping[str, _Rule] = {
    "readonly": _Rule("true or false", _is_flag, _FIELDS),
    "disabled": _Rule("true or false", _is_flag, _FIELDS),
    "decimalDigits": _Rule("a whole number from 0 on", _is_count, ("number",)),
    "increment": _Rule("a number above 0", lambda rule: (number(rule) or 0) > 0, ("number",)),
    "serializeToString": _Rule("true or false", _is_flag, ("number",)),
    "subtype": _one_of("date", "time", "datetime", types=("datetime",)),
    "timeInterval": _one_of(1, 5, 10, 15, 30, 60, types=("datetime",)),
    "timeSerializingFormat": _one_of("utc_offset", "utc_normalized", "no_timezone", types=("datetime",)),
    "disallowPassedDates": _Rule("true or false", _is_flag, ("datetime",)),
    "valuesKey": _Rule(
        "the name of a variable", lambda rule: isinstance(rule, str) and names.is_variable(rule), _CHOICES
    ),
}
"""What the component itself may say."""

UNSUPPORTED: Mapping[str, str] = {
    "valuesExpression": "Let a script task make a list of the choices, and name it by valuesKey.",
    "isRepeating": "Use a text area, one line each.",
    "omitFromSubmit": "Make the field readonly, or delete it.",
    "step": "Write increment.",
    "multiple": "Use a checklist or a tag list.",
    "minDate": "Use disallowPassedDates, or ask at a gateway behind the task.",
    "maxDate": "Ask at a gateway behind the task.",
    **{name: "Write it under validate." for name in VALIDATE},
}
"""Properties of a component that sound like rules, but nobody would check -> what to do."""

_FEEL = "The server does not compute FEEL. Write the value itself, or ask at a gateway behind the task."


# ---- what is wrong with one field ----------------------------------------------------------------------------------


def faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    """What is wrong with a field, but for what is not supported."""
    for find in (_key_faults, _property_faults, _validate_faults, _option_faults):
        yield from find(component)


def unsupported(component: Mapping[str, Json]) -> Iterator[Fault]:
    """The rules of a field or group that nobody would check."""
    for name, fix in UNSUPPORTED.items():
        if is_said(component.get(name)):
            yield f'The property "{name}" of a {component["type"]} is not supported.', fix


def _key_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    key = component.get("key")
    if not isinstance(key, str) or not key:
        yield "Expected a key, but there is none.", "The key is the name of the variable that the field sets."
    elif "." in key:
        yield f'The key "{key}" would set a part of a variable.', "Write it without a dot."
    elif not names.is_variable(key):
        yield f'The key "{key:.50}" is not the name of a variable.', names.advice(key)


def _property_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    for name, rule in PROPERTIES.items():
        yield from _rule_faults(component["type"], name, component.get(name), rule)
    if component["type"] == "datetime" and not is_said(component.get("subtype")):
        yield "Expected a subtype, but there is none.", "Write date, time or datetime."


def _validate_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    said = component.get("validate") or {}
    if not isinstance(said, dict):
        yield "Expected validate to be an object, but it is not.", ""
        return
    for name, rule in VALIDATE.items():
        yield from _rule_faults(component["type"], f"validate.{name}", said.get(name), rule)
    for name in said.keys() - VALIDATE.keys():
        yield f"The rule validate.{name:.50} is not supported.", f"Use one of {', '.join(VALIDATE)}."
    yield from _pattern_faults(said.get("pattern"))


def _rule_faults(kind: str, name: str, said: Json, rule: _Rule) -> Iterator[Fault]:
    if not is_said(said):
        return
    if kind not in rule.types:
        yield f"Expected {name} at a {' or '.join(rule.types)} only, but here is a {kind}.", "Delete it."
    elif not rule.is_right(said):
        is_feel = isinstance(said, str) and said.strip().startswith("=")
        yield f"Expected {name} to be {rule.what}, but it is {_shown(said)}.", _FEEL if is_feel else ""


def _shown(said: Json) -> str:
    text = repr(said)
    return text if len(text) <= 50 else f"{text[:50]}..."


def _pattern_faults(pattern: Json) -> Iterator[Fault]:
    if not isinstance(pattern, str):
        return
    try:
        patterns.validate(pattern)
    except ValueError as cause:
        yield str(cause), "Write it as in JavaScript, without slashes around it."


def _option_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    values = component.get("values")
    if component["type"] not in _CHOICES or is_said(component.get("valuesKey")):
        return
    if values is None or values == []:
        yield "Expected values to choose from, but there are none.", "Add values, or a valuesKey that names a variable."
    elif not isinstance(values, list) or len(values) > MAX_OPTIONS:
        yield f"Expected values to be a list of at most {MAX_OPTIONS}, but it is not.", ""
    elif not all(isinstance(value, dict) and isinstance(value.get("value"), str | int | float) for value in values):
        yield 'Expected each of the values to have a "value" that is a text, a number, true or false.', ""
