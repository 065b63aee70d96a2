"""The stories of tests/processes/stories by clicks: uploaded, started, worked on and looked at as people do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from engine import (
    SYSTEM,
    Actor,
    Engine,
    Role,
    SettableClock,
    Settings,
    accounts,
    definitions,
    instances,
    messages,
    services,
    user_tasks,
)
from engine.model import Json
from engine.model.forms import Button, Field, FieldKind, Form
from tests.driver import ROOT, Driver, Story
from tests.live import PASSWORD, Complaints, serving, sign_in
from tests.stories import STORIES
from tests.stories.telling import CAST, Telling, files, serve

pytestmark = pytest.mark.browser

PATIENCE_MS = 10_000
BEGINNING = SettableClock().now()
Desks = Callable[[str], Page]
"""The browser of a person, who is signed in."""


# ---- one server and one browser for each person --------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("stories") / "procession.db"
    settings = Settings(database_url=f"sqlite:///{path}", secret_key="for tests")
    with Engine(settings, clock=SettableClock()) as engine:
        engine.migrate()
        with engine.transaction(SYSTEM) as tx:
            for name, groups in [(actor.id, actor.groups) for actor in CAST.values()] + [("root", frozenset())]:
                roles = {"ana": {Role.ANALYST}, "root": {Role.ADMIN}}.get(name, {Role.APPROVER})
                accounts.add(tx, name, name=name.capitalize(), password=PASSWORD, roles=roles, groups=groups)
        yield engine


@pytest.fixture(scope="module")
def desks(browser: Browser, engine: Engine) -> Iterator[Desks]:
    pages: dict[str, Page] = {}
    complaints: list[Complaints] = []
    with serving(engine) as server:
        engine.stop_worker()  # what is due is done by the test, when its time has come

        def desk(person: str) -> Page:
            if person not in pages:
                context = browser.new_context(base_url=server.address)
                context.set_default_timeout(PATIENCE_MS)
                pages[person] = context.new_page()
                complaints.append(Complaints(pages[person]))
                sign_in(pages[person], person)
            return pages[person]

        yield desk
        for page in pages.values():
            page.context.close()
    assert [text for complaint in complaints for text in complaint.texts] == []


@pytest.fixture(scope="module")
def uploaded() -> set[str]:
    """Diagrams that are deployed already."""
    return set()


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """For business keys: each story finds its own tasks by its key."""
    return count(1001)


# ---- hands ---------------------------------------------------------------------------------------------------------


class Hands:
    """What tests/driver.py does by the library, by clicks; time, messages and signals come from outside."""

    def __init__(self, engine: Engine, desks: Desks, key: str) -> None:
        self.engine, self.desks, self.key = engine, desks, key
        assert isinstance(engine.clock, SettableClock)
        self.driver = Driver(engine, engine.clock)
        self.unasked: set[str] = set()
        """Variables that had to be set by the library, because no form asks for them."""

    # ---- diagrams and instances

    def upload(self, *files: Path) -> None:
        page = self.desks("ana")
        go(page, "/definitions/upload")
        page.get_by_label("BPMN diagrams").set_input_files(files)
        page.get_by_role("button", name="Check and deploy").click()
        expect(page.get_by_role("status").first).to_contain_text("is deployed as version 1")

    def start(self, diagram: str, given: Mapping[str, Json]) -> None:
        """By the start page, when its form asks for all that is given."""
        with self.engine.reading(CAST["ana"]) as tx:
            definition = next(each for each in definitions.startable(tx) if each.file == f"{diagram}.bpmn")
            form = definitions.start_form(tx, definition.id) or Form()
        unasked = _unasked(form, given)
        self.unasked |= unasked
        if unasked:
            with self.engine.transaction(CAST["ana"]) as tx:
                instances.start(tx, definition.key, variables=dict(given), business_key=self.key)
        else:
            self._start(definition.name, form, given)
        self.engine.run_until_idle()

    def _start(self, name: str, form: Form, given: Mapping[str, Json]) -> None:
        page = self.desks("ana")
        go(page, "/start/")
        page.get_by_role("link", name=f"Start {name}", exact=True).click()
        fill(page, form, given)
        page.get_by_label("Business key").fill(self.key)
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_role("status").first).to_contain_text(f"Started: {name} ({self.key})")

    def story(self) -> Story:
        with self.engine.reading(ROOT) as tx:
            (row,) = instances.find(tx, business_key=self.key)
        return Story(self.driver, row.id)

    def expect_over(self, story: Story, telling: Telling) -> None:
        """What an administrator reads."""
        page = self.desks("root")
        go(page, f"/instances/?business_key={self.key}")
        page.get_by_role("link", name=self.key).click()
        main = page.get_by_role("main")
        expect(main.get_by_role("status").first).to_contain_text(re.compile(telling.status, re.IGNORECASE))
        rows = main.get_by_role("region", name="Elements and their states").get_by_role("row")
        shown = rows.all_inner_texts()
        for name in dict.fromkeys(telling.path.split(" > ")):
            assert any(row.startswith(name) for row in shown), f"Expected {name} among {shown}."
        assert not any("incident" in row or "active" in row for row in shown)
        main.locator('[data-island="viewer"][data-ready]').wait_for()

    # ---- people

    def expect_inbox(self, actor: Actor, names: list[str]) -> None:
        page, found = self.desks(actor.id), []
        for view in ("mine", "groups"):
            go(page, f"/?view={view}&search={self.key}")
            found += page.get_by_role("region", name="Tasks").locator("li[id^=task] a").all_inner_texts()
        assert sorted(found) == sorted(names)

    def complete(self, actor: Actor, name: str, **values: Json) -> None:
        self._complete(self.desks(actor.id), actor, name, values)

    def press(self, actor: Actor, name: str, button: str, **values: Json) -> None:
        self._complete(self.desks(actor.id), actor, name, values, button)

    def _complete(
        self, page: Page, actor: Actor, name: str, values: Mapping[str, Json], button: str | None = None
    ) -> None:
        self._open(page, name)
        task = int(page.url.rstrip("/").rpartition("/")[2])
        with self.engine.reading(actor) as tx:
            form = user_tasks.form(tx, task)[0]
        pressed = next((each for each in form.buttons if _is_meant(each, button, values)), None)
        rest = {key: value for key, value in values.items() if pressed is None or key not in pressed.values}
        unasked = _unasked(form, rest)
        self.unasked |= unasked
        if unasked:
            with self.engine.transaction(actor) as tx:
                user_tasks.complete(tx, task, dict(values))
        else:
            fill(page, form, rest)
            label = pressed.label if pressed else "Complete"
            page.locator("#form").get_by_role("button", name=label, exact=True).click()
            expect(page.get_by_role("status").first).to_contain_text(f"Completed: {name}")
        self.engine.run_until_idle()

    def _open(self, page: Page, name: str) -> None:
        """Claim the first task of that name, unless it is one's own already."""
        go(page, f"/?view=groups&search={self.key}")
        claim = page.get_by_role("button", name=f"Claim {name}, {self.key}", exact=True)
        if claim.count():
            claim.first.click()
        else:
            go(page, f"/?view=mine&search={self.key}")
            page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_text("You have this task.")).to_be_visible()

    # ---- the world outside

    def tick(self, **units: float) -> None:
        self.driver.tick(**units)

    def tell(self, message: str, **payload: Json) -> None:
        with self.engine.transaction(ROOT) as tx:
            messages.correlate(tx, message, business_key=self.key, variables=payload)
        self.engine.run_until_idle()

    def call_out(self, signal: str, **payload: Json) -> None:
        self.driver.call_out(signal, **payload)


def _unasked(form: Form, values: Mapping[str, Json]) -> set[str]:
    """Names of the values that no field asks for, or none that could hold them."""
    fields = {field.key: field for field in form.fields}
    return {key for key, value in values.items() if key not in fields or not _holds(fields[key].kind, value)}


def _holds(kind: FieldKind, value: Json) -> bool:
    if kind is FieldKind.LINES:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if kind in (FieldKind.NUMBER, FieldKind.INTEGER):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) if kind is FieldKind.TEXT else not isinstance(value, list | dict)


def _is_meant(button: Button, label: str | None, values: Mapping[str, Json]) -> bool:
    if label is not None:
        return button.label == label
    return bool(button.values) and button.values.items() <= values.items()


def go(page: Page, path: str) -> None:
    """Open a page without waiting for its picture."""
    page.goto(path, wait_until="domcontentloaded")


# ---- forms ---------------------------------------------------------------------------------------------------------


def fill(page: Page, form: Form, values: Mapping[str, Json]) -> None:
    """Type into each field what it shall hold, as a person would."""
    if not form.fields:
        return
    island = page.locator('[data-island="form"][data-ready]')
    island.wait_for()
    for field in form.fields:
        if field.key in values:
            _FILL.get(field.kind, _type)(island, field, values[field.key])


def _labelled(island: Locator, field: Field) -> Locator:
    return island.get_by_label(re.compile(rf"^{re.escape(field.label)}\s*\*?$"))


def _type(island: Locator, field: Field, value: Json) -> None:
    _labelled(island, field).fill(str(value))


def _type_lines(island: Locator, field: Field, value: Json) -> None:
    _labelled(island, field).fill("\n".join(value))


def _tick(island: Locator, field: Field, value: Json) -> None:
    _labelled(island, field).set_checked(bool(value))


def _choose(island: Locator, field: Field, value: Json) -> None:
    label = next(option.label for option in field.options if option.value == value)
    button = island.get_by_role("radio", name=label, exact=True)
    if button.count():
        return button.check()
    _labelled(island, field).focus()
    island.locator(".fjs-dropdownlist-item").get_by_text(label, exact=True).click()


def _date(island: Locator, field: Field, value: Json) -> None:
    day = value if isinstance(value, date) else date.fromisoformat(str(value))
    _labelled(island, field).fill(day.strftime("%m/%d/%Y"))
    _labelled(island, field).press("Tab")


_FILL = {FieldKind.LINES: _type_lines, FieldKind.CHECKBOX: _tick, FieldKind.CHOICE: _choose, FieldKind.DATE: _date}


# ---- the stories ---------------------------------------------------------------------------------------------------

UNASKED = {
    "contract-renewal": {"owner", "review_date"},
    "expense-report": {"employee", "amount", "approved"},
    "insurance-claim": {"claim", "damage"},
    "loan-application": {"income", "amount"},
    "publication-review": {"reviewers", "author", "opinion"},
    "room-booking": {"size", "rooms", "tries", "found"},
    "shipment": {"stations", "patience"},
    "trial-enrolment": {"visits"},
    "vendor-onboarding": {"documents"},
}
"""Variables that the stories of a diagram set though none of its forms asks for them."""


@pytest.mark.parametrize("telling", STORIES, ids=lambda telling: telling.title.replace(" ", "_"))
def test_story_by_clicks(
    telling: Telling,
    engine: Engine,
    desks: Desks,
    uploaded: set[str],
    numbers: Iterator[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "_SERVICES", {})
    hands = Hands(engine, desks, f"K-{next(numbers)}")
    hands.driver.clock.set(BEGINNING)
    serve(hands.driver, telling)
    if telling.diagram not in uploaded:
        hands.upload(*files(telling.diagram))
        uploaded.add(telling.diagram)

    if telling.by_hand:
        hands.start(telling.diagram, telling.given)
    for step in telling.steps:
        step(hands)

    story = hands.story()
    assert " > ".join(story.named_path()) == telling.path
    assert story.values().items() >= telling.values.items()
    hands.expect_over(story, telling)
    assert hands.unasked <= UNASKED.get(telling.diagram, set())
