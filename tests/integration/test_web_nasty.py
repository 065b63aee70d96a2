"""Nothing that anybody can type, send or follow is a bug of ours: every address, as everybody, with nasty parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from werkzeug.routing import Rule

from tests.site import Site, Visitor

NUMBERS = ("0", "1", "-1", str(2**63 - 1), str(2**63), str(2**64), "9" * 40, "9" * 5000, "1.5", "٣")
TEXTS = ("\0", "a\0b", "\ud800", "\U0010ffff", "%", "_\\", "'\"--", "<b>", "a" * 5000, "../..", "//", " ", "\n", "nan")
QUERIES = {
    "offset": ("-1", "1000000000", str(2**63), "9" * 5000, "x"),
    "search": TEXTS,
    "business_key": TEXTS,
    "name": TEXTS,
    "value": (*TEXTS, "1e999", "-inf", "9" * 400),
    "view": ("groups", "\0", "none"),
    "sort": ("priority", "created", "\0", "none"),
    "status": ("active", "\0"),
    "key": TEXTS,
    "incidents": ("1", "2"),
    "kind": ("events", "activities", "\0"),
    "next": ("//evil.example", "\\", "http://[", "\0", "javascript:1"),
}
FORMS = {
    "values": (
        "",
        "[]",
        "{",
        "nan",
        '{"a": 1e999}',
        '{"a": NaN}',
        '{"a": "\\u0000", "\\u0000": 1}',
        '{"a": "\\ud800", "\\ud800": 1}',
        '{"days": 1' + "0" * 400 + "}",
        '{"days": 1' + "0" * 5000 + "}",
        "[" * 5000,
        json.dumps({"a": "x" * 100_000}),
    ),
    "button": ("-1", "0", "999", str(2**64), "9" * 5000, "x", "\0", "٣"),
    "business_key": TEXTS,
    "reason": TEXTS,
    "account": TEXTS,
    "next": QUERIES["next"],
    "id": TEXTS,
    "name": TEXTS,
    "email": TEXTS,
    "groups": (*TEXTS, "a,,b", ",".join(map(str, range(100)))),
    "roles": ("admin", "none", "\0"),
    "password": TEXTS,
    "again": TEXTS,
    "present": TEXTS,
}
NOBODY = "nobody"


@pytest.fixture
def busy(site: Site) -> Site:
    """A site with something behind each kind of address."""
    site.deploy("leave.bpmn")
    site.deploy("failing.bpmn")
    site.deploy("deadline.bpmn")
    ana = site.visitor("ana")
    for name in ("Leave request", "Divide", "Answer in time"):
        ana.start(name, business_key="N-1")
    return site


def encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def rules(site: Site, method: str) -> list[Rule]:
    return [rule for rule in site.app.url_map.iter_rules() if method in (rule.methods or ())]


def addresses(rule: Rule) -> Iterator[str]:
    """The rule's address with each nasty thing in place of what varies."""
    parts = [(is_dynamic, text) for is_dynamic, text in rule._trace if text != "|"]
    if not rule.arguments:
        yield rule.rule
        return
    for nasty in (*NUMBERS, *TEXTS):
        yield "".join(encoded(nasty) if is_dynamic else text for is_dynamic, text in parts)


def own_address(rule: Rule) -> str:
    return "".join("1" if is_dynamic else text for is_dynamic, text in rule._trace if text != "|")


def visitor(site: Site, name: str) -> Visitor:
    return site.stranger() if name == NOBODY else site.visitor(name)


def rounds(nasty: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Each nasty text of each field in some round; fields with few begin again."""
    longest = max(map(len, nasty.values()))
    return [{key: texts[index % len(texts)] for key, texts in nasty.items()} for index in range(longest)]


EVERYBODY = pytest.mark.parametrize("name", [NOBODY, "ana", "ben", "root"])


@EVERYBODY
def test_no_nasty_address_is_a_bug(busy: Site, name: str) -> None:
    person = visitor(busy, name)

    for rule in rules(busy, "GET"):
        for address in addresses(rule):
            answer = person.get(address)
            assert answer.status_code < 500, f"{name}: {address[:100]}"
            answer.close()


@EVERYBODY
def test_no_nasty_question_is_a_bug(busy: Site, name: str) -> None:
    person = visitor(busy, name)

    for rule in rules(busy, "GET"):
        for asked in rounds(QUERIES):
            query = "&".join(f"{key}={encoded(text)}" for key, text in asked.items())
            answer = person.get(f"{own_address(rule)}?{query}")
            assert answer.status_code < 500, f"{name}: {rule} {query[:1000]}"
            answer.close()


@EVERYBODY
def test_no_nasty_form_is_a_bug(busy: Site, name: str) -> None:
    person = visitor(busy, name)

    for rule in rules(busy, "POST"):
        if rule.endpoint == "auth.logout":
            continue
        for address in addresses(rule):
            assert person.post(address).status_code < 500, f"{name}: {address[:100]}"
        for filled in rounds(FORMS):
            sent = {key: text.encode("utf-8", "surrogatepass") for key, text in filled.items()}
            answer = person.post(own_address(rule), sent)
            assert answer.status_code < 500, f"{name}: {rule} {filled}"
