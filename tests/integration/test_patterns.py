"""The patterns of engines that run code, drawn: chaining, fan-out and fan-in, later outcomes, monitor, people, saga."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from engine import Actor, Engine, SettableClock
from engine.services import later
from tests.driver import ROOT, Driver
from tests.play import END, START, boundary, chain, flow, sub, user
from tests.services import HttpService, Reply, serving

OWN = "urn:procession:bpmn:1"
BEN = Actor("ben", groups=frozenset({"managers"}))
TIMER = "<timerEventDefinition><timeDuration>{}</timeDuration></timerEventDefinition>"


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
        http_hosts=("127.0.0.1",),
        http_private=("127.0.0.0/8",),
        public_url="http://procession.example",
        service_duration=timedelta(seconds=5),
    )
    return Driver(engine, clock)


def call(service: HttpService, id: str, inside: str = "", more: str = "", loop: str = "", method: str = "POST") -> str:
    http = f'<procession:http xmlns:procession="{OWN}" method="{method}" url="{service.address}/{id}">{inside}'
    extension = f"<extensionElements>{http}</procession:http></extensionElements>"
    return f'<serviceTask id="{id}" {more}>{extension}{loop}</serviceTask>'


def result(name: str, source: str) -> str:
    return f'<procession:result name="{name}">{source}</procession:result>'


def paths(service: HttpService) -> list[str]:
    return [f"{asked.method} {asked.path}" for asked in service.asked]


def test_chaining_hands_each_answer_to_the_next_call(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(200, {"x": 1}), Reply(200, {"x": 2}), Reply(200, {"x": 3}))
    hand_on = "<procession:body>${x}</procession:body>" + result("x", "${body.x}")
    story = driver.draw(
        START + "".join(call(service, id, hand_on) for id in "abc") + END + chain("start", "a", "b", "c", "end"), x=0
    )

    assert (story.status, story.values()["x"]) == ("completed", 3)
    assert [asked.json for asked in service.asked] == [0, 1, 2]


def test_fan_out_and_fan_in_gather_every_answer_in_order(driver: Driver, service: HttpService) -> None:
    """A hundred calls side by side, each with an item; the answers are summed up."""
    service.answers(Reply(200, {"square": 4}))
    loop = (
        '<multiInstanceLoopCharacteristics camunda:collection="items" camunda:elementVariable="item">'
        "<loopDataOutputRef>squares</loopDataOutputRef>"
        '<outputDataItem id="square" name="square"/></multiInstanceLoopCharacteristics>'
    )
    inside = "<procession:body>${item}</procession:body>" + result("square", "${body.square + item}")
    nodes = (
        START + call(service, "work", inside, loop=loop) + '<scriptTask id="sum"><script>total = sum(squares)</script>'
    )
    story = driver.draw(
        nodes + "</scriptTask>" + END + chain("start", "work", "sum", "end"), items=list(range(100)), squares=[]
    )

    values = story.values()
    assert values["squares"] == [4 + item for item in range(100)]
    assert (values["total"], len(service.asked)) == (sum(range(100)) + 400, 100)


def test_asynchronous_http_waits_for_the_outcome(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(202))
    inside = '<procession:header name="X-Back">${callback_url}</procession:header><procession:callback timeout="P3D"/>'
    story = driver.draw(
        START + call(service, "job", inside + result("sum", "${body.sum}")) + END + chain("start", "job", "end")
    )
    driver.tick(days=2)

    address = service.asked[0].headers["X-Back"].rpartition("/")[2]
    driver.do(later.tell, address, {"sum": 7}, {}, by=ROOT)
    assert (story.status, story.values()["sum"], len(service.asked)) == ("completed", 7, 1)


def test_a_monitor_asks_again_and_again_until_it_is_so_or_too_late(driver: Driver, service: HttpService) -> None:
    """A loop of call, question and timer, inside a sub-process that ends after a day."""
    pause = f'<intermediateCatchEvent id="pause">{TIMER.format("PT1H")}</intermediateCatchEvent>'
    ask = call(service, "ask", result("state", "${body.state}"), method="GET")
    inside = '<startEvent id="s"/><exclusiveGateway id="in"/>' + ask
    inside += '<exclusiveGateway id="ready" default="again"/>' + pause + '<endEvent id="e"/>'
    inside += chain("s", "in", "ask", "ready") + flow("ready", "e", "state == 'done'")
    inside += '<sequenceFlow id="again" sourceRef="ready" targetRef="pause"/>' + chain("pause", "in")
    nodes = (
        START + sub("watch", inside) + boundary("day", "watch", TIMER.format("P1D")) + END + '<endEvent id="gave-up"/>'
    )
    nodes += chain("start", "watch", "end") + chain("day", "gave-up")

    service.answers(Reply(200, {"state": "busy"}), Reply(200, {"state": "busy"}), Reply(200, {"state": "done"}))
    story = driver.draw(nodes, state="")
    for _ in range(2):
        driver.tick(hours=1)
    assert (story.status, len(service.asked)) == ("completed", 3)

    service.answers(Reply(200, {"state": "busy"}))
    late = driver.start("p", state="")
    for _ in range(30):
        driver.tick(hours=1)
    assert (late.status, len(service.asked), late.path()[-1]) == ("completed", 24, "gave-up")


@pytest.mark.parametrize("is_in_time", [True, False])
def test_a_person_decides_in_time_or_it_is_escalated(driver: Driver, service: HttpService, is_in_time: bool) -> None:
    nodes = START + user("approve", candidateGroups="managers") + boundary("overdue", "approve", TIMER.format("PT72H"))
    nodes += call(service, "process") + call(service, "escalate") + END + '<endEvent id="other"/>'
    nodes += chain("start", "approve", "process", "end") + chain("overdue", "escalate", "other")
    story = driver.draw(nodes)
    driver.tick(hours=71)
    if is_in_time:
        driver.complete(BEN, "approve")
    driver.tick(hours=2)

    assert paths(service) == ["POST /process" if is_in_time else "POST /escalate"]
    assert (story.status, driver.inbox(BEN)) == ("completed", [])


@pytest.mark.parametrize("failing", ["reserve", "charge", "ship", ""])
def test_a_saga_undoes_what_was_done_in_reverse_order(driver: Driver, service: HttpService, failing: str) -> None:
    """Three steps, each with its undoing; whichever is refused, those before it are undone."""
    steps = ["reserve", "charge", "ship"]
    refused = '<procession:error code="DECLINED" when="${status == 409}"/>'
    tasks = "".join(call(service, step, refused) for step in steps)
    undoing = "".join(call(service, f"undo-{step}", more='isForCompensation="true"') for step in steps)
    events = "".join(
        f'<boundaryEvent id="c-{step}" attachedToRef="{step}"><compensateEventDefinition/></boundaryEvent>'
        f'<association id="a-{step}" sourceRef="c-{step}" targetRef="undo-{step}"/>'
        for step in steps
    )
    declined = '<errorEventDefinition errorRef="declined"/>'
    nodes = START + tasks + undoing + events + END + '<endEvent id="sorry"/>' + chain("start", *steps, "end")
    nodes += '<intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent>'
    nodes += "".join(boundary(f"no-{step}", step, declined) + chain(f"no-{step}", "undo") for step in steps)
    nodes += chain("undo", "sorry")
    done = steps.index(failing) if failing else 3
    service.answers(*[Reply(200, {})] * done, Reply(409 if failing else 200, {}), Reply(200, {}))

    story = driver.draw(nodes)

    forward = [f"POST /{step}" for step in steps[: done + 1]]
    back = [f"POST /undo-{step}" for step in reversed(steps[:done])] if failing else []
    assert paths(service) == forward + back
    assert (story.status, story.is_at_rest) == ("completed", True)
