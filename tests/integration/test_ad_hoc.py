"""Ad-hoc sub-processes in the inbox: who is asked what is done next, and what becomes of the answer."""

from __future__ import annotations

import pytest

from engine import Actor, Conflict, Engine, InvalidValues, SettableClock, user_tasks
from engine.model.tasks import UserTask
from tests.conformance.table import draw
from tests.driver import Driver, Story
from tests.play import user
from tests.site import Site

ANA, BEN = (Actor(name, groups=frozenset({"clerks"})) for name in ("ana", "ben"))
CASE = draw(
    "start -> case -> end",
    '<adHocSubProcess id="case" name="Handle the case" camunda:candidateGroups="clerks" {}>'
    + user("ask", candidateGroups="clerks")
    + user("pay", candidateGroups="clerks")
    + user("close", candidateGroups="clerks")
    + '<sequenceFlow id="ask_close" sourceRef="ask" targetRef="close"/>'
    + "{}</adHocSubProcess>",
)


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def begun(driver: Driver, told: str = "", inside: str = "") -> Story:
    return driver.draw(CASE.format(told, inside))


def labels(driver: Driver, task: UserTask) -> dict[str, bool]:
    form, _ = driver.do(user_tasks.form, task.id, by=ANA)
    return {button.label: button.is_enabled for button in form.buttons}


def names(story: Story) -> list[str]:
    return sorted(task.name for task in story.tasks())


def test_its_people_are_asked_what_is_done_next(driver: Driver) -> None:
    story = begun(driver)

    driver.expect_inbox(ANA, ["Handle the case"])
    assert labels(driver, story.task()) == {"ask": True, "pay": True, "close": False, "Nothing more to do": True}


def test_what_is_chosen_comes_to_the_inbox(driver: Driver) -> None:
    story = begun(driver)

    driver.press(ANA, "Handle the case", "pay")

    assert names(story) == ["Handle the case", "pay"]
    assert story.path() == ["start", "Handle the case", "pay"]


def test_the_history_tells_what_was_chosen(driver: Driver) -> None:
    story = begun(driver)
    task = story.task("Handle the case")

    driver.press(ANA, "Handle the case", "pay")

    (told, *_) = driver.do(user_tasks.history_of, task.id, by=ANA)
    assert (told.kind, told.data["decision"]) == ("task completed", "pay")


def test_who_chose_goes_on_choosing(driver: Driver) -> None:
    story = begun(driver)
    driver.press(ANA, "Handle the case", "pay")

    assert story.task("Handle the case").assignee == "ana"
    driver.expect_inbox(BEN, ["pay"])
    driver.do(user_tasks.release, story.task("Handle the case").id, by=ANA)
    driver.expect_inbox(BEN, ["Handle the case", "pay"])


def test_in_sequence_nobody_is_asked_while_something_is_done(driver: Driver) -> None:
    story = begun(driver, 'ordering="Sequential"')

    driver.press(ANA, "Handle the case", "ask")
    assert names(story) == ["ask"]
    driver.complete(BEN, "ask")

    assert names(story) == ["Handle the case"]
    assert labels(driver, story.task())["close"] is True


def test_the_end_is_chosen_too(driver: Driver) -> None:
    story = begun(driver)
    driver.press(ANA, "Handle the case", "pay")

    driver.press(ANA, "Handle the case", "Nothing more to do")

    assert (story.status, names(story)) == ("completed", [])
    assert story.is_at_rest


def test_a_condition_ends_it(driver: Driver) -> None:
    story = begun(driver, inside="<completionCondition>paid == True</completionCondition>")
    assert "Nothing more to do" not in labels(driver, story.task())
    driver.press(ANA, "Handle the case", "pay")

    driver.complete(BEN, "pay", paid=True)

    assert story.status == "completed"


def test_what_has_to_wait_cannot_be_chosen(driver: Driver) -> None:
    task = begun(driver).task()

    assert "has to wait" in str(driver.refused(InvalidValues, user_tasks.complete, task.id, {}, button=2, by=ANA))
    driver.refused(Conflict, user_tasks.complete, task.id, {"next": "close"}, by=ANA)
    driver.refused(Conflict, user_tasks.complete, task.id, {"next": "end"}, by=ANA)
    driver.refused(InvalidValues, user_tasks.complete, task.id, {}, by=ANA)


def test_a_stale_choice_is_told(driver: Driver) -> None:
    task = begun(driver).task()
    driver.press(ANA, "Handle the case", "pay")

    assert "has completed it" in driver.refused(Conflict, user_tasks.complete, task.id, {}, button=0, by=ANA)


def test_the_choice_is_no_variable(driver: Driver) -> None:
    story = begun(driver)

    driver.press(ANA, "Handle the case", "ask")

    assert story.values() == {}


def test_the_page_has_a_button_for_each(site: Site, driver: Driver) -> None:
    story = begun(driver)
    ana = site.visitor("ana")
    path = f"/tasks/{story.task().id}/"
    ana.post(f"{path}claim")

    page = ana.get(path).text
    assert [label in page for label in (">ask<", ">pay<", "Nothing more to do")] == [True] * 3
    assert "disabled" in page.split(">close<")[0].rpartition("<button")[2]
    ana.post(path, {"button": "1"})
    assert "Handle the case: pay" in ana.page("/")

    assert names(story) == ["Handle the case", "pay"]
