"""Access tokens: which programs are let in, for what and until when; making and deleting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import Conflict, InvalidValues, Right, access_tokens
from web import people
from web.context import command, reading

bp = Blueprint("access_tokens", __name__, url_prefix="/access")

SCOPES = {
    Right.WORK: "takes the work of service tasks",
    Right.START: "starts any process",
    Right.MESSAGE: "sends messages and signals",
    Right.INSPECT: "sees every instance",
    Right.REPAIR: "repairs instances",
    Right.DEPLOY: "uploads diagrams",
}
LIVES = {"30": "30 days", "90": "90 days", "365": "one year"}


@dataclass(frozen=True, slots=True)
class Typed:
    name: str = ""
    scopes: frozenset[Right] = frozenset()
    life: str = "90"

    @classmethod
    def read(cls) -> Typed:
        form = request.form
        scopes = frozenset(scope for scope in SCOPES if scope in form.getlist("scopes"))
        return cls(form.get("name", "").strip(), scopes, form.get("life", ""))


@bp.get("/")
def index() -> str:
    with reading() as tx:
        tokens = access_tokens.find(tx)
        people.know(tx, tokens)
    return render_template("access_tokens/index.html", tokens=tokens)


@bp.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    if request.method != "POST":
        with reading() as tx:
            tx.require(Right.ACCOUNTS)
        return _form(Typed())
    typed = Typed.read()
    life = timedelta(days=int(typed.life)) if typed.life in LIVES else timedelta()
    try:
        with command() as tx:
            secret = access_tokens.add(tx, typed.name, scopes=typed.scopes, life=life)
    except InvalidValues as refused:
        return _form(typed, refused.errors), 422
    except Conflict as taken:
        return _form(typed, {"name": str(taken)}), 422
    page = render_template("access_tokens/made.html", name=typed.name, secret=secret)
    return page, 200, {"Cache-Control": "no-store"}


@bp.post("/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    with command() as tx:
        access_tokens.delete_token(tx, name)
    flash(f"Deleted: {name}. Whoever uses it is let in no longer.", "success")
    return redirect(url_for("access_tokens.index"))


def _form(typed: Typed, errors: Mapping[str, str] | None = None) -> str:
    return render_template("access_tokens/new.html", shown=typed, errors=errors or {}, scopes=SCOPES, lives=LIVES)
