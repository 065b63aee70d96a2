"""What one instance or one command may take at most; what is too much stops there and nowhere else."""

from __future__ import annotations

import pytest

from engine.bpmn import variables
from engine.bpmn.elements import activities, flow_node
from tests.play import END, START, Play, chain, script, sub, user

SIDE_BY_SIDE = (
    "<multiInstanceLoopCharacteristics><loopCardinality>{}</loopCardinality></multiInstanceLoopCharacteristics>"
)


def test_tokens_of_loops_in_loops_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_node, "MOST_TOKENS", 100)
    inner = '<startEvent id="s2"/>' + user("u", SIDE_BY_SIDE.format(20)) + '<endEvent id="e2"/>'
    body = START + sub("s", inner + chain("s2", "u", "e2"), SIDE_BY_SIDE.format(20)) + END

    play = Play(body + chain("start", "s", "end"))

    assert 0 < len(play.tasks) < 100
    assert "at most 100 tokens" in play.incidents["u"]
    assert sum(1 for _ in play.run.workflow.all_live()) <= 100


def test_a_loop_that_multiplies_its_tokens_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_node, "MOST_TOKENS", 100)
    body = START + '<exclusiveGateway id="again"/><parallelGateway id="fork"/>' + user("u")
    body += chain("start", "again", "fork", "again") + chain("fork", "u")

    play = Play(body)

    assert "at most 100 tokens" in play.incidents["fork"]


def test_what_one_command_writes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "MOST_WRITTEN", 1_000)
    body = START + '<exclusiveGateway id="again"/>' + script("s", "text = text + 'x' * 100")
    play = Play(body + chain("start", "again", "s", "again"), {"text": ""})

    assert "to be written in one go" in play.incidents["s"]
    before = play.values["text"]

    play.retry("s")

    assert len(str(play.values["text"])) > len(str(before))


def test_candidates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activities, "MOST_CANDIDATES", 3)
    play = Play(
        START + user("u", candidateUsers="${people}") + END + chain("start", "u", "end"), {"people": list("abcd")}
    )

    assert "at most 3 candidates" in play.incidents["u"]

    play.retry("u", people=list("abc"))

    assert play.tasks == ["u"]


def test_a_subprocess_in_which_the_limit_was_met_goes_on_after_a_retry() -> None:
    steps = [f"s{number}" for number in range(8)]
    inner = [
        sub(name, f'<startEvent id="{name}_s"/>' + script(f"{name}_t", "x = 1") + chain(f"{name}_s", f"{name}_t"))
        for name in "AB"
    ]
    body = START + '<parallelGateway id="f"/><parallelGateway id="j"/>' + user("after") + "".join(inner)
    body += "".join(script(step, "y = 1") for step in steps)
    body += chain("start", "f", "A", "j", "after") + chain("f", *steps, "B", "j")
    for most in range(4, 22):
        play = Play(body, max_steps=most)
        for _ in range(20):
            for element in list(play.incidents):
                play.retry(element)

        assert play.tasks == ["after"], most


def test_a_limit_that_is_met_at_the_very_end_is_none() -> None:
    body = START + script("s", "x = 1") + END + chain("start", "s", "end")
    aside = '<startEvent id="x_s"><messageEventDefinition messageRef="paid"/></startEvent>'

    play = Play(body + f'<subProcess id="x" triggeredByEvent="true">{aside}</subProcess>', max_steps=4)

    assert (play.is_over, play.seen.waits()) == (True, {})
