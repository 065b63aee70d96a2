"""Form files of an upload: which files are forms, and which of them a diagram means by a form key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.bpmn.forms.form_js import form_id

ENDINGS = (".form", ".json")
"""In small letters."""


def is_form(file: str) -> bool:
    return file.lower().endswith(ENDINGS)


def wanted_name(key: str) -> str:
    """What a form key asks for; "camunda-forms:deployment:" before it says nothing."""
    return key.strip().rpartition(":")[2]


def names_of(file: str, content: bytes) -> Iterator[str]:
    """What a form may be called by: its file's name, with folder or without, or without ending, and its own id."""
    yield from (file, file.rpartition("/")[2], file.rpartition(".")[0])
    own = form_id(content)
    if own:
        yield own


def find(files: Mapping[str, bytes], key: str) -> str | None:
    """The name of the file that a form key means."""
    wanted = wanted_name(key)
    return next((file for file, content in files.items() if is_form(file) and wanted in names_of(file, content)), None)
