"""Who does the work, and the form: the rule, the element and the exact line."""

from __future__ import annotations

import json

import pytest

from engine.bpmn import parse, read
from engine.model.problems import Severity
from tests.unit.drawing import HERE, accepted, between, problems, process, refused

FORM = json.dumps({"id": "order-form", "components": [{"type": "textfield", "key": "a"}]}).encode()


# ---- who -----------------------------------------------------------------------------------------------------------


def test_work_that_is_nobodys_is_worth_a_warning() -> None:
    refused("missing-assignee", "n", between(f'<userTask id="n"/>{HERE}'), severity=Severity.WARNING)


GROUP = "<resourceAssignmentExpression><formalExpression>clerks</formalExpression></resourceAssignmentExpression>"


@pytest.mark.parametrize(
    "task",
    [
        '<userTask id="n" camunda:assignee="ana"/>',
        '<userTask id="n" camunda:candidateUsers="ana, ben"/>',
        '<userTask id="n" camunda:candidateGroups="${team}"/>',
        f'<userTask id="n"><potentialOwner>{GROUP}</potentialOwner></userTask>',
        f'<userTask id="n"><humanPerformer>{GROUP}</humanPerformer></userTask>',
    ],
)
def test_work_that_is_somebodys_passes(task: str) -> None:
    accepted(between(task))


@pytest.mark.parametrize("name", ["clerks", ""])
def test_a_named_lane_says_whose_work_it_is(name: str) -> None:
    lanes = f'<laneSet id="s"><lane id="l" name="{name}"><flowNodeRef>n</flowNodeRef></lane></laneSet>'
    content = between(f'<userTask id="n"/>{HERE}') + lanes

    if name:
        accepted(content)
    else:
        refused("missing-assignee", "n", content, severity=Severity.WARNING)


def test_a_lane_around_a_sub_process_counts_inside() -> None:
    lanes = '<laneSet id="s"><lane id="l" name="clerks"><flowNodeRef>n</flowNodeRef></lane></laneSet>'

    accepted(between('<subProcess id="n"><userTask id="u"/></subProcess>') + lanes)


# ---- forms ---------------------------------------------------------------------------------------------------------


def task(attribute: str) -> str:
    return between(f'<userTask id="n" camunda:assignee="ana" {attribute}/>{HERE}')


@pytest.mark.parametrize(
    "attribute",
    [
        'camunda:formKey="order.form"',
        'camunda:formKey="order"',
        'camunda:formKey="camunda-forms:deployment:order.form"',
        'camunda:formRef="order-form" camunda:formRefBinding="latest"',
    ],
)
def test_a_form_is_found_by_file_name_or_id(attribute: str) -> None:
    assert problems(process(task(attribute)), {"order.form": FORM}) == []


def test_a_form_in_a_folder_is_found() -> None:
    assert problems(process(task('camunda:formKey="order.form"')), {"forms/order.form": FORM}) == []


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ('camunda:formKey="order.form"', '"order.form"'),
        ('camunda:formRef="order"', '"order"'),
    ],
)
def test_a_form_is_in_the_upload(attribute: str, words: str) -> None:
    problem = refused("form-missing", "n", task(attribute))

    assert words in problem.message
    assert problem.place.column > 40


@pytest.mark.parametrize("key", ["embedded:app:forms/order.html", "https://example.org/form", "order"])
def test_a_page_of_another_tool_is_told(key: str) -> None:
    problem = refused("form-missing", "n", task(f'camunda:formKey="{key}"'), severity=Severity.WARNING)

    assert "another tool" in problem.message


def test_a_missing_form_names_those_there_are() -> None:
    (problem,) = problems(process(task('camunda:formKey="ordre.form"')), {"order.form": FORM})

    assert "order.form" in problem.fix


def test_the_form_of_a_start_event_is_in_the_upload() -> None:
    content = between('<manualTask id="n"/>').replace("<startEvent", '<startEvent camunda:formKey="x.form"')

    assert [problem.element_id for problem in problems(process(content))] == ["start"]


def test_fields_of_form_data_are_checked_in_their_line() -> None:
    field = f'<camunda:formField id="a" type="money"/>{HERE}'
    data = f"<extensionElements><camunda:formData>\n{field}</camunda:formData></extensionElements>"

    refused("form-invalid", "n", between(f'<userTask id="n" camunda:assignee="ana">{data}</userTask>'))


def test_a_wrong_field_is_called_by_its_label() -> None:
    field = '<camunda:formField id="first-name" label="First name" type="string"/>'
    data = f"<extensionElements><camunda:formData>\n{field}{HERE}</camunda:formData></extensionElements>"

    problem = refused("form-invalid", "n", between(f'<userTask id="n" camunda:assignee="ana">{data}</userTask>'))

    assert problem.message.startswith('Field "First name": ')
    assert "as in first_name" in problem.message


def with_form_inside(form: str) -> str:
    """A diagram of Camunda 8 whose one task has a form that stands in the diagram."""
    zeebe = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
    drawn = (
        f'<extensionElements><zeebe:userTaskForm {zeebe} id="inside">{form}</zeebe:userTaskForm></extensionElements>'
    )
    key = f'<zeebe:formDefinition {zeebe} formKey="camunda-forms:bpmn:inside"/>'
    task = f'<userTask id="n" camunda:assignee="ana"><extensionElements>{key}</extensionElements></userTask>'
    return process(drawn + between(task))


def test_a_form_may_stand_inside_the_diagram() -> None:
    form = '{"components": [{"type": "textfield", "key": "reason", "label": "Reason"}]}'
    text = with_form_inside(form)

    assert problems(text) == []

    (built,) = parse.processes(read.read("d.bpmn", text.encode()))
    assert [field.key for field in built.forms["n"].form.fields] == ["reason"]


def test_a_form_inside_the_diagram_is_checked_in_the_lines_of_the_diagram() -> None:
    text = with_form_inside('{"components": [\n{"type": "textfield", "key": "the reason", "label": "Reason"}]}')

    (problem,) = problems(text)

    assert problem.rule == "form-invalid"
    assert "the reason" in text.splitlines()[problem.place.line - 1]


def test_a_text_inside_the_diagram_that_is_no_form_is_told() -> None:
    (problem,) = problems(with_form_inside("Hello"))

    assert (problem.rule, problem.element_id) == ("form-syntax", "inside")
