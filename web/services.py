"""Services outside: which there are, how they are called; and the secrets that prove to them who we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import Auth, InvalidValues, Right, Service, circuits, secrets, workers
from engine.services import catalog
from web import people
from web.context import command, may, reading

bp = Blueprint("services", __name__, url_prefix="/services")

AUTHS = {
    Auth.NONE: "Nothing",
    Auth.BASIC: "Name and password (Basic)",
    Auth.BEARER: "Token (Bearer)",
    Auth.OAUTH2: "OAuth 2.0, client credentials",
}
_TEXTS = ("name", "base_url", "user", "secret", "token_url", "scope")


@bp.get("/")
def index() -> str:
    with reading() as tx:
        kept = secrets.find(tx) if may(Right.ACCOUNTS) else None
        about = {"services": catalog.find(tx), "down": circuits.find(tx), "topics": workers.topics(tx)}
        unserved = {topic.name for topic in workers.unserved(tx)}
        people.know(tx, kept or ())
    return render_template("services/index.html", secrets=kept, unserved=unserved, auths=AUTHS, **about)


# ---- services ------------------------------------------------------------------------------------------------------


@bp.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    return _edited(Service("", ""), is_new=True)


@bp.route("/<name>/change", methods=["GET", "POST"])
def change(name: str) -> ResponseReturnValue:
    with reading() as tx:
        known = catalog.get(tx, name)
    return _edited(known, is_new=False)


def _edited(known: Service, *, is_new: bool) -> ResponseReturnValue:
    if request.method != "POST":
        with reading() as tx:
            tx.require(Right.REPAIR)
        return _form(known, is_new)
    typed, errors = _typed(known, is_new)
    try:
        with command() as tx:
            if errors:
                raise InvalidValues(errors)
            catalog.put(tx, typed)
    except InvalidValues as refused:
        return _form(typed, is_new, refused.errors), 422
    flash(f"{typed.name} is {'added' if is_new else 'changed'}.", "success")
    return redirect(url_for("services.index"))


def _typed(known: Service, is_new: bool) -> tuple[Service, dict[str, str]]:
    form = request.form
    texts = {field: form.get(field, "").strip() for field in _TEXTS if field != "name" or is_new}
    auth = Auth(form["auth"]) if form.get("auth") in set(Auth) else Auth.NONE
    errors: dict[str, str] = {}
    limits = {field: _number(field, errors) for field in ("most_at_once", "most_per_second")}
    at_once = None if limits["most_at_once"] is None else int(limits["most_at_once"])
    about = {"auth": auth, "most_at_once": at_once, "most_per_second": limits["most_per_second"]}
    return replace(known, **texts, **about), errors  # type: ignore[arg-type]


def _number(field: str, errors: dict[str, str]) -> float | None:
    text = request.form.get(field, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        errors[field] = "Expected a number, or nothing."
        return None


def _form(shown: Service, is_new: bool, errors: Mapping[str, str] | None = None) -> str:
    about = {"shown": shown, "is_new": is_new, "auths": AUTHS, "errors": errors or {}}
    return render_template("services/edit.html", **about)


@bp.post("/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    with command() as tx:
        catalog.delete_service(tx, name)
    flash(f"Deleted: {name}. Calls of it fail from now on.", "success")
    return redirect(url_for("services.index"))


# ---- services that are down ----------------------------------------------------------------------------------------


@bp.post("/down/try")
def try_one() -> ResponseReturnValue:
    name = request.form.get("name", "")
    with command() as tx:
        circuits.try_one(tx, name)
    flash(f"One call tries {name[:100]} now. When it passes, all go on.", "info")
    return redirect(url_for("services.index"))


@bp.post("/down/all")
def let_all() -> ResponseReturnValue:
    name = request.form.get("name", "")
    with command() as tx:
        circuits.let_all(tx, name)
    flash(f"All calls of {name[:100]} go on.", "info")
    return redirect(url_for("services.index"))


# ---- secrets -------------------------------------------------------------------------------------------------------


@bp.route("/secrets/new", methods=["GET", "POST"])
def new_secret() -> ResponseReturnValue:
    name = request.values.get("name", "").strip()
    if request.method != "POST":
        with reading() as tx:
            tx.require(Right.ACCOUNTS)
        return render_template("services/secret.html", name=name, errors={})
    try:
        with command() as tx:
            secrets.put(tx, name, request.form.get("content", ""))
    except InvalidValues as refused:
        return render_template("services/secret.html", name=name, errors=refused.errors), 422
    flash(f"Secret {name} is kept.", "success")
    return redirect(url_for("services.index"))


@bp.post("/secrets/<name>/delete")
def delete_secret(name: str) -> ResponseReturnValue:
    with command() as tx:
        secrets.delete_secret(tx, name)
    flash(f"Secret {name} is deleted. Calls that need it fail from now on.", "success")
    return redirect(url_for("services.index"))
