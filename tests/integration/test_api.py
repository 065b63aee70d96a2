"""The HTTP API: who is let in, what is refused, and how values are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from engine import SYSTEM, Right, access_tokens, definitions, instances, progress, services
from tests.play import END, START, chain, document
from tests.site import Site

EVERYTHING = tuple(access_tokens.SCOPES)


class Program:
    """One that calls the API with a token."""

    def __init__(self, site: Site, *scopes: Right, name: str = "tests") -> None:
        with site.engine.transaction(SYSTEM) as tx:
            self.secret = access_tokens.add(tx, name, scopes=scopes, life=timedelta(days=1))
        self.client = site.app.test_client()

    def call(self, method: str, path: str, json: object = None, **headers: str) -> TestResponse:
        told = {"Authorization": f"Bearer {self.secret}", **headers}
        return self.client.open(f"/engine-rest{path}", method=method, json=json, headers=told)

    def post(self, path: str, json: object = None, **headers: str) -> TestResponse:
        return self.call("POST", path, {} if json is None else json, **headers)

    def fetch(self, topic: str = "rate", worker: str = "w1", *, most: int = 10, **of_topic: Any) -> list[Any]:
        asked = {"topicName": topic, "lockDuration": 60_000, **of_topic}
        answer = self.post("/external-task/fetchAndLock", {"workerId": worker, "maxTasks": most, "topics": [asked]})
        assert answer.status_code == 200, answer.text
        return answer.json


def service(topic: str = "rate", id: str = "call", inside: str = "", more: str = "") -> str:
    extension = f"<extensionElements>{inside}</extensionElements>" if inside else ""
    told = f'camunda:type="external" camunda:topic="{topic}" {more}'
    return f'<serviceTask id="{id}" name="Rate" {told}>{extension}</serviceTask>'


CALL = START + service() + END + chain("start", "call", "end")


@pytest.fixture
def program(site: Site) -> Program:
    return Program(site, *EVERYTHING)


def deploy(site: Site, body: str = CALL) -> None:
    with site.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body)})


def start(program: Program, body: Mapping[str, Any] | None = None, **headers: str) -> Any:
    answer = program.post("/process-definition/key/p/start", body or {}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def process(site: Site, instance_id: str) -> tuple[str, dict[str, Any]]:
    with site.engine.reading(SYSTEM) as tx:
        row = instances.get(tx, int(instance_id))
        return str(row.status), instances.process_values(tx, row.id)


# ---- who is let in -------------------------------------------------------------------------------------------------


def test_nobody_comes_in_without_a_token(site: Site, program: Program) -> None:
    for told in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "x"}):
        answer = site.app.test_client().post("/engine-rest/external-task/fetchAndLock", json={}, headers=told)
        assert (answer.status_code, answer.json["type"]) == (401, "AuthenticationException")


def test_a_session_of_the_pages_is_none_of_the_api(site: Site) -> None:
    assert site.visitor("root").client.get("/engine-rest/external-task").status_code == 401


def test_a_token_is_the_password_of_basic_too(site: Site, program: Program) -> None:
    answer = site.app.test_client().get("/engine-rest/external-task", auth=("anybody", program.secret))
    assert (answer.status_code, answer.json) == (200, [])


def test_a_token_is_for_its_scopes_only(site: Site) -> None:
    worker = Program(site, Right.WORK, name="worker")
    deploy(site, CALL)

    assert worker.call("GET", "/external-task").status_code == 200
    refused = worker.post("/message", {"messageName": "paid"})
    assert (refused.status_code, refused.json["type"]) == (403, "AuthorizationException")
    assert Program(site, Right.START, name="starter").call("GET", "/external-task").status_code == 403


def test_who_shows_wrong_tokens_is_held_up_and_who_has_one_is_not(site: Site, program: Program) -> None:
    """Both may come from one address: a worker whose token has ended keeps asking."""
    stranger = site.app.test_client()
    wrong = [stranger.get("/engine-rest/external-task", auth=("a", "wrong")).status_code for _ in range(61)]

    assert wrong == [401] * 60 + [429]
    assert program.call("GET", "/external-task").status_code == 200


def test_a_token_ends(site: Site, program: Program) -> None:
    site.advance(days=1, seconds=1)
    assert program.call("GET", "/external-task").status_code == 401


def test_a_deleted_token_ends_at_once(site: Site, program: Program) -> None:
    with site.engine.transaction(SYSTEM) as tx:
        access_tokens.delete_token(tx, "tests")
    assert program.call("GET", "/external-task").status_code == 401


def test_the_use_of_a_token_is_noted_and_its_secret_is_not_kept(site: Site, program: Program) -> None:
    program.call("GET", "/external-task")

    with site.engine.reading(SYSTEM) as tx:
        (token,) = access_tokens.find(tx)
        held = tx.connection.exec_driver_sql("SELECT * FROM access_token").all()
    assert token.used_at == site.engine.clock.now()
    assert program.secret not in str(held)


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/external-task/fetchAndLock", {"maxTasks": 1}, "workerId: Field required"),
        ("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": "many"}, "maxTasks"),
        ("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 0}, "from 1 to 1,000 tasks"),
        ("/external-task/fetchAndLock", {"workerId": " ", "maxTasks": 1}, "name of a worker"),
        (
            "/external-task/fetchAndLock",
            {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "a"}]},
            "lockDuration",
        ),
        ("/external-task/fetchAndLock", [], "JSON object"),
        ("/external-task/1/complete", {"workerId": "w", "variables": {"a": 5}}, 'variable "a"'),
        (
            "/external-task/1/complete",
            {"workerId": "w", "variables": {"a": {"value": "x", "type": "Integer"}}},
            "Integer",
        ),
        ("/external-task/1/complete", {"workerId": "w", "variables": {"a": {"value": 1, "type": "Banana"}}}, "Banana"),
        ("/external-task/1/bpmnError", {"workerId": "w"}, "errorCode"),
        ("/external-task/1/failure", {"workerId": "w", "retries": -1}, "retries"),
        ("/message", {"messageName": ""}, "messageName"),
        ("/signal", {}, "name"),
    ],
)
def test_a_malformed_call_is_told_the_field(program: Program, path: str, body: object, told: str) -> None:
    answer = program.post(path, body)

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")
    assert told in answer.json["message"]


def test_no_json_at_all(program: Program) -> None:
    told = {"Authorization": f"Bearer {program.secret}"}
    answer = program.client.post("/engine-rest/message", data="{", headers=told)
    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/external-task/77", None),
        ("POST", "/external-task/77/complete", {"workerId": "w"}),
        ("POST", "/external-task/77/lock", {"workerId": "w", "lockDuration": 1000}),
        ("POST", "/external-task/77/unlock", None),
        ("PUT", "/external-task/77/retries", {"retries": 1}),
        ("POST", "/process-definition/key/none/start", {}),
        ("GET", "/nothing", None),
    ],
)
def test_what_is_not_there(program: Program, method: str, path: str, body: object) -> None:
    answer = program.call(method, path, body)
    assert (answer.status_code, answer.json["type"]) == (404, "RestException")


# ---- external tasks ------------------------------------------------------------------------------------------------


def test_a_worker_takes_a_task_and_completes_it(site: Site, program: Program) -> None:
    deploy(site)
    started = start(program, {"businessKey": "4711", "variables": {"amount": {"value": 120, "type": "Integer"}}})

    (task,) = program.fetch()
    assert task["topicName"] == "rate" and task["workerId"] == "w1" and task["businessKey"] == "4711"
    assert task["processInstanceId"] == started["id"] and task["processDefinitionKey"] == "p"
    assert task["activityId"] == "call" and task["retries"] is None and task["priority"] == 0
    assert task["variables"] == {"amount": {"value": 120, "type": "Integer", "valueInfo": {}}}
    assert program.fetch(worker="w2") == []

    rating = {"rating": {"value": "A", "type": "String"}}
    done = program.post(f"/external-task/{task['id']}/complete", {"workerId": "w1", "variables": rating})

    assert (done.status_code, done.data) == (204, b"")
    assert process(site, started["id"]) == ("completed", {"amount": 120, "rating": "A"})


@pytest.mark.parametrize("act", ["complete", "failure", "bpmnError", "extendLock"])
def test_only_who_has_a_task_says_how_it_ended(site: Site, program: Program, act: str) -> None:
    deploy(site)
    start(program)
    told = {"errorCode": "E", "newDuration": 60_000, "retries": 1}
    free = program.call("GET", "/external-task").json[0]["id"]
    path = f"/external-task/{free}/{act}"

    assert program.post(path, {"workerId": "w1", **told}).status_code == 409  # nobody has it
    program.fetch()
    assert program.post(path, {"workerId": "w2", **told}).status_code == 409  # another has it
    other = Program(site, Right.WORK, name="other")
    assert other.post(path, {"workerId": "w1", **told}).status_code == 409  # who takes another's name
    site.advance(seconds=61)
    late = program.post(path, {"workerId": "w1", **told})
    assert late.status_code == 409 and "time for it is over" in late.json["message"]


def test_completing_twice(site: Site, program: Program) -> None:
    deploy(site)
    start(program)
    (task,) = program.fetch()
    path = f"/external-task/{task['id']}/complete"

    assert program.post(path, {"workerId": "w1"}).status_code == 204
    again = program.post(path, {"workerId": "w1"})
    assert again.status_code == 409 and "has ended it already" in again.json["message"]


def test_a_lock_that_is_over_lets_others_have_the_task(site: Site, program: Program) -> None:
    deploy(site)
    start(program)
    (task,) = program.fetch()

    site.advance(seconds=61)
    (again,) = program.fetch(worker="w2")

    assert again["id"] == task["id"]
    assert program.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"}).status_code == 409
    assert program.post(f"/external-task/{task['id']}/complete", {"workerId": "w2"}).status_code == 204


def test_a_lock_is_extended(site: Site, program: Program) -> None:
    deploy(site)
    start(program)
    (task,) = program.fetch()
    site.advance(seconds=50)
    program.post(f"/external-task/{task['id']}/extendLock", {"workerId": "w1", "newDuration": 60_000})

    site.advance(seconds=50)

    assert program.fetch(worker="w2") == []
    assert program.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"}).status_code == 204


def test_locking_and_unlocking_one(site: Site, program: Program) -> None:
    deploy(site)
    start(program)
    task = program.call("GET", "/external-task").json[0]
    path = f"/external-task/{task['id']}"

    assert program.post(f"{path}/lock", {"workerId": "w1", "lockDuration": 60_000}).status_code == 204
    assert program.post(f"{path}/lock", {"workerId": "w2", "lockDuration": 60_000}).status_code == 409
    assert program.call("GET", path).json["workerId"] == "w1"
    assert program.post(f"{path}/unlock").status_code == 204
    assert program.call("GET", path).json["workerId"] is None
    assert program.post(f"{path}/lock", {"workerId": "w2", "lockDuration": 60_000}).status_code == 204


def test_a_failure_is_tried_again_as_the_worker_says(site: Site, program: Program) -> None:
    deploy(site)
    started = start(program)
    (task,) = program.fetch()
    told = {"workerId": "w1", "errorMessage": "no line", "errorDetails": "trace", "retries": 2, "retryTimeout": 30_000}

    assert program.post(f"/external-task/{task['id']}/failure", told).status_code == 204
    assert program.fetch() == []
    site.advance(seconds=31)

    (again,) = program.fetch()
    assert (again["id"], again["retries"], again["errorMessage"]) == (task["id"], 2, "no line")
    assert program.call("GET", f"/external-task/{task['id']}/errorDetails").text == "trace"
    with site.engine.reading(SYSTEM) as tx:
        (tried,) = progress.tries(tx, int(started["id"])).rows
    assert (tried.worker, tried.outcome, tried.message, tried.answer) == ("w1", "failed", "no line", "trace")


def test_the_last_failure_is_an_incident_and_more_retries_resolve_it(site: Site, program: Program) -> None:
    deploy(site)
    started = start(program)
    (task,) = program.fetch()
    program.post(f"/external-task/{task['id']}/failure", {"workerId": "w1", "errorMessage": "no line", "retries": 0})

    with site.engine.reading(SYSTEM) as tx:
        assert instances.get(tx, int(started["id"])).incidents == 1
    assert program.fetch() == []
    assert program.call("GET", "/external-task?noRetriesLeft=true").json[0]["retries"] == 0
    program.call("PUT", f"/external-task/{task['id']}/retries", {"retries": 3})

    (again,) = program.fetch()
    program.post(f"/external-task/{again['id']}/complete", {"workerId": "w1"})
    with site.engine.reading(SYSTEM) as tx:
        assert instances.get(tx, int(started["id"])).incidents == 0
    assert process(site, started["id"])[0] == "completed"


def test_retries_set_to_none_are_an_incident(site: Site, program: Program) -> None:
    deploy(site)
    started = start(program)
    task = program.call("GET", "/external-task").json[0]

    assert (
        program.call("PUT", "/external-task/retries", {"retries": 0, "externalTaskIds": [task["id"]]}).status_code
        == 204
    )

    with site.engine.reading(SYSTEM) as tx:
        assert instances.get(tx, int(started["id"])).incidents == 1


GUARDED = (
    START
    + service()
    + '<boundaryEvent id="refused" attachedToRef="call"><errorEventDefinition errorRef="declined"/></boundaryEvent>'
    + '<endEvent id="sorry" name="Sorry"/>'
    + END
    + chain("start", "call", "end")
    + chain("refused", "sorry")
)


def test_a_bpmn_error_is_caught_and_tells_the_process(site: Site, program: Program) -> None:
    deploy(site, GUARDED)
    started = start(program)
    (task,) = program.fetch()
    told = {"workerId": "w1", "errorCode": "DECLINED", "variables": {"why": {"value": "age"}}}

    assert program.post(f"/external-task/{task['id']}/bpmnError", told).status_code == 204

    assert process(site, started["id"])[1] == {"why": "age", "errorCode": "DECLINED", "errorMessage": ""}


MAPPED = (
    START
    + service(
        inside='<camunda:inputOutput><camunda:inputParameter name="sum">${amount * 2}</camunda:inputParameter>'
        '<camunda:outputParameter name="grade">${mark}</camunda:outputParameter></camunda:inputOutput>'
    )
    + END
    + chain("start", "call", "end")
)


def test_local_variables_are_for_the_mappings(site: Site, program: Program) -> None:
    deploy(site, MAPPED)
    started = start(program, {"variables": {"amount": {"value": 2}}})

    (task,) = program.fetch(localVariables=True)
    assert task["variables"] == {"sum": {"value": 4, "type": "Integer", "valueInfo": {}}}
    told = {"workerId": "w1", "localVariables": {"mark": {"value": "A"}}, "variables": {"seen": {"value": True}}}
    program.post(f"/external-task/{task['id']}/complete", told)

    assert process(site, started["id"]) == ("completed", {"amount": 2, "grade": "A", "seen": True})


def test_a_worker_asks_for_some_variables_and_some_instances(site: Site, program: Program) -> None:
    deploy(site)
    for key, amount in (("a", 1), ("b", 2)):
        start(program, {"businessKey": key, "variables": {"amount": {"value": amount}, "other": {"value": "x"}}})

    assert program.fetch(businessKey="none") == []
    assert program.fetch(processVariables={"amount": 3}) == []
    assert program.fetch(processDefinitionKey="q") == []
    (second,) = program.fetch(processVariables={"amount": 2}, variables=["amount"])
    (first,) = program.fetch(businessKey="a", processDefinitionKeyIn=["p", "q"], variables=[])
    assert second["variables"].keys() == {"amount"} and second["businessKey"] == "b"
    assert first["variables"] == {}


def test_a_worker_gets_what_the_diagram_says_beyond(site: Site, program: Program) -> None:
    said = '<camunda:properties><camunda:property name="region" value="north"/></camunda:properties>'
    deploy(site, START + service(inside=said) + END + chain("start", "call", "end"))
    start(program)

    (task,) = program.fetch(includeExtensionProperties=True)
    assert task["extensionProperties"] == {"region": "north"}


def test_higher_priorities_are_taken_first(site: Site, program: Program) -> None:
    deploy(site, CALL.replace('camunda:topic="rate"', 'camunda:topic="rate" camunda:taskPriority="${urgency}"'))
    ids = [start(program, {"variables": {"urgency": {"value": each}}})["id"] for each in (1, 9, 5)]

    taken = [program.fetch(most=1)[0] for _ in ids]

    assert [task["priority"] for task in taken] == [9, 5, 1]
    assert [task["processInstanceId"] for task in taken] == [ids[1], ids[2], ids[0]]


def test_lists_counts_and_topics(site: Site, program: Program) -> None:
    deploy(site)
    ids = [start(program)["id"] for _ in range(3)]
    (held, *_) = program.fetch(most=1)

    listed = program.call("GET", "/external-task?sortBy=id&sortOrder=desc&topicName=rate&maxResults=2").json
    assert [task["processInstanceId"] for task in listed] == ids[:0:-1]
    assert program.call("GET", "/external-task/count?locked=true").json == {"count": 1}
    assert program.post("/external-task/count", {"notLocked": True}).json == {"count": 2}
    assert program.post("/external-task", {"workerId": "w1"}).json[0]["id"] == held["id"]
    assert program.call("GET", f"/external-task?processInstanceIdIn={ids[0]},{ids[1]}").json.__len__() == 2
    assert program.call("GET", "/external-task/topic-names").json == ["rate"]
    assert program.call("GET", "/external-task?sortBy=colour").status_code == 400


def test_a_task_is_gone_when_its_process_has_gone_on(site: Site, program: Program) -> None:
    deploy(site)
    started = start(program)
    (task,) = program.fetch()
    with site.engine.transaction(SYSTEM) as tx:
        instances.cancel(tx, int(started["id"]), "no longer wanted")

    answer = program.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"})
    assert answer.status_code == 404


def test_a_function_and_a_worker_share_a_topic(site: Site, program: Program) -> None:
    deploy(site, CALL.replace("rate", "shared"))
    start(program)
    (task,) = program.fetch("shared")
    second = start(program)
    services.register("shared")(lambda call: {"by": "function"})
    site.engine.run_until_idle()

    assert process(site, second["id"]) == ("completed", {"by": "function"})
    assert program.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"}).status_code == 204


def test_a_topic_that_nobody_serves_is_warned_of(site: Site, program: Program) -> None:
    deploy(site)
    start(program)
    root = site.visitor("root")
    assert "Nobody serves the topic" not in root.page("/incidents")

    site.advance(minutes=2)
    assert "Nobody serves the topic rate : 1 call waits since" in root.page("/incidents")
    assert "nobody serves it" in root.page("/services/")

    program.fetch(worker="w1", businessKey="none")
    assert "Nobody serves" not in root.page("/incidents") and "served by w1" in root.page("/services/")
    site.advance(minutes=2)
    assert "Nobody serves the topic rate" in root.page("/incidents")


# ---- starting and messages -----------------------------------------------------------------------------------------


def test_starting_twice_with_one_key_gives_one_instance(site: Site, program: Program) -> None:
    deploy(site)

    first = start(program, {"businessKey": "a"}, **{"Idempotency-Key": "order-1"})
    again = start(program, {"businessKey": "b"}, **{"Idempotency-Key": "order-1"})
    other = start(program, **{"Idempotency-Key": "order-2"})

    assert (again["id"], again["businessKey"]) == (first["id"], "a")
    assert other["id"] != first["id"]
    assert program.call("GET", "/external-task/count").json == {"count": 2}


def test_what_starting_answers(site: Site, program: Program) -> None:
    deploy(site)
    told = {"businessKey": "4711", "variables": {"a": {"value": [1, {"b": None}]}}, "withVariablesInReturn": True}
    answer = start(program, told)

    assert answer["businessKey"] == "4711" and answer["ended"] is False and answer["definitionKey"] == "p"
    assert answer["variables"] == {"a": {"value": '[1,{"b":null}]', "type": "Json", "valueInfo": {}}}
    by_id = program.post(f"/process-definition/{answer['definitionId']}/start", {})
    assert by_id.json["definitionId"] == answer["definitionId"]


def waiting(definition: str = '<messageEventDefinition messageRef="paid"/>') -> str:
    event = f'<intermediateCatchEvent id="wait">{definition}</intermediateCatchEvent>'
    return START + event + END + chain("start", "wait", "end")


@pytest.mark.parametrize(
    ("path", "told", "field"),
    [
        (
            "/process-definition/key/p/start",
            {"startInstructions": [{"type": "startBeforeActivity"}]},
            "startInstructions",
        ),
        ("/message", {"messageName": "paid", "tenantId": "a"}, "tenantId"),
        ("/signal", {"name": "stop", "executionId": "7"}, "executionId"),
        ("/external-task", {"tenantIdIn": ["a"]}, "tenantIdIn"),
        (
            "/external-task/fetchAndLock",
            {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "t", "lockDuration": 1, "tenantIdIn": ["a"]}]},
            "tenantIdIn",
        ),
    ],
)
def test_what_cannot_be_done_here_is_refused_and_not_passed_over(
    site: Site, program: Program, path: str, told: dict[str, Any], field: str
) -> None:
    deploy(site, waiting())

    answer = program.post(path, told)

    assert (answer.status_code, f"Expected no {field}: " in answer.json["message"]) == (400, True)


def test_a_message_by_business_key_and_by_variables(site: Site, program: Program) -> None:
    deploy(site, waiting())
    ids = [
        start(program, {"businessKey": key, "variables": {"customer": {"value": key}}})["id"] for key in ("a", "b", "c")
    ]
    unclear = program.post("/message", {"messageName": "paid"})
    assert unclear.status_code == 400

    by_key = {"messageName": "paid", "businessKey": "a", "processVariables": {"x": {"value": 1}}}
    assert program.post("/message", by_key).status_code == 204
    by_value = {"messageName": "paid", "correlationKeys": {"customer": {"value": "b"}}, "resultEnabled": True}
    (result,) = program.post("/message", by_value).json

    assert process(site, ids[0]) == ("completed", {"customer": "a", "x": 1})
    assert (process(site, ids[1])[0], process(site, ids[2])[0]) == ("completed", "active")
    assert (result["resultType"], result["execution"]["processInstanceId"]) == ("Execution", ids[1])
    assert program.post("/message", by_value).status_code == 400


def test_a_message_to_all_who_wait(site: Site, program: Program) -> None:
    deploy(site, waiting())
    ids = [start(program)["id"] for _ in range(3)]

    assert program.post("/message", {"messageName": "paid", "all": True}).status_code == 204

    assert [process(site, each)[0] for each in ids] == ["completed"] * 3


def test_a_signal(site: Site, program: Program) -> None:
    deploy(site, waiting('<signalEventDefinition signalRef="alarm"/>'))
    ids = [start(program)["id"] for _ in range(2)]

    assert program.post("/signal", {"name": "alarm", "variables": {"level": {"value": 3}}}).status_code == 204
    site.engine.run_until_idle()

    assert [process(site, each) for each in ids] == [("completed", {"level": 3})] * 2
