"""Access tokens: let programs in, each for what its scopes name, until it expires or is taken away."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from engine.errors import Conflict, InvalidValues, NotFound
from engine.model.people import SYSTEM, AccessToken, Actor, Right
from engine.storage.tables import AccessTokenRow
from engine.transaction import Store, Transaction

SCOPES = (Right.WORK, Right.START, Right.MESSAGE, Right.INSPECT, Right.REPAIR, Right.DEPLOY)
"""What a token may be for. Accounts are managed by people only."""
LONGEST_LIFE = timedelta(days=731)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_PREFIX = "procession_"
"""By it, scanners of code find a secret that was left lying about."""
_USE_NOTED = timedelta(minutes=1)


def add(tx: Transaction, name: str, *, scopes: Collection[Right], life: timedelta) -> str:
    """Make a token; gives its secret, which nobody can read again.

    Raises Forbidden, Conflict for a name that is taken, InvalidValues (name, scopes, life).
    """
    tx.require(Right.ACCOUNTS)
    errors = {
        "name": "" if _NAME.fullmatch(name) else "Expected up to 100 of a-z, 0-9, dot, dash and underscore.",
        "scopes": "" if scopes and set(scopes) <= set(SCOPES) else f"Expected some of {', '.join(SCOPES)}.",
        "life": "" if timedelta(0) < life <= LONGEST_LIFE else f"Expected from 1 to {LONGEST_LIFE.days} days.",
    }
    if any(errors.values()):
        raise InvalidValues({field: text for field, text in errors.items() if text})
    secret = _PREFIX + secrets.token_urlsafe(32)
    row = {
        "name": name,
        "digest": _digest(secret),
        "scopes": sorted(scopes),
        "created_at": tx.now,
        "created_by": tx.actor.id,
        "expires_at": tx.now + life,
    }
    try:
        with tx.session.begin_nested():
            tx.session.execute(insert(AccessTokenRow).values(row))
    except IntegrityError as cause:
        raise Conflict(f"There is a token named {name} already. Choose another name, or delete that one.") from cause
    return secret


def find(tx: Transaction) -> list[AccessToken]:
    """All of them, by name."""
    tx.require(Right.ACCOUNTS)
    return [_token(row) for row in tx.session.scalars(select(AccessTokenRow).order_by(AccessTokenRow.name))]


def delete_token(tx: Transaction, name: str) -> None:
    """It lets nobody in from now on. Raises Forbidden, NotFound."""
    tx.require(Right.ACCOUNTS)
    gone = delete(AccessTokenRow).where(AccessTokenRow.name == name).returning(AccessTokenRow.id)
    if tx.session.scalar(gone) is None:
        raise NotFound(f"There is no token named {name}.")


def actor_of(store: Store, secret: str) -> Actor | None:
    """Whoever shows the secret of a token that counts; else None. Notes now and then that it is used."""
    with store.reading(SYSTEM) as tx:
        now = tx.now
        counts = (AccessTokenRow.digest == _digest(secret), AccessTokenRow.expires_at > now)
        row = tx.session.scalars(select(AccessTokenRow).where(*counts)).one_or_none()
    if row is None:
        return None
    if row.used_at is None or row.used_at < now - _USE_NOTED:
        _note_use(store, row.id)
    return Actor(f"token:{row.name}", rights=frozenset(map(Right, row.scopes)))


def _note_use(store: Store, token_id: int) -> None:
    with store.transaction(SYSTEM) as tx:
        is_old = or_(AccessTokenRow.used_at.is_(None), AccessTokenRow.used_at < tx.now - _USE_NOTED)
        tx.session.execute(update(AccessTokenRow).where(AccessTokenRow.id == token_id, is_old).values(used_at=tx.now))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _token(row: AccessTokenRow) -> AccessToken:
    return AccessToken(
        name=row.name,
        scopes=frozenset(map(Right, row.scopes)),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
