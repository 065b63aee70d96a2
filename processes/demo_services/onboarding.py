"""A register of identities, a CRM, a mail server and a supplier of equipment; what is made can be taken back."""

from __future__ import annotations

from processes.demo_services.endpoint import Asked, Endpoint, number, refused, text
from processes.demo_services.ledger import Books, Reply

UNKNOWN_DOCUMENTS = "X"
"""Identity documents whose number begins like this are not in the register."""
MAIL_DOMAIN = "example.com"
TAKEN = frozenset({f"robin.berg@{MAIL_DOMAIN}", f"info@{MAIL_DOMAIN}"})
NOWHERE = ".invalid"
"""Addresses that end like this cannot exist."""
BOUNCES = ".test"
"""Messages to addresses that end like this come back."""
PRICE = 50
"""Of each piece of equipment."""


def check_identity(_books: Books, asked: Asked) -> Reply:
    """Told later where the caller names an address for it."""
    confirmed = not text(asked, "number").startswith(UNKNOWN_DOCUMENTS)
    return Reply(202 if text(asked, "answer_to") else 200, {"confirmed": confirmed})


def create_customer(books: Books, asked: Asked) -> Reply:
    email = text(asked, "email")
    if email.endswith(NOWHERE):
        return refused(422, f"Expected an e-mail address that exists, but it is {email}.")
    customer = books.new_id("CRM")
    books.write("customer created", customer, name=text(asked, "name"), email=email)
    return Reply(201, {"customer": customer})


def delete_customer(books: Books, asked: Asked) -> Reply:
    return _take_back(books, text(asked, "customer"), "customer created", "customer deleted")


def create_mailbox(books: Books, asked: Asked) -> Reply:
    address = text(asked, "address") or _usual_address(text(asked, "name"))
    if address in TAKEN:
        return refused(409, f"{address} belongs to somebody else")
    books.write("mailbox created", address, text(asked, "customer"))
    return Reply(201, {"mailbox": address})


def delete_mailbox(books: Books, asked: Asked) -> Reply:
    return _take_back(books, text(asked, "mailbox"), "mailbox created", "mailbox deleted")


def order(books: Books, asked: Asked) -> Reply:
    items = list(asked.get("items") or [])
    price = PRICE * len(items)
    if number(asked, "budget") < price:
        return refused(409, f"the equipment costs {price}")
    ordered = books.new_id("EQ")
    books.write("equipment ordered", ordered, items=items)
    return Reply(202, {"order": ordered}, f"/equipment/orders/{ordered}")


def ordered(books: Books, asked: Asked) -> Reply:
    """It is packed by the second time that somebody asks."""
    order = text(asked, "order")
    if not books.has("equipment ordered", order):
        return refused(404, "there is no such order")
    if books.times_asked() < 2:
        return Reply(202, {"order": order}, f"/equipment/orders/{order}")
    return Reply(200, {"order": order})


def cancel_order(books: Books, asked: Asked) -> Reply:
    return _take_back(books, text(asked, "order"), "equipment ordered", "equipment cancelled")


def send_welcome(books: Books, asked: Asked) -> Reply:
    email = text(asked, "email")
    if email.endswith(BOUNCES):
        return refused(410, f"nobody reads {email}")
    books.write("welcomed", email)
    return Reply(202, {"sent_to": email})


ENDPOINTS = (
    Endpoint("check-identity", "POST /identity/checks", check_identity),
    Endpoint("create-customer", "POST /crm/customers", create_customer),
    Endpoint("delete-customer", "DELETE /crm/customers/<customer>", delete_customer),
    Endpoint("create-mailbox", "POST /mail/mailboxes", create_mailbox),
    Endpoint("delete-mailbox", "DELETE /mail/mailboxes/<mailbox>", delete_mailbox),
    Endpoint("send-welcome", "POST /mail/messages", send_welcome),
    Endpoint("order-equipment", "POST /equipment/orders", order),
    Endpoint("equipment-order", "GET /equipment/orders/<order>", ordered),
    Endpoint("cancel-equipment", "DELETE /equipment/orders/<order>", cancel_order),
)


def _usual_address(name: str) -> str:
    return ".".join(name.lower().split()) + f"@{MAIL_DOMAIN}"


def _take_back(books: Books, thing: str, made: str, undone: str) -> Reply:
    """As often as it was made: the same mailbox may be made again by the next one."""
    acts = [entry.act for entry in books.of(thing)]
    if acts.count(made) > acts.count(undone):
        books.write(undone, thing)
    return Reply(200, {"undone": thing})
