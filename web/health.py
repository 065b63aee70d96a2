"""Whether the process lives, and whether it can do its work; for machines, without signing in."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from web.context import NOBODY, engine

bp = Blueprint("health", __name__, url_prefix="/health")


@bp.get("/live")
def live() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="live")


@bp.get("/ready")
def ready() -> ResponseReturnValue:
    """The database answers and has our tables."""
    try:
        with engine().reading(NOBODY) as tx:
            tx.session.execute(text("SELECT 1 FROM instance LIMIT 1"))
    except SQLAlchemyError:
        return jsonify(status="not ready", reason="the database does not answer, or is not migrated"), 503
    return jsonify(status="ready")
