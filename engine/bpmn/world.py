"""What a command lends to the instance that it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from engine.bpmn.script import Evaluator
from engine.model import Json


@dataclass(slots=True)
class World:
    """Sandbox, moment, time zone, data stores, and who is outside."""

    evaluator: Evaluator
    now: datetime
    zone: tzinfo
    fetch: Callable[[str], Json] | None = None
    """Reads a data store by its name, and keeps others from it until the command has ended."""
    is_caught_outside: Callable[[str], bool] | None = None
    """Whether a BPMN error of this code would be caught by who called the instance; None: nobody did."""
