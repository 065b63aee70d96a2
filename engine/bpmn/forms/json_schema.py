"""A JSON schema, by which SpiffArena draws forms -> a form-js schema, for what is plain: one level of simple fields."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model import Json

_TYPES: Mapping[tuple[str, str], Mapping[str, Json]] = {
    ("string", ""): {"type": "textfield"},
    ("string", "date"): {"type": "datetime", "subtype": "date", "dateLabel": ""},
    ("string", "email"): {"type": "textfield"},
    ("string", "textarea"): {"type": "textarea"},
    ("integer", ""): {"type": "number", "decimalDigits": 0},
    ("number", ""): {"type": "number"},
    ("boolean", ""): {"type": "checkbox"},
}
"""Type and format -> the component."""
_RULES = {
    "minLength": "minLength",
    "maxLength": "maxLength",
    "minimum": "min",
    "maximum": "max",
    "pattern": "pattern",
}
_PLAIN = {"type", "format", "title", "description", "default", "enum", "oneOf", *_RULES}


def is_json_schema(found: Json) -> bool:
    return isinstance(found, dict) and "components" not in found and isinstance(found.get("properties"), dict)


def as_form_js(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Raises ValueError for what is not plain."""
    required = schema.get("required", [])
    fields = [_component(key, told, is_required=key in required) for key, told in schema["properties"].items()]
    title = [{"type": "text", "text": f"# {schema['title']}"}] if isinstance(schema.get("title"), str) else []
    return {"type": "default", "components": [*title, *fields]}


def _component(key: str, told: Json, *, is_required: bool) -> dict[str, Json]:
    strange = sorted(set(told) - _PLAIN) if isinstance(told, dict) else ["its form"]
    if strange:
        raise ValueError(f'Expected a plain field, but "{key:.50}" has {strange[0]:.50}. Draw it in the form editor.')
    options = _options(told)
    kind = (
        {"type": "select", "values": options} if options else _TYPES.get((_text(told, "type"), _text(told, "format")))
    )
    if kind is None:
        known = ", ".join(" ".join(filter(None, each)) for each in _TYPES)
        raise ValueError(f'Expected the field "{key:.50}" to be one of {known}. Draw it in the form editor.')
    label = told.get("title", key)
    rules = {other: told[name] for name, other in _RULES.items() if name in told}
    made = {"key": key, "label": label, "description": told.get("description"), **kind}
    made["validate"] = {**rules, **({"required": True} if is_required else {})}
    if kind.get("subtype") == "date":
        made["dateLabel"] = label
    if "default" in told:
        made["defaultValue"] = told["default"]
    return {name: value for name, value in made.items() if value is not None}


def _text(told: Mapping[str, Json], name: str) -> str:
    found = told.get(name, "")
    return found if isinstance(found, str) else ""


def _options(told: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Of enum, or of oneOf with const and title."""
    titled = told.get("oneOf")
    if isinstance(titled, list) and all(isinstance(each, dict) and "const" in each for each in titled):
        return [{"value": each["const"], "label": str(each.get("title", each["const"]))} for each in titled]
    found = told.get("enum")
    return [{"value": each, "label": str(each)} for each in found] if isinstance(found, list) else []
