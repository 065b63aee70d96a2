"""Activities done more than once."""

from __future__ import annotations

import pytest

from engine import values
from engine.bpmn import variables
from tests.play import END, START, Play, boundary, chain, script, sub, user


def multi(
    *, sequential: bool = False, cardinality: str = "", items: str = "", outputs: str = "", until: str = ""
) -> str:
    told = f"<loopCardinality>{cardinality}</loopCardinality>" if cardinality else ""
    told += f"<loopDataInputRef>{items}</loopDataInputRef>" if items else ""
    told += f"<loopDataOutputRef>{outputs}</loopDataOutputRef>" if outputs else ""
    told += '<inputDataItem id="item_id" name="item"/>' if items else ""
    told += '<outputDataItem id="out_id" name="out"/>' if outputs else ""
    told += f"<completionCondition>{until}</completionCondition>" if until else ""
    tag, order = "multiInstanceLoopCharacteristics", str(sequential).lower()
    return f'<{tag} isSequential="{order}">{told}</{tag}>'


def test_parallel_instances_each_have_their_item_and_give_one_output() -> None:
    play = Play(
        START + user("u", multi(items="xs", outputs="ys")) + END + chain("start", "u", "end"), {"xs": [5, 6, 7]}
    )
    assert play.tasks == ["u", "u", "u"]

    play.complete("u", 2, out=70).complete("u", 0, out=50, side=1).complete("u", out=60)

    assert play.is_over
    assert play.values == {"xs": [5, 6, 7], "ys": [50, 60, 70]}


def test_sequential_instances_come_one_after_the_other() -> None:
    body = START + script(
        "s",
        "out = item * item\nlog(loopCounter, nrOfCompletedInstances)",
        multi(sequential=True, items="xs", outputs="ys"),
    )
    play = Play(body + END + chain("start", "s", "end"), {"xs": [1, 2, 3]})

    assert play.values["ys"] == [1, 4, 9]
    assert play.log == ["0 0", "1 1", "2 2"]


def test_a_completion_condition_cancels_the_rest() -> None:
    body = (
        START
        + user("u", multi(cardinality="5", outputs="votes", until="nrOfCompletedInstances &gt;= 2"))
        + user("after")
    )
    play = Play(body + END + chain("start", "u", "after", "end"))

    play.complete("u", 1, out="b").complete("u", 0, out="a")

    assert play.tasks == ["after"]
    assert play.values["votes"] == ["a", "b", None, None, None]


def test_no_items_pass_at_once() -> None:
    play = Play(START + user("u", multi(items="xs", outputs="ys")) + END + chain("start", "u", "end"), {"xs": []})

    assert play.is_over
    assert play.values["ys"] == []


def test_each_subprocess_keeps_its_own_names() -> None:
    inside = (
        '<startEvent id="s2"/>'
        + user("u")
        + script("calc", "out = item + n")
        + '<endEvent id="e2"/>'
        + chain("s2", "u", "calc", "e2")
    )
    play = Play(
        START + sub("each", inside, multi(items="xs", outputs="ys")) + END + chain("start", "each", "end"),
        {"xs": [1, 2, 3]},
    )

    play.complete("u", 2, n=10).complete("u", 0, n=20).complete("u", n=30)

    assert play.values["ys"] == [21, 32, 13]


def test_an_interrupting_event_ends_all_instances() -> None:
    timer = boundary("late", "u", "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>")
    play = Play(
        START
        + user("u", multi(cardinality="3"))
        + timer
        + user("escalated")
        + END
        + chain("start", "u", "end")
        + chain("late", "escalated")
    )

    play.complete("u").happen("late")

    assert play.tasks == ["escalated"]


def test_a_negative_cardinality_is_an_incident() -> None:
    play = Play(START + user("u", multi(cardinality="n")) + END + chain("start", "u", "end"), {"n": -1})

    assert "cardinality" in play.incidents["u"]

    play.retry("u", n=1)
    assert play.tasks == ["u"]


def test_a_failing_completion_condition_can_be_tried_again() -> None:
    play = Play(
        START
        + user("u", multi(cardinality="2", until="done_when"))
        + user("after")
        + END
        + chain("start", "u", "after", "end")
    )

    play.complete("u")
    assert "done_when" in play.incidents["u"]
    play.retry("u", done_when=False).complete("u")

    assert play.tasks == ["after"]


def test_a_standard_loop_repeats_while_its_condition_holds() -> None:
    loop = "<standardLoopCharacteristics><loopCondition>n &lt; 3</loopCondition></standardLoopCharacteristics>"
    play = Play(START + script("s", "n = n + 1", loop) + END + chain("start", "s", "end"), {"n": 0})

    assert play.values["n"] == 3


def test_a_loop_tested_before_may_run_never_and_stops_at_its_maximum() -> None:
    tag = "standardLoopCharacteristics"
    loop = f'<{tag} testBefore="true" loopMaximum="4"><loopCondition>go</loopCondition></{tag}>'
    body = START + script("s", "n = n + 1", loop) + END + chain("start", "s", "end")

    assert Play(body, {"n": 0, "go": False}).values["n"] == 0
    assert Play(body, {"n": 0, "go": True}).values["n"] == 4


def test_no_items_are_a_visit_all_the_same() -> None:
    play = Play(START + user("u", multi(items="xs")) + END + chain("start", "u", "end"), {"xs": []})

    assert play.path == ["start", "u", "end"]


def test_the_flow_into_a_repeated_activity_is_taken_by_its_first_instance() -> None:
    play = Play(START + user("u", multi(cardinality="2")) + END + chain("start", "u", "end"))

    assert [fact.flow for fact in play.entered if fact.element.id == "u"] == ["start_u", None]


def test_outputs_that_are_too_much_together_stop_the_activity_not_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_BYTES", 100)
    play = Play(START + user("u", multi(cardinality="2", outputs="ys")) + END + chain("start", "u", "end"))

    play.complete("u", out="x" * 60).complete("u", out="x" * 60)

    assert '"ys" cannot be stored' in play.incidents["u"]
    monkeypatch.setattr(values, "MAX_BYTES", 1_000)
    assert play.retry("u").is_over
    assert len(play.values["ys"]) == 2


def test_instances_that_cannot_all_begin_are_begun_once_when_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    body = START + user("wait") + user("u", multi(items="xs")) + END + chain("start", "wait", "u", "end")
    play = Play(body, {"xs": ["x" * 60, "y" * 60]})
    monkeypatch.setattr(variables, "MOST_WRITTEN", 100)
    play.run.scopes.room = 100

    play.complete("wait")

    assert "to be written in one go" in play.incidents["u"]
    assert play.tasks == []
    monkeypatch.setattr(variables, "MOST_WRITTEN", 1_000)
    play.retry("u")  # loaded before, with as little room
    assert play.tasks == []
    play.retry("u")
    assert play.tasks == ["u", "u"]


def test_an_output_that_was_never_set_is_none() -> None:
    play = Play(START + user("u", multi(cardinality="2", outputs="ys")) + END + chain("start", "u", "end"))

    assert play.complete("u", out=1).complete("u").is_over
    assert play.values == {"ys": [1, None]}
