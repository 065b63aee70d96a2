"""Sources of files as pages show them: lines with their numbers and problems, and two sources beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from engine import Problem

SHOWN_WHOLE_LINES = 2_000
"""Of a longer source only what stands about problems is shown."""
AROUND_LINES = 4
LONGEST_LINE = 400
"""Characters; of a longer line only what stands about its first problem is shown."""
COMPARED_LINES = 5_000
"""That differ, on each side; comparing takes the product of both in the worst case."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def text_of(content: bytes) -> str:
    """A file as text to look at: as its first bytes or its first line tell, whatever is wrong in it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if content.startswith((b"<\0", b"\0<")):
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", errors="replace")
    declared = re.match(
        rb"""(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""", content
    )
    latin = declared is not None and declared[1].lower() in (b"iso-8859-1", b"latin1", b"windows-1252")
    return content.decode("cp1252" if latin else "utf-8-sig", errors="replace")


# ---- lines with problems -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """number: from 1; text: what is shown of it; numbers: of the problems that stand in it, from 1."""

    number: int
    text: str
    problems: tuple[int, ...] = ()


def lines(content: bytes, problems: Sequence[Problem]) -> list[Line | None]:
    """The lines to show of a file, with what is wrong in each; None stands for lines that are left out."""
    texts = _LINE_END.split(text_of(content))
    places: dict[int, list[int]] = {}
    for number, problem in enumerate(problems, 1):
        places.setdefault(min(problem.place.line, len(texts)), []).append(number)
    shown = range(1, len(texts) + 1) if len(texts) <= SHOWN_WHOLE_LINES else sorted(_about(places, len(texts)))
    return list(_with_gaps(_line(n, texts[n - 1], places.get(n, []), problems) for n in shown))


def _about(places: Iterable[int], last: int) -> set[int]:
    return {n for at in places for n in range(max(1, at - AROUND_LINES), min(last, at + AROUND_LINES) + 1)}


def _line(number: int, text: str, found: Sequence[int], problems: Sequence[Problem]) -> Line:
    if len(text) > LONGEST_LINE:
        column = min((problems[each - 1].place.column for each in found), default=1)
        begin = max(0, min(column - LONGEST_LINE // 4, len(text) - LONGEST_LINE))
        end = begin + LONGEST_LINE
        text = ("… " if begin else "") + text[begin:end] + (" …" if end < len(text) else "")
    return Line(number, text, tuple(found))


def _with_gaps(found: Iterable[Line]) -> Iterator[Line | None]:
    last = 0
    for line in found:
        if line.number != last + 1:
            yield None
        yield line
        last = line.number


# ---- two sources ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A line of one or both sources. kind: "same", "added" or "removed"; old, new: its number there, or None."""

    kind: str
    text: str
    old: int | None
    new: int | None


def changes(old: bytes, new: bytes) -> list[Change | None] | None:
    """What differs, with some lines around; a None among them stands for equal lines that are left out.

    Equal sources give an empty list, and those that differ too much to compare give None. A diagram in few long lines
    is compared tag by tag.
    """
    before, after = (_pieces(text_of(content)) for content in (old, new))
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middles = before[head : len(before) - tail], after[head : len(after) - tail]
    if max(map(len, middles)) > COMPARED_LINES:
        return None
    changed = list(_middle(*middles, head))
    if not changed:
        return []
    around = [
        *(Change("same", text, n, n) for n, text in enumerate(before[:head], 1)),
        *changed,
        *(
            Change("same", text, len(before) - tail + n, len(after) - tail + n)
            for n, text in enumerate(before[len(before) - tail :], 1)
        ),
    ]
    return list(_near(around))


def _pieces(text: str) -> list[str]:
    """Lines; where they are long, tags."""
    found = _LINE_END.split(text)
    if len(text) > LONGEST_LINE * len(found):
        return _LINE_END.split(text.replace("><", ">\n<"))
    return found


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _middle(before: Sequence[str], after: Sequence[str], head: int) -> Iterator[Change]:
    for kind, i, i_end, j, j_end in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            yield from (Change("same", before[i + n], head + i + n + 1, head + j + n + 1) for n in range(i_end - i))
        else:
            yield from (Change("removed", before[n], head + n + 1, None) for n in range(i, i_end))
            yield from (Change("added", after[n], None, head + n + 1) for n in range(j, j_end))


def _near(found: Sequence[Change]) -> Iterator[Change | None]:
    """What changed, and the lines around it."""
    changed = [n for n, change in enumerate(found) if change.kind != "same"]
    kept = sorted(_about((n + 1 for n in changed), len(found)))
    for before, n in pairwise([0, *kept]):
        if n != before + 1:
            yield None
        change = found[n - 1]
        yield Change(change.kind, change.text[:LONGEST_LINE], change.old, change.new)
