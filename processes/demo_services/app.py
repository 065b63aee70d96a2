"""The application: endpoints behind their switches, the ledger, and a page with buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from processes.demo_services import documents, later, onboarding, payment, purchase
from processes.demo_services.endpoint import Endpoint
from processes.demo_services.ledger import Ledger, Reply
from processes.demo_services.switches import Switches

ENDPOINTS = (*payment.ENDPOINTS, *onboarding.ENDPOINTS, *documents.ENDPOINTS, *purchase.ENDPOINTS)
NAMES = [endpoint.name for endpoint in ENDPOINTS]
EVERY = "all"
"""Stands for every endpoint where switches are set."""
BUTTONS = {
    "slow": {"slow": 5},
    "failing": {"failing": 0.5},
    "duplicate": {"duplicate": 1},
    "dead": {"dead": True},
    "off": {"off": True},
}
"""What each button of the page sets."""


def create_app(file: Path) -> Flask:
    """file: of the ledger; made when it is not there."""
    app, ledger = Flask(__name__), Ledger(file)
    for endpoint in ENDPOINTS:
        answer = partial(_answer, ledger, endpoint)
        app.add_url_rule(endpoint.path, endpoint.name, answer, methods=[endpoint.method])
    routes: tuple[tuple[str, str, Callable[..., ResponseReturnValue]], ...] = (
        ("GET", "/", _page),
        ("POST", "/", _press),
        ("GET", "/switches", _switches),
        ("PUT", "/switches/<name>", _switch),
        ("GET", "/ledger", _ledger),
        ("GET", "/ledger/payments/<reference>", _payment),
    )
    for method, path, view in routes:
        app.add_url_rule(path, view.__name__, partial(view, ledger), methods=[method])
    return app


# ---- one call ------------------------------------------------------------------------------------------------------


def _answer(ledger: Ledger, endpoint: Endpoint, **parts: str) -> ResponseReturnValue:
    """The same key gets the same answer and its work is done once, whatever the switches do to the answer."""
    switches = Switches.of(ledger.told().get(endpoint.name, {}))
    if switches.dead:
        return _dropped()
    key = request.headers.get("Idempotency-Key", "") if endpoint.method != "GET" else request.path
    if not key:
        return jsonify(reason="Expected the header Idempotency-Key: it makes asking twice harmless."), 400
    asked = _asked() | parts
    times = ledger.count(endpoint.name, key)
    switches.wait()
    if switches.fails():
        return jsonify(reason="out of order"), 503
    if endpoint.method == "GET":
        return _told(ledger.look(endpoint.name, key, lambda books: endpoint.work(books, asked)))
    reply, is_new = ledger.once(endpoint.name, key, lambda books: endpoint.work(books, asked))
    if is_new and switches.hides():
        return _dropped() if times % 2 else (jsonify(reason="something went wrong"), 500)
    if reply.status == 202 and asked.get("answer_to"):
        later.promise(reply, str(asked["answer_to"]))
        return jsonify(), 202
    return _told(reply)


def _asked() -> dict[str, Any]:
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}


def _told(reply: Reply) -> ResponseReturnValue:
    response = jsonify(reply.body)
    if reply.location is not None:
        response.headers["Location"] = reply.location
    return response, reply.status


def _dropped() -> Response:
    """An answer that ends before it has begun: the server closes the connection."""
    return Response(iter(()), headers={"Content-Length": "1"})


# ---- switches ------------------------------------------------------------------------------------------------------


def _switches(ledger: Ledger) -> ResponseReturnValue:
    return jsonify({name: Switches.of(told).told for name, told in ledger.told().items()})


def _switch(ledger: Ledger, name: str) -> ResponseReturnValue:
    """What is not named in the body is off."""
    try:
        switches = Switches.of(_asked())
    except ValueError as wrong:
        return jsonify(reason=str(wrong)), 422
    if name not in (*NAMES, EVERY):
        return jsonify(reason=f"Expected {EVERY} or one of {', '.join(NAMES)}."), 404
    ledger.tell(NAMES if name == EVERY else [name], switches.told)
    return jsonify(switches.told)


# ---- the page ------------------------------------------------------------------------------------------------------


def _page(ledger: Ledger) -> ResponseReturnValue:
    on = {name: Switches.of(told).told for name, told in ledger.told().items()}
    return render_template(
        "demo.html", endpoints=ENDPOINTS, on=on, every=EVERY, buttons=BUTTONS, entries=ledger.entries()[-20:]
    )


def _press(ledger: Ledger) -> ResponseReturnValue:
    name, button = request.form.get("endpoint", ""), request.form.get("button", "")
    if button in BUTTONS and name in (*NAMES, EVERY):
        ledger.tell(NAMES if name == EVERY else [name], Switches.of(BUTTONS[button]).told)
    return redirect(url_for("_page"))


# ---- the ledger ----------------------------------------------------------------------------------------------------


def _ledger(ledger: Ledger) -> ResponseReturnValue:
    return jsonify(calls=ledger.calls(), entries=[asdict(entry) for entry in ledger.entries()])


def _payment(ledger: Ledger, reference: str) -> ResponseReturnValue:
    entries = ledger.of(reference)
    acts = [entry.act for entry in entries]
    counted = {act: acts.count(act) for act in dict.fromkeys(acts)}
    return jsonify(reference=reference, acts=counted, entries=[asdict(entry) for entry in entries])
