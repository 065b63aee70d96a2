"""Times, values and history as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, g

from engine import Event, Json, SettableClock
from web import filters, listing
from web.context import KEY

NOW = SettableClock().now()


@pytest.fixture(autouse=True)
def app() -> Iterator[Flask]:
    app = Flask("test")
    app.extensions[KEY] = SimpleNamespace(clock=SettableClock())
    with app.test_request_context():
        g.people = {"ben": "Ben Okafor"}
        yield app


@pytest.mark.parametrize(
    ("distance", "told"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(seconds=59), "in less than a minute"),
        (timedelta(seconds=-60), "1 minute ago"),
        (timedelta(minutes=59), "in 59 minutes"),
        (timedelta(hours=-1), "1 hour ago"),
        (timedelta(hours=47), "in 1 day"),
        (timedelta(days=-59), "59 days ago"),
        (timedelta(days=61), "in 2 months"),
        (timedelta(days=-800), "26 months ago"),
    ],
)
def test_a_distance_is_told_in_one_unit(distance: timedelta, told: str) -> None:
    assert filters.ago(NOW + distance) == told


@pytest.mark.parametrize(("hours", "stand"), [(-1, "overdue"), (23, "soon"), (25, "later")])
def test_a_due_date_is_overdue_soon_or_later(hours: int, stand: str) -> None:
    assert filters.due(NOW + timedelta(hours=hours)) == stand


def test_moments_are_told_in_the_zone_of_the_site() -> None:
    moment = datetime(2025, 12, 31, 23, 30, 5, tzinfo=UTC)

    assert filters.at(moment, ZoneInfo("Europe/Rome")) == "Thu 1 Jan 2026, 00:30"
    assert filters.at_second(moment, ZoneInfo("Europe/Rome")) == "1 Jan 00:30:05"
    assert filters.at_second(moment, ZoneInfo("UTC")) == "31 Dec 2025 23:30:05"
    assert filters.at(None, ZoneInfo("UTC")) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "empty"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        ("a <b>", "a <b>"),
        (Decimal("12.50"), "12.50"),
        (date(2026, 1, 5), "2026-01-05"),
        (b"abc", "3 bytes"),
        ([], "[]"),
        ({"a": Decimal("1.5")}, '{\n  "a": 1.5\n}'),
        ([date(2026, 1, 5), b"ab", 2**70], '[\n  "2026-01-05",\n  "2 bytes",\n  1180591620717411303424\n]'),
        ({1: "x"}, '{\n  "1": "x"\n}'),
    ],
)
def test_a_value_is_told_as_people_read_it(value: Json, text: str) -> None:
    assert filters.text_of(value) == text


def event(kind: str, **data: Json) -> Event:
    return Event(1, NOW, "ana", kind, None, data)


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (event("task reassigned", task=7, to="ben"), "Task reassigned to Ben Okafor"),
        (event("variable set", name="amount", scope="", value={"$": ["decimal", "12.50"]}), "amount set to 12.50"),
        (event("variable set", name="x" * 10, scope="", value="y" * 400), "x" * 10 + " set to " + "y" * 300 + " ..."),
        (event("instance cancelled", reason="{reason} {0}"), "Instance cancelled: {reason} {0}"),
        (event("task reassigned"), "Task reassigned to "),
        (event("task completed", task=7, decision="Refuse"), "Task completed: Refuse"),
        (event("task completed", task=7), "Task completed"),
        (event("moved by magic", where="here", how=None), "Moved by magic: where here, how empty"),
        (event("job done"), "Job done"),
    ],
)
def test_a_fact_is_told_as_a_sentence(fact: Event, told: str) -> None:
    assert filters.event_text(fact) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("userTask", "user task"),
        ("exclusiveGateway", "exclusive gateway"),
        ("task", "task"),
        ("subProcess", "sub-process"),
        ("adHocSubProcess", "ad-hoc sub-process"),
        ("subChoreography", "sub choreography"),
    ],
)
def test_an_element_type_is_told_in_words(name: str, told: str) -> None:
    assert filters.words(name) == told


@pytest.mark.parametrize(
    ("query", "offset"), [("", 0), ("offset=50", 50), ("offset=-1", 0), ("offset=x", 0), ("offset=9e9", 0)]
)
def test_a_stretch_begins_somewhere_sensible(app: Flask, query: str, offset: int) -> None:
    with app.test_request_context(f"/?{query}"):
        assert listing.offset() == offset


@pytest.mark.parametrize(("seconds", "told"), [(0.0028, "3 ms"), (1.52, "1.5 s"), (75, "75 s"), (4_000, "4,000 s")])
def test_how_long_something_took(seconds: float, told: str) -> None:
    assert filters.took(timedelta(seconds=seconds)) == told
