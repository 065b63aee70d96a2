"""Form sources and the server's check of values."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from engine.bpmn.forms import (
    Choice,
    Circumstances,
    checked,
    faults_of_form_data,
    form_id,
    from_choices,
    from_form_data,
    from_form_js,
    implied_condition,
)
from engine.bpmn.nodes import CAMUNDA
from engine.errors import Invalid, InvalidValues
from engine.model.forms import Button, Field, FieldKind, Form, Option
from engine.model.problems import Problem


def form_js(*components: dict[str, Any], **more: Any) -> Form:
    return from_form_js("a.form", json.dumps({"components": list(components), **more}).encode())


def problems(*components: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Invalid) as caught:
        form_js(*components)
    return list(caught.value.problems)


def form_data(content: str) -> etree._Element:
    return etree.fromstring(f'<camunda:formData xmlns:camunda="{CAMUNDA}">{content}</camunda:formData>')


def wrong(field: Field, value: object) -> str:
    with pytest.raises(InvalidValues) as caught:
        checked(Form((field,)), {field.key: value})
    return caught.value.errors[field.key]


# ---- form-js -------------------------------------------------------------------------------------------------------


def test_every_field_of_a_form_is_read() -> None:
    form = form_js(
        {"type": "textfield", "key": "a", "label": "A", "validate": {"required": True, "minLength": 2, "maxLength": 9}},
        {"type": "number", "key": "b", "validate": {"min": 1, "max": "10.5"}, "description": "How many"},
        {"type": "number", "key": "c", "decimalDigits": 0, "defaultValue": 3},
        {"type": "datetime", "key": "d", "subtype": "date", "dateLabel": "D"},
        {"type": "datetime", "key": "e", "subtype": "time"},
        {"type": "datetime", "key": "f", "subtype": "datetime"},
        {"type": "select", "key": "g", "values": [{"label": "Yes", "value": "y"}, {"value": "n"}]},
        {"type": "taglist", "key": "h", "valuesKey": "tags"},
        {"type": "textarea", "key": "i", "readonly": True},
        {"type": "checkbox", "key": "j", "conditional": {"hide": "=a = 1"}},
    )

    assert form.fields == (
        Field("a", "A", FieldKind.TEXT, required=True, min_length=2, max_length=9),
        Field("b", "b", FieldKind.NUMBER, minimum=1, maximum=10.5, description="How many"),
        Field("c", "c", FieldKind.INTEGER, default=3),
        Field("d", "D", FieldKind.DATE),
        Field("e", "e", FieldKind.TIME),
        Field("f", "f", FieldKind.DATETIME),
        Field("g", "g", FieldKind.CHOICE, options=(Option("y", "Yes"), Option("n", "n"))),
        Field("h", "h", FieldKind.CHOICES),
        Field("i", "i", FieldKind.TEXTAREA, readonly=True),
        Field("j", "j", FieldKind.CHECKBOX, is_conditional=True),
    )


def test_a_group_hides_its_fields_and_buttons_are_left_out() -> None:
    form = form_js(
        {"type": "text", "text": "# Hello"},
        {"type": "group", "conditional": {"hide": "=x"}, "components": [{"type": "textfield", "key": "a"}]},
        {"type": "group", "components": [{"type": "textfield", "key": "b"}, {"type": "button", "label": "Send"}]},
        {"type": "button", "action": "submit"},
        id="order",
    )

    assert [(field.key, field.is_conditional) for field in form.fields] == [("a", True), ("b", False)]
    assert [component["type"] for component in form.schema["components"]] == ["text", "group", "group"]
    assert form.schema["components"][2]["components"] == [{"type": "textfield", "key": "b"}]
    assert form.schema["id"] == "order"


@pytest.mark.parametrize("kind", ["html", "iframe", "documentPreview", "filepicker", "dynamiclist", "x-script"])
def test_components_that_cannot_be_checked_are_refused_by_name_and_path(kind: str) -> None:
    (problem,) = problems({"type": "group", "components": [{"type": kind, "id": "thing"}]})

    assert (problem.rule, problem.element_id) == ("form-unsupported", "thing")
    assert f'"{kind}"' in problem.message
    assert "components[0].components[0]" in problem.fix


@pytest.mark.parametrize(
    ("component", "words"),
    [
        ({"type": "textfield"}, "a key"),
        ({"type": "textfield", "key": "a.b"}, "part of a variable"),
        ({"type": "textfield", "key": "a b"}, "name of a variable"),
        ({"type": "textfield", "key": "__a"}, "name of a variable"),
        ({"type": "select", "key": "a"}, "values to choose from"),
        ({"type": "select", "key": "a", "values": [{"value": {}}]}, "a text, a number"),
        ({"type": "number", "key": "a", "validate": {"min": "few"}}, "validate.min"),
        ({"type": "textfield", "key": "a", "validate": {"maxLength": -1}}, "validate.maxLength"),
        ({"type": "textfield", "key": "a", "validate": {"pattern": "(a"}}, "regular expression"),
        ({"type": "textfield", "key": "a", "validate": {"pattern": "a" * 501}}, "500 characters"),
        ({"type": "group", "path": "a", "components": []}, "path"),
        ({"key": "a"}, "type"),
    ],
)
def test_wrong_components_are_named(component: dict[str, Any], words: str) -> None:
    (problem,) = problems(component)

    assert words in problem.message


def test_every_problem_of_a_form_is_told_with_its_line() -> None:
    data = b"""{"components": [
      {"type": "textfield", "key": "a"},
      {"type": "html", "id": "b"},
      {"type": "textfield", "key": "a"},
      {"type": "iframe", "id": "c"}
    ]}"""

    with pytest.raises(Invalid) as caught:
        from_form_js("a.form", data)

    assert [(found.element_id, found.place.line) for found in caught.value.problems] == [("b", 3), ("a", 2), ("c", 5)]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "form-syntax"),
        (b"{", "form-syntax"),
        (b"[" * 100_000, "form-syntax"),
        (b'{"components": [NaN]}', "form-syntax"),
        (b'{"a": 1}', "form-invalid"),
        (b"[]", "form-invalid"),
        (b"\xff\xfe", "encoding"),
        (b" " * 1_100_000, "too-large"),
        (json.dumps({"components": [{"type": "text"}] * 501}).encode(), "too-large"),
    ],
)
def test_files_that_are_no_form_are_refused(data: bytes, rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_form_js("a.form", data)

    assert [problem.rule for problem in caught.value.problems] == [rule]


def test_groups_too_deep_are_refused() -> None:
    component: dict[str, Any] = {"type": "text"}
    for _level in range(30):
        component = {"type": "group", "components": [component]}

    assert problems(component)[0].rule == "too-large"


def test_the_id_of_a_form() -> None:
    assert form_id(b'{"id": "order"}') == "order"
    assert form_id(b'{"id": 1}') is None
    assert form_id(b"<definitions/>") is None


# ---- camunda:formData ----------------------------------------------------------------------------------------------


def test_form_data_becomes_fields_and_a_schema() -> None:
    form = from_form_data(
        form_data(
            """
            <camunda:formField id="name" label="Name" type="string" defaultValue="Ann"><camunda:validation>
              <camunda:constraint name="required"/><camunda:constraint name="maxlength" config="20"/>
            </camunda:validation></camunda:formField>
            <camunda:formField id="amount" type="long"><camunda:validation>
              <camunda:constraint name="min" config="1"/><camunda:constraint name="readonly" config="false"/>
            </camunda:validation></camunda:formField>
            <camunda:formField id="urgent" type="boolean" defaultValue="true"/>
            <camunda:formField id="day" type="date" defaultValue="24/12/2026"/>
            <camunda:formField id="size" type="enum"><camunda:value id="s" name="Small"/></camunda:formField>"""
        )
    )

    assert form.fields == (
        Field("name", "Name", FieldKind.TEXT, required=True, max_length=20, default="Ann"),
        Field("amount", "amount", FieldKind.INTEGER, minimum=1),
        Field("urgent", "urgent", FieldKind.CHECKBOX, default=True),
        Field("day", "day", FieldKind.DATE, default="2026-12-24"),
        Field("size", "size", FieldKind.CHOICE, options=(Option("s", "Small"),)),
    )
    assert form.schema["components"][0] == {
        "type": "textfield",
        "id": "Field_name",
        "key": "name",
        "label": "Name",
        "defaultValue": "Ann",
        "validate": {"required": True, "maxLength": 20},
    }


def test_the_schema_made_for_the_browser_reads_back_as_the_same_fields() -> None:
    form = from_form_data(
        form_data(
            """<camunda:formField id="a" type="long"><camunda:validation><camunda:constraint name="max" config="5"/>
            </camunda:validation></camunda:formField><camunda:formField id="b" type="date" label="B"/>
            <camunda:formField id="c" type="enum"><camunda:value id="s" name="S"/></camunda:formField>"""
        )
    )

    assert from_form_js("a.form", json.dumps(form.schema).encode()).fields == form.fields


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('<camunda:formField id="a b" type="string"/>', "name of a variable"),
        ('<camunda:formField id="a" type="customer"/>', "customer"),
        ('<camunda:formField id="a" type="long" defaultValue="few"/>', "default value"),
        ('<camunda:formField id="a" type="long" defaultValue="${b}"/>', "default value"),
        ('<camunda:formField id="a" type="enum"/>', "choose"),
        ('<camunda:formField id="a" type="date"/><camunda:formField id="a" type="date"/>', "another"),
        (
            '<camunda:formField id="a" type="long"><camunda:validation><camunda:constraint name="validator" '
            'config="com.acme.Check"/></camunda:validation></camunda:formField>',
            "validator",
        ),
        (
            '<camunda:formField id="a" type="long"><camunda:validation><camunda:constraint name="min" '
            'config="few"/></camunda:validation></camunda:formField>',
            "a number",
        ),
        (
            '<camunda:formField id="a" type="string"><camunda:validation><camunda:constraint name="max" '
            'config="5"/></camunda:validation></camunda:formField>',
            "type long only",
        ),
    ],
)
def test_wrong_form_data_is_named(content: str, words: str) -> None:
    ((_field, fault),) = faults_of_form_data(form_data(content))

    assert words in fault


# ---- made from nothing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flows", "buttons"),
    [
        (
            [Choice("Yes", "approved"), Choice("No", "not approved")],
            [Button("Yes", {"approved": True}), Button("No", {"approved": False})],
        ),
        (
            [Choice("Yes", "approved == True"), Choice("No", is_default=True)],
            [Button("Yes", {"approved": True}), Button("No", {"approved": False})],
        ),
        (
            [Choice("Yes", 'decision == "yes"'), Choice("Later", '"later" == decision'), Choice("No", is_default=True)],
            [
                Button("Yes", {"decision": "yes"}),
                Button("Later", {"decision": "later"}),
                Button("No", {"decision": "No"}),
            ],
        ),
        (
            [Choice("Same", "kind == 'a'"), Choice("Other", "kind != 'a'")],
            [Button("Same", {"kind": "a"}), Button("Other", {"kind": "Other"})],
        ),
        (
            [Choice("One", "level == 1"), Choice("Two", "level == 2")],
            [Button("One", {"level": 1}), Button("Two", {"level": 2})],
        ),
        (
            [Choice("A", "a and not b"), Choice("B", "b and not a"), Choice("Both", "a and b")],
            [
                Button("A", {"a": True, "b": False}),
                Button("B", {"a": False, "b": True}),
                Button("Both", {"a": True, "b": True}),
            ],
        ),
        (
            [Choice("Yes"), Choice("No")],
            [Button("Yes", {"choice": "Yes"}), Button("No", {"choice": "No"})],
        ),
        (
            [Choice("Yes", implied_condition("choice", "Yes")), Choice("It's", implied_condition("choice", "It's"))],
            [Button("Yes", {"choice": "Yes"}), Button("It's", {"choice": "It's"})],
        ),
    ],
)
def test_each_named_flow_gets_a_button_that_takes_it_alone(flows: list[Choice], buttons: list[Button]) -> None:
    form = from_choices(buttons[0].values, flows, "choice")

    assert list(form.buttons) == buttons
    assert form.fields == ()


@pytest.mark.parametrize(
    "flows",
    [
        [Choice("Yes", "approved"), Choice("", "not approved")],
        [Choice("Yes", "amount > 1000"), Choice("No", is_default=True)],
        [Choice("Same", "approved"), Choice("Same", "not approved")],
        [Choice("Yes", "a"), Choice("Never", "a and not a")],
        [Choice("Yes", "len(a) == 1"), Choice("No", is_default=True)],
        [Choice("Yes", "a"), Choice("No")],
        [Choice("Only", "a")],
        [],
    ],
)
def test_conditions_too_rich_for_buttons_get_none(flows: list[Choice]) -> None:
    assert from_choices(["a"], flows, "choice").buttons == ()


def test_names_that_no_button_sets_become_fields() -> None:
    flows = [
        Choice("A", "amount > 1000 and not urgent and order['x'] == 1 and len(note) > 3"),
        Choice("B", "country == 'DE' or day < date(2026, 1, 1)"),
        Choice("C", is_default=True),
    ]

    form = from_choices(["amount", "urgent", "order", "note", "country", "day"], flows, "choice")

    assert [(field.key, field.kind) for field in form.fields] == [
        ("amount", FieldKind.NUMBER),
        ("urgent", FieldKind.CHECKBOX),
        ("note", FieldKind.TEXT),
        ("country", FieldKind.TEXT),
        ("day", FieldKind.DATE),
    ]
    assert form.schema["components"][0]["type"] == "number"


# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FieldKind.TEXT, "Ann", "Ann"),
        (FieldKind.TEXT, "", ""),
        (FieldKind.NUMBER, "12.50", 12.5),
        (FieldKind.NUMBER, "12", 12),
        (FieldKind.NUMBER, 3, 3),
        (FieldKind.NUMBER, "", None),
        (FieldKind.INTEGER, 3.0, 3),
        (FieldKind.INTEGER, "-7", -7),
        (FieldKind.CHECKBOX, "on", True),
        (FieldKind.CHECKBOX, False, False),
        (FieldKind.CHECKBOX, None, False),
        (FieldKind.CHOICES, None, []),
        (FieldKind.DATE, "2026-05-04", date(2026, 5, 4)),
        (FieldKind.DATE, date(2026, 5, 4), date(2026, 5, 4)),
        (FieldKind.DATE, "", None),
        (FieldKind.TIME, "17:30+02:00", "17:30+02:00"),
        (FieldKind.DATETIME, "2026-05-04T17:30Z", datetime(2026, 5, 4, 17, 30, tzinfo=UTC)),
        (FieldKind.DATETIME, "2026-05-04T17:30+00:00", datetime(2026, 5, 4, 17, 30, tzinfo=UTC)),
    ],
)
def test_values_get_their_types(kind: FieldKind, value: object, expected: object) -> None:
    result = checked(Form((Field("a", "A", kind),)), {"a": value})["a"]

    assert result == expected
    assert type(result) is type(expected)


def test_moments_without_a_zone_are_meant_in_the_given_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    values = checked(Form((Field("a", "A", FieldKind.DATETIME),)), {"a": "2026-05-04T17:30"}, Circumstances(berlin))

    assert values["a"] == datetime(2026, 5, 4, 15, 30, tzinfo=UTC)


def test_only_the_keys_of_the_form_are_kept() -> None:
    form = Form((Field("a", "A", FieldKind.TEXT), Field("b", "B", FieldKind.TEXT, readonly=True)))

    assert checked(form, {"a": "x", "b": "changed", "c": "smuggled"}) == {"a": "x"}


def test_fields_that_were_not_sent_are_left_alone_but_required_ones_are_missed() -> None:
    form = Form(
        (
            Field("a", "A", FieldKind.TEXT),
            Field("b", "B", FieldKind.TEXT, required=True),
            Field("c", "C", FieldKind.TEXT, required=True, is_conditional=True),
            Field("d", "D", FieldKind.NUMBER, minimum=5, is_conditional=True),
        )
    )

    with pytest.raises(InvalidValues) as caught:
        checked(form, {"d": 3})

    assert caught.value.errors == {
        "b": "Expected a value, but there is none.",
        "d": "Expected 5 or more, but it is 3.",
    }


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (Field("a", "A", FieldKind.TEXT, required=True), "", "there is none"),
        (Field("a", "A", FieldKind.TEXT), 5, "a text"),
        (Field("a", "A", FieldKind.TEXT), "x\0", "stored"),
        (Field("a", "A", FieldKind.TEXT), "\ud800", "stored"),
        (Field("a", "A", FieldKind.TEXT), "x" * 100_001, "100000 characters or fewer"),
        (Field("a", "A", FieldKind.TEXT, min_length=3), "ab", "3 characters or more"),
        (Field("a", "A", FieldKind.TEXT, max_length=1), "ab", "1 characters or fewer"),
        (Field("a", "A", FieldKind.TEXT, pattern="^[a-z]+$"), "a1", "pattern"),
        (Field("a", "A", FieldKind.TEXT, pattern="^[a-z]+$"), "a\n", "pattern"),
        (Field("a", "A", FieldKind.NUMBER), "1,5", "a number"),
        (Field("a", "A", FieldKind.NUMBER), True, "a number"),
        (Field("a", "A", FieldKind.NUMBER), float("nan"), "a number"),
        (Field("a", "A", FieldKind.NUMBER), "1e999", "a number"),
        (Field("a", "A", FieldKind.NUMBER, minimum=0.5), 0.4, "0.5 or more"),
        (Field("a", "A", FieldKind.NUMBER, maximum=10), "11", "10 or less"),
        (Field("a", "A", FieldKind.INTEGER), 1.5, "whole number"),
        (Field("a", "A", FieldKind.CHECKBOX), "yes", "true or false"),
        (Field("a", "A", FieldKind.CHECKBOX, required=True), False, "checked"),
        (Field("a", "A", FieldKind.CHOICE, options=(Option("x", "X"),)), "y", "one of x"),
        (Field("a", "A", FieldKind.CHOICE, options=(Option(1, "X"),)), True, "one of 1"),
        (Field("a", "A", FieldKind.CHOICE, options=(Option("x", "X"),)), {"b": 1}, "one of x"),
        (Field("a", "A", FieldKind.CHOICES, options=(Option("x", "X"),)), ["x", "y"], "one of x"),
        (Field("a", "A", FieldKind.CHOICES, options=(Option("x", "X"),)), ["x", "x"], "once"),
        (Field("a", "A", FieldKind.CHOICES), "x", "a list"),
        (Field("a", "A", FieldKind.CHOICES, required=True), [], "there is none"),
        (Field("a", "A", FieldKind.DATE), "04.05.2026", "2026-05-04"),
        (Field("a", "A", FieldKind.DATE), "2026-02-30", "does not exist"),
        (Field("a", "A", FieldKind.TIME), "25:00", "17:30"),
        (Field("a", "A", FieldKind.DATETIME), "2026-05-04", "2026-05-04T17:30"),
        (Field("a", "A", FieldKind.DATETIME), "2026-05-04T25:30", "2026-05-04T17:30"),
    ],
)
def test_wrong_values_are_named(field: Field, value: object, words: str) -> None:
    assert words in wrong(field, value)


def test_a_number_option_sent_as_text_gets_its_type_back() -> None:
    assert checked(Form((Field("a", "A", FieldKind.CHOICE, options=(Option(1, "One"),)),)), {"a": "1"}) == {"a": 1}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("email", "ana@example.org", "ana at home"), ("phone", "+4930123456", "+49 30 123456")],
)
def test_well_known_texts_are_checked(kind: str, good: str, bad: str) -> None:
    form = form_js({"type": "textfield", "key": "a", "validate": {"validationType": kind}})

    assert checked(form, {"a": good}) == {"a": good}
    with pytest.raises(InvalidValues, match="such as"):
        checked(form, {"a": bad})


def test_a_pattern_that_explodes_is_stopped() -> None:
    field = Field("a", "A", FieldKind.TEXT, pattern="(a+)+$")
    began = time.thread_time()

    assert "in time" in wrong(field, "a" * 5_000 + "!")
    assert time.thread_time() - began < 1


@pytest.mark.parametrize("kind", list(FieldKind))
@pytest.mark.parametrize(
    "value", [10**400, -(10**5_000), [10**400], {"a": 10**400}, "9" * 400_000, "\ud800", [[]]], ids=range(7)
)
def test_values_beyond_all_measure_are_refused_not_stumbled_over(kind: FieldKind, value: object) -> None:
    form = Form(fields=(Field("a", "A", kind, options=(Option("x", "X"),)),))

    with pytest.raises(InvalidValues) as refused:
        checked(form, {"a": value})

    assert set(refused.value.errors) == {"a"}


# ---- large and hostile forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "has_buttons"),
    [
        ([f"way == 'to {number}'" for number in range(2_000)], True),
        ([f"way == {number}" for number in range(200)], True),
        ([f"way == 'x' and step{number % 20} == {number}" for number in range(200)], False),
        ([" or ".join(f"way{name} == {number}" for name in range(10)) for number in range(300)], False),
    ],
    ids=["texts", "numbers", "many names", "long conditions"],
)
def test_the_buttons_of_a_wide_gateway_are_found_in_no_time(conditions: list[str], has_buttons: bool) -> None:
    flows = [Choice(f"To {number}", condition) for number, condition in enumerate(conditions)]
    began = time.thread_time()

    form = from_choices(["way"], [*flows, Choice("Else", is_default=True)])

    assert time.thread_time() - began < 1.5
    assert len(form.buttons) == (len(conditions) + 1 if has_buttons else 0)


def test_the_button_of_each_value_sets_it() -> None:
    texts = [*(Choice(text.title(), f"way == '{text}'") for text in ("left", "right")), Choice("Else", is_default=True)]
    numbers = [Choice("One", "way == 1"), Choice("Else", is_default=True), Choice("Two", "2 == way")]

    assert [button.values["way"] for button in from_choices(["way"], texts).buttons] == ["left", "right", "Else"]
    assert [button.values["way"] for button in from_choices(["way"], numbers).buttons] == [1, None, 2]


def test_the_patterns_of_a_form_share_one_time_limit() -> None:
    fields = tuple(Field(f"f{number}", "F", FieldKind.TEXT, pattern=r"^(a|a)*$") for number in range(20))
    began = time.thread_time()

    with pytest.raises(InvalidValues) as caught:
        checked(Form(fields), {field.key: "a" * 5_000 + "!" for field in fields})

    assert time.thread_time() - began < 1
    assert all("in time" in text for text in caught.value.errors.values())


@pytest.mark.parametrize(
    "text", ['{"components": [{"x": "\\ud800"}]}', '{"components": [{"x": 1e999}]}', '{"components": [{"x": NaN}]}']
)
def test_a_form_that_no_page_could_show_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_form_js("a.form", text.encode())

    assert [problem.rule for problem in caught.value.problems] == ["form-syntax"]


@pytest.mark.parametrize("name", ["min", "max", "minlength", "maxlength"])
@pytest.mark.parametrize("config", ["nan", "1e999", "-1e999", "9" * 5_000, "-1x", ""])
def test_limits_of_form_data_are_numbers(name: str, config: str) -> None:
    constraint = f'<camunda:validation><camunda:constraint name="{name}" config="{config}"/></camunda:validation>'
    kind = "string" if name.endswith("length") else "long"
    node = form_data(f'<camunda:formField id="a" type="{kind}">{constraint}</camunda:formField>')

    assert [fault for _field, fault in faults_of_form_data(node)]
    assert from_form_data(node).fields == ()


@pytest.mark.parametrize(
    "pattern", ["a{99999999}", "((a{999}){999}){999}", "(?R)", "(?e)(?:a){e<=9}", "(?i)a", "(?(1)a|b)", "(?P<x>a)"]
)
def test_a_pattern_that_javascript_does_not_know_or_no_memory_holds_is_refused(pattern: str) -> None:
    (problem,) = problems({"type": "textfield", "key": "a", "validate": {"pattern": pattern}})

    assert problem.rule == "form-invalid"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"^[A-Z]{2}\d{2}( ?\d{4}){4}$", "DE89 3704 0044 0532 0130", True),
        (r"^\d{10},\d{10},\d{10},\d{10},\d{10}$", ",".join(["1234567890"] * 5), True),
        (r"^a{e}$", "a{e}", True),
        (r"^a{e}$", "ab", False),
        (r"^(?<year>\d{4})-(?!00)\d\d$", "2026-05", True),
        (r"^[({$]\(\?R\)$", "$(?R)", True),
        (r"^[(?R]$", "?", True),
    ],
)
def test_patterns_mean_what_they_mean_in_javascript(pattern: str, text: str, fits: bool) -> None:
    form = form_js({"type": "textfield", "key": "a", "validate": {"pattern": pattern}})

    if fits:
        assert checked(form, {"a": text}) == {"a": text}
    else:
        assert wrong(form.fields[0], text)


def test_a_thousand_choices_of_thousands_are_checked_in_no_time() -> None:
    options = tuple(Option(f"value {number}", "") for number in range(2_000))
    field = Field("f", "F", FieldKind.CHOICES, options=options)
    began = time.thread_time()

    assert len(checked(Form((field,)), {"f": [f"value {number}" for number in range(1_000, 2_000)]})["f"]) == 1_000
    assert time.thread_time() - began < 0.1
