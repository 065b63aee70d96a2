"""What is executed, by place: everything else is refused by name, with the nearest thing that works."""

from __future__ import annotations

import pytest

from engine.bpmn.check.support import TRIGGERS
from engine.bpmn.elements.constructs import IN_EVENT_SUB_PROCESS
from tests.unit.drawing import HERE, START, accepted, between, chain, problems, process, refused

TASK = '<manualTask id="n"/>'


# ---- elements ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ('<implicitThrowEvent id="n"/>', "throwing event"),
        ('<foo id="n"/>', "extensionElements"),
    ],
)
def test_what_is_not_executed_is_refused_with_what_is(node: str, words: str) -> None:
    content = between(node + HERE) if "foo" not in node else f"{between(TASK)}\n{node.replace('n', 'f')}{HERE}"
    problem = refused("unsupported-element", "f" if "foo" in node else "n", content)

    assert words in problem.fix


def test_a_flow_that_is_not_immediate_is_refused() -> None:
    slow = '<sequenceFlow id="f" isImmediate="false" sourceRef="n" targetRef="end"/>'
    drawn = f'{START}{TASK}<endEvent id="end"/>{chain("start", "n")}\n{slow}{HERE}'

    refused("unsupported-element", "f", drawn)
    accepted(drawn.replace('"false"', '"true"'))


def test_attributes_that_say_nothing_special_pass() -> None:
    accepted(between('<manualTask id="n" isForCompensation="false" startQuantity="1" completionQuantity="1"/>'))


# ---- events --------------------------------------------------------------------------------------------------------

DEFINITIONS = {
    "timer": "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>",
    "message": '<messageEventDefinition messageRef="paid"/>',
    "signal": '<signalEventDefinition signalRef="alarm"/>',
    "error": '<errorEventDefinition errorRef="declined"/>',
    "escalation": '<escalationEventDefinition escalationRef="late"/>',
    "terminate": "<terminateEventDefinition/>",
    "link": '<linkEventDefinition name="L"/>',
    "conditional": "<conditionalEventDefinition><condition>x</condition></conditionalEventDefinition>",
    "compensate": "<compensateEventDefinition/>",
    "cancel": "<cancelEventDefinition/>",
    "none": "",
}
PLACES = {
    IN_EVENT_SUB_PROCESS: f'{between(TASK)}\n<subProcess id="aside" triggeredByEvent="true">'
    f'<startEvent id="e">{{}}{HERE}</startEvent></subProcess>',
    "startEvent": f'<startEvent id="e">{{}}{HERE}</startEvent>{TASK}{chain("e", "n")}',
    "endEvent": f'{START}\n<endEvent id="e">{{}}{HERE}</endEvent>{chain("start", "e")}',
    "intermediateCatchEvent": f'{START}\n<intermediateCatchEvent id="e">{{}}{HERE}</intermediateCatchEvent>'
    + chain("start", "e"),
    "intermediateThrowEvent": f'{START}\n<intermediateThrowEvent id="e">{{}}{HERE}</intermediateThrowEvent>'
    + chain("start", "e"),
    "boundaryEvent": f'{between(TASK)}\n<boundaryEvent id="e" attachedToRef="n">{{}}{HERE}</boundaryEvent>',
}


@pytest.mark.parametrize("trigger", DEFINITIONS)
@pytest.mark.parametrize("place", PLACES)
def test_every_trigger_in_every_place_is_executed_or_refused(place: str, trigger: str) -> None:
    content = PLACES[place].format(DEFINITIONS[trigger])

    if trigger in TRIGGERS[place]:
        found = problems(process(content))
        assert "unsupported-element" not in [problem.rule for problem in found]
    else:
        problem = refused("unsupported-element", "e", content)
        assert (f"trigger {trigger}" if trigger != "none" else "Expected a trigger") in problem.message
        assert problem.fix


SEVERAL_FIT = [
    ("startEvent", "message", "signal"),
    ("endEvent", "message", "terminate"),
    ("boundaryEvent", "error", "timer"),
]


@pytest.mark.parametrize(("place", "first", "second"), SEVERAL_FIT)
def test_an_event_may_have_several_triggers(place: str, first: str, second: str) -> None:
    found = problems(process(PLACES[place].format(DEFINITIONS[first] + DEFINITIONS[second])))

    assert "unsupported-element" not in [problem.rule for problem in found]


@pytest.mark.parametrize(
    ("place", "first", "second", "words"),
    [
        ("intermediateCatchEvent", "timer", "link", "link among several"),
        ("boundaryEvent", "compensate", "timer", "compensate among several"),
        ("endEvent", "terminate", "error", "terminate, error"),
        ("startEvent", "message", "terminate", "terminate among several"),
    ],
)
def test_triggers_that_do_not_go_together_are_refused(place: str, first: str, second: str, words: str) -> None:
    content = PLACES[place].format(DEFINITIONS[first] + DEFINITIONS[second])

    assert words in next(each.message for each in problems(process(content)) if each.rule == "unsupported-element")


def test_nothing_is_waited_for_together_with_an_error() -> None:
    content = PLACES["boundaryEvent"].format(DEFINITIONS["error"] + DEFINITIONS["timer"])
    content = content.replace('id="e"', 'id="e" parallelMultiple="true"')

    refused("unsupported-element", "e", content)


def test_an_event_has_fifty_triggers_at_most() -> None:
    content = PLACES["intermediateCatchEvent"].format(DEFINITIONS["signal"] * 51)

    assert "at most 50" in refused("unsupported-element", "e", content).message


def test_a_sub_process_starts_blank() -> None:
    start = f'<startEvent id="s">{DEFINITIONS["message"]}</startEvent>'

    refused("unsupported-element", "s", between(f'<subProcess id="n">{start}{HERE}</subProcess>'))


# ---- services and loops --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["serviceTask", "sendTask", "businessRuleTask"])
def test_a_service_has_a_topic(tag: str) -> None:
    assert "camunda:topic" in refused("service-missing", "n", between(f'<{tag} id="n"/>{HERE}')).fix


@pytest.mark.parametrize("attribute", ["class", "delegateExpression", "decisionRef"])
def test_services_of_camunda_are_refused(attribute: str) -> None:
    node = f'<serviceTask id="n" camunda:{attribute}="x"/>{HERE}'

    assert "camunda:topic" in refused("unsupported-element", "n", between(node)).fix


def test_service_types_other_than_external_are_refused() -> None:
    refused("unsupported-element", "n", between(f'<serviceTask id="n" camunda:topic="t" camunda:type="mail"/>{HERE}'))


@pytest.mark.parametrize(
    "loop",
    [
        "<multiInstanceLoopCharacteristics/>",
        "<multiInstanceLoopCharacteristics><loopCardinality>-1</loopCardinality></multiInstanceLoopCharacteristics>",
        '<multiInstanceLoopCharacteristics camunda:elementVariable="a"><loopCardinality>3</loopCardinality>'
        "</multiInstanceLoopCharacteristics>",
        "<standardLoopCharacteristics/>",
        '<standardLoopCharacteristics loopMaximum="0"/>',
        '<standardLoopCharacteristics loopMaximum="-1"><loopCondition>x</loopCondition></standardLoopCharacteristics>',
    ],
)
def test_a_loop_says_how_often_it_runs(loop: str) -> None:
    refused("multi-instance", "n", between(f'<manualTask id="n">\n{loop}{HERE}</manualTask>'))


@pytest.mark.parametrize(
    "loop",
    [
        "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>",
        "<multiInstanceLoopCharacteristics><loopCardinality>${n}</loopCardinality></multiInstanceLoopCharacteristics>",
        "<multiInstanceLoopCharacteristics><loopDataInputRef>items</loopDataInputRef><inputDataItem id='i' name='i'/>"
        "</multiInstanceLoopCharacteristics>",
        '<multiInstanceLoopCharacteristics behavior="All" camunda:collection="items" camunda:elementVariable="item"/>',
        "<standardLoopCharacteristics><loopCondition>more</loopCondition></standardLoopCharacteristics>",
    ],
)
def test_loops_that_end_pass(loop: str) -> None:
    accepted(between(f'<manualTask id="n">{loop}</manualTask>'))


def test_an_activity_is_repeated_in_one_way() -> None:
    loops = '<standardLoopCharacteristics loopMaximum="2"/>' + HERE
    loops += "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"

    assert "one way" in refused("multi-instance", "n", between(f'<manualTask id="n">\n{loops}</manualTask>')).message


LOOP = "multiInstanceLoopCharacteristics"
EVENT = '<event id="v"><signalEventDefinition signalRef="alarm"/></event>'
WHEN = "<condition>nrOfCompletedInstances == 2</condition>"


def behavior(told: str, inner: str = "") -> str:
    drawn = f'<{LOOP} behavior="{told}" camunda:collection="c">{inner}{HERE}</{LOOP}>'
    return between(f'<manualTask id="n">\n{drawn}</manualTask>')


@pytest.mark.parametrize(
    ("told", "inner", "words"),
    [
        ("Some", "", "None, One, All, Complex"),
        ("Complex", "", "complexBehaviorDefinition"),
        ("Complex", f"<complexBehaviorDefinition>{WHEN}</complexBehaviorDefinition>", "one is missing"),
        ("Complex", f"<complexBehaviorDefinition>{EVENT}</complexBehaviorDefinition>", "one is missing"),
        (
            "Complex",
            f"<complexBehaviorDefinition>{WHEN}{EVENT.replace('signalRef', 'x')}</complexBehaviorDefinition>",
            "signalRef",
        ),
        (
            "Complex",
            f"<complexBehaviorDefinition>{WHEN}<event><terminateEventDefinition/></event></complexBehaviorDefinition>",
            "signal, message",
        ),
    ],
)
def test_what_a_multi_instance_activity_cannot_throw_is_refused(told: str, inner: str, words: str) -> None:
    problem = refused("multi-instance", "n", behavior(told, inner))

    assert words in problem.message + problem.fix


def test_what_a_multi_instance_activity_may_throw_passes() -> None:
    accepted(behavior("None"))
    accepted(behavior("One"))
    accepted(behavior("Complex", f"<complexBehaviorDefinition>{WHEN}{EVENT}</complexBehaviorDefinition>"))


def test_only_its_own_boundary_events_catch_a_signal_without_name() -> None:
    unnamed = f'\n<boundaryEvent id="b" attachedToRef="n"><signalEventDefinition/>{HERE}</boundaryEvent>'
    handled = '<manualTask id="h"/><sequenceFlow id="b-h" sourceRef="b" targetRef="h"/>'

    accepted(behavior("One").replace(HERE, "") + unnamed + handled)
    refused("event-definition-incomplete", "b", behavior("All").replace(HERE, "") + unnamed + handled)
