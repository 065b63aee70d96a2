"""Spans by OpenTelemetry: needs the extra `otel`. Only tracing.py asks for this module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


class Spans:
    """A tracing.Tracer."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("procession")

    @contextmanager
    def span(self, name: str, kind: str, after: Mapping[str, str] | None, keys: Mapping[str, object]) -> Iterator[None]:
        context = None if after is None else _W3C.extract(after)
        how = SpanKind[kind.upper()]
        with self._tracer.start_as_current_span(name, context, how, attributes=_attributes(keys)):
            yield

    def note(self, keys: Mapping[str, object]) -> None:
        trace.get_current_span().set_attributes(_attributes(keys))

    def fail(self, reason: str) -> None:
        trace.get_current_span().set_status(Status(StatusCode.ERROR, reason))

    def headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        _W3C.inject(found)
        return found

    def trace_id(self) -> str | None:
        around = trace.get_current_span().get_span_context()
        return trace.format_trace_id(around.trace_id) if around.is_valid else None


def _attributes(keys: Mapping[str, object]) -> dict[str, str | int | float]:
    """Names of OpenTelemetry's own conventions have a dot, ours get one."""
    return {
        key if "." in key else f"procession.{key}": value if isinstance(value, str | int | float) else str(value)
        for key, value in keys.items()
        if value is not None
    }


def exporting() -> Spans:
    """Spans that go to the endpoint in the environment, in batches; the rest goes when the program ends."""
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Spans(provider)


def _resource() -> Resource:
    """Called procession unless the environment has another name for it."""
    is_named = SERVICE_NAME in OTELResourceDetector().detect().attributes
    return Resource.create({} if is_named else {SERVICE_NAME: "procession"})
