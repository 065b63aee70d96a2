"""Bytes of an upload -> a safe tree that knows the line and column of everything in it.

Nothing outside the bytes is ever opened. DTDs are refused, and with them every kind of entity bomb. expat reads first:
it holds the limits and knows where each start tag begins (lxml only knows where a tag of several lines ends).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import AnyStr, NoReturn
from xml.parsers import expat

from lxml import etree

from engine.bpmn import global_tasks
from engine.bpmn.document import Document, Start
from engine.bpmn.nodes import ALIASES, BPMN, BPMNDI, Node, bpmn, elements, is_bpmn, local
from engine.errors import Invalid
from engine.model.problems import Place, Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_ELEMENTS = 50_000
MAX_DEPTH = 100
MAX_ATTRIBUTES = 500
"""Of one element."""
MAX_NAMESPACES = 1_000
"""Declared in one file."""


def read(file: str, data: bytes) -> Document:
    """Read an upload as BPMN.

    Raises Invalid with one problem: what the bytes are instead, or where they stop being XML.
    """
    _refuse_by(_SIGNATURES, file, data)
    text = _text(file, data)
    _refuse_by(_BEGINNINGS, file, text)
    source = text.encode()
    starts = _Scan(file, source).starts
    root = _tree(file, source)
    _refuse_other_roots(file, root)
    _write_out_booleans(root)
    _adopt(root, source)
    places = dict(zip(root.iter(), starts, strict=True))
    global_tasks.wrap(root)
    return Document(file, root, _has_diagram(root), source, places)


_BOOLEANS = ("isExecutable", "cancelActivity", "isSequential", "testBefore", "triggeredByEvent", "isForCompensation")
_WORDS = {"1": "true", "0": "false"}


def _write_out_booleans(root: Node) -> None:
    """XML Schema lets 1 stand for true; whoever reads the tree asks for true only."""
    for node in elements(root):
        for name in _BOOLEANS:
            text = node.get(name)
            if text is not None:
                node.set(name, _WORDS.get(text.strip(), text.strip()))


RUNS_UNSAID = {"http://activiti.org/bpmn": "Activiti", "http://flowable.org/bpmn": "Flowable"}
"""Namespace -> its tool, which runs processes that do not say whether they are executable."""


def _adopt(root: Node, source: bytes) -> None:
    """Read the words of tools that share a language by one of their names, and what their silence means."""
    if not any(uri.encode() in source for uri in ALIASES):
        return
    for node in root.iter():
        node.tag = _by_one_name(str(node.tag))
        for name in map(str, node.attrib):
            if _by_one_name(name) != name:
                node.set(_by_one_name(name), node.get(name, ""))
                del node.attrib[name]
    for process in root.iterchildren(bpmn("process")):
        if process.get("isExecutable") is None and any(child.tag != bpmn("documentation") for child in process):
            process.set("isExecutable", "true")


def _by_one_name(name: str) -> str:
    uri, _, word = name[1:].partition("}")
    return f"{{{ALIASES[uri]}}}{word}" if uri in ALIASES else name


def _has_diagram(root: Node) -> bool:
    return next(root.iter(f"{{{BPMNDI}}}BPMNShape"), None) is not None


def _refuse(rule: str, place: Place, message: str, fix: str = "") -> NoReturn:
    raise Invalid([Problem(rule, message, place, fix=fix)])


# ---- bytes -> text -------------------------------------------------------------------------------------------------

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""How the first bytes tell an encoding."""
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "windows-1252": "cp1252",
}
_SAVE_AS_UTF8 = "Save the file as UTF-8."


def _text(file: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1024 / 1024:.1f} MB"
        _refuse("too-large", Place(file), f"Expected at most 5 MB, but the file has {size}.", "Split the diagram.")
    encoding = _encoding(file, data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        message = f"Expected {encoding.upper()} text, but byte {cause.start + 1} of the file is not."
        _refuse("encoding", Place(file, line), message, _SAVE_AS_UTF8)


def _encoding(file: str, data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        _refuse("encoding", Place(file), "Expected UTF-8 or UTF-16, but the file is UTF-32.", _SAVE_AS_UTF8)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    declared = _DECLARED.match(data)
    name = declared[1].decode() if declared else "utf-8"
    if name.lower().startswith("utf-16"):
        message = f'The file says encoding="{name}", but its bytes are not UTF-16.'
        _refuse("encoding", Place(file), message, 'Write encoding="UTF-8" in its first line.')
    if name.lower() not in _ENCODINGS:
        message = f'Expected UTF-8, UTF-16 or ISO-8859-1, but the file says encoding="{name}".'
        _refuse("encoding", Place(file), message, _SAVE_AS_UTF8)
    return _ENCODINGS[name.lower()]


# ---- text -> what it is --------------------------------------------------------------------------------------------

_EXPORT = "Export the diagram as BPMN 2.0 XML."
_UNPACK = "Unpack it and upload the .bpmn files inside."
_SIGNATURES = (
    (re.compile(rb"PK\x03\x04"), "a ZIP archive", _UNPACK),
    (re.compile(rb"\x1f\x8b"), "a compressed file", _UNPACK),
    (re.compile(rb"%PDF"), "a PDF document", _EXPORT),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8"), "a picture", _EXPORT),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old Office or Visio document", _EXPORT),
)
"""By the first bytes."""
_BEGINNINGS = (
    (re.compile(r"\s*\Z"), "empty", "Save the diagram again, then upload it."),
    (re.compile(r"\s*(?:<!doctype\s+html|<html)", re.I), "a web page", "Download the diagram itself, not its page."),
    (re.compile(r"\s*[{\[]"), "JSON", "If it is a form, let its name end in .form or .json."),
    (re.compile(r"\s*[^\s<]"), "plain text", _EXPORT),
)
"""By the first characters."""
_ROOTS = (
    (re.compile(r"http.*/DMN/"), "a DMN decision", "Decisions are not executed yet; upload the BPMN diagram only."),
    (re.compile(r"http.*/CMMN/"), "a CMMN case", "Draw the case as a BPMN process."),
    (
        re.compile(r"http.*/BPMN/(?!20100524)"),
        "an old draft of BPMN 2.0",
        "Export it again as BPMN 2.0 of 2011 or later.",
    ),
    (re.compile(r"http.*wfmc\.org"), "XPDL", _EXPORT),
    (re.compile(r"http://www\.w3\.org/2000/svg"), "an SVG picture", _EXPORT),
    (re.compile(r"http.*xmlsoap\.org/wsdl"), "a WSDL service description", "Upload the BPMN diagram."),
)
"""By namespace of the root."""


Pattern = tuple[re.Pattern[AnyStr], str, str]
"""What to look for, what the file then is, what to do."""


def _refuse_by(patterns: Iterable[Pattern[AnyStr]], file: str, beginning: AnyStr) -> None:
    for pattern, what, fix in patterns:
        if pattern.match(beginning):
            _refuse_foreign(file, what, fix)


def _refuse_other_roots(file: str, root: Node) -> None:
    if root.tag == bpmn("definitions"):
        return
    namespace = str(etree.QName(root).namespace or "")
    _refuse_by(_ROOTS, file, namespace)
    known = "BPMN" if is_bpmn(root) else f'the namespace "{namespace:.100}"' if namespace else "no namespace"
    fix = f'The outermost element must be <definitions xmlns="{BPMN}">. Export the diagram again.'
    _refuse_foreign(file, f"XML that begins with <{local(root):.100}> of {known}", fix)


def _refuse_foreign(file: str, what: str, fix: str) -> NoReturn:
    _refuse("not-bpmn", Place(file), f"Expected a BPMN 2.0 diagram, but the file is {what}.", fix)


# ---- text -> start tags and tree -----------------------------------------------------------------------------------


class _Scan:
    """One pass of expat: the limits, no DTD, and where every start tag begins, in document order."""

    def __init__(self, file: str, source: bytes) -> None:
        self._file = file
        self.starts: list[Start] = []
        self._depth = self._namespaces = 0
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._enter
        parser.EndElementHandler = self._leave
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        try:
            parser.Parse(source, True)
        except expat.ExpatError as cause:
            self._broken(cause)

    def _place(self) -> Place:
        return Place(self._file, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _enter(self, _name: str, attributes: dict[str, str]) -> None:
        parser = self._parser
        self.starts.append(
            Start(parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, parser.CurrentByteIndex),
        )
        self._depth += 1
        self._limit(len(self.starts), MAX_ELEMENTS, "elements in the file")
        self._limit(self._depth, MAX_DEPTH, "levels of elements")
        self._limit(len(attributes), MAX_ATTRIBUTES, "attributes on one element")

    def _leave(self, _name: str) -> None:
        self._depth -= 1

    def _namespace(self, _prefix: str | None, _uri: str) -> None:
        self._namespaces += 1
        self._limit(self._namespaces, MAX_NAMESPACES, "namespaces in the file")

    def _limit(self, count: int, limit: int, what: str) -> None:
        if count > limit:
            _refuse("too-large", self._place(), f"Expected at most {limit:,} {what}, but here are more.")

    def _doctype(self, *_declaration: object) -> None:
        message = "Expected a diagram without <!DOCTYPE>, but here is one."
        _refuse(
            "doctype", self._place(), message, "BPMN needs none: delete the declaration, and write out its entities."
        )

    def _broken(self, cause: expat.ExpatError) -> NoReturn:
        reason = _REASONS.get(expat.ErrorString(cause.code), expat.ErrorString(cause.code) + ".")
        fix = "Export the diagram again, or mend the file in a text editor."
        _refuse("xml-syntax", Place(self._file, cause.lineno, cause.offset + 1), f"Not well-formed XML: {reason}", fix)


_REASONS = {
    "no element found": "the file ends before its elements are closed. It may have been cut off.",
    "unclosed token": "a tag begins here and never ends. The file may have been cut off.",
    "mismatched tag": "this closes an element that is not the one opened last.",
    "duplicate attribute": "an attribute is given twice in one tag.",
    "undefined entity": "an entity (&name;) that XML does not know; it knows &lt; &gt; &amp; &quot; and &apos;.",
    "junk after document element": "something follows the end of the outermost element.",
    "unbound prefix": "a name has a prefix (prefix:name) that no xmlns:prefix explains.",
    "not well-formed (invalid token)": "a character that may not stand here (& must be written &amp;, < must be &lt;).",
    "XML or text declaration not at start of entity": "something, perhaps a blank line, stands before <?xml ...?>.",
}
"""expat's words -> ours."""


def _tree(file: str, source: bytes) -> Node:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(source, parser)
    except etree.XMLSyntaxError as cause:
        line, column = cause.position
        _refuse("xml-syntax", Place(file, max(line, 1), max(column, 1)), f"Not well-formed XML: {cause.msg}")
