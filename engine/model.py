"""The vocabulary: closed sets, their transitions, and the frozen values handed to callers."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Json = Any
"""What JSON can say, plus Decimal, date, datetime and bytes (which keep their type in a variable)."""


# ---- people --------------------------------------------------------------------------------------------------------


class Right(StrEnum):
    DEPLOY = "deploy"  # upload files, see definitions
    INSPECT = "inspect"  # see every instance, its data and history
    REPAIR = "repair"  # retry, cancel, reassign other people's tasks
    MESSAGE = "message"  # deliver messages and signals from outside
    START = "start"  # start any process, whoever may start it otherwise
    WORK = "work"  # do the work of service tasks from outside
    ACCOUNTS = "accounts"  # manage users and groups


class Role(StrEnum):
    APPROVER = "approver"
    ANALYST = "analyst"
    ADMIN = "admin"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.APPROVER: frozenset(),
    Role.ANALYST: frozenset({Right.DEPLOY, Right.INSPECT}),
    Role.ADMIN: frozenset(Right),
}
"""Everybody who is signed in works an inbox and starts what they may start; roles add to that."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person on whose behalf a call is made."""

    id: str
    groups: frozenset[str] = frozenset()
    rights: frozenset[Right] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", frozenset(self.groups))
        object.__setattr__(self, "rights", frozenset(self.rights))


SYSTEM = Actor("system", rights=frozenset(Right))
"""Who acts when a timer fires or a service answers."""


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    email: str
    is_active: bool
    roles: frozenset[Role]
    groups: frozenset[str]
    session_version: int
    """Grows with each password change; a login made under an older one has ended."""

    @property
    def actor(self) -> Actor:
        rights = frozenset[Right]().union(*(RIGHTS[role] for role in self.roles))
        return Actor(self.id, self.groups, rights)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Lets a program in; its secret is not kept."""

    name: str
    scopes: frozenset[Right]
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None


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


# ---- states --------------------------------------------------------------------------------------------------------


class InstanceStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    TERMINATED = "terminated"  # by a person or a terminate end event
    FAILED = "failed"  # an error end event that nobody caught


class TaskStatus(StrEnum):
    OPEN = "open"  # waits for a person, assigned or not
    COMPLETED = "completed"
    CANCELLED = "cancelled"  # the model went another way, or the instance ended


class Outcome(StrEnum):
    """How a visit to an element ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    MERGED = "merged"  # arrived at a join and went on as part of another token


# ---- what is wrong with an upload ----------------------------------------------------------------------------------


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in an uploaded file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and how to put it right."""

    rule: str
    message: str
    place: Place
    severity: Severity = Severity.ERROR
    element_type: str = ""
    element_name: str = ""
    element_id: str = ""
    fix: str = ""

    def __str__(self) -> str:
        named = f' "{self.element_name}"' if self.element_name else ""
        element = f" {self.element_type}{named} ({self.element_id}):" if self.element_id else ""
        fix = f" {self.fix}" if self.fix else ""
        where = f"{self.place.file}:{self.place.line}:{self.place.column}"
        return f"{where} {self.severity} [{self.rule}]{element} {self.message}{fix}"


# ---- forms ---------------------------------------------------------------------------------------------------------


class FieldKind(StrEnum):
    TEXT = "text"
    TEXTAREA = "textarea"
    INTEGER = "integer"
    NUMBER = "number"
    CHECKBOX = "checkbox"  # true or false
    CHOICE = "choice"  # one of the options
    LINES = "lines"  # a list of texts, one a line
    CHOICES = "choices"  # a list, each one of the options
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class Option:
    value: Json
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a form sets, with every rule the server checks."""

    key: str
    label: str
    kind: FieldKind
    required: bool = False
    readonly: bool = False
    default: Json = None
    options: tuple[Option, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    is_conditional: bool = False
    """Shown by a condition that only the browser evaluates: checked when present, never missed."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One way to complete a task: its label, and the values that pressing it sets."""

    label: str
    values: Mapping[str, Json] = field(default_factory=dict)
    is_enabled: bool = True
    """False: it cannot be pressed now, but may be later."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a person fills in: fields for the server's check, a form-js schema for the browser, and the buttons."""

    fields: tuple[Field, ...] = ()
    schema: Mapping[str, Json] = field(default_factory=dict)
    buttons: tuple[Button, ...] = ()
    question: str = ""
    """What the buttons answer, where they decide what is done next."""

    def defaults(self, given: Container[str]) -> dict[str, Json]:
        """Values of the fields that have one of their own, without the keys given."""
        own = (each for each in self.fields if not (each.readonly or each.is_conditional or each.default is None))
        return {each.key: each.default for each in own if each.key not in given}


# ---- rows as values ------------------------------------------------------------------------------------------------


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
class UserTask:
    id: int
    instance_id: int
    definition_id: int
    definition_name: str
    business_key: str | None
    element_id: str
    name: str
    status: TaskStatus
    assignee: str | None
    candidate_users: tuple[str, ...]
    candidate_groups: tuple[str, ...]
    priority: int
    due_at: datetime | None
    follow_up_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    completed_by: str | None


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How many open tasks wait; each number stops at the limit it was counted to."""

    mine: int
    groups: int
    overdue: int
    """Of mine, those past their due date."""


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


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A stretch of a list; total is None where counting would cost more than it tells."""

    rows: tuple[T, ...]
    total: int | None
    offset: int
    limit: int
    has_more: bool = False
    """Whether a further row was seen where nothing was counted."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> T:
        return self.rows[index]

    @property
    def has_next(self) -> bool:
        return self.has_more or (self.total is not None and self.offset + len(self.rows) < self.total)
