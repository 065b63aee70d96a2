"""What an administrator puts right by hand."""

from __future__ import annotations

import pytest

from engine import Actor, Conflict, Engine, Forbidden, InvalidValues, NotFound, SettableClock, instances, progress
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, chain, script, user
from tests.site import Site
from tests.unit.test_conditions import wait

ANA = Actor("ana", groups=frozenset({"clerks"}))
EACH = "<multiInstanceLoopCharacteristics><loopDataInputRef>items</loopDataInputRef>"
EACH += '<inputDataItem id="i" name="item"/></multiInstanceLoopCharacteristics>'


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def divided(driver: Driver, **variables: int) -> Story:
    return driver.draw(START + script("s", "share = total / people") + END + chain("start", "s", "end"), **variables)


def change(driver: Driver, story: Story, name: str, text: str, **options: object) -> None:
    driver.do(instances.set_variable, story.id, name, text, by=ROOT, **options)
    driver.run_jobs()


def test_a_wrong_variable_is_changed_and_the_step_tried_again(driver: Driver) -> None:
    story = divided(driver, total=10, people=0)
    assert len(story.incidents()) == 1

    change(driver, story, "people", "4", seen="0")
    assert len(story.incidents()) == 1
    story.retry()

    assert (story.status, story.values()["share"]) == ("completed", 2.5)
    with driver.engine.reading(ROOT) as tx:
        told = [event for event in progress.events(tx, story.id).rows if event.data.get("name") == "people"]
    assert [(event.actor, event.data["value"]) for event in told] == [("root", 4), ("root", 0)]


def test_one_that_is_missing_is_added(driver: Driver) -> None:
    story = divided(driver, total=10)

    change(driver, story, "people", "5")
    story.retry()

    assert story.values()["share"] == 2


def test_who_has_not_seen_the_last_value_is_refused(driver: Driver) -> None:
    story = divided(driver, total=10, people=0)
    change(driver, story, "people", "4", seen="0")

    for seen in ("0", None):
        driver.refused(Conflict, instances.set_variable, story.id, "people", "5", seen=seen, by=ROOT)
    assert story.values()["people"] == 4


def test_that_of_one_instance_of_many_is_changed_where_it_is(driver: Driver) -> None:
    story = driver.draw(START + user("u", EACH) + END + chain("start", "u", "end"), items=[f"i{n}" for n in range(30)])
    mine = next(each for each in story.variables() if each.value == "i17")

    change(driver, story, "item", '"other"', scope=mine.scope, seen='"i17"')

    items = [each.value for each in story.variables() if each.name == "item"]
    assert sorted(items) == sorted([*(f"i{n}" for n in range(30) if n != 17), "other"])


def test_who_waits_for_a_condition_goes_on(driver: Driver) -> None:
    story = driver.draw(START + wait("c", "ready") + END + chain("start", "c", "end"), ready=False)

    change(driver, story, "ready", "true", seen="false")

    assert story.status == "completed"


@pytest.mark.parametrize("text", ["", "{", "NaN", "yes", '{"$": ["decimal"]}'])
def test_what_is_no_value_is_refused(driver: Driver, text: str) -> None:
    story = divided(driver, total=10, people=0)

    driver.refused(InvalidValues, instances.set_variable, story.id, "people", text, seen="0", by=ROOT)


@pytest.mark.parametrize("name", ["", "#items", "a\0", "x" * 256])
def test_what_is_no_name_is_refused(driver: Driver, name: str) -> None:
    story = divided(driver, total=10, people=0)

    driver.refused(InvalidValues, instances.set_variable, story.id, name, "1", by=ROOT)


def test_only_who_may_repair_does(driver: Driver) -> None:
    story = divided(driver, total=10, people=0)

    driver.refused(Forbidden, instances.set_variable, story.id, "people", "4", seen="0", by=ANA)
    driver.refused(NotFound, instances.set_variable, 10_000, "people", "4", by=ROOT)
    driver.refused(Conflict, instances.set_variable, story.id, "people", "4", scope="f" * 32, by=ROOT)


def test_the_page_changes_and_adds(site: Site, driver: Driver) -> None:
    story, root = divided(driver, total=10, people=0), site.visitor("root")
    path = f"/instances/{story.id}/variable"
    assert "Change" in root.page(f"/instances/{story.id}")

    assert "JSON" in root.page(f"{path}?name=people")
    refused = root.post(f"{path}?name=people", {"name": "people", "seen": "0", "value": "many"})
    assert refused.status_code == 422
    assert "Expected a value in JSON" in refused.text
    root.post(f"{path}?name=people", {"name": "people", "seen": "0", "value": "4"})
    root.post(path, {"name": "note", "value": '"by hand"'})

    assert (story.values()["people"], story.values()["note"]) == (4, "by hand")
    assert root.post(f"{path}?name=people", {"name": "people", "seen": "0", "value": "5"}).status_code == 409


def test_who_may_not_repair_has_no_such_page(site: Site, driver: Driver) -> None:
    story = divided(driver, total=10, people=0)

    assert site.visitor("eve").get(f"/instances/{story.id}/variable").status_code == 403
