"""A time limit on Python code that cannot be stopped: after it, the code goes on unheard on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_UNHEARD = 100
"""Calls that may go on after their time in one process; what comes then fails at once, until some have ended."""


class TooLong(Exception):
    """There is no answer in time."""


@dataclass(slots=True)
class _Outcome(Generic[T]):
    answers: list[T] = field(default_factory=list)
    error: Exception | None = None
    is_there: threading.Event = field(default_factory=threading.Event)


_unheard: set[threading.Thread] = set()


def within(duration: timedelta, call: Callable[[], T]) -> T:
    """The call's answer, or what it raised; sys.exit() in it ends no thread of ours.

    Raises TooLong after the duration, and at once when too many calls go on unheard.
    """
    _unheard.difference_update([thread for thread in tuple(_unheard) if not thread.is_alive()])
    if len(_unheard) >= MOST_UNHEARD:
        raise TooLong(f"{MOST_UNHEARD} earlier calls have not ended yet")
    outcome = _Outcome[T]()
    around = copy_context()  # what it logs and traces belongs to the job
    thread = threading.Thread(target=around.run, args=(_run, call, outcome), name="service-call", daemon=True)
    thread.start()
    if not outcome.is_there.wait(duration.total_seconds()):
        _unheard.add(thread)
        raise TooLong(f"there was no answer within {duration.total_seconds():g} s")
    if outcome.error is not None:
        raise outcome.error
    return outcome.answers[0]


def _run(call: Callable[[], T], outcome: _Outcome[T]) -> None:
    try:
        outcome.answers.append(call())
    except Exception as error:  # noqa: BLE001  whoever waits raises it again
        outcome.error = error
    except BaseException as error:  # noqa: BLE001  a service that asks for the end of the program does not get it
        outcome.error = RuntimeError(f"it raised {type(error).__name__} ({error})")
    finally:
        outcome.is_there.set()
