"""What a token waits for outside the instance, as facts that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model import Json

if TYPE_CHECKING:
    from engine.bpmn.elements.flow_node import Token


@dataclass(frozen=True, slots=True)
class Wait:
    """Something outside that a token waits for."""

    kind: str
    """user, service, timer, message, signal, incident"""
    token: str
    element_id: str
    data: Mapping[str, Json] = field(default_factory=dict, compare=True, hash=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.token, self.element_id


Waits = dict[tuple[str, str, str], Wait]


CALLS = frozenset({"service", "http", "mail"})
"""Kinds of what calls a service."""


def calls_service(token: Token) -> bool:
    return any(wait["kind"] in CALLS for wait in token.internal_data.get("waits", ()))


def waits_of(token: Token) -> Iterator[Wait]:
    incident = _incident(token)
    if incident is not None:
        told = {"message": incident, "stop": token.internal_data["stops"]}
        yield Wait("incident", token.id.hex, token.task_spec.bpmn_id, told)
    for wait in token.internal_data.get("waits", ()):
        data = {name: value for name, value in wait.items() if name not in ("kind", "element")}
        yield Wait(wait["kind"], token.id.hex, wait["element"], data)


def _incident(token: Token) -> str | None:
    """Why the token has stopped; a service that is called again has not passed yet."""
    data = token.internal_data
    why: str | None = data.get("incident", data.get("retried") if calls_service(token) else None)
    return why
