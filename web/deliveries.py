"""Where services outside send what they have to tell, each to the webhook of its name: signed, with no session."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from engine.webhooks import Outcome
from engine.webhooks.receive import Sent, receive
from web.api import errors
from web.context import engine
from web.security import csrf, limiter

bp = Blueprint("deliveries", __name__, url_prefix="/webhooks")
csrf.exempt(bp)
errors.tell(bp)
limiter.limit("120 per minute", deduct_when=lambda response: response.status_code == 401)(bp)

STATUSES: Mapping[Outcome, int] = {
    Outcome.TAKEN: 200,
    Outcome.REPEATED: 200,
    Outcome.PASSED_OVER: 200,
    Outcome.KEPT: 202,
    Outcome.UNREADABLE: 400,
    Outcome.UNPROVEN: 401,
    Outcome.UNAWAITED: 404,
    Outcome.AMBIGUOUS: 409,
}
_UNPROVEN = "Expected an active webhook at this address, and a signature that fits and was made just now."


@bp.post("/<name>")
def deliver(name: str) -> ResponseReturnValue:
    """Whoever cannot prove himself learns nothing about what is there."""
    sent = Sent(request.get_data(), {name.lower(): value for name, value in request.headers.items()})
    delivery = receive(engine(), name, sent)
    message = _UNPROVEN if delivery.outcome is Outcome.UNPROVEN else delivery.message
    told = {"status": delivery.outcome, "instance": delivery.instance_id, "message": message}
    return jsonify({field: value for field, value in told.items() if value}), STATUSES[delivery.outcome]
