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
MAX_LENGTH = 10_000
"""Of the shortest text that may fit: a{99999999} would take all memory there is."""
TIME_LIMIT = 0.2
"""Seconds for the patterns of one form: whoever waits for it may be holding up others."""
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = rf"^[\w.!#$%&'*+/=?^`{{|}}~-]+@{_LABEL}(\.{_LABEL})*$"
"""As HTML has it for its input fields."""
PHONE = r"^(\+|00)[1-9]\d{5,24}$"


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
    """Raises ValueError for a pattern that is none, or that would be too large."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"Expected a pattern of at most {MAX_PATTERN} characters, but it has {len(pattern)}.")
    for opening in _PIECE.finditer(pattern):
        if opening["open"] and not _GROUP.match(pattern, opening.end()):
            unknown = pattern[opening.start() :][:4]
            raise ValueError(f"Expected a regular expression of JavaScript, but it has no groups such as {unknown}.")
    if _length(pattern) > MAX_LENGTH:
        raise ValueError(f"Expected a pattern for texts of at most {MAX_LENGTH:,} characters, but it asks for longer.")
    try:
        _compiled(pattern)
    except (regex.error, RecursionError, OverflowError) as cause:
        raise ValueError(f"Expected a regular expression, but {pattern!r} is none: {cause}.") from cause


_PIECE = re.compile(
    r"\\.|\[(?:\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))|(?P<times>\{(?P<least>\d+)(?:,\d*)?\})"
    r"|(?P<brace>\{)|(?P<end>\$)|.",
    re.DOTALL,
)
"""A pattern's pieces; escapes and sets have no name."""
_GROUP = re.compile(r"(?!\?)|\?(?::|=|!|<=|<!|<[A-Za-z_$])")
"""What may follow the bracket of a group that JavaScript knows."""


def _length(pattern: str) -> int:
    """The least length of a text that fits, or more: the library writes every repetition out."""
    lengths, last = [0], 0
    for piece in _PIECE.finditer(pattern):
        if piece["open"]:
            lengths.append(0)
            continue
        if piece["times"]:
            more = last * max(int(piece["least"][:9]) - 1, 0)
        else:
            more = last = (lengths.pop() if len(lengths) > 1 else 0) if piece["close"] else 1
        lengths[-1] += more
        last += more if piece["times"] else 0
    return sum(lengths)


@lru_cache(1024)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(_PIECE.sub(_as_in_javascript, pattern), regex.ASCII)


def _as_in_javascript(piece: re.Match[str]) -> str:
    """JavaScript's $ is the very end, Python's also stands before a last line end; and a lone { is a letter."""
    return r"\Z" if piece["end"] else r"\{" if piece["brace"] else piece.group()
