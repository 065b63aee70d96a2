"""camunda:formData, or the older camunda:formProperty, -> Form, with the form-js schema that the browser shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from datetime import date
from math import isfinite

from lxml import etree

from engine.bpmn import names
from engine.bpmn.forms.schema import schema_of
from engine.bpmn.forms.values import is_read
from engine.bpmn.nodes import camunda
from engine.model import Json
from engine.model.forms import Field, FieldKind, Form, Option

KINDS = {
    "string": FieldKind.TEXT,
    "long": FieldKind.INTEGER,
    "boolean": FieldKind.CHECKBOX,
    "date": FieldKind.DATE,
    "enum": FieldKind.CHOICE,
}

Constraints = Mapping[str, str]
"""Name -> config; that of required and readonly says nothing."""


def from_form_data(node: etree._Element) -> Form:
    """Read the element, or extensions with form properties. What faults_of_form_data finds is left out."""
    fields = tuple(_field(each) for _drawn, each in _fields(node) if not list(_faults(each)))
    return Form(fields, schema_of(fields))


def faults_of_form_data(node: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Each field with something wrong, and what."""
    seen = set[str]()
    for drawn, each in _fields(node):
        yield from ((drawn, fault) for fault in _faults(each))
        if each.get("id", "") in seen:
            yield drawn, f'The id "{each.get("id")}" is used by another field too. Give each field its own.'
        seen.add(each.get("id", ""))


def _fields(node: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    """Each as it is drawn, and as a form field."""
    yield from ((each, each) for each in node.findall(camunda("formField")))
    yield from ((each, _of_property(each)) for each in node.findall(camunda("formProperty")))


def _of_property(node: etree._Element) -> etree._Element:
    """A property says in attributes what a field says in constraints; one with an expression is no field."""
    told = {
        "id": node.get("variable", "") or node.get("id", ""),
        "label": node.get("name", ""),
        "type": node.get("type", "") or "string",
        "defaultValue": node.get("default", ""),
        "expression": node.get("expression", ""),
    }
    made = etree.Element(camunda("formField"), told)
    validation = etree.SubElement(made, camunda("validation"))
    for attribute, said, name in (("required", "true", "required"), ("writable", "false", "readonly")):
        if node.get(attribute, "").strip() == said:
            etree.SubElement(validation, camunda("constraint"), {"name": name})
    made.extend(copy(value) for value in node.findall(camunda("value")))
    return made


def _field(node: etree._Element) -> Field:
    constraints = _constraints(node)
    kind = KINDS[node.get("type", "")]
    return Field(
        key=node.get("id", ""),
        label=node.get("label", "") or node.get("id", ""),
        kind=kind,
        required="required" in constraints,
        readonly="readonly" in constraints,
        default=_default(kind, node.get("defaultValue", "")),
        options=tuple(
            Option(each.get("id", ""), each.get("name", "") or each.get("id", ""))
            for each in node.findall(camunda("value"))
        ),
        minimum=_READ["min"](constraints["min"]) if "min" in constraints else None,
        maximum=_READ["max"](constraints["max"]) if "max" in constraints else None,
        min_length=int(constraints["minlength"]) if "minlength" in constraints else None,
        max_length=int(constraints["maxlength"]) if "maxlength" in constraints else None,
    )


def _constraints(node: etree._Element) -> Constraints:
    found = node.findall(f"{camunda('validation')}/{camunda('constraint')}")
    return {each.get("name", ""): each.get("config", "") for each in found if each.get("config") != "false"}


# ---- defaults


def _default(kind: FieldKind, text: str) -> Json:
    return _DEFAULTS.get(kind, str)(text) if text else None


def _day(text: str) -> str:
    """ISO 8601, or Camunda's day/month/year."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text)
    day = date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text[:10])
    return day.isoformat()


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_DEFAULTS: dict[FieldKind, Callable[[str], Json]] = {
    FieldKind.INTEGER: int,
    FieldKind.CHECKBOX: _bool,
    FieldKind.DATE: _day,
}


# ---- faults


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _count(text: str) -> int:
    if not 0 <= int(text) < 1_000_000_000:
        raise ValueError(text)
    return int(text)


_READ: dict[str, Callable[[str], float]] = {
    "required": lambda config: 0,
    "readonly": lambda config: 0,
    "min": _finite,
    "max": _finite,
    "minlength": _count,
    "maxlength": _count,
}


_LIMITS = {"min": "long", "max": "long", "minlength": "string", "maxlength": "string"}
"""Limit -> the type it is of."""
_WORDS = {"long": "a whole number", "boolean": "true or false", "date": "a date such as 2026-12-31"}


def _faults(node: etree._Element) -> Iterator[str]:
    key, kind, default = node.get("id", ""), node.get("type", ""), node.get("defaultValue", "")
    if not names.is_variable(key):
        yield f'Expected the id to be the name of a variable, but it is "{key:.50}". {names.advice(key)}'
    if node.get("expression"):
        yield "Form fields with an expression are not supported. Name the variable by its id."
    elif kind not in KINDS:
        yield f'Expected the type to be one of {", ".join(KINDS)}, but it is "{kind}".'
    elif not is_read(lambda text: _default(KINDS[kind], text), default):
        yield f'Expected the default value to be {_WORDS.get(kind, "a text")}, but it is "{default}".'
    if kind == "enum" and node.find(camunda("value")) is None:
        yield "Expected values to choose from, but there are none. Add them."
    for name, config in _constraints(node).items():
        if name not in _READ:
            yield f'The constraint "{name}" is not supported. Use one of {", ".join(_READ)}.'
        elif _LIMITS.get(name, kind) != kind:
            yield f'Expected "{name}" at the type {_LIMITS[name]} only, but the field is of type "{kind}". Delete it.'
        elif not is_read(_READ[name], config):
            yield f'Expected the constraint "{name}" to be a number, but it is "{config:.50}".'
