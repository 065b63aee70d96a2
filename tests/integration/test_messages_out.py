"""Messages that go out by HTTP: of a send task, and of events that are thrown in passing or at an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine import Engine, Invalid, SettableClock
from tests.driver import Driver
from tests.integration.test_http import OWN
from tests.play import END, START, chain, document
from tests.play import ROOT as MESSAGES
from tests.services import HttpService, Reply, serving

PAID = '<messageEventDefinition messageRef="paid"/>'
KEY = """<correlationProperty id="number"><correlationPropertyRetrievalExpression messageRef="paid">
  <messagePath>order</messagePath></correlationPropertyRetrievalExpression></correlationProperty>"""
CONVERSATION = """<collaboration id="all"><conversation id="talk" messageFlowRefs=""><correlationKey id="by" name="by">
  <correlationPropertyRef>number</correlationPropertyRef></correlationKey></conversation></collaboration>"""


@pytest.fixture
def service() -> Iterator[HttpService]:
    with serving() as service:
        service.answers(Reply(body={"id": 7}))
        yield service


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    about = {"http_hosts": ("127.0.0.1",), "http_private": ("127.0.0.0/8",), "secret_key": "for tests"}
    engine.settings = replace(engine.settings, **about)  # type: ignore[arg-type]
    return Driver(engine, clock)


def call(service: HttpService, extra: str = "") -> str:
    inside = '<procession:body>${order}</procession:body><procession:result name="id">${body.id}</procession:result>'
    told = f'<procession:http xmlns:procession="{OWN}" method="POST" url="{service.address}">{inside}</procession:http>'
    return f"<extensionElements>{told}{extra}</extensionElements>"


def element(kind: str, service: HttpService, extra: str = "") -> str:
    shapes = {
        "sendTask": '<sendTask id="out" messageRef="paid">{}</sendTask>' + END + chain("start", "out", "end"),
        "throw": f'<intermediateThrowEvent id="out">{{}}{PAID}</intermediateThrowEvent>{END}'
        + chain("start", "out", "end"),
        "end": f'<endEvent id="out">{{}}{PAID}</endEvent>' + chain("start", "out"),
    }
    return START + shapes[kind].format(call(service, extra))


@pytest.mark.parametrize("kind", ["sendTask", "throw", "end"])
def test_a_message_goes_out(driver: Driver, service: HttpService, kind: str) -> None:
    story = driver.draw(element(kind, service), order="A7")

    (asked,) = service.asked
    assert (asked.method, asked.content) == ("POST", b"A7")
    assert (story.status, story.values()) == ("completed", {"order": "A7", "id": 7})
    assert story.is_at_rest
    with driver.engine.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM message").scalar_one() == 0


@pytest.mark.parametrize("kind", ["sendTask", "throw", "end"])
def test_it_is_tried_again_and_then_an_incident(driver: Driver, service: HttpService, kind: str) -> None:
    service.answers(Reply(503))
    retry = f'<procession:retry xmlns:procession="{OWN}" maxTries="2" initialDelay="PT1S"/>'
    story = driver.draw(element(kind, service, retry), order="A7")
    driver.tick(minutes=1)

    assert (len(service.asked), story.status) == (2, "active")
    assert [each.element_id for each in story.incidents()] == ["out"]
    service.answers(Reply(body={"id": 8}))
    story.retry()
    assert (story.status, story.values()["id"]) == ("completed", 8)


def test_an_end_that_waits_for_its_service_is_cancelled(driver: Driver, service: HttpService) -> None:
    service.answers(Reply(503))
    story = driver.draw(element("end", service), order="A7")

    story.cancel()

    assert (story.status, story.is_at_rest) == ("terminated", True)


def test_the_answer_finds_who_sent_the_message(driver: Driver, service: HttpService) -> None:
    """By the key that went out, which nobody else knows."""
    body = START + f'<intermediateThrowEvent id="out">{call(service)}{PAID}</intermediateThrowEvent>'
    body += f'<intermediateCatchEvent id="back">{PAID}</intermediateCatchEvent>' + END
    body += chain("start", "out", "back", "end")
    drawn = document(body, root=MESSAGES + KEY).replace(b"</process>", b"</process>" + CONVERSATION.encode())
    driver.deploy_files({"p.bpmn": drawn})
    first, second = (driver.start("p", order=order) for order in ("A", "B"))

    taker = driver.tell("paid", order="B")

    assert (taker.id, second.status, first.status) == (second.id, "completed", "active")


@pytest.mark.parametrize(
    "definitions", [PAID + '<signalEventDefinition signalRef="alarm"/>', '<signalEventDefinition signalRef="alarm"/>']
)
def test_what_throws_something_else_does_not_call(driver: Driver, service: HttpService, definitions: str) -> None:
    event = f'<intermediateThrowEvent id="out">{call(service)}{definitions}</intermediateThrowEvent>'
    with pytest.raises(Invalid, match="throw one message and nothing else"):
        driver.deploy_drawn(START + event + END + chain("start", "out", "end"))


def test_what_catches_does_not_call(driver: Driver, service: HttpService) -> None:
    event = f'<intermediateCatchEvent id="out">{call(service)}{PAID}</intermediateCatchEvent>'
    with pytest.raises(Invalid, match="throw one message and nothing else"):
        driver.deploy_drawn(START + event + END + chain("start", "out", "end"))
