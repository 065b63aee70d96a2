"""What happened while a command ran, in order: handed to history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.bpmn.elements.flow_node import Element
from engine.model import Json
from engine.model.processes import Outcome


@dataclass(frozen=True, slots=True)
class Entered:
    token: str
    element: Element
    flow: str | None


@dataclass(frozen=True, slots=True)
class Left:
    token: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Logged:
    element: str
    text: str


@dataclass(frozen=True, slots=True)
class Thrown:
    """Something for the world outside this instance."""

    kind: str
    name: str
    payload: Mapping[str, Json]
    keys: Sequence[str] = ()
    """Of a message: for whom it is."""


Fact = Entered | Left | Logged | Thrown
