"""A real HTTP service on this machine whose answers tests say beforehand; it remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    status: int = 200
    body: object = None
    """Bytes as they are, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    until: threading.Event | None = None
    """What it waits for before it answers."""

    @property
    def content(self) -> bytes:
        return (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )


@dataclass
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class HttpService:
    """Answers with the next of its replies, the last one again and again."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.replies: list[Reply] = [Reply(body={})]
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def answers(self, *replies: Reply) -> None:
        self.replies, self.asked = list(replies), []

    def take(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            return self.replies[min(len(self.asked), len(self.replies)) - 1]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[HttpService]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = service.take(Asked(self.command, self.path, dict(self.headers.items()), content))
            if reply.until is not None:
                reply.until.wait(20)
            self._answer(reply)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def _answer(self, reply: Reply) -> None:
            headers = {"Content-Type": "application/json", "Content-Length": str(len(reply.content))} | dict(
                reply.headers
            )
            self.send_response(reply.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(reply.content)
            except OSError:
                self.close_connection = True  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    service = HttpService(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, name="http-service", kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
