"""What people upload: files by name. A ZIP archive among them is opened, within limits, and its files take its place.

An archive is data of strangers: nothing is written to a disk, sizes are counted as bytes come out, and whatever is
odd about it (links, paths that climb, passwords, archives within) is refused.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import NoReturn

from engine.errors import Invalid
from engine.model.problems import Place, Problem

ENDING = ".zip"
"""In small letters."""
MAX_MEMBERS = 200
"""Files and folders of one archive; checks allow fewer diagrams and forms."""
MAX_MEMBER_BYTES = 6 * 1024 * 1024
"""A little more than a diagram may have, which is told in its own words."""
MAX_BYTES = 32 * 1024 * 1024
"""Unpacked, all archives of one upload together."""
MAX_RATIO = 200
"""Unpacked to packed size; XML reaches 30."""
RATIO_COUNTS_FROM_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06")
_SHOWN_CHARACTERS = 200
RULE = "archive"


def unpack(sent: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Files by name, without the folders they were in, archives opened.

    Raises Invalid: an archive that cannot be taken as it is, or two files of one name.
    """
    found = list(_opened(sent))
    twins = sorted(name for name, count in Counter(name for name, _ in found).items() if count > 1)
    if twins:
        raise Invalid([_twin(name) for name in twins])
    return dict(found)


def bare(name: str) -> str:
    """The name of a file without its folders, whichever way its system parts them."""
    return name.replace("\\", "/").rpartition("/")[2]


def _twin(name: str) -> Problem:
    message = "Expected each file of an upload to have a name of its own, but several are called so."
    return Problem("same-name", message, Place(name), fix="Rename one of them, or leave one out.")


def _opened(sent: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    room = MAX_BYTES
    for name, content in sent:
        if not name.lower().endswith(ENDING):
            yield bare(name), content
            continue
        for member, unpacked in _members(bare(name), content, room):
            room -= len(unpacked)
            yield bare(member), unpacked


# ---- one archive ---------------------------------------------------------------------------------------------------


def _members(file: str, content: bytes, room: int) -> Iterator[tuple[str, bytes]]:
    """The files of an archive, by the path they have in it; room: bytes that they may have together."""
    _look(file, content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            wanted = [member for member in archive.infolist() if _is_wanted(member)]
            if not wanted:
                _refuse(file, "Expected files in the archive, but it is empty.", "Pack the diagrams and forms again.")
            for member in wanted:
                _look_at_member(file, member)
            for member in wanted:
                unpacked = _unpacked(file, archive, member, room)
                room -= len(unpacked)
                yield member.filename, unpacked
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as cause:
        _refuse(file, "Expected a whole ZIP archive, but it is damaged or of an unknown kind.", _PACK, cause)


_PACK = "Pack the files again, as ZIP."


def _look(file: str, content: bytes) -> None:
    """Before the library reads the list of members: an endless one would fill the memory."""
    if not content.startswith(_ARCHIVE):
        _refuse(file, "Expected a ZIP archive, but the file is none.", "Let its name say what it is, or pack it again.")
    if content.count(_DIRECTORY_ENTRY) > MAX_MEMBERS:
        _refuse(file, f"Expected at most {MAX_MEMBERS} files in the archive, but here are more.", "Divide it.")


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    """Not a folder, and not what systems add by themselves (.DS_Store, __MACOSX/...)."""
    parts = member.filename.replace("\\", "/").split("/")
    is_of_system = parts[0] == "__MACOSX" or (parts[-1].startswith(".") and parts[-1] != "..")
    return not member.is_dir() and not is_of_system


def _is_climbing(member: zipfile.ZipInfo) -> bool:
    path = member.orig_filename.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or path[1:2] == ":" or "\0" in path


def _is_odd_file(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind not in (0, stat.S_IFREG)


def _is_archive(member: zipfile.ZipInfo) -> bool:
    return member.filename.lower().endswith((ENDING, ".gz", ".tgz", ".7z", ".rar", ".tar", ".bz2", ".xz"))


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    most = MAX_RATIO * max(member.compress_size, 1)
    return member.file_size > RATIO_COUNTS_FROM_BYTES and member.file_size > most


_REFUSED: Mapping[Callable[[zipfile.ZipInfo], bool], tuple[str, str]] = {
    _is_climbing: ("has a path that leads out of the archive", "Pack the files again, without folders above them."),
    _is_odd_file: ("is a link or a device, not a file", "Pack the file itself."),
    lambda member: bool(member.flag_bits & 1): ("is encrypted", "Pack the files again, without a password."),
    _is_archive: ("is an archive within the archive", "Unpack it first."),
    _is_bomb: (f"would be more than {MAX_RATIO} times its packed size", "Upload the file itself."),
    lambda member: member.file_size > MAX_MEMBER_BYTES: (
        "is larger than a diagram may be (5 MB)",
        "Split the diagram.",
    ),
}
"""Looked for in this order -> what the member is, what to do."""


def _look_at_member(file: str, member: zipfile.ZipInfo) -> None:
    for is_so, (what, fix) in _REFUSED.items():
        if is_so(member):
            _refuse(file, f'"{_shown(member)}" in the archive {what}.', fix)


def _unpacked(file: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> bytes:
    """Its bytes; counted as they come, whatever the archive says of their number."""
    most = min(room, MAX_MEMBER_BYTES)
    found = bytearray()
    with archive.open(member) as source:
        while chunk := source.read(_CHUNK_BYTES):
            found += chunk
            if len(found) > most:
                megabytes = MAX_BYTES // 1024 // 1024
                message = f"Expected at most {megabytes} MB of files, but the archive holds more."
                _refuse(file, message, "Upload its files in several steps.")
    if found.startswith(_ARCHIVE):
        _refuse(file, f'"{_shown(member)}" in the archive is an archive within the archive.', "Unpack it first.")
    return bytes(found)


def _shown(member: zipfile.ZipInfo) -> str:
    name = member.filename
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]} ..."


def _refuse(file: str, message: str, fix: str, cause: Exception | None = None) -> NoReturn:
    raise Invalid([Problem(RULE, message, Place(file), fix=fix)]) from cause
