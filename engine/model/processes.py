"""Processes, their instances, what these wait for, and what has happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model import Json
from engine.model.problems import Problem


class InstanceStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    TERMINATED = "terminated"  # by a person or a terminate end event
    FAILED = "failed"  # an error end event that nobody caught


class Outcome(StrEnum):
    """How a visit to an element ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    MERGED = "merged"  # arrived at a join and went on as part of another token


@dataclass(frozen=True, slots=True)
class Deployment:
    id: int
    created_at: datetime
    created_by: str
    definitions: tuple[Definition, ...]
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """One executable process at one version."""

    id: int
    key: str
    version: int
    name: str
    deployment_id: int
    created_at: datetime
    created_by: str
    file: str
    has_diagram: bool
    """Whether the file carries diagram information to draw."""


@dataclass(frozen=True, slots=True)
class DefinitionCounts:
    definition: Definition
    versions: int
    active: int
    incidents: int


@dataclass(frozen=True, slots=True)
class Instance:
    id: int
    definition_id: int
    definition_key: str
    definition_name: str
    definition_version: int
    business_key: str | None
    status: InstanceStatus
    error_code: str | None
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    incidents: int
    """Open incidents now."""
    caller_id: int | None = None
    """The instance whose call activity started it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Where an instance stands on its diagram, and the way it took."""

    elements: Mapping[str, str]
    """Element id -> active, incident, completed or cancelled."""
    counts: Mapping[str, int]
    """Element id -> tokens there now."""
    flows: tuple[str, ...]
    """Ids of the sequence flows that were taken."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A due time that waits; instance_id is None for a timer that starts instances."""

    job_id: int
    instance_id: int | None
    definition_id: int
    definition_name: str
    element_id: str
    element_name: str
    due_at: datetime
    is_cycle: bool
    """Whether it may fire again after that."""
    business_key: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A message, signal or condition that somebody waits for; instance_id is None for what starts instances."""

    kind: str
    """message, signal or condition"""
    name: str
    """Of a condition: its text."""
    key: str | None
    """The correlation key that a message must have, as people read it."""
    instance_id: int | None
    business_key: str | None
    definition_id: int
    definition_name: str
    element_id: str
    element_name: str


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message that nobody waited for yet."""

    id: int
    name: str
    business_key: str | None
    keys: tuple[str, ...]
    thrower_id: int | None
    """The instance that has thrown it; None: it came from outside."""
    kept_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Incident:
    """A stop that needs an administrator; instance_id is None for a start or broadcast that failed."""

    id: int
    instance_id: int | None
    definition_id: int | None
    definition_name: str
    element_id: str
    element_name: str
    message: str
    """Why it stopped last."""
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    token: str | None = None
    """What stopped; None: a job that no token can tell of."""
    retries: int = 0
    """Times that it was tried again, as long as it is open."""
    retried_at: datetime | None = None
    """The last time."""
    retried_by: str | None = None
    """Who has it tried again just now; None: nobody, it stands still."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One visit to an element."""

    id: int
    element_id: str
    element_name: str
    element_type: str
    entered_at: datetime
    left_at: datetime | None
    outcome: Outcome | None
    actor: str | None
    flow: str | None
    """Id of the sequence flow that the token came in by."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about the past, never changed."""

    id: int
    at: datetime
    actor: str
    kind: str
    element_id: str | None
    data: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value; scope is "" for the process, else names the activity instance that owns it."""

    scope: str
    element_id: str | None
    name: str
    value: Json


@dataclass(frozen=True, slots=True)
class DataStore:
    """A value that all instances share."""

    name: str
    value: Json
    version: int
    """How often it was written."""
    updated_at: datetime
    updated_by: str
