"""The vocabulary: closed sets, their transitions, and the frozen values handed to callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


Json = Any
"""What JSON can say, plus Decimal, date, datetime and bytes (which keep their type in a variable)."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A stretch of a list; total is None where counting would cost more than it tells."""

    rows: tuple[T, ...]
    total: int | None
    offset: int
    limit: int
    has_more: bool = False
    """Whether a further row was seen where nothing was counted."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> T:
        return self.rows[index]

    @property
    def has_next(self) -> bool:
        return self.has_more or (self.total is not None and self.offset + len(self.rows) < self.total)
