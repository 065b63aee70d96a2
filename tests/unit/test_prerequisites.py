"""What is said and done about Debian packages that are missing."""

from __future__ import annotations

import os

import pytest

from tests import prerequisites
from tests.prerequisites import Prerequisite

LACKING = (
    Prerequisite("chromium", "tests in a browser", lambda: False),
    Prerequisite("git", "history", lambda: True),
)


@pytest.fixture(autouse=True)
def _lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "PREREQUISITES", LACKING)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("CI", raising=False)


def test_what_is_left_out_is_named_with_the_command_that_gets_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert prerequisites.main(["chromium", "git"]) == 0

    assert capsys.readouterr().err == (
        "Left out: tests in a browser, because chromium is missing.\n"
        "Get it by: sudo apt-get install --yes --no-install-recommends chromium\n"
    )


def test_nothing_is_said_when_nothing_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert prerequisites.main(["git"]) == 0

    assert capsys.readouterr() == ("", "")


def test_a_missing_part_fails_where_all_must_be_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    assert prerequisites.main(["chromium"]) == 1


def test_what_everything_needs_fails_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    vital = Prerequisite("python3-venv", "everything", lambda: False, is_vital=True)
    monkeypatch.setattr(prerequisites, "PREREQUISITES", (vital,))

    assert prerequisites.main(["python3-venv"]) == 1


def test_root_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(prerequisites.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(prerequisites, "install", lambda lacking: installed.extend(one.package for one in lacking))

    prerequisites.main(["chromium", "git"])

    assert installed == ["chromium"]
