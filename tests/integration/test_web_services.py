"""The pages of services and secrets, and the addresses at which services tell outcomes later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine import SYSTEM, Auth, Service, definitions, instances, secrets
from engine.services import catalog
from tests.play import document
from tests.services import HttpService, Reply, serving
from tests.site import Site


def test_a_service_is_added_changed_and_deleted(site: Site) -> None:
    root = site.visitor("root")
    assert "No service is set up" in root.page("/services/")
    told = {
        "name": "crm",
        "base_url": "https://crm.example.com",
        "auth": "bearer",
        "secret": "key",
        "most_at_once": "4",
    }

    assert root.post("/services/new", told).status_code == 302
    page = root.page("/services/")
    assert "crm https://crm.example.com" in page and "4 at once" in page

    changed = {**told, "name": "other", "auth": "basic", "user": "we", "most_per_second": "0.5", "most_at_once": ""}
    assert root.post("/services/crm/change", changed).status_code == 302
    with site.engine.reading(SYSTEM) as tx:
        (kept,) = catalog.find(tx)
    assert kept == Service("crm", "https://crm.example.com", Auth.BASIC, "we", "key", most_per_second=0.5)

    assert root.post("/services/crm/delete").status_code == 302
    assert "No service is set up" in root.page("/services/")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"name": "a b"}, "Expected up to 100 letters"),
        ({"base_url": "ftp://x"}, "Expected an address such as"),
        ({"base_url": "https://we:pass@x"}, "without a name or password"),
        ({"auth": "basic"}, "basic authentication needs it"),
        ({"auth": "oauth2", "secret": "k", "user": "u"}, "oauth2 authentication needs it"),
        ({"most_at_once": "many"}, "Expected a number"),
        ({"most_per_second": "-1"}, "a number above 0"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(site: Site, told: dict[str, str], words: str) -> None:
    answer = site.visitor("root").post("/services/new", {"name": "crm", "base_url": "https://x", **told})
    assert (answer.status_code, words in answer.text) == (422, True)


def test_a_secret_is_kept_and_never_shown(site: Site) -> None:
    root = site.visitor("root")
    assert root.post("/services/secrets/new", {"name": "key", "content": "hush-hush"}).status_code == 302

    shown = [root.get(path).text for path in ("/services/", "/services/secrets/new?name=key")]
    assert "key" in shown[0] and "hush-hush" not in "".join(shown)
    with site.engine.reading(SYSTEM) as tx:
        assert secrets.reveal(tx, "key") == "hush-hush"
        assert b"hush" not in tx.connection.exec_driver_sql("SELECT content FROM secret").scalar_one()

    refused = root.post("/services/secrets/new", {"name": "a b", "content": ""})
    assert refused.status_code == 422 and "Expected from 1 to" in refused.text
    assert root.post("/services/secrets/key/delete").status_code == 302
    assert "No secret is kept" in root.page("/services/")


def test_who_may(site: Site) -> None:
    ana, ben = site.visitor("ana"), site.visitor("ben")
    assert "Secrets" not in ana.page("/services/") and "Add a service" not in ana.page("/services/")
    assert ben.get("/services/").status_code == 403
    for path in ("/services/new", "/services/secrets/new"):
        assert ana.get(path).status_code == 403
    for path in ("/services/new", "/services/secrets/new", "/services/x/delete", "/services/secrets/x/delete"):
        assert ana.post(path, {"name": "x", "content": "x"}).status_code == 403


def test_a_service_that_is_down_is_shown_and_tried(site: Site, service: HttpService) -> None:
    engine, root = site.engine, site.visitor("root")
    engine.settings = replace(engine.settings, http_private=("127.0.0.0/8",))
    service.answers(Reply(503))
    body = DIAGRAM.replace('url="{}"', 'url="" service="shop"').format()
    with engine.transaction(SYSTEM) as tx:
        catalog.put(tx, Service("shop", service.address))
        definitions.deploy(tx, {"p.bpmn": document(body.replace("<procession:callback/>", ""))})
        for _ in range(8):
            instances.start(tx, "p")
    engine.run_until_idle()

    assert "shop is down" in root.page("/services/") and "8 calls wait for it" in root.page("/services/")
    assert 'service "shop"' in root.page("/incidents")
    (incident,) = re.findall(r"/incidents/(\d+)/retry", root.get("/incidents").text)
    asked = len(service.asked)
    for path, told in (("/services/down/try", {"name": "shop"}), (f"/incidents/{incident}/retry", {})):
        assert root.post(path, told).status_code == 302
        engine.run_until_idle()
        asked += 1
        assert len(service.asked) == asked
    service.answers(Reply(200, {"sum": 1}))
    assert root.post("/services/down/all", {"name": "shop"}).status_code == 302
    site.advance(minutes=5)
    assert "is down" not in root.page("/services/") and len(service.asked) == 8


# ---- outcomes that come later --------------------------------------------------------------------------------------

DIAGRAM = """<startEvent id="start"/><serviceTask id="call"><extensionElements>
  <procession:http xmlns:procession="urn:procession:bpmn:1" url="{}" method="POST">
    <procession:header name="X-Answer-To">${{callback_url}}</procession:header><procession:callback/>
    <procession:result name="sum">${{body.sum}}</procession:result>
  </procession:http></extensionElements></serviceTask><endEvent id="end"/>
  <sequenceFlow id="a" sourceRef="start" targetRef="call"/><sequenceFlow id="b" sourceRef="call" targetRef="end"/>"""

KEY = '<procession:header name="X-Key" secret="key"/>'


@pytest.fixture
def service() -> Iterator[HttpService]:
    with serving() as service:
        service.answers(Reply(202))
        yield service


@pytest.fixture
def address(site: Site, service: HttpService) -> str:
    """Where the outcome of a call that waits is told."""
    engine = site.engine
    engine.settings = replace(
        engine.settings, http_hosts=("127.0.0.1",), http_private=("127.0.0.0/8",), public_url="http://localhost"
    )
    with engine.transaction(SYSTEM) as tx:
        secrets.put(tx, "key", "s3cr3t")
        drawn = DIAGRAM.format(service.address).replace("<procession:callback/>", f"{KEY}<procession:callback/>")
        definitions.deploy(tx, {"p.bpmn": document(drawn)})
        instances.start(tx, "p")
    engine.run_until_idle()
    (asked,) = service.asked
    return asked.headers["X-Answer-To"].removeprefix("http://localhost")


def test_a_service_posts_its_outcome(site: Site, address: str) -> None:
    client = site.app.test_client()

    assert client.post(f"{address}/heartbeat").status_code == 200
    unreadable = client.post(address, json={"total": 1})
    assert (unreadable.status_code, unreadable.json["type"]) == (400, "InvalidRequestException")
    assert client.post(address, data="{", content_type="application/json").status_code == 400
    assert client.post(address, json={"sum": 3}).status_code == 200
    assert client.post(address, json={"sum": 3}).status_code == 409

    with site.engine.reading(SYSTEM) as tx:
        (done,) = instances.find(tx).rows
        assert (str(done.status), instances.process_values(tx, done.id)) == ("completed", {"sum": 3})


def test_an_outcome_counts_whatever_type_it_tells(site: Site, address: str) -> None:
    """Read as a form it would be nothing, and the address used up."""
    client = site.app.test_client()
    kind = "application/x-www-form-urlencoded"

    refused = client.post(address, data=b"sum=3", content_type=kind)
    assert (refused.status_code, "string indices" in refused.json["message"]) == (400, True)
    assert client.post(address, json={"sum": 3}).status_code == 200


def test_a_service_posts_that_it_failed(site: Site, address: str, service: HttpService) -> None:
    client = site.app.test_client()
    assert client.post(f"{address}/failure", json={"message": "out of paper"}).status_code == 200
    assert client.post(f"{address}/failure", json={"message": "again"}).status_code == 409
    site.advance(minutes=1)

    assert len(service.asked) == 2
    with site.engine.reading(SYSTEM) as tx:
        (story,) = instances.find(tx).rows
    assert "out of paper" in site.visitor("root").page(f"/instances/{story.id}/history?kind=tries")


@pytest.mark.parametrize("told", [("", {"sum": 3, "key": "s3cr3t"}), ("/failure", {"message": "no key s3cr3t"})])
def test_a_secret_that_a_service_repeats_is_not_kept(
    site: Site, address: str, told: tuple[str, dict[str, object]]
) -> None:
    path, body = told

    assert site.app.test_client().post(f"{address}{path}", json=body).status_code == 200

    with site.engine.reading(SYSTEM) as tx:
        found = [tx.connection.exec_driver_sql(f'SELECT * FROM "{each}"').all() for each in ("try", "event", "job")]
    assert "***" in str(found) and "s3cr3t" not in str(found)


HOSTILE = {
    "cut": b"{",
    "endless": b"[" * 100_000,
    "deep": b'{"sum": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "half a character": b'{"sum": "\\ud800"}',
    "no number": b'{"sum": NaN}',
    "no text": b"\xff",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_outcomes_are_refused_and_still_awaited(site: Site, address: str, raw: bytes) -> None:
    client = site.app.test_client()

    refused = client.post(address, data=raw, content_type="application/json")

    assert (refused.status_code, refused.json["type"]) == (400, "InvalidRequestException"), refused.text
    assert client.post(f"{address}/heartbeat").status_code == 200


def test_an_address_that_nobody_gave(site: Site, address: str) -> None:
    client = site.app.test_client()
    for path in ("/callbacks/x", f"{address}x", f"{address}/other"):
        assert client.post(path, json={}).status_code == 404
    assert client.get(address).status_code == 405
