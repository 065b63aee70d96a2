"""What is wrong with an upload, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in an uploaded file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and how to put it right."""

    rule: str
    message: str
    place: Place
    severity: Severity = Severity.ERROR
    element_type: str = ""
    element_name: str = ""
    element_id: str = ""
    fix: str = ""

    def __str__(self) -> str:
        named = f' "{self.element_name}"' if self.element_name else ""
        element = f" {self.element_type}{named} ({self.element_id}):" if self.element_id else ""
        fix = f" {self.fix}" if self.fix else ""
        where = f"{self.place.file}:{self.place.line}:{self.place.column}"
        return f"{where} {self.severity} [{self.rule}]{element} {self.message}{fix}"
