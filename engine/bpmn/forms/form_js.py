"""A form-js file -> Form. Components the server cannot check, or that would run in the browser, are refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import NoReturn

from engine.bpmn.forms import json_schema
from engine.bpmn.forms.properties import KINDS, Fault, count, faults, is_said, number, unsupported
from engine.errors import Invalid
from engine.model import Json
from engine.model.forms import Field, FieldKind, Form, Option
from engine.model.problems import Place, Problem, Severity

MAX_BYTES = 1024 * 1024
MAX_COMPONENTS = 500
MAX_DEPTH = 20

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


def from_form_js(file: str, data: bytes) -> Form:
    """Read a form. Raises Invalid with every problem."""
    return _Reading(file, _plain(file, _text(file, data))).form()


def _plain(file: str, text: str) -> str:
    """A JSON schema in form-js's words; anything else as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text  # told by who reads it
    if not json_schema.is_json_schema(found):
        return text
    try:
        return json.dumps(json_schema.as_form_js(found))
    except (ValueError, TypeError) as cause:
        _refuse("form-invalid", Place(file), str(cause), "Or draw it in the form editor.")


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
            if self.text.lstrip().startswith("<"):
                fix = "If it is a diagram, let its name end in .bpmn."
                _refuse("form-syntax", place, "Expected a form as JSON, but the file is XML.", fix)
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
        self.tell("form-unsupported", component, around, unsupported(component))
        inner = component.get("components", [])
        is_hidden = around.is_conditional or _is_conditional(component)
        deeper = _Around(f"{around.path}.components", is_hidden, around.depth + 1)
        return {**component, "components": self.components(inner if isinstance(inner, list) else [], deeper)}

    def field(self, component: dict[str, Json], around: _Around) -> None:
        self.tell("form-unsupported", component, around, unsupported(component))
        self.tell("form-invalid", component, around, faults(component))
        key = component.get("key")
        if key in self.fields:
            message = f'The key "{key}" is used by another field too.'
            self.problem("form-invalid", component, around, message, "Give each field its own key.")
        elif isinstance(key, str):
            self.fields[key] = _field(component, around.is_conditional)

    def tell(self, rule: str, component: Mapping[str, Json], around: _Around, found: Iterable[Fault]) -> None:
        for message, fix in found:
            self.problem(rule, component, around, message, fix)

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


def _is_conditional(component: Mapping[str, Json]) -> bool:
    conditional = component.get("conditional")
    return isinstance(conditional, dict) and bool(conditional.get("hide"))


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
        required=rules.get("required") is True,
        readonly=component.get("readonly") is True or component.get("disabled") is True,
        default=component.get("defaultValue"),
        options=tuple(_options(component)),
        minimum=number(rules.get("min")),
        maximum=number(rules.get("max")),
        min_length=count(rules.get("minLength")),
        max_length=count(rules.get("maxLength")),
        pattern=rules.get("pattern") or None,
        is_conditional=is_conditional or _is_conditional(component),
        description=str(component.get("description") or ""),
    )


def _kind(component: Mapping[str, Json]) -> FieldKind:
    if component["type"] == "number" and component.get("decimalDigits") == 0:
        return FieldKind.INTEGER
    if component["type"] == "datetime":
        return _SUBTYPES.get(str(component.get("subtype")), FieldKind.DATETIME)
    return KINDS[component["type"]]


def _options(component: Mapping[str, Json]) -> Iterator[Option]:
    """Options drawn in the form; none when they come from a variable, which wins."""
    values = component.get("values")
    for value in values if isinstance(values, list) and not is_said(component.get("valuesKey")) else []:
        if isinstance(value, dict) and "value" in value:
            yield Option(value["value"], str(value.get("label") or value["value"]))
