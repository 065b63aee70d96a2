"""What README says is true: every command, setting and executed element is named in it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click

from engine.bpmn.check.support import EXECUTED, NONE, TRIGGERS
from engine.bpmn.global_tasks import KINDS
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


def test_the_support_table_names_what_is_executed() -> None:
    named = {element for row in _rows("What is executed") for element in row.split(", ")}

    executed = EXECUTED | set(KINDS)

    assert named >= executed
    assert {name for name in named if name[0].islower() and name.endswith(("Task", "Event", "Gateway"))} <= executed


def test_the_support_table_names_each_trigger() -> None:
    for event, triggers in TRIGGERS.items():
        told = set(re.split(r"[,;] ", _rows("What is executed")[event]))
        optional = {NONE} if event == "boundaryEvent" else set()
        assert told & {"none", *(t for each in TRIGGERS.values() for t in each)} == triggers - optional


def test_every_file_on_the_map_exists() -> None:
    for cell in _rows("The map").values():
        for name in re.findall(r"`([\w/.]+)`", cell):
            assert any((ROOT / folder / name).exists() for folder in (".", "engine")), name
