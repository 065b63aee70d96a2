"""A bank and a shop: reserve, charge, settle and confirm, each with its undo; the end of the account decides."""

from __future__ import annotations

from processes.demo_services.endpoint import Asked, Endpoint, number, refused, text
from processes.demo_services.ledger import Books, Entry, Reply

HARMLESS, DOUBTFUL = 10, 80
DECLINED = "0000"
"""Ends of accounts: nothing can be reserved on it."""
NOT_CHARGED = "5555"
"""The amount is reserved, but cannot be charged."""
NOT_SETTLED = "8888"
CANCELLED = "7777"
"""All is paid, but the shop has cancelled the order meanwhile."""
REQUESTS_NEEDED = {"1111": 2, "9999": None}
"""How often the bank wants to be asked before it transfers; None: it never does."""


def check_fraud(_books: Books, asked: Asked) -> Reply:
    return Reply(200, {"score": DOUBTFUL if text(asked, "email").endswith(".invalid") else HARMLESS})


def authorize(books: Books, asked: Asked) -> Reply:
    account = text(asked, "account")
    if account.endswith(DECLINED):
        return refused(402, f"the bank refuses account {account}")
    authorization = books.new_id("AUTH")
    about = {"amount": number(asked, "amount"), "account": account}
    books.write("reserved", authorization, text(asked, "reference"), **about)
    return Reply(201, {"authorization": authorization})


def charge(books: Books, asked: Asked) -> Reply:
    reserved = _reserved(books, asked)
    if reserved is None or books.has("released", reserved.thing):
        return refused(404, "there is no such reservation")
    if _ends(reserved, NOT_CHARGED):
        return refused(402, "the account does not cover the amount any more")
    if not books.has("charged", reserved.thing):
        _write(books, "charged", reserved)
    return Reply(201, {"charge": reserved.thing.replace("AUTH", "CH")})


def settle(books: Books, asked: Asked) -> Reply:
    reserved = _reserved(books, asked)
    if reserved is None or not books.has("charged", reserved.thing) or books.has("refunded", reserved.thing):
        return refused(409, "there is no charge to settle")
    if _ends(reserved, NOT_SETTLED):
        return refused(402, "the bank of the payer takes the transfer back")
    requests = 1 + sum(entry.act == "asked to settle" for entry in books.of(reserved.thing))
    _write(books, "asked to settle", reserved)
    needed = REQUESTS_NEEDED.get(reserved.data["account"][-4:], 1)
    settled = needed is not None and requests >= needed
    if settled and not books.has("settled", reserved.thing):
        _write(books, "settled", reserved)
    return Reply(200, {"settled": settled, "requests": requests})


def confirm(books: Books, asked: Asked) -> Reply:
    reserved = _reserved(books, asked)
    if reserved is None:
        return refused(404, "there is no such payment")
    if _ends(reserved, CANCELLED):
        return refused(410, "the order was cancelled")
    _write(books, "confirmed", reserved)
    return Reply(200, {"confirmed": reserved.reference})


def take_back(books: Books, asked: Asked) -> Reply:
    return _undo(books, asked, "settled", "returned")


def refund(books: Books, asked: Asked) -> Reply:
    """A transfer that came too late to be noticed goes back with it."""
    _undo(books, asked, "settled", "returned")
    return _undo(books, asked, "charged", "refunded")


def release(books: Books, asked: Asked) -> Reply:
    return _undo(books, asked, "reserved", "released")


ENDPOINTS = (
    Endpoint("check-fraud", "POST /payments/fraud-checks", check_fraud),
    Endpoint("authorize", "POST /payments/authorizations", authorize),
    Endpoint("charge", "POST /payments/authorizations/<authorization>/charge", charge),
    Endpoint("settle", "POST /payments/authorizations/<authorization>/settlement", settle),
    Endpoint("return", "DELETE /payments/authorizations/<authorization>/settlement", take_back),
    Endpoint("refund", "POST /payments/authorizations/<authorization>/refund", refund),
    Endpoint("release", "DELETE /payments/authorizations/<authorization>", release),
    Endpoint("confirm", "POST /shop/confirmations/<authorization>", confirm),
)


def _reserved(books: Books, asked: Asked) -> Entry | None:
    found = books.of(text(asked, "authorization"))
    return next((entry for entry in found if entry.act == "reserved"), None)


def _ends(reserved: Entry, end: str) -> bool:
    return bool(reserved.data["account"].endswith(end))


def _undo(books: Books, asked: Asked, done: str, undone: str) -> Reply:
    """What was not done, or is undone, needs no undoing."""
    reserved = _reserved(books, asked)
    if reserved is not None and books.has(done, reserved.thing) and not books.has(undone, reserved.thing):
        _write(books, undone, reserved)
    return Reply(200, {"undone": text(asked, "authorization")})


def _write(books: Books, act: str, reserved: Entry) -> None:
    books.write(act, reserved.thing, reserved.reference, amount=reserved.data["amount"])
