"""The services that the examples call, served from here: on their own, or beside the pages of a demonstration."""

from __future__ import annotations

import logging
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from waitress.server import create_server

MODULE = "processes.demo_services.app"
"""Imported by name, and only when it is asked for."""
FILE = Path("demo-services.db")
PORT = 8090
THREADS = 16


def listen(file: Path, *, host: str, port: int) -> Any:
    """A server that is yet to run. Raises OSError where the port is taken."""
    logging.getLogger("waitress").setLevel(logging.ERROR)  # it warns of each connection that is dropped on purpose
    app = import_module(MODULE).create_app(file)
    return create_server(app, host=host, port=port, threads=THREADS, ident=None)


def address(server: Any) -> str:
    return f"http://{server.effective_host}:{server.effective_port}"


def start(server: Any) -> None:
    """Run it until this process ends, however it ends."""
    threading.Thread(target=server.run, name="demo-services", daemon=True).start()
