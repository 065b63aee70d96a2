"""The demo services as tests have them: in a thread, or in a process that can be killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from waitress import wasyncore

from web import demo_services

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Outside:
    """Where they are, and what may be asked of them."""

    address: str

    def switch(self, endpoint: str, **told: float | bool) -> None:
        """What is not named is off."""
        self._ask("PUT", f"/switches/{endpoint}", told)

    def ledger(self) -> Any:
        return self._ask("GET", "/ledger")

    def acts(self, thing: str = "") -> list[str]:
        """What was done, oldest first."""
        entries = self.ledger()["entries"]
        return [entry["act"] for entry in entries if thing in ("", entry["thing"], entry["reference"])]

    def _ask(self, method: str, path: str, told: object = None) -> Any:
        content = None if told is None else json.dumps(told).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self.address + path, content, headers, method=method)) as answer:
            return json.loads(answer.read())


@contextmanager
def serving(file: Path) -> Iterator[Outside]:
    server = demo_services.listen(file, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, name="demo-services", daemon=True)
    thread.start()
    try:
        yield Outside(demo_services.address(server))
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))  # callers keep their connections open
        thread.join(timeout=10)


class Process:
    """`procession demo-services`, on the same port each time it is started."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, 0
        self._running: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        command = [sys.executable, "-c", "from web.cli import main; main()", "demo-services"]
        options = ["--port", str(self._port), "--file", str(self._folder / "services.db")]
        log = self._folder / "services.txt"
        with log.open("w") as said:
            self._running = subprocess.Popen([*command, *options], cwd=ROOT, stdout=said, stderr=said, text=True)
        self._port = self._said_port(log)

    def kill(self) -> None:
        if self._running is not None:
            self.strike()
            self._running.wait()

    def strike(self) -> None:
        """Kill it, and leave it there."""
        assert self._running is not None
        self._running.send_signal(signal.SIGKILL)

    @property
    def is_killed(self) -> bool:
        return self._running is not None and self._running.poll() is not None

    @property
    def outside(self) -> Outside:
        return Outside(f"http://127.0.0.1:{self._port}")

    @staticmethod
    def _said_port(log: Path) -> int:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
                return int(found.group(1))
            time.sleep(0.05)
        raise AssertionError(log.read_text())
