"""Sources on pages: numbered lines with their problems, and what differs between two of them."""

from __future__ import annotations

import time

import pytest

from engine.model.problems import Place, Problem
from web import sources
from web.sources import Change, Line


def problem(line: int, column: int = 1) -> Problem:
    return Problem("r", "m", Place("a.bpmn", line, column))


def test_each_line_tells_its_problems() -> None:
    found = sources.lines(b"<a>\r\n<b/>\n</a>", [problem(2), problem(3), problem(2)])

    assert found == [Line(1, "<a>"), Line(2, "<b/>", (1, 3)), Line(3, "</a>", (2,))]


def test_of_a_long_source_only_what_stands_about_problems_is_shown() -> None:
    content = "\n".join(str(number) for number in range(1, 10_001)).encode()

    found = sources.lines(content, [problem(1), problem(5_000)])

    assert [line and line.number for line in found] == [*range(1, 6), None, *range(4_996, 5_005)]


def test_of_a_long_line_what_stands_about_its_problem_is_shown() -> None:
    (line,) = sources.lines(("x" * 5_000 + "here" + "x" * 5_000).encode(), [problem(1, 5_001)])

    assert line is not None
    assert "here" in line.text
    assert line.text.startswith("… ") and line.text.endswith(" …")
    assert len(line.text) < 420


def test_a_problem_behind_the_end_stands_in_the_last_line() -> None:
    assert sources.lines(b"a\nb", [problem(9)]) == [Line(1, "a"), Line(2, "b", (1,))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_every_encoding_is_shown(encoding: str) -> None:
    assert sources.text_of("<ä/>".encode(encoding)) == "<ä/>"


def test_latin_is_shown_as_it_says() -> None:
    assert sources.text_of('<?xml version="1.0" encoding="ISO-8859-1"?><ä/>'.encode("latin-1")).endswith("<ä/>")


# ---- two sources ---------------------------------------------------------------------------------------------------


def test_equal_sources_have_no_changes() -> None:
    assert sources.changes(b"a\nb", b"a\r\nb") == []


def test_changes_are_told_with_both_numbers_and_lines_around() -> None:
    old = "\n".join(f"l{n}" for n in range(1, 21))

    found = sources.changes(old.encode(), old.replace("l10\n", "new\nmore\n").encode())

    assert found is not None
    assert found[0] is None
    assert [change for change in found if change and change.kind != "same"] == [
        Change("removed", "l10", 10, None),
        Change("added", "new", None, 10),
        Change("added", "more", None, 11),
    ]
    assert found[-1] == Change("same", "l14", 14, 15)
    assert len(found) == 1 + 4 + 3 + 4


def test_one_long_line_is_compared_tag_by_tag() -> None:
    old = "<a>" + '<b id="x" name="a rather long name"/>' * 50 + "</a>"

    found = sources.changes(old.encode(), old.replace("</a>", "<c/></a>").encode())

    assert found is not None
    assert [change.text for change in found if change and change.kind != "same"] == ["<c/>"]


@pytest.mark.parametrize(("lines", "is_too_much"), [(4_000, False), (6_000, True)])
def test_what_differs_everywhere_takes_no_time(lines: int, is_too_much: bool) -> None:
    old, new = ("\n".join(f"{word} {n * n % 97}" for n in range(lines)).encode() for word in ("a", "b"))
    begun = time.process_time()

    found = sources.changes(old, new)

    assert (found is None) == is_too_much
    assert time.process_time() - begun < 2
