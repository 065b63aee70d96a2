"""Sequence flows, gateways and implicit ends, and what becomes of steps that cannot be taken."""

from __future__ import annotations

from tests.play import END, START, Play, chain, flow, script, user


def test_conditional_flows_out_of_a_task_are_all_taken_when_true() -> None:
    body = START + user("t") + user("a") + user("b") + user("c") + chain("start", "t")
    body += flow("t", "a", "n > 1") + flow("t", "b", "n > 2") + flow("t", "c", "n > 100")
    play = Play(body, {"n": 5})

    play.complete("t")

    assert play.tasks == ["a", "b"]


def test_several_flows_out_of_a_task_split_and_several_in_do_not_join() -> None:
    play = Play(
        START + user("t") + user("a") + user("b") + user("c") + chain("start", "t", "a", "c") + chain("t", "b", "c")
    )

    play.complete("t").complete("a").complete("b")

    assert play.tasks == ["c", "c"]


def test_the_default_flow_is_taken_when_no_condition_holds() -> None:
    body = START + '<exclusiveGateway id="g" default="g_b"/>' + user("a") + user("b") + chain("start", "g")
    play = Play(body + flow("g", "a", "n > 10") + flow("g", "b"), {"n": 5})

    assert play.tasks == ["b"]


def test_no_true_flow_is_an_incident_that_can_be_retried() -> None:
    body = START + '<exclusiveGateway id="g" name="Big?"/>' + user("a") + user("b") + chain("start", "g")
    play = Play(body + flow("g", "a", "n > 10") + flow("g", "b", "n > 20"), {"n": 5})
    assert "Big?" in play.incidents["g"]

    play.retry("g", n=15)

    assert play.tasks == ["a"]
    assert play.incidents == {}


def test_a_script_that_raises_is_an_incident_and_changes_nothing() -> None:
    play = Play(
        START + script("s", "a = 1\nb = 1 / zero") + user("u") + END + chain("start", "s", "u", "end"), {"zero": 0}
    )
    assert "ZeroDivisionError" in play.incidents["s"]
    assert play.values == {"zero": 0}

    play.retry("s", zero=2)

    assert play.tasks == ["u"]


def test_an_endless_loop_in_a_script_is_an_incident() -> None:
    play = Play(START + script("s", "while True:\n    pass") + END + chain("start", "s", "end"))

    assert "ran longer than scripts may" in play.incidents["s"]


def test_an_endless_loop_of_flows_is_an_incident() -> None:
    play = Play(
        START + script("s", "pass") + '<exclusiveGateway id="g"/>' + chain("start", "g", "s", "g"), max_steps=50
    )

    assert "50 steps" in next(iter(play.incidents.values()))


def test_a_choice_drawn_without_conditions_is_made_by_the_person() -> None:
    body = START + user("approve") + '<exclusiveGateway id="ok"/>' + user("pay") + user("refuse")
    body += chain("start", "approve", "ok") + flow("ok", "pay", name="Yes") + flow("ok", "refuse", name="No")
    play = Play(body)

    play.complete("approve", ok="No")

    assert play.tasks == ["refuse"]


def test_a_choice_behind_a_merge_is_made_by_the_person_and_kept_under_the_gateway_s_name() -> None:
    body = START + user("approve") + '<exclusiveGateway id="m"/><exclusiveGateway id="sid_1" name="Paid at once?"/>'
    body += user("pay") + user("again") + chain("start", "approve", "m", "sid_1") + chain("again", "m")
    body += flow("sid_1", "pay", name="Yes") + flow("sid_1", "again", name="No")
    play = Play(body)
    form = play.process.forms["again"].form
    assert [button.label for button in form.buttons] == ["Yes", "No"]

    play.complete("approve", **form.buttons[1].values)

    assert play.tasks == ["again"]
    assert play.values == {"paid_at_once_choice": "No"}


def test_a_long_run_without_a_stop_is_not_limited_by_depth() -> None:
    body = (
        START
        + script("s", "n = n + 1")
        + '<exclusiveGateway id="in"/><exclusiveGateway id="out" default="out_end"/>'
        + END
    )
    play = Play(
        body + chain("start", "in", "s", "out") + flow("out", "in", "n < 400") + flow("out", "end"),
        {"n": 0},
        max_steps=10_000,
    )

    assert play.is_over
    assert play.values["n"] == 400


def test_an_inclusive_join_waits_for_a_token_that_comes_by_a_link() -> None:
    link = '<linkEventDefinition name="A"/>'
    body = START + '<inclusiveGateway id="split"/><inclusiveGateway id="join"/>' + user("a") + user("b") + user("after")
    body += f'<intermediateThrowEvent id="out">{link}</intermediateThrowEvent>'
    body += f'<intermediateCatchEvent id="in">{link}</intermediateCatchEvent>'
    body += chain("start", "split", "a", "join", "after") + chain("split", "b", "out") + chain("in", "join")
    play = Play(body)

    play.complete("a")
    assert play.tasks == ["b"]
    play.complete("b")

    assert play.tasks == ["after"]


def test_a_step_that_fails_after_writing_is_undone_before_it_is_tried_again() -> None:
    body = START + script("s", "n = n + 10") + user("a") + user("b") + chain("start", "s")
    play = Play(body + flow("s", "a", "limit > n") + flow("s", "b", "limit > n + 1"), {"n": 0, "limit": 5})
    assert "s" in play.incidents

    play.retry("s").retry("s", limit=100)

    assert play.values["n"] == 10
    assert play.tasks == ["a", "b"]


def test_a_signal_thrown_by_a_step_that_fails_was_never_thrown() -> None:
    mapping = '<camunda:inputOutput><camunda:outputParameter name="x">${missing}</camunda:outputParameter>'
    mapping = f"<extensionElements>{mapping}</camunda:inputOutput></extensionElements>"
    signal = (
        f'<intermediateThrowEvent id="t">{mapping}<signalEventDefinition signalRef="alarm"/></intermediateThrowEvent>'
    )
    play = Play(START + signal + END + chain("start", "t", "end"))
    assert "t" in play.incidents and play.thrown == []

    play.retry("t", missing=1)

    assert play.thrown == ["alarm"]


def test_steps_that_take_too_long_are_an_incident_that_can_go_on() -> None:
    body = (
        START + script("s", "n = n + 1") + '<exclusiveGateway id="g" default="g_end"/>' + END + chain("start", "s", "g")
    )
    play = Play(body + flow("g", "s", "n < 300") + flow("g", "end"), {"n": 0}, max_seconds=0.05)
    assert "0.05 s" in next(iter(play.incidents.values()))

    while play.incidents:
        play.retry(next(iter(play.incidents)))

    assert play.is_over and play.values["n"] == 300
