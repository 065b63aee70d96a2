"""People by their names rather than their ids: one look for a page, whoever is on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Flask, g
from markupsafe import Markup

from engine import Event, Transaction, accounts
from web.context import reading

_PERSONAL = ("actor", "assignee", "completed_by", "created_by", "retried_by", "started_by", "updated_by")
"""Where the engine's values hold the id of an account."""


def init_app(app: Flask) -> None:
    app.add_template_filter(called)
    app.add_template_filter(person)


def know(tx: Transaction, *shown: Iterable[object]) -> None:
    """Look up everybody on the values a page shows, with one question."""
    ids = {id for values in shown for value in values for id in _ids(value)}
    _learn(tx, ids - _known().keys())


def called(id: str) -> str:
    """The name of an account; the id itself when there is no such account."""
    if id not in _known():
        with reading() as tx:
            _learn(tx, {id})
    return _known()[id]


def person(id: str) -> Markup:
    """The name, with the id to be read by pointing at it."""
    return Markup('<span title="{}">{}</span>').format(id, called(id))


def _ids(value: object) -> Iterator[str]:
    yield from (id for name in _PERSONAL if (id := getattr(value, name, None)))
    yield from getattr(value, "candidate_users", ())
    if isinstance(value, Event) and isinstance(to := value.data.get("to"), str):
        yield to


def _learn(tx: Transaction, ids: Iterable[str]) -> None:
    ids = set(ids)
    _known().update({id: id for id in ids} | accounts.called(tx, ids))


def _known() -> dict[str, str]:
    """Names by id, for as long as the request."""
    if "people" not in g:
        g.people = {}
    known: dict[str, str] = g.people
    return known
