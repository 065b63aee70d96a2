"""A browser, and for each test a server with the demonstration in a database of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from engine import Engine, Settings
from tests import outside
from tests.live import Complaints, Server, serving, sign_in
from web import demo

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",  # it refuses to run as root with one; it sees our own pages only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 10_000

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        missing = f"Left out: tests in a browser, because there is no {CHROMIUM}. Run: make test"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database with the demonstration's people, examples and open work; tests get copies."""
    folder = tmp_path_factory.mktemp("demonstration")
    path = folder / "procession.db"
    with outside.serving(folder / "demo-services.db") as services:
        with Engine(_settings(path)) as engine:
            engine.migrate()
            demo.prepare(engine, services.address)
            engine.run_until_idle()
        yield path


@pytest.fixture
def server(_demonstration: Path, tmp_path: Path) -> Iterator[Server]:
    path = Path(shutil.copy(_demonstration, tmp_path))
    with Engine(_settings(path)) as engine, serving(engine) as server:
        yield server


def _settings(path: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{path}",
        services=demo.services(),
        secret_key="for tests",
        http_private=("127.0.0.0/8",),
    )


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Open a page as a browser of its own, signed in when `name` is given; other options are Playwright's.

    At its end the test fails when a page logged an error: a script's, or of the content security policy.
    """
    contexts = []
    complaints = []

    def open_page(name: str | None = None, **options: object) -> Page:
        context = browser.new_context(base_url=server.address, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        complaints.append(Complaints(page))
        if name is not None:
            sign_in(page, name)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for complaint in complaints for text in complaint.texts] == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page that nobody has signed in to."""
    return open_page()
