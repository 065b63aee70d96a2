"""What procession:catchUp may say, and where."""

from __future__ import annotations

import pytest

from engine.bpmn.nodes import OWN
from tests.unit.drawing import HERE, START, between, problems, process, refused

ON = f'xmlns:own="{OWN}" own:catchUp='
CYCLE, DURATION = "<timeCycle>R/PT1H</timeCycle>", "<timeDuration>PT1H</timeDuration>"


def wait(attributes: str, definition: str, time: str = CYCLE) -> str:
    timer = f"<timerEventDefinition {definition}>{time}</timerEventDefinition>"
    return f'<intermediateCatchEvent id="n" {attributes}>{HERE}{timer}</intermediateCatchEvent>'


@pytest.mark.parametrize("value", ["all", "once", "skip", " skip "])
def test_it_is_said_at_the_definition_or_the_event(value: str) -> None:
    for node in (wait(f'{ON}"{value}"', ""), wait("", f'{ON}"{value}"')):
        assert problems(process(between(node))) == []


@pytest.mark.parametrize("value", ["never", "", "ALL"])
def test_other_words_are_refused(value: str) -> None:
    for node in (wait(f'{ON}"{value}"', ""), wait("", f'{ON}"{value}"')):
        problem = refused("catch-up", "n", between(node))

        assert f"all (each fires), once (the first fires late) or skip (none fires), but it is '{value}'" in str(
            problem
        )


@pytest.mark.parametrize(
    "node",
    [
        wait(f'{ON}"all"', "", DURATION),
        wait("", f'{ON}"all"', DURATION),
        f'<intermediateCatchEvent id="n" {ON}"all">{HERE}<signalEventDefinition signalRef="alarm"/>'
        "</intermediateCatchEvent>",
    ],
)
def test_where_nothing_repeats_it_is_refused(node: str) -> None:
    assert "at a timer with a cycle" in refused("catch-up", "n", between(node)).message


def test_it_is_no_word_for_other_elements() -> None:
    assert "no catchUp" in refused("unsupported-element", "n", between(f'<task id="n" {ON}"all"/>{HERE}')).message


def test_a_start_event_may_say_it() -> None:
    timer = f"<timerEventDefinition>{CYCLE}</timerEventDefinition>"
    start = START.replace("/>", f' {ON}"skip">{timer}</startEvent>')

    assert problems(process(between('<task id="n"/>').replace(START, start))) == []
