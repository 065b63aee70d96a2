"""Settings: read once from the environment (PROCESSION_*), then passed around as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.observe.logs import FORMATS
from engine.retry import Retry

DAY = timedelta(days=1)
_RANGES = {"retry_factor": (1, 1_000), "retry_jitter": (0, 1), "metrics_port": (0, 65_535)}
_SECURITIES = ("none", "starttls", "tls")


@dataclass(frozen=True, slots=True)
class Settings:
    """Each setting is also an environment variable: PROCESSION_ and its name in capitals; durations in seconds."""

    database_url: str = "sqlite:///procession.db"
    secret_key: str = ""
    """Signs browser sessions; empty: kept in a file beside the SQLite database. PostgreSQL needs one."""
    time_zone: str = "UTC"
    """For dates in diagrams that name no zone."""
    services: tuple[str, ...] = ()
    """Python modules that register services when imported; comma-separated in the environment."""
    worker_threads: int = 4
    service_threads: int = 4
    """Calls of services at one time, on threads of their own: slow ones hold up neither timers nor messages."""
    http_threads: int = 8
    """Calls of services by HTTP at one time, on threads of their own."""
    http_hosts: tuple[str, ...] = ()
    """Hosts that diagrams may call, beside the services that administrators have set up; `*.example.com` is allowed."""
    http_private: tuple[str, ...] = ()
    """Networks of ours that may be called, such as 10.0.0.0/8: without them only public addresses are."""
    http_ca_file: str = ""
    """Certificates of authorities to trust, instead of those that the system trusts."""
    http_answer_bytes: int = 1_000_000
    """Of one answer."""
    smtp_host: str = ""
    """The server that takes our mail; empty: none is sent."""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    """none, starttls or tls."""
    smtp_ca_file: str = ""
    """Certificates of authorities to trust, instead of those that the system trusts."""
    smtp_user: str = ""
    """Who signs in there; empty: nobody."""
    smtp_password: str = field(default="", repr=False)
    smtp_secret: str = ""
    """The name of the secret that is the password, instead of one in the environment."""
    smtp_from: str = ""
    """Who mail comes from, such as Orders <orders@example.com>."""
    mail_threads: int = 2
    """Mails sent at one time, on threads of their own."""
    mail_recipients: int = 100
    """Of one mail."""
    mail_bytes: int = 10_000_000
    """Of one mail, with its attachments as they are sent."""
    public_url: str = ""
    """Where services find this installation, to tell the outcome of a call later."""
    service_duration: timedelta = timedelta(minutes=1)
    """Time that a service may take to answer before its try has failed."""
    retry_tries: int = 3
    """How often a call is tried, unless its task says more."""
    retry_delay: timedelta = timedelta(seconds=2)
    """Before the second try."""
    retry_factor: float = 2.0
    """By which each pause is longer than the one before."""
    retry_longest: timedelta = timedelta(hours=1)
    """The pause beyond which none grows."""
    retry_jitter: float = 0.5
    """The part of a pause that chance may take away."""
    circuit_failures: int = 5
    """Calls of a service that fail one after the other before it is called no more for a while."""
    circuit_pause: timedelta = timedelta(seconds=30)
    """After which one call tries whether it works again; each time it does not, the next pause is twice as long."""
    circuit_longest: timedelta = timedelta(minutes=10)
    """The pause beyond which none grows."""
    broker_url: str = ""
    """Of Redis or RabbitMQ, which carry references of jobs to Celery's workers; empty: threads here run jobs."""
    poll_interval: timedelta = timedelta(seconds=0.5)
    lease: timedelta = timedelta(seconds=30)
    max_steps: int = 10_000
    """Steps that one command may take before the instance is stopped with an incident."""
    command_duration: timedelta = timedelta(seconds=5)
    """Time that one command may take for its steps before the instance is stopped with an incident."""
    message_lifetime: timedelta = DAY
    """How long a thrown message waits for somebody to take it before an incident tells of it."""
    receipt_lifetime: timedelta = 30 * DAY
    """How long a message from outside is known by its id, so that it is taken once."""
    webhook_window: timedelta = timedelta(minutes=5)
    """How far the moment at which a delivery was signed may lie from now."""
    script_duration: timedelta = timedelta(seconds=1)
    script_memory_bytes: int = 64_000_000
    script_processes: int = 4
    session_lifetime: timedelta = 30 * DAY
    log_format: str = "text"
    """Or json: an object on each line."""
    metrics_token: str = ""
    """That who asks for metrics has to show; empty: nobody has to."""
    metrics_port: int = 0
    """Where `procession worker` serves metrics and probes; 0: it does not."""
    metrics_host: str = "0.0.0.0"
    """The address for that; every network, because whoever asks is outside the worker's container."""

    def __post_init__(self) -> None:
        """Raises ValueError naming the variable that makes no sense."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name not in _RANGES and isinstance(value, int | timedelta) and _number(value) <= 0:
                raise ValueError(f"Expected {_variable(each.name)} to be more than 0, but it is {_number(value)}.")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"Expected {_variable(name)} to be from {least} to {most}, but it is {value}.")
        if self.log_format not in FORMATS:
            wanted = f"Expected {_variable('log_format')} to be {' or '.join(FORMATS)}"
            raise ValueError(f"{wanted}, but it is {self.log_format!r}.")
        if self.smtp_security not in _SECURITIES:
            wanted = f"Expected {_variable('smtp_security')} to be one of {', '.join(_SECURITIES)}"
            raise ValueError(f"{wanted}, but it is {self.smtp_security!r}.")
        if not _is_zone(self.time_zone):
            wanted = f"Expected {_variable('time_zone')} to be a time zone such as Europe/Lisbon"
            raise ValueError(f"{wanted}, but it is {self.time_zone!r}.")

    @property
    def retry(self) -> Retry:
        """How what has failed is tried again where nothing else is said."""
        return Retry(
            tries=self.retry_tries,
            delay=self.retry_delay.total_seconds(),
            factor=self.retry_factor,
            longest=self.retry_longest.total_seconds(),
            jitter=self.retry_jitter,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError naming the variable whose text does not fit."""
        found = {each.name: environment.get(_variable(each.name)) for each in fields(cls)}
        values: dict[str, Any] = {name: _value(name, text) for name, text in found.items() if text is not None}
        return cls(**values)


def _value(name: str, text: str) -> object:
    default = getattr(Settings(), name)
    try:
        return _READERS[type(default)](text)
    except (ValueError, OverflowError) as cause:
        raise ValueError(f"Expected {_variable(name)} to be a number, but it is {text!r}.") from cause


def _variable(name: str) -> str:
    return f"PROCESSION_{name.upper()}"


def _number(value: int | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


_READERS: dict[type, Callable[[str], object]] = {
    str: str,
    int: int,
    float: float,
    timedelta: lambda text: timedelta(seconds=float(text)),
    tuple: lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}
