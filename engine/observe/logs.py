"""The log: one event with its keys on each line, as text for a person or as JSON for a program.

Each line also says what is in hand: the job, the instance, the element, and the trace when there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

from engine.observe import tracing

TEXT, JSON = "text", "json"
FORMATS = (TEXT, JSON)

_TALKATIVE = ("alembic", "httpx", "spiff", "celery.app.trace", "celery.worker.strategy")
"""They tell each look at the revision; each address with what is secret in it; each step with the values of it;
each message that comes, with the lease in it."""
_NOTHING: Mapping[str, object] = {}
_OF_INSTANCE = ("instance", "element")
_hand: ContextVar[dict[str, object] | None] = ContextVar("hand", default=None)


@contextmanager
def about(**keys: object) -> Iterator[None]:
    """Whatever is logged within this block tells these, without those that are None, and what is told around it.

    Of another instance than the one around, the element around says nothing.
    """
    outer = _hand.get() or _NOTHING
    is_other = "instance" in keys and keys["instance"] != outer.get("instance")
    kept = {key: value for key, value in outer.items() if not (is_other and key in _OF_INSTANCE)}
    token = _hand.set({**kept, **_told(keys)})
    try:
        yield
    finally:
        _hand.reset(token)


def note(**keys: object) -> None:
    """Tell these too, from here to the end of the innermost block; without one, nothing."""
    hand = _hand.get()
    if hand is not None:
        hand.update(_told(keys))


def in_hand() -> Mapping[str, object]:
    """What lines tell just now."""
    return _hand.get() or _NOTHING


def _told(keys: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in keys.items() if value is not None}


def show(how: str = TEXT) -> None:
    """Write the log to standard error; how is one of FORMATS."""
    logging.basicConfig(level=logging.INFO, handlers=[handler(how)], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def handler(how: str, stream: TextIO | None = None) -> logging.Handler:
    """What writes lines; stream None: to standard error."""
    writing = logging.StreamHandler(stream)
    writing.setFormatter(_FORMATTERS[how])
    writing.addFilter(_add_hand)
    return writing


def _add_hand(record: logging.LogRecord) -> bool:
    """What the line itself says goes before what is in hand."""
    trace = tracing.trace_id()
    for key, value in {**in_hand(), **_told({"trace": trace})}.items():
        vars(record).setdefault(key, value)
    return True


class _Keys(logging.Formatter):
    """Adds the keys of a record to its line."""

    _ordinary = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def formatMessage(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in self._ordinary}
        return " ".join([super().formatMessage(record), *(f"{key}={value}" for key, value in extra.items())])


_FORMATTERS: Mapping[str, logging.Formatter] = {
    TEXT: _Keys("%(asctime)s %(levelname)s %(name)s %(message)s"),
    JSON: JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger", "message": "event", "exc_info": "exception"},
        timestamp="time",
    ),
}
