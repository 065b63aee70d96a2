"""What is called, who serves it, how it is reached, and how the calls went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Secret:
    """What is told of a secret: never what it is."""

    name: str
    updated_at: datetime
    updated_by: str


class Auth(StrEnum):
    """How we prove to a service who we are."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    OAUTH2 = "oauth2"  # client credentials


@dataclass(frozen=True, slots=True)
class Service:
    """A service that administrators have set up."""

    name: str
    base_url: str
    auth: Auth = Auth.NONE
    user: str = ""
    """Of basic authentication; of OAuth 2.0 the client id."""
    secret: str = ""
    """Its name."""
    token_url: str = ""
    scope: str = ""
    most_at_once: int | None = None
    most_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """What calls wait for, and who serves it."""

    name: str
    waiting: int
    """Calls; counting stops at 10,000."""
    since: datetime | None
    """When the oldest of them was due; None: none waits."""
    workers: tuple[str, ...]
    """Those that have asked for work of late."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """A service that is down: it is not called but for a try now and then."""

    name: str
    opened_at: datetime
    probe_at: datetime | None
    """When one call tries it."""
    failures: int
    error: str
    waiting: int
    """Calls that wait for it; counting stops at 10,000."""


@dataclass(frozen=True, slots=True)
class ExternalTask:
    """A call of a service that workers outside may take: the work of one service task."""

    id: int
    topic: str
    instance_id: int
    definition_id: int
    definition_key: str
    business_key: str | None
    element_id: str
    token: str
    priority: int
    worker: str | None
    """Who has it, or had it last."""
    locked_until: datetime | None
    """None: nobody has it."""
    retries: int | None
    """Tries that are left; None: it has not failed yet. 0: it has for good."""
    error: str | None
    is_suspended: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call of a service that is not over; its job is one of several tries."""

    job_id: int
    element_id: str
    element_name: str
    token: str
    topic: str
    """Of an HTTP call: the service, or its host; of a mail: the mail server."""
    kind: str
    """service, http or mail"""
    tries: int
    """That have failed so far."""
    most_tries: int
    next_at: datetime | None
    """When it is tried, or its outcome asked for; None: it runs, or has failed for good."""
    parked_until: datetime | None
    """Its service is down; then one call tries it. None: it is called as usual."""
    taken_at: datetime | None
    """Since when a worker has it; None also when that is not known."""
    held_until: datetime | None
    """None: no worker has it."""
    worker: str | None
    """Who outside has it; None: a worker of ours, or nobody."""
    error: str | None
    """Of the last try."""
    awaited_until: datetime | None
    """The service has accepted it, and its outcome may come until then."""
    is_polled: bool
    """Whether we ask for that outcome; else the service tells it."""
    has_failed: bool
    """For good."""
    incident_id: int | None
    """The open one there."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A token that calls a service or has stopped, for who would let it go on by hand."""

    token: str
    element_id: str
    element_name: str
    message: str | None
    """Why it has stopped; None: it has not."""
    result_variable: str | None
    """What the answer of its service becomes; None: each value of it becomes a variable of its own."""
    codes: tuple[str, ...] = ()
    """Of the BPMN errors that are caught there, the nearest catcher first."""
    catches_any: bool = False
    """Whether one of any code is."""


class TryOutcome(StrEnum):
    ANSWERED = "answered"
    ACCEPTED = "accepted"  # the outcome comes later
    ERROR = "error"  # a BPMN error
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a call of a service."""

    id: int
    element_id: str
    number: int
    """From 1 on; trying again by hand begins anew."""
    began_at: datetime
    ended_at: datetime
    outcome: TryOutcome
    message: str | None
    """Why it failed; the code of a BPMN error."""
    again_at: datetime | None
    """When it is tried again."""
    request: str | None
    """What was sent, and what came back: their beginnings."""
    answer: str | None
    worker: str | None
    """Who made the call, where that was no worker of ours."""
