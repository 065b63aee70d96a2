"""What a refused request looks like: one table from errors to pages, fragments and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, g, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    RequestEntityTooLarge,
    TooManyRequests,
)
from werkzeug.exceptions import (
    NotFound as PageNotFound,
)

from engine import Busy, Conflict, Forbidden, Invalid, InvalidValues, NotFound, Rejected
from engine.transaction import AWAY, note_away
from web.context import is_fragment, way_back


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    title: str
    advice: str = ""
    """What to do, where the error's own words do not say it."""


NO_DATABASE = Refusal(503, "The database does not answer", "Nothing was changed. Try again in a moment.")
REFUSALS: Mapping[type[Exception], Refusal] = {
    NotFound: Refusal(404, "There is nothing here"),
    Forbidden: Refusal(403, "You may not do this"),
    Busy: Refusal(
        503, "Busy for a moment", "Somebody else is changing this just now. Try again in a moment; nothing was changed."
    ),
    Conflict: Refusal(409, "This is no longer possible"),
    Invalid: Refusal(422, "This cannot be accepted as it is"),
    InvalidValues: Refusal(422, "Some values do not fit"),
    Rejected: Refusal(422, "This cannot be done"),
    CSRFError: Refusal(
        400,
        "This page was open too long",
        "Nothing was changed. Go back, load the page again, and repeat what you did.",
    ),
    BadRequest: Refusal(
        400, "This request could not be read", "Go back, load the page again, and repeat what you did."
    ),
    PageNotFound: Refusal(404, "There is no such page", "The address may be mistyped, or what it showed is gone."),
    MethodNotAllowed: Refusal(405, "This address is not a page to visit", "Go back and use the button there."),
    RequestEntityTooLarge: Refusal(
        413,
        "This is too large",
        "At most 32 MB can be uploaded at once, 5 MB in one diagram, and 2 MB typed into one form.",
    ),
    TooManyRequests: Refusal(429, "Too many tries", "Wait a few minutes, then try again."),
    **dict.fromkeys(AWAY, NO_DATABASE),
    InternalServerError: Refusal(
        500, "Something went wrong", "It is our fault and has been noted. Nothing was changed."
    ),
}
"""The nearest class of an error decides."""


def init_app(app: Flask) -> None:
    app.register_error_handler(Rejected, refuse)
    app.register_error_handler(HTTPException, refuse)
    for kind in AWAY:
        app.register_error_handler(kind, _refuse_without_database)


def refuse(error: Exception) -> ResponseReturnValue:
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return error
    message = str(error) if isinstance(error, Rejected) else ""
    return answer(_refusal(error), message=message)


def _refuse_without_database(error: Exception) -> ResponseReturnValue:
    """Nobody knows who asks: what is shown must not ask for him."""
    note_away(error)
    g.is_database_away = True
    return answer(NO_DATABASE)


def _refusal(error: Exception) -> Refusal:
    found = next((REFUSALS[kind] for kind in type(error).__mro__ if kind in REFUSALS), None)
    if found is not None:
        return found
    status = error.code if isinstance(error, HTTPException) and error.code else 500
    return Refusal(status, getattr(error, "name", "Something went wrong"))


def answer(refusal: Refusal, *, message: str = "", back: str | None = None) -> ResponseReturnValue:
    """Say no as the request wants to hear it: JSON, a fragment for htmx, else a page with a way back."""
    text = message or refusal.advice
    if request.accept_mimetypes.best == "application/json":
        return jsonify(error={"status": refusal.status, "title": refusal.title, "message": text}), refusal.status
    template = "errors/_refusal.html" if is_fragment() else "errors/page.html"
    page = render_template(template, refusal=refusal, text=text, back=back or way_back(url_for("inbox.index")))
    response = make_response(page, refusal.status)
    if refusal.status == 503:
        response.headers["Retry-After"] = "1"
    return response
