"""Who calls: the token that each request carries. No cookie counts here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NoReturn, cast

from flask import Blueprint, g, request
from werkzeug.exceptions import Unauthorized

from engine import Actor, Transaction, access_tokens
from web.context import engine
from web.security import limiter

FAILURES_PER_ADDRESS = "60 per minute"


def guard(bp: Blueprint) -> None:
    bp.before_request(_let_in)


def _let_in() -> None:
    """Raises Unauthorized, TooManyRequests."""
    told = request.authorization
    secret = None if told is None else told.token or told.password
    caller = access_tokens.actor_of(engine(), secret) if secret else None
    if caller is None:
        _refuse()
    g.caller = caller


@limiter.limit(FAILURES_PER_ADDRESS)
def _refuse() -> NoReturn:
    """Whoever has a token that counts is let in, however often others of that address have none."""
    raise Unauthorized


def caller() -> Actor:
    return cast(Actor, g.caller)


def command() -> AbstractContextManager[Transaction]:
    """The one transaction of a call that changes something."""
    return engine().transaction(caller())


def reading() -> AbstractContextManager[Transaction]:
    return engine().reading(caller())
