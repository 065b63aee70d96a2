"""The variables of an instance kept in memory, as the database keeps them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.bpmn.variables import STORES, Scopes
from engine.model import Json


class Stored:
    def __init__(self, rows: Iterable[tuple[str, str, Json]] = ()) -> None:
        self.rows = {(scope, name): value for scope, name, value in rows}

    def of_scopes(self, scopes: Collection[str]) -> Iterator[tuple[str, str, Json]]:
        return ((scope, name, value) for (scope, name), value in list(self.rows.items()) if scope in scopes)

    def of_names(self, scope: str, names: Collection[str]) -> Iterator[tuple[str, str, Json]]:
        return ((scope, name, self.rows[scope, name]) for name in names if (scope, name) in self.rows)

    def keep(self, scopes: Scopes) -> None:
        """What a command changed."""
        for scope, name in [(each.scope, each.name) for each in scopes.written]:
            if name in scopes.known.get(scope, {}):
                self.rows[scope, name] = scopes.known[scope][name]
        gone = [at for at in self.rows if at in scopes.gone or at[0] in scopes.ended]
        for at in gone:
            del self.rows[at]

    def fetch(self, store: str) -> Json:
        return self.rows.get((STORES, store))

    @property
    def scopes(self) -> set[str]:
        return {scope for scope, _ in self.rows} - {STORES}
