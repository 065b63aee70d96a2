"""What guards every answer: headers, limits, the CSRF token, cookies and the key that signs them."""

from __future__ import annotations

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest

from engine import Settings
from engine.keys import secret_key
from web.context import KEY

MAX_UPLOAD_BYTES = 32_000_000
MAX_REQUEST_BYTES = 2_000_000
"""For whatever is no upload."""
MAX_FORM_PARTS = 500
UPLOADS = ("processes.upload", "drafts.mend")
MAX_DELIVERY_BYTES = 1_000_000
DELIVERY = "deliveries.deliver"
PROGRAMS = frozenset({"api", "callbacks", "deliveries"})
"""Blueprints for programs, which prove themselves in other ways than by signing in."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, storage_uri="memory://", strategy="moving-window", headers_enabled=True)


class _Sessions(SecureCookieSessionInterface):
    """The session cookie is Secure whenever the page itself came over https; files that others cache carry none."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return request.endpoint != "static" and super().should_set_cookie(app, session)


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions[KEY].settings
    app.config.update(
        SECRET_KEY=secret_key(settings),
        PERMANENT_SESSION_LIFETIME=settings.session_lifetime,
        SESSION_COOKIE_NAME="procession",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_FORM_MEMORY_SIZE=MAX_REQUEST_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open over lunch
    )
    app.session_interface = _Sessions()
    app.before_request(_limit)  # before anything reads the form
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_refuse_nul)
    app.after_request(_guard)


def _limit() -> None:
    most = {**dict.fromkeys(UPLOADS, MAX_UPLOAD_BYTES), DELIVERY: MAX_DELIVERY_BYTES}
    request.max_content_length = most.get(request.endpoint or "", MAX_REQUEST_BYTES)
    if not PROGRAMS.isdisjoint(request.blueprints):
        request.get_data()  # the bytes count, whatever type they tell: reading them as a form would use them up


def _refuse_nul() -> None:
    """Nobody types a NUL, and PostgreSQL refuses it even in a question."""
    sent = (text for fields in (request.args, request.form) for _, text in fields.items(multi=True))
    if "\0" in request.path or any("\0" in text for text in sent):
        raise BadRequest


def _guard(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.update(("Cookie", "HX-Request-Type"))
    return response
