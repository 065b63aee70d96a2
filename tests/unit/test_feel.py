"""FEEL, Camunda 8's language, in Python."""

from __future__ import annotations

import ast
from time import monotonic

import pytest

from engine.bpmn.texts import expression
from engine.bpmn.translation import Untranslatable

KNOWN: dict[str, object] = {"a": 5, "b": "Bee", "l": [3, 1, 2], "o": {"x": {"y": 7}}, "t": True}


@pytest.mark.parametrize(
    ("feel", "expected"),
    [
        ("=a", 5),
        ("= a > 3 and t", True),
        ("=a = 5", True),
        ("=a != 5 or not(t)", False),
        ("=o.x.y + 1", 8),
        ("=2 ** 3 - 1", 7),
        ("=-a + 6", 1),
        ('="x" + b', "xBee"),
        ("=[1, a]", [1, 5]),
        ('={x: a, "y z": [b]}', {"x": 5, "y z": ["Bee"]}),
        ("={}", {}),
        ("=l[1]", 3),
        ("=l[-1]", 2),
        ('=if a > 3 then "high" else if a > 1 then "mid" else "low"', "high"),
        ("=a between 1 and 5", True),
        ("=a between 1 and 4 and t", False),
        ("=a in [1..5]", True),
        ("=a in [1..5)", False),
        ("=a in (1, 5)", True),
        ("=a in l", False),
        ("=for i in l return i * 2", [6, 2, 4]),
        ("=for i in 1..3 return i", [1, 2, 3]),
        ("=some i in l satisfies i > 2", True),
        ("=every i in l satisfies i > 2", False),
        ("=string length(b)", 3),
        ("=upper case(b)", "BEE"),
        ('=starts with(b, "B")', True),
        ("=list contains(l, 3)", True),
        ("=count(l) + sum(l)", 9),
        ("=substring(b, 2)", "ee"),
        ("=substring(b, 1, 2)", "Be"),
        ("=substring(b, -2, 2)", "ee"),
        ('=string join(["a", "b"], "-")', "a-b"),
        ('=duration("PT1H")', "PT1H"),
        ("=append(l, 4)", [3, 1, 2, 4]),
        ("=null", None),
    ],
)
def test_feel_means_the_same_in_python(feel: str, expected: object) -> None:
    source = expression(feel)

    ast.parse(source, mode="eval")
    assert eval(source, {}, KNOWN) == expected


@pytest.mark.parametrize(
    ("feel", "offset", "words"),
    [
        (" =l[item > 1]", 4, "Filters"),
        ("=a ? 1 : 2", 3, "if a then b"),
        ("=a & b", 3, "and"),
        ("=now()", 1, "now()"),
        ("=if a then b", 12, "else"),
        ("={1: 2}", 2, "entry"),
        ("={a 2}", 4, "':'"),
        ("=substring(b, a)", 1, "plain numbers"),
        ("=substring(b, 0)", 1, "plain numbers"),
        ("=", 1, "the end"),
        ("=a in", 5, "the end"),
        ("=a in [1..", 10, "the end"),
        ("=count(1, 2)", 1, "1 values"),
        ("=lambda", 1, "reserved"),
        ('=@"2020-01-01"', 1, "Expected an expression"),
        ("=" + "[" * 60, 42, "brackets"),
    ],
)
def test_what_is_not_in_the_subset_is_refused_with_its_place(feel: str, offset: int, words: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        expression(feel)

    assert words in caught.value.message
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "part", ["not(", "-", "if a then ", "for i in ", "{a:", "a in (", "a+", "some i in l satisfies "]
)
def test_hostile_feel_is_refused_in_no_time(part: str) -> None:
    begun = monotonic()
    with pytest.raises(Untranslatable):
        expression("=" + part * 1_000)

    assert monotonic() - begun < 2
