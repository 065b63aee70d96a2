"""The built assets: what each kind of page may weigh, and that a build asks no registry by address."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from web import assets

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "web" / "frontend"

BUDGETS = {"inbox": ((), 20), "diagram": (("src/viewer.js",), 90), "form": (("src/form.js",), 190)}
"""Page -> the islands on it, and the kB (1000 bytes) that all its scripts may have together, compressed."""


def scripts(*sources: str) -> set[str]:
    """The built scripts that load when these sources do."""
    manifest = assets.manifest()
    waiting, found = list(sources), set()
    while waiting:
        chunk = manifest[waiting.pop()]
        if chunk["file"] not in found:
            found.add(chunk["file"])
            waiting += chunk.get("imports", [])
    return found


@pytest.mark.parametrize("page", BUDGETS)
def test_a_page_stays_light(page: str) -> None:
    islands, budget_kb = BUDGETS[page]

    files = scripts("src/theme.js", "src/app.js", *islands)

    size_bytes = sum(len(gzip.compress((assets.DIST / file).read_bytes())) for file in files)
    assert size_bytes <= budget_kb * 1000


def test_the_theme_is_a_script_of_its_own() -> None:
    """It is loaded as a classic script, before anything is painted: an import would stop it."""
    (file,) = scripts("src/theme.js")

    assert "import" not in (assets.DIST / file).read_text()


def test_islands_load_only_when_a_page_shows_them() -> None:
    on_every_page = scripts("src/app.js")

    for island in assets.manifest()["src/app.js"]["dynamicImports"]:
        assert assets.manifest()[island]["file"] not in on_every_page


def test_no_script_makes_code_from_text() -> None:
    """The content security policy forbids it; htmx would for these attributes only."""
    templates = (path.read_text() for path in (ROOT / "web" / "templates").rglob("*.html"))

    assert not [word for text in templates for word in ("hx-on", "js:", "javascript:", " style=") if word in text]


@pytest.mark.parametrize(
    "name", ["constraints.txt", "pyproject.toml", "web/frontend/.npmrc", "web/frontend/package.json"]
)
def test_pins_name_no_registry(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((FRONTEND / "package-lock.json").read_text())

    assert [path for path, text in texts(lock) if "://" in text and "/funding/" not in path] == []
    assert all("integrity" in package for path, package in lock["packages"].items() if path)


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """All strings in a JSON value, each with the way to it."""
    if isinstance(value, str):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from texts(child, f"{path}/{key}")
