"""Imports go down only; each outside library has one place; one commit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "processes", "web")

LAYERS = (
    {"web"},
    {"engine"},  # the library's face
    {"engine.cli", "engine.dispatch.celery"},
    {"engine.observe.probes"},
    {"engine.worker"},
    {
        "engine.access_tokens",
        "engine.accounts",
        "engine.calls",
        "engine.circuits",
        "engine.conditions",
        "engine.definitions",
        "engine.deployments",
        "engine.dispatch",
        "engine.drafts",
        "engine.external_task_query",
        "engine.external_tasks",
        "engine.gates",
        "engine.inbox",
        "engine.incidents",
        "engine.instances",
        "engine.messages",
        "engine.open_calls",
        "engine.progress",
        "engine.repairs",
        "engine.reports",
        "engine.secrets",
        "engine.services",
        "engine.signals",
        "engine.subscriptions",
        "engine.timers",
        "engine.user_tasks",
        "engine.webhooks",
        "engine.workers",
    },
    {"engine.consistency", "engine.execution", "engine.differences", "engine.waits"},
    {
        "engine.data_stores",
        "engine.history",
        "engine.jobs",
        "engine.leases",
        "engine.observe.gauges",
        "engine.receipts",
        "engine.tries",
        "engine.uploads",
    },
    {"engine.transaction"},
    {"engine.rules"},
    {"engine.bpmn", "engine.storage"},
    {"engine.keys"},
    {
        "engine.observe",
        "engine.clock",
        "engine.config",
        "engine.errors",
        "engine.model",
        "engine.retry",
        "engine.values",
    },
)
"""From top to bottom. A module imports from its own layer or lower ones."""

APART = [("engine.bpmn", "engine.storage"), ("engine.storage", "engine.bpmn"), ("web", "processes")]
"""The first never imports the second: diagrams know no database; examples are named by settings."""

OUTSIDE = "processes.demo_services"

PLACES: dict[str, str | tuple[str, ...]] = {
    "SpiffWorkflow": "engine.bpmn",
    "lxml": "engine.bpmn",
    "opentelemetry": "engine.observe",
    "prometheus_client": "engine.observe",
    "pydantic_monty": "engine.bpmn",
    "pythonjsonlogger": "engine.observe",
    "jinja2": "engine.bpmn",
    "smtplib": "engine.services",
    "argon2": "engine.accounts",
    "alembic": "engine.storage",
    "flask": ("web", OUTSIDE),
    "pydantic": "web",
    "httpx": "engine.services",
    "httpcore": "engine.services",
    "cryptography": "engine.keys",
    "celery": "engine.dispatch",
    "flask_limiter": "web",
    "flask_login": "web",
    "flask_wtf": "web",
    "waitress": "web",
    "werkzeug": "web",
}


@dataclass(frozen=True)
class Import:
    source: str
    target: str
    line: int
    for_types_only: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def trees() -> dict[str, ast.Module]:
    paths = [
        path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts
    ]
    return {module_of(path): ast.parse(path.read_text()) for path in paths}


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(trees()[module]))


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for module in trees() for found in _imports(module))


def _imports(module: str) -> Iterator[Import]:
    guarded = {id(node) for branch in nodes(module) if _is_for_types(branch) for node in ast.walk(branch)}
    for node in nodes(module):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in _targets(node):
                yield Import(module, target, node.lineno, id(node) in guarded)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, f"Expected absolute imports, but line {node.lineno} has a relative one."
    full = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if name in trees() else str(node.module) for name in full]


def is_within(module: str, package: str) -> bool:
    return module == package or (module.startswith(f"{package}.") and package != "engine")


def layer_of(module: str) -> int:
    return next(level for level, layer in enumerate(LAYERS) if any(is_within(module, member) for member in layer))


def test_each_module_has_its_layer() -> None:
    placed = {member for layer in LAYERS for member in layer}
    homeless = [module for module in trees() if not any(is_within(module, one) for one in {*placed, "processes"})]
    gone = [member for member in placed if member not in trees()]

    assert (homeless, gone) == ([], [])


def test_imports_go_down_only() -> None:
    ours = [one for one in imports() if one.source in trees() and one.target.split(".")[0] in ("engine", "web")]
    inside = [one for one in ours if not is_within(one.source, "processes")]

    assert [str(one) for one in inside if layer_of(one.source) > layer_of(one.target)] == []


@pytest.mark.parametrize(("module", "other"), APART)
def test_neighbours_do_not_know_each_other(module: str, other: str) -> None:
    assert [str(one) for one in imports() if is_within(one.source, module) and is_within(one.target, other)] == []


def test_examples_know_the_library_by_its_face() -> None:
    of_examples = [one for one in imports() if is_within(one.source, "processes")]
    face = {"engine", "engine.services.catalog", *(f"engine.{name}" for name in engine.__all__)}

    assert {one.target for one in of_examples if one.target.split(".")[0] in ("engine", "web")} <= face


def test_services_outside_know_nothing_of_us() -> None:
    ours = [one for one in imports() if one.target.split(".")[0] in ("engine", "web")]

    assert [str(one) for one in ours if is_within(one.source, OUTSIDE)] == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in trees()}
    for one in imports():
        if one.target in graph and not one.for_types_only:
            graph[one.source].add(one.target)

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"imports in a circle: {' -> '.join(circle.args[1])}")


@pytest.mark.parametrize(("library", "place"), PLACES.items())
def test_each_library_has_its_place(library: str, place: str | tuple[str, ...]) -> None:
    places = (place,) if isinstance(place, str) else place
    users = [one for one in imports() if is_within(one.target, library)]

    assert users, f"{library} is not used any more"
    assert [str(one) for one in users if not any(is_within(one.source, each) for each in places)] == []


def test_diagrams_know_no_database() -> None:
    assert [str(one) for one in imports() if is_within(one.source, "engine.bpmn") and "sqlalchemy" in one.target] == []


EXTRAS = {"engine.dispatch.broker"}
"""What is imported only where an extra was installed for it."""


def _is_extra(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and {f"{node.module}.{each.name}" for each in node.names} <= EXTRAS


def test_imports_stand_at_the_top() -> None:
    hidden = [
        f"{module}:{node.lineno}"
        for module in trees()
        for function in nodes(module)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not _is_extra(node)
    ]

    assert hidden == []


def test_there_is_one_commit() -> None:
    commits = [
        module
        for module in trees()
        for node in nodes(module)
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    ]

    assert commits == ["engine.transaction"]
