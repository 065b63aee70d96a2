"""Values of variables keep their type on the way to JSON text and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as any_of

from engine import values
from engine.model import Json

TEXTS = any_of.text(any_of.characters(exclude_categories=["Cs"]))
SCALARS = (
    any_of.none()
    | any_of.booleans()
    | any_of.integers()
    | any_of.floats(allow_nan=False, allow_infinity=False)
    | any_of.decimals(allow_nan=False, allow_infinity=False)
    | any_of.dates()
    | any_of.datetimes(timezones=any_of.none() | any_of.just(UTC))
    | any_of.binary()
    | TEXTS
)
VALUES = any_of.recursive(
    SCALARS, lambda inner: any_of.lists(inner) | any_of.dictionaries(TEXTS | any_of.just("$"), inner), max_leaves=10
)


@pytest.mark.fuzz
@given(VALUES)
@settings(deadline=None)
def test_a_value_comes_back_as_it_was(value: Json) -> None:
    back = values.load(values.dump(value))

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.10"),
        date(2026, 2, 28),
        datetime(2026, 2, 28, 12, 30, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 2, 28, 12, 30),  # noqa: DTZ001 -- a form may hold a moment without a zone
        time(12, 30),
        b"\x00\xff",
        2**200,
        -(2**63),
        {"$": ["decimal", "1"]},
        {"$": {"$": 1}},
        {"nested": [{"amount": Decimal(7)}]},
    ],
    ids=repr,
)
def test_kinds_that_json_does_not_know_keep_their_type(value: Json) -> None:
    back = values.load(values.dump(value))

    assert (repr(back), type(back)) == (repr(value), type(value))


def test_a_tuple_becomes_a_list() -> None:
    assert values.load(values.dump((1, (2, 3)))) == [1, [2, 3]]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({1, 2}, "but got set"),
        pytest.param(object(), "but got object", id="object"),
        (print, "but got builtin_function_or_method"),
        (float("nan"), "Expected a number, but got nan"),
        (float("inf"), "Expected a number, but got inf"),
        ({1: "one"}, "Expected text as the key of a dict, but got int 1"),
        ([{"deep": {3}}], "but got set"),
    ],
    ids=repr,
)
def test_what_no_variable_can_hold_is_refused(value: object, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        values.dump(value)


@pytest.mark.parametrize(
    "value", [10**5_000, [-(10**4_000)], "x" * 11_000_000, {"a": ["y" * 10_000_000]}], ids=range(4)
)
def test_values_without_measure_cannot_be_stored(value: object) -> None:
    with pytest.raises(TypeError, match="Expected"):
        values.dump(value)
