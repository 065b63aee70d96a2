"""Reading uploads: what is accepted, what is refused in which words, and where things stand in the file."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from engine.bpmn.document import Document
from engine.bpmn.nodes import BPMN, BPMNDI, bpmn, camunda, local
from engine.bpmn.read import MAX_BYTES, read
from engine.errors import Invalid
from engine.model.problems import Place, Problem

SMALL = f'<definitions xmlns="{BPMN}"><process id="p"/></definitions>'
REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "miwg-reference"


def refusal(data: bytes | str) -> Problem:
    with pytest.raises(Invalid) as caught:
        read("a.bpmn", data.encode() if isinstance(data, str) else data)
    (problem,) = caught.value.problems
    return problem


def only(document: Document, tag: str) -> Place:
    (node,) = document.root.iter(bpmn(tag))
    return document.place(node)


# ---- what is accepted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        SMALL.encode(),
        b"\xef\xbb\xbf" + SMALL.encode(),
        b"\xef\xbb\xbf" + f'<?xml version="1.0" encoding="UTF-8"?>{SMALL}'.encode(),
        f'<?xml version="1.0" encoding="UTF-16"?>{SMALL}'.encode("utf-16"),
        f'<?xml version="1.0" encoding="UTF-16"?>{SMALL}'.encode("utf-16-be"),
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{SMALL}'.encode(),
        f"<?xml version='1.0' encoding='us-ascii' standalone='yes'?>\r\n{SMALL}\r\n".encode(),
    ],
    ids=["utf-8", "mark", "mark and declaration", "utf-16", "utf-16 without mark", "latin", "ascii, crlf"],
)
def test_every_encoding_a_modeler_writes_is_read(data: bytes) -> None:
    assert local(read("a.bpmn", data).root[0]) == "process"


def test_latin_letters_keep_their_meaning() -> None:
    data = f'<?xml version="1.0" encoding="ISO-8859-1"?><definitions xmlns="{BPMN}" name="Prüfung"/>'.encode("latin-1")

    assert read("a.bpmn", data).root.get("name") == "Prüfung"


@pytest.mark.parametrize("prefix", ["bpmn", "bpmn2", "semantic"])
def test_any_prefix_is_read(prefix: str) -> None:
    document = read("a.bpmn", f'<{prefix}:definitions xmlns:{prefix}="{BPMN}"/>'.encode())

    assert document.root.tag == bpmn("definitions")


def test_a_file_with_shapes_has_a_diagram() -> None:
    shape = f'<definitions xmlns="{BPMN}" xmlns:di="{BPMNDI}"><di:BPMNShape id="s"/></definitions>'

    assert read("a.bpmn", shape.encode()).has_diagram
    assert not read("a.bpmn", SMALL.encode()).has_diagram


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference diagrams are not beside the repository")
def test_the_reference_diagrams_of_the_interchange_group_are_readable() -> None:
    for path in sorted(REFERENCE.glob("*.bpmn")):
        assert read(path.name, path.read_bytes()).has_diagram, path.name


@pytest.mark.parametrize(("written", "read_as"), [("1", "true"), (" true ", "true"), ("0", "false"), ("yes", "yes")])
def test_booleans_are_written_out(written: str, read_as: str) -> None:
    document = read("a.bpmn", SMALL.replace('id="p"', f'id="p" isExecutable="{written}"').encode())

    assert document.root[0].get("isExecutable") == read_as


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_a_diagram_in_an_archive_is_named_as_such() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.bpmn", SMALL)

    assert "a ZIP archive" in refusal(packed.getvalue()).message


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ('{"components": []}', "JSON"),
        ("hello", "plain text"),
        ("<!DOCTYPE html><html></html>", "a web page"),
        ("<html/>", "a web page"),
        ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>', "a DMN decision"),
        ('<definitions xmlns="http://www.omg.org/spec/CMMN/20151109/MODEL"/>', "a CMMN case"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG picture"),
        ('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>', "a WSDL service description"),
        ("<definitions/>", "<definitions> of no namespace"),
        (f'<process xmlns="{BPMN}"/>', "<process> of BPMN"),
    ],
)
def test_another_format_gets_its_own_answer(data: str, what: str) -> None:
    problem = refusal(data)

    assert problem.rule == "not-bpmn"
    assert what in problem.message
    assert problem.fix


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        ("<a>\n<b>", 2, 4, "cut off"),
        ("<a>\n<b", 2, 1, "cut off"),
        ("<a>\n<b></c>\n</a>", 2, 6, "opened last"),
        ('<a>\n <b x="1" x="2"/></a>', 2, 11, "given twice"),
        ("<a>\r\n&nbsp;</a>", 2, 1, "entity"),
        ("<a/>\n<b/>", 2, 1, "follows the end"),
        ("<a>\n<p:b/></a>", 2, 1, "prefix"),
        ("<a>Tom & Ann</a>", 1, 9, "&amp;"),
        ('\n<?xml version="1.0"?><a/>', 2, 1, "before <?xml"),
    ],
)
def test_broken_xml_is_named_with_line_and_column(data: str, line: int, column: int, words: str) -> None:
    problem = refusal(data)

    assert problem.rule == "xml-syntax"
    assert problem.place.line == line
    assert abs(problem.place.column - column) <= 1
    assert words in problem.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'<?xml version="1.0" encoding="KOI8-R"?><a/>', "KOI8-R"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "not UTF-16"),
        (b"<a>\n\xff</a>", "byte 5"),
    ],
)
def test_a_wrong_encoding_is_named(data: bytes, words: str) -> None:
    problem = refusal(data)

    assert problem.rule == "encoding"
    assert words in problem.message


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize("data", [BOMB, OUTSIDE, '<!DOCTYPE a SYSTEM "http://localhost/x.dtd"><a/>'])
def test_a_document_type_is_refused(data: str) -> None:
    assert refusal(data).rule == "doctype"


HOSTILE = {
    "bytes": b" " * (MAX_BYTES + 1),
    "elements": b"<a>" + b"<b/>" * 50_000 + b"</a>",
    "depth": b"<a>" * 101,
    "depth a million": b"<a>" * 1_000_000,
    "attributes": b"<a " + b" ".join(b'x%d=""' % number for number in range(200_000)) + b"/>",
    "namespaces": b"<a " + b" ".join(b'xmlns:x%d="u"' % number for number in range(150_000)) + b"/>",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_huge_file_is_refused_at_once(data: bytes) -> None:
    began = time.thread_time()

    assert refusal(data).rule == "too-large"
    assert time.thread_time() - began < 1.5


def test_one_long_text_is_read() -> None:
    data = SMALL.replace('id="p"', 'name="' + "x" * 4_000_000 + '"')

    assert len(read("a.bpmn", data.encode()).root[0].get("name", "")) == 4_000_000


# ---- places --------------------------------------------------------------------------------------------------------

SPREAD = f"""<definitions xmlns="{BPMN}"
    xmlns:camunda="http://camunda.org/schema/1.0/bpmn">
  <!-- a comment -->
  <process id="p"
           name="Prüfung &amp; mehr">é<task
      id="t" camunda:assignee="${{a &lt; b}}"/>
    <script>first &lt;
  second</script>
  </process>
</definitions>"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_places_are_those_of_the_start_tag(line_end: str, encoding: str) -> None:
    document = read("a.bpmn", SPREAD.replace("\n", line_end).encode(encoding))

    assert only(document, "process") == Place("a.bpmn", 4, 3)
    assert only(document, "task") == Place("a.bpmn", 5, 39)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_places_reach_into_attributes_and_texts(line_end: str) -> None:
    document = read("a.bpmn", SPREAD.replace("\n", line_end).encode())
    task, script = document.root[0]

    assert document.attribute_place(task, camunda("assignee")) == Place("a.bpmn", 6, 32)
    assert document.attribute_place(task, camunda("assignee"), 6) == Place("a.bpmn", 6, 41)
    assert document.text_place(script) == Place("a.bpmn", 7, 13)
    assert document.text_place(script, 7) == Place("a.bpmn", 7, 23)
    assert document.text_place(script, (script.text or "").index("second")) == Place("a.bpmn", 8, 3)


def test_texts_in_cdata_have_places() -> None:
    document = read(
        "a.bpmn", f'<definitions xmlns="{BPMN}"><script><![CDATA[\n  a < b]]></script></definitions>'.encode()
    )

    assert document.text_place(document.root[0], 3) == Place("a.bpmn", 2, 3)


def test_a_node_that_is_not_from_the_file_has_the_place_of_its_parent() -> None:
    document = read("a.bpmn", SPREAD.encode())
    process = document.root[0]
    added = process.makeelement(bpmn("task"))
    process.append(added)

    assert document.place(added) == document.place(process)
    assert document.attribute_place(process, "missing") == document.place(process)


def test_a_problem_names_the_element() -> None:
    document = read("a.bpmn", SPREAD.encode())

    problem = document.problem("rule", document.root[0], "Wrong.", "Mend it.")

    assert str(problem) == 'a.bpmn:4:3 error [rule] process "Prüfung & mehr" (p): Wrong. Mend it.'
