"""A budget and a supplier: money is set aside before the order, and given back when nothing is delivered."""

from __future__ import annotations

from processes.demo_services.endpoint import Asked, Endpoint, number, refused, text
from processes.demo_services.ledger import Books, Reply

LIMIT = 50_000
"""What one purchase may take out of the budget."""
GONE = "discontinued"
"""The supplier has nothing with this word in its name any more."""


def check(_books: Books, asked: Asked) -> Reply:
    return Reply(200, {"covered": number(asked, "amount") <= LIMIT})


def commit(books: Books, asked: Asked) -> Reply:
    amount = number(asked, "amount")
    if amount > LIMIT:
        return refused(409, f"the budget allows {LIMIT:,} for one purchase")
    commitment = books.new_id("BUD")
    books.write("budget committed", commitment, amount=amount)
    return Reply(201, {"commitment": commitment})


def release(books: Books, asked: Asked) -> Reply:
    commitment = text(asked, "commitment")
    if books.has("budget committed", commitment) and not books.has("budget released", commitment):
        books.write("budget released", commitment)
    return Reply(200, {"undone": commitment})


def order(books: Books, asked: Asked) -> Reply:
    item = text(asked, "item")
    if GONE in item.lower():
        return refused(410, f"{item} is not made any more")
    number = books.new_id("PO")
    books.write("ordered", number, text(asked, "commitment"), item=item)
    return Reply(201, {"order_number": number})


ENDPOINTS = (
    Endpoint("check-budget", "POST /budget/checks", check),
    Endpoint("commit-budget", "POST /budget/commitments", commit),
    Endpoint("release-budget", "DELETE /budget/commitments/<commitment>", release),
    Endpoint("place-order", "POST /suppliers/orders", order),
)
