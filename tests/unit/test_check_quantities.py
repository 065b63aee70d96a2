"""Quantities of tokens that no activity can have."""

from __future__ import annotations

import pytest

from tests.unit.drawing import HERE, START, accepted, between, chain, refused


@pytest.mark.parametrize("attribute", ["startQuantity", "completionQuantity"])
@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many", "", "1001", "²", "9" * 5_000])
def test_impossible_quantities_are_refused(attribute: str, number: str) -> None:
    problem = refused("quantity", "n", between(f'<manualTask id="n" {attribute}="{number}"/>{HERE}'))

    assert "from 1 to 1,000" in problem.message


@pytest.mark.parametrize("number", ["1", "2", "1000", " 2 "])
def test_possible_quantities_pass(number: str) -> None:
    accepted(between(f'<manualTask id="n" startQuantity="{number}" completionQuantity="{number}"/>'))


def test_tokens_are_counted_only_where_some_come() -> None:
    refused("quantity", "n", f'<manualTask id="n" startQuantity="2"/>{HERE}')
    refused(
        "quantity",
        "n",
        f'{START}<eventBasedGateway id="g"/>\n<receiveTask id="n" messageRef="paid" startQuantity="2"/>{HERE}'
        + chain("start", "g", "n"),
    )


def test_only_activities_have_quantities() -> None:
    gateway = '<parallelGateway id="n" {}="2"/>' + HERE

    refused("quantity", "n", between(gateway.format("completionQuantity")))
    accepted(between('<parallelGateway id="n" completionQuantity="1"/>'))
