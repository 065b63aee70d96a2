"""Diagrams drawn for other engines run as they are: each has a story, and each of their words a test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import Engine, SettableClock, definitions, instances, user_tasks
from engine.errors import Forbidden
from engine.model import Json
from tests.conftest import Cast
from tests.driver import PROCESSES, ROOT, Driver
from tests.play import END, START, chain, document, user
from tests.services import Reply, serving

RECEIPTS: list[Json] = [{"shop": " Inn ", "amount": 90}, {"shop": "Taxi", "amount": 30}]


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def deploy(driver: Driver, *names: str) -> None:
    """Deploy one of the stories, with what belongs to it."""
    paths = [PROCESSES / "dialects" / name for name in names]
    driver.deploy_files({path.name: path.read_bytes() for path in paths})


# ---- Camunda 7 -----------------------------------------------------------------------------------------------------


def test_expenses_of_camunda_7_are_refused_explained_and_paid(driver: Driver, cast: Cast) -> None:
    deploy(driver, "camunda-7.bpmn")
    paid = driver.serve("pay-expense")

    story = driver.start("expenses", by=cast.ana, purpose="Fair", kind="other", receipts=RECEIPTS)

    assert story.values()["level"] == "high:120"
    assert {name: story.values()[name] for name in ("code", "reason")} == {"code": "LIMIT", "reason": "over 120"}
    assert story.task().priority == 80
    driver.complete(cast.ana, "Explain")
    assert story.logged() == ["entered Inn", "entered Taxi"]
    assert paid.count == 1
    assert story.status == "completed"


def test_expenses_of_camunda_7_are_accepted(driver: Driver, cast: Cast) -> None:
    deploy(driver, "camunda-7.bpmn")
    driver.serve("pay-expense")

    story = driver.start("expenses", by=cast.ana, purpose="Fair", kind="travel", receipts=RECEIPTS)

    assert story.values()["verdict"] == "LOW:120 accepted"
    assert story.status == "completed"


def test_listeners_run_once_when_a_task_begins_and_ends(driver: Driver, cast: Cast) -> None:
    listeners = """<extensionElements>
        <camunda:executionListener event="start" expression="${execution.setVariable('begun', a + 1)}"/>
        <camunda:executionListener event="end"><camunda:script scriptFormat="javascript">
          execution.setVariable('ended', begun + ':' + answer); println('over')
        </camunda:script></camunda:executionListener></extensionElements>"""
    body = START + user("work", listeners, assignee="ana") + END + chain("start", "work", "end")

    story = driver.draw(body, a=1)
    assert story.values()["begun"] == 2
    with driver.engine.transaction(cast.ana) as tx:
        user_tasks.complete(tx, story.task().id, {"answer": "yes"})

    assert story.values()["ended"] == "2:yes"
    assert story.logged() == ["over"]


def test_a_listener_that_fails_is_an_incident_and_runs_anew(driver: Driver) -> None:
    listener = """<extensionElements><camunda:executionListener event="start"
        expression="${execution.setVariable('b', a / c)}"/></extensionElements>"""
    story = driver.draw(START + user("work", listener) + END + chain("start", "work", "end"), a=6, c=0)

    (incident,) = story.incidents()
    with driver.engine.transaction(ROOT) as tx:
        instances.set_variable(tx, story.id, "c", "3", seen="0")
    story.retry()

    assert "ZeroDivisionError" in incident.message
    assert story.values()["b"] == 2


def test_only_potential_starters_start(driver: Driver, cast: Cast) -> None:
    deploy(driver, "camunda-7.bpmn")

    with pytest.raises(Forbidden):
        driver.start("expenses", by=cast.ben, purpose="Fair", kind="travel")


def test_a_version_tag_tells_which_version_is_called(driver: Driver) -> None:
    call = (
        '<callActivity id="call" calledElement="child" camunda:calledElementBinding="versionTag" '
        'camunda:calledElementVersionTag="${wanted}"/>'
    )
    child = START + user("inner") + END + chain("start", "inner", "end")
    for tag in ("red", "blue", "red", "green"):
        drawn = document(child).replace(b'<process id="p"', f'<process id="child" camunda:versionTag="{tag}"'.encode())
        driver.deploy_files({"child.bpmn": drawn})

    story = driver.draw(START + call + END + chain("start", "call", "end"), wanted="red")
    missing = driver.draw(START + call + END + chain("start", "call", "end"), wanted="black")

    with driver.engine.reading(ROOT) as tx:
        versions = [definitions.get(tx, called.row.definition_id).version for called in driver.stories("child")]
    assert versions == [3]
    assert story.incidents() == []
    assert "version black of process" in missing.incidents()[0].message


def test_a_service_may_only_set_a_variable(driver: Driver) -> None:
    service = """<serviceTask id="n" camunda:expression="${execution.setVariable('total', a * 2)}"/>"""

    assert driver.draw(START + service + END + chain("start", "n", "end"), a=4).values()["total"] == 8


def test_an_error_says_its_message(driver: Driver) -> None:
    root = '<error id="e" errorCode="E" camunda:errorMessage="${who} is late"/>'
    inside = START + '<endEvent id="failed"><errorEventDefinition errorRef="e"/></endEvent>' + chain("start", "failed")
    inside = inside.replace('"start"', '"inner"').replace("start_", "inner_")
    caught = (
        '<boundaryEvent id="b" attachedToRef="s"><errorEventDefinition camunda:errorMessageVariable="said" '
        'camunda:errorCodeVariable="code"/></boundaryEvent>'
    )
    body = f'{START}<subProcess id="s">{inside}</subProcess>{caught}{END}<endEvent id="late"/>'
    body += chain("start", "s", "end") + chain("b", "late")
    driver.deploy_files({"p.bpmn": document(body, root=root)})

    story = driver.start("p", who="Ann")

    assert (story.values()["code"], story.values()["said"]) == ("E", "Ann is late")


def test_an_escalation_says_its_code(driver: Driver) -> None:
    inside = '<startEvent id="inner"/><endEvent id="risen"><escalationEventDefinition escalationRef="late"/></endEvent>'
    caught = (
        '<boundaryEvent id="b" attachedToRef="s">'
        '<escalationEventDefinition camunda:escalationCodeVariable="code"/></boundaryEvent>'
    )
    body = f'{START}<subProcess id="s">{inside}{chain("inner", "risen")}</subProcess>{caught}{END}<endEvent id="e2"/>'

    assert driver.draw(body + chain("start", "s", "end") + chain("b", "e2")).values()["code"] == "LATE"


def test_a_connector_of_camunda_7_calls_by_http(driver: Driver) -> None:
    connector = """<serviceTask id="n"><extensionElements><camunda:connector><camunda:inputOutput>
        <camunda:inputParameter name="url">${base}/orders</camunda:inputParameter>
        <camunda:inputParameter name="method">post</camunda:inputParameter>
        <camunda:inputParameter name="headers"><camunda:map>
          <camunda:entry key="X-Order">${number}</camunda:entry></camunda:map></camunda:inputParameter>
        <camunda:inputParameter name="payload">order ${number}</camunda:inputParameter>
        <camunda:outputParameter name="told">${response.answer}</camunda:outputParameter>
        <camunda:outputParameter name="code">${statusCode}</camunda:outputParameter>
        </camunda:inputOutput><camunda:connectorId>http-connector</camunda:connectorId></camunda:connector>
        </extensionElements></serviceTask>"""
    hosts = {"http_hosts": ("127.0.0.1",), "http_private": ("127.0.0.0/8",)}
    driver.engine.settings = replace(driver.engine.settings, **hosts)
    with serving() as service:
        service.answers(Reply(body={"answer": "taken"}))
        story = driver.draw(START + connector + END + chain("start", "n", "end"), base=service.address, number=7)

    (request,) = service.asked
    assert (request.method, request.path, request.headers["X-Order"]) == ("POST", "/orders", "7")
    assert (story.values()["told"], story.values()["code"]) == ("taken", 200)


def test_a_message_may_be_sent_by_a_service_alone(driver: Driver) -> None:
    definition = '<messageEventDefinition camunda:type="external" camunda:topic="send"/>'
    sending = driver.serve("send")

    story = driver.draw(START + f'<endEvent id="end">{definition}</endEvent>' + chain("start", "end"))

    assert sending.count == 1
    assert story.status == "completed"


def test_diagrams_of_activiti_run(driver: Driver, cast: Cast) -> None:
    drawn = document(START + user("work", activiti="ana") + END + chain("start", "work", "end")).decode()
    drawn = drawn.replace(' isExecutable="true"', "").replace(
        "<definitions ", '<definitions xmlns:a="http://activiti.org/bpmn" '
    )
    drawn = drawn.replace('camunda:activiti="ana"', 'a:assignee="ana"')

    assert [each.rule for each in driver.deploy_files({"p.bpmn": drawn.encode()}).warnings] == ["not-executable"]
    driver.start("p")

    assert len(driver.inbox(cast.ana)) == 1


# ---- Camunda 8 -----------------------------------------------------------------------------------------------------


def test_a_repair_of_camunda_8_runs(driver: Driver, cast: Cast) -> None:
    deploy(driver, "camunda-8.bpmn")
    ordered, told = driver.serve("order-part", {"price": 20}), driver.serve("tell-customer")
    bicycle = {"id": "b-1"}

    story = driver.start("repair", by=cast.ana, bicycle=bicycle, faults=["chain", "bell"], mechanic="ana")

    assert [call.variables for call in ordered.calls] == [
        {"fault": "chain", "part": "chain", "label": "B-1"},
        {"fault": "bell", "part": "bell", "label": "B-1"},
    ]
    assert story.values()["prices"] == [40, 40]
    assert driver.tell("part-arrived", bicycle=bicycle).id == story.id
    assert (story.task().priority, story.task().assignee) == (70, "ana")
    driver.complete(cast.ana, "Mend")
    assert story.values()["total"] == 90
    assert driver.stories("repair-bill")[0].values() == {"sum": 80, "total": 90}
    assert told.count == 1
    assert story.status == "completed"


def test_a_small_repair_of_camunda_8_rests(driver: Driver, cast: Cast) -> None:
    deploy(driver, "camunda-8.bpmn")

    story = driver.start("repair", bicycle={"id": "b-2"}, faults=["bell"], mechanic="ana", prices=[])
    driver.tick(hours=1)

    assert story.task("Mend").priority == 30
    assert story.values()["size"] == "short"


# ---- SpiffArena ----------------------------------------------------------------------------------------------------


def test_badges_of_spiffarena_are_printed(driver: Driver, cast: Cast) -> None:
    deploy(driver, "spiffarena.bpmn", "visitor.json")
    printer = driver.serve("printer/badge", {"number": 6})

    story = driver.start("badges", visitors=1)
    task = story.task("Register")
    with driver.engine.reading(ROOT) as tx:
        fields = [(field.key, str(field.kind), field.required) for field in user_tasks.form(tx, task.id)[0].fields]
        told = user_tasks.documentation(tx, task.id)
    driver.complete(cast.root, "Register", visitor="Ann", gate="north", guided=False)

    assert fields == [
        ("visitor", "text", True),
        ("day", "date", False),
        ("gate", "choice", False),
        ("guided", "checkbox", False),
    ]
    assert told == "Ask for the **passport**."
    assert [call.variables for call in printer.calls] == [{"text": "ANN/east"}]
    assert story.values()["number"] == 7
    assert story.status == "completed"
