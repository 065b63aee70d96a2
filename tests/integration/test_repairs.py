"""Letting a token go on by hand: complete, skip, throw; where it stands still, and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from engine import (
    Actor,
    Conflict,
    Engine,
    Forbidden,
    InvalidValues,
    NotFound,
    Right,
    SettableClock,
    Settings,
    external_tasks,
    incidents,
    open_calls,
    progress,
    repairs,
    services,
)
from engine.bpmn.runtime import Run
from engine.external_tasks import Taken, Wanted
from engine.storage.tables import ActivityRow
from engine.transaction import Transaction
from tests.driver import ROOT, Driver, Story
from tests.integration.test_races import losers, race
from tests.play import END, START, boundary, chain, document, flow, script, user

EVE = Actor("eve")
WORKER = Actor("bot", rights=frozenset({Right.WORK}))
DOWN = ConnectionError("no answer")
DECLINED = '<errorEventDefinition errorRef="declined"/>'
SORRY = boundary("refused", "call", DECLINED) + '<endEvent id="sorry"/>' + chain("refused", "sorry")
LATE = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def call(inner: str = "", node: str = "call", topic: str = "charge", **told: str) -> str:
    more = "".join(f' {name.replace("_", ":")}="{value}"' for name, value in told.items())
    return f'<serviceTask id="{node}" camunda:type="external" camunda:topic="{topic}"{more}>{inner}</serviceTask>'


def mapped(*mappings: str) -> str:
    told = "".join(f"<camunda:{each}</camunda:{each.split()[0]}>" for each in mappings)
    return f"<extensionElements><camunda:inputOutput>{told}</camunda:inputOutput></extensionElements>"


def drawn(*nodes: str, further: str = "") -> str:
    ids = [node.split('id="')[1].split('"')[0] for node in nodes]
    return START + "".join(nodes) + END + chain("start", *ids, "end") + further


def token_of(story: Story) -> str:
    """Of the one incident, else of the one call."""
    stopped = [each.token for each in story.incidents()]
    return stopped[0] if stopped and stopped[0] else story.calls()[0].token


def complete(story: Story, text: str = "{}", *, by: Actor = ROOT) -> None:
    story.driver.do(repairs.complete, story.id, token_of(story), text, by=by)
    story.driver.run_jobs()


def skip(story: Story) -> None:
    story.driver.do(repairs.skip, story.id, token_of(story), "done by phone", by=ROOT)
    story.driver.run_jobs()


def throw(story: Story, code: str) -> None:
    story.driver.do(repairs.throw, story.id, token_of(story), code, "by hand", by=ROOT)
    story.driver.run_jobs()


# ---- calls of services ---------------------------------------------------------------------------------------------


def test_a_call_that_is_tried_is_completed_by_hand(driver: Driver) -> None:
    desk = driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))

    complete(story, '{"paid": true}')
    driver.tick(hours=1)

    assert (story.status, story.values(), desk.count) == ("completed", {"paid": True}, 1)
    assert story.is_at_rest
    assert [each.actor for each in story.visits if each.element_id == "call"] == ["root"]
    by_hand, failed = story.tries()
    assert (by_hand.outcome, by_hand.message, by_hand.answer) == (
        "answered",
        "By hand: completed by hand.",
        '{"paid":true}',
    )
    assert failed.outcome == "failed"


def test_history_tells_who_what_and_what_was_before(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))

    complete(story, '{"paid": true}')

    (told,) = [each for each in driver.do(progress.events, story.id, by=ROOT) if each.kind == "completed by hand"]
    assert (told.actor, told.element_id) == ("root", "call")
    assert told.data == {"results": '{"paid": true}', "before": "called a service, tried 1 of 3 times"}


def test_one_that_failed_for_good_resolves_its_incident(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))
    for _ in range(3):
        driver.tick(hours=1)

    complete(story)

    assert (story.status, story.is_at_rest) == ("completed", True)
    (incident,) = driver.do(incidents.of_instance, story.id, by=ROOT)
    assert incident.resolved_by == "root"


def test_who_completes_by_hand_resolves_it_and_not_who_had_it_tried_again(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))
    for _ in range(3):
        driver.tick(hours=1)
    driver.do(incidents.retry, story.incidents()[0].id, by=ROOT)

    complete(story, by=Actor("zoe", rights=frozenset({Right.REPAIR})))

    (incident,) = driver.do(incidents.of_instance, story.id, by=ROOT)
    assert incident.resolved_by == "zoe"


def test_what_is_answered_by_hand_goes_where_the_answer_would(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    outputs = mapped('outputParameter name="total">${sum * 2}')

    named = driver.draw(drawn(call(camunda_resultVariable="answer")))
    complete(named, '{"sum": 4}')
    picked = driver.draw(drawn(call(outputs)))
    complete(picked, '{"sum": 4, "secret": 1}')

    assert (named.values(), picked.values()) == ({"answer": {"sum": 4}}, {"total": 8})


def test_one_that_is_skipped_has_no_results(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    outputs = mapped('outputParameter name="total">${sum * 2}')
    story = driver.draw(drawn(call(outputs)))

    skip(story)

    assert (story.status, story.values()) == ("completed", {})
    assert "skipped" in story.facts()


def test_an_error_thrown_by_hand_is_caught_by_the_boundary_event(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call(), further=SORRY))
    stuck = driver.do(repairs.look, story.id, token_of(story), by=ROOT)
    assert (stuck.element_name, stuck.codes, stuck.catches_any) == ("call", ("DECLINED",), False)

    throw(story, "DECLINED")

    assert story.path() == ["start", "call", "refused", "sorry"]
    assert story.tries()[0].outcome == "error"
    assert story.is_at_rest


def test_one_that_nothing_catches_says_so_and_changes_nothing(driver: Driver) -> None:
    driver.serve("charge", DOWN, {})
    story = driver.draw(drawn(call(), further=SORRY))

    refused = driver.refused(Conflict, repairs.throw, story.id, token_of(story), "OTHER", by=ROOT)

    assert 'Expected error "OTHER" to be caught around call' in refused
    driver.tick(hours=1)
    assert story.status == "completed"


def test_a_caller_catches_what_the_called_instance_does_not(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    parent = START + '<callActivity id="call" calledElement="child"/>' + END + chain("start", "call", "end") + SORRY
    child = document(drawn(call(node="inner"))).replace(b'<process id="p"', b'<process id="child"')
    driver.deploy_files({"p.bpmn": document(parent), "child.bpmn": child})
    story = driver.start("p")
    (called,) = driver.stories("child")

    throw(called, "DECLINED")

    assert (called.status, story.path()) == ("failed", ["start", "call", "refused", "sorry"])


# ---- workers outside -----------------------------------------------------------------------------------------------


def taken(driver: Driver) -> Taken:
    wanted = [Wanted("outside", timedelta(minutes=5))]
    (found,) = external_tasks.fetch(driver.engine, WORKER, wanted, worker="w1", limit=1)
    return found


@pytest.mark.parametrize("repair", [complete, skip, lambda story: throw(story, "DECLINED")])
def test_a_worker_that_answers_late_is_refused(driver: Driver, repair: Callable[[Story], None]) -> None:
    story = driver.draw(drawn(call(topic="outside"), further=SORRY))
    task = taken(driver).task

    repair(story)

    assert story.status == "completed"
    refused = driver.refused(Conflict, external_tasks.complete, task.id, "w1", {}, by=WORKER)
    assert "root has ended it already" in refused
    driver.refused(Conflict, external_tasks.fail, task.id, "w1", "too late", by=WORKER)


# ---- what has stopped ----------------------------------------------------------------------------------------------


def test_a_script_that_cannot_run_is_completed_with_what_it_would_have_set(driver: Driver) -> None:
    story = driver.draw(drawn(script("s", "share = total / people"), user("next")), people=0)

    complete(story, '{"share": 3}')

    assert (story.values(), [task.name for task in story.tasks()]) == ({"people": 0, "share": 3}, ["next"])
    assert story.incidents() == []


def test_inputs_that_cannot_be_made_are_passed(driver: Driver) -> None:
    """Its boundary events have not begun to wait: they catch what is thrown all the same."""
    broken = call(mapped('inputParameter name="a">${gone}', 'outputParameter name="total">${sum}'))
    first, second, third = (driver.draw(drawn(broken, further=SORRY)) for _ in range(3))

    complete(first, '{"sum": 4}')
    skip(second)
    throw(third, "DECLINED")

    assert [story.values() for story in (first, second)] == [{"total": 4}, {}]
    assert third.path()[-1] == "sorry"
    assert all(story.is_at_rest for story in (first, second, third))


def choice(condition: str) -> str:
    ways = flow("way", "left", condition) + flow(
        "way", "right", f"not ({condition})" if condition == "size > 1" else "0 > 1"
    )
    ends = '<endEvent id="left"/><endEvent id="right"/>'
    return START + '<exclusiveGateway id="way"/>' + ends + chain("start", "way") + ways


def test_a_gateway_that_does_not_know_its_way_is_not_skipped(driver: Driver) -> None:
    story = driver.draw(choice("size > 1"))

    refused = driver.refused(Conflict, repairs.skip, story.id, token_of(story), "why not", by=ROOT)
    assert refused.startswith("Expected way to go on then, but it would stop again.")
    assert (len(story.incidents()), story.facts().count("skipped")) == (1, 0)

    complete(story, '{"size": 2}')
    assert story.path() == ["start", "way", "left"]


def test_a_join_that_waits_for_what_cannot_come_goes_on_with_what_has(driver: Driver) -> None:
    story = driver.draw(
        START
        + '<inclusiveGateway id="split"/><parallelGateway id="join"/><manualTask id="a"/><manualTask id="b"/>'
        + END
        + flow("split", "a", "True")
        + flow("split", "b", "False")
        + chain("start", "split")
        + chain("a", "join", "end")
        + chain("b", "join")
    )
    assert len(story.incidents()) == 1

    skip(story)

    assert (story.status, story.path()[-2:], story.is_at_rest) == ("completed", ["join", "end"], True)


def test_a_receive_task_whose_key_cannot_be_made_is_passed(driver: Driver) -> None:
    key = 'procession:correlationKey="gone" xmlns:procession="urn:procession:bpmn:1"'
    hear = drawn('<receiveTask id="hear" messageRef="bill"/>')
    driver.deploy_files({"p.bpmn": document(hear, root=f'<message id="bill" name="bill" {key}/>')})
    story = driver.start("p")
    assert len(story.incidents()) == 1

    complete(story, '{"sum": 3}')

    assert (story.status, story.values()) == ("completed", {"sum": 3})


def test_only_one_of_its_events_tells_the_way_from_an_event_based_gateway(driver: Driver) -> None:
    timer = f'<intermediateCatchEvent id="a">{LATE.replace("PT1H", "${gone}")}</intermediateCatchEvent>'
    signal = '<intermediateCatchEvent id="b"><signalEventDefinition signalRef="alarm"/></intermediateCatchEvent>'
    body = START + '<eventBasedGateway id="which"/>' + timer + signal + END
    story = driver.draw(body + chain("start", "which", "a", "end") + chain("which", "b", "end"))
    assert len(story.incidents()) == 1

    refused = driver.refused(Conflict, repairs.skip, story.id, token_of(story), "why not", by=ROOT)

    assert refused.endswith("but only one of the events behind it tells the way.")


def test_a_boundary_event_that_cannot_wait_is_not_passed_by_hand(driver: Driver) -> None:
    late = boundary("slow", "u", LATE.replace("PT1H", "${gone}")) + '<endEvent id="over"/>' + chain("slow", "over")
    story = driver.draw(drawn(user("u"), further=late))
    assert [each.element_id for each in story.incidents()] == ["slow"]

    for verb, *told in ((repairs.skip, "why"), (repairs.complete, "{}"), (repairs.throw, "DECLINED")):
        refused = driver.refused(Conflict, verb, story.id, token_of(story), *told, by=ROOT)
        assert "only waits beside what goes on" in refused


def test_an_instance_of_several_is_passed_by_itself(driver: Driver) -> None:
    each = '<multiInstanceLoopCharacteristics camunda:collection="items" camunda:elementVariable="item"/>'
    story = driver.draw(drawn(script("s", "x = 10 / item", each)), items=[1, 0, 2, 0])
    assert len(story.incidents()) == 2

    skip(story)
    assert (story.status, len(story.incidents())) == ("active", 1)
    skip(story)

    assert (story.status, story.is_at_rest) == ("completed", True)


def test_a_repeated_activity_that_cannot_begin_is_skipped_as_a_whole(driver: Driver) -> None:
    each = '<multiInstanceLoopCharacteristics camunda:collection="items" camunda:elementVariable="item"/>'
    story = driver.draw(drawn(user("u", each)), items=7)

    skip(story)

    assert (story.status, story.is_at_rest) == ("completed", True)


def test_a_compensation_handler_is_completed_by_hand(driver: Driver) -> None:
    driver.serve("refund", DOWN)
    handler = call(node="undo", topic="refund", isForCompensation="true")
    undo = boundary("undone", "book", "<compensateEventDefinition/>") + handler
    undo += '<association id="x" sourceRef="undone" targetRef="undo"/>'
    thrown = '<intermediateThrowEvent id="throw"><compensateEventDefinition/></intermediateThrowEvent>'
    story = driver.draw(drawn(script("book", "price = 10"), thrown, user("after"), further=undo))

    complete(story)

    assert [task.name for task in story.tasks()] == ["after"]


def test_a_call_activity_that_cannot_begin_is_completed_by_hand(driver: Driver) -> None:
    story = driver.draw(drawn('<callActivity id="c" calledElement="nowhere"/>'))
    assert len(story.incidents()) == 1

    complete(story, '{"sum": 3}')

    assert (story.status, story.values(), story.is_at_rest) == ("completed", {"sum": 3}, True)


def test_a_called_instance_that_was_cancelled_is_passed_by_an_error(driver: Driver) -> None:
    parent = START + '<callActivity id="call" calledElement="child"/>' + END + chain("start", "call", "end") + SORRY
    child = document(drawn(user("inner"))).replace(b'<process id="p"', b'<process id="child"')
    driver.deploy_files({"p.bpmn": document(parent), "child.bpmn": child})
    story = driver.start("p")
    driver.stories("child")[0].cancel()
    driver.run_jobs()
    assert len(story.incidents()) == 1

    throw(story, "DECLINED")

    assert (story.path()[-1], story.is_at_rest) == ("sorry", True)


def test_a_timer_that_could_not_fire_is_passed(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    timer = f'<intermediateCatchEvent id="t">{LATE}</intermediateCatchEvent>'
    story = driver.draw(drawn(timer))
    with monkeypatch.context() as broken:
        broken.setattr(Run, "happen", lambda *_: 1 / 0)
        for _ in range(4):
            driver.tick(hours=1)
    assert len(story.incidents()) == 1

    skip(story)

    assert (story.status, story.is_at_rest) == ("completed", True)


def test_a_timer_that_is_tried_again_keeps_its_incident_until_it_fires(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = boundary("slow", "u", LATE, interrupting=False) + '<endEvent id="over"/>' + chain("slow", "over")
    story = driver.draw(drawn(user("u"), further=slow))
    with monkeypatch.context() as broken:
        broken.setattr(Run, "happen", lambda *_: 1 / 0)
        for _ in range(4):
            driver.tick(hours=1)
    (stopped,) = story.incidents()

    driver.do(incidents.retry, stopped.id, by=ROOT)
    assert [each.retried_by for each in story.incidents()] == ["root"]
    driver.run_jobs()

    assert (story.incidents(), story.path()[-1]) == ([], "over")
    (passed,) = driver.do(incidents.of_instance, story.id, by=ROOT)
    assert passed.resolved_by == "root"


# ---- refused -------------------------------------------------------------------------------------------------------


def test_what_only_waits_is_left_alone(driver: Driver) -> None:
    timer = f'<intermediateCatchEvent id="t">{LATE}</intermediateCatchEvent>'
    for node, why in ((user("u"), "waits for a person"), (timer, "waits for its time")):
        story = driver.draw(drawn(node))
        token = driver.do(tokens_of, story.id, by=ROOT)[-1]

        for verb, *told in ((repairs.skip, "why"), (repairs.complete, "{}"), (repairs.throw, "X"), (repairs.look,)):
            assert why in driver.refused(Conflict, verb, story.id, token, *told, by=ROOT)


def tokens_of(tx: Transaction, instance_id: int) -> list[str]:
    visits = select(ActivityRow.token).where(ActivityRow.instance_id == instance_id)
    return list(tx.session.scalars(visits.order_by(ActivityRow.id)))


def test_what_has_gone_on_is_refused(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call(), user("next")))
    token = token_of(story)
    complete(story)

    for verb, *told in ((repairs.skip, "why"), (repairs.complete, "{}"), (repairs.throw, "X"), (repairs.look,)):
        assert "it has gone on" in driver.refused(Conflict, verb, story.id, token, *told, by=ROOT)
        driver.refused(NotFound, verb, 10_000, token, *told, by=ROOT)
    story.cancel()
    assert "terminated" in driver.refused(Conflict, repairs.skip, story.id, token, "why", by=ROOT)
    assert "terminated" in driver.refused(Conflict, repairs.look, story.id, token, by=ROOT)


def test_only_who_may_repair_does(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()), by=EVE)
    token = token_of(story)

    for verb, *told in ((repairs.skip, "why"), (repairs.complete, "{}"), (repairs.throw, "X"), (repairs.look,)):
        driver.refused(Forbidden, verb, story.id, token, *told, by=EVE)


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", '{"#own": 1}', '{"": 1}', '{"a": NaN}'])
def test_what_are_no_variables_is_refused(driver: Driver, text: str) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))

    driver.refused(InvalidValues, repairs.complete, story.id, token_of(story), text, by=ROOT)


def test_a_reason_and_a_code_are_asked_for(driver: Driver) -> None:
    driver.serve("charge", DOWN)
    story = driver.draw(drawn(call()))

    driver.refused(InvalidValues, repairs.skip, story.id, token_of(story), "  ", by=ROOT)
    for code in (" ", "x" * 300, "a\0"):
        driver.refused(InvalidValues, repairs.throw, story.id, token_of(story), code, by=ROOT)


# ---- two at once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def racing(migrated_url: str, clock: SettableClock) -> Iterator[Driver]:
    with Engine(Settings(database_url=migrated_url), clock=clock) as engine:
        yield Driver(engine, clock)


@pytest.mark.parametrize("_round", range(2))
def test_of_several_repairs_one_wins(racing: Driver, _round: int) -> None:
    racing.serve("charge", DOWN)
    story = racing.draw(drawn(call(), user("next"), further=SORRY))
    token = token_of(story)
    acts = [
        (ROOT, lambda tx: repairs.complete(tx, story.id, token, '{"paid": true}')),
        (ROOT, lambda tx: repairs.skip(tx, story.id, token, "by phone")),
        (ROOT, lambda tx: repairs.throw(tx, story.id, token, "DECLINED")),
        (ROOT, lambda tx: repairs.skip(tx, story.id, token, "by mail")),
    ]

    results = race(racing, acts)

    assert [isinstance(lost, Conflict) for lost in losers(results)] == [True] * 3
    assert story.path() in (["start", "call", "next"], ["start", "call", "refused", "sorry"])


@pytest.mark.parametrize("_round", range(2))
def test_a_repair_and_the_answer_of_the_service_end_with_one_of_them(racing: Driver, _round: int) -> None:
    answering, repaired = threading.Event(), threading.Event()

    def slow(_call: object) -> dict[str, str]:
        answering.set()
        repaired.wait(10)
        return {"by": "service"}

    racing.serve("charge")
    racing.deploy_drawn(drawn(call(), user("next")))
    services.register("charge")(slow)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(racing.start, "p")
        assert answering.wait(10)
        (story,) = racing.stories("p")
        racing.do(repairs.complete, story.id, token_of(story), '{"by": "hand"}', by=ROOT)
        repaired.set()
        starting.result(20)

    assert (story.values(), [task.name for task in story.tasks()]) == ({"by": "hand"}, ["next"])


@pytest.mark.parametrize("_round", range(2))
def test_of_several_who_try_now_one_wins(racing: Driver, _round: int) -> None:
    racing.serve("charge", DOWN, {})
    story = racing.draw(drawn(call()))
    (job_id,) = [each.job_id for each in story.calls()]

    results = race(racing, [(ROOT, lambda tx: open_calls.try_now(tx, job_id))] * 4)

    assert len(losers(results)) == 3
    racing.run_jobs()
    assert story.status == "completed"
