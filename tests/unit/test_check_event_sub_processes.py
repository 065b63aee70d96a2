"""Event sub-processes are begun by one event, and by nothing else."""

from __future__ import annotations

import pytest

from tests.unit.drawing import HERE, accepted, between, chain, refused

RULE = "event-sub-process"
MAIN = between('<manualTask id="n"/>')
MESSAGE = '<messageEventDefinition messageRef="paid"/>'
ERROR = '<errorEventDefinition errorRef="declined"/>'


def aside(inside: str, mark: str = "", *, name: str = "aside") -> str:
    return f'{MAIN}\n<subProcess id="{name}" triggeredByEvent="true">{mark}{inside}</subProcess>'


def begun_by(definition: str, attributes: str = "", mark: str = "") -> str:
    return f'<startEvent id="s" {attributes}>{definition}{mark}</startEvent>'


@pytest.mark.parametrize(
    "definition",
    [
        MESSAGE,
        ERROR,
        "<errorEventDefinition/>",
        '<signalEventDefinition signalRef="alarm"/>',
        '<escalationEventDefinition escalationRef="late"/>',
        "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>",
        "<conditionalEventDefinition><condition>amount > 10</condition></conditionalEventDefinition>",
    ],
)
def test_one_that_is_begun_by_an_event_passes(definition: str) -> None:
    accepted(aside(begun_by(definition)))


def test_one_without_a_start_event_is_refused() -> None:
    assert "none" in refused(RULE, "aside", aside('<manualTask id="m"/>', HERE)).message


def test_one_with_two_start_events_is_refused() -> None:
    second = begun_by(ERROR).replace('"s"', '"s2"')

    assert "2" in refused(RULE, "aside", aside(begun_by(MESSAGE) + second, HERE)).message


def test_one_that_a_flow_leads_to_is_refused() -> None:
    content = aside(begun_by(MESSAGE), HERE) + chain("n", "aside")

    assert "begun by its start event" in refused(RULE, "aside", content).message


def test_an_error_interrupts() -> None:
    refused(RULE, "s", aside(begun_by(ERROR, 'isInterrupting="false"', HERE)))


def test_one_may_compensate_a_process_for_who_calls_it() -> None:
    accepted(aside(begun_by("<compensateEventDefinition/>")))


def test_a_condition_is_looked_at() -> None:
    wrong = "<conditionalEventDefinition><condition>amount ></condition></conditionalEventDefinition>"

    refused("expression-syntax", "s", aside(begun_by(wrong, mark=HERE)))


def test_a_condition_is_asked_for() -> None:
    refused("event-definition-incomplete", "s", aside(begun_by("<conditionalEventDefinition/>", mark=HERE)))


def test_one_is_not_repeated() -> None:
    loop = '\n<standardLoopCharacteristics loopMaximum="2"/>'

    refused("multi-instance", "aside", aside(loop + HERE + begun_by(MESSAGE)))


def test_a_transaction_may_be_one() -> None:
    one = aside(begun_by(MESSAGE), HERE).replace("subProcess", "transaction")

    accepted(one)
    assert "none" in refused(RULE, "aside", one.replace(begun_by(MESSAGE), '<manualTask id="m"/>')).message
