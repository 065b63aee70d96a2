"""Webhooks: which there are, how what comes is read, what came last, and trying one out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import InvalidValues, Right
from engine.webhooks import Expressions, Outcome, Scheme, Target, Webhook, catalog
from engine.webhooks.receive import Preview, Sent, preview
from web.context import command, engine, reading

bp = Blueprint("webhooks", __name__, url_prefix="/messages/webhooks")

SCHEMES = {
    Scheme.STANDARD: "Standard Webhooks",
    Scheme.GITHUB: "GitHub",
    Scheme.STRIPE: "Stripe",
    Scheme.SLACK: "Slack",
    Scheme.PLAIN: "Ours: timestamp and body",
}
TARGETS = {Target.MESSAGE: "A message, to the one who waits", Target.SIGNAL: "A signal, to all who wait"}
LOOK = {
    Outcome.TAKEN: "success",
    Outcome.REPEATED: "secondary",
    Outcome.KEPT: "info",
    Outcome.PASSED_OVER: "secondary",
    Outcome.UNAWAITED: "warning",
    Outcome.AMBIGUOUS: "warning",
    Outcome.UNREADABLE: "danger",
    Outcome.UNPROVEN: "danger",
}
"""Bootstrap's colour for what came of a delivery."""
_EXPRESSIONS = tuple(Expressions.__slots__)
_LONGEST_HOURS = 10_000


@bp.get("/")
def index() -> str:
    with reading() as tx:
        found = catalog.find(tx)
    return render_template("webhooks/index.html", webhooks=found, schemes=SCHEMES, address=_address)


@bp.get("/<name>")
def show(name: str) -> str:
    with reading() as tx:
        webhook, deliveries = catalog.get(tx, name), catalog.deliveries(tx, name)
    about = {"schemes": SCHEMES, "look": LOOK, "address": _address(name), "hours": _hours(webhook)}
    expressions = asdict(webhook.expressions)
    return render_template(
        "webhooks/show.html", webhook=webhook, deliveries=deliveries, expressions=expressions, **about
    )


def _address(name: str) -> str:
    """Where services send to."""
    public = engine().settings.public_url.rstrip("/")
    path = url_for("deliveries.deliver", name=name)
    return f"{public}{path}" if public else url_for("deliveries.deliver", name=name, _external=True)


@bp.post("/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    with command() as tx:
        catalog.delete_webhook(tx, name)
    flash(f"Deleted: {name}. What is sent to it is refused from now on.", "success")
    return redirect(url_for("webhooks.index"))


# ---- adding and changing -------------------------------------------------------------------------------------------


@bp.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    return _edited(Webhook(""), is_new=True)


@bp.route("/<name>/change", methods=["GET", "POST"])
def change(name: str) -> ResponseReturnValue:
    with reading() as tx:
        known = catalog.get(tx, name)
    return _edited(known, is_new=False)


def _edited(known: Webhook, *, is_new: bool) -> ResponseReturnValue:
    if request.method != "POST":
        with reading() as tx:
            tx.require(Right.REPAIR)
        return _form(known, is_new=is_new, hours=_hours(known))
    typed, errors = _typed(known, is_new=is_new)
    try:
        with command() as tx:
            if errors:
                raise InvalidValues(errors)
            catalog.put(tx, typed)
    except InvalidValues as refused:
        return _form(typed, is_new=is_new, hours=request.form.get("lifetime", ""), errors=refused.errors), 422
    flash(f"{typed.name} is {'added' if is_new else 'changed'}.", "success")
    return redirect(url_for("webhooks.show", name=typed.name))


def _typed(known: Webhook, *, is_new: bool) -> tuple[Webhook, dict[str, str]]:
    form = request.form
    errors: dict[str, str] = {}
    typed = replace(
        known,
        name=form.get("name", "").strip() if is_new else known.name,
        target=Target(form["target"]) if form.get("target") in set(Target) else Target.MESSAGE,
        target_name=form.get("target_name", "").strip(),
        scheme=Scheme(form["scheme"]) if form.get("scheme") in set(Scheme) else Scheme.STANDARD,
        secret=form.get("secret", "").strip(),
        expressions=Expressions(*(_source(form, field) for field in _EXPRESSIONS)),
        lifetime=_lifetime(form.get("lifetime", ""), errors),
        is_active=form.get("is_active") == "1",
    )
    return typed, errors


def _source(form: Mapping[str, str], field: str) -> str:
    """Browsers write line ends in two characters."""
    return form.get(field, "").replace("\r\n", "\n").rstrip()


def _lifetime(hours: str, errors: dict[str, str]) -> timedelta | None:
    if not hours.strip():
        return None
    try:
        told = float(hours)
    except ValueError:
        told = 0
    if not 0 < told <= _LONGEST_HOURS:
        errors["lifetime"] = "Expected a number of hours, or nothing."
        return None
    return timedelta(hours=told)


def _hours(known: Webhook) -> str:
    return "" if known.lifetime is None else f"{known.lifetime / timedelta(hours=1):g}"


def _form(shown: Webhook, *, is_new: bool, hours: str, errors: Mapping[str, str] | None = None) -> str:
    about = {"schemes": SCHEMES, "targets": TARGETS, "expressions": asdict(shown.expressions)}
    return render_template("webhooks/edit.html", shown=shown, is_new=is_new, hours=hours, errors=errors or {}, **about)


# ---- trying out ----------------------------------------------------------------------------------------------------


@bp.route("/<name>/try", methods=["GET", "POST"])
def attempt(name: str) -> ResponseReturnValue:
    """What a body would do; nothing is done."""
    with reading() as tx:
        tx.require(Right.REPAIR)
        webhook = catalog.get(tx, name)
        if request.method != "POST":
            return _attempt(webhook, None, {})
        try:
            found = preview(tx, name, Sent(request.form.get("body", "").encode(), _headers()))
        except InvalidValues as refused:
            return _attempt(webhook, None, refused.errors), 422
    return _attempt(webhook, found, {})


def _headers() -> dict[str, str]:
    """Each in a line, as in Name: value."""
    lines = (line.partition(":") for line in request.form.get("headers", "").splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in lines if name.strip()}


def _attempt(webhook: Webhook, found: Preview | None, errors: Mapping[str, str]) -> str:
    return render_template("webhooks/try.html", webhook=webhook, found=found, errors=errors)
