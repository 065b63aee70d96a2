"""One trace over a request, the commands it gives, the jobs these add, and the services that those call.

Nothing is traced, at the cost of a comparison, until set_up finds somebody to send traces to.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

log = logging.getLogger(__name__)

EXTRA = "opentelemetry"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Standard settings of OpenTelemetry; either says where traces go."""
PAYLOAD = "trace"
"""Under which a job carries the span that it was added in."""


HEADERS = ("traceparent", "tracestate")
"""By which a trace goes from one program to another: W3C Trace Context."""
Span = AbstractContextManager[None]


class Tracer(Protocol):
    """Who makes spans; see otel.py."""

    def span(self, name: str, kind: str, after: Mapping[str, str] | None, keys: Mapping[str, object]) -> Span: ...

    def note(self, keys: Mapping[str, object]) -> None: ...

    def fail(self, reason: str) -> None: ...

    def headers(self) -> dict[str, str]: ...

    def trace_id(self) -> str | None: ...


_tracer: Tracer | None = None
_NO_SPAN = nullcontext()


def set_up(environment: Mapping[str, str] = os.environ) -> bool:
    """Send traces where the environment says; without the extra it is told that none are sent."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return False
    try:
        otel = importlib.import_module("engine.observe.otel")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != EXTRA:
            raise
        log.warning("no traces are sent: do pip install 'procession[otel]'")
        return False
    use(otel.exporting())
    return True


def use(tracer: Tracer | None) -> None:
    """Make spans by this from now on; None: make none."""
    global _tracer
    _tracer = tracer


def span(
    name: str, keys: Mapping[str, object], *, kind: str = "internal", after: Mapping[str, str] | None = None
) -> Span:
    """A span around a block. kind: internal, server, client or consumer.

    after: HEADERS of the span that caused it; None: it was the one around, if any.
    """
    return _NO_SPAN if _tracer is None else _tracer.span(name, kind, after, keys)


def note(**keys: object) -> None:
    """Tell more of the span around."""
    if _tracer is not None:
        _tracer.note(keys)


def fail(reason: str) -> None:
    """The span around did not do what it was for."""
    if _tracer is not None:
        _tracer.fail(reason)


def headers() -> dict[str, str]:
    """HEADERS for a request to somebody else, who goes on with the trace; empty without one."""
    return {} if _tracer is None else _tracer.headers()


def carried() -> dict[str, str]:
    """What a job's payload takes along."""
    told = {} if _tracer is None else _tracer.headers()
    return {PAYLOAD: told["traceparent"]} if "traceparent" in told else {}


def cause(payload: Mapping[str, object]) -> dict[str, str] | None:
    """The headers in a job's payload."""
    return {"traceparent": str(payload[PAYLOAD])} if PAYLOAD in payload else None


def trace_id() -> str | None:
    """Of the span around, in hexadecimal."""
    return None if _tracer is None else _tracer.trace_id()
