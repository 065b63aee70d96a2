"""A BPMN file that was read: its tree, and the line and column of everything in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.bpmn.nodes import ALIASES, Node, local, name_of
from engine.model.problems import Place, Problem, Severity

LONGEST_MESSAGE = 1_000
"""Characters: messages repeat what is drawn, which may be long."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a start tag begins: line and column from 1, and the index of its first byte."""

    line: int
    column: int
    byte: int


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One BPMN file, read."""

    file: str
    root: Node
    has_diagram: bool
    """Whether the file says where its shapes are drawn."""
    _source: bytes = field(repr=False)
    """UTF-8, without byte order mark."""
    _starts: Mapping[Node, Start] = field(repr=False)

    def place(self, node: Node | None) -> Place:
        """Where the start tag begins; for a node that is not from the file: where its nearest ancestor begins."""
        start = self._start(node)
        return Place(self.file, start.line, start.column)

    def attribute_place(self, node: Node, name: str, offset: int = 0) -> Place:
        """Where a character of an attribute's value stands; name as in node.get."""
        found = self._attribute(node, name)
        if found is None:
            return self.place(node)
        return self._at(node, found, offset)

    def misses(self, node: Node, name: str) -> bool:
        """Whether the file does not give an element this attribute, whatever its tree says."""
        return node in self._starts and self._attribute(node, name) is None

    def text_place(self, node: Node, offset: int = 0) -> Place:
        """Where a character of the element's own text stands; 0 is the first after the start tag."""
        tag = self._tag(node)
        return self.place(node) if tag is None else self._at(node, tag.end(), offset)

    def problem(
        self,
        rule: str,
        node: Node,
        message: str,
        fix: str = "",
        *,
        place: Place | None = None,
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """A problem with an element; place says more exactly where, when it is not the start tag."""
        return Problem(
            rule,
            message[:LONGEST_MESSAGE],
            place or self.place(node),
            severity,
            element_type=local(node),
            element_name=name_of(node),
            element_id=node.get("id", ""),
            fix=fix,
        )

    def _start(self, node: Node | None) -> Start:
        while node is not None and node not in self._starts:
            node = node.getparent()
        return Start(1, 1, 0) if node is None else self._starts[node]

    def _tag(self, node: Node) -> re.Match[bytes] | None:
        """The start tag as it stands in the file; None for a node that is not from the file."""
        start = self._starts.get(node)
        return None if start is None else _TAG.match(self._source, start.byte)

    def _attribute(self, node: Node, name: str) -> int | None:
        """Index of the first byte of an attribute's value."""
        tag = self._tag(node)
        if tag is None:
            return None
        full = etree.QName(name)
        uris = {full.namespace, *(alias for alias, uri in ALIASES.items() if uri == full.namespace)}
        prefixes = [prefix for prefix, uri in node.nsmap.items() if uri in uris and prefix]
        names = [f"{prefix}:{full.localname}" for prefix in prefixes] if full.namespace else [full.localname]
        found = _ATTRIBUTE.finditer(self._source, tag.start(), tag.end())
        return next((each.start("value") + 1 for each in found if each["name"].decode() in names), None)

    def _at(self, node: Node, index: int, offset: int) -> Place:
        """The place of the character that comes `offset` parsed characters after a byte."""
        start = self._starts[node]
        before = _LINE_END.split(self._source[start.byte : _skip(self._source, index, offset)])
        column = len(before[-1].decode()) + (start.column if len(before) == 1 else 1)
        return Place(self.file, start.line + len(before) - 1, column)


_LINE_END = re.compile(rb"\r\n|\r|\n")
_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_ATTRIBUTE = re.compile(rb"\s(?P<name>[^\s=<>\"']+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")
_PIECE = re.compile(
    rb"(?P<none><!--.*?-->|<\?.*?\?>)"
    rb"|<!\[CDATA\[(?P<raw>.*?)\]\]>"
    rb"|(?P<one>&[^;<]*;|\r\n|[\0-;=-\x7f]|[\xc0-\xff][\x80-\xbf]*)",
    re.DOTALL,
)
"""Markup that adds no character to a text, a stretch in which nothing is markup, and what adds one character."""
_RAW = re.compile(rb"\r\n|[\0-\x7f]|[\xc0-\xff][\x80-\xbf]*")


def _skip(source: bytes, index: int, offset: int) -> int:
    """The byte where the character `offset` characters further on begins."""
    while piece := _PIECE.match(source, index):
        if piece["raw"] is not None:
            raw = _RAW.findall(piece["raw"])
            if offset < len(raw):
                return piece.start("raw") + sum(map(len, raw[:offset]))
            offset -= len(raw)
        elif piece["one"] is not None:
            if offset <= 0:
                break
            offset -= 1
        index = piece.end()
    return index
