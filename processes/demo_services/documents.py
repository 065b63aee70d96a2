"""Transformations of documents; every answer follows from the text."""

from __future__ import annotations

from processes.demo_services.endpoint import Asked, Endpoint, text
from processes.demo_services.ledger import Books, Reply

WORDS = {
    "invoice": frozenset({"invoice", "amount", "payable", "vat"}),
    "contract": frozenset({"contract", "agreement", "parties", "clause"}),
    "letter": frozenset({"dear", "sincerely", "regards"}),
}
"""Category -> the words that speak for it."""


def extract(_books: Books, asked: Asked) -> Reply:
    """A document without a colon has its whole line as title and as text."""
    document = text(asked, "document")
    title, _, rest = document.partition(":")
    return Reply(200, {"title": title.strip(), "text": rest.strip() or document})


def classify(_books: Books, asked: Asked) -> Reply:
    """The category most words speak for; confidence is its share of all words that speak for any."""
    words = set(text(asked, "text").split())
    votes = {category: len(words & known) for category, known in WORDS.items()}
    best = max(votes, key=lambda category: votes[category])
    if votes[best] == 0:
        return Reply(200, {"category": "other", "confidence": 0.0})
    return Reply(200, {"category": best, "confidence": round(votes[best] / sum(votes.values()), 2)})


def store(books: Books, asked: Asked) -> Reply:
    document = books.new_id("DOC")
    books.write("stored", document, text(asked, "title"), category=text(asked, "category"))
    return Reply(201, {"document": document})


ENDPOINTS = (
    Endpoint("extract", "POST /documents/extractions", extract),
    Endpoint("classify", "POST /documents/classifications", classify),
    Endpoint("store", "POST /documents/archive", store),
)
