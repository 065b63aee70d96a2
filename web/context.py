"""What every page needs: the engine, the person who asks, and one transaction per request."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_login import current_user

from engine import Actor, Engine, Right, Transaction

KEY = "procession"
NOBODY = Actor("nobody")
"""Who asks before signing in."""


def init_app(app: Flask) -> None:
    app.context_processor(lambda: {"may": may, "now": engine().clock.now()})


def engine() -> Engine:
    return cast(Engine, current_app.extensions[KEY])


def actor() -> Actor:
    return cast(Actor, current_user.account.actor) if current_user.is_authenticated else NOBODY


def may(right: str) -> bool:
    """Tell whether to show what needs the right; the engine's verbs check it again."""
    return Right(right) in actor().rights


def reading() -> AbstractContextManager[Transaction]:
    """A look on behalf of the person who asks."""
    return engine().reading(actor())


def command() -> AbstractContextManager[Transaction]:
    """The one transaction of a request that changes something."""
    return engine().transaction(actor())


def is_fragment() -> bool:
    """Tell whether htmx asks for a part of a page (going back asks for the whole of it)."""
    return request.headers.get("HX-Request-Type") == "partial"


def own_path(target: str | None) -> str | None:
    """Give the path and query of an address on this site; None for any other, or none."""
    if not target or "\\" in target or any(ord(letter) < 32 for letter in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:  # no address at all
        return None
    if parts.netloc and (parts.scheme not in ("http", "https") or parts.netloc != request.host):
        return None
    if (parts.scheme and not parts.netloc) or not parts.path.startswith("/") or parts.path.startswith("//"):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def way_back(default: str) -> str:
    """The page the person came from, if it is one of ours."""
    return own_path(request.referrer) or default
