"""People: who may sign in, their roles and groups."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import ColumnElement, Text, delete, func, insert, or_, select, type_coerce, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from engine.errors import Conflict, InvalidValues, NotFound
from engine.model import Page
from engine.model.people import Account, Right, Role
from engine.storage.tables import AccountRow, MembershipRow
from engine.transaction import Transaction

log = logging.getLogger(__name__)

MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 1000
MAX_NAME_CHARACTERS = 200
MAX_EMAIL_CHARACTERS = 320

_ID = re.compile(r"[a-z0-9._@-]{1,200}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's recommendation for Argon2id: 19 MiB and about 20 ms a login."""


# ---- signing in ----------------------------------------------------------------------------------------------------


def verify(tx: Transaction, id: str, password: str) -> Account | None:
    """The active account with this password, else None; an unknown name takes as long as a wrong password."""
    row = tx.session.get(AccountRow, id) if _ID.fullmatch(id) else None
    is_right = _is_password(_unknown() if row is None else row.password_hash, password)
    return _account(row, _groups_of(tx, [id])) if row is not None and row.is_active and is_right else None


def has_old_hash(tx: Transaction, id: str) -> bool:
    """Whether the password's hash was made with older parameters: then renew_hash() is called for, at a login."""
    return _HASHER.check_needs_rehash(_row(tx, id).password_hash)


def renew_hash(tx: Transaction, id: str, password: str) -> None:
    """Store the hash of the password anew, when it is still the password. Sessions go on."""
    row = _row(tx, id)
    if _is_password(row.password_hash, password):
        row.password_hash = _HASHER.hash(password)
        tx.session.flush()


@cache
def _unknown() -> str:
    """A hash for names that nobody has."""
    return _HASHER.hash("nobody's password")


def _is_password(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def set_password(tx: Transaction, id: str, password: str) -> None:
    """Change a password, which ends every session of the account. Others' needs the right to manage accounts.

    Raises NotFound, Forbidden, InvalidValues (password).
    """
    if id != tx.actor.id:
        tx.require(Right.ACCOUNTS)
    _row(tx, id)
    _refuse({"password": _wrong_password(password)})
    changed = {"password_hash": _HASHER.hash(password), "session_version": AccountRow.session_version + 1}
    tx.session.execute(update(AccountRow).where(AccountRow.id == id).values(changed))
    log.info("password changed", extra={"account": id, "by": tx.actor.id})


# ---- managing ------------------------------------------------------------------------------------------------------


def add(
    tx: Transaction,
    id: str,
    *,
    name: str,
    password: str,
    email: str = "",
    roles: Collection[Role] = (),
    groups: Collection[str] = (),
    is_demo: bool = False,
) -> Account:
    """Make an account. is_demo: demonstration data, whose password may be short.

    Raises Forbidden, Conflict when the id is taken, InvalidValues (id, name, password, email, groups).
    """
    tx.require(Right.ACCOUNTS)
    wrong_password = None if is_demo else _wrong_password(password)
    _refuse({"id": _wrong_id(id), "password": wrong_password, **_wrong_details(name, email, groups)})
    described = _described(name, email, roles)
    fresh = {"id": id, "password_hash": _HASHER.hash(password), "created_at": tx.now}
    try:
        tx.session.execute(insert(AccountRow).values({**described, **fresh}))
    except IntegrityError as cause:
        raise Conflict(f"Expected {id} to be free, but there is such an account. Choose another id.") from cause
    _join(tx, id, groups)
    level = logging.DEBUG if is_demo else logging.INFO  # those of the demonstration are told to whoever starts it
    log.log(level, "account added", extra={"account": id, "by": tx.actor.id})
    return get(tx, id)


def change(
    tx: Transaction,
    id: str,
    *,
    name: str,
    email: str,
    roles: Collection[Role],
    groups: Collection[str],
    is_active: bool,
) -> Account:
    """Replace everything but the password.

    Raises NotFound, Forbidden, InvalidValues (name, email, groups), Conflict when no active administrator would remain.
    """
    tx.require(Right.ACCOUNTS)
    _row(tx, id)
    _refuse(_wrong_details(name, email, groups))
    if not (is_active and Role.ADMIN in roles):
        _require_another_admin(tx, id)
    described = {**_described(name, email, roles), "is_active": is_active}
    tx.session.execute(update(AccountRow).where(AccountRow.id == id).values(described))
    tx.session.execute(delete(MembershipRow).where(MembershipRow.account_id == id))
    _join(tx, id, groups)
    log.info("account changed", extra={"account": id, "by": tx.actor.id})
    return get(tx, id)


def _described(name: str, email: str, roles: Collection[Role]) -> dict[str, object]:
    return {"name": name.strip(), "email": email.strip(), "roles": sorted({Role(role) for role in roles})}


def _join(tx: Transaction, id: str, groups: Iterable[str]) -> None:
    rows = [{"account_id": id, "group": group} for group in sorted({group.strip() for group in groups})]
    if rows:
        tx.session.execute(insert(MembershipRow), rows)


def _require_another_admin(tx: Transaction, id: str) -> None:
    """Locks the active administrators, so that two of them cannot dismiss each other at once."""
    is_admin = type_coerce(AccountRow.roles, Text).contains(f'"{Role.ADMIN}"')
    query = select(AccountRow.id).where(AccountRow.is_active, is_admin).order_by(AccountRow.id).with_for_update()
    if set(tx.session.scalars(query)) == {id}:
        raise Conflict(f"Expected another active administrator beside {id}, but there is none. Appoint one first.")


# ---- finding -------------------------------------------------------------------------------------------------------


def get(tx: Transaction, id: str) -> Account:
    """One's own account, or another's with the right to manage accounts. Raises NotFound, Forbidden."""
    if id != tx.actor.id:
        tx.require(Right.ACCOUNTS)
    return _account(_row(tx, id), _groups_of(tx, [id]))


def find(tx: Transaction, search: str | None = None, limit: int = 50, offset: int = 0) -> Page[Account]:
    """Accounts by id, those whose id, name or e-mail address contains the text."""
    tx.require(Right.ACCOUNTS)
    query = select(AccountRow).where(_matches(search, AccountRow.id, AccountRow.name, AccountRow.email))
    total = tx.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = tx.session.scalars(query.order_by(AccountRow.id).limit(limit).offset(offset)).all()
    members = _groups_of(tx, [row.id for row in rows])
    return Page(tuple(_account(row, members) for row in rows), total, offset, limit)


def groups(tx: Transaction) -> list[tuple[str, int]]:
    """Each group with the number of its members, by name."""
    tx.require(Right.ACCOUNTS)
    query = select(MembershipRow.group, func.count()).group_by(MembershipRow.group).order_by(MembershipRow.group)
    return [(group, members) for group, members in tx.session.execute(query)]


def names(tx: Transaction, search: str | None = None, limit: int = 50) -> list[tuple[str, str]]:
    """(id, name) of active accounts to pick from, by name; everybody may see these."""
    query = select(AccountRow.id, AccountRow.name).where(AccountRow.is_active)
    query = query.where(_matches(search, AccountRow.id, AccountRow.name))
    return [(id, name) for id, name in tx.session.execute(query.order_by(AccountRow.name, AccountRow.id).limit(limit))]


def called(tx: Transaction, ids: Iterable[str]) -> dict[str, str]:
    """Id -> name of these accounts, also of those switched off; everybody may see names. Unknown ids are absent."""
    query = select(AccountRow.id, AccountRow.name).where(AccountRow.id.in_({id for id in ids if id}))
    return {id: name for id, name in tx.session.execute(query) if name}


def _matches(search: str | None, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    text = (search or "").replace("\0", "").strip()  # PostgreSQL refuses this character even in a question
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _row(tx: Transaction, id: str) -> AccountRow:
    row = tx.session.get(AccountRow, id)
    if row is None:
        raise NotFound(f"There is no account {id}.")
    return row


def _groups_of(tx: Transaction, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    query = select(MembershipRow.account_id, MembershipRow.group).where(MembershipRow.account_id.in_(ids))
    found: dict[str, set[str]] = {id: set() for id in ids}
    for id, group in tx.session.execute(query):
        found[id].add(group)
    return {id: frozenset(groups) for id, groups in found.items()}


def _account(row: AccountRow, members: dict[str, frozenset[str]]) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        email=row.email,
        is_active=row.is_active,
        roles=frozenset(map(Role, row.roles)),
        groups=members[row.id],
        session_version=row.session_version,
    )


# ---- rules ---------------------------------------------------------------------------------------------------------


def _refuse(wrong: dict[str, str | None]) -> None:
    found = {key: message for key, message in wrong.items() if message is not None}
    if found:
        raise InvalidValues(found)


def _wrong_id(id: str) -> str | None:
    if _ID.fullmatch(id):
        return None
    return f"Expected up to 200 lower-case letters, digits or . _ - @, but got {id[:200]!r}."


def _wrong_password(password: str) -> str | None:
    if MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        return None
    limits = f"{MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS}"
    return f"Expected {limits} characters, but got {len(password)}."


def _wrong_details(name: str, email: str, groups: Collection[str]) -> dict[str, str | None]:
    wrong_groups = (_wrong_name(group) for group in groups)
    return {
        "name": _wrong_name(name),
        "email": _wrong_email(email.strip()),
        "groups": next((message for message in wrong_groups if message is not None), None),
    }


def _wrong_name(name: str) -> str | None:
    if 0 < len(name.strip()) <= MAX_NAME_CHARACTERS and name.strip().isprintable():
        return None
    return f"Expected 1 to {MAX_NAME_CHARACTERS} printable characters, but got {name[:MAX_NAME_CHARACTERS]!r}."


def _wrong_email(email: str) -> str | None:
    if not email or (_EMAIL.fullmatch(email) and len(email) <= MAX_EMAIL_CHARACTERS and email.isprintable()):
        return None
    return f"Expected an address like name@example.org, but got {email[:MAX_EMAIL_CHARACTERS]!r}."
