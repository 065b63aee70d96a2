"""Form files of an upload: which files are forms, and which of them a diagram means by a form key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from lxml import etree

from engine.bpmn.forms.form_js import form_id, from_form_js
from engine.bpmn.nodes import ZEEBE
from engine.model.forms import Form

ENDINGS = (".form", ".json")
"""In small letters."""


def is_form(file: str) -> bool:
    return file.lower().endswith(ENDINGS)


def wanted_name(key: str) -> str:
    """What a form key asks for; "camunda-forms:deployment:" before it says nothing."""
    return key.strip().rpartition(":")[2]


EMBEDDED = f"{{{ZEEBE}}}userTaskForm"
"""A form inside the diagram, in the words of Camunda 8."""


def embedded(root: etree._Element) -> dict[str, etree._Element]:
    """The forms that stand inside a diagram, by their ids."""
    return {node.get("id", ""): node for node in root.iter(EMBEDDED)}


DEPLOYED = "camunda-forms:deployment:"
"""Before a key that certainly means a file of the upload."""
_PAGES = ("embedded:", "app:", "http:", "https:")


def is_elsewhere(key: str) -> bool:
    """Whether a key may name a page of another tool, rather than a file of the upload."""
    key = key.strip()
    return key.startswith(_PAGES) or not (key.startswith("camunda-forms:") or key.lower().endswith(ENDINGS))


class FormFiles:
    """The forms among the files of one upload; each is read when it is asked for first."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self._files = {file: content for file, content in (files or {}).items() if is_form(file)}
        self._read: dict[str, Form] = {}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What a form may be called by -> its file; the first one where several share a name."""
        found: dict[str, str] = {}
        for file, content in self._files.items():
            for name in _names_of(file, content):
                found.setdefault(name, file)
        return found

    def with_embedded(self, root: etree._Element) -> FormFiles:
        """These, and the forms that stand inside a diagram."""
        drawn = {identifier: (node.text or "").encode() for identifier, node in embedded(root).items()}
        if not drawn:
            return self
        both = FormFiles()
        both._files = {**self._files, **drawn}
        return both

    def get(self, key: str) -> Form | None:
        """The form that a key means; None when there is none. Raises Invalid."""
        file = self.names.get(wanted_name(key))
        if file is None:
            return None
        if file not in self._read:
            self._read[file] = from_form_js(file, self._files[file])
        return self._read[file]


def _names_of(file: str, content: bytes) -> Iterator[str]:
    """Its file's name, with folder or without, or without ending, and the form's own id."""
    yield from (file, file.rpartition("/")[2], file.rpartition(".")[0])
    own = form_id(content)
    if own:
        yield own
