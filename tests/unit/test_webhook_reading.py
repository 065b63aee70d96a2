"""What is read from a delivery: its body, and the parts that expressions take from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.bpmn.script import Evaluator, Limits
from engine.errors import InvalidValues
from engine.model import Json
from engine.webhooks import Expressions, Parts, reading
from tests.play import NOW

FORM = "application/x-www-form-urlencoded; charset=utf-8"


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    made = Evaluator(Limits(duration=timedelta(seconds=0.4)))
    yield made
    made.close()


def read(evaluator: Evaluator, body: Json, **told: str) -> Parts | None:
    return reading.parts_of(evaluator, Expressions(**told), body, {"x-event": "paid"}, NOW)


def test_a_body_is_json_or_a_form() -> None:
    assert reading.body_of("application/json", b'{"a": [1, null]}') == {"a": [1, None]}
    assert reading.body_of("text/plain", b"[]") == []
    assert reading.body_of(FORM, b"a=1&b=x+y&c=&a=2") == {"a": "2", "b": "x y", "c": ""}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b'{"a": NaN}'),
        ("application/json", b"\xff"),
        ("application/json", b"[" * 100_000),
        ("application/json", b"[" * 51 + b"]" * 51),
        ("application/json", b'"\\ud800"'),
        (FORM, b"\xff"),
        (FORM, b"a=1&" * 2_000),
        ("multipart/form-data; boundary=x", b"--x"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(kind: str, raw: bytes) -> None:
    with pytest.raises(InvalidValues, match="body"):
        reading.body_of(kind, raw)


def test_parts_are_read_by_expressions(evaluator: Evaluator) -> None:
    parts = read(
        evaluator,
        {"order": {"id": 7}, "sum": 3},
        business_key='"order-" + str(body["order"]["id"])',
        correlation_key='body["order"]["id"]',
        message_id='headers["x-event"]',
        variables='amount = body["sum"]\n_half = amount / 2\nis_large = _half > 1',
    )

    assert parts == Parts("order-7", "7", "paid", {"amount": 3, "is_large": True})


def test_as_camunda_users_write_them(evaluator: Evaluator) -> None:
    assert read(evaluator, {"id": "A"}, business_key="${body.id}") == Parts("A")


def test_a_condition_lets_pass(evaluator: Evaluator) -> None:
    assert read(evaluator, {}, condition='headers["x-event"] == "paid"') == Parts()
    assert read(evaluator, {}, condition='headers.get("x-other") == "paid"', business_key="body[1]") is None


@pytest.mark.parametrize("value", [None, "", True, 1.5, [], {"a": 1}])
def test_a_key_without_a_value_is_refused(evaluator: Evaluator, value: Json) -> None:
    """Without it, it would be for anybody."""
    with pytest.raises(InvalidValues, match="business_key"):
        read(evaluator, {"id": value}, business_key='body["id"]')


@pytest.mark.parametrize("source", ['body["id"]', "1 / 0", "[0] * 10**9", 'body["a"] + 1'])
def test_what_fails_is_told_by_the_name_of_its_part(evaluator: Evaluator, source: str) -> None:
    for name in ("condition", "business_key", "message_id"):
        with pytest.raises(InvalidValues, match=name):
            read(evaluator, {"a": "b"}, **{name: source})
    with pytest.raises(InvalidValues, match="variables"):
        read(evaluator, {"a": "b"}, variables=f"x = {source}")


@pytest.mark.parametrize("source", ["x = {1, 2}", "x = 10**4000", 'raise BpmnError("X", "no")', "x = len"])
def test_what_no_variable_can_hold_is_refused(evaluator: Evaluator, source: str) -> None:
    with pytest.raises(InvalidValues, match="variables"):
        read(evaluator, {}, variables=source)


def test_a_script_that_never_ends_is_stopped(evaluator: Evaluator) -> None:
    with pytest.raises(InvalidValues, match="longer than scripts may"):
        read(evaluator, {}, variables="while True:\n    pass")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"business_key": "body["}, "never closed"),
        ({"business_key": "order_id"}, "it reads order_id"),
        ({"correlation_key": "${a"}, "closes"),
        ({"condition": "body && headers"}, "Write and"),
        ({"variables": "x = y"}, "it reads y"),
        ({"variables": "__x = 1"}, "names of variables"),
        ({"variables": "x ="}, "missing at the end"),
        ({"message_id": "1" * 10_001}, "at most 10000"),
        ({"message_id": '"\0"'}, "characters that can be stored"),
    ],
)
def test_wrong_expressions_are_told_when_they_are_set_up(told: dict[str, str], words: str) -> None:
    found = reading.problems(replace(Expressions(), **told))
    assert found.keys() == told.keys() and words in "".join(found.values()), found


def test_right_expressions_are_none() -> None:
    told = Expressions('body["a"] > 1', "${body.id}", 'headers["x"]', "", '  a = body\n  b = [x for x in a["c"]]')
    assert reading.problems(told) == {}
