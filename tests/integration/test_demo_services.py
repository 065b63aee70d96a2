"""The demo services do each work once for each key, whatever their switches do to the answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from processes.demo_services import later
from processes.demo_services.app import ENDPOINTS, NAMES, create_app

ORDER = {"reference": "P-1", "amount": 50, "account": "DE123456"}
KEY = {"Idempotency-Key": "1"}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(tmp_path / "ledger.db").test_client()


def acts(client: FlaskClient) -> list[str]:
    return [entry["act"] for entry in client.get("/ledger").json["entries"]]


def reserve(client: FlaskClient, key: str = "1"):
    return client.post("/payments/authorizations", json=ORDER, headers={"Idempotency-Key": key})


def test_the_same_key_gets_the_same_answer_and_works_once(client: FlaskClient) -> None:
    first, second = reserve(client), reserve(client)

    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert acts(client) == ["reserved"]
    (call,) = client.get("/ledger").json["calls"]
    assert (call["asked"], call["worked"]) == (2, 1)


def test_two_at_once_with_one_key_work_once(client: FlaskClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: reserve(client.application.test_client()).json["authorization"], range(16)))

    assert len(set(answers)) == 1
    assert acts(client) == ["reserved"]


def test_without_a_key_nothing_is_done(client: FlaskClient) -> None:
    assert client.post("/payments/authorizations", json=ORDER).status_code == 400
    assert acts(client) == []


def test_a_refusal_stays_one(client: FlaskClient) -> None:
    told = {**ORDER, "account": "DE120000"}
    answers = [client.post("/payments/authorizations", json=told, headers=KEY) for _ in range(2)]

    assert [each.status_code for each in answers] == [402, 402]
    assert acts(client) == []


def test_all_is_undone_once_in_whatever_order_it_is_asked_for(client: FlaskClient) -> None:
    about = f"/payments/authorizations/{reserve(client).json['authorization']}"
    client.post(f"{about}/charge", headers=KEY)
    client.post(f"{about}/settlement", headers=KEY)
    for key in ("a", "b"):
        client.post(f"{about}/refund", headers={"Idempotency-Key": key})
        client.delete(about, headers={"Idempotency-Key": key})

    told = client.get("/ledger/payments/P-1").json["acts"]
    assert {act: told[act] for act in ("returned", "refunded", "released")} == dict.fromkeys(
        ("returned", "refunded", "released"), 1
    )
    assert client.post(f"{about}/settlement", headers={"Idempotency-Key": "late"}).status_code == 409


def test_a_failing_endpoint_does_nothing(client: FlaskClient) -> None:
    client.put("/switches/authorize", json={"failing": 1})

    assert reserve(client).status_code == 503
    assert acts(client) == []


def test_a_duplicating_endpoint_works_and_tells_when_asked_again(client: FlaskClient) -> None:
    client.put("/switches/authorize", json={"duplicate": 1})

    dropped, told = reserve(client), reserve(client)

    assert (dropped.headers["Content-Length"], dropped.data) == ("1", b"")
    assert told.status_code == 201
    assert acts(client) == ["reserved"]


def test_a_dead_endpoint_does_not_even_count(client: FlaskClient) -> None:
    client.put("/switches/all", json={"dead": True})

    assert reserve(client).headers["Content-Length"] == "1"
    assert client.get("/ledger").json == {"calls": [], "entries": []}


def test_switches_outlive_the_program_and_go_off(client: FlaskClient, tmp_path: Path) -> None:
    client.put("/switches/charge", json={"slow": 0.5, "failing": 0.25})
    again = create_app(tmp_path / "ledger.db").test_client()
    assert again.get("/switches").json == {"charge": {"slow": 0.5, "failing": 0.25}}

    again.put("/switches/charge", json={"off": True})
    assert client.get("/switches").json == {"charge": {}}


@pytest.mark.parametrize("told", [{"failing": 2}, {"slow": "long"}, {"broken": 1}])
def test_a_switch_that_makes_no_sense_is_refused(client: FlaskClient, told: dict[str, object]) -> None:
    assert client.put("/switches/charge", json=told).status_code == 422
    assert client.put("/switches/nothing", json={}).status_code == 404


def test_the_page_has_buttons_for_each_endpoint(client: FlaskClient) -> None:
    client.post("/", data={"endpoint": "charge", "button": "dead"})

    page = client.get("/").text
    assert client.get("/switches").json == {"charge": {"dead": True}}
    assert all(f'value="{name}"' in page for name in NAMES)


def test_each_endpoint_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(ENDPOINTS)


# ---- what they answer ----------------------------------------------------------------------------------------------


def ask(client: FlaskClient, path: str, **told: object):
    return client.post(path, json=told, headers={"Idempotency-Key": repr((path, told))})


@pytest.mark.parametrize(
    ("document", "title", "text"),
    [("Bill 7: invoice, payable", "Bill 7", "invoice, payable"), ("no colon", "no colon", "no colon")],
)
def test_a_document_is_a_title_and_a_text(client: FlaskClient, document: str, title: str, text: str) -> None:
    assert ask(client, "/documents/extractions", document=document).json == {"title": title, "text": text}


@pytest.mark.parametrize(
    ("text", "category", "confidence"),
    [
        ("invoice with amount payable", "invoice", 1.0),
        ("dear customer please sign the contract sincerely", "letter", 0.67),
        ("see you on monday", "other", 0.0),
    ],
)
def test_confidence_is_the_share_of_the_words_that_speak_for_a_category(
    client: FlaskClient, text: str, category: str, confidence: float
) -> None:
    answer = ask(client, "/documents/classifications", text=text).json
    assert answer == {"category": category, "confidence": confidence}


def test_a_mailbox_takes_the_usual_address_or_the_chosen_one(client: FlaskClient) -> None:
    assert ask(client, "/mail/mailboxes", name="Robin Berg").status_code == 409
    assert ask(client, "/mail/mailboxes", name="Mia Holm").json == {"mailbox": "mia.holm@example.com"}
    chosen = ask(client, "/mail/mailboxes", name="Robin Berg", address="rb@example.com")
    assert chosen.json == {"mailbox": "rb@example.com"}


def test_an_order_is_packed_by_the_second_time_that_somebody_asks(client: FlaskClient) -> None:
    ordered = ask(client, "/equipment/orders", items=["laptop"], budget=500)

    assert ordered.status_code == 202
    assert [client.get(ordered.headers["Location"]).status_code for _ in range(2)] == [202, 200]


def test_an_outcome_is_told_later_at_the_address_given(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[object, str]] = []
    monkeypatch.setattr(later, "promise", lambda reply, address: told.append((reply.body, address)))

    answer = ask(client, "/identity/checks", number="AB1", answer_to="http://127.0.0.1/callback")

    assert answer.status_code == 202
    assert told == [({"confirmed": True}, "http://127.0.0.1/callback")]
    assert ask(client, "/identity/checks", number="X1").json == {"confirmed": False}
