"""Pages of calls that are open and of what has stopped, and the ways to let it go on by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine import Actor, Engine, SettableClock, external_tasks
from engine.external_tasks import Wanted
from engine.model.people import Right
from tests.driver import Driver, Story
from tests.integration.test_repairs import DOWN, SORRY, call, drawn, token_of
from tests.play import script, user
from tests.site import Site, Visitor

WORKER = Actor("bot", rights=frozenset({Right.WORK}))


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


@pytest.fixture
def story(site: Site, driver: Driver) -> Story:
    """Its call has failed once."""
    site.engine.settings = replace(site.engine.settings, circuit_failures=100)
    driver.serve("charge", DOWN, {"paid": True})
    return driver.draw(drawn(call(), user("next"), further=SORRY))


def stopped(story: Story) -> Story:
    """The same when its tries are used up."""
    story.driver.serve("charge", DOWN)
    for _ in range(3):
        story.driver.tick(hours=1)
    return story


def page_of(story: Story) -> str:
    return f"/instances/{story.id}"


def ways(story: Story) -> str:
    return f"/instances/{story.id}/tokens/{token_of(story)}"


def test_a_call_that_pauses_is_shown_and_tried_now(story: Story, root: Visitor) -> None:
    page = root.page(page_of(story))
    assert "Waiting for services call charge Tried 1 of 3 times, next try" in page
    assert "Last error: ConnectionError: no answer" in page

    (one,) = story.calls()
    answer = root.post(f"{page_of(story)}/calls/{one.job_id}/try")
    assert answer.location == page_of(story)
    assert "The call is being tried now." in root.page(page_of(story))
    story.driver.run_jobs()

    assert [task.name for task in story.tasks()] == ["next"]
    page = root.page(page_of(story))
    assert "Waiting for services" not in page
    assert "Tried at once, by hand" in page


def test_a_call_whose_service_is_down_says_what_it_waits_for(driver: Driver, root: Visitor) -> None:
    driver.serve("charge", DOWN)
    story = [driver.draw(drawn(call())) for _ in range(8)][-1]
    driver.tick(seconds=1)

    page = root.page(page_of(story))
    assert "Its service is down: this call waits until one gets through, and uses up no tries." in page
    assert "next try" not in page


def test_who_has_a_call_is_shown(site: Site, driver: Driver, root: Visitor) -> None:
    story = driver.draw(drawn(call(topic="outside")))
    first = root.get(page_of(story), fragment=True)
    assert "Waits for a worker." in root.page(page_of(story))

    driver.tick(seconds=1)
    external_tasks.fetch(driver.engine, WORKER, [Wanted("outside", timedelta(minutes=5))], worker="w1", limit=1)

    assert "Worker w1 has it since" in root.page(page_of(story))
    assert root.get(page_of(story), fragment=True).headers["ETag"] != first.headers["ETag"]


def test_a_call_is_completed_by_hand(story: Story, root: Visitor) -> None:
    path = ways(story)
    assert "Go on by hand: call" in root.page(path)

    refused = root.post(f"{path}/complete", {"variables": "[1, 2"})
    assert refused.status_code == 422
    assert "Expected a value in JSON" in refused.text and "[1, 2" in refused.text
    assert root.post(f"{path}/complete", {"variables": '{"paid": 1}'}).location == page_of(story)

    assert story.values() == {"paid": 1}
    assert 'Completed by hand with {"paid": 1}' in root.page(page_of(story))
    assert root.post(f"{path}/complete", {"variables": "{}"}).status_code == 409
    assert root.get(path).status_code == 409


def test_what_has_stopped_is_skipped_with_a_reason(story: Story, root: Visitor) -> None:
    path = ways(stopped(story))
    page = root.page(page_of(story))
    assert "Failed for good after 3 tries" in page
    assert page.count("Throw an error") == 1

    assert root.post(f"{path}/skip", {"reason": " "}).status_code == 422
    root.post(f"{path}/skip", {"reason": "Paid in cash"})

    page = root.page(page_of(story))
    assert "Skipped by hand: Paid in cash; before: stopped: ConnectionError: no answer" in page
    assert "Stopped at" not in page


def test_an_error_is_thrown_by_hand(story: Story, root: Visitor) -> None:
    path = ways(story)
    assert "Caught here: DECLINED." in root.page(path)

    assert root.post(f"{path}/throw", {"code": ""}).status_code == 422
    refused = root.post(f"{path}/throw", {"code": "OTHER"})
    assert (refused.status_code, "nothing catches it" in refused.text) == (409, True)
    root.post(f"{path}/throw", {"code": "DECLINED", "message": "No money"})

    assert story.path()[-1] == "sorry"
    assert "Error DECLINED thrown by hand: No money" in root.page(page_of(story))


def test_a_retry_is_shown_until_it_has_passed(story: Story, root: Visitor) -> None:
    (incident,) = stopped(story).incidents()
    retry = f"/incidents/{incident.id}/retry"

    root.post(retry, {"next": page_of(story), "seen": 0})
    page = root.page(page_of(story))
    assert "It is being tried again: call." in page
    assert "Being tried again since" in page and "by Root" in page
    assert "Being tried again since" in root.page("/incidents")
    assert root.post(retry, {"seen": 1}).status_code == 409
    story.driver.run_jobs()
    assert "Being tried again since" in root.page(page_of(story))
    for _ in range(2):
        story.driver.tick(hours=1)
    assert "Tried again in vain once" in root.page(page_of(story))

    story.driver.serve("charge", {})
    root.post(retry, {"next": page_of(story), "seen": 1})
    story.driver.run_jobs()
    assert "Stopped at" not in root.page(page_of(story))


def test_a_retry_that_passes_at_once_says_so(site: Site, driver: Driver, root: Visitor) -> None:
    story = driver.draw(drawn(script("s", "share = 10 / people")), people=0)
    root.post(f"{page_of(story)}/variable", {"name": "people", "seen": "0", "value": "0"})
    (incident,) = story.incidents()
    root.post(f"/incidents/{incident.id}/retry", {"seen": 0, "next": page_of(story)})
    assert "Tried again, and stopped again: s" in root.page(page_of(story))

    changed = {"name": "people", "seen": "0", "value": "5", "retry": "1"}
    root.post(f"{page_of(story)}/variable", changed)

    assert story.values()["share"] == 2
    assert "Set: people. What had stopped has passed." in root.page(page_of(story))


def test_who_may_not_repair_sees_but_does_nothing(story: Story, site: Site, ana: Visitor) -> None:
    page = ana.get(page_of(story)).text
    assert "Waiting for services" in page
    assert "/tokens/" not in page and "/try" not in page

    (one,) = story.calls()
    assert ana.get(ways(story)).status_code == 403
    assert ana.post(f"{page_of(story)}/calls/{one.job_id}/try").status_code == 403
    for way in ("complete", "skip", "throw"):
        assert ana.post(f"{ways(story)}/{way}", {"variables": "{}", "reason": "x", "code": "X"}).status_code == 403


def test_what_is_not_there_is_not_found(story: Story, root: Visitor) -> None:
    assert root.get(f"/instances/{story.id + 1_000}/tokens/{token_of(story)}").status_code == 404
    assert root.get(f"{page_of(story)}/tokens/{'0' * 32}").status_code == 409
    assert root.post(f"{page_of(story)}/calls/4711/try").status_code == 404
