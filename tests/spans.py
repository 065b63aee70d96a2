"""The tests' hands on traces: spans are kept in memory instead of being sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from engine.observe import tracing
from engine.observe.otel import Spans


@dataclass(frozen=True)
class Traced:
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in the order in which they began."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def span(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def header(self, name: str) -> str:
        """By which others would go on after it."""
        of = self.span(name).context
        return f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}"

    def trace_ids(self) -> set[str]:
        return {f"{span.context.trace_id:032x}" for span in self.spans}

    def above(self, name: str) -> str | None:
        """The name of the span that caused it."""
        parent = self.span(name).parent
        return parent and next(
            (each.name for each in self.spans if each.context.span_id == parent.span_id), "elsewhere"
        )


@contextmanager
def tracing_in_memory() -> Iterator[Traced]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(Spans(provider))
    yield Traced(exporter)
    tracing.use(None)
