"""Whether the process lives, whether it can do its work, and its metrics; for machines, without signing in."""

from __future__ import annotations

from flask import Blueprint, Response, request

from engine.observe import probes
from web.context import engine

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    return _answer(probes.healthz)


@bp.get("/readyz")
def readyz() -> Response:
    return _answer(probes.readyz)


@bp.get("/metrics")
def metrics() -> Response:
    return _answer(probes.metrics_of)


def _answer(probe: probes.Probe) -> Response:
    told = probe(engine(), request.headers.get("Authorization", ""))
    return Response(told.content, told.status, dict(told.headers))
