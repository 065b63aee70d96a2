"""Diagrams as people draw them, driven by the library to each of their ends."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date

import pytest

from engine import Engine, SettableClock, services
from tests.driver import PROCESSES, Driver, Story
from tests.stories import STORIES
from tests.stories.telling import CAST, Telling, files, serve

REACHED_BELOW = {"All clear", "Goods back on the shelf"}
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


@pytest.fixture
def driver(engine: Engine, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Driver:
    monkeypatch.setattr(services, "_SERVICES", {})
    return Driver(engine, clock)


@pytest.mark.parametrize("telling", STORIES, ids=lambda telling: telling.title.replace(" ", "_"))
def test_story(driver: Driver, telling: Telling) -> None:
    story = begin(driver, telling)

    for step in telling.steps:
        step(driver)

    story = story or driver.stories(telling.diagram)[0]
    assert story.incidents() == []
    assert " > ".join(story.named_path()) == telling.path
    assert story.status == telling.status
    assert story.values().items() >= telling.values.items()
    assert story.is_at_rest


@pytest.mark.parametrize("diagram", sorted({telling.diagram for telling in STORIES}))
def test_each_named_end_is_reached_by_a_story(diagram: str) -> None:
    root = ET.fromstring((PROCESSES / "stories" / f"{diagram}.bpmn").read_bytes())
    ends = {end.get("name", "") for end in root.iter(f"{BPMN}endEvent")} - {"", *REACHED_BELOW}

    reached = {name for telling in STORIES if telling.diagram == diagram for name in telling.path.split(" > ")}

    assert ends <= reached


def begin(driver: Driver, telling: Telling) -> Story | None:
    """Start the story by hand, unless its first step is a message that starts it."""
    serve(driver, telling)
    deployed = driver.deploy_files({path.name: path.read_bytes() for path in files(telling.diagram)})
    if not telling.by_hand:
        return None
    return driver.start(deployed.definitions[0].key, by=CAST["ana"], **telling.given)


# ---- what starts by itself -----------------------------------------------------------------------------------------


def test_a_machine_is_maintained_each_month_and_whenever_it_stops(driver: Driver) -> None:
    driver.deploy_drawing("stories/machine-maintenance")

    driver.tick(days=27)
    driver.call_out("machine stopped")
    driver.tick(days=28)

    stories = driver.stories("machine-maintenance")
    assert [story.named_path()[0] for story in stories] == ["Every month", "Machine stopped", "Every month"]
    for _ in stories:
        driver.complete(CAST["lee"], "Change oil")
        driver.complete(CAST["lee"], "Check belts", worn=False)
    assert [story.status for story in stories] == ["completed"] * 3
    assert all(story.named_path()[-2:] == ["Machine runs", "Maintained"] for story in stories)
    driver.expect_inbox(CAST["lee"], [])


def test_a_recall_reaches_the_shop_and_so_does_the_all_clear(driver: Driver) -> None:
    driver.deploy_drawing("stories/product-recall")
    maker = driver.start("product-recall", by=CAST["ana"])
    assert driver.stories("shop-recall") == []

    driver.press(CAST["ben"], "Decide on recall", "Recall")
    (shop,) = driver.stories("shop-recall")
    driver.complete(CAST["lee"], "Take goods off the shelf")
    assert shop.status == "active"
    driver.complete(CAST["ben"], "Find cause")

    assert maker.named_path() == ["Fault found", "Decide on recall", "Recall?", "Recall", "Find cause", "All clear"]
    assert shop.named_path() == ["Recall heard", "Take goods off the shelf", "All clear", "Goods back on the shelf"]
    assert (maker.status, shop.status) == ("completed", "completed")
    assert maker.is_at_rest and shop.is_at_rest


def test_an_all_clear_before_the_goods_are_off_the_shelf_is_missed(driver: Driver) -> None:
    """A signal reaches who waits at that moment, nobody later. Source: BPMN 2.0.2, 10.5.1."""
    driver.deploy_drawing("stories/product-recall")
    driver.start("product-recall", by=CAST["ana"])
    driver.press(CAST["ben"], "Decide on recall", "Recall")

    driver.complete(CAST["ben"], "Find cause")
    driver.complete(CAST["lee"], "Take goods off the shelf")

    (shop,) = driver.stories("shop-recall")
    assert shop.status == "active"
    driver.call_out("all clear")
    assert shop.status == "completed"


def test_books_are_closed_on_the_first_of_each_month(driver: Driver) -> None:
    driver.deploy_drawing("stories/monthly-closing")

    for _ in range(60):
        driver.tick(days=1)

    began = [story.row.started_at.date() for story in driver.stories("monthly-closing")]
    assert began == [date(2026, 2, 1), date(2026, 3, 1)]
    assert driver.stories("monthly-closing")[0].task("Value stock").due_at is not None
