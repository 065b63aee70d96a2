"""Fields -> the form-js schema that the browser shows, for forms that were not drawn in form-js."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.model import Json
from engine.model.forms import Field, FieldKind

_TYPES: Mapping[FieldKind, Mapping[str, Json]] = {
    FieldKind.TEXT: {"type": "textfield"},
    FieldKind.TEXTAREA: {"type": "textarea"},
    FieldKind.LINES: {"type": "textarea"},
    FieldKind.INTEGER: {"type": "number", "decimalDigits": 0},
    FieldKind.NUMBER: {"type": "number"},
    FieldKind.CHECKBOX: {"type": "checkbox"},
    FieldKind.CHOICE: {"type": "select"},
    FieldKind.CHOICES: {"type": "checklist"},
    FieldKind.DATE: {"type": "datetime", "subtype": "date"},
    FieldKind.TIME: {"type": "datetime", "subtype": "time"},
    FieldKind.DATETIME: {"type": "datetime", "subtype": "datetime", "timeSerializingFormat": "utc_offset"},
}
_LABELS = {FieldKind.DATE: "dateLabel", FieldKind.TIME: "timeLabel", FieldKind.DATETIME: "dateLabel"}
_RULES = {
    "required": "required",
    "minimum": "min",
    "maximum": "max",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
"""Our rule -> form-js's."""


def schema_of(fields: Iterable[Field]) -> dict[str, Json]:
    return {"type": "default", "schemaVersion": 16, "components": [_component(field) for field in fields]}


def _component(field: Field) -> dict[str, Json]:
    rules = {theirs: getattr(field, ours) for ours, theirs in _RULES.items()}
    told = {
        "description": field.description,
        "readonly": field.readonly,
        "defaultValue": field.default,
        "values": [{"value": option.value, "label": option.label} for option in field.options],
        "validate": {name: rule for name, rule in rules.items() if rule is not None and rule is not False},
    }
    return {
        **_TYPES[field.kind],
        "id": f"Field_{field.key}",
        "key": field.key,
        _LABELS.get(field.kind, "label"): field.label,
        **{name: value for name, value in told.items() if value not in ("", False, None, [], {})},
    }
