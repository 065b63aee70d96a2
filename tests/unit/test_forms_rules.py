"""Rules that only form-js knows: what an upload may say of them, and the server's check of a value again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.bpmn.forms import Circumstances, checked, from_form_js
from engine.bpmn.forms.properties import VALIDATE
from engine.errors import Invalid, InvalidValues
from engine.model.forms import Form
from engine.model.problems import Problem

NOW = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)
"""The fifth of May in Berlin already."""
BERLIN = ZoneInfo("Europe/Berlin")
GOOD = {
    "select": {"values": [{"value": "x"}]},
    "datetime": {"subtype": "datetime"},
}
"""What a component of a type needs."""


def field(kind: str, **said: Any) -> dict[str, Any]:
    return {"type": kind, "key": "a", **GOOD.get(kind, {}), **said}


def form(*components: dict[str, Any]) -> Form:
    return from_form_js("a.form", json.dumps({"components": list(components)}).encode())


def problems(component: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Invalid) as caught:
        form(component)
    return list(caught.value.problems)


def taken(component: dict[str, Any], value: object, known: Mapping[str, Any] | None = None) -> Any:
    return checked(form(component), {"a": value}, Circumstances(BERLIN, NOW, lambda: known or {}))["a"]


def refused(component: dict[str, Any], value: object, known: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(InvalidValues) as caught:
        taken(component, value, known)
    return caught.value.errors["a"]


# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "good", "bad", "words"),
    [
        (field("number", decimalDigits=2), 12.25, 12.255, "at most 2 digits"),
        (field("number", decimalDigits="2"), "12.250", "12.255", "at most 2 digits"),
        (field("number", decimalDigits=1), 1e20, 1e-7, "at most 1 digits"),
        (field("number", decimalDigits=0), 12.0, 12.5, "whole number"),
        (field("number", increment=0.1), 0.3, 0.35, "a multiple of 0.1"),
        (field("number", increment="5", validate={"min": 3}), 10, 8, "a multiple of 5"),
        (field("number", increment=5), -10, -3, "a multiple of 5"),
        (
            field("datetime", disallowPassedDates=True, subtype="date"),
            "2026-05-05",
            "2026-05-04",
            "2026-05-05 or a later",
        ),
        (field("datetime", disallowPassedDates=True), "2026-05-05T00:00", "2026-05-04T23:59", "2026-05-05 or a later"),
        (
            field("datetime", disallowPassedDates=True),
            "2026-05-04T22:00Z",
            "2026-05-04T21:59Z",
            "2026-05-05 or a later",
        ),
        (field("datetime", timeInterval=15), "2026-05-04T10:45", "2026-05-04T10:07", "steps of 15 minutes"),
        (field("datetime", timeInterval=60, subtype="time"), "10:00", "10:30", "steps of 60 minutes"),
        (field("datetime", timeInterval=1, subtype="time"), "10:07", "10:07:30", "steps of 1 minutes"),
        (field("datetime", timeInterval=60, subtype="time"), "10:00+05:30", "10:30+05:30", "steps of 60 minutes"),
        (
            field("datetime", timeInterval=60, subtype="time", timeSerializingFormat="utc_normalized"),
            "04:30Z",
            "04:07Z",
            "steps of 60 minutes",
        ),
        (field("textfield", validate={"pattern": "=b"}), "a=b", "b", "pattern"),
        (field("textfield", validate={"minLength": 3}), "abc", " ab ", "3 characters or more"),
        (field("textfield", validate={"maxLength": 3}), " abc ", "abcd", "3 characters or fewer"),
        (field("textfield", validate={"maxLength": 3}), "ab", "\N{GRINNING FACE}" * 2, "3 characters or fewer"),
        (field("textfield", validate={"maxLength": 3}), "ab", "ab" + " " * 100_000, "less space"),
        (field("textfield", validate={"validationType": "email"}), "ana@example.org", "ana@-example.org", "e-mail"),
        (field("textfield", validate={"validationType": "phone"}), "0049301234567", "call +49301234567", "phone"),
        (
            field("textfield", validate={"validationType": "email", "pattern": "@example"}),
            "ana@example.org",
            "@example",
            "e-mail",
        ),
    ],
)
def test_every_rule_that_the_browser_keeps_is_checked_again(
    component: dict[str, Any], good: object, bad: object, words: str
) -> None:
    assert taken(component, good) is not None
    assert words in refused(component, bad)


def test_the_rules_of_fields_in_groups_count_too() -> None:
    grouped = {"type": "group", "components": [{"type": "group", "components": [field("number", increment=5)]}]}

    assert "a multiple of 5" in refused(grouped, 3)


def test_a_day_is_too_early_only_where_the_form_says_so() -> None:
    assert taken(field("datetime", subtype="date"), "2020-01-01") == date(2020, 1, 1)
    assert "or a later day" in refused(field("datetime", subtype="date", disallowPassedDates=True), "2020-01-01")


def test_without_circumstances_it_is_now_and_there_are_no_variables() -> None:
    day, choice = field("datetime", subtype="date", disallowPassedDates=True), field("select", key="b", valuesKey="of")

    with pytest.raises(InvalidValues) as caught:
        checked(form(day, choice), {"a": "2020-01-01", "b": "red"})

    assert set(caught.value.errors) == {"a", "b"}


def test_a_number_that_is_kept_as_text_keeps_all_its_digits() -> None:
    exact = field("number", serializeToString=True, decimalDigits=20, validate={"max": 10})

    assert taken(exact, "1.00000000000000000001") == "1.00000000000000000001"
    assert "at most 20 digits" in refused(exact, "1.000000000000000000001")
    assert "10 or less" in refused(exact, "11")


# ---- choices out of a variable -------------------------------------------------------------------------------------

COLOURS = [{"label": "Red", "value": "red"}, {"value": "blue"}, "green", 5, 2.5, Decimal("0.1"), True, date(2026, 5, 4)]


@pytest.mark.parametrize("kind", ["select", "radio"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("red", "red"),
        ("blue", "blue"),
        ("green", "green"),
        (5, 5),
        ("5", 5),
        (2.5, 2.5),
        (0.1, Decimal("0.1")),
        (True, True),
        ("2026-05-04", date(2026, 5, 4)),
    ],
)
def test_a_choice_is_one_of_those_in_the_variable(kind: str, sent: object, expected: object) -> None:
    assert taken({"type": kind, "key": "a", "valuesKey": "colours"}, sent, {"colours": COLOURS}) == expected


@pytest.mark.parametrize("kind", ["checklist", "taglist"])
def test_several_choices_are_all_in_the_variable(kind: str) -> None:
    component = {"type": kind, "key": "a", "valuesKey": "colours"}

    assert taken(component, ["red", 5], {"colours": COLOURS}) == ["red", 5]
    assert "Expected one of red, blue" in refused(component, ["red", "black"], {"colours": COLOURS})


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, 'a variable "colours" with the choices, but there is none'),
        ({"colours": "red"}, 'the variable "colours" to be a list of choices'),
        ({"colours": []}, 'the variable "colours" to be a list of choices'),
        ({"colours": [None, {}, "", {"label": "Red"}, ["red"]]}, 'the variable "colours" to be a list of choices'),
        ({"colours": COLOURS}, "one of red, blue, green"),
    ],
)
def test_a_choice_that_the_page_did_not_show_is_refused(known: Mapping[str, Any], words: str) -> None:
    drawn_too = field("select", valuesKey="colours", values=[{"value": "black"}])

    assert words in refused(drawn_too, "black", known)


def test_nothing_chosen_needs_no_variable() -> None:
    assert taken(field("select", valuesKey="colours"), None) is None


def test_the_variables_are_read_only_for_a_choice_and_once() -> None:
    asked: list[str] = []

    def known() -> dict[str, Any]:
        asked.append("")
        return {"colours": COLOURS}

    choices = [field("select", key=key, valuesKey="colours") for key in "ab"]
    checked(form(field("textfield")), {"a": "red"}, Circumstances(known=known))
    assert not asked
    checked(form(*choices), {"a": "red", "b": "blue"}, Circumstances(known=known))
    assert len(asked) == 1


def test_the_same_number_written_another_way_is_the_same_choice() -> None:
    """2.0 in a file is 2 in the browser."""
    assert taken(field("select", values=[{"value": 2.0}]), 2) == 2


# ---- uploads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (field("number", decimalDigits=-1), "decimalDigits to be a whole number"),
        (field("number", decimalDigits=1.5), "decimalDigits to be a whole number"),
        (field("number", increment="few"), "increment to be a number above 0"),
        (field("number", increment=0), "increment to be a number above 0"),
        (field("number", serializeToString="yes"), "serializeToString to be true or false"),
        (field("number", validate={"min": "nan"}), "validate.min to be a number"),
        (field("number", validate={"max": "inf"}), "validate.max to be a number"),
        (field("number", validate={"pattern": "a"}), "validate.pattern at a textfield or textarea only"),
        (field("number", timeInterval=5), "timeInterval at a datetime only"),
        (field("textfield", validate={"min": 5}), "validate.min at a number only"),
        (field("checkbox", validate={"maxLength": 5}), "validate.maxLength at a textfield or textarea only"),
        (field("textfield", validate={"validationType": "iban"}), "one of email, phone, custom"),
        (field("textfield", validate={"maxWords": 5}), "validate.maxWords is not supported"),
        (field("textfield", validate=["required"]), "validate to be an object"),
        (field("datetime", timeInterval=7), "one of 1, 5, 10, 15, 30, 60"),
        (field("datetime", timeInterval=True), "one of 1, 5, 10, 15, 30, 60"),
        (field("datetime", disallowPassedDates="true"), "disallowPassedDates to be true or false"),
        (field("datetime", timeSerializingFormat="local"), "one of utc_offset"),
        (field("datetime", subtype="year"), "one of date, time, datetime"),
        (field("datetime", subtype=None), "a subtype"),
        (field("textfield", disabled="yes"), "disabled to be true or false"),
        (field("select", values=[]), "values to choose from"),
        (field("select", valuesKey="a b"), "valuesKey to be the name of a variable"),
        (field("select", values=None, valuesKey=["a"]), "valuesKey to be the name of a variable"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(component: dict[str, Any], words: str) -> None:
    (problem,) = problems(component)

    assert words in problem.message
    assert (problem.element_id, problem.rule) == ("a", "form-invalid")


@pytest.mark.parametrize(
    ("component", "fix"),
    [
        (field("select", values=None, valuesKey="b", valuesExpression="=b"), "valuesKey"),
        *((field("textfield", **{name: 0}), "under validate") for name in VALIDATE),
        (field("number", step=5), "increment"),
        (field("select", multiple=True), "checklist"),
        (field("datetime", minDate="2026-01-01"), "disallowPassedDates"),
        (field("datetime", maxDate="2026-01-01"), "gateway"),
        (field("textfield", omitFromSubmit=True), "readonly"),
        ({"type": "group", "id": "a", "isRepeating": True, "components": []}, "text area"),
    ],
)
def test_a_rule_that_nobody_would_check_is_refused(component: dict[str, Any], fix: str) -> None:
    (problem,) = problems(component)

    assert (problem.rule, problem.element_id) == ("form-unsupported", "a")
    assert "is not supported" in problem.message
    assert fix in problem.fix


@pytest.mark.parametrize(
    "component",
    [
        field("number", validate={"min": "=b"}),
        field("number", validate={"max": "= b + 1"}),
        field("textfield", validate={"minLength": "=b"}),
        field("textfield", validate={"maxLength": "=b"}),
        field("textfield", validate={"required": "=b"}),
        field("textfield", readonly="=b"),
    ],
)
def test_a_rule_in_feel_is_refused(component: dict[str, Any]) -> None:
    (problem,) = problems(component)

    assert "does not compute FEEL" in problem.fix


def test_what_an_editor_leaves_behind_is_no_rule() -> None:
    left = {"validationType": "", "pattern": "", "min": None}

    assert form(field("textfield", validate=left, decimalDigits=None, disallowPassedDates=False, valuesKey=""))


def test_what_only_changes_the_looks_is_let_through() -> None:
    looks = {
        "validate": {"pattern": "a", "patternErrorMessage": "No."},
        "layout": {"row": "r"},
        "appearance": {"suffixAdorner": "EUR"},
        "description": "d",
        "properties": {"x": "y"},
    }

    assert form(
        field("textfield", **looks), field("datetime", key="b", use24h=True), field("select", key="c", searchable=True)
    )
