"""What several elements, or several files, must agree about: errors, messages, signals, calls and names."""

from __future__ import annotations

import pytest

from engine.bpmn.check import check
from engine.model.problems import Problem, Severity
from tests.unit.drawing import END, START, between, chain, flow, process

ERRORS = '<error id="e" errorCode="DECLINED"/><error id="f" errorCode="DECLINDE"/><error id="g" errorCode="OTHER"/>'
SIGNALS = (
    '<signal id="up" name="Goods arrived"/><signal id="down" name="Goods arived"/><signal id="far" name="Strike"/>'
)


def told(rule: str, *contents: str, shared: str = "") -> list[Problem]:
    """What one rule tells about an upload of several processes, p0, p1 and so on."""
    drawn = {
        f"{number}.bpmn": process(content)
        .replace('<process id="p"', f'<process id="p{number}"')
        .replace("<message", f"{shared}<message", 1)
        .encode()
        for number, content in enumerate(contents)
    }
    return [problem for problem in check(drawn) if problem.rule == rule]


# ---- errors --------------------------------------------------------------------------------------------------------


def guarded(caught: str, inside: str) -> str:
    """A sub-process that does something, with an error event attached to it."""
    body = f'<startEvent id="in"/>{inside}<sequenceFlow id="in-t" sourceRef="in" targetRef="t"/>'
    event = f'<boundaryEvent id="b" attachedToRef="n"><errorEventDefinition {caught}/></boundaryEvent>'
    return between(f'<subProcess id="n">{body}</subProcess>') + event + chain("b", "end")


THROWN = '<endEvent id="t"><errorEventDefinition errorRef="e"/></endEvent>'
SERVICE = '<serviceTask id="t" camunda:type="external" camunda:topic="x"/>'
SCRIPT = '<scriptTask id="t"><script>raise BpmnError("OTHER")</script></scriptTask>'
TASK = '<manualTask id="t"/>'
BOTH = THROWN + SERVICE.replace('"t"', '"s"') + chain("in", "s")


@pytest.mark.parametrize(
    ("caught", "inside", "element", "fix"),
    [
        ('errorRef="f"', THROWN, "b", 'Did you mean "DECLINED"?'),
        ('errorRef="f"', BOTH, "b", 'Did you mean "DECLINED"?'),
        ('errorRef="g"', THROWN, "b", "Choose an error"),
        ('errorRef="g"', BOTH, "t", "Throw one that is caught"),
        ('errorRef="e"', TASK, "b", "Choose an error"),
    ],
)
def test_what_is_caught_is_thrown(caught: str, inside: str, element: str, fix: str) -> None:
    (problem,) = told("error-unmatched", guarded(caught, inside), shared=ERRORS)

    assert (problem.severity, problem.element_id) == (Severity.WARNING, element)
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("caught", "inside"),
    [('errorRef="e"', THROWN), ("", THROWN), ("", TASK), ('errorRef="g"', SERVICE), ('errorRef="g"', SCRIPT)],
)
def test_what_may_be_thrown_passes(caught: str, inside: str) -> None:
    assert told("error-unmatched", guarded(caught, inside), shared=ERRORS) == []


def test_an_error_that_ends_an_instance_passes() -> None:
    assert told("error-unmatched", f"{START}{THROWN}{chain('start', 't')}", shared=ERRORS) == []


# ---- messages and signals ------------------------------------------------------------------------------------------


def throwing(signal: str) -> str:
    return f'{START}<endEvent id="t"><signalEventDefinition signalRef="{signal}"/></endEvent>{chain("start", "t")}'


CATCHING = between('<intermediateCatchEvent id="n"><signalEventDefinition signalRef="up"/></intermediateCatchEvent>')


def test_a_signal_much_like_one_that_is_caught_is_told() -> None:
    (problem,) = told("event-unmatched", throwing("down"), CATCHING, shared=SIGNALS)

    assert (problem.place.file, problem.element_id) == ("0.bpmn", "t")
    assert problem.fix == 'Did you mean "Goods arrived"?'


@pytest.mark.parametrize("signal", ["up", "far"])
def test_a_signal_that_is_caught_or_meant_for_others_passes(signal: str) -> None:
    assert told("event-unmatched", throwing(signal), CATCHING, shared=SIGNALS) == []


# ---- calls ---------------------------------------------------------------------------------------------------------


def calling(key: str) -> str:
    return between(f'<callActivity id="n" calledElement="{key}"/>')


AROUND = (
    f'{START}<exclusiveGateway id="g" default="g-n"/><callActivity id="n" calledElement="p0"/>{END}'
    f"{chain('start', 'g')}{flow('g', 'n')}{flow('g', 'end', 'done')}{chain('n', 'end')}"
)


@pytest.mark.parametrize("contents", [[calling("p0")], [calling("p1"), calling("p0")], [calling("p0"), calling("p1")]])
def test_calls_in_a_ring_never_end(contents: list[str]) -> None:
    found = told("endless-call", *contents)

    assert [(problem.severity, problem.element_id) for problem in found] == [(Severity.WARNING, "n")] * len(contents)


@pytest.mark.parametrize("contents", [[AROUND], [calling("p1"), AROUND], [calling("elsewhere")]])
def test_calls_with_a_way_around_them_pass(contents: list[str]) -> None:
    assert told("endless-call", *contents) == []


# ---- names ---------------------------------------------------------------------------------------------------------

FIELD = '<camunda:formData><camunda:formField id="amount" type="long"/></camunda:formData>'
ASKED = f'<startEvent id="start"><extensionElements>{FIELD}</extensionElements></startEvent>'
SCRIPTS = '<scriptTask id="n"><script>{}</script></scriptTask>'


@pytest.mark.parametrize(
    ("start", "script", "fix"),
    [
        (ASKED, "x = amuont", 'Did you mean "amount"?'),
        (ASKED, "x = Amount", 'Did you mean "amount"?'),
        (ASKED, "x = price", "Set it before"),
        (START, "x = lenn([1])", 'Did you mean "len"?'),
    ],
)
def test_a_name_that_nothing_can_set_is_told(start: str, script: str, fix: str) -> None:
    (problem,) = told("unset-name", f"{start}{SCRIPTS.format(script)}{END}{chain('start', 'n', 'end')}")

    assert (problem.severity, problem.element_id) == (Severity.WARNING, "n")
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("start", "script"),
    [
        (START, "x = price"),
        (ASKED, "price = amount\ny = price"),
        (ASKED, "import math\nx = math.ceil(amount)"),
        (ASKED, "x = [each for each in range(amount)]"),
        (ASKED, "def twice(n):\n    return 2 * n\nx = twice(amount)"),
    ],
)
def test_names_that_are_set_or_may_be_pass(start: str, script: str) -> None:
    assert told("unset-name", f"{start}{SCRIPTS.format(script)}{END}{chain('start', 'n', 'end')}") == []
