"""The drawn side of a file: shapes, edges and planes name what they show. Source: BPMN 2.0.2, chapter 12."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.bpmn.check.diagram import FLOW_NODES, Diagram, a
from engine.bpmn.nodes import BPMNDI, Node, local
from engine.model.problems import Problem, Severity

MOST = 50
"""Problems of one file that are told."""
EDGES = frozenset(
    {
        "association",
        "conversationLink",
        "dataInputAssociation",
        "dataOutputAssociation",
        "messageFlow",
        "sequenceFlow",
    }
)
"""What is drawn as a line. Source: BPMN 2.0.2, 12.2.3.4 BPMNEdge."""
PLANES = frozenset({"process", "collaboration", "choreography", "subChoreography", "subConversation"})
PLANES |= {"subProcess", "adHocSubProcess", "transaction"}


def check(diagram: Diagram) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 12.2 BPMN Diagram Interchange (DI) Meta-model."""
    found = (problem for node in diagram.document.root.iter(*_RULES) for problem in _drawn(diagram, node))
    yield from (problem for _number, problem in zip(range(MOST), found, strict=False))


def _drawn(diagram: Diagram, node: Node) -> Iterator[Problem]:
    reference = node.get("bpmnElement", "").strip()
    shown = diagram.referred(reference)
    kind = local(node)
    if not reference or reference in diagram.lost:
        return
    if shown is None:
        message, fix = f'Expected the {kind} to show an element, but there is no "{reference}".', "Delete it."
    elif not _RULES[str(node.tag)](local(shown)):
        message = f'Expected the {kind} to show {_WORDS[kind]}, but "{reference}" is {a(local(shown))}.'
        fix = "Draw it again in the modeler."
    else:
        return
    place = diagram.document.attribute_place(node, "bpmnElement")
    holder = node if shown is None else shown
    yield diagram.document.problem("interchange", holder, message, fix, place=place, severity=Severity.WARNING)


_RULES: dict[str, Callable[[str], bool]] = {
    f"{{{BPMNDI}}}BPMNShape": lambda kind: kind not in EDGES and kind != "process",
    f"{{{BPMNDI}}}BPMNEdge": lambda kind: kind not in FLOW_NODES and kind not in ("participant", "lane", "process"),
    f"{{{BPMNDI}}}BPMNPlane": lambda kind: kind in PLANES,
}
_WORDS = {
    "BPMNShape": "what has an outline",
    "BPMNEdge": "a line",
    "BPMNPlane": "a process, sub-process, collaboration or choreography",
}
