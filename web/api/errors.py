"""What a refused call looks like: {"type": ..., "message": ...}."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, Unauthorized

from engine import Busy, Conflict, Forbidden, Invalid, InvalidValues, NotFound, Rejected
from engine.transaction import AWAY, note_away

INVALID = "InvalidRequestException"
LONGEST_MESSAGE = 2_000
"""Characters; it may repeat what was sent."""
_KINDS: Mapping[type[Exception], tuple[int, str]] = {
    NotFound: (404, "RestException"),
    Forbidden: (403, "AuthorizationException"),
    Busy: (503, "RestException"),
    Conflict: (409, "RestException"),
    Invalid: (400, INVALID),
    InvalidValues: (400, INVALID),
    Rejected: (400, INVALID),
}


def tell(bp: Blueprint) -> None:
    bp.register_error_handler(Rejected, _rejected)
    bp.register_error_handler(ValidationError, _malformed)
    for kind in AWAY:
        bp.register_error_handler(kind, _away)
    bp.register_error_handler(HTTPException, _http)


def _rejected(error: Rejected) -> Response:
    status, kind = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
    return _answer(status, kind, str(error))


def _malformed(error: ValidationError) -> Response:
    """Each field that does not fit, and why."""
    told = (f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors())
    return _answer(400, INVALID, "; ".join(told))


def _away(error: Exception) -> Response:
    note_away(error)
    return _answer(503, "RestException", "The database does not answer. Try again in a moment.")


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    kind = INVALID if status == 400 else "RestException"
    if isinstance(error, Unauthorized):
        kind, error.description = "AuthenticationException", "Expected the token of an account for programs."
    return _answer(status, kind, error.description or error.name)


def _answer(status: int, kind: str, message: str) -> Response:
    response = jsonify(type=kind, message=message[:LONGEST_MESSAGE], code=0)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Procession"'
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response
