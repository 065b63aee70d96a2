"""Process variables in scopes (SpiffWorkflow's task.data stays empty).

A scope belongs to a token: a multi-instance body, one iteration, an activity with mappings; the key of the process's
own scope is "". Which scopes a token sees is derived from where it stands, never stored. Values are replaced, never
mutated.
Source: BPMN 2.0.2 (formal/2013-12-09), 10.5.7 Scopes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from engine import values
from engine.model import Json

if TYPE_CHECKING:
    from engine.bpmn.elements.flow_node import Token

PROCESS = ""
REMEMBERED = "#values"
"""The name, in a scope of its own, of all values as they were when an activity completed: a dict."""
STORES = "#stores"
"""The scope of the data stores that a command has read: kept by the database beyond the instance."""
LONGEST_NAME = 255
MOST_WRITTEN = 50_000_000
"""Characters of JSON that one command may write: they are kept in memory until its end, then in rows."""
Name = tuple[str, str]
"""(scope, name)"""


class ScopeKind(StrEnum):
    """What becomes of a write that is made inside a scope."""

    OPEN = "open"  # new names go on outward
    KEEPING = "keeping"  # new names stay, known ones are written where they live: iterations
    REMEMBERED = "remembered"  # as it was when an activity completed; writes go outward, and are seen here too
    CLOSED = "closed"  # nothing goes out but by mapping: activities with an output mapping


class Missing:
    """Stands for "there is no such name"; None is a value."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Written:
    """A variable was set; text is its value as JSON."""

    scope: str
    name: str
    text: str


class Rows(Protocol):
    """The variables of an instance where they are stored, as (scope, name, value)."""

    def of_scopes(self, scopes: Collection[str]) -> Iterable[tuple[str, str, Json]]:
        """All that are in these."""

    def of_names(self, scope: str, names: Collection[str]) -> Iterable[tuple[str, str, Json]]:
        """Those that there are."""


@dataclass(slots=True)
class Scopes:
    """The variables of one instance while a command runs, and what of them changed.

    A scope is read when its token is loaded; of one of our own bookkeeping each name when it is asked for.
    """

    rows: Rows | None = None
    known: dict[str, dict[str, Json]] = field(default_factory=lambda: {PROCESS: {}})
    stored: set[Name] = field(default_factory=set)
    """Names that have a row already."""
    written: list[Written] = field(default_factory=list)
    """Every change, in order."""
    opened: set[str] = field(default_factory=set)
    """Scopes that may have rows."""
    gone: set[Name] = field(default_factory=set)
    """Rows to delete."""
    ended: set[str] = field(default_factory=set)
    """Scopes to delete, with all their rows."""
    room: int = field(default_factory=lambda: MOST_WRITTEN)
    """Characters that may still be written."""
    declared: Mapping[str, Json] = field(default_factory=dict)
    """The data objects of the process, with what they hold until somebody sets them: no rows are needed for that."""
    _before: list[tuple[str, str, Json | Missing]] = field(default_factory=list)
    """(scope, name, value before) of each change since the last step began."""

    def begin_step(self) -> None:
        self._before.clear()

    def undo_step(self) -> None:
        """Take back every change since the step began."""
        for scope, name, value in reversed(self._before):
            names = self.known.setdefault(scope, {})
            names.pop(name, None)
            if value is not MISSING:
                names[name] = value
        del self.written[len(self.written) - len(self._before) :]
        self._before.clear()

    def open(self, scopes: Collection[str]) -> None:
        """Read these scopes."""
        self.opened.update(scopes)
        if self.rows is not None and scopes:
            self._take(self.rows.of_scopes(scopes))

    def _take(self, rows: Iterable[tuple[str, str, Json]]) -> None:
        for scope, name, value in rows:
            self.known.setdefault(scope, {})[name] = value
            self.stored.add((scope, name))

    def internal(self, scope: str, *names: str) -> list[Json | Missing]:
        """The values of names in a scope of our own bookkeeping."""
        known = self.known.get(scope, _EMPTY)
        wanted = [name for name in names if name not in known]
        if wanted and self.rows is not None:
            self.opened.add(scope)
            self._take(self.rows.of_names(scope, wanted))
        known = self.known.get(scope, _EMPTY)
        return [known.get(name, MISSING) for name in names]

    def find(self, token: Token | None, name: str) -> Json | Missing:
        """The value of a name as the token sees it (None: as the process sees it), looking outward."""
        return self._first(_stops(token), name)

    def find_outside(self, token: Token, name: str) -> Json | Missing:
        """The same past the token's own scope."""
        return self._first(_outside(token), name)

    def _first(self, stops: Iterable[_Stop], name: str) -> Json | Missing:
        for stop in stops:
            for names in (self._names(stop), stop.computed):
                if name in names:
                    return names[name]
        return self.declared.get(name, MISSING)

    def _names(self, stop: _Stop) -> Mapping[str, Json]:
        return self._remembered(stop.scope) if stop.kind is ScopeKind.REMEMBERED else self.known.get(stop.scope, _EMPTY)

    def _remembered(self, scope: str) -> dict[str, Json]:
        (found,) = self.internal(scope, REMEMBERED)
        return {} if isinstance(found, Missing) else found

    def some(self, token: Token | None, names: Iterable[str]) -> dict[str, Json]:
        """The values of those names that the token can see."""
        found = ((name, self.find(token, name)) for name in names)
        return {name: value for name, value in found if value is not MISSING}

    def visible(self, token: Token | None, *, with_counters: bool = True) -> dict[str, Json]:
        """Every value the token can see, inner names hiding outer ones."""
        result: dict[str, Json] = dict(self.declared) if with_counters else {}
        for stop in reversed(list(_stops(token))):
            counters = stop.computed if with_counters else _EMPTY
            result |= {**counters, **self._names(stop)}
        return {name: value for name, value in result.items() if not is_internal(name)}

    def write(self, token: Token | None, name: str, value: Json) -> None:
        """Set a name where it lives, else in the nearest scope that keeps new names. Raises TypeError."""
        self.set(self._home(_stops(token), _told(name)), name, value)
        for stop in _stops(token):
            if stop.kind is ScopeKind.REMEMBERED and name in self._remembered(stop.scope):
                self.set(stop.scope, REMEMBERED, {**self._remembered(stop.scope), name: value})

    def write_outside(self, token: Token, name: str, value: Json) -> None:
        """The same, but past the token's own scope: for output mappings and output collections."""
        self.set(self._home(_outside(token), _told(name)), name, value)

    def in_store(self, store: str, fetch: Callable[[str], Json] | None) -> Json:
        """The value of a data store, fetched when it is first asked for; None when nobody has written it."""
        held = self.known.setdefault(STORES, {})
        if store not in held:
            held[store] = None if fetch is None else fetch(store)
        return held[store]

    def put_in_store(self, store: str, value: Json) -> None:
        """Write a data store that was read before. Raises TypeError."""
        self.set(STORES, store, value)

    def _home(self, stops: Iterable[_Stop], name: str) -> str:
        """Where a name lives; a new one: the nearest scope that keeps new names."""
        keepers: list[str] = []
        for stop in stops:
            if stop.kind is ScopeKind.REMEMBERED:
                continue
            if name in self.known.get(stop.scope, _EMPTY) or (stop.scope == PROCESS and name in self.declared):
                return stop.scope
            if stop.kind is not ScopeKind.OPEN:
                keepers.append(stop.scope)
            if stop.kind is ScopeKind.CLOSED:
                break
        return keepers[0]

    def set(self, scope: str, name: str, value: Json) -> None:
        """Set a name in one scope. Raises TypeError for a value that no variable can hold, or when it gets too much."""
        text = values.dump(value)
        names = self.known.setdefault(scope, {})
        if name in names and values.dump(names[name]) == text:
            return
        self.spend(len(text))
        self._before.append((scope, name, names.get(name, MISSING)))
        names[name] = values.load(text) if isinstance(value, list | tuple | dict) else value
        self.written.append(Written(scope, name, text))

    def spend(self, characters: int) -> None:
        """Raises TypeError when a command would write more than it may."""
        if characters > self.room:
            raise TypeError(
                f"Expected at most {MOST_WRITTEN:,} characters to be written in one go, but there are more."
            )
        self.room -= characters

    def close(self, token: Token) -> None:
        """Forget the scope of a token that has gone."""
        self.drop(token.id.hex)

    def remove(self, scope: str, name: str) -> None:
        """Forget one name."""
        if self.known.get(scope, {}).pop(name, MISSING) is not MISSING and (scope, name) in self.stored:
            self.gone.add((scope, name))

    def drop(self, scope: str) -> None:
        """Forget a scope."""
        if scope in self.opened or is_internal(scope):
            self.ended.add(scope)
        self.known.pop(scope, None)


_EMPTY: dict[str, Json] = {}


def is_internal(name: str) -> bool:
    """Names, and scopes, of our own bookkeeping: stored like variables, shown to nobody."""
    return name.startswith("#")


def check(told: Mapping[str, Json]) -> None:
    """Raises TypeError for a name or value that no variable can have."""
    for name, value in told.items():
        _told(name)
        values.dump(value)


def _told(name: str) -> str:
    """A name that came from outside. Raises TypeError for one that no row can hold, and for those of ours."""
    if not isinstance(name, str) or not name or is_internal(name):
        raise TypeError(f"Expected the name of a variable, but it is {name!r}.")
    return values.fitting(name, LONGEST_NAME, "a variable's name")


class _Stop(NamedTuple):
    """One scope on the way outward."""

    scope: str
    kind: ScopeKind
    computed: Mapping[str, Json]
    """Read-only names: the counters of loops."""


def _stops(token: Token | None) -> Iterator[_Stop]:
    """The scopes a token sees, innermost first; the process's own is the last."""
    while token is not None:
        kind = token.internal_data.get("scope")
        if kind is not None:
            yield _Stop(token.id.hex, ScopeKind(kind), token.internal_data.get("counters", _EMPTY))
        if "remembers" in token.internal_data:
            yield _Stop(token.internal_data["remembers"], ScopeKind.REMEMBERED, _EMPTY)
        token = _outer(token)
    yield _Stop(PROCESS, ScopeKind.KEEPING, _EMPTY)


def _outside(token: Token) -> Iterator[_Stop]:
    """The same past the token's own scope."""
    return (stop for stop in _stops(token) if stop.scope != token.id.hex)


def _outer(token: Token) -> Token | None:
    """The token around this one: the body of its loop, else the sub-process activity it is in."""
    around: Token | None = token.parent if token.triggered else None
    return token.workflow.holder if around is None else around
