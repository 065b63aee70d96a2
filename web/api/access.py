"""Who calls: the token that each request carries. No cookie counts here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from flask import Blueprint, g, request
from werkzeug.exceptions import Unauthorized

from engine import Actor, Transaction, access_tokens
from web.context import engine
from web.security import limiter

FAILURES_PER_ADDRESS = "60 per minute"


def guard(bp: Blueprint) -> None:
    bp.before_request(_let_in)


@limiter.limit(FAILURES_PER_ADDRESS, deduct_when=lambda response: response.status_code == 401)
def _let_in() -> None:
    """Raises Unauthorized."""
    told = request.authorization
    secret = None if told is None else told.token or told.password
    caller = access_tokens.actor_of(engine(), secret) if secret else None
    if caller is None:
        raise Unauthorized
    g.caller = caller


def caller() -> Actor:
    return cast(Actor, g.caller)


def command() -> AbstractContextManager[Transaction]:
    """The one transaction of a call that changes something."""
    return engine().transaction(caller())


def reading() -> AbstractContextManager[Transaction]:
    return engine().reading(caller())
