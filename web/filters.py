"""How times, values and history events are written for people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, url_for
from flask.json.provider import DefaultJSONProvider

from engine import Event, InstanceStatus, Json, TaskStatus, rules, values
from web import markdown, people
from web.context import KEY, engine

_STEPS = (
    (timedelta(days=60), timedelta(days=30), "month"),
    (timedelta(days=1), timedelta(days=1), "day"),
    (timedelta(hours=1), timedelta(hours=1), "hour"),
    (timedelta(minutes=1), timedelta(minutes=1), "minute"),
)
"""From this distance on, count in this unit, called so: the same steps as times.js."""


class _Json(DefaultJSONProvider):
    """Process data for the browser: moments as ISO 8601, decimals as numbers. What is sent is read with bounds."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises ValueError for whatever cannot be read."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as cause:
            raise ValueError("Expected lists and objects that are nested less deep.") from cause

    @staticmethod
    def default(value: Any) -> Any:
        return plain(value)


def init_app(app: Flask) -> None:
    app.json = _Json(app)
    zone = ZoneInfo(app.extensions[KEY].settings.time_zone)
    app.add_template_filter(lambda moment: at(moment, zone), "at")
    app.add_template_filter(lambda moment: at_second(moment, zone), "at_second")
    app.add_template_filter(markdown.render, "markdown")
    for show in (ago, due, text_of, took, words, event_text):
        app.add_template_filter(show, show.__name__)
    app.jinja_env.globals.update(LOOK=LOOK, RULES=rules.every(), page_url=page_url)


LOOK: Mapping[str, str] = {
    InstanceStatus.ACTIVE: "primary",
    InstanceStatus.SUSPENDED: "warning",
    InstanceStatus.COMPLETED: "success",
    InstanceStatus.TERMINATED: "secondary",
    InstanceStatus.FAILED: "danger",
    TaskStatus.OPEN: "primary",
    TaskStatus.CANCELLED: "secondary",
}
"""Bootstrap's colour for a state."""


def plain(value: Any) -> Json:
    """JSON without our kept types, as a form or a diagram in the browser reads it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)


# ---- times ---------------------------------------------------------------------------------------------------------


def at(moment: datetime | None, zone: ZoneInfo) -> str:
    """A moment in full: "Mon 23 Nov 2026, 14:05"."""
    return "" if moment is None else f"{moment.astimezone(zone):%a %-d %b %Y, %H:%M}"


def at_second(moment: datetime, zone: ZoneInfo) -> str:
    """A moment of history, to the second; the year is named when it is not this one: "23 Nov 14:05:09"."""
    local = moment.astimezone(zone)
    is_this_year = local.year == engine().clock.now().astimezone(zone).year
    return f"{local:%-d %b %H:%M:%S}" if is_this_year else f"{local:%-d %b %Y %H:%M:%S}"


def ago(moment: datetime) -> str:
    """The distance to a moment in one unit: "in 3 hours", "5 minutes ago", "just now"."""
    distance = moment - engine().clock.now()
    is_ahead = distance > timedelta(0)
    step = next((step for step in _STEPS if abs(distance) >= step[0]), None)
    if step is None:
        return "in less than a minute" if is_ahead else "just now"
    _, unit, name = step
    count = abs(distance) // unit
    amount = f"{count} {name}" + ("s" if count > 1 else "")
    return f"in {amount}" if is_ahead else f"{amount} ago"


def due(moment: datetime) -> str:
    """Where a due date stands: "overdue", "soon" (within a day) or "later"."""
    distance = moment - engine().clock.now()
    if distance < timedelta(0):
        return "overdue"
    return "soon" if distance < timedelta(days=1) else "later"


# ---- values --------------------------------------------------------------------------------------------------------


def text_of(value: Json) -> str:
    """A variable's value as people read it; lists and dicts as indented JSON."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%d %b %Y, %H:%M:%S %Z}".strip()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=plain, indent=2, ensure_ascii=False)
    return str(plain(value)) if isinstance(value, bytes) else str(value)


def took(length: timedelta) -> str:
    """How long something took: 3 ms, 1.5 s, 75 s."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"


def words(name: str) -> str:
    """BPMN's name of an element type as words: "userTask" is a user task, "adHocSubProcess" an ad-hoc sub-process."""
    told = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return told.replace("ad hoc", "ad-hoc").replace("sub process", "sub-process")


# ---- history -------------------------------------------------------------------------------------------------------


MAX_TOLD_CHARACTERS = 300
_SENTENCES: Mapping[str, str] = {
    "instance started": "Instance started",
    "instance called": "Called instance {called} of {process}, version {version}",
    "instance compensated": "Undoing what has been done, for who called it",
    "instance cancelled": "Instance cancelled: {reason}",
    "instance failed": "Instance ended by the error {code}",
    "message received": "Message {name} received",
    "signal received": "Signal {name} received",
    "task claimed": "Task claimed",
    "task released": "Task released",
    "task reassigned": "Task reassigned to {to}",
    "task completed": "Task completed: {decision}",
    "variable set": "{name} set to {value}",
    "data store written": "Data store {name} set to {value}",
    "timer fired": "Timer fired, due {due}",
    "timer fired by hand": "Timer fired by hand, due {due}",
    "timer moved": "Timer moved from {from} to {to}",
    "timer skipped": "Timer skipped: nothing ran when it was due, {due}",
    "stopped": "Stopped: {message}",
    "retried": "Tried again",
    "tried now": "Tried at once, by hand; it was due {due}",
    "completed by hand": "Completed by hand with {results}; before: {before}",
    "skipped": "Skipped by hand: {reason}; before: {before}",
    "error thrown by hand": "Error {code} thrown by hand: {message}; before: {before}",
    "logged": "{text}",
}


def event_text(event: Event) -> str:
    """One fact about the past as a sentence; kinds without one show all they hold."""
    told = {name: _cut(text_of(values.decode(value))) for name, value in event.data.items()}
    if "to" in told and event.kind == "task reassigned":
        told["to"] = people.called(told["to"])
    sentence = _SENTENCES.get(f"{event.kind} by hand" if event.data.get("by_hand") else event.kind)
    if sentence is not None:
        return sentence.format_map(defaultdict(str, told)).removesuffix(": ")
    rest = ", ".join(f"{name} {text}" for name, text in told.items())
    return event.kind.capitalize() + (f": {rest}" if rest else "")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TOLD_CHARACTERS else text[:MAX_TOLD_CHARACTERS] + " ..."


# ---- paging --------------------------------------------------------------------------------------------------------


def page_url(endpoint: str, arguments: Mapping[str, Any], **changes: Any) -> str:
    """The address of the same list with some of its arguments changed; None removes one."""
    return url_for(
        endpoint, **{name: value for name, value in {**arguments, **changes}.items() if value not in (None, "", 0)}
    )
