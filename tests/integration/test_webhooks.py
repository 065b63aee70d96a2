"""Deliveries to webhooks: proven, read, taken once, kept; and what is refused changes nothing."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from engine import SYSTEM, Engine, Settings, definitions, instances, messages, secrets
from engine.webhooks import Delivery, Expressions, Outcome, Scheme, Target, Webhook, catalog
from engine.webhooks.receive import Sent, receive
from tests.play import END, START, chain, document, user
from tests.site import Site
from tests.unit.test_webhook_signatures import SIGN, github

SECRET = "hush-hush"
PAID = '<messageEventDefinition messageRef="paid"/>'
ALARM = '<signalEventDefinition signalRef="alarm"/>'
CATCH = START + '<intermediateCatchEvent id="wait">{}</intermediateCatchEvent>' + user("after") + END
WAITS = CATCH.format(PAID) + chain("start", "wait", "after", "end")
HEARS = CATCH.format(ALARM) + chain("start", "wait", "after", "end")
BEGINS = f'<startEvent id="start">{PAID}</startEvent>' + user("after") + END + chain("start", "after", "end")
SHOP = Webhook(
    "shop",
    target_name="paid",
    scheme=Scheme.PLAIN,
    secret="key",
    expressions=Expressions(
        condition='body.get("type") != "ping"', business_key='body["order"]', variables='amount = body["amount"]'
    ),
)
ORDER = {"order": "4711", "amount": 12}


def set_up(engine: Engine, webhook: Webhook = SHOP, body: str = WAITS) -> None:
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body)})
        secrets.put(tx, "key", "whsec_c2VjcmV0" if webhook.scheme is Scheme.STANDARD else SECRET)
        catalog.put(tx, webhook)


def begin(site: Site, business_key: str = "4711") -> int:
    with site.engine.transaction(SYSTEM) as tx:
        return instances.start(tx, "p", business_key=business_key).id


def signed(site: Site, raw: bytes, scheme: Scheme = Scheme.PLAIN, seconds: int = 0) -> dict[str, str]:
    return SIGN[scheme](SECRET, raw, int(site.engine.clock.now().timestamp()) + seconds)


def send(site: Site, raw: bytes, headers: dict[str, str], name: str = "shop", **options: str) -> TestResponse:
    return site.app.test_client().post(f"/webhooks/{name}", data=raw, headers=headers, **options)


def deliver(site: Site, body: object = ORDER, scheme: Scheme = Scheme.PLAIN) -> TestResponse:
    raw = json.dumps(body).encode()
    return send(site, raw, signed(site, raw, scheme))


def noted(site: Site, name: str = "shop") -> list[Delivery]:
    with site.engine.reading(SYSTEM) as tx:
        return catalog.deliveries(tx, name)


def values(site: Site, instance_id: int) -> object:
    with site.engine.reading(SYSTEM) as tx:
        return instances.process_values(tx, instance_id)


def count(site: Site, table: str) -> int:
    with site.engine.database.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


# ---- what is taken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", Scheme)
def test_a_delivery_goes_to_who_waits(site: Site, scheme: Scheme) -> None:
    set_up(site.engine, replace(SHOP, scheme=scheme))
    begin(site, "another")
    waiting = begin(site)

    answer = deliver(site, scheme=scheme)

    assert (answer.status_code, answer.json) == (200, {"status": "taken", "instance": waiting})
    assert values(site, waiting) == {"amount": 12}
    (delivery,) = noted(site)
    assert (delivery.outcome, delivery.instance_id) == (Outcome.TAKEN, waiting)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_delivery_that_comes_again_changes_nothing(site: Site, scheme: Scheme) -> None:
    set_up(site.engine, replace(SHOP, scheme=scheme), BEGINS)
    raw = json.dumps(ORDER).encode()
    headers = signed(site, raw, scheme)

    first, second = (send(site, raw, headers) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json == {"status": "repeated", "instance": first.json["instance"]}
    assert count(site, "instance") == 1


def test_one_id_is_taken_once_however_it_is_signed(site: Site) -> None:
    told = replace(SHOP, expressions=replace(SHOP.expressions, message_id='body["order"]'))
    set_up(site.engine, told, BEGINS)

    assert deliver(site).json["status"] == "taken"
    assert deliver(site, {**ORDER, "amount": 99}).json["status"] == "repeated"
    assert count(site, "instance") == 1


def test_it_begins_a_process(site: Site) -> None:
    set_up(site.engine, body=BEGINS)

    begun = deliver(site).json["instance"]

    with site.engine.reading(SYSTEM) as tx:
        row = instances.get(tx, begun)
    assert (row.business_key, row.started_by, values(site, begun)) == ("4711", "webhook:shop", {"amount": 12})


def test_a_signal_goes_to_all(site: Site) -> None:
    set_up(site.engine, replace(SHOP, target=Target.SIGNAL, target_name="alarm"), HEARS)
    waiting = [begin(site, key) for key in "AB"]

    answers = [deliver(site).json for _ in range(2)]
    site.engine.run_until_idle()

    assert answers == [{"status": "taken", "message": "Received by 2."}, {"status": "repeated"}]
    assert [values(site, each) for each in waiting] == [{"amount": 12}] * 2


def test_a_form_is_read_and_its_bytes_are_what_is_signed(site: Site) -> None:
    set_up(site.engine)
    waiting = begin(site)
    raw = urlencode({"order": "4711", "amount": "a b&ü"}).encode()

    answer = send(site, raw, signed(site, raw), content_type="application/x-www-form-urlencoded")

    assert (answer.status_code, values(site, waiting)) == (200, {"amount": "a b&ü"})


def test_it_is_kept_for_who_comes_later(site: Site) -> None:
    set_up(site.engine, replace(SHOP, lifetime=timedelta(hours=1)))

    first, second = deliver(site), deliver(site)
    waiting = begin(site)
    site.advance(seconds=5)

    assert (first.status_code, first.json) == (202, {"status": "kept"})
    assert (second.status_code, second.json) == (200, {"status": "repeated"})
    assert values(site, waiting) == {"amount": 12}


def test_what_its_condition_leaves_out_is_passed_over(site: Site) -> None:
    set_up(site.engine, body=BEGINS)

    answer = deliver(site, {"type": "ping"})

    assert (answer.status_code, answer.json, count(site, "instance")) == (200, {"status": "passed over"}, 0)


# ---- what is not ---------------------------------------------------------------------------------------------------


def test_nobody_waits(site: Site) -> None:
    """It may be sent again: then somebody may."""
    set_up(site.engine)

    answer = deliver(site)

    assert (answer.status_code, answer.json["status"]) == (404, "unawaited")
    assert (count(site, "receipt"), noted(site)[0].outcome) == (0, Outcome.UNAWAITED)
    begin(site)
    assert deliver(site).status_code == 200


def test_several_wait(site: Site) -> None:
    set_up(site.engine)
    begin(site), begin(site)

    answer = deliver(site)

    assert (answer.status_code, answer.json["status"]) == (409, "ambiguous")
    assert "these do" in answer.json["message"]


@pytest.mark.parametrize("change", [{"name": "other"}, {"is_active": False}, {"secret": "gone"}])
def test_who_cannot_prove_himself_learns_nothing(site: Site, change: dict[str, object]) -> None:
    set_up(site.engine, replace(SHOP, **change), BEGINS)  # type: ignore[arg-type]
    raw = json.dumps(ORDER).encode()

    refused = deliver(site)
    wrong = send(site, raw, signed(site, raw + b" "), name=str(change.get("name", "shop")))

    assert (refused.status_code, wrong.status_code) == (401, 401)
    assert refused.data == wrong.data and SECRET not in refused.text
    assert (count(site, "instance"), count(site, "receipt")) == (0, 0)


@pytest.mark.parametrize("scheme", [each for each in Scheme if each is not Scheme.GITHUB])
@pytest.mark.parametrize("seconds", [-301, 301])
def test_too_old_or_from_the_future(site: Site, scheme: Scheme, seconds: int) -> None:
    set_up(site.engine, replace(SHOP, scheme=scheme), BEGINS)
    raw = json.dumps(ORDER).encode()

    answer = send(site, raw, signed(site, raw, scheme, seconds))

    assert (answer.status_code, count(site, "instance")) == (401, 0)
    assert "seconds in the" in noted(site)[0].message and "seconds" not in answer.text


def test_the_window_is_a_setting(site: Site) -> None:
    site.engine.settings = replace(site.engine.settings, webhook_window=timedelta(hours=1))
    set_up(site.engine, body=BEGINS)
    raw = json.dumps(ORDER).encode()
    assert send(site, raw, signed(site, raw, seconds=-3_000)).status_code == 200


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "body: Expected JSON"),
        (b"{", "body: Expected JSON"),
        (b'{"order": "4711"}', "variables: "),
        (b'{"amount": 1}', "business_key: "),
        (b'{"order": null, "amount": 1}', "business_key: "),
        (b'{"order": "%s", "amount": 1}' % (b"9" * 300), "at most 255"),
        (b'{"order": "\\u0000", "amount": 1}', "can be stored"),
        (b"[" * 5_000 + b"]" * 5_000, "body: "),
        (b"[]", "condition: "),
    ],
)
def test_hostile_bodies_are_refused_with_the_reason(site: Site, raw: bytes, words: str) -> None:
    set_up(site.engine, body=BEGINS)

    answer = send(site, raw, signed(site, raw))

    assert (answer.status_code, answer.json["status"]) == (400, "unreadable")
    assert words in answer.json["message"] and words in noted(site)[0].message
    assert (count(site, "instance"), count(site, "receipt")) == (0, 0)


def test_a_body_that_is_too_large_is_not_read(site: Site) -> None:
    set_up(site.engine, body=BEGINS)
    raw = json.dumps({**ORDER, "more": "x" * 1_000_000}).encode()
    assert send(site, raw, signed(site, raw)).status_code == 413


def test_a_zero_character_is_a_character_of_a_value(site: Site) -> None:
    set_up(site.engine, body=BEGINS)
    begun = deliver(site, {"order": "1", "amount": "a\0b"}).json["instance"]
    assert values(site, begun) == {"amount": "a\0b"}


@pytest.mark.parametrize("name", ["x" * 10_000, "%00", "a%2Fb", "é", "..", "shop%20"])
def test_hostile_names(site: Site, name: str) -> None:
    set_up(site.engine, body=BEGINS)
    assert send(site, b"{}", signed(site, b"{}"), name=name).status_code in (400, 401, 404, 405)
    assert count(site, "delivery") == 0


def test_only_what_is_posted_is_a_delivery(site: Site) -> None:
    assert site.app.test_client().get("/webhooks/shop").status_code == 405


def test_who_guesses_is_held_up(site: Site) -> None:
    statuses = [send(site, b"{}", {}, name="x").status_code for _ in range(121)]
    assert (statuses[0], statuses[-1]) == (401, 429)


# ---- the last deliveries -------------------------------------------------------------------------------------------


def test_as_many_are_kept_as_are_read_and_strangers_push_out_none(site: Site) -> None:
    set_up(site.engine)
    sent = Sent(json.dumps(ORDER).encode(), {})
    for number in range(catalog.MOST_PROVEN + 3):
        raw = json.dumps({**ORDER, "amount": number}).encode()
        receive(site.engine, "shop", Sent(raw, signed(site, raw)))
    for _ in range(catalog.MOST_UNPROVEN + 3):
        receive(site.engine, "shop", sent)

    found = [each.outcome for each in noted(site)]
    assert found == [Outcome.UNPROVEN] * catalog.MOST_UNPROVEN + [Outcome.UNAWAITED] * catalog.MOST_PROVEN


def test_they_go_with_their_webhook(site: Site) -> None:
    set_up(site.engine)
    deliver(site)
    with site.engine.transaction(SYSTEM) as tx:
        catalog.delete_webhook(tx, "shop")
    assert (count(site, "delivery"), deliver(site).status_code) == (0, 401)


# ---- two at once ---------------------------------------------------------------------------------------------------


def test_of_two_at_once_one_is_taken(migrated_url: str) -> None:
    with Engine(Settings(database_url=migrated_url, secret_key="for tests")) as engine:
        set_up(engine, replace(SHOP, scheme=Scheme.GITHUB), BEGINS)
        raw = json.dumps(ORDER).encode()
        gate = threading.Barrier(4)

        def act(_number: int) -> Delivery:
            gate.wait(10)
            return receive(engine, "shop", Sent(raw, github(SECRET, raw, 0)))

        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(act, range(4)))

        with engine.reading(SYSTEM) as tx:
            (begun,) = instances.find(tx).rows
            assert messages.waiting(tx, "paid") == []
    assert {each.instance_id for each in found} == {begun.id}
    assert {each.outcome for each in found} <= {Outcome.TAKEN, Outcome.REPEATED}
