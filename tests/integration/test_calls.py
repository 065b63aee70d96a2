"""Call activities: an instance of another process, what goes in and out, and how the two end together."""

from __future__ import annotations

import pytest

from engine import BpmnError, Engine, SettableClock, execution, instances, leases, tries
from engine.model.processes import Deployment
from engine.worker import HANDLERS
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, boundary, chain, document, script, user

ERROR = '<errorEventDefinition errorRef="declined"/>'
ESCALATION = '<escalationEventDefinition escalationRef="late"/>'
HOUR = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
CHILD = START + user("inner") + END + chain("start", "inner", "end")


def call(inner: str = "", **attributes: str) -> str:
    told = "".join(f' camunda:{name}="{value}"' for name, value in attributes.items())
    extension = f"<extensionElements>{inner}</extensionElements>" if inner else ""
    return f'<callActivity id="call" name="Call" calledElement="child"{told}>{extension}</callActivity>'


def parent(activity: str, more: str = "") -> str:
    return START + activity + user("after") + END + chain("start", "call", "after", "end") + more


def named(key: str, body: str) -> bytes:
    return document(body).replace(b'<process id="p"', f'<process id="{key}"'.encode())


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def deploy(driver: Driver, **bodies: str) -> Deployment:
    return driver.deploy_files({f"{key}.bpmn": named(key, body) for key, body in bodies.items()})


def start(driver: Driver, activity: str, child: str = CHILD, more: str = "", **variables: object) -> Story:
    deploy(driver, parent=parent(activity, more), child=child)
    return driver.start("parent", **variables)


def called(driver: Driver) -> Story:
    return driver.stories("child")[-1]


ORDER = '<dataObject id="order"/>'
HANDS_IN = (
    '<ioSpecification><dataInput id="i" name="amount"/><dataOutput id="o" name="approved"/></ioSpecification>'
    "<dataInputAssociation><sourceRef>order</sourceRef><targetRef>i</targetRef></dataInputAssociation>"
)
TAKES_OUT = (
    "<dataOutputAssociation><sourceRef>o</sourceRef><targetRef>order</targetRef>"
    "<transformation>[approved, by]</transformation></dataOutputAssociation>"
)


def associated(associations: str) -> str:
    return call().replace("</callActivity>", f"{associations}</callActivity>")


def test_data_input_associations_hand_over_only_what_they_make(driver: Driver) -> None:
    deploy(driver, parent=ORDER + parent(associated(HANDS_IN)), child=CHILD)
    story = driver.start("parent", order=7, other=1)

    assert called(driver).values() == {"amount": 7}

    driver.complete(ROOT, "inner", approved=True, by="ana")
    assert story.values() == {"order": 7, "other": 1, "by": "ana"}


def test_data_output_associations_take_out_only_what_they_name(driver: Driver) -> None:
    deploy(driver, parent=ORDER + parent(associated(HANDS_IN + TAKES_OUT)), child=CHILD)
    story = driver.start("parent", order=7)

    driver.complete(ROOT, "inner", approved=True, by="ana", note="")

    assert story.values() == {"order": [True, "ana"]}


def test_everything_goes_in_and_comes_out_when_nothing_is_said(driver: Driver) -> None:
    story = start(driver, call(), amount=7)
    child = called(driver)
    assert (child.values(), child.row.caller_id) == ({"amount": 7}, story.id)

    driver.complete(ROOT, "inner", approved=True)

    assert child.status == "completed"
    assert [task.name for task in story.tasks()] == ["after"]
    assert story.values() == {"amount": 7, "approved": True}


def test_only_what_is_mapped_goes_in_and_comes_out(driver: Driver) -> None:
    told = '<camunda:in source="amount" target="sum"/><camunda:in sourceExpression="${amount * 2}" target="twice"/>'
    told += '<camunda:out source="answer" target="result"/>'
    story = start(driver, call(told), amount=7)
    assert called(driver).values() == {"sum": 7, "twice": 14}

    driver.complete(ROOT, "inner", answer="yes", other=1)

    assert story.values() == {"amount": 7, "result": "yes"}


def test_a_called_process_may_end_at_once(driver: Driver) -> None:
    story = start(driver, call(), START + script("s", "n = n + 1") + END + chain("start", "s", "end"), n=1)

    assert story.values() == {"n": 2}
    assert [task.name for task in story.tasks()] == ["after"]


def test_the_business_key_is_handed_on(driver: Driver) -> None:
    start(driver, call('<camunda:in businessKey="${order}"/>'), order="4711")

    assert called(driver).row.business_key == "4711"


def test_the_caller_s_own_business_key_is_handed_on(driver: Driver) -> None:
    told = '<camunda:in businessKey="#{execution.processBusinessKey}"/>'
    deploy(driver, parent=parent(call(told)), child=CHILD)

    driver.start("parent", business_key="4711", amount=7)

    assert (called(driver).row.business_key, called(driver).values()) == ("4711", {"amount": 7})


def test_an_error_of_the_called_process_is_caught_at_the_call(driver: Driver) -> None:
    child = START + f'<endEvent id="end">{ERROR}</endEvent>' + chain("start", "end")
    more = boundary("caught", "call", ERROR) + user("mend") + chain("caught", "mend")

    story = start(driver, call(), child, more)

    assert [task.name for task in story.tasks()] == ["mend"]
    assert story.values()["errorCode"] == "DECLINED"
    assert called(driver).status == "failed"


def test_an_error_that_nobody_catches_is_an_incident_and_calls_anew(driver: Driver) -> None:
    story = start(driver, call(), START + f'<endEvent id="end">{ERROR}</endEvent>' + chain("start", "end"))
    assert ["DECLINED" in each.message for each in story.incidents()] == [True]
    deploy(driver, child=CHILD)

    story.retry()

    assert len(driver.stories("child")) == 2
    driver.complete(ROOT, "inner")
    assert [task.name for task in story.tasks()] == ["after"]


def test_a_process_that_is_not_deployed_is_an_incident_until_it_is(driver: Driver) -> None:
    deploy(driver, parent=parent(call()))
    story = driver.start("parent")
    assert ['"child"' in each.message for each in story.incidents()] == [True]
    deploy(driver, child=CHILD)

    story.retry()

    assert called(driver).status == "active"


def test_an_escalation_is_handled_while_the_called_process_goes_on(driver: Driver) -> None:
    throw = f'<intermediateThrowEvent id="throw">{ESCALATION}</intermediateThrowEvent>'
    child = START + throw + user("inner") + END + chain("start", "throw", "inner", "end")
    more = boundary("too_late", "call", ESCALATION, interrupting=False) + user("told") + chain("too_late", "told")

    story = start(driver, call(), child, more)

    assert [task.name for task in story.tasks()] == ["told"]
    assert called(driver).status == "active"


def test_an_interrupted_call_ends_what_it_called(driver: Driver) -> None:
    more = boundary("too_late", "call", HOUR) + user("told") + chain("too_late", "told")
    story = start(driver, call(), CHILD, more)

    driver.tick(hours=1)

    assert [task.name for task in story.tasks()] == ["told"]
    assert called(driver).status == "terminated"
    assert called(driver).is_at_rest


def test_a_cancelled_instance_ends_what_it_called(driver: Driver) -> None:
    story = start(driver, call())

    story.cancel()
    driver.run_jobs()

    assert called(driver).status == "terminated"


def test_a_cancelled_called_instance_is_an_incident_at_its_caller(driver: Driver) -> None:
    story = start(driver, call())
    called(driver).cancel()
    driver.run_jobs()
    assert ["was cancelled" in each.message for each in story.incidents()] == [True]

    story.retry()
    driver.complete(ROOT, "inner")

    assert [task.name for task in story.tasks()] == ["after"]


def test_a_terminate_end_event_ends_only_the_called_process(driver: Driver) -> None:
    child = START + '<endEvent id="end"><terminateEventDefinition/></endEvent>' + chain("start", "end")

    story = start(driver, call(), child)

    assert [task.name for task in story.tasks()] == ["after"]


def test_each_instance_of_a_loop_calls_its_own(driver: Driver) -> None:
    told = "<multiInstanceLoopCharacteristics><loopDataInputRef>xs</loopDataInputRef>"
    told += '<loopDataOutputRef>ys</loopDataOutputRef><inputDataItem id="i" name="x"/><outputDataItem id="o" name="y"/>'
    activity = call().replace("</callActivity>", told + "</multiInstanceLoopCharacteristics></callActivity>")
    child = START + script("s", "y = x * x") + END + chain("start", "s", "end")

    story = start(driver, activity, child, xs=[1, 2, 3])

    assert story.values()["ys"] == [1, 4, 9]


def test_the_version_deployed_together_is_called_when_bound_so(driver: Driver) -> None:
    deploy(driver, parent=parent(call(calledElementBinding="deployment")), child=CHILD)
    deploy(driver, child=START + user("newer") + END + chain("start", "newer", "end"))

    driver.start("parent")

    assert [task.name for task in called(driver).tasks()] == ["inner"]


def test_a_version_is_called_by_number(driver: Driver) -> None:
    deploy(driver, child=CHILD)
    deploy(driver, child=START + user("newer") + END + chain("start", "newer", "end"))
    deploy(driver, parent=parent(call(calledElementBinding="version", calledElementVersion="1")))

    driver.start("parent")

    assert [task.name for task in called(driver).tasks()] == ["inner"]


def test_a_process_that_calls_itself_comes_to_an_end(driver: Driver) -> None:
    deploy(driver, child=START + call() + END + chain("start", "call", "end"))
    driver.start("child")

    stopped = [story for story in driver.stories("child") if story.incidents()]

    assert len(driver.stories("child")) == 50
    assert ["call itself" in each.message for story in stopped for each in story.incidents()] == [True]


def test_an_escalation_goes_out_through_two_levels_of_call(driver: Driver) -> None:
    thrower = START + f'<endEvent id="end">{ESCALATION}</endEvent>' + chain("start", "end")
    middle = (
        START + call().replace('calledElement="child"', 'calledElement="deep"') + END + chain("start", "call", "end")
    )
    more = boundary("too_late", "call", ESCALATION, interrupting=False) + user("told") + chain("too_late", "told")
    deploy(driver, parent=parent(call(), more), child=middle, deep=thrower)

    story = driver.start("parent")

    assert sorted(task.name for task in story.tasks()) == ["after", "told"]


def test_what_was_thrown_comes_before_the_end(driver: Driver) -> None:
    """Whichever of the two jobs is taken first."""
    thrower = START + f'<endEvent id="end">{ESCALATION}</endEvent>' + chain("start", "end")
    more = boundary("too_late", "call", ESCALATION) + user("told") + chain("too_late", "told")
    deploy(driver, parent=parent(call(), more), child=thrower)
    with driver.engine.transaction(ROOT) as tx:
        story = Story(driver, instances.start(tx, "parent").id)
    (ref,) = leases.claim(driver.engine, 1)
    tries.execute(driver.engine, ref, HANDLERS)
    first, second = leases.claim(driver.engine, 2)

    for ref in (second, first):
        tries.execute(driver.engine, ref, HANDLERS)
    driver.tick(seconds=1)

    assert [task.name for task in story.tasks()] == ["told"]


def test_a_call_that_is_tried_again_takes_its_inputs_anew(driver: Driver) -> None:
    story = start(driver, call('<camunda:in source="amount" target="sum"/>'), amount=1)
    called(driver).cancel()
    driver.run_jobs()
    with driver.engine.transaction(ROOT) as tx:
        execution.advance(tx, story.id, lambda run: run.set_variables({"amount": 2}))

    story.retry()

    assert called(driver).values() == {"sum": 2}


@pytest.mark.parametrize("key", ["\0", "x" * 300])
def test_a_name_that_no_process_can_have_is_an_incident(driver: Driver, key: str) -> None:
    deploy(driver, parent=parent(call().replace('calledElement="child"', 'calledElement="${k}"')))

    story = driver.start("parent", k=key)

    assert ["Expected the id of a process" in each.message for each in story.incidents()] == [True]


def test_what_is_remembered_for_compensation_is_shown_to_nobody(driver: Driver) -> None:
    undo = '<userTask id="undo" isForCompensation="true"/><association id="a" sourceRef="c" targetRef="undo"/>'
    body = (
        START + script("s", "price = 10") + boundary("c", "s", "<compensateEventDefinition/>") + undo + user("u") + END
    )
    deploy(driver, child=body + chain("start", "s", "u", "end"))

    story = driver.start("child")

    assert [(each.scope, each.name) for each in story.variables()] == [("", "price")]


# ---- errors that cross several levels ------------------------------------------------------------------------------

MIDDLE = START + call().replace('"child"', '"inner"').replace('id="call"', 'id="next"') + END
MIDDLE += chain("start", "next", "end")
CAUGHT = user("caught") + boundary("no", "call", ERROR) + chain("no", "caught")
FAILS = {
    "an error end event": START + f'<endEvent id="stop">{ERROR}</endEvent>' + chain("start", "stop"),
    "a script": START + script("work", 'raise BpmnError("DECLINED", "no")') + END + chain("start", "work", "end"),
}


@pytest.mark.parametrize("how", FAILS)
def test_an_error_goes_outward_level_by_level(driver: Driver, how: str) -> None:
    deploy(driver, parent=parent(call(), CAUGHT), child=MIDDLE, inner=FAILS[how])

    story = driver.start("parent")

    assert [task.name for task in story.tasks()] == ["caught"]
    assert story.values()["errorCode"] == "DECLINED"
    assert [driver.stories(key)[0].status for key in ("child", "inner")] == ["failed", "failed"]


def test_an_error_of_a_service_goes_outward(driver: Driver) -> None:
    driver.serve("work", BpmnError("DECLINED", "no"))
    serve = '<serviceTask id="work" camunda:type="external" camunda:topic="work"/>'
    deploy(
        driver, parent=parent(call(), CAUGHT), child=MIDDLE, inner=START + serve + END + chain("start", "work", "end")
    )

    assert [task.name for task in driver.start("parent").tasks()] == ["caught"]


def test_an_error_that_nobody_outside_catches_stops_where_it_was_thrown(driver: Driver) -> None:
    deploy(driver, parent=parent(call()), child=MIDDLE, inner=FAILS["a script"])

    story = driver.start("parent")

    assert story.incidents() == []
    assert [each.element_id for each in driver.stories("inner")[0].incidents()] == ["work"]


def test_an_error_end_event_that_nobody_catches_stops_its_caller(driver: Driver) -> None:
    deploy(driver, parent=parent(call()), child=MIDDLE, inner=FAILS["an error end event"])

    story = driver.start("parent")

    assert [each.element_id for each in driver.stories("child")[0].incidents()] == ["next"]
    assert (story.incidents(), story.status) == ([], "active")
