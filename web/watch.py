"""A span around each request, which goes on with the trace of who sent it; and what the log tells of it."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, Response, g, request

from engine.observe import logs, tracing

QUIET = frozenset({"health", "static"})
"""Asked for again and again, and never why anybody looks at a trace: blueprints and endpoints."""
SECRET = frozenset({"callbacks"})
"""Blueprints whose addresses are proofs themselves: whoever reads a trace must not be able to use one."""


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def _begin() -> None:
    g.watched = watched = ExitStack()
    watched.enter_context(logs.about())
    if not QUIET & {request.endpoint, request.blueprint}:
        watched.enter_context(_span())


def _span() -> tracing.Span:
    """Named by the rule of the address, never by the address itself: names are few."""
    rule = request.url_rule.rule if request.url_rule else "(no such page)"
    path = rule if request.blueprint in SECRET else request.path
    keys = {"http.request.method": request.method, "http.route": rule, "url.path": path}
    sent = {name: request.headers[name] for name in tracing.HEADERS if name in request.headers}
    return tracing.span(f"{request.method} {rule}", keys, kind="server", after=sent or None)


def _tell(response: Response) -> Response:
    tracing.note(**{"http.response.status_code": response.status_code})
    if response.status_code >= 500:
        tracing.fail(response.status)
    return response


def _end(_error: BaseException | None) -> None:
    watched: ExitStack | None = g.pop("watched", None)
    if watched is not None:
        watched.close()
