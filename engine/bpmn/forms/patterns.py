"""Patterns of form fields: JavaScript's regular expressions, searched in bounded time.

The patterns come from uploads and the texts from anybody, so all searches of one form together are stopped after
TIME_LIMIT. RE2 would need no clock, but knows no look-ahead, which password rules use.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache

import regex

MAX_PATTERN = 500
"""Characters."""
TIME_LIMIT = 0.2
"""Seconds for the patterns of one form: whoever waits for it may be holding up others."""
EMAIL = r"^[^\s@]+@[^\s@.]+(\.[^\s@.]+)*$"
PHONE = r"^(\+|00)[1-9][\d ()/-]{2,20}$"


class TooSlow(Exception):
    """The search was stopped."""


class Searches:
    """The searches of one form, which share one time limit."""

    def __init__(self) -> None:
        self._left = TIME_LIMIT

    def is_match(self, pattern: str, text: str) -> bool:
        """Whether the pattern is found in the text, as in JavaScript. Raises TooSlow."""
        compiled, began = _compiled(pattern), time.perf_counter()
        try:
            if self._left <= 0:
                raise TimeoutError
            return compiled.search(text, timeout=self._left) is not None
        except TimeoutError as cause:
            raise TooSlow(pattern) from cause
        finally:
            self._left -= time.perf_counter() - began


def validate(pattern: str) -> None:
    """Raises ValueError for a pattern that is none."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"Expected a pattern of at most {MAX_PATTERN} characters, but it has {len(pattern)}.")
    try:
        _compiled(pattern)
    except (regex.error, RecursionError, OverflowError) as cause:
        raise ValueError(f"Expected a regular expression, but {pattern!r} is none: {cause}.") from cause


@lru_cache(1024)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(_END.sub(_only_at_end, pattern), regex.ASCII)


_END = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


def _only_at_end(found: re.Match[str]) -> str:
    """JavaScript's $ is the very end; Python's also stands before a last line end."""
    return r"\Z" if found.group() == "$" else found.group()
