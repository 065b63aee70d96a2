"""The words of webhooks: schemes of signatures, what becomes of a delivery, and the values that pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from engine.model import Json


class Scheme(StrEnum):
    """How a delivery is signed."""

    GITHUB = "github"
    STRIPE = "stripe"
    SLACK = "slack"
    STANDARD = "standard"  # https://www.standardwebhooks.com
    PLAIN = "plain"  # ours: a timestamp and the body


class Target(StrEnum):
    """What a delivery becomes."""

    MESSAGE = "message"
    SIGNAL = "signal"


class Outcome(StrEnum):
    """What came of a delivery."""

    TAKEN = "taken"
    REPEATED = "repeated"  # one of its id was taken before
    KEPT = "kept"  # nobody waits yet
    PASSED_OVER = "passed over"  # its condition does not hold
    UNAWAITED = "unawaited"  # nobody waits, and it is not kept
    AMBIGUOUS = "ambiguous"  # several wait
    UNREADABLE = "unreadable"
    UNPROVEN = "unproven"  # the signature is wrong, or its time is


@dataclass(frozen=True, slots=True)
class Expressions:
    """How the parts of a message are read from body and headers; "" where it has no such part."""

    condition: str = ""
    """Deliveries for which it does not hold are passed over."""
    business_key: str = ""
    correlation_key: str = ""
    message_id: str = ""
    """"": what the scheme has signed as id, else the signature itself."""
    variables: str = ""
    """A script; what it assigns is given to the process."""


@dataclass(frozen=True, slots=True)
class Webhook:
    name: str
    target: Target = Target.MESSAGE
    target_name: str = ""
    """Of the message or signal."""
    scheme: Scheme = Scheme.STANDARD
    secret: str = ""
    """The name of the secret that signs."""
    expressions: Expressions = Expressions()
    lifetime: timedelta | None = None
    """How long a message waits for somebody when nobody does; None: not at all."""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Parts:
    """What was read from a delivery."""

    business_key: str | None = None
    correlation_key: str | None = None
    message_id: str | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came, and what came of it."""

    at: datetime
    outcome: Outcome
    message: str = ""
    """Why, where that is not plain."""
    instance_id: int | None = None
    """Who took it."""
    message_id: str | None = None
