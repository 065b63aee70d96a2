"""compose.yaml and Dockerfile run what there is: commands, queues and settings of these names."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from engine.config import Settings
from engine.worker import LANES
from web.cli import main

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
OTHERS = {"PROBED_PORT"}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one(name: str) -> None:
    known = {f"PROCESSION_{field.name.upper()}" for field in fields(Settings)}
    assert set(OURS[name]["environment"]) - OTHERS <= known


def test_the_queues_of_all_workers_are_all_there_are() -> None:
    commands = [service["command"] for service in OURS.values() if service["command"][0] == "celery"]
    queues = [queue for command in commands for queue in command[command.index("-Q") + 1].split(",")]
    assert sorted(queues) == sorted(LANES)


@pytest.mark.parametrize("name", [name for name in OURS if OURS[name]["command"][0] == "procession"])
def test_every_command_can_be_parsed(name: str) -> None:
    _, command, *options = OURS[name]["command"]
    found = main.commands[command]
    found.make_context(command, list(options), resilient_parsing=False)


def test_the_image_installs_extras_that_there_are() -> None:
    told = re.search(r"'\.\[([a-z,0-9]+)\]'", (ROOT / "Dockerfile").read_text())
    declared = (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]")[1].split("[project.")[0]
    assert told is not None
    assert set(told.group(1).split(",")) <= set(re.findall(r"^(\w+) = \[", declared, re.MULTILINE))
