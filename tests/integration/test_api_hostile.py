"""The HTTP API and who means it ill: each route asks for its scope, and no body makes it fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine import SYSTEM, Right, access_tokens
from tests.integration.test_api import Program, deploy, start
from tests.site import Site

WORK, START, MESSAGE = Right.WORK, Right.START, Right.MESSAGE
WORKER = {"workerId": "w"}
TYPED = {"a": {"value": 1, "type": "Integer", "valueInfo": {}}}
TOPIC = {
    "topicName": "rate",
    "lockDuration": 1,
    "variables": ["a"],
    "localVariables": True,
    "businessKey": "b",
    "processDefinitionId": 1,
    "processDefinitionIdIn": [1],
    "processDefinitionKey": "p",
    "processDefinitionKeyIn": ["p"],
    "processVariables": {"a": 1},
}
QUERY = {
    "externalTaskId": "1",
    "externalTaskIdIn": ["1"],
    "topicName": "rate",
    "workerId": "w",
    "locked": True,
    "lockExpirationAfter": "2026-01-05T09:00:00.000+0000",
    "lockExpirationBefore": "2026-01-05T09:00:00.000+0000",
    "activityId": "call",
    "activityIdIn": ["call"],
    "executionId": "1",
    "processInstanceId": "1",
    "processInstanceIdIn": ["1"],
    "processDefinitionId": "1",
    "processDefinitionKey": "p",
    "active": True,
    "priorityHigherThanOrEquals": 1,
    "priorityLowerThanOrEquals": 1,
    "sortBy": "lockExpirationTime",
    "sortOrder": "asc",
    "sorting": [{"sortBy": "id", "sortOrder": "desc"}],
    "firstResult": 0,
    "maxResults": 1,
}
ROUTES: list[tuple[str, str, Right, dict[str, Any]]] = [
    ("POST", "/external-task/fetchAndLock", WORK, {**WORKER, "maxTasks": 1, "topics": [TOPIC]}),
    ("POST", "/external-task/<int:task_id>/lock", WORK, {**WORKER, "lockDuration": 1}),
    ("POST", "/external-task/<int:task_id>/extendLock", WORK, {**WORKER, "newDuration": 1}),
    ("POST", "/external-task/<int:task_id>/unlock", WORK, {}),
    ("POST", "/external-task/<int:task_id>/complete", WORK, {**WORKER, "variables": TYPED, "localVariables": TYPED}),
    (
        "POST",
        "/external-task/<int:task_id>/failure",
        WORK,
        {**WORKER, "errorMessage": "m", "errorDetails": "d", "retries": 1, "retryTimeout": 1},
    ),
    (
        "POST",
        "/external-task/<int:task_id>/bpmnError",
        WORK,
        {**WORKER, "errorCode": "E", "errorMessage": "m", "variables": TYPED},
    ),
    ("PUT", "/external-task/<int:task_id>/retries", WORK, {"retries": 1}),
    (
        "PUT",
        "/external-task/retries",
        WORK,
        {"retries": 1, "externalTaskIds": ["1"], "processInstanceIds": ["1"]},
    ),
    ("PUT", "/external-task/<int:task_id>/priority", WORK, {"priority": 1}),
    ("POST", "/external-task", WORK, QUERY),
    ("GET", "/external-task", WORK, QUERY),
    ("POST", "/external-task/count", WORK, QUERY),
    ("GET", "/external-task/count", WORK, QUERY),
    ("GET", "/external-task/topic-names", WORK, {"withLockedTasks": True, "withRetriesLeft": True}),
    ("GET", "/external-task/<int:task_id>", WORK, {}),
    ("GET", "/external-task/<int:task_id>/errorDetails", WORK, {}),
    (
        "POST",
        "/process-definition/key/<key>/start",
        START,
        {"businessKey": "b", "variables": TYPED, "withVariablesInReturn": True},
    ),
    (
        "POST",
        "/process-definition/<int:definition_id>/start",
        START,
        {"businessKey": "b", "variables": TYPED, "withVariablesInReturn": True},
    ),
    (
        "POST",
        "/message",
        MESSAGE,
        {
            "messageName": "paid",
            "businessKey": "b",
            "processInstanceId": "1",
            "correlationKeys": TYPED,
            "localCorrelationKeys": TYPED,
            "processVariables": TYPED,
            "processVariablesLocal": TYPED,
            "all": True,
            "resultEnabled": True,
            "variablesInResultEnabled": True,
        },
    ),
    ("POST", "/signal", MESSAGE, {"name": "s", "variables": TYPED}),
]
HOSTILE: list[object] = [
    True,
    -1,
    10**30,
    2**63,
    -(2**63) - 1,
    1.5,
    "",
    "x" * 4_000,
    "x" * 100_000,
    "\0",
    "\ud800",
    "1e999",
    "9" * 5_000,
    "0001-01-01T00:00:00+23:59",
    "${1/0}",
    [],
    [[[]]],
    [None],
    [10**30],
    ["\0"],
    {},
    {"": None},
    {"a": {"value": "x", "type": "Integer"}},
    {"__class__": {"value": 1}},
    {"a": {"value": 10**400, "type": "Double"}},
    {"a": {"value": "9" * 10_000, "type": "Long"}},
    {"a": {"value": "\ud800", "type": "String"}},
    {"a": {"value": "{" * 100_000, "type": "Json"}},
    {"a": {"value": "NaN", "type": "Double"}},
    {"a": {"value": "2026-13-45", "type": "Date"}},
    {"a": {"value": "%", "type": "Bytes"}},
    {"a": {"value": 1, "type": ["x"]}},
    {"a": {"value": "{}", "type": "Object", "valueInfo": [1]}},
    {"x" * 10_000: {"value": 1}},
    {"a": 10**30},
    {"a": 10**400},
]
RAW = {
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "nothing": b"null",
    "not a number": b'{"workerId": NaN, "name": Infinity}',
    "half a character": b'{"workerId": "\\ud800", "name": "\\ud800", "messageName": "\\ud800"}',
    "another encoding": b'{"workerId": "\xff"}',
    "too deep": b'{"variables": ' + b"[" * 100_000,
    "an endless number": b'{"retries": ' + b"9" * 10_000 + b"}",
}


def address(path: str, of: str = "1") -> str:
    return path.replace("<int:task_id>", of).replace("<int:definition_id>", of).replace("<key>", "p")


def mutations(body: Any) -> Iterator[Any]:
    """The body with each of its fields, and those of what it holds, changed into each hostile value."""
    for name, value in body.items():
        yield from ({**body, name: hostile} for hostile in HOSTILE)
        if isinstance(value, list) and isinstance(value[0], dict):
            yield from ({**body, name: [inner]} for inner in mutations(value[0]))


def rules(site: Site) -> set[tuple[str, str]]:
    """Each method and path of the API that the application serves."""
    return {
        (method, rule.rule.removeprefix("/engine-rest"))
        for rule in site.app.url_map.iter_rules()
        if rule.rule.startswith("/engine-rest") and rule.endpoint != "api.unknown"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_stands_in_the_table(site: Site) -> None:
    assert rules(site) == {(method, path) for method, path, _scope, _body in ROUTES}


@pytest.mark.parametrize(
    ("method", "path", "scope", "body"), ROUTES, ids=lambda told: told if isinstance(told, str) else ""
)
def test_each_route_asks_for_its_scope(site: Site, method: str, path: str, scope: Right, body: dict[str, Any]) -> None:
    deploy(site)
    start(Program(site, Right.START, name="starter"))
    others = [each for each in access_tokens.SCOPES if each != scope]
    without, anonymous = Program(site, *others, name="others"), site.app.test_client()
    told = None if method == "GET" else body

    assert anonymous.open(f"/engine-rest{address(path)}", method=method, json=told).status_code == 401
    refused = without.call(method, address(path), told)
    assert (refused.status_code, refused.json["type"]) == (403, "AuthorizationException"), refused.text
    assert Program(site, scope, name="right").call(method, address(path), told).status_code != 403


@pytest.mark.parametrize(
    ("method", "path", "scope", "body"), ROUTES, ids=lambda told: told if isinstance(told, str) else ""
)
def test_no_value_makes_a_route_fail(site: Site, method: str, path: str, scope: Right, body: dict[str, Any]) -> None:
    program = Program(site, scope, name="hostile")
    deploy(site)
    start(Program(site, Right.START, name="starter"))

    for told in mutations(body):
        if method == "GET":
            answer = program.client.get(
                f"/engine-rest{address(path)}",
                query_string={name: str(value).encode("utf-8", "replace") for name, value in told.items()},
                headers={"Authorization": f"Bearer {program.secret}"},
            )
        else:
            answer = program.call(method, address(path), told)
        check(answer, told)


def check(answer: Any, told: object) -> None:
    assert answer.status_code < 500, (
        f"{answer.status_code} {answer.text:.300} for {str(told).encode('utf-8', 'replace')[:400]!r}"
    )
    if answer.status_code >= 400:
        assert answer.json["type"], told
        assert answer.json["message"], told
        assert len(answer.text) < 20_000, f"{len(answer.text)} characters for {str(told)[:300]!r}"


@pytest.mark.parametrize("number", ["0", "9" * 30, "9" * 5_000])
def test_numbers_of_any_length_are_of_nothing(site: Site, number: str) -> None:
    program = Program(site, *access_tokens.SCOPES)
    for method, path, _scope, body in ROUTES:
        if "<int:" in path:
            answer = program.call(method, address(path, number), None if method == "GET" else body)
            assert answer.status_code == 404, (path, answer.text)


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_no_text_makes_a_route_fail(site: Site, raw: bytes) -> None:
    deploy(site)
    program = Program(site, *access_tokens.SCOPES)
    told = {"Authorization": f"Bearer {program.secret}"}
    for method, path, _scope, _body in ROUTES:
        if method != "GET" and not path.endswith("unlock"):
            answer = program.client.open(f"/engine-rest{address(path)}", method=method, data=raw, headers=told)
            check(answer, (path, raw[:100]))


def test_nothing_hostile_is_kept(site: Site) -> None:
    """What was refused has left nothing."""
    deploy(site)
    program = Program(site, *access_tokens.SCOPES)
    body = {"variables": {"good": {"value": 1}, "a": {"value": "x", "type": "Integer"}}}

    assert program.post("/process-definition/key/p/start", body).status_code == 400

    with site.engine.reading(SYSTEM) as tx:
        assert json.dumps(tx.connection.exec_driver_sql("SELECT count(*) FROM instance").scalar()) == "0"
