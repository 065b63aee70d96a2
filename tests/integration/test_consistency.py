"""What diagrams name and is nowhere is told at deployment: processes that are called, people, groups."""

from __future__ import annotations

import pytest

from engine import SYSTEM, Engine, accounts, definitions
from engine.model.people import Role
from engine.model.problems import Problem, Severity
from tests.play import END, START, chain, document

NAMING = "camunda:{}"


def deployed(engine: Engine, node: str) -> list[Problem]:
    """What is told of a process with one node, but for what its file alone tells."""
    files = {"p.bpmn": document(f"{START}{node}{END}{chain('start', 'n', 'end')}")}
    alone = set(definitions.problems(files))
    with engine.transaction(SYSTEM) as tx:
        return [problem for problem in definitions.deploy(tx, files).warnings if problem not in alone]


def task(word: str, name: str) -> str:
    return f'<userTask id="n" camunda:{word}="{name}"/>'


@pytest.fixture
def people(engine: Engine) -> Engine:
    with engine.transaction(SYSTEM) as tx:
        accounts.add(tx, "cleo", name="Cleo", password="a long password", groups={"clerks"}, roles={Role.APPROVER})
    return engine


@pytest.mark.parametrize(
    ("node", "rule", "fix"),
    [
        (task("assignee", "cloe"), "unknown-person", 'Did you mean "cleo"?'),
        (task("candidateUsers", "cleo, zoe"), "unknown-person", "Make the account"),
        (task("candidateGroups", "clrks"), "unknown-person", 'Did you mean "clerks"?'),
        ('<callActivity id="n" calledElement="q"/>', "called-element", "Deploy it"),
    ],
)
def test_what_is_nowhere_is_told(people: Engine, node: str, rule: str, fix: str) -> None:
    (problem,) = deployed(people, node)

    assert (problem.rule, problem.element_id, problem.severity) == (rule, "n", Severity.WARNING)
    assert fix in problem.fix


@pytest.mark.parametrize(
    "node",
    [
        task("assignee", "cleo"),
        task("candidateUsers", "${somebody}"),
        task("candidateGroups", "clerks"),
        '<callActivity id="n" calledElement="p"/>',
        '<callActivity id="n" calledElement="${which}"/>',
    ],
)
def test_what_is_there_or_known_later_is_not(people: Engine, node: str) -> None:
    assert deployed(people, node) == []


def test_people_who_are_kept_elsewhere_are_not_looked_for(engine: Engine) -> None:
    assert deployed(engine, task("assignee", "cloe")) == []
