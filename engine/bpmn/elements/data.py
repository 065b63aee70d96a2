"""Data associations: what they bring into an activity or event, and take out of it. Source: BPMN 2.0.2, 10.4.2.

A value is there as soon as it is asked for: what was never set is None, so that no activity waits for its input set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.bpmn.elements.flow_node import Token, set_local, storable
from engine.bpmn.script import names
from engine.bpmn.variables import MISSING
from engine.errors import ElementFailed
from engine.model import Json


class Home(StrEnum):
    """Where a value is kept, as seen from the activity or event."""

    OWN = "own"
    OUTSIDE = "outside"  # in the process, or in a sub-process around
    STORE = "store"  # in a data store, beyond the instance


@dataclass(frozen=True, slots=True)
class Item:
    """One end of an association."""

    name: str
    """By which expressions read it."""
    home: Home
    store: str = ""
    """The data store's name in the database."""
    capacity: int | None = None
    """Entries that the data store may hold; None: any number."""


@dataclass(frozen=True, slots=True)
class Move:
    """A value, and where in the target it goes."""

    source: str | None
    """Python source; None: the value of the only source as it is."""
    path: tuple[str, ...] = ()
    """Keys of dicts in one another; empty: it replaces the whole target."""


@dataclass(frozen=True, slots=True)
class Association:
    sources: tuple[Item, ...]
    target: Item
    moves: tuple[Move, ...]

    @property
    def read(self) -> frozenset[str]:
        """The variables that it reads, wherever they are."""
        texts = (names(move.source).read for move in self.moves if move.source is not None)
        stored = {item.name for item in self.sources if item.home is Home.STORE}
        return frozenset(item.name for item in self.sources).union(*texts) - stored


@dataclass(frozen=True, slots=True)
class Data:
    """The data of one activity or event."""

    unset: tuple[str, ...] = ()
    """Its own names that begin as None: properties, data outputs, and the data objects inside a sub-process."""
    inputs: tuple[Association, ...] = ()
    outputs: tuple[Association, ...] = ()

    @property
    def own(self) -> list[str]:
        """Every name of the activity's own."""
        return [*self.unset, *(association.target.name for association in self.inputs)]

    def brought(self, token: Token, known: Mapping[str, Json]) -> dict[str, Json]:
        """The activity's own names as it begins. known: values that some of them have already."""
        begun: dict[str, Json] = {name: known.get(name) for name in self.unset}
        return begun | brought(token, self.inputs)

    def made(self, local: Mapping[str, Json]) -> dict[str, Json]:
        """Of the activity's own names those that its inputs made."""
        unmade = set(self.unset) - {association.target.name for association in self.inputs}
        return {name: value for name, value in local.items() if name not in unmade}

    def give(self, token: Token) -> None:
        """As the activity completes. Raises ElementFailed, ScriptFailed."""
        for association in self.outputs:
            give(token, association)


def brought(token: Token, associations: Iterable[Association]) -> dict[str, Json]:
    """The values of data inputs by name, as the token sees their sources."""
    made: dict[str, Json] = {}
    for association in associations:
        name = association.target.name
        for move in association.moves:
            made[name] = _placed(token, made.get(name), move.path, _value(token, association, move))
    return made


def give(token: Token, association: Association, made: Mapping[str, Json] | None = None) -> None:
    """Write what an association takes out. made: values that are no variables, by name."""
    target = association.target
    for move in association.moves:
        value = _value(token, association, move, made or {})
        whole = _read(token, target, {}) if move.path else None
        _write(token, target, _placed(token, whole, move.path, value))


# ---- reading -------------------------------------------------------------------------------------------------------


def _value(token: Token, association: Association, move: Move, made: Mapping[str, Json] | None = None) -> Json:
    workflow, made = token.workflow.top_workflow, made or {}
    if move.source is None:
        return _read(token, association.sources[0], made)
    read = names(move.source).read
    known = {item.name: _read(token, item, made) for item in association.sources if item.name in read}
    return workflow.evaluate(token, move.source, known)


def _read(token: Token, item: Item, made: Mapping[str, Json]) -> Json:
    workflow = token.workflow.top_workflow
    if item.home is Home.STORE:
        return workflow.in_store(item.store)
    if item.name in made:
        return made[item.name]
    find = workflow.scopes.find if item.home is Home.OWN else workflow.scopes.find_outside
    found = find(token, item.name)
    return None if found is MISSING else found


# ---- writing -------------------------------------------------------------------------------------------------------


def _placed(token: Token, whole: Json, path: tuple[str, ...], value: Json) -> Json:
    """The whole with the value at the end of the path; all else in it as it was. Dicts on the way are made."""
    if not path:
        return value
    if whole is not None and not isinstance(whole, dict):
        message = f'Expected a dict to set "{path[0]}" in, but it is {whole!r:.100}.'
        raise ElementFailed(token.task_spec.bpmn_id, message)
    held = whole or {}
    return {**held, path[0]: _placed(token, held.get(path[0]), path[1:], value)}


def _write(token: Token, target: Item, value: Json) -> None:
    scopes = token.workflow.top_workflow.scopes
    if target.home is Home.OWN:
        set_local(token, target.name, value)
    elif target.home is Home.OUTSIDE:
        storable(token, target.name, lambda: scopes.write_outside(token, target.name, value))
    else:
        _require_capacity(token, target, value)
        token.workflow.top_workflow.in_store(target.store)
        storable(token, target.store, lambda: scopes.put_in_store(target.store, value))


def _require_capacity(token: Token, target: Item, value: Json) -> None:
    """Source: BPMN 2.0.2, 10.4.1 Data Store."""
    held = len(value) if isinstance(value, list | tuple | dict) else 0
    if target.capacity is not None and held > target.capacity:
        message = f'Expected at most {target.capacity:,} entries in the data store "{target.store}", but there would be'
        raise ElementFailed(token.task_spec.bpmn_id, f"{message} {held:,}. Take some out, then retry.")
