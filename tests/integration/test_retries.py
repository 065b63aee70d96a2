"""A call that fails is tried again as its task says, else as the settings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine import Engine, ServiceFailed, SettableClock, incidents
from tests.driver import ROOT, Desk, Driver, Story
from tests.play import END, START, chain

OWN = 'xmlns:procession="urn:procession:bpmn:1"'
DOWN = ConnectionError("no answer")


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def story_of(driver: Driver, told: str) -> Story:
    call = '<serviceTask id="call" camunda:type="external" camunda:topic="charge">'
    call += f"<extensionElements>{told}</extensionElements></serviceTask>"
    return driver.draw(START + call + END + chain("start", "call", "end"))


def tries_until(driver: Driver, desk: Desk, seconds: int) -> list[int]:
    """At which second each call was made."""
    made = [0] * desk.count
    for second in range(1, seconds + 1):
        driver.tick(seconds=1)
        made += [second] * (desk.count - len(made))
    return made


def test_a_cycle_says_when(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN)
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>PT1S,PT10S</camunda:failedJobRetryTimeCycle>")

    assert tries_until(driver, desk, 60) == [0, 1, 11]
    assert [incident.message for incident in story.incidents()] == ["ConnectionError: no answer"]


def test_tries_in_a_row_end_with_the_first_that_succeeds(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN, DOWN, DOWN, {"paid": True})
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R5/PT5S</camunda:failedJobRetryTimeCycle>")

    assert tries_until(driver, desk, 60) == [0, 5, 10, 15]
    assert (story.status, story.values()) == ("completed", {"paid": True})
    assert [call.attempt for call in desk.calls] == [1, 2, 3, 4]
    assert len({call.idempotency_key for call in desk.calls}) == 1


def test_pauses_may_grow(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN)
    story_of(
        driver, f'<procession:retry {OWN} maxTries="5" initialDelay="PT1S" factor="3" maxDelay="PT5S" jitter="0"/>'
    )

    assert tries_until(driver, desk, 60) == [0, 1, 4, 9, 14]


def test_what_never_gets_better_is_not_tried_again(driver: Driver) -> None:
    desk = driver.serve("charge", LookupError("no such account"))
    story = story_of(driver, f'<procession:retry {OWN} maxTries="5" never="LookupError"/>')

    assert tries_until(driver, desk, 60) == [0]
    assert len(story.incidents()) == 1


def test_a_service_may_say_how_soon(driver: Driver) -> None:
    desk = driver.serve("charge", ServiceFailed("busy", retry_after=timedelta(seconds=7)), {})
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R5/PT1S</camunda:failedJobRetryTimeCycle>")

    assert tries_until(driver, desk, 20) == [0, 7]
    assert story.status == "completed"


def test_a_retry_by_hand_begins_a_new_set_of_tries(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN)
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R2/PT1S</camunda:failedJobRetryTimeCycle>")
    tries_until(driver, desk, 5)
    (incident,) = story.incidents()

    driver.do(incidents.retry, incident.id, by=ROOT)
    driver.run_jobs()

    assert tries_until(driver, desk, 5) == [0, 0, 0, 1]


def test_settings_say_it_for_all_others(driver: Driver) -> None:
    told = {"retry_tries": 2, "retry_delay": timedelta(seconds=4), "retry_jitter": 0}
    driver.engine.settings = replace(driver.engine.settings, **told)
    desk = driver.serve("charge", DOWN)
    story_of(driver, "")

    assert tries_until(driver, desk, 30) == [0, 4]
