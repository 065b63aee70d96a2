"""Tells log, metrics and traces what is being done: a try of a job, a call of a service, a command on an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter

from engine.observe import logs, metrics, tracing

UNKNOWN = "unknown"
"""The kind of a job that was gone before anybody looked at it."""


@dataclass(slots=True)
class _Try:
    """One that goes on in this thread."""

    open: ExitStack
    """What ends with it."""
    kind: str = UNKNOWN
    outcome: str = "dropped"


_try: ContextVar[_Try | None] = ContextVar("try", default=None)


@contextmanager
def a_try(job_id: int) -> Iterator[None]:
    """Around one try of a job, of which nothing but its id is known yet."""
    began = perf_counter()
    with logs.about(job=job_id), ExitStack() as stack:
        this = _Try(stack)
        token = _try.set(this)
        try:
            yield
        finally:
            _try.reset(token)
            metrics.TRIES.labels(this.kind, this.outcome).inc()
            metrics.TRY_SECONDS.labels(this.kind).observe(perf_counter() - began)


def job(kind: str, *, instance_id: int | None, element_id: str | None, payload: Mapping[str, object]) -> None:
    """The job that the try around is of. Its span goes on with the trace that the job was added in."""
    logs.note(instance=instance_id, element=element_id)
    this = _try.get()
    if this is None:
        return
    this.kind = kind
    keys = {**logs.in_hand(), "kind": kind}
    this.open.enter_context(tracing.span(f"job {kind}", keys, kind="consumer", after=tracing.cause(payload)))


def ended(outcome: str) -> None:
    """How the try around has ended; what is said last counts."""
    this = _try.get()
    if this is not None:
        this.outcome = outcome


def failed(outcome: str, reason: str) -> None:
    ended(outcome)
    tracing.fail(reason)


def told(kind: str, outcome: str, lasted: timedelta) -> None:
    """A try has ended so; it is counted here when it was made outside, with no try of ours around."""
    if _try.get() is not None:
        return
    metrics.TRIES.labels(kind, outcome).inc()
    metrics.TRY_SECONDS.labels(kind).observe(lasted.total_seconds())


@contextmanager
def call(topic: str) -> Iterator[None]:
    """Around a call of a service; headers for others are those of its span."""
    began = perf_counter()
    try:
        with tracing.span(f"call {topic}", {**logs.in_hand(), "topic": topic}, kind="client"):
            yield
    finally:
        metrics.CALL_SECONDS.labels(metrics.topic_label(topic)).observe(perf_counter() - began)


@contextmanager
def command(what: str, instance_id: int | None = None) -> Iterator[None]:
    """Around a command on one instance; of one that begins it, tell the instance as soon as it is known."""
    began = perf_counter()
    with logs.about(instance=instance_id), tracing.span(f"{what} instance", logs.in_hand()):
        try:
            yield
        finally:
            metrics.COMMAND_SECONDS.labels(what).observe(perf_counter() - began)


def instance(instance_id: int) -> None:
    """The instance that the command around has begun."""
    logs.note(instance=instance_id)
    tracing.note(instance=instance_id)


def stepped(steps: int) -> None:
    """The command around took so many steps."""
    metrics.STEPS.inc(steps)
    tracing.note(steps=steps)
