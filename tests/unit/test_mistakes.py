"""Mistakes that analysts make, each put into one working model: one problem, at its element, to the line and column.

Each block of mistakes/*.txt is a mistake: what is wrong; severity, rule and the element's id; lines of the model that
are replaced (-) and what stands there instead (+); what the problem must say (>). "¦" is where it is to be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.bpmn import parse
from engine.bpmn.check import check
from engine.bpmn.nodes import BPMN
from engine.bpmn.read import read
from engine.model.problems import Problem, Severity

HERE = "¦"
FOLDER = Path(__file__).parent / "mistakes"
MODEL = (FOLDER / "purchase.bpmn").read_text()
FORMS = {path.name: path.read_bytes() for path in FOLDER.glob("*.form")}


class Mistake(NamedTuple):
    """What is done to the model, and the only problem that is told of it."""

    severity: str
    rule: str
    element: str
    replaced: tuple[tuple[str, str], ...]
    says: str


def mistakes(path: Path) -> Iterator[tuple[str, Mistake]]:
    for block in path.read_text().removeprefix("== ").strip().split("\n\n== "):
        name, told, *rows = block.split("\n")
        severity, rule, element = f"{told} ".split(" ", 2)
        parts = [(sign, "\n".join(row[2:] for row in group)) for sign, group in groupby(rows, key=lambda row: row[:1])]
        pairs = tuple((old, new) for (_, old), (_, new) in zip(parts[:-1:2], parts[1:-1:2], strict=True))
        yield name, Mistake(severity, rule, element.strip(), pairs, parts[-1][1])


MISTAKES = {f"{path.stem}: {name}": found for path in sorted(FOLDER.glob("*.txt")) for name, found in mistakes(path)}


def told(text: str | bytes) -> list[Problem]:
    return check({"purchase.bpmn": text if isinstance(text, bytes) else text.encode(), **FORMS})


def changed(*replaced: tuple[str, str]) -> str:
    text = MODEL
    for old, new in replaced:
        assert text.count(old) == 1, f"Expected this once in the model: {old}"
        text = text.replace(old, new)
    return text


def test_the_model_works() -> None:
    document = read("purchase.bpmn", MODEL.encode())
    made = parse.processes(document, FORMS)

    assert told(MODEL) == []
    assert [process.key for process in made] == ["purchase", "payment"]


def test_there_are_mistakes_of_many_kinds() -> None:
    assert len(MISTAKES) > 150
    assert len({mistake.rule for mistake in MISTAKES.values()}) > 40


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_once_at_its_place(name: str) -> None:
    severity, rule, element, replaced, says = MISTAKES[name]
    text = changed(*replaced)
    before = text[: text.index(HERE)]

    found = told(text.replace(HERE, ""))

    assert [(each.severity, each.rule, each.element_id) for each in found] == [(severity, rule, element)], found
    assert (found[0].place.line, found[0].place.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert says in f"{found[0].message} {found[0].fix}"


# ---- files that are not what they should be ------------------------------------------------------------------------


DMN = b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n"/>'
FILES = {
    "cut off": (MODEL[:9_000].encode(), "xml-syntax", "cut off"),
    "a doctype": (MODEL.replace("<bpmn:def", "<!DOCTYPE bpmn>\n<bpmn:def", 1).encode(), "doctype", "delete"),
    "an entity": (MODEL.replace("At once", "At&nbsp;once").encode(), "xml-syntax", "entity"),
    "an ampersand": (MODEL.replace("At once", "This & that").encode(), "xml-syntax", "&amp;"),
    "a sign of comparison": (MODEL.replace("&gt; 1000}", "< 1000}").encode(), "xml-syntax", "&lt;"),
    "a namespace that was deleted": (
        MODEL.replace(' xmlns:camunda="http://camunda.org/schema/1.0/bpmn"', "").encode(),
        "xml-syntax",
        "xmlns",
    ),
    "a tag that is never closed": (MODEL.replace("</bpmn:callActivity>", "").encode(), "xml-syntax", "opened last"),
    "the wrong encoding": (MODEL.replace("At once", "Schließen").encode("latin-1"), "encoding", "UTF-8"),
    "a decision": (DMN, "not-bpmn", "DMN"),
    "JSON": (b'{"components": []}', "not-bpmn", ".form"),
    "nothing": (b"", "not-bpmn", "empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "not-bpmn", "picture"),
    "a web page": (b"<!doctype html><html></html>", "not-bpmn", "web page"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_told_once(name: str) -> None:
    content, rule, words = FILES[name]

    (found,) = told(content)

    assert (found.severity, found.rule) == (Severity.ERROR, rule)
    assert words in f"{found.message} {found.fix}"


# ---- what looks odd, and is right ----------------------------------------------------------------------------------


def prefixed(prefix: str) -> str:
    """The model with another prefix, or none, for BPMN."""
    named = f"xmlns:{prefix}" if prefix else "xmlns"
    text = MODEL.replace("xmlns:bpmn=", f"{named}=").replace("bpmn:", f"{prefix}:" if prefix else "")
    return text.replace('"http://camunda.org/schema/1.0/"', '"http://camunda.org/schema/1.0/bpmn"')


def flows_first() -> str:
    """Its flows stand before the elements they join."""
    lines = MODEL.split("\n")
    at = next(number for number, line in enumerate(lines) if 'id="requested" name' in line)
    flows = [line for line in lines[at:] if line.startswith("    <bpmn:sequenceFlow") and line.endswith("/>")]
    of_purchase = [line for line in flows if lines.index(line) < lines.index("  </bpmn:process>")]
    others = [line for line in lines if line not in of_purchase]
    return "\n".join([*others[:at], *of_purchase, *others[at:]])


DRAWN = MODEL[MODEL.index("  <bpmndi:BPMNDiagram") : MODEL.index("</bpmn:definitions>")]
CAMUNDA_8 = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="{BPMN}" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    xmlns:modeler="http://camunda.org/schema/modeler/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    targetNamespace="http://bpmn.io/schema/bpmn" modeler:executionPlatform="Camunda Cloud">
  <bpmn:process id="order" name="Order" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="check" />
    <bpmn:userTask id="check" name="Check">
      <bpmn:extensionElements>
        <zeebe:assignmentDefinition candidateGroups="clerks" />
      </bpmn:extensionElements>
      <bpmn:incoming>a</bpmn:incoming>
      <bpmn:outgoing>b</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="b" sourceRef="check" targetRef="large" />
    <bpmn:exclusiveGateway id="large" default="d">
      <bpmn:incoming>b</bpmn:incoming>
      <bpmn:outgoing>c</bpmn:outgoing>
      <bpmn:outgoing>d</bpmn:outgoing>
    </bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="c" sourceRef="large" targetRef="pay">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=amount &gt; 1000</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="d" sourceRef="large" targetRef="end" />
    <bpmn:serviceTask id="pay" name="Pay">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="pay" retries="3" />
      </bpmn:extensionElements>
      <bpmn:incoming>c</bpmn:incoming>
      <bpmn:outgoing>e</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="e" sourceRef="pay" targetRef="end" />
    <bpmn:endEvent id="end">
      <bpmn:incoming>d</bpmn:incoming>
      <bpmn:incoming>e</bpmn:incoming>
    </bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""
_TERMS = 'xmlns:sig="http://www.signavio.com" xmlns:x="urn:somebody:else"'
VALID: dict[str, str | bytes] = {
    "Camunda 8": CAMUNDA_8,
    "the prefix bpmn2": prefixed("bpmn2"),
    "the prefix semantic": prefixed("semantic"),
    "CRLF": MODEL.replace("\n", "\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + MODEL.encode(),
    "UTF-16": MODEL.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
    "ISO-8859-1": MODEL.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("iso-8859-1"),
    "flows before elements": flows_first(),
    "a pool that is not executable": changed(
        ('id="supplier" name="Supplier" />', 'id="supplier" name="Supplier" processRef="supply" />'),
        (DRAWN, f'  <bpmn:process id="supply"><bpmn:task id="deliver" name="Deliver" /></bpmn:process>\n{DRAWN}'),
    ),
    "a group": changed(
        (
            "  <bpmn:collab",
            '  <bpmn:category id="c"><bpmn:categoryValue id="v" value="Cash"/></bpmn:category>\n  <bpmn:collab',
        ),
        ("    <bpmn:textA", '    <bpmn:group id="cash" categoryValueRef="v" />\n    <bpmn:textA'),
    ),
    "a data store": changed(
        ("  <bpmn:collaboration", '  <bpmn:dataStore id="books" name="Books" />\n  <bpmn:collaboration'),
        ('<bpmn:dataStoreReference id="ledger"', '<bpmn:dataStoreReference id="ledger" dataStoreRef="books"'),
    ),
    "words of others": changed(
        ('targetNamespace="http', f'{_TERMS} targetNamespace="http'),
        ('<bpmn:manualTask id="tell"', '<bpmn:manualTask id="tell" x:colour="red"'),
        ("<camunda:in ", '<sig:signavioMetaData metaKey="bgcolor" metaValue="#fff" />\n        <camunda:in '),
    ),
    "no picture": MODEL.replace(DRAWN, ""),
    "remarks and instructions": changed(
        ("  <bpmn:message id", '  <!-- a "remark" with <tags> & signs -->\n  <?tool keep="1"?>\n  <bpmn:message id')
    ),
    "a script in CDATA": changed(("rest &lt; 0", "rest <![CDATA[<]]> 0")),
    "a tag over several lines": changed(
        ('<bpmn:userTask id="inspect" name=', '<bpmn:userTask\n        id="inspect"\n        name=')
    ),
    "no incoming and outgoing": "\n".join(
        line for line in MODEL.split("\n") if "<bpmn:incoming>" not in line and "<bpmn:outgoing>" not in line
    ),
    "ids of digits": MODEL.replace('"to_pay"', '"4711"').replace(">to_pay<", ">4711<"),
    "a process that may call itself": changed(('calledElement="payment"', 'calledElement="purchase"')),
    "an exporter": changed((' id="purchases"', ' id="purchases" exporter="Some Modeler" exporterVersion="5.0"')),
}


@pytest.mark.parametrize("name", VALID)
def test_what_looks_odd_and_is_right_passes(name: str) -> None:
    assert [str(problem) for problem in told(VALID[name])] == []
