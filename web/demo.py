"""The demonstration: its people, the examples, and work that waits; made once, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from engine import SYSTEM, Engine, Json, Service, Transaction, accounts, definitions, instances
from engine.services import catalog

MODULE = "processes.demo"
"""Imported by name, and only when a demonstration is asked for."""
_HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Opening:
    """An instance started so that the inboxes are not empty."""

    key: str
    business_key: str
    by: str
    values: Mapping[str, Json]


_HIRE = {
    "private_email": "new@example.com",
    "start_date": "2027-01-04",
    "department": "support",
    "manager": "ben",
    "equipment": ["laptop", "badge"],
    "budget": 400,
}
OPENINGS = (
    Opening(
        "purchase-approval",
        "PO-1001",
        "ana",
        {"item": "Two standing desks", "amount": 1240, "reason": "The old ones wobble.", "urgency": "normal"},
    ),
    Opening(
        "purchase-approval",
        "PO-1002",
        "cleo",
        {"item": "Coffee machine", "amount": 8600, "reason": "One for each floor.", "urgency": "urgent"},
    ),
    Opening(
        "payment",
        "PAY-2001",
        "eve",
        {"amount": 5000, "payer_email": "mia@example.com", "payer_account": "DE123456", "time_limit": "PT48H"},
    ),
    Opening(
        "document-pipeline",
        "Monday's post",
        "cleo",
        {"document_lines": "Bill 7: invoice with amount payable\nNote: see you on Monday", "threshold": 0.8},
    ),
    Opening(
        "employee-onboarding",
        "Mia Sand",
        "ana",
        {**_HIRE, "employee_name": "Mia Sand", "identity_document": "X1234567"},
    ),
    Opening(
        "employee-onboarding",
        "Jon Vale",
        "ana",
        {**_HIRE, "employee_name": "Jon Vale", "identity_document": "AB123456"},
    ),
)


def people() -> tuple[Any, ...]:
    """The demonstration's accounts, with their passwords."""
    return tuple(import_module(MODULE).ACCOUNTS)


def services() -> tuple[str, ...]:
    """Modules that hold the services of the examples."""
    return tuple(import_module(MODULE).SERVICES)


def prepare(engine: Engine, services_at: str = "http://127.0.0.1:8090") -> bool:
    """Fill an empty database; tells whether it did. With any account in it, only the services' address may change.

    services_at: where the demo services are.
    """
    with engine.transaction(SYSTEM) as tx:
        outside = import_module(MODULE).services_at(services_at)
        if accounts.find(tx, limit=1).rows:
            _move(tx, outside)
            return False
        for service in outside:
            catalog.put(tx, service)
        _add_people(tx)
        _deploy(replace(tx, actor=accounts.get(tx, "ana").actor))
        for opening in OPENINGS:
            _start(tx, opening)
    return True


def _move(tx: Transaction, outside: Iterable[Service]) -> None:
    """The demo services are where they are now; what administrators have made of them stays."""
    known = {service.name: service for service in catalog.find(tx)}
    for service in outside:
        old = known.get(service.name)
        if old and old.base_url != service.base_url and catalog.host_of(old.base_url) == _HERE:
            catalog.put(tx, replace(old, base_url=service.base_url))


def _add_people(tx: Transaction) -> None:
    for one in people():
        accounts.add(tx, one.id, name=one.name, password=one.password, roles=one.roles, groups=one.groups, is_demo=True)


def _deploy(tx: Transaction) -> None:
    demo = import_module(MODULE)
    for example in demo.EXAMPLES:
        definitions.deploy(tx, demo.files(example))


def _start(tx: Transaction, opening: Opening) -> None:
    as_person = replace(tx, actor=accounts.get(tx, opening.by).actor)
    definition = next(one for one in definitions.startable(as_person) if one.key == opening.key)
    instances.start_by_form(as_person, definition.id, opening.values, business_key=opening.business_key)
