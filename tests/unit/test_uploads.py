"""Uploads: archives are opened within limits; each way to be hostile gets one clear answer."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from engine import definitions, uploads
from engine.errors import Invalid
from engine.model.problems import Problem
from tests.unit.drawing import between, process

SMALL = process(between('<task id="n"/>')).encode()


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def refusal(data: bytes, name: str = "a.zip") -> Problem:
    with pytest.raises(Invalid) as caught:
        uploads.unpack([(name, data)])
    (problem,) = caught.value.problems
    assert problem.fix
    return problem


def test_an_archive_stands_for_its_files() -> None:
    data = packed(("orders/a.bpmn", SMALL), ("orders/forms/a.form", b"{}"), ("orders/", b""))

    assert uploads.unpack([("all.ZIP", data), ("b.bpmn", b"b")]) == {"a.bpmn": SMALL, "a.form": b"{}", "b.bpmn": b"b"}


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_of_every_kind_are_opened(kind: int) -> None:
    assert uploads.unpack([("a.zip", packed(("a.bpmn", SMALL), kind=kind))]) == {"a.bpmn": SMALL}


def test_what_systems_add_is_left_out() -> None:
    data = packed(("a.bpmn", SMALL), ("__MACOSX/._a.bpmn", b"x"), (".DS_Store", b"x"), ("forms/.gitkeep", b""))

    assert list(uploads.unpack([("a.zip", data)])) == ["a.bpmn"]


def test_the_library_opens_archives() -> None:
    assert definitions.problems({"a.zip": packed(("a.bpmn", SMALL))}) == []


def test_folders_are_dropped_from_names() -> None:
    assert list(uploads.unpack([("C:\\my files\\..\\a.bpmn", b"")])) == ["a.bpmn"]


# ---- refused -------------------------------------------------------------------------------------------------------


def link() -> bytes:
    member = zipfile.ZipInfo("a.bpmn")
    member.external_attr = 0o120777 << 16
    return packed((member, b"/etc/passwd"))


def encrypted() -> bytes:
    data = bytearray(packed(("a.bpmn", SMALL)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def lying(size_bytes: int = 10) -> bytes:
    """The list of members says that the file is small."""
    data = bytearray(packed(("a.bpmn", b"\0" * 20_000_000)))
    start = data.index(b"PK\x01\x02")
    data[start + 24 : start + 28] = size_bytes.to_bytes(4, "little")
    return bytes(data)


def broken() -> bytes:
    data = bytearray(packed(("a.bpmn", SMALL * 10)))
    data[60:90] = b"\xff" * 30
    return bytes(data)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "no archive": (lambda: b"hello", "the file is none"),
    "a diagram": (lambda: SMALL, "the file is none"),
    "cut off": (lambda: packed(("a.bpmn", SMALL))[:-30], "damaged"),
    "damaged": (broken, "damaged"),
    "empty": (packed, "it is empty"),
    "folders only": (lambda: packed(("a/", b"")), "it is empty"),
    "climbing": (lambda: packed(("../../etc/a.bpmn", SMALL)), "out of the archive"),
    "climbing by backslash": (lambda: packed(("..\\a.bpmn", SMALL)), "out of the archive"),
    "absolute": (lambda: packed(("/etc/a.bpmn", SMALL)), "out of the archive"),
    "drive": (lambda: packed(("C:\\a.bpmn", SMALL)), "out of the archive"),
    "link": (link, "a link"),
    "encrypted": (encrypted, "is encrypted"),
    "nested": (lambda: packed(("b.zip", packed(("a.bpmn", SMALL)))), "within the archive"),
    "nested under another name": (lambda: packed(("b.bpmn", packed(("a.bpmn", SMALL)))), "within the archive"),
    "bomb": (lambda: packed(("a.bpmn", b"\0" * 5_000_000)), "200 times"),
    "large": (lambda: packed(("a.bpmn", b"\0" * 7_000_000), kind=zipfile.ZIP_STORED), "larger than"),
    "lying about its size": (lying, "damaged"),
    "many large": (
        lambda: packed(*((f"{n}.bpmn", b"\0" * 5_500_000) for n in range(7)), kind=zipfile.ZIP_STORED),
        "at most 32 MB",
    ),
    "many": (lambda: packed(*((f"{n}.bpmn", b"") for n in range(201))), "at most 200"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_gets_one_answer_soon(name: str) -> None:
    make, words = HOSTILE[name]
    data = make()
    tracemalloc.start()
    begun = time.process_time()

    try:
        problem = refusal(data)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert time.process_time() - begun < 1
    assert peak_bytes < 80_000_000
    assert (problem.rule, problem.place.file) == ("archive", "a.zip")
    assert words in problem.message


@pytest.mark.parametrize(
    "sent",
    [
        [("a.bpmn", SMALL), ("a.bpmn", SMALL)],
        [("a.bpmn", SMALL), ("all.zip", packed(("a.bpmn", SMALL)))],
        [("all.zip", packed(("x/a.bpmn", SMALL), ("y/a.bpmn", SMALL)))],
    ],
    ids=["beside each other", "in an archive and beside it", "in two folders"],
)
def test_two_files_of_one_name_are_refused(sent: list[tuple[str, bytes]]) -> None:
    examined = definitions.examine(sent)

    assert [(problem.rule, problem.place.file) for problem in examined.problems] == [("same-name", "a.bpmn")]
    assert not examined.is_readable
    assert not examined.is_deployable


def test_a_long_name_in_an_archive_is_told_shortly() -> None:
    assert len(refusal(packed(("../" + "x" * 10_000, b""))).message) < 400


def test_readable_and_deployable_are_two_verdicts() -> None:
    verdicts = {
        name: (examined.is_readable, examined.is_deployable)
        for name, data in {
            "runs": SMALL,
            "shows": SMALL.replace(b"<task", b"<choreographyTask"),
            "neither": b"<x",
        }.items()
        if (examined := definitions.examine([("a.bpmn", data)]))
    }

    assert verdicts == {"runs": (True, True), "shows": (True, False), "neither": (False, False)}
