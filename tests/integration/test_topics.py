"""A service task names its service in Camunda's words, in ours, or in SpiffWorkflow's."""

from __future__ import annotations

import pytest

from engine import Engine, SettableClock, definitions
from engine.errors import Invalid
from tests.driver import ROOT, Driver
from tests.play import END, START, chain, document

SPIFF = 'xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core"'


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def drawn(attributes: str = "", operator: str = "") -> str:
    inside = f"<extensionElements>{operator}</extensionElements>" if operator else ""
    return START + f'<serviceTask id="call" {attributes}>{inside}</serviceTask>' + END + chain("start", "call", "end")


def operator(value: str = "amount * 2", name: str = "sum") -> str:
    told = f'<s:parameters><s:parameter id="{name}" type="int" value="{value}"/></s:parameters>'
    return f'<s:serviceTaskOperator {SPIFF} id="rate" resultVariable="answer">{told}</s:serviceTaskOperator>'


@pytest.mark.parametrize(
    "attributes",
    [
        'camunda:type="external" camunda:topic="rate"',
        'camunda:topic="rate"',
        'xmlns:procession="urn:procession:bpmn:1" procession:topic="rate"',
    ],
)
def test_a_topic_as_attribute(driver: Driver, attributes: str) -> None:
    desk = driver.serve("rate", {"grade": "A"})
    story = driver.draw(drawn(attributes), amount=2)

    assert (story.values(), desk.calls[0].variables) == ({"amount": 2, "grade": "A"}, {"amount": 2})


def test_an_operator_of_spiffworkflow(driver: Driver) -> None:
    desk = driver.serve("rate", {"grade": "A"})
    story = driver.draw(drawn(operator=operator()), amount=2)

    assert desk.calls[0].variables == {"sum": 4}
    assert story.values()["answer"] == {"grade": "A"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (drawn(operator=operator("2 +")), "expression"),
        (drawn(operator=operator(name="a b")), "name of a variable"),
        (drawn('xmlns:procession="urn:procession:bpmn:1" procession:topic=" "'), "names the service"),
        (drawn().replace("<startEvent", '<startEvent xmlns:p="urn:procession:bpmn:1" p:topic="x"'), "no topic of ours"),
    ],
)
def test_what_makes_no_sense_is_refused(driver: Driver, body: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        driver.do(definitions.deploy, {"p.bpmn": document(body)}, by=ROOT)

    assert any(told in problem.message or told in problem.rule for problem in refused.value.problems), refused.value
