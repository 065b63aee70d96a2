"""How a call that fails is tried again: camunda:failedJobRetryTimeCycle, or procession:retry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.bpmn import dialects, schedule
from engine.bpmn.nodes import Node, bpmn, camunda, own
from engine.retry import LONGEST_PAUSE, MOST_TRIES, Retry

CYCLE, RETRY = camunda("failedJobRetryTimeCycle"), own("retry")
_TIMES = re.compile(r"R(\d{1,9})/(.*)\Z", re.DOTALL)
_CYCLE_FORM = "Expected a retry cycle such as R5/PT10S or PT1S,PT10S,PT1M, but it is {!r}."


def retry(node: Node) -> Retry | None:
    """None: as everywhere. Raises ValueError."""
    tries = dialects.terms(node).tries
    if tries is not None:
        return Retry(tries=int(tries))
    found = [each for each in node.iterfind(f"{bpmn('extensionElements')}/*") if each.tag in _READERS]
    return read(found[0]) if found else None


def read(told: Node) -> Retry:
    """What one of the two elements says. Raises ValueError."""
    return _READERS[str(told.tag)](told)


def cycle(text: str) -> Retry:
    """R5/PT10S: five tries with ten seconds between; PT1S,PT10S: three tries. Raises ValueError."""
    text = text.strip()
    repeated = _TIMES.match(text)
    lengths = (repeated[2] if repeated else text).split(",")
    if not text or not all(map(str.strip, lengths)):
        raise ValueError(_CYCLE_FORM.format(text))
    pauses = tuple(seconds(each) for each in lengths)
    tries = int(repeated[1]) if repeated else len(pauses) + 1
    return Retry(tries=_within(tries, 1, MOST_TRIES, "tries"), pauses=pauses, jitter=0)


def seconds(text: str) -> float:
    """The length of an ISO 8601 duration. Raises ValueError."""
    length = schedule.length(text.strip())
    if length > LONGEST_PAUSE:
        raise ValueError(f"Expected a pause of at most a year, but it is {text.strip()!r}.")
    return length.total_seconds()


def _of_cycle(node: Node) -> Retry:
    return cycle(node.text or "")


def _of_attributes(node: Node) -> Retry:
    """Raises ValueError."""
    written = {str(name): str(text) for name, text in node.attrib.items()}
    unknown = [name for name in written if name not in ATTRIBUTES]
    if unknown:
        raise ValueError(f"Expected {', '.join(ATTRIBUTES)}, but there is {unknown[0]}.")
    readers = ((ATTRIBUTES[name], text) for name, text in written.items())
    told: dict[str, Any] = {name: read(text) for (name, read), text in readers}
    return Retry(**told)


def _within(value: float, least: float, most: float, what: str) -> int:
    if not least <= value <= most:
        raise ValueError(f"Expected {what} from {least:g} to {most:,g}, but it is {value:g}.")
    return int(value)


def _tries(text: str) -> int:
    if not re.fullmatch(r"\s*\d{1,9}\s*", text):
        raise ValueError(f"Expected a number of tries such as 5, but it is {text!r}.")
    return _within(int(text), 1, MOST_TRIES, "tries")


def _number(what: str, least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text):
            raise ValueError(f"Expected {what} to be a number, but it is {text!r}.")
        _within(float(text), least, most, what)
        return float(text)

    return read


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


ATTRIBUTES: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "maxTries": ("tries", _tries),
    "initialDelay": ("delay", seconds),
    "factor": ("factor", _number("a factor", 1, 1_000)),
    "maxDelay": ("longest", seconds),
    "jitter": ("jitter", _number("a jitter", 0, 1)),
    "only": ("only", _words),
    "never": ("never", _words),
}
"""Of procession:retry -> the field of Retry, and how to read it."""
_READERS: Mapping[str, Callable[[Node], Retry]] = {CYCLE: _of_cycle, RETRY: _of_attributes}
