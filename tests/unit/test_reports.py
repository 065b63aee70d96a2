"""Problems for other programs: our JSON, and SARIF 2.1.0 held to what its official JSON schema demands."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from engine import reports
from engine.bpmn.check import check
from engine.model.problems import Place, Problem, Severity
from tests.unit.drawing import START, process

NASTY = '<b>"Kör\u200bper" & \u2028 \U0001f600'
PROBLEMS = [
    Problem(
        "no-start", "Expected one.", Place("a b/ä#%.bpmn", 3, 7), element_type="process", element_id="p", fix="Do."
    ),
    Problem(
        "no-default", NASTY, Place("x.bpmn"), Severity.WARNING, element_type="task", element_name=NASTY, element_id="t"
    ),
    Problem("too-large", "Expected less.", Place("/tmp/x.bpmn")),
]


# ---- the schema of SARIF 2.1.0, as far as it is used ---------------------------------------------------------------

Uri = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$")]
FromOne = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """Other properties are not allowed; nor is a number for a text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Message(Part):
    text: Annotated[str, StringConstraints(min_length=1)]


class Help(Message):
    markdown: str | None = None


class ReportingDescriptor(Part):
    id: str
    shortDescription: Message | None = None
    help: Help | None = None


class Driver(Part):
    name: str
    version: str
    rules: list[ReportingDescriptor]


class Tool(Part):
    driver: Driver


class ArtifactLocation(Part):
    uri: Uri


class Region(Part):
    startLine: FromOne
    startColumn: FromOne


class PhysicalLocation(Part):
    artifactLocation: ArtifactLocation
    region: Region


class LogicalLocation(Part):
    fullyQualifiedName: str
    kind: str
    name: str | None = None


class Location(Part):
    physicalLocation: PhysicalLocation
    logicalLocations: Annotated[list[LogicalLocation], Field(min_length=1)] | None = None


class Outcome(Part):
    ruleId: str
    ruleIndex: Annotated[int, Field(ge=-1)]
    level: Literal["none", "note", "warning", "error"]
    message: Message
    locations: list[Location]


class Run(Part):
    tool: Tool
    columnKind: Literal["utf16CodeUnits", "unicodeCodePoints"]
    results: list[Outcome]


class Sarif(Part):
    schema_: Annotated[Uri, Field(alias="$schema")]
    version: Literal["2.1.0"]
    runs: list[Run]


def sarif(problems: list[Problem]) -> Run:
    (run,) = Sarif.model_validate_json(orjson.dumps(reports.as_sarif(problems))).runs
    ids = [rule.id for rule in run.tool.driver.rules]
    assert len(set(ids)) == len(ids)
    assert all(ids[result.ruleIndex] == result.ruleId for result in run.results)
    return run


# ---- tests ---------------------------------------------------------------------------------------------------------


def test_sarif_of_each_kind_of_problem_fits_its_schema() -> None:
    run = sarif(PROBLEMS)

    assert [result.level for result in run.results] == ["error", "warning", "error"]
    assert [result.locations[0].physicalLocation.artifactLocation.uri for result in run.results] == [
        "a%20b/%C3%A4%23%25.bpmn",
        "x.bpmn",
        "file:///tmp/x.bpmn",
    ]
    assert run.results[0].message.text == "Expected one. Do."
    assert run.results[1].locations[0].logicalLocations == [
        LogicalLocation(fullyQualifiedName="t", kind="element", name=NASTY)
    ]


def test_sarif_of_nothing_wrong_is_a_run_without_results() -> None:
    run = sarif([])

    assert (run.results, run.tool.driver.rules) == ([], [])


def test_sarif_tells_line_and_column_of_what_the_checks_find() -> None:
    text = process(f'{START}\n  <userTask id="ask"/>')
    found = check({"a.bpmn": text.encode()})

    told = {result.ruleId: result.locations[0].physicalLocation.region for result in sarif(found).results}

    assert told["unreachable"] == Region(startLine=text[: text.index("<userTask")].count("\n") + 1, startColumn=3)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_json_tells_all_that_is_known(problem: Problem) -> None:
    told = reports.as_json([problem])["problems"][0]

    assert (told["rule"], told["severity"], told["message"], told["fix"]) == (
        problem.rule,
        problem.severity,
        problem.message,
        problem.fix,
    )
    assert (told["file"], told["line"], told["column"]) == (
        problem.place.file,
        problem.place.line,
        problem.place.column,
    )
    assert told["element"] == {
        "type": problem.element_type,
        "name": problem.element_name,
        "id": problem.element_id,
    }


def test_json_counts_by_severity() -> None:
    told = reports.as_json(PROBLEMS)

    assert (told["errors"], told["warnings"], len(told["problems"])) == (2, 1, 3)
