"""An endpoint: where it is asked, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from processes.demo_services.ledger import Books, Reply

Asked = Mapping[str, Any]
"""The JSON of the request, and the parts of its path."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What changes something does so once for each key."""

    name: str
    """Of its switches."""
    rule: str
    """Method and path, such as POST /payments/charges."""
    work: Callable[[Books, Asked], Reply]

    @property
    def method(self) -> str:
        return self.rule.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.rule.partition(" ")[2]


def refused(status: int, reason: str) -> Reply:
    """An answer that will be the same however often it is asked for."""
    return Reply(status, {"reason": reason})


def text(asked: Asked, name: str) -> str:
    return str(asked.get(name) or "")


def number(asked: Asked, name: str) -> float:
    try:
        return float(asked.get(name) or 0)
    except (TypeError, ValueError):
        return 0
