"""Elements of a diagram's XML: their names, and what is read of them in several places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lxml import etree

from engine.bpmn.schedule import TimerKind

Node: TypeAlias = etree._Element

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
OWN = "urn:procession:bpmn:1"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
ALIASES = {"http://activiti.org/bpmn": CAMUNDA, "http://flowable.org/bpmn": CAMUNDA}
"""Namespaces whose words mean what another one's do: Camunda 7 reads Activiti's as its own, and Flowable kept them."""
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

_BPMN_PREFIX = f"{{{BPMN}}}"


def bpmn(tag: str) -> str:
    """The full name of a BPMN tag."""
    return f"{{{BPMN}}}{tag}"


def camunda(tag: str) -> str:
    """The full name of a camunda: tag or attribute."""
    return f"{{{CAMUNDA}}}{tag}"


def own(tag: str) -> str:
    """The full name of a tag or attribute of ours."""
    return f"{{{OWN}}}{tag}"


TOPIC = own("topic")
"""Our attribute of a service task: what names the service."""
OPERATOR = f"{{{SPIFF}}}serviceTaskOperator"
"""The same in SpiffWorkflow's words."""
CORRELATION_KEY = own("correlationKey")
"""Our attribute of a message: the expression that tells which instance it is for."""


def local(node: Node) -> str:
    """The tag of an element without its namespace."""
    return str(node.tag).rpartition("}")[2]


def is_bpmn(node: Node) -> bool:
    return str(node.tag).startswith(_BPMN_PREFIX)


def elements(root: Node) -> Iterator[Node]:
    """Every BPMN element below (and with) a node, in document order."""
    return (node for node in root.iter() if is_bpmn(node))


# ---- kinds of elements ---------------------------------------------------------------------------------------------

SUB_PROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
ACTIVITIES = SUB_PROCESSES | {
    "task",
    "userTask",
    "manualTask",
    "scriptTask",
    "serviceTask",
    "sendTask",
    "receiveTask",
    "businessRuleTask",
    "callActivity",
}
FLOW_NODES = ACTIVITIES | {
    "startEvent",
    "endEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "boundaryEvent",
    "exclusiveGateway",
    "inclusiveGateway",
    "parallelGateway",
    "eventBasedGateway",
    "complexGateway",
}
"""What a token may stand at."""
SERVICES = frozenset({"serviceTask", "sendTask", "businessRuleTask"})
"""Tasks that call a service by its topic."""


# ---- texts ---------------------------------------------------------------------------------------------------------


def name_of(node: Node) -> str:
    """What people call it: line ends and rows of spaces are for drawing only."""
    return " ".join(node.get("name", "").split())


def raw_text(node: Node, tag: str) -> str:
    """The text of a child, with the spaces around it; "" when there is no such child."""
    child = node.find(bpmn(tag))
    return "" if child is None else "".join(map(str, child.itertext()))


def child_text(node: Node, tag: str) -> str:
    return raw_text(node, tag).strip()


def is_true(node: Node, attribute: str, default: str = "false") -> bool:
    return node.get(attribute, default).strip() in ("true", "1")


# ---- events --------------------------------------------------------------------------------------------------------

TIMERS = {
    "timeDate": TimerKind.DATE,
    "timeDuration": TimerKind.DURATION,
    "timeCycle": TimerKind.CYCLE,
}

CATCH_UP = own("catchUp")
"""Our attribute of a timer with a cycle, or of its event: what becomes of turns that came while nothing ran."""


def event_definitions(node: Node) -> list[Node]:
    """Those that are written in the event."""
    return [child for child in node if is_bpmn(child) and local(child).endswith("EventDefinition")]


def link_name(event: Node) -> str | None:
    """What joins the ends of a link: the definition's name or the event's own; None when the event is no link."""
    links = (each for each in event_definitions(event) if local(each) == "linkEventDefinition")
    return next((name_of(link) or name_of(event) for link in links), None)


# ---- data of loops -------------------------------------------------------------------------------------------------


def item_name(item: Node) -> str:
    """The name of an inputDataItem or outputDataItem."""
    return name_of(item) or item.get("id", "")
