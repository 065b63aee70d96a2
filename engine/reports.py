"""Problems as other programs read them: JSON of our own, and SARIF 2.1.0 for pipelines and code hosts.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0. (The object models on PyPI are either
unmaintained or a dependency for what is one small tree here.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from engine import rules
from engine.model.problems import Problem, Severity

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_VERSION = "2.1.0"


def as_json(problems: Sequence[Problem]) -> dict[str, Any]:
    """How many of each severity, and each problem with all that is known of it."""
    counted = Counter(problem.severity for problem in problems)
    return {
        "errors": counted[Severity.ERROR],
        "warnings": counted[Severity.WARNING],
        "problems": [_plain(problem) for problem in problems],
    }


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "rule": problem.rule,
        "severity": problem.severity.value,
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "element": {"type": problem.element_type, "name": problem.element_name, "id": problem.element_id},
        "message": problem.message,
        "fix": problem.fix,
    }


def as_sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """One run with all problems as results, and the rules that they break.

    Levels are SARIF's error and warning; lines and columns count from 1, columns in characters.
    """
    broken = {rule: index for index, rule in enumerate(sorted({problem.rule for problem in problems}))}
    driver = {"name": "Procession", "version": version("procession"), "rules": [_rule(rule) for rule in broken]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, broken) for problem in problems],
    }
    return {"$schema": SARIF_SCHEMA, "version": SARIF_VERSION, "runs": [run]}


def _rule(id: str) -> dict[str, Any]:
    page = rules.find(id)
    if page is None:
        return {"id": id}
    return {"id": id, "shortDescription": {"text": page.title}, "help": {"text": page.text, "markdown": page.text}}


def _result(problem: Problem, broken: Mapping[str, int]) -> dict[str, Any]:
    return {
        "ruleId": problem.rule,
        "ruleIndex": broken[problem.rule],
        "level": problem.severity.value,
        "message": {"text": f"{problem.message} {problem.fix}".strip()},
        "locations": [_location(problem)],
    }


def _location(problem: Problem) -> dict[str, Any]:
    place = problem.place
    physical = {
        "artifactLocation": {"uri": uri(place.file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    }
    return {"physicalLocation": physical, **_element(problem)}


def _element(problem: Problem) -> dict[str, Any]:
    if not problem.element_id:
        return {}
    told = {"fullyQualifiedName": problem.element_id, "kind": "element", "name": problem.element_name}
    return {"logicalLocations": [{name: text for name, text in told.items() if text}]}


def uri(file: str) -> str:
    """A path as SARIF wants it: relative to where the checks ran, or with its scheme."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def errors(problems: Iterable[Problem]) -> int:
    return sum(problem.severity is Severity.ERROR for problem in problems)
