"""Users and groups: find, add, change, set a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import Account, Conflict, InvalidValues, Right, Role, accounts
from web import listing
from web.auth import typed_password
from web.context import command, is_fragment, reading

bp = Blueprint("accounts", __name__, url_prefix="/accounts")

ROLES = {
    Role.APPROVER: "works the inbox and starts what everybody may start",
    Role.ANALYST: "uploads diagrams and looks at every instance",
    Role.ADMIN: "repairs instances and manages users",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """An account's fields as the form sent them."""

    id: str
    name: str
    email: str
    roles: frozenset[Role]
    groups: frozenset[str]
    is_active: bool

    @classmethod
    def read(cls) -> Typed:
        form = request.form
        return cls(
            id=form.get("id", "").strip(),
            name=form.get("name", "").strip(),
            email=form.get("email", "").strip(),
            roles=frozenset(role for role in Role if role in form.getlist("roles")),
            groups=frozenset(group.strip() for group in form.get("groups", "").split(",") if group.strip()),
            is_active="is_active" in form,
        )


NEW = Typed("", "", "", frozenset({Role.APPROVER}), frozenset(), is_active=True)


@bp.get("/")
def index() -> str:
    search = listing.text("search")
    with reading() as tx:
        page = accounts.find(tx, search or "", listing.PAGE_SIZE, listing.offset())
        groups = accounts.groups(tx)
    template = "accounts/_list.html" if is_fragment() else "accounts/index.html"
    return render_template(template, page=page, groups=groups, search=search)


@bp.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    if request.method != "POST":
        with reading() as tx:
            tx.require(Right.ACCOUNTS)
        return _form("accounts/new.html", NEW)
    typed = Typed.read()
    try:
        _add(typed)
    except InvalidValues as refused:
        return _form("accounts/new.html", typed, refused.errors), 422
    except Conflict as taken:
        return _form("accounts/new.html", typed, {"id": str(taken)}), 422
    flash(f"{typed.id} is added.", "success")
    return redirect(url_for("accounts.index"))


def _add(typed: Typed) -> None:
    password = typed_password()
    with command() as tx:
        accounts.add(
            tx,
            typed.id,
            name=typed.name,
            email=typed.email,
            password=password,
            roles=typed.roles,
            groups=typed.groups,
        )


@bp.route("/<path:account_id>/change", methods=["GET", "POST"])
def change(account_id: str) -> ResponseReturnValue:
    with reading() as tx:
        tx.require(Right.ACCOUNTS)
        account = accounts.get(tx, account_id)
    if request.method != "POST":
        return _form("accounts/change.html", account, None, account_id)
    typed = Typed.read()
    try:
        with command() as tx:
            accounts.change(
                tx,
                account_id,
                name=typed.name,
                email=typed.email,
                roles=typed.roles,
                groups=typed.groups,
                is_active=typed.is_active,
            )
    except InvalidValues as refused:
        return _form("accounts/change.html", typed, refused.errors, account_id), 422
    flash(f"{account_id} is changed.", "success")
    return redirect(url_for("accounts.index"))


@bp.post("/<path:account_id>/password")
def set_password(account_id: str) -> ResponseReturnValue:
    """Give somebody a new password without knowing the old one, which one may not do for oneself without the right."""
    with reading() as tx:
        tx.require(Right.ACCOUNTS)
        account = accounts.get(tx, account_id)
    try:
        password = typed_password()
        with command() as tx:
            accounts.set_password(tx, account_id, password)
    except InvalidValues as refused:
        return _form("accounts/change.html", account, refused.errors, account_id), 422
    flash(f"{account_id} has a new password and must sign in again.", "success")
    return redirect(url_for("accounts.index"))


def _form(
    template: str, shown: Account | Typed, errors: Mapping[str, str] | None = None, account_id: str | None = None
) -> str:
    return render_template(template, shown=shown, errors=errors or {}, roles=ROLES, account_id=account_id)
