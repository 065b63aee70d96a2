"""Each verb: works; in the wrong state; by the wrong person; twice. (Two at once: test_races.py.)"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from engine import (
    Actor,
    BpmnError,
    Conflict,
    Engine,
    Forbidden,
    Invalid,
    InvalidValues,
    NotFound,
    Right,
    ServiceFailed,
    SettableClock,
    accounts,
    definitions,
    incidents,
    instances,
    messages,
    progress,
    services,
    timers,
    user_tasks,
)
from engine.errors import EngineError
from engine.model import Json
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, boundary, chain, document, flow, script, sub, user

ANA = Actor("ana", groups=frozenset({"clerks"}))
MIA = Actor("mia", groups=frozenset({"clerks"}))
BEN = Actor("ben", groups=frozenset({"managers"}))
EVE = Actor("eve")
INSPECTOR = Actor("ivo", rights=frozenset({Right.INSPECT}))

TASK = START + user("check", candidateGroups="clerks") + END + chain("start", "check", "end")
SERVICE = '<serviceTask id="call" name="Call" camunda:type="external" camunda:topic="{0}"/>'
CALL = START + SERVICE.format("shaky") + END + chain("start", "call", "end")


def timer(kind: str, text: str) -> str:
    return f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"


def wait(node: str, kind: str, text: str) -> str:
    return f'<intermediateCatchEvent id="{node}">{timer(kind, text)}</intermediateCatchEvent>'


def receive(node: str, message: str = "paid") -> str:
    return f'<receiveTask id="{node}" messageRef="{message}"/>'


@pytest.fixture
def driver(engine: Engine, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Driver:
    monkeypatch.setattr(services, "_SERVICES", {})
    with engine.transaction(ROOT) as tx:
        for name in ("ana", "ben", "mia"):
            accounts.add(tx, name, name=name.capitalize(), password="correct horse battery")
    return Driver(engine, clock)


# ---- claim, release, reassign --------------------------------------------------------------------------------------


def test_who_claims_a_task_has_it_alone(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.expect_inbox(MIA, ["check"])

    driver.do(user_tasks.claim, task.id, by=ANA)

    driver.expect_inbox(ANA, ["check"])
    driver.expect_inbox(MIA, [])


def test_a_claimed_task_cannot_be_claimed_and_says_who_has_it(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.do(user_tasks.claim, task.id, by=ANA)

    assert "Ana has it" in driver.refused(Conflict, user_tasks.claim, task.id, by=MIA)
    assert "Ana has it" in driver.refused(Conflict, user_tasks.claim, task.id, by=ANA)


def test_a_completed_task_says_who_completed_it(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.complete(ANA, "check")

    for verb in (user_tasks.claim, user_tasks.release, user_tasks.form):
        assert "Ana has completed it" in driver.refused(Conflict, verb, task.id, by=ANA)
    assert "Ana has completed it" in driver.refused(Conflict, user_tasks.complete, task.id, {}, by=MIA)
    assert "Ana has completed it" in driver.refused(Conflict, user_tasks.reassign, task.id, "mia", by=ROOT)


def test_a_released_task_is_offered_again(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.do(user_tasks.claim, task.id, by=ANA)

    driver.do(user_tasks.release, task.id, by=ANA)

    driver.expect_inbox(MIA, ["check"])
    assert "nobody has it" in driver.refused(Conflict, user_tasks.release, task.id, by=ANA)


def test_only_the_assignee_and_administrators_release_a_task(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.do(user_tasks.claim, task.id, by=ANA)

    assert "Ana has it" in driver.refused(Conflict, user_tasks.release, task.id, by=MIA)
    driver.do(user_tasks.release, task.id, by=ROOT)
    driver.expect_inbox(MIA, ["check"])


def test_a_task_drawn_for_one_person_goes_back_to_that_person_alone(driver: Driver) -> None:
    task = driver.draw(START + user("check", assignee="ana") + END + chain("start", "check", "end")).task()

    driver.do(user_tasks.release, task.id, by=ANA)

    driver.expect_inbox(EVE, [])
    driver.expect_inbox(ANA, ["check"])
    driver.refused(NotFound, user_tasks.claim, task.id, by=EVE)


def test_an_assignee_hands_a_task_on(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.do(user_tasks.claim, task.id, by=ANA)

    driver.do(user_tasks.reassign, task.id, "ben", by=ANA)

    driver.expect_inbox(BEN, ["check"])
    driver.expect_inbox(ANA, [])
    assert "Ben has it" in driver.refused(Conflict, user_tasks.reassign, task.id, "mia", by=ANA)


def test_a_task_is_handed_only_to_accounts_that_are_there(driver: Driver) -> None:
    task = driver.draw(TASK).task()

    for nobody in ("zoe", "", "\0"):
        driver.refused(NotFound, user_tasks.reassign, task.id, nobody, by=ROOT)
    driver.refused(Conflict, user_tasks.reassign, task.id, "mia", by=ANA)  # a candidate, but not the assignee


# ---- sight ---------------------------------------------------------------------------------------------------------

LOOKS = [
    user_tasks.get,
    user_tasks.form,
    user_tasks.context,
    user_tasks.history_of,
    user_tasks.documentation,
    user_tasks.claim,
    user_tasks.release,
]


@pytest.mark.parametrize("attributes", [{"candidateGroups": "clerks"}, {"assignee": "ana"}, {"candidateUsers": "ana"}])
def test_an_outsider_does_not_learn_that_a_task_exists(driver: Driver, attributes: dict[str, str]) -> None:
    task = driver.draw(START + user("check", **attributes) + END + chain("start", "check", "end")).task()

    for verb in LOOKS:
        told = driver.refused(NotFound, verb, task.id, by=EVE)
        assert told == f"There is no task {task.id} for you."
        assert told.replace(str(task.id), "0") == driver.refused(NotFound, verb, 0, by=EVE)
    driver.refused(NotFound, user_tasks.complete, task.id, {}, by=EVE)
    driver.refused(NotFound, user_tasks.reassign, task.id, "eve", by=EVE)


def test_an_inspector_sees_a_task_and_does_not_work_it(driver: Driver) -> None:
    task = driver.draw(TASK).task()

    driver.do(user_tasks.get, task.id, by=INSPECTOR)
    driver.refused(Forbidden, user_tasks.claim, task.id, by=INSPECTOR)
    driver.refused(Forbidden, user_tasks.complete, task.id, {}, by=INSPECTOR)


@pytest.mark.parametrize(
    "look", [instances.get, progress.picture, progress.activities, progress.events, instances.variables]
)
def test_an_instance_is_seen_by_those_who_have_to_do_with_it(driver: Driver, look: object) -> None:
    story = driver.draw(TASK, by=BEN)

    for seer in (BEN, ANA, MIA, INSPECTOR, ROOT):
        driver.do(look, story.id, by=seer)
    driver.refused(NotFound, look, story.id, by=EVE)
    driver.complete(ANA, "check")
    driver.do(look, story.id, by=ANA)
    driver.refused(NotFound, look, story.id, by=MIA)


def test_lists_hold_only_what_the_actor_may_see(driver: Driver) -> None:
    story = driver.draw(TASK, by=BEN)

    assert [row.id for row in driver.do(instances.find, by=BEN)] == [story.id]
    assert not driver.do(instances.find, by=ANA).rows
    assert driver.do(user_tasks.of_instance, story.id, by=EVE) == []
    for verb in (timers.pending, incidents.pending, definitions.latest):
        driver.refused(Forbidden, verb, by=ANA)
    driver.refused(Forbidden, definitions.deploy, {"p.bpmn": document(TASK)}, by=ANA)


def test_who_may_start_is_said_in_the_diagram(driver: Driver) -> None:
    told = b'<process id="p" camunda:candidateStarterGroups="clerks" camunda:candidateStarterUsers="ben"'
    driver.deploy_files({"p.bpmn": document(TASK).replace(b'<process id="p"', told)})

    driver.start("p", by=ANA)
    driver.start("p", by=BEN)
    driver.refused(Forbidden, instances.start, "p", by=EVE)
    assert driver.do(definitions.startable, by=EVE) == []


# ---- complete ------------------------------------------------------------------------------------------------------


def test_a_task_is_completed_once(driver: Driver) -> None:
    story = driver.draw(TASK)
    task = story.task()

    driver.complete(ANA, "check", amount=3)

    assert "Ana has completed it" in driver.refused(Conflict, user_tasks.complete, task.id, {"amount": 4}, by=ANA)
    assert story.values() == {"amount": 3}
    assert story.status == "completed"


def test_a_task_that_somebody_has_is_not_completed_by_another(driver: Driver) -> None:
    task = driver.draw(TASK).task()
    driver.do(user_tasks.claim, task.id, by=ANA)

    assert "Ana has it" in driver.refused(Conflict, user_tasks.complete, task.id, {}, by=MIA)
    assert "Ana has it" in driver.refused(Conflict, user_tasks.complete, task.id, {}, by=ROOT)


DECISION = (
    START
    + user("check", candidateGroups="clerks")
    + '<exclusiveGateway id="ok"/><endEvent id="yes"/><endEvent id="no"/>'
    + chain("start", "check", "ok")
    + flow("ok", "yes", name="Accept")
    + flow("ok", "no", name="Refuse")
)


@pytest.mark.parametrize("button", [-1, 2, 10**30])
def test_a_button_that_is_not_there_changes_nothing(driver: Driver, button: int) -> None:
    task = driver.draw(DECISION).task()

    driver.refused(InvalidValues, lambda tx: user_tasks.complete(tx, task.id, {}, button=button), by=ANA)
    assert "Accept, Refuse" in driver.refused(InvalidValues, user_tasks.complete, task.id, {}, by=ANA)
    driver.press(ANA, "check", "Refuse")


def test_a_decision_that_is_no_button_stops_at_the_gateway_only(driver: Driver) -> None:
    """Said by name instead of by a button, with a value that leads nowhere."""
    story = driver.draw(DECISION)

    driver.complete(ANA, "check", ok="Perhaps")

    assert [each.element_id for each in story.incidents()] == ["ok"]


@pytest.mark.parametrize("condition", ["amount > limit", "amount >= 2 * limit", "limit - amount < 0"])
def test_a_task_before_a_comparison_asks_for_numbers(driver: Driver, condition: str) -> None:
    story = driver.draw(
        START
        + user("check", candidateGroups="clerks")
        + '<exclusiveGateway id="much" default="much_end"/><endEvent id="big"/>'
        + END
        + chain("start", "check", "much", "end")
        + flow("much", "big", condition)
    )

    driver.complete(ANA, "check", amount=300, limit=100)

    assert story.path()[-1] == "big"


def test_what_is_known_already_need_not_be_filled_in_again(driver: Driver) -> None:
    gateway = '<exclusiveGateway id="much" default="much_end"/><endEvent id="big"/>'
    body = START + user("check", candidateGroups="clerks") + gateway + END + chain("start", "check", "much", "end")
    story = driver.draw(body + flow("much", "big", "amount > limit and checked"), limit=100)

    task = story.task()
    told = driver.refused(InvalidValues, user_tasks.complete, task.id, {"checked": True}, by=ANA)
    assert told == "amount: Expected a value, but there is none."
    driver.complete(ANA, "check", amount=300, checked=True)

    assert story.path()[-1] == "big"
    assert story.values()["limit"] == 100


# ---- instances -----------------------------------------------------------------------------------------------------

EVERYTHING = (
    START
    + '<parallelGateway id="fork"/>'
    + user("check", candidateGroups="clerks")
    + boundary("overdue", "check", timer("timeCycle", "R/PT1H"), interrupting=False)
    + receive("hear")
    + SERVICE.format("slow")
    + script("failing", "x = 1 / 0")
    + wait("pause", "timeDuration", "P1D")
    + '<intermediateCatchEvent id="siren"><signalEventDefinition signalRef="alarm"/></intermediateCatchEvent>'
    + sub("inner", user("deep"))
    + END
    + chain("start", "fork", "check", "end")
    + "".join(chain("fork", node, "end") for node in ("hear", "call", "failing", "pause", "siren", "inner"))
    + chain("overdue", "end")
)


def test_a_cancelled_instance_leaves_nothing_waiting(driver: Driver) -> None:
    driver.serve("slow", ServiceFailed("not yet"))
    story = driver.draw(EVERYTHING)
    task = story.task("check")

    story.cancel()

    assert story.status == "terminated"
    assert story.is_at_rest
    driver.expect_inbox(ANA, [])
    assert "cancelled" in driver.refused(Conflict, user_tasks.claim, task.id, by=ANA)
    assert {visit.outcome for visit in story.visits if visit.element_id in ("check", "inner", "deep", "hear")} == {
        "cancelled"
    }
    assert "instance cancelled" in story.facts()


def test_an_instance_is_cancelled_once_with_a_reason_by_who_may(driver: Driver) -> None:
    story = driver.draw(TASK)

    driver.refused(Forbidden, instances.cancel, story.id, "why not", by=ANA)
    driver.refused(Forbidden, instances.cancel, story.id, "why not", by=INSPECTOR)
    driver.refused(InvalidValues, instances.cancel, story.id, " ", by=ROOT)
    driver.refused(NotFound, instances.cancel, story.id + 1_000, "why not", by=ROOT)
    story.cancel()
    assert "terminated" in driver.refused(Conflict, instances.cancel, story.id, "again", by=ROOT)


@pytest.mark.parametrize(
    ("value", "asked"),
    [("red", "red"), (120, "120"), (120, "120.0"), (1.5, "1.5"), (True, "true"), ("Ünïcode", "Ünïcode"), (-3, "-3")],
)
def test_an_instance_is_found_by_the_value_of_a_variable(driver: Driver, value: Json, asked: str) -> None:
    story = driver.draw(TASK, given=value)
    driver.start("p", given="another")

    assert [row.id for row in driver.do(instances.find, by=ROOT, variable=("given", asked))] == [story.id]
    assert not driver.do(instances.find, by=ROOT, variable=("other", asked)).rows


@pytest.mark.parametrize("asked", ["nan", "inf", "-inf", "1e999", "", "%", "'", "1_000"])
def test_an_odd_value_to_look_for_finds_nothing(driver: Driver, asked: str) -> None:
    driver.draw(TASK, given="red", number=7)

    for name in ("given", "number"):
        assert not driver.do(instances.find, by=ROOT, variable=(name, asked)).rows


def test_an_instance_is_found_by_state_definition_key_and_incident(driver: Driver) -> None:
    driver.draw(TASK, business_key="A-1")
    stopped = driver.draw(START + script("s", "x = 1 / 0") + END + chain("start", "s", "end"), business_key="A-2")

    def found(**asked: object) -> list[int]:
        return [row.id for row in driver.do(instances.find, by=ROOT, **asked)]

    assert found(business_key="A-2") == found(with_incident=True) == [stopped.id]
    assert len(found(key="p")) == len(found(status="active")) == 2
    assert found(status="completed") == found(key="q") == found(business_key="A") == []


def test_an_instance_of_an_older_version_goes_on_as_it_began(driver: Driver) -> None:
    old = driver.draw(TASK)
    driver.deploy_drawn(START + END + chain("start", "end"))

    driver.complete(ANA, "check")

    assert old.path() == ["start", "check", "end"]
    assert driver.start("p").path() == ["start", "end"]
    assert driver.do(instances.start, "p", by=ANA, version=1).definition_version == 1
    driver.refused(NotFound, lambda tx: instances.start(tx, "p", version=3), by=ANA)
    driver.refused(NotFound, instances.start, "q", by=ANA)


# ---- services ------------------------------------------------------------------------------------------------------


def test_a_service_is_tried_again_after_growing_pauses(driver: Driver) -> None:
    desk = driver.serve("shaky", ServiceFailed("busy"), ServiceFailed("busy"), {"rate": 5})
    story = driver.draw(CALL, amount=3)
    assert desk.count == 1
    driver.run_jobs()
    assert desk.count == 1

    driver.tick(seconds=2)
    assert desk.count == 2
    driver.tick(seconds=1)
    assert desk.count == 2
    driver.tick(seconds=3)

    assert story.status == "completed"
    assert story.values() == {"amount": 3, "rate": 5}
    assert [call.attempt for call in desk.calls] == [1, 2, 3]
    assert len({call.idempotency_key for call in desk.calls}) == 1
    assert desk.calls[0].variables == {"amount": 3}


def test_a_service_that_gave_up_passes_after_a_retry(driver: Driver) -> None:
    desk = driver.serve("shaky", *[ServiceFailed("no line")] * 3, {})
    story = driver.draw(CALL)
    driver.tick(hours=1)
    driver.tick(hours=1)
    assert desk.count == 3
    assert [each.message for each in story.incidents()] == ["no line"]
    assert story.row.incidents == 1

    story.retry()

    assert story.status == "completed"
    assert story.is_at_rest
    assert desk.calls[-1].idempotency_key == desk.calls[0].idempotency_key


def test_a_failure_that_cannot_be_mended_by_waiting_is_not_tried_again(driver: Driver) -> None:
    desk = driver.serve("shaky", ServiceFailed("unknown account", retryable=False))
    story = driver.draw(CALL)

    assert desk.count == 1
    assert [each.message for each in story.incidents()] == ["unknown account"]


def test_a_service_says_when_to_come_again(driver: Driver) -> None:
    desk = driver.serve("shaky", ServiceFailed("busy", retry_after=timedelta(minutes=10)), {})
    story = driver.draw(CALL)

    driver.tick(minutes=9)
    assert desk.count == 1
    driver.tick(minutes=2)
    assert story.status == "completed"


def test_a_call_waits_for_somebody_who_serves_its_topic(driver: Driver) -> None:
    story = driver.draw(CALL.replace("shaky", "unheard-of"))
    for _ in range(3):
        driver.tick(hours=1)
    assert (story.status, story.incidents(), story.tries()) == ("active", [], [])

    driver.serve("unheard-of", {})
    driver.run_jobs()

    assert story.status == "completed"


GUARDED = (
    START
    + SERVICE.format("picky")
    + boundary("declined-here", "call", '<errorEventDefinition errorRef="declined"/>')
    + '<endEvent id="sorry"/>'
    + END
    + chain("start", "call", "end")
    + chain("declined-here", "sorry")
)


def test_a_services_error_is_caught_by_the_boundary_event_of_its_code(driver: Driver) -> None:
    driver.serve("picky", BpmnError("DECLINED", "card expired"))
    story = driver.draw(GUARDED)

    assert story.path() == ["start", "Call", "declined-here", "sorry"]
    assert story.values() == {"errorCode": "DECLINED", "errorMessage": "card expired"}
    assert story.is_at_rest


def test_an_error_that_nobody_catches_is_an_incident_and_a_retry_calls_again(driver: Driver) -> None:
    desk = driver.serve("picky", BpmnError("OTHER", "no stock"), {})
    story = driver.draw(GUARDED)
    assert [each.message for each in story.incidents()] == [
        'BPMN error "OTHER" was thrown, and nothing catches it. no stock'
    ]

    story.retry()

    assert desk.count == 2
    assert story.status == "completed"
    assert story.is_at_rest


def test_a_retried_call_that_fails_again_is_the_same_incident(driver: Driver) -> None:
    driver.serve("picky", BpmnError("OTHER"), BpmnError("MORE"), BpmnError("LAST"))
    story = driver.draw(GUARDED)

    story.retry()
    driver.do(incidents.retry, story.incidents()[0].id, by=ROOT)
    assert [each.retried_by for each in story.incidents()] == ["root"]
    driver.run_jobs()

    (told,) = driver.do(incidents.of_instance, story.id, by=ROOT)
    assert (told.resolved_at, told.retries, told.retried_by) == (None, 2, None)
    assert told.message == 'BPMN error "LAST" was thrown, and nothing catches it.'


# ---- incidents -----------------------------------------------------------------------------------------------------

ENDLESS = {
    "a loop": "while True:\n    pass",
    "much memory": "x = 'a' * 10\nwhile True:\n    x = x + x",
    "a huge number": "x = 10 ** 10 ** 9",
    "deep recursion": "def f(n):\n    return f(n + 1)\nf(0)",
    "a division by zero": "x = 1 / 0",
    "an unknown name": "x = y + 1",
    "an assertion": "assert False, 'no'",
    "a file": "x = open('/etc/passwd').read()",
    "a long text": "x = 'a' * 500_000_000",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_script_that_goes_wrong_stops_its_token_within_two_seconds(driver: Driver, text: str) -> None:
    driver.draw(TASK)
    began = time.monotonic()

    try:
        story = driver.draw(START + script("s", text) + END + chain("start", "s", "end"))
    except Invalid:
        return  # seen at upload already
    assert time.monotonic() - began < 2
    assert [each.element_id for each in story.incidents()] == ["s"]


@pytest.mark.parametrize("is_sequential", ["true", "false"])
def test_instances_without_measure_stop_before_they_begin(driver: Driver, is_sequential: str) -> None:
    times = "<loopCardinality>how_many</loopCardinality>"
    loop = (
        f'<multiInstanceLoopCharacteristics isSequential="{is_sequential}">{times}</multiInstanceLoopCharacteristics>'
    )
    driver.deploy_drawn(START + user("check", loop, candidateGroups="clerks") + END + chain("start", "check", "end"))

    for how_many in (10**9, 10**30, 10_001, -1, 1.5, "two", None, True):
        story = driver.start("p", how_many=how_many)

        assert [each.element_id for each in story.incidents()] == ["check"]
        assert story.tasks() == []


def test_history_keeps_each_stop_and_each_retry(driver: Driver) -> None:
    story = driver.draw(START + script("s", "x = 1 / 0") + END + chain("start", "s", "end"))
    story.retry()
    story.cancel()

    told = [event for event in driver.do(progress.events, story.id, by=ROOT) if event.kind in ("stopped", "retried")]

    assert [event.kind for event in told] == ["stopped", "retried", "stopped"]
    assert {event.element_id for event in told} == {"s"}
    assert told[0].data["message"] == "ZeroDivisionError: division by zero (line 1)"


def test_an_incident_is_retried_once_by_who_may(driver: Driver) -> None:
    story = driver.draw(START + script("s", "x = y") + END + chain("start", "s", "end"))
    stopped = story.incidents()[0]

    driver.refused(Forbidden, incidents.retry, stopped.id, by=INSPECTOR)
    driver.refused(NotFound, incidents.retry, stopped.id + 1_000, by=ROOT)
    driver.do(incidents.retry, stopped.id, seen=0, by=ROOT)

    assert "tried again since" in driver.refused(Conflict, incidents.retry, stopped.id, seen=0, by=ROOT)
    assert [(each.id, each.retries, each.retried_by) for each in story.incidents()] == [(stopped.id, 1, None)]
    driver.do(instances.set_variable, story.id, "y", "1", by=ROOT)
    driver.do(incidents.retry, stopped.id, seen=1, by=ROOT)
    assert "root has resolved it" in driver.refused(Conflict, incidents.retry, stopped.id, by=ROOT)


def test_a_retry_does_not_do_again_what_was_done(driver: Driver) -> None:
    """Stopped at the gateway behind a task: the task is not asked for again."""
    story = driver.draw(
        START
        + user("check", candidateGroups="clerks")
        + '<exclusiveGateway id="ok"/>'
        + END
        + '<endEvent id="no"/>'
        + chain("start", "check", "ok")
        + flow("ok", "end", "size > limit * unit[0]")
        + flow("ok", "no", "size <= limit * unit[0]")
    )
    driver.complete(ANA, "check", size=3, limit=4)
    assert [each.element_id for each in story.incidents()] == ["ok"]

    story.retry()

    assert story.path().count("check") == 1
    driver.expect_inbox(ANA, [])


def test_other_branches_go_on_beside_an_incident(driver: Driver) -> None:
    story = driver.draw(
        START
        + '<parallelGateway id="fork"/>'
        + script("s", "x = 1 / 0")
        + user("check", candidateGroups="clerks")
        + user("next", candidateGroups="clerks")
        + END
        + chain("start", "fork", "s", "end")
        + chain("fork", "check", "next", "end")
    )

    driver.complete(ANA, "check")
    driver.complete(ANA, "next")

    assert story.status == "active"
    assert [each.element_id for each in story.incidents()] == ["s"]


def test_a_loop_that_is_never_left_is_stopped(driver: Driver) -> None:
    driver.engine.settings = replace(driver.engine.settings, command_duration=timedelta(minutes=1))
    loop = '<exclusiveGateway id="again"/><exclusiveGateway id="left" default="left_again"/>'
    ways = chain("start", "again", "left", "again") + flow("left", "end", "False")
    story = driver.draw(START + loop + END + ways)

    assert "loop without an exit" in story.incidents()[0].message
    assert story.status == "active"
    story.cancel()
    assert story.is_at_rest


# ---- timers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "hours"),
    [
        ("timeDuration", "PT2H", 2),
        ("timeDate", "2026-01-05T12:30:00Z", 3.5),
        ("timeDate", "2026-01-05T12:30:00+02:00", 1.5),
        ("timeDuration", "${pause}", 4),
        ("timeDuration", "pause", 4),
        ("timeDate", "${'2026-01-05T' + noon}", 3),
        ("timeCycle", "R3/PT1H", 1),
        ("timeCycle", "0 0 12 * * ?", 3),
    ],
)
def test_a_timer_fires_when_its_time_has_come(driver: Driver, kind: str, text: str, hours: float) -> None:
    story = driver.draw(
        START + wait("pause", kind, text) + END + chain("start", "pause", "end"), pause="PT4H", noon="12:00:00Z"
    )
    assert [each.due_at - driver.clock.now() for each in story.timers()] == [timedelta(hours=hours)]

    driver.tick(hours=hours, seconds=-1)
    assert story.status == "active"
    driver.tick(seconds=1)

    assert story.status == "completed"
    assert "timer fired" in story.facts()
    assert story.is_at_rest


def test_a_date_in_the_past_is_due_at_once(driver: Driver) -> None:
    story = driver.draw(START + wait("w", "timeDate", "2020-01-01") + END + chain("start", "w", "end"))

    assert story.status == "completed"


def test_a_timer_whose_text_is_none_stops_there_and_is_mended_by_a_retry(driver: Driver) -> None:
    story = driver.draw(START + wait("w", "timeDuration", "${pause}") + END + chain("start", "w", "end"), pause="soon")
    assert "soon" in story.incidents()[0].message
    assert story.timers() == []

    story.retry()

    assert len(story.incidents()) == 1


REMINDED = (
    START
    + user("check", candidateGroups="clerks")
    + boundary("remind", "check", timer("timeCycle", "{0}"), interrupting=False)
    + '<endEvent id="reminded"/>'
    + END
    + chain("start", "check", "end")
    + chain("remind", "reminded")
)


def test_a_repeated_boundary_timer_fires_so_often_and_no_more(driver: Driver) -> None:
    story = driver.draw(REMINDED.format("R2/PT1H"))

    for _ in range(5):
        driver.tick(hours=1)

    assert story.path().count("reminded") == 2
    assert story.timers() == []
    driver.complete(ANA, "check")
    assert story.status == "completed"


def test_a_boundary_timer_without_end_stops_with_its_task(driver: Driver) -> None:
    story = driver.draw(REMINDED.format("R/PT1H"))
    for _ in range(3):
        driver.tick(hours=1)
    assert len(story.timers()) == 1

    driver.complete(ANA, "check")

    assert story.path().count("reminded") == 3
    assert story.is_at_rest
    driver.tick(hours=5)
    assert story.path().count("reminded") == 3


def test_a_timer_that_came_due_while_nothing_ran_fires_once(driver: Driver) -> None:
    story = driver.draw(REMINDED.format("R/PT1H"))

    driver.tick(days=2, minutes=30)

    assert story.path().count("reminded") == 1
    assert [each.due_at - driver.clock.now() for each in story.timers()] == [timedelta(minutes=30)]


def test_an_interrupting_timer_takes_the_task_back(driver: Driver) -> None:
    story = driver.draw(
        START
        + user("check", candidateGroups="clerks")
        + boundary("overdue", "check", timer("timeDuration", "PT1H"))
        + user("hurry", candidateGroups="managers")
        + END
        + chain("start", "check", "end")
        + chain("overdue", "hurry", "end")
    )
    task = story.task()

    driver.tick(hours=1)

    driver.expect_inbox(ANA, [])
    driver.expect_inbox(BEN, ["hurry"])
    assert "went another way" in driver.refused(Conflict, user_tasks.complete, task.id, {}, by=ANA)


def begun_by(text: str, kind: str = "timeCycle") -> str:
    return f'<startEvent id="dawn">{timer(kind, text)}</startEvent>' + END + chain("dawn", "end")


def test_a_start_timer_starts_an_instance_each_time(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("R3/PT1H"))
    assert driver.stories("p") == []

    for _ in range(5):
        driver.tick(hours=1)

    assert [story.path() for story in driver.stories("p")] == [["dawn", "end"]] * 3
    assert not driver.do(timers.pending, by=ROOT).rows


def test_a_start_timer_fires_once_for_the_time_when_nothing_ran(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("R/PT1H"))

    driver.tick(days=3, minutes=1)

    assert len(driver.stories("p")) == 1
    assert [each.instance_id for each in driver.do(timers.pending, by=ROOT)] == [None]


def test_a_new_version_ends_the_start_timer_of_the_old_one(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("R/PT1H"))
    driver.deploy_drawn(begun_by("R/P1D"))

    driver.tick(hours=2)
    assert driver.stories("p") == []
    driver.tick(days=1)
    assert [story.row.definition_version for story in driver.stories("p")] == [2]


def test_a_start_date_starts_one_instance(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("2026-01-06T09:00:00Z", "timeDate"))

    for _ in range(4):
        driver.tick(hours=23)

    assert len(driver.stories("p")) == 1


def test_a_process_that_starts_by_a_timer_only_is_not_started_by_hand(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("R/PT1H"))

    assert "starts by itself only" in driver.refused(Conflict, instances.start, "p", by=ROOT)
    assert driver.do(definitions.startable, by=ROOT) == []


# ---- messages and signals ------------------------------------------------------------------------------------------


def test_a_message_goes_to_the_instance_with_that_business_key(driver: Driver) -> None:
    body = START + receive("hear") + END + chain("start", "hear", "end")
    first, second = driver.draw(body, business_key="A-1"), driver.start("p", business_key="A-2")

    assert "Name the business key" in driver.refused(Conflict, messages.correlate, "paid", by=ROOT)
    driver.tell("paid", business_key="A-2", amount=3)

    assert (first.status, second.status) == ("active", "completed")
    assert second.values() == {"amount": 3}
    assert second.is_at_rest
    driver.refused(NotFound, lambda tx: messages.correlate(tx, "paid", business_key="A-2"), by=ROOT)
    driver.refused(NotFound, lambda tx: messages.correlate(tx, "unheard-of"), by=ROOT)


def test_of_two_places_in_one_instance_the_longest_waiting_takes_the_message(driver: Driver) -> None:
    fork = '<parallelGateway id="fork"/>'
    story = driver.draw(
        START
        + fork
        + receive("hear")
        + receive("hark")
        + END
        + chain("start", "fork", "hear", "end")
        + chain("fork", "hark", "end")
    )

    driver.tell("paid", first=1)
    assert [visit.element_id for visit in story.visits if visit.left_at is None] == ["hark"]
    driver.tell("paid", second=2)

    assert story.status == "completed"
    assert story.values() == {"first": 1, "second": 2}


def test_a_message_starts_an_instance_of_the_newest_version(driver: Driver) -> None:
    begun = '<startEvent id="asked"><messageEventDefinition messageRef="paid"/></startEvent>'
    for _ in range(2):
        driver.deploy_drawn(begun + END + chain("asked", "end"))

    story = driver.tell("paid", business_key="A-1", amount=3)

    assert (story.row.definition_version, story.row.business_key) == (2, "A-1")
    assert story.values() == {"amount": 3}


def test_a_signal_reaches_everybody_who_waits_now_and_starts_what_begins_with_it(driver: Driver) -> None:
    catch = '<intermediateCatchEvent id="c"><signalEventDefinition signalRef="alarm"/></intermediateCatchEvent>'
    begun = '<startEvent id="start"/><startEvent id="woken"><signalEventDefinition signalRef="alarm"/></startEvent>'
    driver.deploy_drawn(begun + catch + END + chain("start", "c", "end") + chain("woken", "end"))
    waiting = [driver.start("p") for _ in range(3)]

    driver.call_out("alarm", level=2)

    assert [story.status for story in waiting] == ["completed"] * 3
    assert [story.values() for story in driver.stories("p")] == [{"level": 2}] * 4
    driver.call_out("alarm")
    assert len(driver.stories("p")) == 5


# ---- history -------------------------------------------------------------------------------------------------------


def test_history_tells_who_did_what_and_when(driver: Driver) -> None:
    story = driver.draw(TASK, by=BEN, business_key="A-1", size=1)
    task = story.task()
    driver.do(user_tasks.claim, task.id, by=ANA)
    driver.clock.advance(hours=3)
    driver.do(user_tasks.release, task.id, by=ANA)
    driver.complete(MIA, "check", size=2)

    assert story.facts() == [
        "instance started",
        "variable set",
        "task claimed",
        "task released",
        "task completed",
        "variable set",
        "instance completed",
    ]
    checked = next(visit for visit in story.visits if visit.element_id == "check")
    assert (checked.actor, checked.outcome) == ("mia", "completed")
    assert checked.left_at is not None
    assert checked.left_at - checked.entered_at == timedelta(hours=3)
    about_task = driver.do(user_tasks.history_of, task.id, by=MIA)
    assert [(event.kind, event.actor) for event in about_task] == [
        ("task completed", "mia"),
        ("task released", "ana"),
        ("task claimed", "ana"),
    ]


def test_a_refused_command_leaves_no_trace(driver: Driver) -> None:
    story = driver.draw(TASK)
    before = story.facts()

    driver.refused(Conflict, lambda tx: _complete_then_fail(tx, story), by=ANA)

    assert story.facts() == before
    driver.expect_inbox(ANA, ["check"])


def _complete_then_fail(tx: object, story: Story) -> None:
    user_tasks.complete(tx, story.task().id, {"size": 1})
    raise Conflict("the caller changed its mind")


def test_every_refusal_is_an_error_of_the_library(driver: Driver) -> None:
    for number in (0, -1, 10**12):
        for verb in (*LOOKS, instances.get, definitions.get, definitions.source, incidents.retry):
            assert issubclass(NotFound, EngineError)
            driver.refused(NotFound, verb, number, by=ROOT)
