"""What an ad-hoc sub-process may not be."""

from __future__ import annotations

import pytest

from tests.unit.drawing import HERE, accepted, between, refused

TASK = '<manualTask id="m"/>'


def ad_hoc(inside: str, told: str = "", mark: str = "") -> str:
    return between(f'<adHocSubProcess id="n" camunda:assignee="ana" {told}>{mark}{inside}</adHocSubProcess>')


@pytest.mark.parametrize("ordering", ["", 'ordering="Parallel"', 'ordering="Sequential"'])
def test_both_orders_pass(ordering: str) -> None:
    accepted(ad_hoc(TASK, ordering))


def test_another_order_is_refused() -> None:
    refused("ad-hoc", "n", ad_hoc(TASK, 'ordering="Random"', HERE))


@pytest.mark.parametrize("tag", ["startEvent", "endEvent"])
def test_nothing_starts_or_ends_inside(tag: str) -> None:
    refused("ad-hoc", "e", ad_hoc(f'{TASK}<{tag} id="e"/>{HERE}'))


def test_there_is_something_to_choose() -> None:
    refused("ad-hoc", "n", ad_hoc('<exclusiveGateway id="g"/>', mark=HERE))


def test_an_empty_one_is_refused() -> None:
    refused("ad-hoc", "n", ad_hoc("", mark=HERE))


def test_there_is_not_too_much_to_choose() -> None:
    many = "".join(f'<manualTask id="m{number}"/>' for number in range(501))

    refused("ad-hoc", "n", ad_hoc(many, mark=HERE))


def test_it_is_not_begun_by_an_event() -> None:
    refused("ad-hoc", "n", ad_hoc(TASK, 'triggeredByEvent="true"', HERE))


def test_its_condition_is_looked_at() -> None:
    refused("expression-syntax", "n", ad_hoc(f"{TASK}<completionCondition>a b</completionCondition>{HERE}"))
