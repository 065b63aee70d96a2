"""Compensation through call activities: what has completed in a called process is undone there, level by level."""

from __future__ import annotations

import pytest

from engine import Engine, SettableClock, instances, leases, tries
from engine.errors import ServiceFailed
from engine.jobs import Handler, Job
from engine.transaction import Transaction
from engine.worker import HANDLERS
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, boundary, chain, document, script, sub, user

COMPENSATE, CANCEL = "<compensateEventDefinition/>", "<cancelEventDefinition/>"
ERROR = '<errorEventDefinition errorRef="declined"/>'
THROW = f'<intermediateThrowEvent id="throw">{COMPENSATE}</intermediateThrowEvent>'


def call(inner: str = "", process: str = "child") -> str:
    return f'<callActivity id="call" calledElement="{process}">{inner}</callActivity>'


def undone_by(activity: str, handler: str) -> str:
    name = handler.split('id="')[1].split('"')[0]
    association = f'<association id="{activity}_by" sourceRef="{activity}_c" targetRef="{name}"/>'
    marked = handler.replace(f'id="{name}"', f'id="{name}" isForCompensation="true"')
    return boundary(f"{activity}_c", activity, COMPENSATE) + marked + association


BOOKED = START + script("book", "price = 10") + script("later", "price = 20") + END
BOOKED += chain("start", "book", "later", "end")
CHILD = BOOKED + undone_by("book", user("refund"))
PARENT = START + call() + THROW + user("after") + END + chain("start", "call", "throw", "after", "end")


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def named(key: str, body: str) -> bytes:
    return document(body).replace(b'id="p"', f'id="{key}"'.encode(), 1)


def start(driver: Driver, **bodies: str) -> Story:
    driver.deploy_files({f"{key}.bpmn": named(key, body) for key, body in bodies.items()})
    return driver.start("parent")


def called(driver: Driver, key: str = "child") -> Story:
    return driver.stories(key)[-1]


def names(story: Story) -> list[str]:
    return [task.name for task in story.tasks()]


def test_what_has_completed_in_the_called_process_is_undone_there(driver: Driver) -> None:
    story = start(driver, parent=PARENT, child=CHILD)
    child = called(driver)
    assert (child.status, names(child), names(story)) == ("active", ["refund"], [])
    assert len(driver.stories("child")) == 1

    driver.complete(ROOT, "refund")

    assert (child.status, names(story)) == ("completed", ["after"])
    assert child.is_at_rest
    assert "instance compensated" in child.facts()


def test_a_handler_sees_the_called_process_as_it_was(driver: Driver) -> None:
    desk = driver.serve("refund")
    handler = '<serviceTask id="refund" camunda:type="external" camunda:topic="refund"></serviceTask>'

    story = start(driver, parent=PARENT, child=BOOKED + undone_by("book", handler))

    assert [one.variables["price"] for one in desk.calls] == [10]
    assert names(story) == ["after"]


def test_a_handler_of_the_call_itself_stands_for_all_inside(driver: Driver) -> None:
    story = start(driver, parent=PARENT + undone_by("call", user("instead")), child=CHILD)

    assert (names(story), called(driver).status) == (["instead"], "completed")
    assert called(driver).is_at_rest


def test_an_event_sub_process_says_how_a_called_process_is_undone(driver: Driver) -> None:
    own = f'<startEvent id="k_s">{COMPENSATE}</startEvent>' + user("first") + THROW + chain("k_s", "first", "throw")
    child = CHILD + f'<subProcess id="k" triggeredByEvent="true">{own}</subProcess>'
    story = start(driver, parent=PARENT, child=child)
    assert names(called(driver)) == ["first"]

    driver.complete(ROOT, "first")
    assert names(called(driver)) == ["refund"]
    driver.complete(ROOT, "refund")

    assert (names(story), called(driver).status) == (["after"], "completed")
    assert called(driver).is_at_rest


def test_an_event_sub_process_alone_is_enough(driver: Driver) -> None:
    own = f'<startEvent id="k_s">{COMPENSATE}</startEvent>' + user("whole") + chain("k_s", "whole")
    child = START + END + chain("start", "end") + f'<subProcess id="k" triggeredByEvent="true">{own}</subProcess>'
    story = start(driver, parent=PARENT, child=child)

    driver.complete(ROOT, "whole")

    assert names(story) == ["after"]
    assert called(driver).is_at_rest


MIDDLE = START + call(process="deep") + END + chain("start", "call", "end")


def test_level_by_level(driver: Driver) -> None:
    story = start(driver, parent=PARENT, child=MIDDLE, deep=CHILD)
    assert [called(driver, key).status for key in ("child", "deep")] == ["active", "active"]

    driver.complete(ROOT, "refund")

    assert [called(driver, key).status for key in ("child", "deep")] == ["completed", "completed"]
    assert names(story) == ["after"]
    assert called(driver).is_at_rest and called(driver, "deep").is_at_rest


def test_a_cancelled_transaction_reaches_into_what_it_called(driver: Driver) -> None:
    inner = '<startEvent id="s2"/>' + call() + user("stop") + f'<endEvent id="no">{CANCEL}</endEvent>'
    whole = f'<transaction id="t">{inner}{chain("s2", "call", "stop", "no")}</transaction>'
    more = boundary("off", "t", CANCEL) + user("told") + END + chain("start", "t", "end") + chain("off", "told")
    story = start(driver, parent=START + whole + more, child=MIDDLE, deep=CHILD)

    driver.complete(ROOT, "stop")
    assert names(called(driver, "deep")) == ["refund"]
    driver.complete(ROOT, "refund")

    assert names(story) == ["told"]


def test_so_does_one_that_leaves_a_sub_process_open(driver: Driver) -> None:
    within = sub("s", '<startEvent id="s3"/>' + call() + user("open") + chain("s3", "call", "open"))
    inner = (
        '<startEvent id="s2"/><parallelGateway id="f"/>'
        + within
        + user("stop")
        + f'<endEvent id="no">{CANCEL}</endEvent>'
    )
    whole = f'<transaction id="t">{inner}{chain("s2", "f", "stop", "no")}{chain("f", "s")}</transaction>'
    more = boundary("off", "t", CANCEL) + user("told") + END + chain("start", "t", "end") + chain("off", "told")
    story = start(driver, parent=START + whole + more, child=CHILD)

    driver.complete(ROOT, "stop")
    assert names(called(driver)) == ["refund"]
    driver.complete(ROOT, "refund")

    assert names(story) == ["told"]


def test_each_of_several_calls_the_last_first(driver: Driver) -> None:
    several = '<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>2</loopCardinality>'
    story = start(
        driver, parent=PARENT.replace(call(), call(several + "</multiInstanceLoopCharacteristics>")), child=CHILD
    )
    first, second = sorted(driver.stories("child"), key=lambda story: story.id)
    assert (first.status, second.status) == ("completed", "active")

    driver.complete(ROOT, "refund")
    assert (first.status, second.status) == ("active", "completed")
    driver.complete(ROOT, "refund")

    assert names(story) == ["after"]


def test_a_handler_that_fails_stops_there_until_it_is_tried_again(driver: Driver) -> None:
    driver.serve("refund", ServiceFailed("no", retryable=False), {})
    handler = '<serviceTask id="refund" camunda:type="external" camunda:topic="refund"></serviceTask>'
    story = start(driver, parent=PARENT, child=BOOKED + undone_by("book", handler))
    assert (len(called(driver).incidents()), len(story.incidents()), called(driver).status) == (1, 0, "active")

    called(driver).retry()

    assert (names(story), called(driver).status) == (["after"], "completed")


def test_an_error_of_a_handler_is_caught_at_the_caller(driver: Driver) -> None:
    inner = f'<startEvent id="h_s"/><endEvent id="h_e">{ERROR}</endEvent>' + chain("h_s", "h_e")
    child = BOOKED + undone_by("book", f'<subProcess id="refund">{inner}</subProcess>')
    whole = sub("s", '<startEvent id="s2"/>' + call() + THROW + chain("s2", "call", "throw"))
    more = boundary("caught", "s", ERROR) + user("mend") + chain("caught", "mend")
    story = start(driver, parent=START + whole + END + chain("start", "s", "end") + more, child=child)

    assert (names(story), called(driver).status) == (["mend"], "failed")
    assert called(driver).is_at_rest


def test_a_caller_that_is_cancelled_meanwhile_ends_the_undoing(driver: Driver) -> None:
    story = start(driver, parent=PARENT, child=MIDDLE, deep=CHILD)

    story.cancel()
    driver.run_jobs()

    for key in ("child", "deep"):
        assert (called(driver, key).status, called(driver, key).is_at_rest) == ("terminated", True)


def test_an_undoing_that_is_cancelled_is_an_incident_at_the_caller(driver: Driver) -> None:
    story = start(driver, parent=PARENT, child=CHILD)
    called(driver).cancel()
    driver.run_jobs()
    assert ["without undoing" in each.message for each in story.incidents()] == [True]

    story.retry()

    assert (names(story), called(driver).status) == (["after"], "terminated")


def test_nothing_is_kept_when_the_caller_is_over(driver: Driver) -> None:
    parent = START + call() + user("after") + END + chain("start", "call", "after", "end")
    start(driver, parent=parent, child=MIDDLE, deep=CHILD)
    assert not (called(driver).is_at_rest or called(driver, "deep").is_at_rest)
    ended_at = called(driver, "deep").row.ended_at

    driver.tick(hours=1)
    driver.complete(ROOT, "after")

    assert called(driver).is_at_rest and called(driver, "deep").is_at_rest
    assert (called(driver, "deep").row.ended_at, called(driver, "deep").status) == (ended_at, "completed")
    assert called(driver, "deep").facts().count("instance completed") == 1


def test_nothing_is_kept_of_what_nobody_can_undo(driver: Driver) -> None:
    start(driver, parent=START + call() + user("after") + END + chain("start", "call", "after", "end"), child=BOOKED)

    assert called(driver).is_at_rest


def test_an_undoing_that_was_rolled_back_is_begun_once(driver: Driver) -> None:
    def finish_then_fail(tx: Transaction, job: Job, result: object) -> None:
        HANDLERS[job.kind].finish(tx, job, result)
        raise RuntimeError("killed")

    driver.deploy_files({f"{key}.bpmn": named(key, body) for key, body in (("parent", PARENT), ("child", CHILD))})
    with driver.engine.transaction(ROOT) as tx:
        story = Story(driver, instances.start(tx, "parent").id)
    for _ in ("call", "return"):
        (ref,) = leases.claim(driver.engine, 1)
        tries.execute(driver.engine, ref, HANDLERS)
    (ref,) = leases.claim(driver.engine, 1)

    tries.execute(driver.engine, ref, {**HANDLERS, "call": Handler(finish=finish_then_fail)})
    assert (called(driver).status, names(called(driver))) == ("completed", [])
    driver.tick(hours=1)
    assert names(called(driver)) == ["refund"]
    driver.complete(ROOT, "refund")

    assert names(story) == ["after"]
    assert called(driver).facts().count("instance compensated") == 1
