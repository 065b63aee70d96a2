"""The import report: each word of another tool, and what becomes of it."""

from __future__ import annotations

from engine import definitions
from engine.bpmn.check import imported
from tests.driver import PROCESSES
from tests.unit.drawing import between, process


def rows(content: str) -> list[tuple[str, str, str]]:
    return [
        (str(row.effect), row.word, row.element_id)
        for row in definitions.imported({"a.bpmn": process(content).encode()})
    ]


def test_every_word_is_told_where_it_stands() -> None:
    node = (
        '<userTask id="n" name="Work" camunda:assignee="${who}" camunda:asyncBefore="true" camunda:topic="x">\n'
        "<extensionElements><camunda:taskListener/></extensionElements></userTask>"
    )

    assert rows(between(node)) == [
        ("mapped", "camunda:assignee", "n"),
        ("harmless", "camunda:asyncBefore", "n"),
        ("ignored", "camunda:topic", "n"),
        ("must change", "camunda:taskListener", "n"),
    ]


def test_what_the_checks_refuse_must_change() -> None:
    node = '<userTask id="n" camunda:assignee="${find(x)}" camunda:priority="${3}"/>'

    assert rows(between(node)) == [("must change", "camunda:assignee", "n"), ("mapped", "camunda:priority", "n")]


def test_a_row_says_what_to_do() -> None:
    text = process(between('<serviceTask id="n" name="Pay"\n camunda:class="com.example.Pay"/>'))

    (row,) = definitions.imported({"a.bpmn": text.encode()})

    assert str(row).startswith('a.bpmn:8:17 must change: camunda:class of serviceTask "Pay" (n): Write camunda:type')


def test_expressions_and_scripts_are_told() -> None:
    content = between(
        '<scriptTask id="n" scriptFormat="groovy"><script>each(x)</script></scriptTask>'
        '<boundaryEvent id="b" attachedToRef="n"><timerEventDefinition><timeDuration>${d}</timeDuration>'
        '</timerEventDefinition></boundaryEvent><endEvent id="e"/>'
        '<sequenceFlow id="f" sourceRef="b" targetRef="e"/>'
    )

    assert rows(content) == [("must change", "a script in Groovy", "n"), ("mapped", "an expression in JUEL", "b")]


def test_diagrams_that_run_need_no_change() -> None:
    for path in (PROCESSES / "dialects").glob("camunda*.bpmn"):
        told = definitions.imported({path.name: path.read_bytes()})

        assert told
        assert {str(row.effect) for row in told} <= {"mapped", "harmless", "ignored"}
        assert {row.tool for row in told if row.tool} <= set(imported.tools(path.read_bytes()))


def test_a_file_that_cannot_be_read_has_no_words() -> None:
    assert definitions.imported({"a.bpmn": b"<a"}) == []
