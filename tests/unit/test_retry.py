"""How often, and how soon, what has failed is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.bpmn.parse.retries import cycle
from engine.retry import Retry
from tests.unit.drawing import HERE, accepted, between, refused

OWN = 'xmlns:procession="urn:procession:bpmn:1"'


def pauses(retry: Retry, chance: float = 0) -> list[float]:
    return [retry.pause(failed, chance).total_seconds() for failed in range(1, 6)]


def test_pauses_grow_up_to_the_longest() -> None:
    assert pauses(Retry(delay=1, factor=3, longest=10)) == [1, 3, 9, 10, 10]


def test_chance_takes_a_part_of_each_pause_away() -> None:
    assert pauses(Retry(delay=4, factor=1, jitter=0.25), chance=1) == [3, 3, 3, 3, 3]


def test_no_number_of_tries_is_too_many_to_tell_the_pause() -> None:
    assert Retry(delay=1, factor=1_000).pause(100_000, 0) == timedelta(hours=1)


def test_the_last_written_pause_goes_on() -> None:
    assert pauses(Retry(pauses=(1, 10))) == [1, 10, 10, 10, 10]


def test_what_is_told_comes_back() -> None:
    told = Retry(tries=5, pauses=(1, 2), jitter=0, never=("ValueError",))

    assert Retry.of(told.json()) == told
    assert Retry.of({}) == Retry()


def test_failures_are_told_apart() -> None:
    failure = {"ConnectionError", "OSError", "Exception"}

    assert Retry().covers(failure)
    assert Retry(only=("OSError",)).covers(failure)
    assert not Retry(only=("ValueError",)).covers(failure)
    assert not Retry(never=("OSError",)).covers(failure)


@pytest.mark.parametrize(
    ("text", "tries", "paused"),
    [
        ("R5/PT10S", 5, (10,)),
        ("R3/PT1M,PT30M", 3, (60, 1_800)),
        ("PT1S, PT10S ,PT1M", 4, (1, 10, 60)),
        ("PT5M", 2, (300,)),
    ],
)
def test_a_cycle_says_how_often_and_how_soon(text: str, tries: int, paused: tuple[float, ...]) -> None:
    assert cycle(text) == Retry(tries=tries, pauses=paused, jitter=0)


@pytest.mark.parametrize(
    "text", ["", "R/PT10S", "R0/PT1S", "R5/", "R5", "PT1S,", "5", "R5/P2Y", "${cycle}", "R9999/PT1S"]
)
def test_what_is_no_cycle_is_refused(text: str) -> None:
    refused("retry", "n", _service(f"<camunda:failedJobRetryTimeCycle>{text}</camunda:failedJobRetryTimeCycle>{HERE}"))


@pytest.mark.parametrize(
    "told",
    [
        'maxTries="5" initialDelay="PT1S" factor="2.5" maxDelay="PT1M" jitter="0.1"',
        'only="OSError" never="ValueError, KeyError"',
        'maxTries="1"',
        "",
    ],
)
def test_a_retry_may_be_told_in_full(told: str) -> None:
    accepted(_service(f"<procession:retry {OWN} {told}/>"))


@pytest.mark.parametrize(
    "told",
    ['maxTries="0"', 'maxTries="many"', 'initialDelay="5"', 'factor="0.5"', 'factor="inf"', 'jitter="2"', 'tries="3"'],
)
def test_what_makes_no_sense_is_refused(told: str) -> None:
    refused("retry", "n", _service(f"<procession:retry {OWN} {told}/>{HERE}"))


def test_only_services_are_called_again() -> None:
    told = f"<extensionElements><procession:retry {OWN}/></extensionElements>"

    refused("retry", "n", between(f'<manualTask id="n">{told}{HERE}</manualTask>'))


def test_it_is_told_once() -> None:
    told = "<camunda:failedJobRetryTimeCycle>R5/PT1S</camunda:failedJobRetryTimeCycle>"

    refused("retry", "n", _service(f"{told}<procession:retry {OWN}/>{HERE}"))


def _service(inner: str) -> str:
    task = '<serviceTask id="n" camunda:type="external" camunda:topic="t"><extensionElements>'
    return between(f"{task}{inner}</extensionElements></serviceTask>")
