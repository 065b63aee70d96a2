"""Rights, roles, who acts, and by what a program is let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Right(StrEnum):
    DEPLOY = "deploy"  # upload files, see definitions
    INSPECT = "inspect"  # see every instance, its data and history
    REPAIR = "repair"  # retry, cancel, reassign other people's tasks
    MESSAGE = "message"  # deliver messages and signals from outside
    START = "start"  # start any process, whoever may start it otherwise
    WORK = "work"  # do the work of service tasks from outside
    ACCOUNTS = "accounts"  # manage users and groups


class Role(StrEnum):
    APPROVER = "approver"
    ANALYST = "analyst"
    ADMIN = "admin"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.APPROVER: frozenset(),
    Role.ANALYST: frozenset({Right.DEPLOY, Right.INSPECT}),
    Role.ADMIN: frozenset(Right),
}
"""Everybody who is signed in works an inbox and starts what they may start; roles add to that."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person on whose behalf a call is made."""

    id: str
    groups: frozenset[str] = frozenset()
    rights: frozenset[Right] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", frozenset(self.groups))
        object.__setattr__(self, "rights", frozenset(self.rights))


SYSTEM = Actor("system", rights=frozenset(Right))
"""Who acts when a timer fires or a service answers."""


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    email: str
    is_active: bool
    roles: frozenset[Role]
    groups: frozenset[str]
    session_version: int
    """Grows with each password change; a login made under an older one has ended."""

    @property
    def actor(self) -> Actor:
        rights = frozenset[Right]().union(*(RIGHTS[role] for role in self.roles))
        return Actor(self.id, self.groups, rights)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Lets a program in; its secret is not kept."""

    name: str
    scopes: frozenset[Right]
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None
