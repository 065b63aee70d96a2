"""Events: catching, throwing, boundaries, gateways that wait."""

from __future__ import annotations

from datetime import timedelta

from engine.bpmn import read
from engine.bpmn.parse.definitions import References
from tests.play import END, NOW, ROOT, START, Play, boundary, chain, document, script, sub, user

HOUR = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="paid"/>'
ERROR = '<errorEventDefinition errorRef="declined"/>'
ANY_ERROR = "<errorEventDefinition/>"
ESCALATION = '<escalationEventDefinition escalationRef="late"/>'


def inside(*nodes: str, body: str) -> str:
    return '<startEvent id="s2"/><endEvent id="e2"/>' + body + chain("s2", *nodes, "e2")


def test_a_timer_waits_until_it_is_due() -> None:
    play = Play(
        START + f'<intermediateCatchEvent id="t">{HOUR}</intermediateCatchEvent>' + END + chain("start", "t", "end")
    )

    (wait,) = play.waits("timer")
    assert wait.data["due"] == (NOW + timedelta(hours=1)).isoformat()
    assert play.happen("t").is_over


def test_only_tasks_name_their_message_themselves() -> None:
    caught = f'<intermediateCatchEvent id="t" messageRef="paid">{HOUR}</intermediateCatchEvent>'

    assert Play(START + caught + END + chain("start", "t", "end")).waits("timer")


def test_an_interrupting_timer_takes_the_task_away() -> None:
    play = Play(
        START
        + user("u")
        + boundary("late", "u", HOUR)
        + user("lead")
        + END
        + chain("start", "u", "end")
        + chain("late", "lead")
    )

    play.happen("late")

    assert play.tasks == ["lead"]
    assert play.path == ["start", "u", "late", "lead"]


def test_a_completed_task_ends_its_boundary_events() -> None:
    play = Play(
        START + user("u") + boundary("late", "u", HOUR) + user("next") + END + chain("start", "u", "next", "end")
    )

    play.complete("u")

    assert not play.waits("timer")


def test_a_cycle_reminds_several_times_beside_the_task() -> None:
    cycle = "<timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>"
    play = Play(
        START
        + user("u")
        + boundary("remind", "u", cycle, interrupting=False)
        + script("say", "log('remember')")
        + END
        + chain("start", "u", "end")
        + chain("remind", "say")
    )

    play.happen("remind").happen("remind")

    assert play.log == ["remember", "remember"]
    assert play.tasks == ["u"]
    assert not play.waits("timer")


def test_a_message_beside_a_task_may_come_again() -> None:
    play = Play(
        START
        + user("u")
        + boundary("m", "u", MESSAGE, interrupting=False)
        + user("read")
        + END
        + chain("start", "u", "end")
        + chain("m", "read")
    )

    play.happen("m", text="a").happen("m", text="b")

    assert play.tasks == ["read", "read", "u"]
    assert play.values == {"text": "b"}


def test_the_first_event_behind_a_gateway_wins() -> None:
    body = START + '<eventBasedGateway id="g"/>' + f'<intermediateCatchEvent id="m">{MESSAGE}</intermediateCatchEvent>'
    body += f'<intermediateCatchEvent id="t">{HOUR}</intermediateCatchEvent>' + user("paid_task") + user("late_task")
    play = Play(body + chain("start", "g", "m", "paid_task") + chain("g", "t", "late_task"))

    play.happen("m", amount=3)

    assert play.tasks == ["paid_task"]
    assert play.values == {"amount": 3}
    assert not play.waits("timer")
    assert play.path == ["start", "g", "m", "paid_task"]


def test_a_service_error_is_caught_by_its_code_before_a_catch_all() -> None:
    service = '<serviceTask id="s" camunda:type="external" camunda:topic="charge"/>'
    body = (
        START + service + boundary("any", "s", ANY_ERROR) + boundary("code", "s", ERROR) + user("a") + user("b") + END
    )
    play = Play(body + chain("start", "s", "end") + chain("any", "a") + chain("code", "b"))

    play.throw("s", "DECLINED", "no money")

    assert play.tasks == ["b"]


def test_an_uncaught_service_error_is_an_incident() -> None:
    play = Play(
        START
        + '<serviceTask id="s" camunda:type="external" camunda:topic="charge"/>'
        + END
        + chain("start", "s", "end")
    )

    play.throw("s", "DECLINED", "no money")

    assert "DECLINED" in play.incidents["s"]


def test_a_script_may_raise_an_error_that_the_model_catches() -> None:
    body = (
        START + script("s", "raise BpmnError('DECLINED', 'too much')") + boundary("code", "s", ERROR) + user("b") + END
    )
    play = Play(body + chain("start", "s", "end") + chain("code", "b"))

    assert play.tasks == ["b"]
    assert play.values == {"errorCode": "DECLINED", "errorMessage": "too much"}


def test_an_error_end_event_leaves_by_the_boundary_of_its_subprocess() -> None:
    body = inside(
        "fork",
        body='<parallelGateway id="fork"/>'
        + user("other")
        + f'<endEvent id="err">{ERROR}</endEvent>'
        + user("u")
        + chain("fork", "u", "err")
        + chain("fork", "other"),
    )
    play = Play(
        START
        + sub("p1", body)
        + boundary("code", "p1", ERROR)
        + user("b")
        + END
        + chain("start", "p1", "end")
        + chain("code", "b")
    )

    play.complete("u")

    assert play.tasks == ["b"]


def test_an_uncaught_error_end_event_fails_the_instance() -> None:
    body = START + '<parallelGateway id="fork"/>' + user("u") + user("other") + f'<endEvent id="err">{ERROR}</endEvent>'
    play = Play(body + chain("start", "fork", "u", "err") + chain("fork", "other"))

    play.complete("u")

    assert play.is_over
    assert play.result.error is not None and play.result.error.code == "DECLINED"


def test_an_escalation_goes_on_beside_what_it_came_from() -> None:
    body = inside(
        "esc", "u", body=f'<intermediateThrowEvent id="esc">{ESCALATION}</intermediateThrowEvent>' + user("u")
    )
    play = Play(
        START
        + sub("p1", body)
        + boundary("code", "p1", ESCALATION, interrupting=False)
        + user("b")
        + END
        + chain("start", "p1", "end")
        + chain("code", "b")
    )

    assert play.tasks == ["b", "u"]


def test_an_uncaught_escalation_is_of_no_consequence() -> None:
    play = Play(
        START
        + f'<intermediateThrowEvent id="esc">{ESCALATION}</intermediateThrowEvent>'
        + END
        + chain("start", "esc", "end")
    )

    assert play.is_over and play.result.error is None


def test_terminate_ends_everything_in_its_process() -> None:
    body = (
        START
        + '<parallelGateway id="fork"/>'
        + user("u")
        + user("other")
        + '<endEvent id="stop"><terminateEventDefinition/></endEvent>'
    )
    play = Play(body + chain("start", "fork", "u", "stop") + chain("fork", "other"))

    play.complete("u")

    assert play.is_over and play.result.terminated


def test_terminate_in_a_subprocess_ends_only_that() -> None:
    body = inside(
        "fork",
        body='<parallelGateway id="fork"/>'
        + user("u")
        + user("other")
        + '<endEvent id="stop"><terminateEventDefinition/></endEvent>'
        + chain("fork", "u", "stop")
        + chain("fork", "other"),
    )
    play = Play(START + sub("p1", body) + user("after") + END + chain("start", "p1", "after", "end"))

    play.complete("u")

    assert play.tasks == ["after"]


def test_a_link_goes_on_at_its_other_half() -> None:
    link = '<linkEventDefinition name="A"/>'
    body = (
        START
        + f'<intermediateThrowEvent id="out">{link}</intermediateThrowEvent>'
        + f'<intermediateCatchEvent id="in">{link}</intermediateCatchEvent>'
    )
    play = Play(body + user("u") + chain("start", "out") + chain("in", "u"))

    assert play.tasks == ["u"]
    assert play.path == ["start", "out", "in", "u"]


def test_an_event_on_a_subprocess_interrupts_automatic_work_inside() -> None:
    body = inside(
        "a",
        "throw",
        "b",
        body=script("a", "log('a')")
        + f'<intermediateThrowEvent id="throw">{ESCALATION}</intermediateThrowEvent>'
        + script("b", "log('b')"),
    )
    play = Play(
        START
        + sub("p1", body)
        + boundary("code", "p1", ESCALATION)
        + user("u")
        + END
        + chain("start", "p1", "end")
        + chain("code", "u")
    )

    assert play.log == ["a"]
    assert play.tasks == ["u"]


def test_an_interrupted_subprocess_takes_its_tasks_and_their_timers_along() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    body = inside(
        "fork",
        "u",
        body='<parallelGateway id="fork"/>'
        + user("u")
        + boundary("late", "u", HOUR)
        + user("each", loop)
        + boundary("later", "each", HOUR)
        + chain("fork", "each"),
    )
    play = Play(
        START + sub("p1", body) + boundary("stop", "p1", MESSAGE) + user("b") + END
        + chain("start", "p1", "end") + chain("stop", "b")
    )  # fmt: skip

    play.happen("stop")

    assert play.tasks == ["b"]
    assert not play.waits("timer")


def test_who_interrupts_itself_by_an_escalation_does_not_go_on_to_a_join() -> None:
    body = inside(
        "fork",
        body='<parallelGateway id="fork"/><parallelGateway id="join"/>'
        + f'<intermediateThrowEvent id="throw">{ESCALATION}</intermediateThrowEvent>'
        + user("u")
        + chain("fork", "throw", "join")
        + chain("fork", "u", "join"),
    )
    play = Play(START + sub("p1", body) + boundary("code", "p1", ESCALATION) + END + chain("start", "p1", "end"))

    assert play.is_over
    assert "join" not in play.path


def test_an_error_end_event_with_an_output_mapping_is_caught_all_the_same() -> None:
    told = '<camunda:outputParameter name="x">1</camunda:outputParameter>'
    told = f"<extensionElements><camunda:inputOutput>{told}</camunda:inputOutput></extensionElements>"
    inner = f'<startEvent id="s2"/><endEvent id="e2">{told}{ERROR}</endEvent>' + chain("s2", "e2")
    body = START + sub("s", inner) + boundary("declined", "s", ERROR) + user("mend") + END

    play = Play(body + chain("start", "s", "end") + chain("declined", "mend"))

    assert (play.tasks, play.incidents) == (["mend"], {})


def test_an_event_based_gateway_that_cannot_wait_for_all_waits_for_none() -> None:
    timer = "<timerEventDefinition><timeDuration>${soon}</timeDuration></timerEventDefinition>"
    body = START + '<eventBasedGateway id="g"/>' + END
    body += f'<intermediateCatchEvent id="m">{MESSAGE}</intermediateCatchEvent>'
    body += f'<intermediateCatchEvent id="t">{timer}</intermediateCatchEvent>'
    body += chain("start", "g", "m", "end") + chain("g", "t", "end")
    play = Play(body, {"soon": "in a while"})
    assert (list(play.incidents), play.waits("message")) == (["g"], [])

    play.retry("g", soon="PT1H")

    assert (len(play.waits("message")), len(play.waits("timer"))) == (1, 1)
    assert play.happen("m").is_over


SIGNAL = '<signalEventDefinition signalRef="alarm"/>'


def test_a_signal_reaches_who_waits_in_the_same_instance_at_once_and_who_comes_later_not() -> None:
    body = START + '<parallelGateway id="fork"/>' + user("go") + user("heard") + user("late")
    body += f'<intermediateThrowEvent id="throw">{SIGNAL}</intermediateThrowEvent>'
    body += f'<intermediateCatchEvent id="early">{SIGNAL}</intermediateCatchEvent>'
    body += f'<intermediateCatchEvent id="after">{SIGNAL}</intermediateCatchEvent>'
    body += chain("start", "fork", "go", "throw", "after", "late") + chain("fork", "early", "heard")
    play = Play(body).complete("go")

    assert play.tasks == ["heard"]
    assert [wait.element_id for wait in play.waits("signal")] == ["after"]


def test_a_signal_thrown_inside_what_it_interrupts_goes_no_further() -> None:
    inner = f'<startEvent id="s2"/><endEvent id="throw">{SIGNAL}</endEvent>' + chain("s2", "throw")
    body = START + sub("s", inner) + boundary("alarm_on", "s", SIGNAL) + user("mend") + END

    play = Play(body + chain("start", "s", "end") + chain("alarm_on", "mend"))

    assert (play.tasks, play.incidents) == (["mend"], {})


def test_what_nothing_names_is_not_what_has_no_id() -> None:
    content = document(START + user("a") + END + chain("start", "a", "end"), root="<message name='nameless'/>" + ROOT)
    found = References.of(read.read("a.bpmn", content))

    assert found.get(None) is None
    assert found.get("paid") is not None


def test_an_interrupted_ad_hoc_sub_process_is_not_chosen_from_any_more() -> None:
    begun = f'<startEvent id="e">{MESSAGE}</startEvent><userTask id="handle"/>' + chain("e", "handle")
    aside = f'<subProcess id="aside" triggeredByEvent="true">{begun}</subProcess>'
    drawn = START + f'<adHocSubProcess id="s">{user("a")}{aside}</adHocSubProcess>' + END + chain("start", "s", "end")

    play = Play(drawn)
    assert play.tasks == ["s"]

    assert play.happen("e").tasks == ["handle"]
