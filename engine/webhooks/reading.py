"""What a delivery says: its body, and the parts of a message that expressions read from body and headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

import orjson

from engine import values
from engine.bpmn import names, script, texts
from engine.bpmn.check import python
from engine.bpmn.script import Evaluator, ScriptFailed
from engine.bpmn.variables import check
from engine.errors import BpmnError, InvalidValues
from engine.model import Json
from engine.webhooks.model import Expressions, Parts

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1_000
DEEPEST = 50
"""Lists and dicts inside each other."""
LONGEST = 10_000
"""Characters of one expression."""
_KNOWN = ("body", "headers")
_KEYS = ("business_key", "correlation_key", "message_id")


def body_of(content_type: str, raw: bytes) -> Json:
    """A form as a dict of texts; whatever else it calls itself, it has to be JSON. Raises InvalidValues (body)."""
    try:
        found = _form(raw) if content_type.partition(";")[0].strip().lower() == FORM else orjson.loads(raw)
    except (ValueError, RecursionError) as cause:
        raise InvalidValues({"body": "Expected JSON or a form, but it cannot be read as such."}) from cause
    if _is_deeper(found, DEEPEST):
        raise InvalidValues({"body": f"Expected lists and objects that are nested at most {DEEPEST} deep."})
    return found


def _form(raw: bytes) -> dict[str, str]:
    """Of a field that comes several times: the last one."""
    return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))


def _is_deeper(value: Json, most: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_is_deeper(each, most - 1) for each in inside)


def parts_of(
    evaluator: Evaluator, expressions: Expressions, body: Json, headers: Mapping[str, str], now: datetime
) -> Parts | None:
    """None: it is to be passed over. Raises InvalidValues naming the part that cannot be read."""
    known = {"body": body, "headers": dict(headers)}
    if expressions.condition and not _value(evaluator, "condition", expressions.condition, known, now):
        return None
    keys = {name: _key(evaluator, name, getattr(expressions, name), known, now) for name in _KEYS}
    return Parts(**keys, variables=_variables(evaluator, expressions.variables, known, now))


def _key(evaluator: Evaluator, name: str, source: str, known: Mapping[str, Json], now: datetime) -> str | None:
    """Without a value it would be for somebody else: that is refused."""
    if not source:
        return None
    found = _value(evaluator, name, source, known, now)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise InvalidValues({name: f"Expected a text or a whole number, but it is {found!r:.60}."})
    return str(found)


def _value(evaluator: Evaluator, name: str, source: str, known: Mapping[str, Json], now: datetime) -> Json:
    try:
        return evaluator.evaluate(texts.expression(source), known, now)
    except ScriptFailed as cause:
        raise InvalidValues({name: str(cause)}) from cause


def _variables(evaluator: Evaluator, source: str, known: Mapping[str, Json], now: datetime) -> dict[str, Json]:
    if not source:
        return {}
    try:
        left = evaluator.execute(texts.script(source), known, now).values
        found = {name: value for name, value in left.items() if name not in _KNOWN}
        check(found)
    except (ScriptFailed, BpmnError, TypeError) as cause:
        raise InvalidValues({"variables": str(cause)}) from cause
    return found


# ---- checked when it is set up -------------------------------------------------------------------------------------


def problems(expressions: Expressions) -> dict[str, str]:
    """What is wrong with the expressions, by field."""
    told = {name: _problem(getattr(expressions, name)) for name in ("condition", *_KEYS)}
    told["variables"] = _problem_of_script(texts.script(expressions.variables))
    return {name: text for name, text in told.items() if text}


def _problem(source: str) -> str:
    if not source:
        return ""
    return _unfit(source) or _told(python.fault_of_expression(source)) or _unknown(texts.expression(source))


def _problem_of_script(source: str) -> str:
    if not source:
        return ""
    return _unfit(source) or _told(python.fault_of_script(source)) or _unknown(source) or _misnamed(source)


def _unfit(source: str) -> str:
    try:
        values.fitting(source, LONGEST, "an expression")
    except TypeError as cause:
        return str(cause)
    return ""


def _told(fault: python.Fault | None) -> str:
    return "" if fault is None else f"{fault.message} {fault.fix}".strip()


def _unknown(source: str) -> str:
    wanted = sorted(script.names(source).wanted - set(_KNOWN))
    return f"Expected it to read body and headers, but it reads {wanted[0]:.60}." if wanted else ""


def _misnamed(source: str) -> str:
    wrong = sorted(name for name in script.names(source).assigned if not names.is_variable(name))
    return f"Expected the names of variables, but there is {wrong[0]:.60}. {names.RULE}" if wrong else ""
