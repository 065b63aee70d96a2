"""What README says is true: every command, setting and executed element is named in it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from engine.bpmn.elements import constructs
from engine.bpmn.global_tasks import KINDS
from engine.bpmn.parse import _BUILD
from engine.config import Settings
from web.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def _rows(heading: str) -> dict[str, str]:
    """First and second cell of each row of the table under a heading."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "]
    return {row[0]: row[1] for row in cells}


def test_every_setting_is_named() -> None:
    named = set(re.findall(r"`PROCESSION_(\w+)`", README))

    assert named == {field.name.upper() for field in fields(Settings)}


def test_every_command_is_named() -> None:
    for name, command in main.commands.items():
        assert f"`procession {name}" in README
        for inner in command.commands if isinstance(command, click.Group) else ():
            assert inner in README


def test_the_support_table_is_that_of_the_engine() -> None:
    section = README.split("## What is executed\n")[1].split("\n## ")[0]

    assert [line for line in section.splitlines() if line.startswith("|")] == list(constructs.rows())


@pytest.mark.parametrize("name", sorted(_BUILD))
def test_whatever_is_built_is_in_the_table(name: str) -> None:
    assert name in constructs.EXECUTED


@pytest.mark.parametrize("name", sorted(KINDS))
def test_global_tasks_are_in_the_table(name: str) -> None:
    assert name in constructs.EXECUTED


def test_every_file_on_the_map_exists() -> None:
    for cell in _rows("The map").values():
        for name in re.findall(r"`([\w/.]+)`", cell):
            assert any((ROOT / folder / name).exists() for folder in (".", "engine")), name
