"""What a (sub-)process remembers of what has completed in it, to compensate it.

The latest records are in the snapshot. Older ones are put away in rows of a scope of their own, which are read when
something is compensated or the (sub-)process is over: what happens after 100,000 rounds costs what it cost at first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from engine.bpmn.variables import Scopes
from engine.model import Json

Record = dict[str, Json]
"""See engine/bpmn/elements/compensation.py."""
MOST = 50
"""Records that stay in the snapshot, with those inside of them."""


class Memory:
    def __init__(self, scopes: Scopes, told: Mapping[str, Any] | None = None) -> None:
        """told: as json gives it."""
        known = told or {}
        self._scopes = scopes
        self._latest: list[Record] = known.get("compensable", [])
        self._scope: str | None = known.get("put away in")
        self._portions: int = known.get("portions", 0)

    def json(self) -> dict[str, Any]:
        """Only what there is."""
        away = {"put away in": self._scope, "portions": self._portions} if self._portions else {}
        return {**({"compensable": self._latest} if self._latest else {}), **away}

    def __bool__(self) -> bool:
        return bool(self._latest or self._portions)

    def add(self, record: Record) -> None:
        self._latest.append(record)

    def take(self) -> list[Record]:
        """All of it; it is remembered no longer."""
        found = self._read() + self._latest
        if self._scope is not None:
            self._scopes.drop(self._scope)
        self._latest, self._scope, self._portions = [], None, 0
        return found

    def keep(self, records: Sequence[Record]) -> None:
        """Remember these, too: they completed later."""
        self._latest += records

    def put_away(self) -> None:
        """At the end of a command: what is too much for the snapshot."""
        if sum(map(_size, self._latest)) <= MOST:
            return
        scope = self._scope or f"#{uuid4().hex[1:]}"
        with suppress(TypeError):  # too much for a row: it stays
            self._scopes.set(scope, f"#records{self._portions}", self._latest)
            self._latest, self._scope, self._portions = [], scope, self._portions + 1

    def _read(self) -> list[Record]:
        names = [f"#records{number}" for number in range(self._portions)]
        portions = self._scopes.internal(self._scope, *names) if self._scope else []
        return [record for portion in portions if isinstance(portion, list) for record in portion]


def _size(record: Record) -> int:
    size, todo = 0, [record]
    while todo:
        size += 1
        todo += todo.pop()["inside"]
    return size
