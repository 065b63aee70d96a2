"""Compensation through call activities: what a called process has done is undone there, level by level."""

from __future__ import annotations

import pytest

from engine import Engine, SettableClock, instances
from engine.model import InstanceStatus
from tests.driver import ROOT, Driver, Story
from tests.integration.test_calls import call, deploy
from tests.play import END, START, boundary, chain, script, user

COMPENSATE = "<compensateEventDefinition/>"
CANCEL = "<cancelEventDefinition/>"
THROW = f'<intermediateThrowEvent id="undo">{COMPENSATE}</intermediateThrowEvent>'


def undone(activity: str, handler: str) -> str:
    caught = boundary(f"{activity}_c", activity, COMPENSATE)
    return f'{caught}<association id="{activity}_a" sourceRef="{activity}_c" targetRef="no_{activity}"/>{handler}'


def logged(activity: str) -> str:
    text = f'log("undo {activity} of " + str(n))'
    return f'<scriptTask id="no_{activity}" isForCompensation="true"><script>{text}</script></scriptTask>'


def asked(activity: str) -> str:
    return f'<userTask id="no_{activity}" isForCompensation="true" camunda:assignee="root"/>'


PARENT = START + call() + user("decide", assignee="root") + THROW + user("after", assignee="root") + END
PARENT += chain("start", "call", "decide", "undo", "after", "end")
CHILD = START + script("a", "n = n + 1") + undone("a", logged("a")) + script("b", "n = 100") + END
CHILD += chain("start", "a", "b", "end")


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def begun(driver: Driver, child: str = CHILD, parent: str = PARENT, **more: str) -> Story:
    deploy(driver, parent=parent, child=child, **more)
    return driver.start("parent", n=1)


def names(story: Story) -> list[str]:
    return sorted(task.name for task in story.tasks())


def test_what_the_called_process_did_is_undone_with_the_values_of_its_time(driver: Driver) -> None:
    story = begun(driver)
    (child,) = driver.stories("child")
    assert (child.status, names(story)) == ("completed", ["decide"])

    driver.complete(ROOT, "decide")

    assert child.logged() == ["undo a of 2"]
    assert (child.status, names(story)) == ("completed", ["after"])
    assert "compensation began" in child.facts()


def test_it_is_undone_once(driver: Driver) -> None:
    again = PARENT.replace("</process>", "").replace('id="after"', 'id="other"', 1).replace("after", "other")
    again = again.replace(END, THROW.replace('"undo"', '"again"') + END)
    again = again.replace(chain("other", "end"), chain("other", "again", "end"))
    story = begun(driver, parent=again)
    (child,) = driver.stories("child")

    driver.complete(ROOT, "decide")
    driver.complete(ROOT, "other")

    assert (child.logged(), story.status) == (["undo a of 2"], "completed")


def test_a_handler_that_waits_makes_the_called_instance_active_again(driver: Driver) -> None:
    story = begun(driver, child=CHILD.replace(logged("a"), asked("a")))
    (child,) = driver.stories("child")
    driver.complete(ROOT, "decide")
    assert (child.status, names(child), names(story)) == ("active", ["no_a"], [])

    driver.complete(ROOT, "no_a")

    assert (child.status, names(story)) == ("completed", ["after"])


def test_the_process_may_say_itself_how_it_is_undone(driver: Driver) -> None:
    inside = f'<startEvent id="s">{COMPENSATE}</startEvent>' + script("whole", 'log("all of it")') + chain("s", "whole")
    aside = f'<subProcess id="aside" triggeredByEvent="true">{inside}</subProcess>'
    story = begun(driver, child=CHILD + aside)
    (child,) = driver.stories("child")

    driver.complete(ROOT, "decide")

    assert (child.logged(), names(story)) == (["all of it"], ["after"])


def test_a_handler_of_the_call_activity_comes_first(driver: Driver) -> None:
    handler = '<scriptTask id="no_call" isForCompensation="true"><script>log("called off")</script></scriptTask>'
    story = begun(driver, parent=PARENT + undone("call", handler))
    (child,) = driver.stories("child")
    assert child.is_at_rest

    driver.complete(ROOT, "decide")

    assert (child.logged(), story.logged()) == ([], ["called off"])


def test_through_two_levels(driver: Driver) -> None:
    middle = START + call().replace('"child"', '"grandchild"').replace('id="call"', 'id="inner"') + END
    story = begun(driver, child=middle + chain("start", "inner", "end"), grandchild=CHILD)
    (grandchild,) = driver.stories("grandchild")

    driver.complete(ROOT, "decide")

    assert grandchild.logged() == ["undo a of 2"]
    assert names(story) == ["after"]


def test_each_of_several_calls_is_undone_the_last_first(driver: Driver) -> None:
    each = '<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>2</loopCardinality>'
    parent = PARENT.replace("</callActivity>", f"{each}</multiInstanceLoopCharacteristics></callActivity>")
    story = begun(driver, parent=parent, child=CHILD.replace(logged("a"), asked("a")))
    first, second = driver.stories("child")
    driver.complete(ROOT, "decide")
    assert (first.status, second.status) == ("completed", "active")

    driver.complete(ROOT, "no_a")
    assert (first.status, second.status) == ("active", "completed")
    driver.complete(ROOT, "no_a")

    assert names(story) == ["after"]


def test_a_cancelled_transaction_reaches_into_what_it_called(driver: Driver) -> None:
    inside = '<startEvent id="s2"/>' + call() + user("decide", assignee="root")
    inside += f'<endEvent id="no">{CANCEL}</endEvent>' + chain("s2", "call", "decide", "no")
    parent = START + f'<transaction id="t">{inside}</transaction>' + boundary("off", "t", CANCEL) + END
    parent += user("after", assignee="root") + chain("start", "t", "end") + chain("off", "after")
    story = begun(driver, parent=parent)
    (child,) = driver.stories("child")

    driver.complete(ROOT, "decide")

    assert (child.logged(), names(story)) == (["undo a of 2"], ["after"])


def test_a_handler_that_stops_stops_there(driver: Driver) -> None:
    story = begun(driver, child=CHILD.replace("str(n)", "str(n / m)"))
    (child,) = driver.stories("child")
    driver.complete(ROOT, "decide")

    assert [each.element_id for each in child.incidents()] == ["no_a"]
    assert (child.status, names(story), story.incidents()) == ("active", [], [])


def test_a_called_instance_that_was_cancelled_while_it_was_undone_is_told(driver: Driver) -> None:
    story = begun(driver, child=CHILD.replace(logged("a"), asked("a")))
    (child,) = driver.stories("child")
    driver.complete(ROOT, "decide")

    child.cancel()
    driver.run_jobs()

    assert [each.element_id for each in story.incidents()] == ["call"]
    story.retry()
    assert "was ended" in story.incidents()[0].message


def test_a_caller_that_is_cancelled_ends_the_undoing(driver: Driver) -> None:
    story = begun(driver, child=CHILD.replace(logged("a"), asked("a")))
    (child,) = driver.stories("child")
    driver.complete(ROOT, "decide")

    story.cancel()
    driver.run_jobs()

    assert (child.status, child.is_at_rest) == ("terminated", True)


@pytest.mark.parametrize("how", ["completed", "cancelled"])
def test_nothing_is_kept_once_the_caller_has_ended(driver: Driver, how: str) -> None:
    middle = START + call().replace('"child"', '"grandchild"').replace('id="call"', 'id="inner"') + END
    parent = START + call() + user("decide", assignee="root") + END + chain("start", "call", "decide", "end")
    story = begun(driver, parent=parent, child=middle + chain("start", "inner", "end"), grandchild=CHILD)
    (child,), (grandchild,) = driver.stories("child"), driver.stories("grandchild")
    assert not (child.is_at_rest or grandchild.is_at_rest)

    if how == "cancelled":
        story.cancel()
        driver.run_jobs()
    else:
        driver.complete(ROOT, "decide")

    assert child.is_at_rest and grandchild.is_at_rest
    assert [each for each in grandchild.variables() if each.scope] == []


def test_a_call_with_nothing_to_undo_keeps_nothing(driver: Driver) -> None:
    begun(driver, child=START + script("a", "n = 2") + END + chain("start", "a", "end"))
    (child,) = driver.stories("child")

    assert (child.status, child.is_at_rest) == ("completed", True)
    assert driver.do(instances.find, status=InstanceStatus.COMPLETED, by=ROOT).total == 1
