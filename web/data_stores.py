"""Data stores: what all instances share, to be seen and put right."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import InvalidValues, Right, data_stores
from web import listing, people
from web.context import command, reading

bp = Blueprint("data_stores", __name__, url_prefix="/data-stores")


@bp.get("/")
def index() -> str:
    with reading() as tx:
        page = data_stores.find(tx, limit=listing.PAGE_SIZE, offset=listing.offset())
        people.know(tx, page.rows)
    return render_template("data_stores/index.html", page=page)


@bp.get("/change")
def change() -> str:
    with reading() as tx:
        tx.require(Right.REPAIR)
        store = data_stores.get(tx, request.args.get("name", ""))
    return render_template("data_stores/change.html", store=store, text=data_stores.text_of(store), error="")


@bp.post("/change")
def write() -> ResponseReturnValue:
    """What cannot be read as JSON shows the page again as it was typed."""
    name, text, version = request.args.get("name", ""), request.form.get("value", ""), request.form.get("version", "")
    try:
        with command() as tx:
            data_stores.put_text(tx, name, text, seen=int(version) if version.isdecimal() else None)
    except InvalidValues as refused:
        with reading() as tx:
            store = data_stores.get(tx, name)
        error = " ".join(refused.errors.values())
        return render_template("data_stores/change.html", store=store, text=text, error=error), 422
    flash(f"Changed: {name}", "success")
    return redirect(url_for("data_stores.index"))
