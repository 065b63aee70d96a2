"""Calls of services that are not over: where each stands, and trying one at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine import (
    Actor,
    Conflict,
    Engine,
    Forbidden,
    NotFound,
    Right,
    SettableClock,
    external_tasks,
    open_calls,
    progress,
)
from engine.external_tasks import Wanted
from tests.driver import ROOT, Driver, Story
from tests.integration.test_repairs import DOWN, call, drawn
from tests.play import user
from tests.services import HttpService, Reply, serving

EVE = Actor("eve")
WORKER = Actor("bot", rights=frozenset({Right.WORK}))
FIVE = (
    "<extensionElements><camunda:failedJobRetryTimeCycle>R5/PT40S</camunda:failedJobRetryTimeCycle></extensionElements>"
)


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def try_now(story: Story) -> None:
    (one,) = story.calls()
    story.driver.do(open_calls.try_now, one.job_id, by=ROOT)


def test_one_that_pauses_tells_when_it_is_tried_again(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call(FIVE)))
    driver.tick(seconds=40)

    (one,) = story.calls()
    assert (one.element_id, one.topic, one.kind, one.tries, one.most_tries) == ("call", "charge", "service", 2, 5)
    assert one.next_at == driver.clock.now() + timedelta(seconds=40)
    assert (one.held_until, one.worker, one.awaited_until, one.incident_id) == (None, None, None, None)
    assert one.error == "ConnectionError: no answer"


def test_one_whose_service_is_down_waits_for_another_to_get_through(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    stories = [driver.draw(drawn(call(FIVE))) for _ in range(8)]
    driver.run_jobs()
    driver.tick(seconds=40)

    probed_at = driver.clock.now() + timedelta(seconds=60)  # one has tried, and failed
    assert {one.parked_until for story in stories for one in story.calls()} == {probed_at}
    (one,) = stories[0].calls()
    assert "its service is down" in driver.refused(Conflict, open_calls.try_now, one.job_id, by=ROOT)


def test_one_that_is_over_is_not_told_of(driver: Driver) -> None:
    driver.serve("charge", {})
    assert driver.draw(drawn(call(), user("next"))).calls() == []


def test_one_that_a_worker_has_tells_who_and_since_when(driver: Driver) -> None:
    story = driver.draw(drawn(call(topic="outside")))
    (free,) = story.calls()
    began = driver.clock.now()
    external_tasks.fetch(driver.engine, WORKER, [Wanted("outside", timedelta(minutes=5))], worker="w1", limit=1)
    driver.tick(seconds=10)
    (taken,) = story.calls()

    assert (free.next_at, free.worker) == (began, None)
    assert (taken.worker, taken.taken_at, taken.held_until) == ("w1", began, began + timedelta(minutes=5))
    assert taken.next_at is None


def test_one_that_failed_for_good_names_its_incident(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))
    for _ in range(3):
        driver.tick(hours=1)

    (one,) = story.calls()
    assert (one.has_failed, one.next_at, one.tries) == (True, None, 3)
    assert one.incident_id == story.incidents()[0].id


def test_everybody_who_sees_the_instance_sees_them(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()), by=EVE)

    assert len(driver.do(open_calls.of_instance, story.id, by=EVE)) == 1
    driver.refused(NotFound, open_calls.of_instance, story.id, by=Actor("ben"))


# ---- trying at once ------------------------------------------------------------------------------------------------


def test_the_next_try_is_made_at_once(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN, {"paid": True})
    story = driver.draw(drawn(call(FIVE)))
    due = driver.clock.now() + timedelta(seconds=40)

    try_now(story)
    driver.run_jobs()

    assert (desk.count, story.status) == (2, "completed")
    (told,) = [each for each in driver.do(progress.events, story.id, by=ROOT) if each.kind == "tried now"]
    assert (told.actor, told.element_id) == ("root", "call")
    assert str(due.date()) in str(told.data)


def test_a_worker_outside_finds_it_at_once(driver: Driver) -> None:
    story = driver.draw(drawn(call(topic="outside")))
    wanted = [Wanted("outside", timedelta(minutes=5))]
    (taken,) = external_tasks.fetch(driver.engine, WORKER, wanted, worker="w1", limit=1)
    pause = {"retries": 3, "pause": timedelta(hours=1)}
    driver.do(external_tasks.fail, taken.task.id, "w1", "no answer", by=WORKER, **pause)
    assert external_tasks.fetch(driver.engine, WORKER, wanted, worker="w1", limit=1) == []

    try_now(story)

    assert len(external_tasks.fetch(driver.engine, WORKER, wanted, worker="w2", limit=1)) == 1


def test_one_that_failed_for_good_is_retried_with_its_incident(driver: Driver) -> None:
    driver.serve("charge", DOWN, DOWN, DOWN, {"paid": True})
    story = driver.draw(drawn(call()))
    for _ in range(3):
        driver.tick(hours=1)

    try_now(story)
    assert [each.retried_by for each in story.incidents()] == ["root"]
    driver.run_jobs()

    assert (story.status, story.incidents()) == ("completed", [])


def test_what_does_not_pause_is_not_hurried(driver: Driver) -> None:
    story = driver.draw(drawn(call(topic="outside")))
    (one,) = story.calls()
    assert "it is due already" in driver.refused(Conflict, open_calls.try_now, one.job_id, by=ROOT)

    external_tasks.fetch(driver.engine, WORKER, [Wanted("outside", timedelta(minutes=5))], worker="w1", limit=1)
    assert "w1 has it until" in driver.refused(Conflict, open_calls.try_now, one.job_id, by=ROOT)


def test_twice_is_once(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call(FIVE)))
    try_now(story)

    (one,) = story.calls()
    driver.refused(Conflict, open_calls.try_now, one.job_id, by=ROOT)
    assert story.facts().count("tried now") == 1


def test_only_who_may_repair_hurries_what_is_there(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()), by=EVE)
    (one,) = story.calls()

    driver.refused(Forbidden, open_calls.try_now, one.job_id, by=EVE)
    driver.refused(NotFound, open_calls.try_now, one.job_id + 1_000, by=ROOT)


# ---- outcomes that come later --------------------------------------------------------------------------------------


def http(driver: Driver, service: HttpService, inside: str) -> Story:
    told = {"secret_key": "for tests", "http_hosts": ("127.0.0.1",), "http_private": ("127.0.0.0/8",)}
    driver.engine.settings = replace(driver.engine.settings, public_url="http://procession.example", **told)
    called = f'<procession:http xmlns:procession="urn:procession:bpmn:1" url="{service.address}" method="POST">'
    task = f"<extensionElements>{called}{inside}</procession:http></extensionElements>"
    return driver.draw(drawn(f'<serviceTask id="call">{task}</serviceTask>'))


def test_an_outcome_that_is_asked_for_is_asked_for_at_once(driver: Driver) -> None:
    with serving() as service:
        service.answers(Reply(202, headers={"Location": "/state"}), Reply(200, {}))
        story = http(driver, service, '<procession:poll timeout="PT10M" interval="PT1M"/>')
        (one,) = story.calls()
        assert (one.is_polled, one.awaited_until) == (True, driver.clock.now() + timedelta(minutes=10))

        try_now(story)
        driver.run_jobs()

        assert [asked.method for asked in service.asked] == ["POST", "GET"]
    assert story.status == "completed"


def test_an_outcome_that_the_service_tells_is_waited_for(driver: Driver) -> None:
    with serving() as service:
        service.answers(Reply(202))
        story = http(driver, service, '<procession:callback timeout="PT10M"/>')
        (one,) = story.calls()

        assert (one.is_polled, one.awaited_until) == (False, driver.clock.now() + timedelta(minutes=10))
        refused = driver.refused(Conflict, open_calls.try_now, one.job_id, by=ROOT)
        assert refused == "Expected the call of call to pause, but the service itself tells the outcome."
