"""What calls of the HTTP API bring: whatever type it tells, how much of it, and under which key."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from engine import Busy, Right, access_tokens
from tests.integration.test_api import Program, deploy, process, start, waiting
from tests.site import Site

AMOUNT = {"variables": {"amount": {"value": 12}}}
ALL = access_tokens.SCOPES


@pytest.fixture
def program(site: Site) -> Program:
    return Program(site, *ALL)


def send(program: Program, data: bytes, **headers: str) -> Any:
    told = {"Authorization": f"Bearer {program.secret}", **headers}
    return program.client.post("/engine-rest/process-definition/key/p/start", data=data, headers=told)


# ---- types ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/json", "a/b", ""])
def test_a_body_is_json_whatever_type_it_tells(site: Site, program: Program, kind: str) -> None:
    deploy(site)

    answer = send(program, json.dumps(AMOUNT).encode(), **{"Content-Type": kind})

    assert answer.status_code == 200
    assert process(site, answer.json["id"])[1] == {"amount": 12}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/x-www-form-urlencoded", b"businessKey=4711"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'),
        ("application/xml", b"<a/>"),
    ],
)
def test_what_is_no_json_starts_nothing(site: Site, program: Program, kind: str, data: bytes) -> None:
    deploy(site)

    answer = send(program, data, **{"Content-Type": kind})

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")
    assert program.call("GET", "/external-task/count").json == {"count": 0}


def test_a_packed_body_is_not_unpacked(site: Site, program: Program) -> None:
    deploy(site)

    answer = send(program, gzip.compress(json.dumps(AMOUNT).encode()), **{"Content-Encoding": "gzip"})

    assert answer.status_code == 415 and "packed with gzip" in answer.json["message"]
    assert program.call("GET", "/external-task/count").json == {"count": 0}


# ---- how much ------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused(site: Site, program: Program) -> None:
    answer = send(program, b" " * 2_000_001)
    assert (answer.status_code, answer.json["type"]) == (413, "RestException")


MANY = {f"v{number}": number for number in range(21)}
TYPED = {name: {"value": value} for name, value in MANY.items()}
TOPIC = {"topicName": "rate", "lockDuration": 1_000, "processVariables": MANY}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics": [TOPIC]}, "processVariables"),
        ("/message", {"messageName": "paid", "correlationKeys": TYPED}, "correlationKeys"),
        ("/external-task", {"sorting": [{"sortBy": "id"}] * 8}, "sorting"),
        ("/external-task", {"maxResults": 10_001}, "maxResults"),
    ],
)
def test_a_question_that_asks_too_much_is_refused(
    program: Program, path: str, body: dict[str, Any], field: str
) -> None:
    answer = program.post(path, body)

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")
    assert field in answer.json["message"]


@pytest.mark.parametrize("told", ["[" * 300 + "]" * 300, "NaN", "[1e400]", '"\\ud800"', "9" * 3_500])
def test_a_value_that_cannot_be_stored_is_told_by_its_name(site: Site, program: Program, told: str) -> None:
    deploy(site)

    answer = send(program, b'{"variables": {"good": {"value": 1}, "wrong": {"value": ' + told.encode() + b"}}}")

    assert answer.status_code == 400
    assert 'variables: Value error, Expected variable "wrong"' in answer.json["message"]


def test_a_key_that_is_too_long_is_told_by_its_header(site: Site, program: Program) -> None:
    deploy(site)
    for path in ("/process-definition/key/p/start", "/message"):
        answer = program.post(path, {"messageName": "paid"}, **{"Idempotency-Key": "k" * 256})
        assert answer.status_code == 400
        assert answer.json["message"].startswith("Idempotency-Key: Expected a key of at most 255")


def test_retries_of_more_tasks_than_can_be_changed_are_refused(
    site: Site, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(site)
    ids = [start(program)["id"] for _ in range(3)]
    monkeypatch.setattr("web.api.external_tasks.MOST_LISTED", 2)

    refused = program.call("PUT", "/external-task/retries", {"retries": 7, "processInstanceIds": ids})
    few = program.call("PUT", "/external-task/retries", {"retries": 8, "processInstanceIds": ids[:2]})

    assert (refused.status_code, few.status_code) == (400, 204)
    assert "at most 2 external tasks" in refused.json["message"]


def test_a_topic_that_no_diagram_can_have_is_refused(program: Program) -> None:
    topic = {"topicName": "x" * 401, "lockDuration": 1_000}

    answer = program.post("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics": [topic]})

    assert answer.status_code == 400
    assert answer.json["message"].startswith("topicName: Expected the name of a topic of at most 400")


def test_who_asks_under_ever_new_names_is_forgotten(site: Site, program: Program) -> None:
    for number in range(30):
        program.fetch(worker=f"w{number}")
        site.advance(seconds=10)

    assert len(site.engine.seen) == 2


# ---- messages ------------------------------------------------------------------------------------------------------


def test_a_message_for_all_with_a_key_is_taken_once_by_each(site: Site, program: Program) -> None:
    deploy(site, waiting())
    ids = [start(program)["id"] for _ in range(3)]
    told = {"messageName": "paid", "all": True, "resultEnabled": True}

    first = program.post("/message", told, **{"Idempotency-Key": "k1"})
    later = start(program)["id"]
    again = program.post("/message", told, **{"Idempotency-Key": "k1"})

    assert sorted(each["execution"]["id"] for each in first.json) == sorted(ids)
    assert (again.status_code, again.json) == (200, [])
    assert process(site, later)[0] == "active"


def test_a_message_for_all_is_for_nobody_when_too_many_wait(
    site: Site, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(site, waiting())
    ids = [start(program)["id"] for _ in range(3)]
    monkeypatch.setattr("engine.messages.MOST_WAITING", 2)

    refused = program.post("/message", {"messageName": "paid", "all": True})
    one = program.post("/message", {"messageName": "paid", "all": True, "processInstanceId": ids[2]})

    assert (refused.status_code, one.status_code) == (400, 204)
    assert "at most 2 to wait" in refused.json["message"]
    assert [process(site, each)[0] for each in ids] == ["active", "active", "completed"]


def test_large_numbers_find_no_neighbour(site: Site, program: Program) -> None:
    deploy(site, waiting())
    numbers = [2**53, 2**53 + 1, 10**400]
    ids = [start(program, {"variables": {"order": {"value": number}}})["id"] for number in numbers]
    for id, number in zip(ids, numbers, strict=True):
        told = {"messageName": "paid", "correlationKeys": {"order": {"value": number}}, "resultEnabled": True}
        answer = program.post("/message", told)
        assert answer.status_code == 200, answer.text
        assert answer.json[0]["execution"]["id"] == id


def test_a_number_is_found_however_it_is_written(site: Site, program: Program) -> None:
    deploy(site, waiting())
    id = start(program, {"variables": {"order": {"value": 12}}})["id"]

    told = {"messageName": "paid", "correlationKeys": {"order": {"value": 12.0}}}

    assert program.post("/message", told).status_code == 204
    assert process(site, id)[0] == "completed"


def test_a_busy_instance_is_worth_another_call(site: Site, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def correlate(*_args: object, **_about: object) -> int:
        raise Busy("Expected the database to be free, but another command held it too long. Try again.")

    monkeypatch.setattr("engine.messages.correlate", correlate)

    answer = program.post("/message", {"messageName": "paid"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_who_sends_a_message_does_not_read_the_process_by_it(site: Site, program: Program) -> None:
    deploy(site, waiting())
    id = start(program, {"variables": {"salary": {"value": 90_000}}})["id"]
    told = {"messageName": "paid", "resultEnabled": True, "variablesInResultEnabled": True}

    refused = Program(site, Right.MESSAGE, name="sender").post("/message", told)
    assert (refused.status_code, refused.json["type"]) == (403, "AuthorizationException")
    assert process(site, id)[0] == "active"

    (result,) = Program(site, Right.MESSAGE, Right.INSPECT, name="reader").post("/message", told).json
    assert result["variables"]["salary"]["value"] == 90_000
