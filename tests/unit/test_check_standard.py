"""Constraints of the standard about what is only read: pools, lanes, choreographies, data sets, the drawn side."""

from __future__ import annotations

import pytest

from engine.bpmn.check import check
from engine.bpmn.nodes import BPMN, BPMNDI, DC, DI
from engine.model.problems import Problem, Severity

HERE = "<!--here-->"
HEAD = f'<definitions xmlns="{BPMN}" xmlns:bpmndi="{BPMNDI}" xmlns:dc="{DC}" xmlns:di="{DI}" targetNamespace="t">'


def flow(source: str, target: str) -> str:
    return f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}"/>'


SHOP = f"""<process id="p" isExecutable="true"><startEvent id="s"/><manualTask id="a"/><endEvent id="e"/>
{flow("s", "a")}{flow("a", "e")}</process>"""
CUSTOMER = f"""<process id="q"><startEvent id="s2"/><exclusiveGateway id="g"/><manualTask id="b"/><endEvent id="e2"/>
{flow("s2", "g")}{flow("g", "b")}{flow("b", "e2")}</process>"""
POOLS = '<participant id="P" processRef="p"/><participant id="Q" processRef="q"/>'


def told(inside: str) -> list[Problem]:
    return check({"a.bpmn": f"{HEAD}{inside}</definitions>".encode()})


def pools(inside: str, drawn: str = POOLS) -> str:
    return f'<collaboration id="c">{drawn}{inside}</collaboration>{SHOP}{CUSTOMER}'


def message(source: str, target: str) -> str:
    return pools(f'\n<messageFlow id="m" sourceRef="{source}" targetRef="{target}"/>{HERE}')


def numbers(least: str, most: str) -> str:
    inner = f'\n<participantMultiplicity minimum="{least}" maximum="{most}"/>{HERE}'
    return pools("", f'<participant id="P" processRef="p">{inner}</participant>')


def task(inside: str) -> str:
    return SHOP.replace('<manualTask id="a"/>', f'<manualTask id="a">{inside}</manualTask>')


def lane(*nodes: str) -> str:
    held = (f'<lane id="l{number}">\n<flowNodeRef>{node}</flowNodeRef></lane>' for number, node in enumerate(nodes))
    return SHOP.replace("<startEvent", f'<laneSet id="l">{"".join(held)}</laneSet><startEvent', 1) + CUSTOMER


def drawn(kind: str, shown: str, inside: str = "") -> str:
    shape = f'\n<bpmndi:{kind} id="d" bpmnElement="{shown}">{HERE}{inside}</bpmndi:{kind}>'
    return (
        f'{SHOP}<bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement="p">{shape}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>'
    )


BOUNDS = '<dc:Bounds x="1" y="1" width="1" height="1"/>'
POINTS = '<di:waypoint x="1" y="1"/><di:waypoint x="2" y="1"/>'
EXCHANGE = """<choreography id="c"><participant id="A"/><participant id="B"/><participant id="D"/>
<messageFlow id="m" sourceRef="A" targetRef="B"/>
<choreographyTask id="t" initiatingParticipantRef="{}">{}{}<messageFlowRef>m</messageFlowRef></choreographyTask>
</choreography>"""


def exchange(first: str, *partners: str) -> str:
    return EXCHANGE.format(first, HERE, "".join(f"<participantRef>{each}</participantRef>" for each in partners)) + SHOP


def refers(element: str, attribute: str = "") -> str:
    return f"{element.format(attribute)}{HERE}{SHOP}"


BROKEN = {
    "a message inside a pool": (message("a", "s"), "message-flow", "m"),
    "a message to its own pool": (message("a", "P"), "message-flow", "m"),
    "a message from a start event": (message("s", "b"), "message-flow", "m"),
    "a message to an end event": (message("a", "e2"), "message-flow", "m"),
    "a message to a gateway": (message("a", "g"), "message-flow", "m"),
    "a message to a process": (message("a", "q"), "message-flow", "m"),
    "a message to nothing": (message("a", "zz"), "unresolved-ref", "m"),
    "more at least than at most": (numbers("3", "2"), "multiplicity", "P"),
    "nobody at most": (numbers("0", "0"), "multiplicity", "P"),
    "less than nobody": (numbers("-1", "2"), "multiplicity", "P"),
    "one who converses": (
        pools(f'\n<conversation id="v">{HERE}<participantRef>P</participantRef></conversation>'),
        "conversation",
        "v",
    ),
    "a link between pools": (
        pools(f'\n<conversationLink id="k" sourceRef="P" targetRef="Q"/>{HERE}'),
        "conversation",
        "k",
    ),
    "one who exchanges": (exchange("A", "A"), "choreography", "t"),
    "three who exchange": (exchange("A", "A", "B", "D"), "choreography", "t"),
    "a stranger who begins": (exchange("D", "A", "B"), "choreography", "t"),
    "an input in no set": (
        task(f'<ioSpecification>\n<dataInput id="d"/>{HERE}<inputSet/><outputSet/></ioSpecification>'),
        "data-sets",
        "a",
    ),
    "optional, and not in the set": (
        task(
            f'<ioSpecification><dataInput id="d"/><dataInput id="f"/>\n<inputSet>{HERE}<dataInputRefs>d</dataInputRefs>'
            "<dataInputRefs>f</dataInputRefs><optionalInputRefs>x</optionalInputRefs></inputSet><outputSet/>"
            "</ioSpecification>"
        ),
        "data-sets",
        "a",
    ),
    "an element in two lanes": (lane("a", "a").replace("</lane></laneSet>", f"{HERE}</lane></laneSet>"), "lane", "l1"),
    "an element of another process": (lane("b").replace("</lane>", f"{HERE}</lane>"), "lane", "l0"),
    "a shape of nothing": (drawn("BPMNShape", "zz", BOUNDS), "interchange", ""),
    "a shape of a line": (drawn("BPMNShape", "s-a", BOUNDS), "interchange", "s-a"),
    "an edge of a task": (drawn("BPMNEdge", "a", POINTS), "interchange", "a"),
    "a converging split": (
        SHOP.replace('<manualTask id="a"/>', f'\n<parallelGateway id="a" gatewayDirection="Converging"/>{HERE}'),
        "gateway-direction",
        "a",
    ),
    "one flow with a condition": (
        SHOP.replace(
            flow("a", "e"),
            f"\n{flow('a', 'e')}{HERE}".replace("/>", "><conditionExpression>x</conditionExpression></sequenceFlow>"),
        ),
        "lone-condition",
        "a-e",
    ),
    "one event to wait for": (
        SHOP.replace('<manualTask id="a"/>', f'\n<eventBasedGateway id="a"/>{HERE}').replace(
            '<endEvent id="e"/>',
            '<intermediateCatchEvent id="e"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
            "</timerEventDefinition></intermediateCatchEvent>",
        ),
        "lone-event",
        "a",
    ),
    "a flow out of an end that does not run": (
        pools("")
        .replace(flow("b", "e2"), f"{flow('b', 'e2')}{flow('e2', 'b')}")
        .replace('<endEvent id="e2"/>', f'\n<endEvent id="e2"/>{HERE}'),
        "end-outgoing",
        "e2",
    ),
    "a way without an end event": (
        SHOP.replace(flow("a", "e"), f'{flow("a", "e")}\n<manualTask id="z"/>{HERE}{flow("a", "z")}'),
        "implicit-end",
        "z",
    ),
    "an item that is not there": (
        refers('\n<message id="x" itemRef="zz"/>'),
        "unresolved-ref",
        "x",
    ),
    "an operation without its message": (
        refers(
            '<interface id="i" name="i">\n<operation id="x" name="x"><inMessageRef>zz</inMessageRef></operation>'
        ).replace(HERE, f"{HERE}</interface>"),
        "unresolved-ref",
        "i",
    ),
    "an error that is a message": (
        refers('<message id="y" name="y"/>\n<signal id="x" name="x" structureRef="y"/>'),
        "wrong-ref-type",
        "x",
    ),
    "a partner that is not there": (
        refers('\n<partnerRole id="x" name="x"><participantRef>zz</participantRef></partnerRole>'),
        "unresolved-ref",
        "x",
    ),
}


@pytest.mark.parametrize(("inside", "rule", "element"), BROKEN.values(), ids=BROKEN)
def test_a_broken_constraint_is_warned_of_at_its_element(inside: str, rule: str, element: str) -> None:
    text = f"{HEAD}{inside}</definitions>"
    found = [problem for problem in told(inside) if problem.rule == rule]

    assert [problem.severity for problem in found] == [Severity.WARNING], "\n".join(map(str, told(inside)))
    assert element in (found[0].element_id, "")
    if HERE in text:
        assert found[0].place.line == text[: text.index(HERE)].count("\n") + 1


SOUND = {
    "no end event at all": SHOP.replace('<endEvent id="e"/>', "").replace(flow("a", "e"), ""),
    "messages between pools": message("a", "b"),
    "a message to a pool": message("a", "Q"),
    "a message that begins": message("a", "s2"),
    "a message from an end": message("e", "Q"),
    "a message to a pool without an inside": pools(
        '<messageFlow id="m" sourceRef="a" targetRef="X"/>', f'{POOLS}<participant id="X"/>'
    ),
    "messages between pools without an inside": pools(
        '<messageFlow id="m" sourceRef="Y" targetRef="X"/>', '<participant id="Y"/><participant id="X"/>'
    ),
    "two to three": numbers("2", "3"),
    "one": numbers("0", "1"),
    "two who converse": pools(
        '<conversation id="v"><participantRef>P</participantRef><participantRef>Q</participantRef></conversation>'
        '<conversationLink id="k" sourceRef="P" targetRef="v"/>'
    ),
    "an exchange": exchange("B", "A", "B"),
    "a set with its input": task(
        '<ioSpecification><dataInput id="d"/><inputSet><dataInputRefs>d</dataInputRefs></inputSet><outputSet/>'
        "</ioSpecification>"
    ),
    "lanes": lane("s", "a"),
    "a shape": drawn("BPMNShape", "a", BOUNDS),
    "a line": drawn("BPMNEdge", "s-a", POINTS),
    "an item of another file": refers('<message id="x" xmlns:o="urn:other" itemRef="o:zz"/>'),
}


@pytest.mark.parametrize("inside", SOUND.values(), ids=SOUND)
def test_its_valid_counterpart_is_left_alone(inside: str) -> None:
    assert [str(problem) for problem in told(inside.replace(HERE, ""))] == []
