"""Messages and signals: who waits for which, which are kept, and sending one by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import (
    Busy,
    Conflict,
    Invalid,
    InvalidValues,
    Json,
    NotFound,
    Right,
    Transaction,
    instances,
    messages,
    signals,
    subscriptions,
    values,
)
from web import listing
from web.addresses import LARGEST_ID
from web.context import command, is_fragment, may, reading

bp = Blueprint("messages", __name__, url_prefix="/messages")

KINDS = {"message": "Message, to the one who waits", "signal": "Signal, to all who wait"}


@bp.get("/")
def index() -> str:
    asked = {"name": listing.text("name")}
    with reading() as tx:
        page = subscriptions.find(tx, name=asked["name"], limit=listing.PAGE_SIZE, offset=listing.offset())
    return render_template("messages/_list.html" if is_fragment() else "messages/index.html", page=page, asked=asked)


@bp.get("/kept")
def kept() -> str:
    with reading() as tx:
        page = subscriptions.kept(tx, limit=listing.PAGE_SIZE, offset=listing.offset())
    return render_template("messages/kept.html", page=page)


@bp.post("/kept/<int:message_id>/delete")
def delete(message_id: int) -> ResponseReturnValue:
    with command() as tx:
        name = subscriptions.delete_kept(tx, message_id)
    flash(f"Deleted: message {name}. Nobody gets it any more.", "success")
    return redirect(url_for("messages.kept"))


# ---- sending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Typed:
    kind: str = "message"
    name: str = ""
    business_key: str = ""
    instance: str = ""
    correlation_key: str = ""
    variables: str = ""

    @classmethod
    def read(cls, told: Mapping[str, str]) -> Typed:
        texts = {field: told.get(field, "").strip() for field in cls.__slots__}
        return cls(**{**texts, "kind": texts["kind"] if texts["kind"] in KINDS else "message"})

    @property
    def instance_id(self) -> int | None:
        """Raises InvalidValues."""
        if not self.instance:
            return None
        is_id = self.instance.isascii() and self.instance.isdigit() and len(self.instance) < 20
        if not is_id or int(self.instance) > LARGEST_ID:
            raise InvalidValues({"instance": "Expected the number of an instance, or nothing."})
        return int(self.instance)

    @property
    def values(self) -> dict[str, Json]:
        """Raises InvalidValues."""
        try:
            found = values.of_person(self.variables or "{}")
        except TypeError as cause:
            raise InvalidValues({"variables": str(cause)}) from cause
        if not isinstance(found, dict):
            raise InvalidValues({"variables": 'Expected a JSON object such as {"amount": 12}.'})
        return found


@bp.route("/send", methods=["GET", "POST"])
def send() -> ResponseReturnValue:
    """The address may bring what is typed already."""
    if request.method != "POST":
        with reading() as tx:
            tx.require(Right.MESSAGE)
        return _form(Typed.read(request.args))
    typed = Typed.read(request.form)
    try:
        with command() as tx:
            told, address = _signalled(tx, typed) if typed.kind == "signal" else _delivered(tx, typed)
    except InvalidValues as refused:
        return _form(typed, refused.errors), 422
    except Invalid as refused:
        return _form(typed, {"variables": " ".join(each.message for each in refused.problems)}), 422
    except Busy:
        raise
    except NotFound as refused:
        return _form(typed, answer=str(refused)), 404
    except Conflict as refused:
        return _form(typed, answer=str(refused)), 409
    flash(told, "success")
    return redirect(address)


def _form(typed: Typed, errors: Mapping[str, str] | None = None, *, answer: str = "") -> str:
    return render_template("messages/send.html", shown=typed, errors=errors or {}, answer=answer, kinds=KINDS)


def _delivered(tx: Transaction, typed: Typed) -> tuple[str, str]:
    """What to tell, and where."""
    _require_name(typed)
    taker_id = messages.correlate(
        tx,
        typed.name,
        business_key=typed.business_key or None,
        correlation_key=typed.correlation_key or None,
        instance_id=typed.instance_id,
        variables=typed.values,
    )
    taker, is_begun = instances.taker(tx, taker_id or 0)
    who = f"instance {taker.id} of {taker.definition_name or taker.definition_key}"
    is_seen = may(Right.INSPECT)
    address = url_for("instances.show", instance_id=taker.id) if is_seen else url_for("messages.send")
    return f"Message {typed.name} {'has begun' if is_begun else 'was taken by'} {who}.", address


def _signalled(tx: Transaction, typed: Typed) -> tuple[str, str]:
    _require_name(typed)
    unfit = [field for field in ("business_key", "instance", "correlation_key") if getattr(typed, field)]
    if unfit:
        raise InvalidValues(dict.fromkeys(unfit, "Expected nothing: a signal goes to all who wait for it."))
    count = signals.broadcast(tx, typed.name, typed.values)
    if not count:
        raise NotFound(f'Expected somebody to wait for signal "{typed.name}", but nobody does; nothing starts with it.')
    told = f"Signal {typed.name} goes to {count} that {'waits' if count == 1 else 'wait'} for it."
    return told, url_for("messages.index", name=typed.name)


def _require_name(typed: Typed) -> None:
    if not typed.name:
        raise InvalidValues({"name": "Expected a name, as the diagram has it."})
