"""Event sub-processes: what begins them, what they interrupt, and when the process around them is over."""

from __future__ import annotations

import pytest

from tests.play import END, START, Play, boundary, chain, script, sub, user

TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
TWICE = "<timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="paid"/>'
SIGNAL = '<signalEventDefinition signalRef="alarm"/>'
ERROR = '<errorEventDefinition errorRef="declined"/>'
ANY_ERROR = "<errorEventDefinition/>"
ESCALATION = '<escalationEventDefinition escalationRef="late"/>'
CONDITION = "<conditionalEventDefinition><condition>amount > 100</condition></conditionalEventDefinition>"
MAIN = START + user("work") + END + chain("start", "work", "end")


def aside(definition: str, body: str = "", *, interrupting: bool = True, name: str = "aside") -> str:
    """An event sub-process whose only task is the user task "handle"."""
    told = f'isInterrupting="{str(interrupting).lower()}"'
    inner = f'<startEvent id="{name}_s" {told}>{definition}</startEvent><endEvent id="{name}_e"/>'
    inner += body or user("handle") + chain(f"{name}_s", "handle", f"{name}_e")
    return f'<subProcess id="{name}" triggeredByEvent="true">{inner}</subProcess>'


@pytest.mark.parametrize("definition", [TIMER, MESSAGE, SIGNAL])
def test_an_interrupting_one_goes_on_instead_of_the_process(definition: str) -> None:
    play = Play(MAIN + aside(definition))

    play.happen("aside_s")

    assert play.tasks == ["handle"]
    assert play.complete("handle").is_over


@pytest.mark.parametrize("definition", [TWICE, MESSAGE, SIGNAL])
def test_a_non_interrupting_one_goes_on_beside_it_each_time(definition: str) -> None:
    play = Play(MAIN + aside(definition, interrupting=False))

    play.happen("aside_s").happen("aside_s")

    assert play.tasks == ["handle", "handle", "work"]
    play.complete("work")
    assert not play.is_over
    assert play.complete("handle").complete("handle").is_over


def test_a_timer_that_has_run_out_waits_no_longer() -> None:
    play = Play(MAIN + aside(TIMER, interrupting=False)).happen("aside_s")

    assert play.waits("timer") == []
    assert play.complete("handle").complete("work").is_over


def test_the_process_is_over_although_one_still_waits() -> None:
    play = Play(MAIN + aside(MESSAGE)).complete("work")

    assert play.is_over
    assert play.waits("message") == []


def test_what_comes_with_the_event_becomes_variables() -> None:
    play = Play(MAIN + aside(MESSAGE)).happen("aside_s", amount=7)

    assert play.values == {"amount": 7}


def test_inside_a_subprocess_only_that_is_interrupted() -> None:
    inner = (
        '<startEvent id="s2"/>' + user("inner") + '<endEvent id="e2"/>' + chain("s2", "inner", "e2") + aside(MESSAGE)
    )
    body = START + sub("s", inner) + user("after") + END + chain("start", "s", "after", "end")

    play = Play(body).happen("aside_s").complete("handle")

    assert play.tasks == ["after"]


def test_an_error_is_caught_beside_before_it_is_caught_around() -> None:
    inner = '<startEvent id="s2"/>' + script("boom", 'raise BpmnError("DECLINED", "no money")') + chain("s2", "boom")
    body = START + sub("s", inner + aside(ERROR)) + boundary("around", "s", ANY_ERROR) + user("never") + END
    play = Play(body + chain("start", "s", "end") + chain("around", "never"))

    assert play.tasks == ["handle"]
    assert play.values == {"errorCode": "DECLINED", "errorMessage": "no money"}
    assert play.complete("handle").is_over


def test_an_error_thrown_inside_goes_past_it() -> None:
    again = aside(ANY_ERROR, script("boom", 'raise BpmnError("X")') + chain("aside_s", "boom"))
    inner = '<startEvent id="s2"/>' + script("first", 'raise BpmnError("X")') + chain("s2", "first") + again
    body = START + sub("s", inner) + boundary("around", "s", ANY_ERROR) + user("mend") + END

    play = Play(body + chain("start", "s", "end") + chain("around", "mend"))

    assert play.tasks == ["mend"]


def test_an_error_end_event_of_the_process_is_caught_beside_it() -> None:
    body = START + f'<endEvent id="failed">{ERROR}</endEvent>' + chain("start", "failed") + aside(ERROR)
    play = Play(body)

    assert (play.tasks, play.result.error) == (["handle"], None)


def test_an_escalation_is_handled_beside_what_goes_on() -> None:
    throw = f'<intermediateThrowEvent id="throw">{ESCALATION}</intermediateThrowEvent>'
    body = START + throw + user("work") + END + chain("start", "throw", "work", "end")

    play = Play(body + aside(ESCALATION, interrupting=False))

    assert play.tasks == ["handle", "work"]


def test_an_escalation_thrown_inside_does_not_begin_it_again() -> None:
    throw = f'<intermediateThrowEvent id="again">{ESCALATION}</intermediateThrowEvent>' + chain("aside_s", "again")
    first = f'<intermediateThrowEvent id="throw">{ESCALATION}</intermediateThrowEvent>'
    body = START + first + user("work") + END + chain("start", "throw", "work", "end")

    play = Play(body + aside(ESCALATION, throw, interrupting=False))

    assert play.path.count("aside") == 1


def test_an_event_wins_over_the_automatic_work_inside() -> None:
    inner = '<startEvent id="s2"/>' + user("hold") + script("auto", "ran = True") + chain("s2", "hold", "auto")
    play = Play(START + sub("s", inner + aside(CONDITION)) + END + chain("start", "s", "end"), {"amount": 1})

    play.complete("hold", amount=200)

    assert play.tasks == ["handle"]
    assert "ran" not in play.values


def test_one_inside_another() -> None:
    inner = user("handle") + chain("aside_s", "handle", "aside_e")
    nested = aside(SIGNAL, user("deep") + chain("deeper_s", "deep", "deeper_e"), name="deeper")
    play = Play(MAIN + aside(MESSAGE, inner + nested)).happen("aside_s")

    play.happen("deeper_s")

    assert play.tasks == ["deep"]
    assert play.complete("deep").is_over


def test_a_join_counts_those_that_wait_as_no_token() -> None:
    body = START + '<parallelGateway id="fork"/><inclusiveGateway id="join"/>' + user("a") + user("b") + END
    body += chain("start", "fork", "a", "join", "end") + chain("fork", "b", "join") + aside(MESSAGE, interrupting=False)

    play = Play(body).complete("a").happen("aside_s").complete("b")

    assert play.complete("handle").is_over
