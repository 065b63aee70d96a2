"""Names of variables."""

from __future__ import annotations

import pytest

from engine.bpmn.names import LONGEST, advice, is_variable, variable_from


@pytest.mark.parametrize("name", ["amount", "größe", "_x", "x1", "x" * LONGEST, "order_id"])
def test_what_expressions_can_read_is_a_name(name: str) -> None:
    assert is_variable(name)
    assert variable_from(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a-b", "1a", "__a", "x" * (LONGEST + 1), "ﬁ", "gro\u0308ße", "#x", "a.b", "²"]
)
def test_what_they_cannot_read_is_none(name: str) -> None:
    assert not is_variable(name)


@pytest.mark.parametrize(
    ("element_id", "name"),
    [("Gateway_0ab", "Gateway_0ab"), ("a-b.c", "a_b_c"), ("1a", "_1a"), ("if", "_if"), ("²", "_2"), ("·", "_·")],
)
def test_an_element_has_a_variable_of_its_own(element_id: str, name: str) -> None:
    assert variable_from(element_id) == name
    assert variable_from(element_id).isidentifier()


def test_the_advice_says_what_may_have_been_meant() -> None:
    assert advice("First-Name").endswith("as in first_name.")
