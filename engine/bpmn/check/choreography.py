"""Choreographies: who takes part in each exchange. They are shown, never run. Source: BPMN 2.0.2, chapter 11."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import CHOREOGRAPHY, Diagram
from engine.bpmn.nodes import Node, bpmn, local
from engine.model.problems import Problem, Severity


def check(diagram: Diagram) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 11.5 Choreography Activities."""
    for node in diagram.elements:
        if local(node) in CHOREOGRAPHY:
            for message, fix in _faults(node):
                yield diagram.document.problem("choreography", node, message, fix, severity=Severity.WARNING)


def _faults(node: Node) -> Iterator[tuple[str, str]]:
    partners = [(each.text or "").strip() for each in node.findall(bpmn("participantRef"))]
    initiator = node.get("initiatingParticipantRef", "").strip()
    if len(set(partners)) < 2 or (local(node) == "choreographyTask" and len(set(partners)) > 2):
        wanted = "two participants" if local(node) == "choreographyTask" else "at least two participants"
        yield f"Expected {wanted}, but there is {len(set(partners)) or 'none'}.", "Name who takes part."
    if initiator and partners and initiator not in partners:
        message = f'Expected one of its participants to begin, but "{initiator}" is none of them.'
        yield message, "Let one of them begin."
