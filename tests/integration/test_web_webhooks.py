"""The pages of webhooks: adding, changing, deleting, the last deliveries, and trying one out."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from engine import SYSTEM, instances
from engine.webhooks import Expressions, Scheme, Target, Webhook, catalog
from tests.integration.test_webhooks import BEGINS, SHOP, deliver, set_up
from tests.site import Site, words

PAGES = "/messages/webhooks"
TOLD = {
    "name": "shop",
    "target": "message",
    "target_name": "paid",
    "scheme": "stripe",
    "secret": "key",
    "business_key": 'body["id"]',
    "variables": 'a = 1\r\nb = body["b"]\r\n',
    "lifetime": "1.5",
    "is_active": "1",
}


def test_a_webhook_is_added_changed_and_deleted(site: Site) -> None:
    root = site.visitor("root")
    assert "No webhook is set up" in root.page(f"{PAGES}/")

    assert root.post(f"{PAGES}/new", TOLD).headers["Location"] == f"{PAGES}/shop"
    page = root.get(f"{PAGES}/shop").text
    assert 'value="http://localhost/webhooks/shop"' in page and "Nothing has come yet" in page
    with site.engine.reading(SYSTEM) as tx:
        (kept,) = catalog.find(tx)
    read = Expressions(business_key='body["id"]', variables='a = 1\nb = body["b"]')
    assert kept == Webhook("shop", Target.MESSAGE, "paid", Scheme.STRIPE, "key", read, timedelta(hours=1.5))
    assert 'value="1.5"' in root.get(f"{PAGES}/shop/change").text

    changed = {**TOLD, "name": "other", "target": "signal", "target_name": "alarm", "lifetime": "", "is_active": ""}
    assert root.post(f"{PAGES}/shop/change", changed).status_code == 302
    assert "signal alarm Stripe switched off" in root.page(f"{PAGES}/")

    assert root.post(f"{PAGES}/shop/delete").status_code == 302
    assert "No webhook is set up" in root.page(f"{PAGES}/")
    assert root.get(f"{PAGES}/shop").status_code == 404


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"name": "A b"}, "Expected up to 100 of"),
        ({"target_name": ""}, "Expected from 1 to 255"),
        ({"secret": "a b"}, "Expected the name of a secret"),
        ({"condition": "body[", "business_key": "order_id"}, "it reads order_id"),
        ({"variables": "for"}, "missing at the end"),
        ({"lifetime": "long"}, "Expected a number of hours"),
        ({"lifetime": "nan"}, "Expected a number of hours"),
        ({"lifetime": "9999"}, "366 days"),
        ({"target": "signal"}, "is not kept"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(site: Site, told: dict[str, str], text: str) -> None:
    answer = site.visitor("root").post(f"{PAGES}/new", {**TOLD, **told})
    assert (answer.status_code, text in words(answer.text)) == (422, True), words(answer.text)


def test_the_last_deliveries_are_shown(site: Site) -> None:
    set_up(site.engine, body=BEGINS)
    taken = deliver(site).json["instance"]
    site.app.test_client().post("/webhooks/shop", data=b"{}")

    page = site.visitor("root").page(f"{PAGES}/shop")

    assert f"taken instance {taken}" in page and "unproven Expected the signature that plain sends" in page


def test_a_delivery_is_tried_without_doing_it(site: Site) -> None:
    set_up(site.engine)
    root = site.visitor("root")

    def told(body: object, headers: str = "") -> str:
        answer = root.post(f"{PAGES}/shop/try", {"body": json.dumps(body), "headers": headers})
        return words(answer.text)

    order = {"order": "4711", "amount": 12}
    assert "Nobody waits for message paid now, so it would be refused." in told(order)
    with site.engine.transaction(SYSTEM) as tx:
        waiting = instances.start(tx, "p", business_key="4711").id
    found = told(order)
    assert f"Instance {waiting} would take message paid." in found
    assert "Business key 4711" in found and "amount 12" in found
    assert "would be passed over" in told({"type": "ping"})
    assert "It would be refused: business key : KeyError" in told({})
    with site.engine.transaction(SYSTEM) as tx:
        other = instances.start(tx, "p", business_key="4711").id
    assert f"Several wait, so none would take it: {waiting} , {other} ." in told(order)

    with site.engine.reading(SYSTEM) as tx:
        assert catalog.deliveries(tx, "shop") == []
        assert instances.process_values(tx, waiting) == {}


def test_what_it_would_begin_is_told(site: Site) -> None:
    set_up(site.engine, body=BEGINS)
    body = {"body": "order=1&amount=2", "headers": "Content-Type: application/x-www-form-urlencoded\n\nX"}
    assert "It would begin an instance of p." in words(site.visitor("root").post(f"{PAGES}/shop/try", body).text)


def test_the_public_address_is_shown(site: Site) -> None:
    set_up(site.engine)
    object.__setattr__(site.engine.settings, "public_url", "https://bpm.example.com/")
    assert "https://bpm.example.com/webhooks/shop" in site.visitor("ana").get(f"{PAGES}/shop").text


def test_who_may(site: Site) -> None:
    set_up(site.engine, SHOP)
    ana, ben = site.visitor("ana"), site.visitor("ben")
    assert "Try it" not in ana.page(f"{PAGES}/shop") and "Add a webhook" not in ana.page(f"{PAGES}/")
    for path in ("/", "/shop"):
        assert ben.get(PAGES + path).status_code == 403
    for path in ("/new", "/shop/change", "/shop/try"):
        assert ana.get(PAGES + path).status_code == 403
    for path in ("/new", "/shop/change", "/shop/delete", "/shop/try"):
        assert ana.post(PAGES + path, TOLD).status_code == 403
