"""What a start form made from nothing asks for: what is read, and what nothing before could have set."""

from __future__ import annotations

import pytest

from engine.bpmn import forms, parse, read
from engine.model.forms import Form
from tests.play import END, START, boundary, chain, document, flow, script, sub, user
from tests.unit.test_loops import multi

GATE = '<exclusiveGateway id="g" default="g_end"/>'
SERVICE = '<serviceTask id="call" camunda:topic="t"{}/>'


def asked(body: str) -> Form | None:
    process = parse.processes(read.read("test.bpmn", document(body)))[0]
    told = process.forms["start"]
    return told.form if told.is_drawn else None


def keys(body: str) -> list[str]:
    form = asked(body)
    return [] if form is None else [f"{field.key}:{field.kind}" for field in form.fields]


def decided(before: str, *nodes: str, condition: str = "amount > 1000") -> str:
    """A gateway behind some nodes."""
    body = START + before + GATE + user("check") + END + chain("start", *nodes, "g") + chain("check", "end")
    return body + flow("g", "check", condition) + flow("g", "end")


def test_what_a_condition_reads_is_asked_for_as_what_it_is() -> None:
    assert keys(decided("")) == ["amount:number"]
    assert keys(decided("", condition='kind == "a" and urgent')) == ["kind:text", "urgent:checkbox"]


def test_numbers_are_required_and_texts_may_be_empty() -> None:
    """What reckons with a number cannot do with nothing; better to say so before the start."""
    form = asked(decided("", condition='amount > 10 and kind == "a"'))

    assert form is not None
    assert {field.key: field.required for field in form.fields} == {"amount": True, "kind": False}


@pytest.mark.parametrize(
    ("before", "node"),
    [
        (script("s", "amount = 5"), "s"),
        (SERVICE.format(""), "call"),
        (SERVICE.format(' camunda:resultVariable="amount"'), "call"),
        ('<receiveTask id="r" messageRef="paid"/>', "r"),
        ('<callActivity id="c" calledElement="x"/>', "c"),
        (user("u"), "u"),
        (sub("s", '<startEvent id="s2"/>' + script("i", "amount = 1") + chain("s2", "i")), "s"),
    ],
)
def test_what_something_before_sets_is_not_asked_for(before: str, node: str) -> None:
    assert keys(decided(before, node)) == []


def test_a_service_whose_result_has_another_name_sets_nothing_else() -> None:
    assert keys(decided(SERVICE.format(' camunda:resultVariable="score"'), "call")) == ["amount:number"]


def test_a_script_that_reads_before_it_sets_needs_what_it_reads() -> None:
    body = START + script("s", "import math\ntotal = price * count\ncount += 1\nfor x in range(3):\n    total += x")

    assert keys(body + END + chain("start", "s", "end")) == ["count:number", "price:number"]


def test_what_a_script_goes_through_is_lines_and_what_it_joins_is_text() -> None:
    body = START + script("s", "for guest in guests:\n    log('Dear ' + name)") + END

    assert keys(body + chain("start", "s", "end")) == ["guests:lines", "name:text"]


def test_who_is_to_do_a_task_and_when_is_asked_for() -> None:
    body = START + user("u", assignee="${approver}", dueDate="${deadline}") + END

    assert keys(body + chain("start", "u", "end")) == ["approver:text", "deadline:text"]


def test_the_items_of_a_loop_are_lines() -> None:
    body = START + user("u", multi(items="reviewers"), assignee="${item}") + END

    assert keys(body + chain("start", "u", "end")) == ["reviewers:lines"]


def test_a_name_that_is_set_only_on_another_way_is_asked_for() -> None:
    late = boundary("late", "u", "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>")
    body = START + user("u") + late + script("s", "amount = 1") + script("t", "x = amount") + END

    assert keys(body + chain("start", "u", "s", "t", "end") + chain("late", "t")) == ["amount:text"]


def test_what_the_start_event_or_a_drawn_form_gives_is_not_asked_for() -> None:
    body = '<startEvent id="start" camunda:initiator="me"/>' + user("u", assignee="${me}") + END

    assert keys(body + chain("start", "u", "end")) == []


def test_lines_are_read_as_a_list() -> None:
    form = forms.from_names(["people"], [], lists={"people"})

    assert forms.checked(form, {"people": " ana \n\nben\n"}) == {"people": ["ana", "ben"]}
    assert forms.checked(form, {"people": ["ana"]}) == {"people": ["ana"]}
    assert forms.checked(form, {"people": ""}) == {"people": []}


# ---- data ----------------------------------------------------------------------------------------------------------

SPECIFIED = '<ioSpecification><dataInput id="i" name="x"/><dataOutput id="o" name="y"/></ioSpecification>'
BRINGS = "<dataInputAssociation><sourceRef>{}</sourceRef><targetRef>i</targetRef>{}</dataInputAssociation>"
GIVES = "<dataOutputAssociation><sourceRef>o</sourceRef><targetRef>{}</targetRef></dataOutputAssociation>"
HELD = '<dataObject id="order"/><dataStoreReference id="r" dataStoreRef="stock"/>'


def computed(associations: str) -> str:
    return HELD + START + script("s", "y = x + 1", SPECIFIED + associations) + END + chain("start", "s", "end")


def test_what_a_data_association_reads_is_asked_for_and_the_data_input_is_not() -> None:
    assert keys(computed(BRINGS.format("order", ""))) == ["order:text"]
    assert keys(computed(BRINGS.format("order", "<transformation>order * rate</transformation>"))) == [
        "order:text",
        "rate:text",
    ]


def test_what_a_data_store_holds_is_not_asked_for() -> None:
    assert keys(computed(BRINGS.format("r", "<transformation>Stock + 1</transformation>"))) == []


def test_what_a_data_association_has_set_is_not_asked_for() -> None:
    before = HELD + script("s", "y = 1", SPECIFIED + GIVES.format("order"))

    assert keys(decided(before, "s", condition="order > 1")) == []
    assert keys(decided(before, "s", condition="y > 1")) == ["y:number"]


def test_the_data_of_a_sub_process_is_not_asked_for() -> None:
    inner = f'<startEvent id="s2"/>{script("s", "x = order")}<endEvent id="e2"/>' + chain("s2", "s", "e2")
    body = START + sub("around", '<dataObject id="order"/>' + inner) + END + chain("start", "around", "end")

    assert keys(body) == []
