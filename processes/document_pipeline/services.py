"""The transformations of this example; every answer follows from the text of the document."""

from __future__ import annotations

from collections.abc import Mapping

from engine import services

WORDS = {
    "invoice": frozenset({"invoice", "amount", "payable", "vat"}),
    "contract": frozenset({"contract", "agreement", "parties", "clause"}),
    "letter": frozenset({"dear", "sincerely", "regards"}),
}
"""Category -> the words that speak for it."""


@services.register("extract-text")
def extract_text(call: services.Call) -> Mapping[str, object]:
    """A document without a colon has its whole line as title and as text."""
    document = str(call.variables["document"])
    title, _, text = document.partition(":")
    return {"title": title.strip(), "text": text.strip() or document}


@services.register("classify-document")
def classify_document(call: services.Call) -> Mapping[str, object]:
    """Answer with the category most words speak for; confidence is its share of all words that speak for any."""
    words = set(str(call.variables["text"]).split())
    votes = {category: len(words & known) for category, known in WORDS.items()}
    best = max(votes, key=lambda category: votes[category])
    if votes[best] == 0:
        return {"category": "other", "confidence": 0.0}
    return {"category": best, "confidence": round(votes[best] / sum(votes.values()), 2)}


@services.register("publish-collection")
def publish_collection(call: services.Call) -> Mapping[str, object]:
    return {"collection": f"COLLECTION-{call.instance_id:05d}"}
