"""Call activities name what they call and what goes in and out."""

from __future__ import annotations

import pytest

from tests.unit.drawing import HERE, accepted, between, refused

RULE = "call-activity"


def call(attributes: str = 'calledElement="other"', inside: str = "", mark: str = HERE) -> str:
    extension = f"<extensionElements>{inside}</extensionElements>" if inside else ""
    return between(f'<callActivity id="n" {attributes}>{extension}</callActivity>{mark}')


@pytest.mark.parametrize(
    ("attributes", "inside"),
    [
        ('calledElement="other"', ""),
        ('calledElement="${which}"', ""),
        ('calledElement="other" camunda:calledElementBinding="deployment"', ""),
        ('calledElement="other" camunda:calledElementBinding="version" camunda:calledElementVersion="3"', ""),
        (
            'calledElement="other" camunda:calledElementBinding="versionTag" camunda:calledElementVersionTag="x"',
            "",
        ),
        ('calledElement="other"', '<camunda:in source="a" target="b"/><camunda:out source="c" target="d"/>'),
        ('calledElement="other"', '<camunda:in variables="all"/><camunda:in businessKey="#{order}"/>'),
        ('calledElement="other"', '<camunda:in sourceExpression="${a + 1}" target="b"/>'),
    ],
)
def test_a_call_that_says_all_passes(attributes: str, inside: str) -> None:
    accepted(call(attributes, inside, ""))


@pytest.mark.parametrize(
    ("attributes", "inside"),
    [
        ("", ""),
        ('calledElement=" "', ""),
        ('calledElement="other" camunda:calledElementBinding="newest"', ""),
        ('calledElement="other" camunda:calledElementBinding="version"', ""),
        ('calledElement="other"', '<camunda:in source="a"/>'),
        ('calledElement="other"', '<camunda:out target="a"/>'),
        ('calledElement="other"', '<camunda:in source="a b" target="c"/>'),
    ],
)
def test_a_call_that_leaves_something_open_is_refused(attributes: str, inside: str) -> None:
    refused(RULE, "n", call(attributes, inside))


def test_an_expression_is_looked_at() -> None:
    refused("expression-syntax", "n", call(inside='<camunda:in sourceExpression="${a +}" target="b"/>'))


def test_a_binding_by_version_tag_needs_one() -> None:
    refused(RULE, "n", call('calledElement="other" camunda:calledElementBinding="versionTag"'))
