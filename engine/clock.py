"""Where "now" comes from: the machine, or a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SettableClock:
    """Time that stands still until a test moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError(f"Expected a moment with a time zone, but got {moment.isoformat()}.")
        self._now = moment.astimezone(UTC)

    def advance(self, **units: float) -> None:
        """Move on by timedelta's units: advance(hours=49)."""
        self._now += timedelta(**units)
