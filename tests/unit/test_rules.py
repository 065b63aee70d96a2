"""Every rule that the checks can tell has a page, whose wrong example breaks it and whose right one does not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import definitions, rules
from engine.model.problems import Severity
from engine.rules import Example

ENGINE = Path(__file__).parents[2] / "engine"
SOURCES = [*(ENGINE / "bpmn").rglob("*.py"), ENGINE / "uploads.py", ENGINE / "deployments.py"]
COMPOSED = {"-mismatch": ("incoming", "outgoing"), "-code": ("error", "escalation")}
"""End of a rule's id -> what may stand before it, where that is put together."""
TELLING = re.compile(r"(problem|refuse|tell)$", re.IGNORECASE)
"""Functions that are given the id of a rule."""
NAMING = {"Fault", "Text"}
"""Values that carry one."""
ID = re.compile(r"[a-z]+(-[a-z]+)*")


def told() -> set[str]:
    """The id of every rule that the checks can tell, as their sources say."""
    return {id for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) for id in _ids(node)}


def _ids(node: ast.AST) -> Iterator[str]:
    """Of a call that tells a problem, of a constant called RULE, and of a choice between two rules."""
    if isinstance(node, ast.Call) and (TELLING.search(_called(node)) or _called(node) in NAMING):
        yield from (id for argument in node.args[:2] for id in _texts(argument))
    elif isinstance(node, ast.Assign) and {"RULE", "rule"} & {getattr(target, "id", "") for target in node.targets}:
        yield from _texts(node.value)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and ID.fullmatch(node.value):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.JoinedStr) and isinstance(end := node.values[-1], ast.Constant):
        yield from (f"{word}{end.value}" for word in COMPOSED.get(str(end.value), ()))


def test_the_sources_tell_of_rules() -> None:
    assert {"no-start", "error-code", "incoming-mismatch", "condition-syntax", "archive", "ad-hoc", "doctype"} <= told()


def test_every_rule_has_a_page() -> None:
    lacking = sorted(told() - rules.every().keys())

    assert not lacking, f"Write engine/bpmn/check/rules/<rule>.md for: {', '.join(lacking)}."


def test_every_page_is_of_a_rule() -> None:
    of_tables = {id for table in rules.TABLES for id in table.PAGES}

    assert sorted(rules.every().keys() - told() - of_tables) == []


AT_DEPLOYMENT = {"unknown-person"}
"""Told by what the database holds: tests/integration/test_consistency.py."""


@pytest.mark.parametrize("id", sorted(rules.every().keys() - AT_DEPLOYMENT))
def test_the_wrong_example_breaks_its_rule(id: str) -> None:
    assert id in {problem.rule for problem in definitions.problems(files(rules.every()[id].wrong))}


@pytest.mark.parametrize("id", rules.every())
def test_the_right_example_can_run(id: str) -> None:
    found = definitions.problems(files(rules.every()[id].right))

    assert [str(problem) for problem in found if problem.severity is Severity.ERROR or problem.rule == id] == []


@pytest.mark.parametrize("id", rules.every())
def test_a_page_reads_well(id: str) -> None:
    rule = rules.every()[id]

    assert rule.title[0].isupper() and not rule.title.endswith(".")
    assert rule.text.rstrip().endswith((".", ")"))
    assert re.fullmatch(r"(\d+\.[\d.]*\d, .+)?", rule.section)


@pytest.mark.parametrize(
    "page",
    ["", "# Title\n\ngroup: Flow\n\nText.\n", "# Title\n\ngroup: Other\n\nText.\n\n## Wrong\n\n-\n\n## Right\n\n-\n"],
)
def test_a_page_that_lacks_a_part_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="Expected the"):
        rules.read("some-rule", page)


def files(example: Example) -> dict[str, bytes]:
    assert example
    return {part.file: part.content for part in example}
