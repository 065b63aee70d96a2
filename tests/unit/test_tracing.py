"""Traces are sent when the extra is there and somebody takes them; otherwise nothing is done, and nothing fails."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from engine.observe import otel, tracing, watch
from tests.spans import Traced, tracing_in_memory

SOMEWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
CAUSE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture
def traced() -> Iterator[Traced]:
    with tracing_in_memory() as traced:
        yield traced


def test_without_an_endpoint_nothing_is_traced() -> None:
    assert not tracing.set_up({})

    with tracing.span("request", {"instance": 1}), watch.call("charge"):
        tracing.note(steps=1)
        tracing.fail("down")
        assert (tracing.headers(), tracing.carried(), tracing.trace_id()) == ({}, {}, None)


def test_without_the_extra_it_is_told_that_none_are_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "engine.observe.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with caplog.at_level(logging.WARNING):
        assert not tracing.set_up(SOMEWHERE)

    assert caplog.messages == ["no traces are sent: do pip install 'procession[otel]'"]
    assert tracing.headers() == {}


def test_the_program_does_not_load_what_it_does_not_use() -> None:
    look = "import sys, web.cli; print([name for name in sys.modules if name.startswith('opentelemetry')])"

    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_headers_are_those_of_the_span_around(traced: Traced) -> None:
    assert tracing.headers() == {}

    with tracing.span("request", {}):
        told = tracing.headers()["traceparent"]

    assert told == traced.header("request")


def test_a_span_goes_on_with_the_trace_of_who_caused_it(traced: Traced) -> None:
    with tracing.span("request", {}, kind="server", after=CAUSE):
        assert tracing.trace_id() == "0af7651916cd43dd8448eb211c80319c"

    parent = traced.span("request").parent
    assert parent is not None
    assert f"{parent.span_id:016x}" == "b7ad6b7169203331"


@pytest.mark.parametrize("sent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_header_that_says_nothing_begins_a_trace(traced: Traced, sent: str) -> None:
    with tracing.span("request", {}, after={"traceparent": sent}):
        pass

    assert traced.span("request").parent is None


def test_what_fails_is_marked_with_its_reason(traced: Traced) -> None:
    with tracing.span("job service", {"instance": 1, "http.route": "/", "element": None}):
        tracing.note(steps=3)
        tracing.fail("no answer")

    span = traced.span("job service")
    assert span.attributes == {"procession.instance": 1, "http.route": "/", "procession.steps": 3}
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "no answer")


def test_spans_go_to_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with _Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        spans = otel.exporting()
        with spans.span("request", "server", None, {"instance": 4711}):
            pass
        spans.provider.shutdown()

    path, sent = collector.received.get(timeout=1)
    assert path == "/v1/traces"
    assert b"procession.instance" in sent
    assert b"service.name" in sent


class _Collector:
    """Who takes traces, on a free port."""

    def __init__(self) -> None:
        self.received: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        received = self.received

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Requests)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> _Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
