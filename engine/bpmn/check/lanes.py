"""Lanes: each holds elements of its own process, and of one set each element stands in one lane."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import FLOW_NODES, Diagram
from engine.bpmn.nodes import Node, bpmn, local, name_of
from engine.model.problems import Problem, Severity


def check(diagram: Diagram) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 10.8 Lanes."""
    for lane_set in (node for node in diagram.elements if local(node) == "laneSet"):
        held: dict[str, Node] = {}
        for lane in lane_set.findall(bpmn("lane")):
            for reference in lane.findall(bpmn("flowNodeRef")):
                name = (reference.text or "").strip().rpartition(":")[2]
                message = _fault(diagram, lane, name, held.setdefault(name, lane))
                if message:
                    place, fix = diagram.document.place(reference), "Draw it into its lane again."
                    yield diagram.document.problem("lane", lane, message, fix, place=place, severity=Severity.WARNING)


def _fault(diagram: Diagram, lane: Node, name: str, first: Node) -> str:
    node = diagram.referred(name)
    if node is None or local(node) not in FLOW_NODES:
        return ""  # told by the rule about references
    if first is not lane:
        other = name_of(first) or first.get("id", "")
        return f'Expected each element in one lane, but "{name}" is in the lane "{other}" too.'
    if _process(node) is not _process(lane):
        return f'Expected elements of its own process in the lane, but "{name}" belongs to another.'
    return ""


def _process(node: Node) -> Node | None:
    return next((each for each in node.iterancestors() if local(each) == "process"), None)
