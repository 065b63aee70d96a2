"""Settings: read once from the environment (PROCESSION_*), then passed around as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Self

DAY = timedelta(days=1)


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
    poll_interval: timedelta = timedelta(seconds=0.5)
    lease: timedelta = timedelta(seconds=30)
    max_steps: int = 10_000
    """Steps that one command may take before the instance is stopped with an incident."""
    command_duration: timedelta = timedelta(seconds=5)
    """Time that one command may take for its steps before the instance is stopped with an incident."""
    message_lifetime: timedelta = DAY
    """How long a thrown message waits for somebody to take it before an incident tells of it."""
    script_duration: timedelta = timedelta(seconds=1)
    script_memory_bytes: int = 64_000_000
    script_processes: int = 4
    session_lifetime: timedelta = 30 * DAY

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError naming the variable whose text does not fit."""
        found: dict[str, str | None] = {
            field.name: environment.get(f"PROCESSION_{field.name.upper()}") for field in fields(cls)
        }
        values: dict[str, Any] = {name: _value(name, text) for name, text in found.items() if text is not None}
        return cls(**values)


def _value(name: str, text: str) -> object:
    default = getattr(Settings(), name)
    try:
        return _READERS[type(default)](text)
    except ValueError as cause:
        raise ValueError(f"Expected PROCESSION_{name.upper()} to be a number, but it is {text!r}.") from cause


_READERS: dict[type, Callable[[str], object]] = {
    str: str,
    int: int,
    timedelta: lambda text: timedelta(seconds=float(text)),
    tuple: lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}
