"""Settings: read once from the environment (PROCESSION_*), then passed around as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.retry import Retry

DAY = timedelta(days=1)
_RANGES = {"retry_factor": (1, 1_000), "retry_jitter": (0, 1)}


@dataclass(frozen=True, slots=True)
class Settings:
    """Each setting is also an environment variable: PROCESSION_ and its name in capitals; durations in seconds."""

    database_url: str = "sqlite:///procession.db"
    secret_key: str = ""
    """Signs browser sessions; empty: kept in a file beside the SQLite database. PostgreSQL needs one."""
    time_zone: str = "UTC"
    """For dates in diagrams that name no zone."""
    services: tuple[str, ...] = ()
    """Python modules that register services when imported; comma-separated in the environment."""
    worker_threads: int = 4
    service_threads: int = 4
    """Calls of services at one time, on threads of their own: slow ones hold up neither timers nor messages."""
    service_duration: timedelta = timedelta(minutes=1)
    """Time that a service may take to answer before its try has failed."""
    retry_tries: int = 3
    """How often a call is tried, unless its task says more."""
    retry_delay: timedelta = timedelta(seconds=2)
    """Before the second try."""
    retry_factor: float = 2.0
    """By which each pause is longer than the one before."""
    retry_longest: timedelta = timedelta(hours=1)
    """The pause beyond which none grows."""
    retry_jitter: float = 0.5
    """The part of a pause that chance may take away."""
    poll_interval: timedelta = timedelta(seconds=0.5)
    lease: timedelta = timedelta(seconds=30)
    max_steps: int = 10_000
    """Steps that one command may take before the instance is stopped with an incident."""
    command_duration: timedelta = timedelta(seconds=5)
    """Time that one command may take for its steps before the instance is stopped with an incident."""
    message_lifetime: timedelta = DAY
    """How long a thrown message waits for somebody to take it before an incident tells of it."""
    receipt_lifetime: timedelta = 30 * DAY
    """How long a message from outside is known by its id, so that it is taken once."""
    script_duration: timedelta = timedelta(seconds=1)
    script_memory_bytes: int = 64_000_000
    script_processes: int = 4
    session_lifetime: timedelta = 30 * DAY

    def __post_init__(self) -> None:
        """Raises ValueError naming the variable that makes no sense."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _RANGES and isinstance(value, int | timedelta) and _number(value) <= 0:
                raise ValueError(f"Expected {_variable(field.name)} to be more than 0, but it is {_number(value)}.")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"Expected {_variable(name)} to be from {least} to {most}, but it is {value}.")
        if not _is_zone(self.time_zone):
            wanted = f"Expected {_variable('time_zone')} to be a time zone such as Europe/Lisbon"
            raise ValueError(f"{wanted}, but it is {self.time_zone!r}.")

    @property
    def retry(self) -> Retry:
        """How what has failed is tried again where nothing else is said."""
        return Retry(
            tries=self.retry_tries,
            delay=self.retry_delay.total_seconds(),
            factor=self.retry_factor,
            longest=self.retry_longest.total_seconds(),
            jitter=self.retry_jitter,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError naming the variable whose text does not fit."""
        found = {field.name: environment.get(_variable(field.name)) for field in fields(cls)}
        values: dict[str, Any] = {name: _value(name, text) for name, text in found.items() if text is not None}
        return cls(**values)


def _value(name: str, text: str) -> object:
    default = getattr(Settings(), name)
    try:
        return _READERS[type(default)](text)
    except (ValueError, OverflowError) as cause:
        raise ValueError(f"Expected {_variable(name)} to be a number, but it is {text!r}.") from cause


def _variable(name: str) -> str:
    return f"PROCESSION_{name.upper()}"


def _number(value: int | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


_READERS: dict[type, Callable[[str], object]] = {
    str: str,
    int: int,
    float: float,
    timedelta: lambda text: timedelta(seconds=float(text)),
    tuple: lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}
