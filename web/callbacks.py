"""Where services tell the outcome of a call later: the address itself is the proof, for one try of one call."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from engine import SYSTEM, InvalidValues, Json
from engine.services import later
from web.api import errors
from web.context import engine
from web.security import csrf, limiter

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")
csrf.exempt(bp)
errors.tell(bp)
limiter.limit("600 per minute", deduct_when=lambda response: response.status_code == 404)(bp)


@bp.post("/<signed>")
def tell(signed: str) -> ResponseReturnValue:
    """The body is what the answer would have said, had it come at once."""
    with engine().transaction(SYSTEM) as tx:
        later.tell(tx, signed, _body(), {name.lower(): value for name, value in request.headers.items()})
    return jsonify(status="taken")


@bp.post("/<signed>/failure")
def tell_failure(signed: str) -> ResponseReturnValue:
    """Body: {"message": "...", "final": false}."""
    told = _body()
    about = told if isinstance(told, dict) else {}
    with engine().transaction(SYSTEM) as tx:
        later.tell_failure(tx, signed, str(about.get("message") or ""), is_final=about.get("final") is True)
    return jsonify(status="taken")


@bp.post("/<signed>/heartbeat")
def beat(signed: str) -> ResponseReturnValue:
    with engine().transaction(SYSTEM) as tx:
        later.beat(tx, signed)
    return jsonify(status="taken")


def _body() -> Json:
    """JSON where the sender says so, else text. Raises InvalidValues."""
    if not request.data:
        return None
    if not request.is_json:
        return request.get_data(as_text=True)
    told = request.get_json(silent=True)
    if told is None and request.data.strip() != b"null":
        raise InvalidValues({"body": "Expected JSON, as its type says, but it cannot be read."})
    return told
