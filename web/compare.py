"""Two sources beside each other: versions of a process and drafts, by their lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from flask import Blueprint, render_template, request
from werkzeug.exceptions import NotFound as NoPage

from engine import Right, Transaction, definitions, drafts
from web import sources
from web.context import reading

bp = Blueprint("compare", __name__, url_prefix="/definitions/compare")


class Side(NamedTuple):
    """One of the two. token: how an address names it, such as draft-2."""

    token: str
    label: str
    content: bytes


@bp.get("/")
def show() -> str:
    with reading() as tx:
        tx.require(Right.DEPLOY)
        sides = [_side(tx, request.args.get(name, "")) for name in ("old", "new")]
        choices = _choices(tx)
    old, new = sides
    changes = sources.changes(old.content, new.content) if old and new else []
    return render_template("drafts/compare.html", old=old, new=new, changes=changes, choices=choices)


def _side(tx: Transaction, token: str) -> Side | None:
    """None: none is chosen yet."""
    if not token:
        return None
    kind, _, number = token.partition("-")
    if kind not in _READ or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise NoPage
    return _READ[kind](tx, int(number))


def _version(tx: Transaction, id: int) -> Side:
    found = definitions.get(tx, id)
    return Side(f"version-{id}", f"{found.key}, version {found.version}", definitions.source(tx, id))


def _draft(tx: Transaction, id: int) -> Side:
    found, files = drafts.get(tx, id), drafts.files(tx, id)
    return Side(f"draft-{id}", f"{found.name}, draft {id}", next(iter(files.values())))


_READ: Mapping[str, Callable[[Transaction, int], Side]] = {"version": _version, "draft": _draft}


def _choices(tx: Transaction) -> list[tuple[str, str]]:
    """What can be chosen: drafts, and every version of each process."""
    kept = [(f"draft-{draft.id}", f"{draft.name}, draft {draft.id}") for draft in drafts.find(tx)]
    processes = [counts.definition.key for counts in definitions.latest(tx)]
    versions = [counts.definition for key in processes for counts in definitions.versions(tx, key)]
    return kept + [(f"version-{each.id}", f"{each.key}, version {each.version}") for each in versions]
