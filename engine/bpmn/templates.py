"""Templates of mails: files of an upload in Jinja's language, told apart by their endings.

A template is data of strangers: it is parsed here, where nothing of it is computed, and rendered in a process of its
own (see rendering.py) with limits on time, memory and what it gives.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import TemplateSyntaxError, nodes

from engine.bpmn import rendering
from engine.bpmn.script import ScriptFailed
from engine.errors import Invalid
from engine.model import Json
from engine.model.problems import Place, Problem

ENDINGS = (".txt", ".html", ".htm", ".md")
"""In small letters."""
MAX_BYTES = 200_000
MAX_NESTING = 100
RENDERING_SECONDS = 15
"""From start to end; of its processor it gets far less."""
RULE = "mail-template"
_OTHER_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def is_template(file: str) -> bool:
    return file.lower().endswith(ENDINGS)


@dataclass(frozen=True, slots=True)
class Template:
    """One whose language is correct."""

    file: str
    source: str = field(repr=False)
    names: frozenset[str]
    """That it may read."""


class Templates:
    """Those among the files of one upload; each is read when it is asked for."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self._files = {file: content for file, content in (files or {}).items() if is_template(file)}

    def file(self, name: str) -> str | None:
        """The file that is called so, with its folder or without; the first one where several are."""
        found = (file for file in self._files if name in (file, file.rpartition("/")[2]))
        return next(found, None)

    def get(self, name: str) -> Template | None:
        """None: there is none. Raises Invalid."""
        file = self.file(name)
        return None if file is None else read(file, self._files[file])


def read(file: str, content: bytes) -> Template:
    """Raises Invalid."""
    if len(content) > MAX_BYTES:
        raise _invalid(file, 1, f"Expected a template of at most {MAX_BYTES:,} bytes, but it has {len(content):,}.")
    source = _text(file, content)
    parts = list(_parts(file, _parsed(file, source)))
    other = next((part for part in parts if isinstance(part, _OTHER_FILES)), None)
    if other is not None:
        raise _invalid(file, other.lineno, "A template cannot bring in other files.", "Write it all into this one.")
    return Template(file, source, frozenset(part.name for part in parts if isinstance(part, nodes.Name)))


def _text(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = content.count(b"\n", 0, cause.start) + 1
        raise _invalid(file, line, "Expected a template in UTF-8, but it is not.", "Save it as UTF-8.") from cause


def _parsed(file: str, source: str) -> nodes.Template:
    try:
        return rendering.environment(file).parse(source)
    except TemplateSyntaxError as cause:
        raise _invalid(file, cause.lineno, f"Expected Jinja's language, but: {cause.message}.") from cause
    except RecursionError as cause:
        raise _invalid(file, 1, _TOO_DEEP) from cause
    except ValueError as cause:  # a number that is too long
        raise _invalid(file, 1, f"Expected Jinja's language, but: {cause}.") from cause


def _parts(file: str, tree: nodes.Node) -> Iterator[nodes.Node]:
    """Everything in a template. Raises Invalid where it goes too deep."""
    todo = [(tree, 0)]
    while todo:
        part, depth = todo.pop()
        if depth > MAX_NESTING:
            raise _invalid(file, part.lineno, _TOO_DEEP)
        yield part
        todo += [(child, depth + 1) for child in part.iter_child_nodes()]


_TOO_DEEP = "The template has too many parts in one another."


def _invalid(file: str, line: int, message: str, fix: str = "") -> Invalid:
    return Invalid([Problem(RULE, message, Place(file, line), fix=fix)])


@dataclass(frozen=True, slots=True)
class Rendered:
    text: str | None
    html: str | None


def rendered(template: Template, values: Mapping[str, Json]) -> Rendered:
    """The template with these values. Raises ScriptFailed."""
    told = pickle.dumps({"file": template.file, "source": template.source, "values": dict(values)})
    program = [sys.executable, "-I", str(Path(rendering.__file__))]
    try:
        done = subprocess.run(program, input=told, capture_output=True, timeout=RENDERING_SECONDS, env={}, check=True)
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as cause:
        raise ScriptFailed(f"Template {template.file} ran too long or took too much memory.") from cause
    if "error" in answer:
        raise ScriptFailed(f"Template {template.file}, line {answer['line']}: {answer['error']}")
    return Rendered(answer["text"], answer["html"])
