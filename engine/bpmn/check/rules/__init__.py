"""The rules in words, for people: what each demands, why, and a wrong and a right example.

Each rule has a file beside this one, `<rule>.md`:

    # What is demanded, as a title

    group: Flow
    section: 10.4.1, Start Event

    What and why, in Markdown.

    ## Wrong

    ```process
    <startEvent id="start"/> ... the content of one executable process
    ```

    ## Right

    ...

`section` names a section of BPMN 2.0.2 (formal/2013-12-09) and may be absent. Examples are parts of an upload, one or
more in a section:

    ```process NAME        the content of an executable process with the id "p"
    ```definitions NAME    the content of <definitions>, of which `process` is one element
    ```file NAME           a file as it stands here
    ```archive NAME        a ZIP archive with empty files of these names, one a line
    <!-- 600 times -->     before a line: that many of the next line, # replaced by the number

Rules that a table makes need no files: their module is named in TABLES and offers PAGES, a mapping of Rule by id.
tests/unit/test_rules.py holds every page to its examples, and tells which rules lack one.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType

from engine.bpmn.nodes import BPMN, CAMUNDA, OWN, SPIFF, XSI

FOLDER = Path(__file__).parent
TABLES: tuple[ModuleType, ...] = ()
"""Modules whose PAGES are rules too."""

GROUPS = ("Files", "Structure", "Flow", "Events", "Activities", "People and forms", "Data and expressions", "Running")
"""In the order of the list of all rules."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of an example: as it is written on the page, and as it is uploaded."""

    file: str
    source: str
    content: bytes
    is_diagram: bool


Example = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule in words. text: Markdown; section: of BPMN 2.0.2, empty when the rule is not from there."""

    id: str
    title: str
    group: str
    section: str
    text: str
    wrong: Example
    right: Example


@cache
def every() -> Mapping[str, Rule]:
    """All rules that have a page, by id, in alphabetical order."""
    written = [read(path.stem, path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.md")]
    tables = [rule for table in TABLES for rule in table.PAGES.values()]
    return {rule.id: rule for rule in sorted([*written, *tables], key=lambda rule: rule.id)}


def find(id: str) -> Rule | None:
    return every().get(id)


# ---- reading a page ------------------------------------------------------------------------------------------------

_PAGE = re.compile(
    r"# (?P<title>[^\n]+)\n\n(?P<facts>(?:\w+: [^\n]+\n)+)\n(?P<text>.+?)\n\n"
    r"## Wrong\n(?P<wrong>.+?)\n## Right\n(?P<right>.+)",
    re.DOTALL,
)
_FENCE = re.compile(r"^```(?P<kind>\w+)(?: (?P<file>\S+))?\n(?P<source>.*?)^```$", re.DOTALL | re.MULTILINE)
_REPEATED = re.compile(r"^ *<!-- (\d+) times -->\n(.*\n)", re.MULTILINE)


def read(id: str, text: str) -> Rule:
    """A page as it is written. Raises ValueError where it is not as the head of this module says."""
    found = _PAGE.fullmatch(text)
    if found is None:
        raise ValueError(f"Expected the page of {id} to have title, group, text, Wrong and Right, but it has not.")
    facts = dict(line.split(": ", 1) for line in found["facts"].splitlines())
    if facts["group"] not in GROUPS:
        raise ValueError(f"Expected the group of {id} to be one of {', '.join(GROUPS)}, but it is {facts['group']}.")
    wrong, right = (tuple(_parts(found[name])) for name in ("wrong", "right"))
    return Rule(id, found["title"], facts["group"], facts.get("section", ""), found["text"], wrong, right)


def example(source: str) -> Example:
    """An example of one diagram, for tables: the content of an executable process."""
    return (_part("process", "example.bpmn", source),)


def _parts(section: str) -> Iterator[Part]:
    for fence in _FENCE.finditer(section):
        yield _part(fence["kind"], fence["file"] or "example.bpmn", fence["source"])


def _part(kind: str, file: str, source: str) -> Part:
    return Part(file, source, _MAKE[kind](source), kind in ("process", "definitions"))


_NAMESPACES = {"camunda": CAMUNDA, "procession": OWN, "spiffworkflow": SPIFF, "xsi": XSI}
_HEAD = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())


def _definitions(source: str) -> bytes:
    content = _repeated(source)
    return f'<definitions xmlns="{BPMN}" {_HEAD} targetNamespace="urn:example">\n{content}</definitions>\n'.encode()


def _process(source: str) -> bytes:
    return _definitions(f'<process id="p" isExecutable="true">\n{source}</process>\n')


def _file(source: str) -> bytes:
    return _repeated(source).encode()


def _archive(source: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in source.splitlines():
            archive.writestr(name, "")
    return packed.getvalue()


def _repeated(source: str) -> str:
    return _REPEATED.sub(lambda found: "".join(found[2].replace("#", str(n)) for n in range(int(found[1]))), source)


_MAKE = {"process": _process, "definitions": _definitions, "file": _file, "archive": _archive}
"""Kind of a part -> its bytes."""
