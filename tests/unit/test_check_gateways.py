"""Conditions, default flows and event-based gateways: the rule, the element and the exact line."""

from __future__ import annotations

import pytest

from engine.model.problems import Severity
from tests.unit.drawing import END, HERE, START, accepted, chain, flow, refused

PERSON = '<userTask id="a" camunda:assignee="ana"/>'
MACHINE = '<manualTask id="a"/>'
PLAIN = '<exclusiveGateway id="g"/>'


def decision(*flows: str, gateway: str = PLAIN, before: str = MACHINE) -> str:
    """A task, a gateway, and flows out of it to the ends b and c."""
    ends = '<endEvent id="b"/><endEvent id="c"/>'
    return "\n".join([START + ends, before, gateway, chain("start", "a", "g"), *flows])


# ---- conditions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exclusiveGateway", "inclusiveGateway"])
def test_every_flow_but_the_default_has_a_condition(kind: str) -> None:
    flows = [flow("g", "b"), flow("g", "c") + HERE]

    refused("missing-condition", "g-c", decision(*flows, gateway=f'<{kind} id="g" default="g-b"/>'))


def test_a_decision_by_a_person_needs_no_conditions() -> None:
    accepted(decision(flow("g", "b", name="Yes"), flow("g", "c", name="No"), before=PERSON))


@pytest.mark.parametrize(
    ("before", "first", "second"),
    [
        (MACHINE, flow("g", "b", "x", name="Yes"), flow("g", "c", name="No")),
        (PERSON, flow("g", "b", "x", name="Yes"), flow("g", "c", name="No")),
        (PERSON, flow("g", "b", "x", name="Same"), flow("g", "c", name="Same")),
        (PERSON, flow("g", "b", "x"), flow("g", "c")),
    ],
    ids=["no person", "a condition", "same names", "no names"],
)
def test_a_decision_by_a_person_is_drawn_as_such(before: str, first: str, second: str) -> None:
    refused("missing-condition", "g-c", decision(first, second + HERE, before=before))


def test_a_gateway_that_only_joins_needs_no_condition() -> None:
    accepted(f"{START}{PLAIN}{END}{MACHINE}{chain('start', 'a', 'g', 'end')}")


@pytest.mark.parametrize(
    ("kind", "severity"), [("parallelGateway", Severity.WARNING), ("eventBasedGateway", Severity.ERROR)]
)
def test_other_gateways_have_no_conditions(kind: str, severity: Severity) -> None:
    caught = '<receiveTask id="n" messageRef="paid"/>'

    content = f"{START}<{kind} id='g'/>{caught}{chain('start', 'g')}\n{flow('g', 'n', 'x')}{HERE}"

    refused("condition-ignored", "g-n", content, severity=severity)


def test_a_complex_gateway_that_joins_says_when_it_fires() -> None:
    tasks = '<manualTask id="b"/><manualTask id="c"/>'
    flows = chain("start", "a", "b", "g", "end") + flow("a", "c") + flow("c", "g")
    drawn = f"{START}{MACHINE}{END}{tasks}{flows}\n<complexGateway id='g'>{{}}{HERE}</complexGateway>"

    assert "activationCount >= 2" in refused("activation-missing", "g", drawn.format("")).fix
    accepted(drawn.format("<activationCondition>activationCount >= 2</activationCondition>"))


def test_the_condition_of_a_complex_gateway_is_looked_at() -> None:
    gateway = (
        f"\n<complexGateway id='g'><activationCondition>activationCount >=</activationCondition>{HERE}</complexGateway>"
    )

    refused("expression-syntax", "g", f"{START}{gateway}{END}{chain('start', 'g', 'end')}")


def test_a_condition_on_the_default_flow_is_worth_a_warning() -> None:
    flows = [flow("g", "b", "x"), flow("g", "c", "y") + HERE]
    gateway = '<exclusiveGateway id="g" default="g-c"/>'

    refused("condition-ignored", "g-c", decision(*flows, gateway=gateway), severity=Severity.WARNING)


# ---- default flows -------------------------------------------------------------------------------------------------


def test_a_default_flow_leaves_from_its_gateway() -> None:
    gateway = f'<exclusiveGateway id="g" default="start-a"/>{HERE}'

    refused("bad-default", "g", decision(flow("g", "b", "x"), flow("g", "c", "not x"), gateway=gateway))


def test_a_parallel_gateway_has_no_default_flow() -> None:
    gateway = f'<parallelGateway id="g" default="g-b"/>{HERE}'

    refused("bad-default", "g", decision(flow("g", "b"), flow("g", "c"), gateway=gateway))


def test_a_decision_that_may_fail_is_worth_a_warning() -> None:
    flows = [flow("g", "b", "amount &gt; 10"), flow("g", "c", "amount &lt; 5")]

    refused("no-default", "g", decision(*flows, gateway=PLAIN + HERE), severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "not x"),
        ("${x}", "${!x}"),
        ("x == True", "x == False"),
        ("amount &gt; 10", "amount &lt;= 10"),
        ("kind == 'a'", "kind != 'a'"),
        ("not (x and y)", "x and y"),
    ],
)
def test_a_decision_between_opposites_cannot_fail(one: str, other: str) -> None:
    accepted(decision(flow("g", "b", one), flow("g", "c", other)))


# ---- event-based gateways ------------------------------------------------------------------------------------------

WAITING = '<eventBasedGateway id="g"/>'


def test_something_waits_behind_an_event_based_gateway() -> None:
    refused("event-gateway", "g", f"{START}\n{WAITING}{HERE}{chain('start', 'g')}")


def test_only_events_wait_behind_an_event_based_gateway() -> None:
    refused("event-gateway", "a", f"{START}{WAITING}\n{MACHINE}{HERE}{chain('start', 'g', 'a')}")


def test_an_event_behind_an_event_based_gateway_has_one_flow() -> None:
    caught = f'<receiveTask id="n" messageRef="paid"/>{HERE}'
    flows = chain("start", "both", "g", "n") + chain("both", "n")

    refused("event-gateway", "n", f'{START}<parallelGateway id="both"/>{WAITING}\n{caught}{flows}')


ATTACHED = '<boundaryEvent id="e" attachedToRef="n">{}</boundaryEvent>'
UNDONE = '<manualTask id="undo" isForCompensation="true"/><association id="by" sourceRef="e" targetRef="undo"/>'


def attached(definition: str, more: str = "") -> str:
    caught = f'<receiveTask id="n" messageRef="paid"/>{HERE}{ATTACHED.format(definition)}{more}'
    return f"{START}{WAITING}\n{caught}{chain('start', 'g', 'n')}"


def test_nothing_is_attached_behind_an_event_based_gateway() -> None:
    refused("event-gateway", "n", attached('<signalEventDefinition signalRef="alarm"/>'))


def test_what_is_received_behind_an_event_based_gateway_may_be_compensated() -> None:
    accepted(attached("<compensateEventDefinition/>", UNDONE))


# ---- choices that are not seen at the gateway ----------------------------------------------------------------------

EACH = '<multiInstanceLoopCharacteristics camunda:collection="people"/>'
MAPPED = (
    "<extensionElements><camunda:inputOutput>"
    '<camunda:outputParameter name="{}">1</camunda:outputParameter></camunda:inputOutput></extensionElements>'
)


def chosen_after(inside: str) -> str:
    task = f'{START}\n<userTask id="n" camunda:assignee="ana">{inside}</userTask>{HERE}'
    flows = chain("start", "n", "g") + flow("g", "end", name="Yes") + flow("g", "other", name="No")
    return f'{task}<exclusiveGateway id="g" name="Granted?"/>{END}<endEvent id="other"/>{flows}'


@pytest.mark.parametrize(("inside", "words"), [(EACH, "several people"), (MAPPED.format("x"), "output mapping")])
def test_a_choice_that_the_gateway_does_not_see_is_refused(inside: str, words: str) -> None:
    problem = refused("lost-choice", "n", chosen_after(inside))

    assert words in problem.message
    assert '"Granted?"' in problem.message
    assert problem.fix


@pytest.mark.parametrize("inside", ["<standardLoopCharacteristics loopMaximum='2'/>", MAPPED.format("granted_choice")])
def test_a_choice_that_the_gateway_sees_passes(inside: str) -> None:
    accepted(chosen_after(inside).replace(HERE, ""))


def test_an_answer_is_no_condition() -> None:
    yes, no = flow("g", "b", "Yes"), flow("g", "c")

    refused(
        "condition-word",
        "g-b",
        decision(yes + HERE, no, gateway='<exclusiveGateway id="g" default="g-c"/>'),
        severity=Severity.WARNING,
    )


def test_a_repeated_receive_task_behind_an_event_based_gateway_is_refused() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    gateway = f'{START}<eventBasedGateway id="g"/>\n<receiveTask id="r" messageRef="paid">{loop}{HERE}</receiveTask>'

    assert "repeated" in refused("event-gateway", "r", gateway + chain("start", "g", "r")).message
