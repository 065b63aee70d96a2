"""HTTP tasks against a real service: what is sent, what the answer means, what fails and how it is tried again."""

from __future__ import annotations

import base64
import gzip
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import Auth, Engine, Service, SettableClock, definitions, instances, secrets
from engine.errors import Conflict, Invalid, InvalidValues, NotFound
from engine.observe import metrics
from engine.services import catalog, dialling, later, oauth2
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, boundary, chain, document
from tests.services import HttpService, Reply, serving
from tests.spans import tracing_in_memory

OWN = "urn:procession:bpmn:1"


@pytest.fixture(scope="module")
def server() -> Iterator[HttpService]:
    with serving() as service:
        yield service


@pytest.fixture
def service(server: HttpService) -> HttpService:
    server.answers(Reply(body={}))
    return server


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    engine.settings = replace(
        engine.settings,
        secret_key="for tests",
        http_hosts=("127.0.0.1", "localhost", "*.example.com"),
        http_private=("127.0.0.0/8", "::1/128"),
        http_answer_bytes=10_000,
        public_url="http://procession.example",
        service_duration=timedelta(seconds=2),
    )
    return Driver(engine, clock)


@pytest.fixture
def tls_address(tmp_path: Path) -> Iterator[str]:
    """A server whose certificate only it itself vouches for."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as service:
        yield service.address


def task(inside: str = "", more: str = "", *, extra: str = "", **attributes: str) -> str:
    told = "".join(f' {name}="{value}"' for name, value in attributes.items())
    call = f'<procession:http xmlns:procession="{OWN}"{told}>{inside}</procession:http>'
    return (
        f'<serviceTask id="call" name="Call" {more}><extensionElements>{call}{extra}</extensionElements></serviceTask>'
    )


def drawn(call: str, further: str = "") -> str:
    return START + call + END + chain("start", "call", "end") + further


CAUGHT = boundary("refused", "call", '<errorEventDefinition errorRef="declined"/>') + '<endEvent id="sorry"/>'
CAUGHT += chain("refused", "sorry")


def get(service: HttpService, inside: str = "", **attributes: str) -> str:
    return drawn(task(inside, url=service.address + "/orders", **attributes))


def test_a_call_hands_on_its_trace(driver: Driver, service: HttpService) -> None:
    with tracing_in_memory() as traced:
        driver.draw(get(service))

    (call,) = [name for name in traced.names() if name.startswith("call ")]
    assert service.asked[0].headers["traceparent"] == traced.header(call)
    assert len(traced.trace_ids()) == 1


# ---- what is sent --------------------------------------------------------------------------------------------------


def test_a_call_with_all_that_there_is(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(201, {"id": 7, "lines": [{"sum": 3}]}, {"X-Rate": "9"}))
    inside = (
        '<procession:header name="X-Customer">${customer.name}</procession:header>'
        '<procession:query name="page">2</procession:query><procession:query name="tag">${tags}</procession:query>'
        "<procession:body>${order}</procession:body>"
        '<procession:result name="id">${body.id}</procession:result>'
        '<procession:result name="about">${status} of ${headers["x-rate"]}, ${body.lines[0].sum}</procession:result>'
    )
    body = drawn(task(inside, method="POST", url=service.address + "/customers/${customer.id}/orders?old=1"))

    order = {"amount": 12.5, "day": "2026-01-05"}
    story = driver.draw(body, customer={"id": 5, "name": "Ann"}, tags=["a", "b"], order=order)

    (asked,) = service.asked
    assert (asked.method, asked.path) == ("POST", "/customers/5/orders?old=1&page=2&tag=a&tag=b")
    assert (asked.json, asked.headers["X-Customer"]) == (order, "Ann")
    assert asked.headers["Content-Type"] == "application/json"
    assert (story.status, story.values()["id"], story.values()["about"]) == ("completed", 7, "201 of 9, 3")


def test_the_whole_answer_becomes_one_variable(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, b"plain", {"Content-Type": "text/plain"}))
    story = driver.draw(drawn(task(url=service.address, more='camunda:resultVariable="answer"')))

    answer = story.values()["answer"]
    assert (answer["status"], answer["body"], answer["headers"]["content-type"]) == (200, "plain", "text/plain")


def test_an_empty_answer_and_a_text_as_body(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(204))
    story = driver.draw(get(service, "<procession:body>Hello ${name}</procession:body>", method="PUT"), name="Ann")

    (asked,) = service.asked
    assert (asked.content, asked.headers["Content-Type"]) == (b"Hello Ann", "text/plain; charset=utf-8")
    assert story.status == "completed"


def test_the_key_is_the_same_over_tries_and_another_for_the_next_visit(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(503), Reply(503), Reply(200, {}))
    driver.draw(get(service, method="POST"))
    for _ in range(3):
        driver.tick(minutes=1)
    keys = [asked.headers["Idempotency-Key"] for asked in service.asked]
    driver.start("p")

    assert len(keys) == 3 and len(set(keys)) == 1
    assert service.asked[-1].headers["Idempotency-Key"] != keys[0]


def test_a_question_carries_no_key(driver: Driver, service: HttpService) -> None:
    driver.draw(get(service))
    assert "Idempotency-Key" not in service.asked[0].headers


# ---- who we are ----------------------------------------------------------------------------------------------------


def set_up(driver: Driver, service: HttpService, **about: Any) -> None:
    driver.do(secrets.put, "key", "s3cr3t-value", by=ROOT)
    driver.do(catalog.put, Service("crm", service.address, **about), by=ROOT)


OF_CRM = drawn(
    task('<procession:result name="said">${body}</procession:result>', service="crm", url="/people", method="POST")
)


def test_a_service_that_was_set_up_is_called_by_its_name(driver: Driver, service: HttpService) -> None:
    set_up(driver, service, auth=Auth.BASIC, user="we", secret="key")
    driver.draw(OF_CRM)

    (asked,) = service.asked
    assert asked.path == "/people"
    assert base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")) == b"we:s3cr3t-value"


def test_a_bearer_token_and_a_secret_in_a_header(driver: Driver, service: HttpService) -> None:
    set_up(driver, service, auth=Auth.BEARER, secret="key")
    driver.do(secrets.put, "other", "0ther", by=ROOT)
    driver.draw(drawn(task('<procession:header name="X-Api-Key" secret="other"/>', service="crm")))

    (asked,) = service.asked
    assert (asked.headers["Authorization"], asked.headers["X-Api-Key"]) == ("Bearer s3cr3t-value", "0ther")


def test_an_oauth2_token_is_fetched_once(driver: Driver, service: HttpService) -> None:
    oauth2._tokens.clear()
    service.answers(Reply(200, {"access_token": "t0ken", "expires_in": 3600}), Reply(200, {}))
    set_up(driver, service, auth=Auth.OAUTH2, user="we", secret="key", token_url=service.address + "/token", scope="x")
    driver.draw(OF_CRM)
    driver.start("p")

    token, first, second = service.asked
    assert (token.path, token.content) == ("/token", b"grant_type=client_credentials&scope=x")
    assert first.headers["Authorization"] == second.headers["Authorization"] == "Bearer t0ken"


def test_a_token_that_is_refused_is_fetched_anew_once(driver: Driver, service: HttpService) -> None:
    oauth2._tokens.clear()
    old, new = ({"access_token": name, "expires_in": "3600"} for name in ("old", "new"))
    service.answers(Reply(200, old), Reply(200, {}), Reply(401), Reply(200, new), Reply(200, {}))
    set_up(driver, service, auth=Auth.OAUTH2, user="we", secret="key", token_url=service.address + "/token")
    driver.draw(OF_CRM)
    again = driver.start("p")

    shown = [asked.headers["Authorization"] for asked in service.asked if asked.path == "/people"]
    assert shown == ["Bearer old", "Bearer old", "Bearer new"]
    assert (again.status, len(again.tries())) == ("completed", 1)

    service.answers(Reply(401), Reply(200, new), Reply(401))
    refused = driver.start("p")
    assert (len(service.asked), "401" in refused.incidents()[0].message) == (3, True)


def test_a_name_and_a_password_of_any_letters(driver: Driver, service: HttpService) -> None:
    oauth2._tokens.clear()
    service.answers(Reply(200, {"access_token": "t0ken"}), Reply(200, {}))
    set_up(driver, service, auth=Auth.OAUTH2, user="we: ä", secret="key", token_url=service.address + "/token")
    driver.draw(OF_CRM)

    shown = base64.b64decode(service.asked[0].headers["Authorization"].removeprefix("Basic "))
    assert shown == b"we%3A+%C3%A4:s3cr3t-value"


@pytest.mark.parametrize("token", [b"x" * 3_000_000, b"{", b"[1]", b'{"access_token": 7}'])
def test_what_is_no_token(driver: Driver, service: HttpService, token: bytes) -> None:
    oauth2._tokens.clear()
    service.answers(Reply(200, token, {"Content-Type": "application/json"}))
    set_up(driver, service, auth=Auth.OAUTH2, user="we", secret="key", token_url=service.address + "/token")
    story = driver.draw(OF_CRM)
    for _ in range(4):
        driver.tick(hours=1)

    assert story.incidents()[0].message.startswith("Expected an access token")


def test_an_oauth2_server_that_gives_none(driver: Driver, service: HttpService) -> None:
    oauth2._tokens.clear()
    service.answers(Reply(401, {"error": "invalid_client"}))
    set_up(driver, service, auth=Auth.OAUTH2, user="we", secret="key", token_url=service.address + "/token")
    story = driver.draw(OF_CRM)

    assert "answered 401 without one" in story.incidents()[0].message


def test_no_secret_is_kept_where_people_look(
    driver: Driver, service: HttpService, caplog: pytest.LogCaptureFixture
) -> None:
    service.answers(Reply(500, {"you sent": "s3cr3t-value"}), Reply(200, {"you sent": "Bearer s3cr3t-value"}))
    set_up(driver, service, auth=Auth.BEARER, secret="key")
    story = driver.draw(OF_CRM.replace("${body}", "done"))
    driver.tick(minutes=1)

    assert story.status == "completed"
    with driver.engine.database.connect() as connection:
        tables = ("secret", "service", "try", "event", "job", "variable", "incident", "snapshot")
        held = [str(connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()) for table in tables]
    assert "s3cr3t-value" not in "".join(held) + caplog.text
    first = story.tries()[-1]
    assert "Authorization: Bearer ***" in str(first.request) and "***" in str(first.answer)
    assert "***" in str(first.message)


def test_a_secret_that_is_not_there(driver: Driver, service: HttpService) -> None:
    story = driver.draw(get(service, '<procession:header name="X-Key" secret="none"/>'))

    assert (len(story.tries()), service.asked) == (1, [])
    assert story.incidents()[0].message == (
        'Expected secret "none" to be there, but it is not. Ask an administrator to add it.'
    )


def test_a_service_that_is_not_set_up(driver: Driver, service: HttpService) -> None:
    story = driver.draw(OF_CRM.replace("crm", "nobody"))
    assert 'Expected service "nobody" to be set up' in story.incidents()[0].message

    driver.do(catalog.put, Service("nobody", service.address), by=ROOT)
    story.retry()
    assert story.status == "completed"


# ---- where we do not go --------------------------------------------------------------------------------------------

_REFUSED_HOSTS = [
    "http://evil.test/",
    "http://127.0.0.1.evil.test/",
    "http://example.com.evil.test/",
    "http://user:password@127.0.0.1/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "//127.0.0.1/",
    "http:///x",
]


@pytest.mark.parametrize("url", _REFUSED_HOSTS)
def test_a_host_that_is_not_allowed_is_not_called(driver: Driver, service: HttpService, url: str) -> None:
    story = driver.draw(drawn(task(url="${url}")), url=url)

    assert (len(story.incidents()), len(story.tries()) <= 1, service.asked) == (1, True, [])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "::",
    ],
)
def test_the_address_that_is_dialled_must_be_public(address: str) -> None:
    dialler = dialling._Dialler(())
    with pytest.raises(dialling.Refused, match="no public address"):
        dialler.connect_tcp(address, 80)


def test_a_name_that_stands_for_one_of_our_addresses(driver: Driver, service: HttpService) -> None:
    driver.engine.settings = replace(driver.engine.settings, http_private=())
    port = service.address.rpartition(":")[2]
    story = driver.draw(drawn(task(url=f"http://localhost:{port}/")))

    assert (len(story.tries()), service.asked) == (1, [])
    assert "no public address" in story.incidents()[0].message


def test_a_redirect_is_a_failure_and_not_followed(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(302, headers={"Location": "http://127.0.0.1:1/metadata"}))
    story = driver.draw(get(service))

    assert len(service.asked) == 1
    assert "it is a redirect (302) to http://127.0.0.1:1/metadata" in story.incidents()[0].message


# ---- what fails ----------------------------------------------------------------------------------------------------


def failed(driver: Driver, body: str, **variables: Any) -> Story:
    """An instance whose tries are used up."""
    story = driver.draw(body, **variables)
    for _ in range(4):
        driver.tick(hours=1)
    return story


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_statuses_that_pass(driver: Driver, service: HttpService, status: int) -> None:
    service.answers(Reply(status, {"why": "later"}), Reply(200, {}))
    story = driver.draw(get(service))
    assert len(service.asked) == 1
    driver.tick(minutes=1)

    assert story.status == "completed"
    assert story.tries()[-1].message == f'Expected a status from 200 to 299, but it is {status}: {{"why":"later"}}'


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
def test_statuses_that_stay(driver: Driver, service: HttpService, status: int) -> None:
    service.answers(Reply(status))
    story = failed(driver, get(service))

    assert (len(service.asked), len(story.incidents())) == (1, 1)


def test_the_task_says_which_statuses_are_tried_again(driver: Driver, service: HttpService) -> None:
    retry = f'<procession:retry xmlns:procession="{OWN}" maxTries="4" only="404 5xx" never="503"/>'
    body = drawn(task(url=service.address, extra=retry))
    service.answers(Reply(404), Reply(500), Reply(503))

    story = failed(driver, body)

    assert (len(service.asked), len(story.incidents())) == (3, 1)


def test_a_service_that_says_how_soon(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(503, headers={"Retry-After": "600"}), Reply(200, {}))
    story = driver.draw(get(service))
    driver.tick(minutes=9)
    assert len(service.asked) == 1
    driver.tick(minutes=2)
    assert story.status == "completed"


def test_nobody_listens(driver: Driver, service: HttpService) -> None:
    story = failed(driver, drawn(task(url="http://127.0.0.1:1/")))
    assert len(story.tries()) == 3
    assert "Expected 127.0.0.1 to answer, but" in story.incidents()[0].message


def test_a_name_that_nobody_knows(driver: Driver, service: HttpService) -> None:
    story = failed(driver, drawn(task(url="http://nowhere.example.com/")))
    assert "the address of nowhere.example.com is not known" in story.incidents()[0].message


def test_an_answer_that_is_late(driver: Driver, service: HttpService) -> None:
    hang = threading.Event()
    service.answers(Reply(until=hang))
    story = failed(driver, get(service, timeout="PT0.3S"))
    hang.set()

    assert len(story.tries()) == 3
    assert "Expected 127.0.0.1 to answer, but" in story.incidents()[0].message


def test_an_answer_that_never_ends(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, b"x" * 50_000, {"Content-Type": "text/plain"}))
    story = failed(driver, get(service))

    assert len(story.tries()) == 1
    assert "its answer has more than 10,000 bytes" in story.incidents()[0].message


def test_an_answer_that_is_small_only_on_the_way(driver: Driver, service: HttpService) -> None:
    bomb = gzip.compress(b"0" * 1_000_000)
    service.answers(Reply(200, bomb, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}))
    story = failed(driver, get(service))

    assert len(bomb) < 10_000
    assert "its answer has more than 10,000 bytes" in story.incidents()[0].message


def test_a_body_that_is_no_json(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, b"<html>"))
    story = failed(driver, get(service))

    assert len(story.tries()) == 3
    assert "its answer says that it is JSON, but" in story.incidents()[0].message


def test_a_mapping_of_what_is_not_there(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, {"other": 1}))
    story = failed(driver, get(service, '<procession:result name="id">${body.id}</procession:result>'))

    assert len(story.tries()) == 1
    assert 'Expected the answer to hold what "id" is read from' in story.incidents()[0].message
    assert '{"other":1}' in str(story.tries()[0].answer)


def test_a_certificate_that_nobody_vouches_for(driver: Driver, service: HttpService, tls_address: str) -> None:
    story = failed(driver, drawn(task(url=tls_address)))

    assert len(story.tries()) == 3
    assert "certificate verify failed" in story.incidents()[0].message.lower()


def test_what_is_to_be_sent_cannot_be_told(driver: Driver, service: HttpService) -> None:
    story = failed(driver, get(service, "<procession:body>${order.id}</procession:body>", method="POST"), order={})
    assert (len(story.tries()), service.asked) == (1, [])
    assert "What is to be sent cannot be told" in story.incidents()[0].message


# ---- errors of the diagram -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 402, 500])
def test_an_answer_is_mapped_to_an_error(driver: Driver, service: HttpService, status: int) -> None:
    service.answers(Reply(status, {"state": "declined", "why": "no cover"}))
    mapped = """<procession:error code="OTHER" when="${status == 418}"/>
      <procession:error code="DECLINED" when="${body.state == 'declined'}">${body.why}</procession:error>"""
    story = driver.draw(drawn(task(mapped, url=service.address), CAUGHT))

    assert (story.status, story.values()["errorMessage"]) == ("completed", "no cover")
    assert [(each.outcome, each.message) for each in story.tries()] == [("error", "DECLINED")]


def undoing(service: HttpService) -> str:
    """A call, and another that undoes it."""
    undo = task(url=service.address + "/undo", method="DELETE")
    undo = undo.replace('id="call"', 'id="undo" isForCompensation="true"')
    body = START + task(url=service.address + "/do", method="POST") + undo
    body += '<boundaryEvent id="undone" attachedToRef="call"><compensateEventDefinition/></boundaryEvent>'
    body += '<association id="a" sourceRef="undone" targetRef="undo"/>'
    return body + '<endEvent id="end"><compensateEventDefinition/></endEvent>' + chain("start", "call", "end")


def test_compensation_calls_services_too(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, {}), Reply(503), Reply(200, {}))
    undo = task(url=service.address + "/undo", method="DELETE").replace(
        'id="call"', 'id="undo" isForCompensation="true"'
    )
    body = START + task(url=service.address + "/do", method="POST") + undo
    body += '<boundaryEvent id="undone" attachedToRef="call"><compensateEventDefinition/></boundaryEvent>'
    body += '<association id="a" sourceRef="undone" targetRef="undo"/>'
    body += '<endEvent id="end"><compensateEventDefinition/></endEvent>' + chain("start", "call", "end")
    story = driver.draw(body)
    driver.tick(minutes=1)

    assert [(each.method, each.path) for each in service.asked] == [
        ("POST", "/do"),
        ("DELETE", "/undo"),
        ("DELETE", "/undo"),
    ]
    assert story.status == "completed"


def test_an_undo_that_fails_is_an_incident_and_not_lost(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, {}), Reply(404), Reply(200, {}))
    undo = task(url=service.address + "/undo", method="DELETE").replace(
        'id="call"', 'id="undo" isForCompensation="true"'
    )
    body = START + task(url=service.address + "/do", method="POST") + undo
    body += '<boundaryEvent id="undone" attachedToRef="call"><compensateEventDefinition/></boundaryEvent>'
    body += '<association id="a" sourceRef="undone" targetRef="undo"/>'
    body += '<endEvent id="end"><compensateEventDefinition/></endEvent>' + chain("start", "call", "end")
    story = driver.draw(body)
    assert [each.element_id for each in story.incidents()] == ["undo"]

    story.retry()
    assert (story.status, len(service.asked)) == ("completed", 3)


# ---- outcomes that come later --------------------------------------------------------------------------------------

SUM = '<procession:result name="sum">${body.sum}</procession:result>'
CALLBACK = '<procession:callback timeout="PT1H" heartbeat="PT10M"/>' + SUM


def addresses(service: HttpService) -> list[str]:
    return [asked.json["answer_to"].rpartition("/")[2] for asked in service.asked]


@pytest.fixture
def awaiting(driver: Driver, service: HttpService) -> Story:
    """An instance whose service has said 202."""
    service.answers(Reply(202))
    text = '<procession:body>{"answer_to": "${callback_url}"}</procession:body>'
    told = task(CALLBACK + text + '<procession:error code="DECLINED" when="${status == 200 and body.sum == 0}"/>',
                url=service.address, method="POST")  # fmt: skip
    return driver.draw(drawn(told, CAUGHT))


def test_a_service_tells_the_outcome_later(driver: Driver, service: HttpService, awaiting: Story) -> None:
    assert (awaiting.status, [each.outcome for each in awaiting.tries()]) == ("active", ["accepted"])
    (address,) = addresses(service)
    assert address not in str(awaiting.tries()[0].request)
    driver.tick(minutes=9)
    driver.do(later.tell, address, {"sum": 5}, {}, by=ROOT)

    assert (awaiting.status, awaiting.values()["sum"]) == ("completed", 5)
    assert [each.outcome for each in awaiting.tries()] == ["answered", "accepted"]
    assert "has it already" in driver.refused(Conflict, later.tell, address, {"sum": 6}, {}, by=ROOT)


def test_a_try_is_counted_when_it_begins_to_wait_and_when_its_outcome_is_told(
    driver: Driver, service: HttpService, awaiting: Story
) -> None:
    def counted(outcome: str) -> float:
        return metrics.TRIES.labels("http", outcome)._value.get()

    waiting, finished, failed = counted("waits"), counted("finished"), counted("failed")
    driver.do(later.tell_failure, addresses(service)[0], "out of paper", by=ROOT)
    driver.tick(minutes=1)
    driver.do(later.tell, addresses(service)[1], {"sum": 5}, {}, by=ROOT)

    assert (counted("waits"), counted("finished"), counted("failed")) == (waiting + 1, finished + 1, failed + 1)


def test_the_outcome_may_be_an_error(driver: Driver, service: HttpService, awaiting: Story) -> None:
    driver.do(later.tell, addresses(service)[0], {"sum": 0}, {}, by=ROOT)
    assert (awaiting.status, awaiting.values()["errorCode"]) == ("completed", "DECLINED")


def test_an_outcome_that_cannot_be_read_is_refused_and_still_awaited(
    driver: Driver, service: HttpService, awaiting: Story
) -> None:
    (address,) = addresses(service)
    assert "sum" in driver.refused(InvalidValues, later.tell, address, {"total": 1}, {}, by=ROOT)
    driver.do(later.tell, address, {"sum": 1}, {}, by=ROOT)
    assert awaiting.status == "completed"


def test_a_heartbeat_that_stays_away_fails_the_try(driver: Driver, service: HttpService, awaiting: Story) -> None:
    (first,) = addresses(service)
    for _ in range(3):
        driver.tick(minutes=8)
        driver.do(later.beat, first, by=ROOT)
    assert len(service.asked) == 1

    driver.tick(minutes=11)
    driver.tick(minutes=1)

    first, second = addresses(service)
    assert first != second
    assert "no sign of life" in str(awaiting.tries()[1].message)
    assert "its time is over" in driver.refused(Conflict, later.tell, first, {"sum": 1}, {}, by=ROOT)
    driver.do(later.tell, second, {"sum": 2}, {}, by=ROOT)
    assert awaiting.values()["sum"] == 2


def test_signs_of_life_do_not_help_for_ever(driver: Driver, service: HttpService, awaiting: Story) -> None:
    (first,) = addresses(service)
    for _ in range(6):
        driver.tick(minutes=9)
        driver.do(later.beat, first, by=ROOT)
    driver.tick(minutes=9)

    assert "it did not come in time" in str(awaiting.tries()[0].message)


def test_a_service_says_that_it_has_failed(driver: Driver, service: HttpService, awaiting: Story) -> None:
    driver.do(later.tell_failure, addresses(service)[0], "out of paper", by=ROOT)
    driver.tick(minutes=1)
    assert (len(service.asked), awaiting.tries()[1].message) == (2, "out of paper")

    driver.do(later.tell_failure, addresses(service)[1], "broken", is_final=True, by=ROOT)
    assert [each.message for each in awaiting.incidents()] == ["broken"]


def test_an_address_that_was_made_up(driver: Driver, service: HttpService, awaiting: Story) -> None:
    (address,) = addresses(service)
    for signed in ("", "x", address[:-1], address + "x"):
        driver.refused(NotFound, later.tell, signed, {"sum": 1}, {}, by=ROOT)


def test_an_outcome_that_overtakes_the_answer(driver: Driver, service: HttpService) -> None:
    hang = threading.Event()
    service.answers(Reply(202, until=hang))
    text = '<procession:body>{"answer_to": "${callback_url}"}</procession:body>'
    driver.deploy_drawn(drawn(task(CALLBACK + text, url=service.address, method="POST")))
    story = Story(driver, driver.do(instances.start, "p", by=ROOT).id)
    runner = threading.Thread(target=driver.run_jobs)
    runner.start()
    while not service.asked:
        threading.Event().wait(0.01)
    driver.do(later.tell, addresses(service)[0], {"sum": 5}, {}, by=ROOT)
    hang.set()
    runner.join()

    assert (story.status, story.values()["sum"], story.is_at_rest) == ("completed", 5, True)


def test_a_service_is_asked_until_it_is_done(driver: Driver, service: HttpService) -> None:
    busy = Reply(202, headers={"Location": "/orders/7/state", "Retry-After": "30"})
    service.answers(busy, busy, Reply(202, headers={"Location": "/x"}), Reply(200, {"sum": 9}))
    inside = '<procession:poll interval="PT2M"/><procession:result name="sum">${body.sum}</procession:result>'
    story = driver.draw(get(service, inside, method="POST"))
    driver.tick(seconds=31)
    driver.tick(seconds=31)
    assert len(service.asked) == 3
    driver.tick(seconds=31)
    assert len(service.asked) == 3
    driver.tick(seconds=90)

    assert [asked.path for asked in service.asked] == ["/orders", *["/orders/7/state"] * 3]
    assert (story.values()["sum"], [each.outcome for each in story.tries()]) == (9, ["answered", "accepted"])


def test_asking_ends_after_its_time_and_then_it_is_called_anew(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(202, headers={"Location": "/state"}))
    story = driver.draw(get(service, '<procession:poll timeout="PT1M" interval="PT25S"/>', method="POST"))
    for _ in range(4):
        driver.tick(seconds=25)

    assert [asked.method for asked in service.asked] == ["POST", "GET", "GET", "GET", "POST"]
    assert "it still is not" in str(story.tries()[1].message)


@pytest.mark.parametrize("location", ["", "http://evil.test/state", "//evil.test/"])
def test_a_202_that_leads_elsewhere(driver: Driver, service: HttpService, location: str) -> None:
    service.answers(Reply(202, headers={"Location": location} if location else {}))
    story = driver.draw(get(service, "<procession:poll/>", method="POST"))
    assert "an address of the same host" in story.incidents()[0].message


# ---- what an upload is refused for ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (task(), "neither"),
        (task(url="http://x", method="FETCH"), "one of GET, HEAD, POST"),
        (task("<procession:body>1</procession:body>", url="http://x"), "no body with GET"),
        (task(url="http://x", colour="red"), "there is colour"),
        (task("<procession:colour/>", url="http://x"), "there is colour"),
        (task('<procession:header name="a b">1</procession:header>', url="http://x"), "name of a header"),
        (task('<procession:result name="a b">1</procession:result>', url="http://x"), "name a variable"),
        (task('<procession:error code="E"/>', url="http://x"), "a code and a condition"),
        (task("<procession:callback/><procession:poll/>", url="http://x"), "callback or poll"),
        (task("<procession:body/><procession:body/>", url="http://x", method="POST"), "one body at most"),
        (task(url="http://x", timeout="soon"), "soon"),
        (task(url="http://${a b}"), ""),
        (task(url="http://x", more='camunda:topic="t"'), "there are both"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_at_upload(driver: Driver, call: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        driver.do(definitions.deploy, {"p.bpmn": document(drawn(call))}, by=ROOT)

    assert any(told in problem.message for problem in refused.value.problems), refused.value.problems
