"""Variables that stay inside multi-instance activities."""

from __future__ import annotations

import json

import pytest

from engine.bpmn.check import check
from engine.model.problems import Severity
from tests.unit.drawing import END, HERE, START, accepted, chain, flow, problems, process, refused

EACH = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
FIELD = '<camunda:formData><camunda:formField id="vote" type="boolean"/></camunda:formData>'
DECIDE = '<exclusiveGateway id="g" default="g-end"/>' + END + '<endEvent id="other"/>'
BEHIND = flow("g", "other", "vote") + flow("g", "end") + chain("start", "n", "g")


def voting(extensions: str = FIELD, before: str = START, behind: str = BEHIND, loop: str = EACH) -> str:
    """Several people vote, and a gateway reads the vote."""
    inner = f"<extensionElements>{extensions}</extensionElements>{loop}"
    return f'{before}\n<userTask id="n" camunda:assignee="ana">{HERE}{inner}</userTask>{DECIDE}{behind}'


def test_what_each_instance_sets_is_not_seen_behind() -> None:
    problem = refused("stays-inside", "n", voting(), severity=Severity.WARNING)

    assert '"vote"' in problem.message
    assert '"g-other" reads it' in problem.message


def test_a_field_of_a_form_file_stays_inside_too() -> None:
    form = json.dumps({"components": [{"type": "checkbox", "key": "vote"}]}).encode()
    text = process(voting("").replace('camunda:assignee="ana"', 'camunda:assignee="ana" camunda:formKey="a.form"'))

    assert [problem.rule for problem in check({"a.bpmn": text.encode(), "a.form": form})] == ["stays-inside"]


def test_a_button_that_decides_stays_inside_too() -> None:
    refused("stays-inside", "n", voting(""), severity=Severity.WARNING)


@pytest.mark.parametrize(
    "content",
    [
        voting(before=f'{START}<scriptTask id="before"><script>vote = True</script></scriptTask>').replace(
            chain("start", "n", "g"), chain("start", "before", "n", "g")
        ),
        voting(before=f'{START}<dataObject id="vote"/>'),
        voting(
            before=f'{START}<dataObject id="d" name="vote"/>',
            loop=f'<ioSpecification><dataOutput id="o" name="all"/></ioSpecification>{EACH}'
            "<dataOutputAssociation><sourceRef>o</sourceRef><targetRef>d</targetRef></dataOutputAssociation>",
        ),
        voting(loop=""),
        voting(loop="<standardLoopCharacteristics loopMaximum='2'/>"),
        voting(
            FIELD + '<camunda:inputOutput><camunda:outputParameter name="vote">${vote}</camunda:outputParameter>'
            "</camunda:inputOutput>"
        ),
        voting().replace("vote</cond", "count &gt; 1</cond"),
    ],
    ids=["set before", "a data object", "given by an association", "no loop", "a standard loop", "let out", "not read"],
)
def test_what_is_seen_behind_passes(content: str) -> None:
    accepted(content.replace(HERE, ""))


def test_a_running_total_passes() -> None:
    add = f"<scriptTask id='n'>{EACH}<script>total = total + 1</script></scriptTask>"

    accepted(START + add + DECIDE + BEHIND.replace("vote", "total &gt; 2"))


# ---- names that nothing sets ---------------------------------------------------------------------------------------


def computed(*scripts: str) -> str:
    nodes = "".join(
        f'<scriptTask id="n{number}" scriptFormat="python">\n<script>{script}</script></scriptTask>'
        for number, script in enumerate(scripts)
    )
    return START + nodes + END + chain("start", *(f"n{number}" for number in range(len(scripts))), "end")


def test_a_name_much_like_one_that_is_set_is_told_in_its_line() -> None:
    text = process(computed("amount = 3", "price = amuont * 2"))
    (problem,) = problems(text)

    assert (problem.rule, problem.element_id, problem.severity) == ("unset-name", "n1", Severity.WARNING)
    assert "amuont" in text.splitlines()[problem.place.line - 1]
    assert problem.fix == 'Did you mean "amount"?'


@pytest.mark.parametrize(
    "scripts",
    [
        ("amount = 3", "price = quantity * 2"),
        ("amount = 3", "price = amounts[0]"),
        ("amount1 = 3", "price = amount2"),
        ("amount = 3", "price = amuont", "other = amuont"),
        ("cat = 3", "price = cut"),
        ("approved = True", "price = approver"),
    ],
)
def test_other_names_may_come_from_outside(scripts: tuple[str, ...]) -> None:
    accepted(computed(*scripts))
