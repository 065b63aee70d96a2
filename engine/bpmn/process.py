"""A definition ready to run: the specification that every instance of one version shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.bpmn.elements.event_definition import Correlation, Definition
from engine.bpmn.elements.flow_node import Element
from engine.bpmn.forms import FormSource
from engine.bpmn.specification import ProcessSpec


@dataclass(frozen=True, slots=True)
class StartPoint:
    """What begins an instance by itself: a timer, message, signal or condition of the whole definition."""

    at: str
    """The event, or receive task; of an event with several triggers each has a name of its own."""
    definition: Definition
    node: str
    """Where the token is placed then: there, or at the event-based gateway before it."""
    needs_others: bool
    """Whether the instance needs other triggers, too: what the first has begun is where the others come to."""


@dataclass(frozen=True, slots=True)
class Process:
    """One executable process as drawn. Nothing changes it at run time."""

    key: str
    name: str
    documentation: str
    specs: Mapping[str, ProcessSpec]
    """The process's own specification under its key, and that of each sub-process."""
    elements: Mapping[str, Element]
    starts: tuple[StartPoint, ...]
    forms: Mapping[str, FormSource]
    """By id of the user task; the start form under the id of the plain start event."""
    is_global_task: bool
    """It is begun by call activities alone."""
    plain_starts: tuple[str, ...]
    """The start events without a trigger, as they are drawn."""
    initiators: Mapping[str, str]
    """Start event -> the variable that shall hold who started."""
    correlations: tuple[tuple[str, Correlation], ...]
    """Name of a message, and a key that it carries."""
    starter_users: tuple[str, ...]
    starter_groups: tuple[str, ...]
    version_tag: str | None

    def start_at(self, at: str | None) -> StartPoint | None:
        """What begins an instance by itself under such a name; None: nothing does."""
        return next((start for start in self.starts if start.at == at), None)

    def needs_others(self, at: str | None) -> bool:
        """Whether what begins an instance under such a name is one of several triggers that are all needed."""
        start = self.start_at(at)
        return start is not None and start.needs_others

    @property
    def start_event(self) -> str | None:
        """The plain one; of several the first."""
        return next(iter(self.plain_starts), None)

    @property
    def start_nodes(self) -> list[str]:
        """Where a token is placed when a person starts it; empty: it starts by itself only."""
        return self.specs[self.key].start_nodes
