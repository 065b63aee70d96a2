"""How what has failed is tried again: how often, after what pauses, and after which failures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self

from engine.model import Json

MOST_TRIES = 1_000
LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Retry:
    """Times are seconds."""

    tries: int = 3
    """At most, the first one included."""
    pauses: tuple[float, ...] = ()
    """Before the second try, the third, ...; the last of them before all that follow. Empty: they grow."""
    delay: float = 2
    """Before the second try."""
    factor: float = 2
    """By which each pause is longer than the one before."""
    longest: float = 3_600
    jitter: float = 0.5
    """The part of a pause that chance may take away: what failed together shall not return together."""
    only: tuple[str, ...] = ()
    """Failures that are tried again: names of exceptions, statuses such as 503 or 5xx. Empty: all."""
    never: tuple[str, ...] = ()

    def json(self) -> dict[str, Json]:
        """Only what is not usual."""
        usual = asdict(Retry())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From json."""
        known: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in told.items()}
        return cls(**known)

    def pause(self, failed: int, chance: float) -> timedelta:
        """Before the next try. failed: tries so far, from 1 on; chance: from 0 to 1."""
        if self.pauses:
            return timedelta(seconds=self.pauses[min(failed, len(self.pauses)) - 1])
        return timedelta(seconds=self._grown(failed) * (1 - self.jitter * chance))

    def _grown(self, failed: int) -> float:
        try:
            return min(self.longest, self.delay * self.factor ** (failed - 1))
        except OverflowError:
            return self.longest

    def covers(self, failure: Collection[str]) -> bool:
        """Whether a failure of these names is tried again."""
        is_meant = not self.only or self.names(failure)
        return is_meant and not any(name in failure for name in self.never)

    def names(self, failure: Collection[str]) -> bool:
        """Whether it says of a failure of these names that it is tried again."""
        return any(name in failure for name in self.only)
