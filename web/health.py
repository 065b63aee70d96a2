"""Whether the process lives, and whether it can do its work; for machines, without signing in."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from engine import Conflict
from web.context import engine

bp = Blueprint("health", __name__, url_prefix="/health")


@bp.get("/live")
def live() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="live")


@bp.get("/ready")
def ready() -> ResponseReturnValue:
    """The database answers and has this program's tables."""
    try:
        engine().require_current()
    except (SQLAlchemyError, Conflict) as cause:
        reason = str(cause) if isinstance(cause, Conflict) else "The database does not answer."
        return jsonify(status="not ready", reason=reason), 503
    return jsonify(status="ready")
