"""The hands of page tests: people who sign in to a site, read its pages and press its buttons."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import event
from werkzeug.test import TestResponse

from engine import SYSTEM, Engine, Role, SettableClock, accounts, definitions
from web import create_app

PASSWORD = "correct-horse"
CAST = {
    "ana": ({Role.ANALYST}, {"clerks"}),
    "ben": ({Role.APPROVER}, {"managers"}),
    "mia": ({Role.APPROVER}, {"managers"}),
    "eve": ({Role.APPROVER}, set()),
    "root": ({Role.ADMIN}, set()),
}
FILES = Path(__file__).parent / "processes"


def add_cast(engine: Engine) -> None:
    with engine.transaction(SYSTEM) as tx:
        for name, (roles, groups) in CAST.items():
            accounts.add(tx, name, name=name.capitalize(), password=PASSWORD, roles=roles, groups=groups)


class Visitor:
    """One person's browser, without a screen."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._token: str | None = None

    def get(self, path: str, *, fragment: bool = False) -> TestResponse:
        asked = {"HX-Request": "true", "HX-Request-Type": "partial"} if fragment else {}
        return self.client.get(path, headers=asked)

    def page(self, path: str) -> str:
        """The text of a page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{words(answer.text)}"
        return words(answer.text)

    def post(self, path: str, data: Mapping[str, object] | None = None, **headers: str) -> TestResponse:
        sent = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(path, data=sent, headers=headers)

    def token(self) -> str:
        """The token that this session's forms carry."""
        if self._token is None:
            page = self.client.get("/login", follow_redirects=True).text
            found = re.search(r'name="csrf-token" content="([^"]+)"', page)
            assert found, page
            self._token = found.group(1)
        return self._token

    def sign_in(self, name: str, password: str = PASSWORD, *, to: str = "/login") -> TestResponse:
        answer = self.post(to, {"id": name, "password": password})
        self._token = None  # a sign-in begins a new session
        return answer

    def upload(self, *names: str) -> TestResponse:
        files = [(io.BytesIO((FILES / name).read_bytes()), name) for name in names]
        return self.post("/definitions/upload", {"files": files})

    def start(self, key: str, values: Mapping[str, object] | None = None, *, business_key: str = "") -> TestResponse:
        found = re.search(r'href="/start/(\d+)" aria-label="Start ' + re.escape(key), self.get("/start/").text)
        assert found, f"{key} cannot be started"
        return self.post(f"/start/{found.group(1)}", {"values": json.dumps(values or {}), "business_key": business_key})


class _Compiled(BytecodeCache):
    """Templates compiled once for all sites of a test run."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Site:
    """The application over its own engine, and a clock that tests move."""

    def __init__(self, engine: Engine, app: Flask) -> None:
        self.engine = engine
        self.app = app

    @classmethod
    def over(cls, engine: Engine) -> Site:
        engine.settings = replace(engine.settings, secret_key="for tests")
        app = create_app(engine)
        app.testing = True
        app.jinja_env.bytecode_cache = _COMPILED
        return cls(engine, app)

    def stranger(self) -> Visitor:
        return Visitor(self.app.test_client())

    def visitor(self, name: str) -> Visitor:
        person = self.stranger()
        answer = person.sign_in(name)
        assert answer.status_code == 302, answer.text
        return person

    def deploy(self, *names: str) -> None:
        with self.engine.transaction(SYSTEM) as tx:
            definitions.deploy(tx, {name: (FILES / name).read_bytes() for name in names})

    def advance(self, **units: float) -> None:
        clock = self.engine.clock
        assert isinstance(clock, SettableClock)
        clock.set(clock.now() + timedelta(**units))
        self.engine.run_until_idle()


@contextmanager
def questions(site: Site) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(site.engine.database, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(site.engine.database, "before_cursor_execute", hear)


def words(page: str) -> str:
    """The text a person reads on a page, in one line."""
    bare = re.sub(r"<(script|style|head)\b.*?</\1>|<!--.*?-->", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", bare)))
