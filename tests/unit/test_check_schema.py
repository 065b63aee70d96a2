"""What BPMN's schema says, in an analyst's words: misspelt elements, attributes and values, each in its line."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.bpmn.check import check
from engine.model.problems import Problem, Severity
from tests.unit.drawing import END, HERE, START, between, chain, process

ERROR, WARNING = Severity.ERROR, Severity.WARNING


def told(text: str) -> list[Problem]:
    return [problem for problem in check({"a.bpmn": text.encode()}) if problem.rule.startswith("schema-")]


FAULTS = {
    "a misspelt element inside": (
        f'<manualTask id="n"><multiInstanceLoopCharacteristic isSequential="true"/>{HERE}</manualTask>',
        "schema-element",
        ERROR,
        '"multiInstanceLoopCharacteristics"',
    ),
    "an element that nobody knows": (f'<manualTask id="n"><colour/>{HERE}</manualTask>', "schema-element", WARNING, ""),
    "the wrong order": (
        f"<manualTask id='n'><incoming>start-n</incoming><documentation/>{HERE}</manualTask>",
        "schema-element",
        WARNING,
        "Here may come: incoming",
    ),
    "a misspelt attribute": (
        f'<manualTask id="n" isForCompensatoin="false"/>{HERE}',
        "schema-attribute",
        ERROR,
        'Did you mean "isForCompensation"?',
    ),
    "another case": (
        f'<manualTask id="n" isforcompensation="false"/>{HERE}',
        "schema-attribute",
        ERROR,
        'Did you mean "isForCompensation"?',
    ),
    "an attribute that nobody knows": (f'<manualTask id="n" colour="red"/>{HERE}', "schema-attribute", WARNING, ""),
    "an attribute of other elements": (
        f'<manualTask id="n" gatewayDirection="Mixed"/>{HERE}',
        "schema-attribute",
        WARNING,
        "",
    ),
    "a word that is none of those": (
        f'<parallelGateway id="n" gatewayDirection="Convergin"/>{HERE}',
        "schema-value",
        WARNING,
        'Did you mean "Converging"?',
    ),
    "neither true nor false": (f'<manualTask id="n" isForCompensation="no"/>{HERE}', "schema-value", WARNING, ""),
    "TRUE, which is not read as true": (
        f'<manualTask id="n" isForCompensation="TRUE"/>{HERE}',
        "schema-value",
        ERROR,
        "",
    ),
    "text between elements": (f'<manualTask id="n">{HERE}Pack it.</manualTask>', "schema-value", WARNING, "Delete"),
}


@pytest.mark.parametrize(("node", "rule", "severity", "fix"), FAULTS.values(), ids=FAULTS)
def test_what_the_schema_does_not_know_is_told_in_its_line(node: str, rule: str, severity: Severity, fix: str) -> None:
    text = process(between(node))
    (problem,) = told(text)

    assert (problem.rule, problem.severity) == (rule, severity)
    assert problem.place.line == text[: text.index(HERE)].count("\n") + 1
    assert fix in problem.fix


def test_the_column_is_that_of_the_attribute() -> None:
    text = process(between('<parallelGateway id="n"\n   gatewayDirection="Up"/>'))
    (problem,) = told(text)

    line = text.splitlines()[problem.place.line - 1]
    assert line[problem.place.column - 1 :].startswith("Up")


def test_a_misspelt_node_is_told_once() -> None:
    (problem,) = check({"a.bpmn": process(between('<userTaks id="n"/>')).encode()})

    assert (problem.rule, problem.element_id, problem.place.line) == ("unsupported-element", "n", 7)
    assert problem.fix == 'Did you mean "userTask"?'


def test_what_another_rule_tells_is_not_told_again() -> None:
    assert told(process(f'{START}<sequenceFlow id="f" sourceRef="start"/>{END}')) == []
    assert told(process(between('<foo id="n"/>'))) == []


def test_a_process_that_does_not_run_is_only_warned_of() -> None:
    text = process(between('<userTaks id="n"/>')).replace('isExecutable="true"', "")
    other = f'<process id="q" isExecutable="true">{START}{END.replace("end", "e2")}{chain("start", "e2")}</process>'
    found = told(text.replace("</definitions>", f"{other.replace('start', 's2')}</definitions>"))

    assert [(problem.rule, problem.severity) for problem in found] == [("schema-element", WARNING)]


def test_prefixes_and_extensions_are_no_faults() -> None:
    text = process(between('<manualTask id="n" camunda:asyncBefore="true" xmlns:x="urn:x" x:colour="red"/>'))
    prefixed = text.replace("<", "<bpmn:").replace("<bpmn:/", "</bpmn:").replace("xmlns=", "xmlns:bpmn=")

    assert told(text) == [] == told(prefixed)


def test_a_prefix_that_is_declared_below_is_followed() -> None:
    inner = '<b:manualTask xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" id="n" colour="red"/>'
    (problem,) = told(process(between(inner)))

    assert (problem.rule, problem.element_id) == ("schema-attribute", "n")


def test_thousands_of_faults_are_told_quickly() -> None:
    flows = (f'<sequenceFlow id="f{n}" sourceRef="start" targetRef="end" colour="red"/>' for n in range(3_000))
    text = process(START + END + "".join(flows))

    begun = time.process_time()
    found = told(text)

    assert 0 < len(found) <= 100
    assert time.process_time() - begun < 5


def test_threads_do_not_hear_what_others_find() -> None:
    wrong, right = process(between('<manualTask id="n" colour="red"/>')), process(between('<manualTask id="n"/>'))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: len(told(text)), [wrong, right] * 100))

    assert found == [1, 0] * 100
