"""What scripts leave behind: their values as they are, or a failure that says which cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.bpmn.script import Evaluator, Limits, ScriptFailed

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    made = Evaluator()
    yield made
    made.close()


@pytest.mark.parametrize(
    "text", ["y = lambda: 1", "import re\ny = re", "y = range(3)", "y = []\nfor _ in range(150):\n    y = [y]"]
)
def test_a_value_that_cannot_leave_the_sandbox_as_it_is_fails_the_script(evaluator: Evaluator, text: str) -> None:
    with pytest.raises(ScriptFailed, match="Expected y to be"):
        evaluator.execute(text, {}, NOW)


def test_a_name_with_an_underscore_stays_inside(evaluator: Evaluator) -> None:
    assert evaluator.execute("_double = lambda n: 2 * n\ny = _double(4)", {}, NOW).values == {"y": 8}


def test_texts_and_nested_values_are_kept(evaluator: Evaluator) -> None:
    ran = evaluator.execute("y = 'range(0, 3)'\nz = {'a': [1, {'b': 'c'}]}", {}, NOW)

    assert ran.values == {"y": "range(0, 3)", "z": {"a": [1, {"b": "c"}]}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("while True:\n    pass", "ran longer than scripts may"),
        ("x = [0] * 10**10", "took more memory than scripts may"),
    ],
)
def test_a_limit_is_told_in_words(text: str, told: str) -> None:
    evaluator = Evaluator(Limits(duration=timedelta(seconds=0.1)))

    with pytest.raises(ScriptFailed, match=told):
        evaluator.execute(text, {}, NOW)
    evaluator.close()
