"""What may go wrong with an endpoint, and how much of it does."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

LONGEST_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Switches:
    """All off as it comes."""

    slow: float = 0
    """Seconds before it begins."""
    failing: float = 0
    """The part of calls that answer 503 and do nothing, from 0 to 1."""
    duplicate: float = 0
    """The part of works that are done and then not told, from 0 to 1: the caller has to ask again."""
    dead: bool = False
    """The connection is dropped at once."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Raises ValueError naming what makes no sense."""
        known = cls(
            slow=_number(told, "slow", LONGEST_SECONDS),
            failing=_number(told, "failing", 1),
            duplicate=_number(told, "duplicate", 1),
            dead=told.get("dead") in (True, 1),
        )
        unknown = ", ".join(sorted(set(told) - {*asdict(known), "off"}))
        if unknown:
            raise ValueError(f"Expected slow, failing, duplicate, dead or off, but there is {unknown}.")
        return cls() if told.get("off") else known

    @property
    def told(self) -> dict[str, Any]:
        """Only those that are on."""
        return {name: value for name, value in asdict(self).items() if value}

    def wait(self) -> None:
        time.sleep(self.slow)

    def fails(self) -> bool:
        return random.random() < self.failing

    def hides(self) -> bool:
        """Whether a work that was done is not told."""
        return random.random() < self.duplicate


def _number(told: Mapping[str, Any], name: str, most: float) -> float:
    value = told.get(name, 0)
    if not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"Expected {name} to be a number from 0 to {most:,}, but it is {value!r:.50}.")
    return float(value)
