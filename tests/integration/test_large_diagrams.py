"""Diagrams far beyond what people draw run as small ones do."""

from __future__ import annotations

import pytest

from engine import Engine, SettableClock, user_tasks
from tests.driver import ROOT, Driver
from tests.play import END, START, boundary, chain, script, sub, user

FORK = '<parallelGateway id="fork"/><parallelGateway id="join"/>'
HOURLY = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def test_two_thousand_elements_in_a_row(driver: Driver) -> None:
    nodes = [f"step{number}" for number in range(2_000)]
    tasks = "".join(f'<task id="{node}"/>' for node in nodes)
    story = driver.draw(START + tasks + END + chain("start", *nodes, "end"))

    assert story.path() == ["start", *nodes, "end"]
    assert story.status == "completed"


def test_two_hundred_branches_come_together_once(driver: Driver) -> None:
    nodes = [f"branch{number}" for number in range(200)]
    branches = "".join(script(node, f"{node} = 1") + chain("fork", node, "join") for node in nodes)
    story = driver.draw(START + FORK + branches + END + chain("start", "fork") + chain("join", "end"))

    assert story.path().count("join") == 200
    assert story.path().count("end") == 1
    assert sum(story.values().values()) == 200
    assert story.is_at_rest


def test_a_thousand_tasks_of_one_activity_are_all_there_and_all_go(driver: Driver) -> None:
    each = '<multiInstanceLoopCharacteristics camunda:collection="${items}" camunda:elementVariable="item"/>'
    late = boundary("overdue", "check", HOURLY) + chain("overdue", "end")
    story = driver.draw(
        START + user("check", each, assignee="${item}") + late + END + chain("start", "check", "end"),
        items=[f"person{number}" for number in range(1_000)],
    )
    tasks = story.tasks()
    assert len({task.assignee for task in tasks}) == 1_000

    driver.tick(hours=1)

    assert story.status == "completed"
    assert story.tasks() == []
    assert story.is_at_rest


def test_a_hundred_calls_of_one_activity_all_come_back(driver: Driver) -> None:
    desk = driver.serve("fast", {})
    each = "<multiInstanceLoopCharacteristics><loopCardinality>100</loopCardinality></multiInstanceLoopCharacteristics>"
    call = f'<serviceTask id="call" camunda:type="external" camunda:topic="fast">{each}</serviceTask>'
    story = driver.draw(START + call + END + chain("start", "call", "end"))

    assert desk.count == 100
    assert story.status == "completed"
    assert len({call.idempotency_key for call in desk.calls}) == 100


def test_a_task_below_ninety_sub_processes_is_completed(driver: Driver) -> None:
    story = driver.draw(_nested(90))

    driver.complete(ROOT, "deep")

    assert story.status == "completed"
    assert story.path()[-1] == "end90"


def _nested(depth: int) -> str:
    inner = user("deep", assignee="root") if depth == 0 else sub(f"in{depth}", _nested(depth - 1))
    node = "deep" if depth == 0 else f"in{depth}"
    start, end = f"start{depth}", f"end{depth}"
    return f'<startEvent id="{start}"/>{inner}<endEvent id="{end}"/>{chain(start, node, end)}'


def test_a_long_text_is_kept_and_does_not_slow_the_inbox(driver: Driver) -> None:
    story = driver.draw(
        START + user("check", assignee="root") + END + chain("start", "check", "end"), text="x" * 5_000_000
    )

    driver.do(user_tasks.inbox, by=ROOT)
    driver.complete(ROOT, "check")

    assert len(story.values()["text"]) == 5_000_000
