"""A form: fields, their rules, and the buttons that send it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.model import Json


class FieldKind(StrEnum):
    TEXT = "text"
    TEXTAREA = "textarea"
    INTEGER = "integer"
    NUMBER = "number"
    CHECKBOX = "checkbox"  # true or false
    CHOICE = "choice"  # one of the options
    LINES = "lines"  # a list of texts, one a line
    CHOICES = "choices"  # a list, each one of the options
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class Option:
    value: Json
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a form sets, with every rule the server checks."""

    key: str
    label: str
    kind: FieldKind
    required: bool = False
    readonly: bool = False
    default: Json = None
    options: tuple[Option, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    is_conditional: bool = False
    """Shown by a condition that only the browser evaluates: checked when present, never missed."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One way to complete a task: its label, and the values that pressing it sets."""

    label: str
    values: Mapping[str, Json] = field(default_factory=dict)
    is_enabled: bool = True
    """False: it cannot be pressed now, but may be later."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a person fills in: fields for the server's check, a form-js schema for the browser, and the buttons."""

    fields: tuple[Field, ...] = ()
    schema: Mapping[str, Json] = field(default_factory=dict)
    buttons: tuple[Button, ...] = ()
    question: str = ""
    """What the buttons answer, where they decide what is done next."""

    def defaults(self, given: Container[str]) -> dict[str, Json]:
        """Values of the fields that have one of their own, without the keys given."""
        own = (each for each in self.fields if not (each.readonly or each.is_conditional or each.default is None))
        return {each.key: each.default for each in own if each.key not in given}
