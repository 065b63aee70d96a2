"""Services outside: those that administrators have set up, and how we prove to them who we are."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from engine import history, values
from engine.errors import InvalidValues, NotFound, ServiceFailed
from engine.model.people import Right
from engine.model.services import Auth, Service
from engine.storage.tables import ServiceRow
from engine.transaction import Transaction

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TEXTS = ("user", "secret", "token_url", "scope")
LONGEST = 2_000
_NEEDED = {
    Auth.NONE: (),
    Auth.BASIC: ("user", "secret"),
    Auth.BEARER: ("secret",),
    Auth.OAUTH2: ("user", "secret", "token_url"),
}


def put(tx: Transaction, service: Service) -> None:
    """Set up a service, or change it. Raises Forbidden, InvalidValues naming the fields."""
    tx.require(Right.REPAIR)
    errors = dict(_errors(service))
    if errors:
        raise InvalidValues(errors)
    row = ServiceRow(
        name=service.name,
        base_url=service.base_url,
        auth={"kind": service.auth, **{name: getattr(service, name) for name in _TEXTS}},
        most_at_once=service.most_at_once,
        most_per_second=service.most_per_second,
        updated_at=tx.now,
        updated_by=tx.actor.id,
    )
    tx.session.merge(row)
    tx.session.flush()
    history.append(tx, [history.event(tx, "service set", data={"name": service.name, "address": service.base_url})])


def _errors(service: Service) -> dict[str, str]:
    errors = {}
    if not _NAME.fullmatch(service.name):
        errors["name"] = "Expected up to 100 letters, digits, dots, dashes and underscores."
    if service.base_url and host_of(service.base_url) is None:
        errors["base_url"] = "Expected an address such as https://example.com/api, without a name or password in it."
    if service.token_url and host_of(service.token_url) is None:
        errors["token_url"] = "Expected an address such as https://example.com/token."
    for field in _NEEDED[service.auth]:
        if not getattr(service, field):
            errors.setdefault(field, f"Expected a value: {service.auth} authentication needs it.")
    for field in ("base_url", *_TEXTS):
        text = getattr(service, field)
        if len(text) > LONGEST or values.shown(text) != text:
            errors[field] = f"Expected at most {LONGEST:,} plain characters."
    for field in ("most_at_once", "most_per_second"):
        most = getattr(service, field)
        if most is not None and not 0 < most <= 1_000_000:
            errors[field] = "Expected a number above 0, or nothing."
    return errors


def host_of(url: str) -> str | None:
    """Of an address that can be called by HTTP."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return None
    is_ours = parts.scheme in ("http", "https") and parts.username is None and parts.password is None
    return parts.hostname if is_ours and port_fits else None


def find(tx: Transaction) -> list[Service]:
    """By name."""
    tx.require(Right.INSPECT)
    return [_service(row) for row in tx.session.scalars(select(ServiceRow).order_by(ServiceRow.name))]


def get(tx: Transaction, name: str) -> Service:
    """Raises Forbidden, NotFound."""
    tx.require(Right.INSPECT)
    row = tx.session.get(ServiceRow, name)
    if row is None:
        raise NotFound(f"There is no service {name}.")
    return _service(row)


def called(tx: Transaction, name: str) -> Service:
    """For a call. Raises ServiceFailed."""
    row = tx.session.get(ServiceRow, name)
    if row is None:
        message = f'Expected service "{name}" to be set up, but it is not. Ask an administrator to add it.'
        raise ServiceFailed(message, retryable=False)
    return _service(row)


def delete_service(tx: Transaction, name: str) -> None:
    """Calls of it fail from now on. Raises Forbidden, NotFound."""
    tx.require(Right.REPAIR)
    gone = delete(ServiceRow).where(ServiceRow.name == name).returning(ServiceRow.name)
    if tx.session.scalar(gone) is None:
        raise NotFound(f"There is no service {name}.")
    history.append(tx, [history.event(tx, "service deleted", data={"name": name})])


def _service(row: ServiceRow) -> Service:
    return Service(
        name=row.name,
        base_url=row.base_url,
        auth=Auth(row.auth.get("kind", Auth.NONE)),
        **{name: row.auth.get(name, "") for name in _TEXTS},
        most_at_once=row.most_at_once,
        most_per_second=row.most_per_second,
    )
