"""Ids, references, sequence flows, starts and what can be reached: the rule, the element and the exact line."""

from __future__ import annotations

import pytest

from engine.model.problems import Severity
from tests.unit.drawing import (
    END,
    HEAD,
    HERE,
    START,
    accepted,
    between,
    chain,
    flow,
    problems,
    process,
    refused,
    refused_file,
)

TASK = '<manualTask id="n"/>'
LANES = '<laneSet id="l"><lane id="lane"><flowNodeRef>m</flowNodeRef><!--here--></lane></laneSet>'


# ---- ids and references --------------------------------------------------------------------------------------------


def test_an_id_is_used_once() -> None:
    problem = refused("duplicate-id", "n", f'{between(TASK)}\n<textAnnotation id="n"/><!--here-->')

    assert "manualTask in line 7" in problem.message


def test_ids_inside_extensions_do_not_count() -> None:
    data = '<camunda:formData><camunda:formField id="n" type="string"/></camunda:formData>'

    accepted(between(f'<userTask id="n" camunda:assignee="a"><extensionElements>{data}</extensionElements></userTask>'))


@pytest.mark.parametrize("node", ["<manualTask/>", '<sequenceFlow sourceRef="start" targetRef="end"/>'])
def test_an_id_is_needed(node: str) -> None:
    found = problems(process(f"{START}{END}{chain('start', 'end')}\n{node}"))

    assert ("missing-id", 7) in [(problem.rule, problem.place.line) for problem in found]


@pytest.mark.parametrize("name", ["a b", "a(b)", "../x", "#x"])
def test_an_id_has_plain_characters(name: str) -> None:
    content = f'{between(TASK)}\n<sequenceFlow id="{name}" sourceRef="start" targetRef="end"/>{HERE}'

    refused("invalid-id", name, content)


@pytest.mark.parametrize("name", ["1", "_x", "Tätigkeit_1", "sid-34746A54-1D7D", "x.y"])
def test_the_ids_of_modelers_pass(name: str) -> None:
    accepted(f'{START}<manualTask id="{name}"/>{END}{chain("start", name, "end")}')


def test_names_that_cannot_be_kept_are_refused() -> None:
    refused("too-long", "n", between(f'<manualTask id="n" name="{"x" * 401}"/>{HERE}'))


EVENT = '<intermediateCatchEvent id="n"><signalEventDefinition signalRef="alam"/><!--here--></intermediateCatchEvent>'
LOOSE = '<boundaryEvent id="b"><!--here--><errorEventDefinition/></boundaryEvent>'
AGAIN = "Draw it again to the element that it leads to, or delete it."


@pytest.mark.parametrize(
    ("element", "content", "fix"),
    [
        ("f", f'{between(TASK)}\n<sequenceFlow id="f" sourceRef="n" targetRef="ned"/>{HERE}', 'Did you mean "end"?'),
        ("n", between('<receiveTask id="n" messageRef="nowhere"/><!--here-->'), "Choose one in the modeler: paid."),
        ("f", f'{between(TASK)}\n<sequenceFlow id="f" sourceRef="n"/><!--here-->', AGAIN),
        ("n", between('<receiveTask id="n" messageRef="piad"/><!--here-->'), 'Did you mean "paid"?'),
        ("n", between('<exclusiveGateway id="n" default="n-ned"/><!--here-->'), 'Did you mean "n-end"?'),
        ("n", between(EVENT), 'Did you mean "alarm"?'),
        ("b", f"{between(TASK)}\n{LOOSE}", "Draw the event onto an activity."),
    ],
)
def test_a_reference_leads_somewhere(element: str, content: str, fix: str) -> None:
    assert refused("unresolved-ref", element, content).fix == fix


@pytest.mark.parametrize(
    ("element", "content"),
    [
        ("n", between('<receiveTask id="n" messageRef="alarm"/><!--here-->')),
        ("f", f'{between(TASK)}\n<sequenceFlow id="f" sourceRef="n" targetRef="paid"/><!--here-->'),
        ("n", between('<exclusiveGateway id="n" default="start"/><!--here-->')),
    ],
)
def test_a_reference_leads_to_the_right_kind(element: str, content: str) -> None:
    assert refused("wrong-ref-type", element, content).message.startswith("Expected")


@pytest.mark.parametrize(
    ("element", "content"),
    [
        (
            "lane",
            f"{between(TASK)}\n{LANES}",
        ),
        ("n", between('<manualTask id="n"><incoming>x</incoming><!--here--></manualTask>')),
        ("a", f'{between(TASK)}\n<association id="a" sourceRef="n" targetRef="x"/><!--here-->'),
    ],
)
def test_a_reference_that_matters_to_the_picture_only_is_a_warning(element: str, content: str) -> None:
    refused("unresolved-ref", element, content, severity=Severity.WARNING)


def test_a_reference_into_an_imported_file_is_left_alone() -> None:
    text = process(between(TASK)).replace(
        "</definitions>",
        '<collaboration id="c"><participant id="x" processRef="o:other"/></collaboration></definitions>',
    )

    assert problems(text.replace("<definitions", '<definitions xmlns:o="other"')) == []


@pytest.mark.parametrize(
    ("rule", "tag", "named"), [("incoming-mismatch", "incoming", "n-end"), ("outgoing-mismatch", "outgoing", "start-n")]
)
def test_what_a_node_repeats_of_its_flows_is_right(rule: str, tag: str, named: str) -> None:
    content = between(f'<manualTask id="n"><{tag}>{named}</{tag}><!--here--></manualTask>')

    refused(rule, "n", content, severity=Severity.WARNING)


# ---- places --------------------------------------------------------------------------------------------------------

LOOP = '<standardLoopCharacteristics loopMaximum="3"/>'


@pytest.mark.parametrize(
    ("element", "node"),
    [
        ("m", f'<manualTask id="n">\n<manualTask id="m"/>{HERE}</manualTask>'),
        ("n", f'<parallelGateway id="n">\n{LOOP}{HERE}</parallelGateway>'),
        ("n", f'<manualTask id="n">{LOOP}\n{LOOP}{HERE}</manualTask>'),
        ("n", f'<scriptTask id="n"><script>{HERE}x = 1\n<extensionElements/></script></scriptTask>'),
    ],
)
def test_elements_stand_where_they_are_read(element: str, node: str) -> None:
    refused("misplaced-element", element, between(node))


# ---- what runs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ['<process id="p"><!--here-->', '<process id="p" isExecutable="false"><!--here-->'])
def test_a_process_is_executable(text: str) -> None:
    problem = refused_file("not-executable", "p", f"{HEAD}{text}{between(TASK)}</process></definitions>")

    assert 'isExecutable="true"' in problem.fix


# ---- flows ---------------------------------------------------------------------------------------------------------


def test_a_flow_stays_in_its_scope() -> None:
    inner = f'<subProcess id="n"><startEvent id="s"/><manualTask id="m"/>{chain("s", "m")}</subProcess>'

    refused(
        "cross-scope-flow", "f", f'{between(inner)}\n<sequenceFlow id="f" sourceRef="m" targetRef="end"/><!--here-->'
    )


def test_a_flow_stays_in_its_pool() -> None:
    text = process(f'{between(TASK)}\n<sequenceFlow id="f" sourceRef="n" targetRef="other"/><!--here-->').replace(
        "</definitions>", '<process id="q"><manualTask id="other"/></process></definitions>'
    )

    assert "message flow" in refused_file("cross-scope-flow", "f", text).fix


@pytest.mark.parametrize(
    ("rule", "element", "content"),
    [
        (
            "start-incoming",
            "start",
            f"{START}<!--here-->\n{TASK}{END}{chain('start', 'n', 'end')}{chain('n', 'start')}",
        ),
        ("end-outgoing", "end", f"{START}{TASK}\n{END}<!--here-->{chain('start', 'end', 'n')}"),
    ],
)
def test_flows_begin_and_end_where_they_may(rule: str, element: str, content: str) -> None:
    refused(rule, element, content)


def test_no_flow_leads_into_a_boundary_event() -> None:
    event = '<boundaryEvent id="b" attachedToRef="n"><errorEventDefinition/></boundaryEvent>'

    refused("boundary-invalid", "b", f"{between(TASK)}\n{event}<!--here-->{chain('start', 'b')}")


# ---- starts --------------------------------------------------------------------------------------------------------


def test_an_empty_process_has_no_start() -> None:
    refused_file("no-start", "p", f'{HEAD}<process id="p" isExecutable="true"><!--here--></process></definitions>')


def test_a_ring_has_no_start() -> None:
    text = f'{HEAD}<process id="p" isExecutable="true"><!--here-->{TASK}<manualTask id="m"/>{chain("n", "m", "n")}'

    refused_file("no-start", "p", f"{text}</process></definitions>")


def test_an_empty_sub_process_is_worth_a_warning() -> None:
    refused("empty-sub-process", "n", between('<subProcess id="n"/><!--here-->'), severity=Severity.WARNING)


def test_one_start_event_of_a_sub_process_is_blank() -> None:
    inside = '<startEvent id="first"/>\n<startEvent id="second"/><!--here--><manualTask id="m"/>'
    flows = chain("first", "m") + chain("second", "m")

    refused("multiple-blank-start", "second", between(f'<subProcess id="n">{inside}{flows}</subProcess>'))


def test_a_process_may_have_several_blank_start_events() -> None:
    content = f'{between(TASK)}\n<startEvent id="second"/>{HERE}{chain("second", "n")}'

    assert '"start"' in refused("multiple-blank-start", "second", content, severity=Severity.WARNING).message


def test_a_process_that_ends_at_an_event_starts_at_one() -> None:
    text = process(f"{TASK}{END}{chain('n', 'end')}").replace("<process ", f"{HERE}<process ")

    assert '"n"' in refused_file("no-start", "p", text, severity=Severity.WARNING).message


def test_a_process_without_start_and_end_events_begins_where_no_flow_leads_to() -> None:
    accepted(f'{TASK}<manualTask id="m"/>{chain("n", "m")}')


# ---- reaching ------------------------------------------------------------------------------------------------------


def test_everything_is_reached() -> None:
    refused("unreachable", "m", f'{between(TASK)}\n<manualTask id="m"/><!--here-->{chain("m", "end")}')


def test_only_the_first_of_several_unreached_nodes_is_told() -> None:
    content = f'{between(TASK)}\n<manualTask id="m"/><!--here--><manualTask id="o"/>{chain("m", "o", "end")}'

    refused("unreachable", "m", content)


def test_links_and_boundary_events_reach_on() -> None:
    link = "<linkEventDefinition/>"
    accepted(
        f"""{START}<manualTask id="a"/><intermediateThrowEvent id="t" name="A">{link}</intermediateThrowEvent>
        <intermediateCatchEvent id="c" name="A">{link}</intermediateCatchEvent>{END}
        <boundaryEvent id="b" attachedToRef="a"><errorEventDefinition/></boundaryEvent><manualTask id="m"/>
        {chain("start", "a", "t")}{chain("c", "end")}{chain("b", "m", "end")}{flow("m", "a")}"""
    )


@pytest.mark.parametrize(
    ("element", "body"),
    [
        ("p", f'\n<x:gate xmlns:x="urn:x"/>{HERE}' + between(TASK)),
        ("n", between(f'<manualTask id="n">\n<x:retry xmlns:x="urn:x" times="3"/>{HERE}</manualTask>')),
    ],
)
def test_elements_of_other_languages_are_not_overlooked(element: str, body: str) -> None:
    assert "is none: nothing runs it" in refused("foreign-element", element, body).message


def test_extensions_may_hold_elements_of_other_languages() -> None:
    held = '<extensionElements><x:retry xmlns:x="urn:x" times="3"/></extensionElements>'

    accepted(between(f'<manualTask id="n">{held}</manualTask>'))
