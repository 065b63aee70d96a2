"""Checking a whole upload: its files together, all problems at once, and no false alarm."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from engine.bpmn import parse
from engine.bpmn.check import MAX_FILES, MAX_PROBLEMS, check
from engine.bpmn.nodes import BPMN
from engine.bpmn.read import read
from engine.model.problems import Severity
from tests.unit.drawing import END, HEAD, START, accepted, between, chain, flow, problems, process

Element = etree._Element
ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "data" / "miwg-reference"
FORM = json.dumps({"id": "order", "components": [{"type": "textfield", "key": "a"}]}).encode()
EXAMPLES = sorted({path.parent for path in (ROOT / "processes").rglob("*.bpmn")})


def rules(files: dict[str, bytes]) -> list[str]:
    return [problem.rule for problem in check(files)]


SMALL = process(between('<task id="n"/>')).encode()


# ---- files ---------------------------------------------------------------------------------------------------------


def test_a_diagram_and_its_form_are_checked_together() -> None:
    text = process(between('<manualTask id="n"/>').replace("<startEvent", '<startEvent camunda:formKey="order.form"'))

    assert rules({"a.bpmn": text.encode(), "order.form": FORM}) == []


def test_each_file_that_is_no_diagram_and_no_form_is_named() -> None:
    found = check({"a.bpmn": SMALL, "b.png": b"\x89PNG...", "c.txt": b"hello", "d.form": b"{"})

    assert [(problem.place.file, problem.rule) for problem in found] == [
        ("b.png", "not-bpmn"),
        ("c.txt", "not-bpmn"),
        ("d.form", "form-syntax"),
    ]


def test_an_upload_without_a_diagram_is_refused() -> None:
    assert rules({"order.form": FORM}) == ["no-diagram"]
    assert rules({}) == ["no-diagram"]


def test_two_files_with_the_same_process_are_refused() -> None:
    assert rules({"a.bpmn": SMALL, "b.bpmn": SMALL}) == ["duplicate-id"]


def test_too_many_files_are_refused() -> None:
    files = {f"{number}.form": FORM for number in range(MAX_FILES)}

    assert rules({"a.bpmn": SMALL, **files}) == ["too-large"]


# ---- problems ------------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = process(f"""
        {START}
        <userTask id="a"/>
        <exclusiveGateway id="g"/>
        {flow("g", "end", "x = 1")}
        {flow("g", "b")}
        <choreographyTask id="b"/>
        {END}{chain("start", "a", "g")}{chain("b", "end")}""")

    found = problems(text)

    assert [(problem.rule, problem.element_id) for problem in found] == [
        ("missing-assignee", "a"),
        ("condition-syntax", "g-end"),
        ("missing-condition", "g-b"),
        ("unsupported-element", "b"),
    ]
    assert [problem.place.line for problem in found] == sorted(problem.place.line for problem in found)


def test_every_error_says_what_to_do() -> None:
    text = process("""<startEvent id="s"/><serviceTask id="t"/><callActivity id="c"/><complexGateway id="g"/>
        <choreographyTask id="d"/>
        <userTask id="u" camunda:formKey="x"/><endEvent id="e"><cancelEventDefinition/></endEvent>""")

    for problem in problems(text):
        assert problem.fix, problem


def test_thousands_of_problems_are_cut_with_the_errors_first() -> None:
    text = process(START + END + "".join(f'<userTask id="t{number}"/>' for number in range(1_000)))

    found = problems(text)

    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].rule == "too-many"
    assert all(problem.severity == Severity.ERROR for problem in found)


def test_any_number_of_warnings_is_no_error() -> None:
    tasks = [f"t{number}" for number in range(MAX_PROBLEMS + 1)]
    text = process(START + END + "".join(f'<userTask id="{task}"/>' for task in tasks) + chain("start", *tasks, "end"))

    found = problems(text)

    assert (len(found), found[-1].rule) == (MAX_PROBLEMS + 1, "too-many")
    assert {problem.severity for problem in found} == {Severity.WARNING}


def test_a_long_text_does_not_make_a_long_message() -> None:
    (problem,) = problems(process(between(f'<userTask id="n" camunda:assignee="a" camunda:priority="{"x" * 9_000}"/>')))

    assert len(problem.message) <= 1_000


# ---- no false alarm ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_examples_have_no_errors(folder: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".bpmn", ".form")}

    assert [str(problem) for problem in check(files) if problem.severity == Severity.ERROR] == []


TRUE_REASONS = {
    "not-executable",
    "unsupported-element",
    "service-missing",
    "missing-condition",
    "condition-syntax",
    "data-association",
    "expression-syntax",
    "script-language",
    "event-definition-incomplete",
    "form-invalid",
    "mapping-name",
    "multi-instance",
}
"""What keeps a reference diagram from running; how one hangs together is never in doubt."""


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference diagrams are not beside the repository")
@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.bpmn")), ids=lambda path: path.stem)
def test_the_reference_diagrams_are_refused_for_true_reasons_only(path: Path) -> None:
    found = check({path.name: path.read_bytes()})

    assert {problem.rule for problem in found if problem.severity == Severity.ERROR} <= TRUE_REASONS


EVERYTHING = f"""
        <laneSet id="lanes"><lane id="lane" name="clerks">
          <flowNodeRef>u1</flowNodeRef><flowNodeRef>s</flowNodeRef></lane></laneSet>
        <dataObject id="d"/><dataObjectReference id="dr" dataObjectRef="d"/><textAnnotation id="note"/>
        <association id="as" sourceRef="u1" targetRef="note"/><group id="group"/>
        {START}
        <startEvent id="by-timer"><timerEventDefinition><timeCycle>R/P1D</timeCycle></timerEventDefinition></startEvent>
        <startEvent id="by-message"><messageEventDefinition messageRef="t:paid"/></startEvent>
        <startEvent id="by-signal"><signalEventDefinition signalRef="alarm"/></startEvent>
        {chain("by-timer", "u1")}{chain("by-message", "u1")}{chain("by-signal", "u1")}
        <userTask id="u1" name="Look" camunda:dueDate="P3D" camunda:asyncBefore="true"/>
        <exclusiveGateway id="x"/>
        {flow("x", "u2", name="Yes")}{flow("x", "refused", name="No")}
        <endEvent id="refused"><errorEventDefinition errorRef="declined"/></endEvent>
        <userTask id="u2" camunda:assignee="${{owner}}">
          <multiInstanceLoopCharacteristics camunda:collection="items" camunda:elementVariable="item"/></userTask>
        <parallelGateway id="and"/>
        <serviceTask id="svc" camunda:type="external" camunda:topic="check" camunda:resultVariable="r"/>
        <sendTask id="send" camunda:topic="send"><standardLoopCharacteristics loopMaximum="3"/></sendTask>
        <businessRuleTask id="rule" camunda:topic="rule"/><manualTask id="man"/><task id="abs"/>
        <receiveTask id="rec" messageRef="paid"/>
        <scriptTask id="scr"><script>total = sum(item["price"] for item in items)
log("done")</script></scriptTask>
        {chain("start", "u1", "x")}{chain("u2", "and", "svc", "send", "rule", "man", "abs", "rec", "scr", "or")}
        <inclusiveGateway id="or" default="or-s"/>
        {flow("or", "ev", "total &gt; 3")}{flow("or", "s")}
        <eventBasedGateway id="ev"/>{chain("ev", "c1", "throw")}{chain("ev", "c2", "throw")}{chain("ev", "c3", "throw")}
        <intermediateCatchEvent id="c1"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>
        </intermediateCatchEvent>
        <intermediateCatchEvent id="c2"><messageEventDefinition messageRef="paid"/></intermediateCatchEvent>
        <intermediateCatchEvent id="c3"><signalEventDefinition signalRef="alarm"/></intermediateCatchEvent>
        <intermediateThrowEvent id="throw"><signalEventDefinition signalRef="alarm"/></intermediateThrowEvent>
        {chain("throw", "blank", "jump")}<intermediateThrowEvent id="blank"/>
        <intermediateThrowEvent id="jump" name="L"><linkEventDefinition/></intermediateThrowEvent>
        <intermediateCatchEvent id="land" name="L"><linkEventDefinition/></intermediateCatchEvent>{chain("land", "end")}
        <subProcess id="s"><startEvent id="s1"/><userTask id="s2"/>
          <endEvent id="s3"><escalationEventDefinition escalationRef="late"/></endEvent>{chain("s1", "s2", "s3")}
        </subProcess>
        <boundaryEvent id="b1" attachedToRef="s" cancelActivity="false">
          <timerEventDefinition><timeDuration>deadline</timeDuration></timerEventDefinition></boundaryEvent>
        <boundaryEvent id="b2" attachedToRef="s"><errorEventDefinition/></boundaryEvent>
        <boundaryEvent id="b3" attachedToRef="s"><escalationEventDefinition escalationRef="late"/></boundaryEvent>
        <boundaryEvent id="b4" attachedToRef="s"><messageEventDefinition messageRef="paid"/></boundaryEvent>
        <boundaryEvent id="b5" attachedToRef="s"><signalEventDefinition signalRef="alarm"/></boundaryEvent>
        {chain("b1", "stop")}{chain("b2", "end")}{chain("b3", "end")}{chain("b4", "end")}{chain("b5", "end")}
        <endEvent id="stop"><terminateEventDefinition/></endEvent>
        <endEvent id="bang"><signalEventDefinition signalRef="alarm"/></endEvent>{chain("s", "bang")}
        {END}"""


def test_everything_that_is_executed_passes() -> None:
    accepted(EVERYTHING)


def mutants(count: int) -> Iterator[bytes]:
    """Diagrams that a slip of the hand made of one that passes."""
    chance = random.Random(2)
    for _number in range(count):
        root = etree.fromstring(process(EVERYTHING).encode())
        nodes = list(root.iter("*"))[1:]
        node, other = chance.sample(nodes, 2)
        chance.choice(SLIPS)(node, other)
        yield etree.tostring(root)


def _remove(node: Element, other: Element) -> None:
    if (parent := node.getparent()) is not None:
        parent.remove(node)


def _retag(node: Element, other: Element) -> None:
    node.tag = other.tag


def _overwrite(node: Element, other: Element) -> None:
    for name in list(node.attrib)[:1]:
        node.set(name, other.get("id") or "x y")


def _move(node: Element, other: Element) -> None:
    if node not in other.iterancestors():
        other.append(node)


SLIPS = (_remove, _retag, _overwrite, _move)


@pytest.mark.fuzz
def test_what_the_checks_let_through_can_be_made_ready_to_run() -> None:
    for data in mutants(60):
        if not any(problem.severity == Severity.ERROR for problem in check({"a.bpmn": data})):
            parse.processes(read("a.bpmn", data))


def test_a_process_without_start_and_end_events_passes() -> None:
    accepted(f'<manualTask id="a"/><manualTask id="b"/>{chain("a", "b")}')


def test_flows_of_tasks_may_be_conditional() -> None:
    accepted(
        f'{START}<task id="a" default="a-end"/>{END}<endEvent id="b"/>{chain("start", "a", "end")}{flow("a", "b", "x")}'
    )


def test_unknown_vendors_are_left_alone() -> None:
    text = process(between('<manualTask id="n" v:x="1"><extensionElements><v:y/></extensionElements></manualTask>'))

    assert problems(text.replace("<definitions", '<definitions xmlns:v="https://vendor.example"')) == []


def test_only_executable_processes_are_asked_to_run() -> None:
    text = process(between('<manualTask id="n"/>')).replace(
        "</definitions>",
        '<process id="bank"><callActivity id="c"/></process><collaboration id="k">'
        '<participant id="x" processRef="p"/><participant id="y" processRef="bank"/><participant id="z"/>'
        '<messageFlow id="m" sourceRef="n" targetRef="z"/></collaboration></definitions>',
    )

    assert problems(text) == []


def test_prefixes_and_line_ends_do_not_matter() -> None:
    text = process(between('<manualTask id="n"/>')).replace("\n", "\r\n")
    prefixed = text.replace("<", "<b:").replace("<b:/", "</b:").replace('xmlns="', 'xmlns:b="')

    assert check({"a.bpmn": b"\xef\xbb\xbf" + prefixed.encode()}) == []


def test_a_hostile_diagram_is_checked_in_bounded_time() -> None:
    text = f"{HEAD}<process id='p' isExecutable='true'>" + "".join(
        f'<task id="t{number}"/><sequenceFlow id="f{number}" sourceRef="t{number}" targetRef="x{number}"/>'
        for number in range(2_000)
    )
    began = time.thread_time()

    assert len(problems(f"{text}</process></definitions>")) == MAX_PROBLEMS + 1
    assert time.thread_time() - began < 5


def test_an_empty_diagram_says_that_there_is_no_process() -> None:
    (problem,) = check({"a.bpmn": f'<definitions xmlns="{BPMN}"/>'.encode()})

    assert (problem.rule, problem.message) == ("not-executable", "Expected a process, but the file has none.")
