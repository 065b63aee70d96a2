"""A call that fails is tried again as its task says, else as the settings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine import BpmnError, Conflict, Engine, Json, ServiceFailed, SettableClock, TryOutcome, incidents, values
from engine.services import LONGEST_TOLD
from tests.driver import ROOT, Desk, Driver, Story
from tests.play import END, START, chain
from tests.site import Site

OWN = 'xmlns:procession="urn:procession:bpmn:1"'
DOWN = ConnectionError("no answer")


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def story_of(driver: Driver, told: str, **variables: Json) -> Story:
    call = '<serviceTask id="call" camunda:type="external" camunda:topic="charge">'
    call += f"<extensionElements>{told}</extensionElements></serviceTask>"
    return driver.draw(START + call + END + chain("start", "call", "end"), **variables)


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
    later, at_once = (ServiceFailed("busy", retry_after=timedelta(seconds=seconds)) for seconds in (7, 0))
    desk = driver.serve("charge", later, at_once, {})
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R5/PT1S</camunda:failedJobRetryTimeCycle>")

    assert tries_until(driver, desk, 20) == [0, 7, 7]
    assert story.status == "completed"


def test_a_retry_by_hand_begins_a_new_set_of_tries(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN)
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R2/PT1S</camunda:failedJobRetryTimeCycle>")
    tries_until(driver, desk, 5)
    (incident,) = story.incidents()

    driver.do(incidents.retry, incident.id, by=ROOT)
    driver.run_jobs()

    assert tries_until(driver, desk, 5) == [0, 0, 0, 1]


def test_an_incident_is_resolved_once_its_call_has_passed(driver: Driver) -> None:
    driver.serve("charge", DOWN, DOWN, {"paid": True})
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R1/PT1S</camunda:failedJobRetryTimeCycle>")
    (stopped,) = story.incidents()

    driver.do(incidents.retry, stopped.id, by=ROOT)
    (tried,) = story.incidents()
    assert (tried.id, tried.retries, tried.retried_by) == (stopped.id, 1, "root")
    assert tried.retried_at == driver.clock.now()
    refused = driver.refused(Conflict, incidents.retry, stopped.id, by=ROOT)
    assert refused == f"Expected incident {stopped.id} to stand still, but root has it tried again already."

    driver.run_jobs()
    (again,) = story.incidents()
    assert (again.id, again.created_at, again.retries, again.retried_by) == (stopped.id, stopped.created_at, 1, None)

    story.retry()
    (passed,) = driver.do(incidents.of_instance, story.id, by=ROOT)
    assert (passed.resolved_at, passed.resolved_by, story.status) == (driver.clock.now(), "root", "completed")
    assert story.facts().count("stopped") == 2


def test_each_try_is_recorded(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN, {"paid": True})
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R5/PT5S</camunda:failedJobRetryTimeCycle>", amount=12)
    first = story.tries()
    tries_until(driver, desk, 5)
    last, before = story.tries()

    assert [each.outcome for each in first] == [TryOutcome.FAILED]
    assert (before.number, before.message) == (1, "ConnectionError: no answer")
    assert before.again_at == before.ended_at + timedelta(seconds=5)
    assert (last.number, last.outcome, last.message, last.again_at) == (2, TryOutcome.ANSWERED, None, None)
    assert (last.request, last.answer) == ('{"amount":12}', '{"paid":true}')


def test_a_bpmn_error_is_an_outcome_of_its_own(driver: Driver) -> None:
    driver.serve("charge", BpmnError("DECLINED", "No money."))
    story = story_of(driver, "")

    assert [(each.outcome, each.message) for each in story.tries()] == [(TryOutcome.ERROR, "DECLINED")]


def test_of_a_long_request_the_beginning_is_recorded(driver: Driver) -> None:
    driver.serve("charge", {"text": "y" * 10_000})
    story = story_of(driver, "", text="x" * 10_000)

    (told,) = story.tries()
    assert [len(told.request or ""), len(told.answer or "")] == [LONGEST_TOLD] * 2


def test_variables_may_be_more_together_than_one_may_be(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.serve("charge", {"c": "z" * 3_000, "d": "z" * 3_000})
    monkeypatch.setattr(values, "MAX_BYTES", 5_000)
    story = story_of(driver, "", a="x" * 3_000, b="y" * 3_000)

    assert story.status == "completed"
    assert [len(each.request or "") for each in story.tries()] == [LONGEST_TOLD]


def test_a_page_shows_the_tries(site: Site, driver: Driver) -> None:
    desk = driver.serve("charge", ConnectionError("<b>no answer</b>"), {"paid": True})
    story = story_of(driver, "<camunda:failedJobRetryTimeCycle>R5/PT5S</camunda:failedJobRetryTimeCycle>")
    root = site.visitor("root")

    page = root.page(f"/instances/{story.id}")
    assert "Calls of services" in page
    assert "ConnectionError: <b>no answer</b>" in page
    assert "Again" in page

    tries_until(driver, desk, 5)
    page = root.page(f"/instances/{story.id}/history?kind=tries")
    assert 'answered Request and answer Request {} Answer {"paid":true}' in page
    assert page.count("failed") == 1


def test_settings_say_it_for_all_others(driver: Driver) -> None:
    told = {"retry_tries": 2, "retry_delay": timedelta(seconds=4), "retry_jitter": 0}
    driver.engine.settings = replace(driver.engine.settings, **told)
    desk = driver.serve("charge", DOWN)
    story_of(driver, "")

    assert tries_until(driver, desk, 30) == [0, 4]
