"""Names are as long as their columns at most."""

from __future__ import annotations

import pytest

from engine.bpmn import names
from engine.bpmn.check import limits
from engine.storage.tables import Base
from tests.unit.drawing import END, HERE, START, between, chain, process, refused, refused_file

COLUMNS = {
    limits.ID: [
        *("activity.element_id", "activity.flow", "event.element_id", "incident.element_id", "job.element_id"),
        *("subscription.element_id", "user_task.element_id", "definition.key", "instance.definition_key"),
    ],
    limits.NAME: ["activity.element_name", "definition.name", "incident.element_name", "user_task.name"],
    limits.CODE: ["instance.error_code"],
    limits.EVENT_NAME: ["subscription.name"],
    limits.PERSON: ["user_task.assignee", "account.id", "membership.group_id"],
    limits.PERSON + len("group:"): ["candidate.reader"],
    names.LONGEST: ["variable.name"],
}


@pytest.mark.parametrize(("longest", "column"), [(size, name) for size, names in COLUMNS.items() for name in names])
def test_every_column_holds_what_the_checks_let_through(longest: int, column: str) -> None:
    table, name = column.split(".")

    assert Base.metadata.tables[table].columns[name].type.length >= longest  # type: ignore[attr-defined]


LONG = "x" * 256
IN_LOOP = '<multiInstanceLoopCharacteristics camunda:collection="c" camunda:elementVariable="{}"/>'


@pytest.mark.parametrize(
    ("rule", "task"),
    [
        ("too-long", f'<serviceTask id="n" camunda:topic="{LONG * 2}">{HERE}</serviceTask>'),
        (
            "expression-syntax",
            f'<serviceTask id="n" camunda:topic="t" camunda:resultVariable="{LONG}">{HERE}</serviceTask>',
        ),
        ("expression-syntax", f'<manualTask id="n">{IN_LOOP.format(LONG)}{HERE}</manualTask>'),
        ("expression-syntax", f'<manualTask id="n">{IN_LOOP.format("two words")}{HERE}</manualTask>'),
        ("expression-syntax", f'<userTask id="n" camunda:assignee="{LONG}">{HERE}</userTask>'),
        ("expression-syntax", f'<userTask id="n" camunda:candidateUsers="ana,{LONG}">{HERE}</userTask>'),
        ("expression-syntax", f'<userTask id="n" camunda:candidateGroups="${{\'{LONG}\'}}">{HERE}</userTask>'),
        (
            "mapping-name",
            '<manualTask id="n"><extensionElements><camunda:inputOutput>'
            f'<camunda:inputParameter name="{LONG}">1</camunda:inputParameter>{HERE}'
            "</camunda:inputOutput></extensionElements></manualTask>",
        ),
        (
            "form-invalid",
            '<userTask id="n" camunda:assignee="ana"><extensionElements><camunda:formData>'
            f'<camunda:formField id="{LONG}" type="string"/>{HERE}</camunda:formData></extensionElements></userTask>',
        ),
    ],
)
def test_names_that_no_row_can_hold_are_refused(rule: str, task: str) -> None:
    refused(rule, "n", between("\n" + task))


def test_a_lane_is_a_group() -> None:
    lane = f'<laneSet id="s">\n<lane id="l" name="{"x" * 201}"><flowNodeRef>n</flowNodeRef></lane>{HERE}</laneSet>'

    refused("too-long", "l", lane + between('<userTask id="n"/>'))


@pytest.mark.parametrize("tag", ["message", "signal", "error", "escalation"])
def test_what_events_are_called_by_is_bounded(tag: str) -> None:
    word = f"{tag}Code" if tag in ("error", "escalation") else "name"
    drawn = f'\n<{tag} id="long" {word}="{LONG}"/>{HERE}<process'

    refused_file("too-long", "long", process(START + END + chain("start", "end")).replace("<process", drawn))


def test_a_process_is_called_by_a_name_that_rows_can_hold() -> None:
    text = process(START + END + chain("start", "end")).replace('id="p"', f'id="{LONG}"', 1)

    refused_file("too-long", LONG, text.replace("<process", f"{HERE}<process", 1))
