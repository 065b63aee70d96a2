"""What browser tests hold: a real server over a database of the test's own, and pages in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Request
from waitress import create_server

from engine import Engine
from web import create_app
from web.cli import HTTP_THREADS

AXE = Path(__file__).parents[1] / "web" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = frozenset({"serious", "critical"})
PASSWORD = "procession-demo"


@dataclass(frozen=True, slots=True)
class Server:
    """The application, its worker included, on a free port of this machine."""

    address: str
    engine: Engine


@contextmanager
def serving(engine: Engine) -> Iterator[Server]:
    listener = create_server(
        create_app(engine), host="127.0.0.1", port=0, threads=HTTP_THREADS, ident=None, channel_request_lookahead=1
    )
    thread = threading.Thread(target=listener.run, name="server")
    thread.start()
    try:
        engine.start_worker()
        yield Server(f"http://127.0.0.1:{listener.effective_port}", engine)
    finally:
        engine.bell.close()
        with suppress(OSError):  # a request that ends just now has woken it already
            listener.trigger.pull_trigger(listener.close)  # in its own thread, which else would notice a second later
        thread.join(timeout=10)
        listener.task_dispatcher.shutdown()  # requests of clients that have hung up go on a little longer


def sign_in(page: Page, name: str, *, password: str = PASSWORD) -> None:
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)


def wait_for_islands(page: Page) -> None:
    """Wait until each island on the page is drawn: it has loaded its part of the program, and its data."""
    for island in page.locator("[data-island]").all():
        island.and_(page.locator("[data-ready]")).wait_for()


def axe(page: Page) -> None:
    """Fail on each serious accessibility fault of the page as it is now, naming rule and place."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    faults = [
        f"{one['id']}: {one['help']} at {node['target']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
    assert not faults, f"{page.url}\n" + "\n".join(faults)


class Complaints:
    """What a browser logs as wrong: errors of scripts, and all that the content security policy stopped."""

    def __init__(self, page: Page) -> None:
        self.texts: list[str] = []
        page.on("pageerror", lambda error: self.texts.append(str(error)))
        page.on("console", self._hear)
        page.on("requestfailed", self._fail)

    def _hear(self, message: ConsoleMessage) -> None:
        # An answer like 404 is logged too; the tests look at those themselves.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.texts.append(message.text)

    def _fail(self, request: Request) -> None:
        if request.failure and "ERR_ABORTED" not in request.failure:  # aborted: the page was left meanwhile
            self.texts.append(f"{request.url}: {request.failure}")
