"""What machines ask: does the process live, can it work, and its metrics. Here without Flask, for web and worker."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, Metric, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import Conflict
from engine.observe import gauges, metrics
from engine.worker import Engine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """To a request of HTTP."""

    status: HTTPStatus
    content: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def healthz(_engine: Engine, _authorization: str) -> Answer:
    """The process answers."""
    return Answer(HTTPStatus.OK, orjson.dumps({"status": "live"}))


def readyz(engine: Engine, _authorization: str) -> Answer:
    """The database answers and has this program's tables."""
    try:
        engine.require_current()
    except (SQLAlchemyError, Conflict) as cause:
        reason = str(cause) if isinstance(cause, Conflict) else "The database does not answer."
        told = {"status": "not ready", "reason": reason}
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, orjson.dumps(told))
    return Answer(HTTPStatus.OK, orjson.dumps({"status": "ready"}))


def metrics_of(engine: Engine, authorization: str) -> Answer:
    """All metrics in Prometheus' text format; for who shows the token when the settings name one."""
    token = engine.settings.metrics_token
    if token and not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        refused = {"WWW-Authenticate": 'Bearer realm="metrics"', "Content-Type": "text/plain"}
        return Answer(HTTPStatus.UNAUTHORIZED, b"Expected the token of PROCESSION_METRICS_TOKEN.\n", refused)
    return Answer(HTTPStatus.OK, generate_latest(_All(engine)), {"Content-Type": CONTENT_TYPE_LATEST})


@dataclass(frozen=True, slots=True)
class _All:
    """A registry of what this process counts and what its database holds."""

    engine: Engine

    def collect(self) -> Iterator[Metric]:
        yield from metrics.REGISTRY.collect()
        yield from gauges.collect(self.engine)


Probe = Callable[[Engine, str], Answer]
"""Takes the Authorization header, empty when there is none."""
PROBES: Mapping[str, Probe] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics_of}
"""By path."""


# ---- for a worker, which has no other server -----------------------------------------------------------------------


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Requests(WSGIRequestHandler):
    timeout = 10
    """Seconds; who says nothing for so long is left."""

    def log_message(self, format: str, *args: Any) -> None:
        """A line for each probe says nothing."""


@contextmanager
def beside(engine: Engine) -> Iterator[None]:
    """Answer probes meanwhile where the settings name a port."""
    settings = engine.settings
    if settings.metrics_port == 0:
        yield
        return
    with serving(engine, settings.metrics_host, settings.metrics_port):
        yield


@contextmanager
def serving(engine: Engine, host: str, port: int) -> Iterator[int]:
    """Answer probes meanwhile; gives the port (0: any that is free). Raises Conflict when it is taken."""
    try:
        server = make_server(host, port, application(engine), _Server, _Requests)
    except OSError as cause:
        raise Conflict(f"Expected {host}:{port} to be free for metrics, but: {cause.strerror}.") from cause
    thread = Thread(target=server.serve_forever, args=(0.1,), name="probes", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def application(engine: Engine) -> WSGIApplication:
    """The probes as WSGI."""

    def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        probe = PROBES.get(environment["PATH_INFO"])
        if probe is None:
            told = Answer(HTTPStatus.NOT_FOUND, b'{"status":"not found"}')
        else:
            told = probe(engine, environment.get("HTTP_AUTHORIZATION", ""))
        start(f"{told.status.value} {told.status.phrase}", list(told.headers.items()))
        return [told.content]

    return answer
