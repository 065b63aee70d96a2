"""A revision that older programs cannot work with says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.storage import migrations

VERSIONS = sorted((Path(migrations.__file__).parent / "versions").glob("0*.py"))
SINCE = "0015"
"""From this revision on programs may be older than the database."""
FORBIDDING = {
    "alter_column",
    "create_check_constraint",
    "create_foreign_key",
    "create_primary_key",
    "create_unique_constraint",
    "drop_column",
    "drop_table",
    "rename_table",
}
SAYS_SO = "end_programs_before"


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id, node


def options(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def is_against_older_programs(name: str, call: ast.Call) -> bool:
    told = options(call)
    if name == "add_column":
        columns = [options(column) for kind, column in calls(call) if kind == "Column"]
        return any(column.get("nullable") == "False" and "server_default" not in column for column in columns)
    return name in FORBIDDING or (name == "create_index" and told.get("unique") == "True")


def is_silent(source: str) -> bool:
    """Whether it takes away or forbids something, and does not say so."""
    found = list(calls(ast.parse(source)))
    says_so = any(name == SAYS_SO for name, _ in found)
    return not says_so and any(is_against_older_programs(name, call) for name, call in found)


@pytest.mark.parametrize("path", [path for path in VERSIONS if path.stem[:4] >= SINCE], ids=lambda path: path.stem)
def test_each_revision_says_when_it_ends_older_programs(path: Path) -> None:
    assert not is_silent(path.read_text()), f"{path.name} should call {SAYS_SO}(revision)"


@pytest.mark.parametrize(
    ("source", "silent"),
    [
        ('op.drop_column("job", "kind")', True),
        ('op.drop_column("job", "kind")\nolder.end_programs_before(revision)', False),
        ('with op.batch_alter_table("job") as job:\n    job.alter_column("kind", nullable=False)', True),
        ('op.add_column("job", sa.Column("colour", sa.Text(), nullable=False))', True),
        ('op.add_column("job", sa.Column("colour", sa.Text(), nullable=False, server_default="red"))', False),
        ('op.add_column("job", sa.Column("colour", sa.Text()))', False),
        ('op.create_table("stamp", sa.Column("colour", sa.Text(), nullable=False))', False),
        ('op.create_index("ix", "job", ["kind"], unique=True)', True),
        ('op.create_index("ix", "job", ["kind"])', False),
    ],
)
def test_what_older_programs_cannot_work_with_is_told_from_the_rest(source: str, silent: bool) -> None:
    assert is_silent(source) == silent
