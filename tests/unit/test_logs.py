"""Each line of the log is an event with its keys, and with what is in hand."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.observe import logs
from engine.observe.logs import about, note

log = logging.getLogger("engine.test_logs")
Lines = Callable[[], list[Any]]


@pytest.fixture
def text() -> Iterator[io.StringIO]:
    yield from _writing(logs.TEXT)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was written as JSON, read again."""
    for stream in _writing(logs.JSON):
        yield lambda stream=stream: [json.loads(line) for line in stream.getvalue().splitlines()]


def _writing(how: str) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logs.handler(how, stream)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield stream
    log.removeHandler(handler)


def test_a_line_for_a_program_is_an_object(lines: Lines) -> None:
    log.warning("job failed", extra={"error": 'a "word"\nand another', "since": datetime(2026, 1, 5, tzinfo=UTC)})

    (line,) = lines()
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "WARNING",
        "logger": "engine.test_logs",
        "event": "job failed",
        "error": 'a "word"\nand another',
        "since": "2026-01-05T00:00:00+00:00",
    }


@pytest.mark.parametrize("value", ["\ud800", 2**70, object(), b"bytes", {1, 2}])
def test_no_value_keeps_a_line_from_being_written(lines: Lines, value: object) -> None:
    log.info("odd", extra={"value": value})

    assert [line["event"] for line in lines()] == ["odd"]


def test_an_exception_stays_on_its_line(lines: Lines) -> None:
    try:
        raise ConnectionError("no answer")
    except ConnectionError:
        log.exception("worker goes on")

    (line,) = lines()
    assert line["exception"].splitlines()[-1] == "ConnectionError: no answer"


def test_a_line_for_a_person_ends_with_the_same_keys(text: io.StringIO) -> None:
    with about(job=7, instance=3, element="charge"):
        log.info("job done", extra={"kind": "service"})

    assert text.getvalue().endswith("INFO engine.test_logs job done kind=service job=7 instance=3 element=charge\n")


def test_lines_tell_what_is_in_hand_until_it_is_not(lines: Lines) -> None:
    with about(job=7):
        log.info("taken")
        note(instance=3, element="charge", kind=None)
        log.info("looked at")
    log.info("done")

    keys = [{key: line[key] for key in ("job", "instance", "element", "kind") if key in line} for line in lines()]
    assert keys == [{"job": 7}, {"job": 7, "instance": 3, "element": "charge"}, {}]


def test_the_element_of_one_instance_is_not_told_of_another(lines: Lines) -> None:
    with about(job=7, instance=3, element="order"):
        with about(instance=4):
            log.info("called")
        with about(instance=3):
            log.info("own")

    assert [(line["job"], line["instance"], line.get("element")) for line in lines()] == [(7, 4, None), (7, 3, "order")]


def test_a_line_knows_better_than_what_is_in_hand(lines: Lines) -> None:
    with about(instance=3):
        log.info("incident", extra={"instance": 4})

    assert lines()[0]["instance"] == 4


def test_a_note_without_a_block_is_told_nowhere(lines: Lines) -> None:
    note(instance=3)
    log.info("idle")

    assert "instance" not in lines()[0]
