"""A form-js file -> Form. Components the server cannot check, or that would run in the browser, are refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import NoReturn

from engine.bpmn import names
from engine.bpmn.forms import patterns
from engine.errors import Invalid
from engine.model import Field, FieldKind, Form, Json, Option, Place, Problem, Severity

MAX_BYTES = 1024 * 1024
MAX_COMPONENTS = 500
MAX_DEPTH = 20
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
SILENT = frozenset({"text", "group", "separator", "spacer", "button"})
"""Components that set none. Buttons are left out: the page brings its own."""
REFUSED = {
    "html": "It would run in the browser. Use a text component (Markdown).",
    "iframe": "It would show another site's page. Use a text component with a link.",
    "documentPreview": "Files are not kept in forms. Use a text component with a link.",
    "filepicker": "Files are not kept in forms. Use a text field for a link to the file.",
    "image": "Pictures in forms are not shown. Use a text component with a link.",
    "dynamiclist": "Lists that grow are not supported yet. Use a text area, one line each.",
    "table": "Tables are not supported yet. Use a text component.",
    "expression": "Compute the value in a script task before or after.",
}
_SUBTYPES = {"date": FieldKind.DATE, "time": FieldKind.TIME, "datetime": FieldKind.DATETIME}
_VALIDATION_TYPES = {"email": patterns.EMAIL, "phone": patterns.PHONE}


def from_form_js(file: str, data: bytes) -> Form:
    """Read a form. Raises Invalid with every problem."""
    return _Reading(file, _text(file, data)).form()


def form_id(data: bytes) -> str | None:
    """The id that formRef names; None when the bytes are no form."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    identifier = found.get("id") if isinstance(found, dict) else None
    return identifier if isinstance(identifier, str) else None


def _text(file: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        _refuse("too-large", Place(file), f"Expected a form of at most 1 MB, but it has {len(data):,} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        _refuse("encoding", Place(file, line), f"Expected UTF-8 text, but byte {cause.start + 1} is not.")


def _refuse(rule: str, place: Place, message: str, fix: str = "") -> NoReturn:
    raise Invalid([Problem(rule, message, place, fix=fix)])


@dataclass(frozen=True, slots=True)
class _Around:
    """What the groups around a component say for it."""

    path: str
    is_conditional: bool = False
    depth: int = 0


@dataclass(slots=True)
class _Reading:
    """One pass over a form that gathers fields and problems."""

    file: str
    text: str
    fields: dict[str, Field] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def form(self) -> Form:
        schema = self._json()
        if not isinstance(schema, dict) or not isinstance(schema.get("components"), list):
            message = 'Expected a form-js form (a JSON object with "components"), but the file is other JSON.'
            _refuse("form-invalid", Place(self.file), message, "Export the form from the form editor again.")
        components = self.components(schema["components"], _Around("components"))
        if self.problems:
            raise Invalid(self.problems)
        return Form(tuple(self.fields.values()), {**schema, "components": components})

    def _json(self) -> Json:
        try:
            found: Json = json.loads(self.text, parse_constant=_refuse_constant, parse_float=_finite)
            json.dumps(found, ensure_ascii=False).encode()
        except json.JSONDecodeError as cause:
            place = Place(self.file, cause.lineno, cause.colno)
            _refuse("form-syntax", place, "Expected JSON, but from here on the text is none.", "Export the form again.")
        except UnicodeEncodeError:
            _refuse("form-syntax", Place(self.file), "Expected text, but there is half a character.", "Write it again.")
        except (ValueError, RecursionError) as cause:
            _refuse("form-syntax", Place(self.file), f"Expected JSON, but {cause}.", "Export the form again.")
        return found

    def components(self, found: list[Json], around: _Around) -> list[Json]:
        """Read the components of a form or group; gives them without buttons."""
        kept = []
        for index, component in enumerate(found):
            self.count += 1
            if self.count > MAX_COMPONENTS or around.depth > MAX_DEPTH:
                message = f"Expected at most {MAX_COMPONENTS} components, {MAX_DEPTH} groups deep, but here are more."
                _refuse("too-large", Place(self.file), message, "Split the form.")
            read = self.component(component, _Around(f"{around.path}[{index}]", around.is_conditional, around.depth))
            kept += [] if read is None or read.get("type") == "button" else [read]
        return kept

    def component(self, component: Json, around: _Around) -> dict[str, Json] | None:
        if not isinstance(component, dict) or not isinstance(component.get("type"), str):
            self.problem("form-invalid", {}, around, "Expected a component with a type, but it is something else.")
            return None
        kind = component["type"]
        if kind == "group":
            return self.group(component, around)
        if kind in KINDS:
            self.field(component, around)
        elif kind not in SILENT:
            fix = REFUSED.get(kind, f"Use one of: {', '.join(sorted(KINDS))}.")
            self.problem("form-unsupported", component, around, f'The component "{kind}" is not supported.', fix)
        return component

    def group(self, component: dict[str, Json], around: _Around) -> dict[str, Json]:
        if component.get("path"):
            fix = "Delete the path; its fields then set variables of their own."
            message = f'The path "{component["path"]}" of a group is not supported.'
            self.problem("form-unsupported", component, around, message, fix)
        inner = component.get("components", [])
        is_hidden = around.is_conditional or _is_conditional(component)
        deeper = _Around(f"{around.path}.components", is_hidden, around.depth + 1)
        return {**component, "components": self.components(inner if isinstance(inner, list) else [], deeper)}

    def field(self, component: dict[str, Json], around: _Around) -> None:
        for fault, fix in _faults(component):
            self.problem("form-invalid", component, around, fault, fix)
        key = component.get("key")
        if key in self.fields:
            message = f'The key "{key}" is used by another field too.'
            self.problem("form-invalid", component, around, message, "Give each field its own key.")
        elif isinstance(key, str):
            self.fields[key] = _field(component, around.is_conditional)

    def problem(self, rule: str, component: Mapping[str, Json], around: _Around, message: str, fix: str = "") -> None:
        name = str(component.get("key") or component.get("id") or "")
        self.problems.append(
            Problem(
                rule,
                message,
                Place(self.file, self._line(name)),
                Severity.ERROR,
                element_type=str(component.get("type", "component")),
                element_name=str(component.get("label") or ""),
                element_id=name or around.path,
                fix=f"{fix} (at {around.path})".strip(),
            )
        )

    def _line(self, name: str) -> int:
        """The line where a key or id is written first; 1 when there is none."""
        index = self.text.find(json.dumps(name)) if name else -1
        return self.text.count("\n", 0, max(index, 0)) + 1


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse_constant(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_feel(value: Json) -> bool:
    return isinstance(value, str) and value.strip().startswith("=")


def _is_conditional(component: Mapping[str, Json]) -> bool:
    conditional = component.get("conditional")
    return isinstance(conditional, dict) and bool(conditional.get("hide"))


# ---- what is wrong with one field ----------------------------------------------------------------------------------

Fault = tuple[str, str]
"""What is wrong, and what to do."""


def _faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    for faults in (_key_faults, _rule_faults, _option_faults):
        yield from faults(component)


def _key_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    key = component.get("key")
    if not isinstance(key, str) or not key:
        yield "Expected a key, but there is none.", "The key is the name of the variable that the field sets."
    elif "." in key:
        yield f'The key "{key}" would set a part of a variable.', "Write it without a dot."
    elif not names.is_variable(key):
        yield f'The key "{key:.50}" is not the name of a variable.', names.advice(key)


_RULES: dict[str, tuple[Callable[[Json], bool], str]] = {
    "required": (lambda rule: isinstance(rule, bool), "true or false"),
    "min": (lambda rule: _number(rule) is not None, "a number"),
    "max": (lambda rule: _number(rule) is not None, "a number"),
    "minLength": (lambda rule: _count(rule) is not None, "a whole number from 0 on"),
    "maxLength": (lambda rule: _count(rule) is not None, "a whole number from 0 on"),
    "pattern": (lambda rule: isinstance(rule, str), "a text"),
}


def _rule_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    rules = component.get("validate") or {}
    if not isinstance(rules, dict):
        yield "Expected validate to be an object, but it is not.", ""
        return
    for name, (is_right, what) in _RULES.items():
        rule = rules.get(name)
        if rule not in (None, "") and not _is_feel(rule) and not is_right(rule):
            yield f"Expected validate.{name} to be {what}, but it is {rule!r}.", ""
    yield from _pattern_faults(rules.get("pattern"))


def _pattern_faults(pattern: Json) -> Iterator[Fault]:
    if not isinstance(pattern, str) or _is_feel(pattern):
        return
    try:
        patterns.validate(pattern)
    except ValueError as cause:
        yield str(cause), "Write it as in JavaScript, without slashes around it."


def _option_faults(component: Mapping[str, Json]) -> Iterator[Fault]:
    if KINDS[component["type"]] not in (FieldKind.CHOICE, FieldKind.CHOICES):
        return
    values = component.get("values")
    if values is None and not component.get("valuesKey") and not component.get("valuesExpression"):
        yield "Expected values to choose from, but there are none.", "Add values, or a valuesKey that names a variable."
    if values is None:
        return
    if not isinstance(values, list) or len(values) > MAX_OPTIONS:
        yield f"Expected values to be a list of at most {MAX_OPTIONS}, but it is not.", ""
    elif not all(isinstance(value, dict) and isinstance(value.get("value"), str | int | float) for value in values):
        yield 'Expected each of the values to have a "value" that is a text, a number, true or false.', ""


# ---- one component -> Field ----------------------------------------------------------------------------------------


def _field(component: Mapping[str, Json], is_conditional: bool) -> Field:
    rules = component.get("validate")
    rules = rules if isinstance(rules, dict) else {}
    return Field(
        key=component["key"],
        label=str(
            component.get("label") or component.get("dateLabel") or component.get("timeLabel") or component["key"]
        ),
        kind=_kind(component),
        required=rules.get("required") is True and not _is_feel(component.get("readonly")),
        readonly=component.get("readonly") is True or component.get("disabled") is True,
        default=component.get("defaultValue"),
        options=tuple(_options(component)),
        minimum=_number(rules.get("min")),
        maximum=_number(rules.get("max")),
        min_length=_count(rules.get("minLength")),
        max_length=_count(rules.get("maxLength")),
        pattern=_pattern(rules),
        is_conditional=is_conditional or _is_conditional(component) or _is_feel(component.get("readonly")),
        description=str(component.get("description") or ""),
    )


def _kind(component: Mapping[str, Json]) -> FieldKind:
    if component["type"] == "number" and component.get("decimalDigits") == 0:
        return FieldKind.INTEGER
    if component["type"] == "datetime":
        return _SUBTYPES.get(str(component.get("subtype")), FieldKind.DATETIME)
    return KINDS[component["type"]]


def _options(component: Mapping[str, Json]) -> Iterator[Option]:
    """Options drawn in the form; none when they come from data."""
    values = component.get("values")
    for value in values if isinstance(values, list) else []:
        if isinstance(value, dict) and "value" in value:
            yield Option(value["value"], str(value.get("label") or value["value"]))


def _pattern(rules: Mapping[str, Json]) -> str | None:
    """The server's pattern; one that the browser computes is left to the browser."""
    pattern = rules.get("pattern") or _VALIDATION_TYPES.get(str(rules.get("validationType")))
    return pattern if isinstance(pattern, str) and not _is_feel(pattern) else None


def _number(rule: Json) -> float | None:
    if isinstance(rule, bool) or not isinstance(rule, int | float | str):
        return None
    try:
        return float(rule)
    except (ValueError, OverflowError):
        return None


def _count(rule: Json) -> int | None:
    number = _number(rule)
    return int(number) if number is not None and 0 <= number < 1e9 and number == int(number) else None
