"""Which data an activity needs together: input sets and output sets. Source: BPMN 2.0.2, 10.4.1 Data Modeling."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import Diagram, owner
from engine.bpmn.nodes import Node, bpmn, local
from engine.model.problems import Problem, Severity

_SIDES = (("dataInput", "inputSet", "dataInputRefs"), ("dataOutput", "outputSet", "dataOutputRefs"))
_OPTIONAL = {"inputSet": "optionalInputRefs", "outputSet": "optionalOutputRefs"}


def check(diagram: Diagram) -> Iterator[Problem]:
    """Warnings only: the standard's own examples are lax here."""
    for node in diagram.elements:
        if local(node) == "ioSpecification":
            for held, message in _faults(node):
                place, fix = diagram.document.place(held), "Draw its data again in the modeler."
                yield diagram.document.problem(
                    "data-sets", owner(node), message, fix, place=place, severity=Severity.WARNING
                )


def _faults(specification: Node) -> Iterator[tuple[Node, str]]:
    for tag, set_tag, member in _SIDES:
        held = {each.get("id", ""): each for each in specification.findall(bpmn(tag))}
        sets = specification.findall(bpmn(set_tag))
        members = [set(_texts(each, member)) for each in sets]
        for name, each in held.items():
            if sets and not any(name in some for some in members):
                yield each, f'Expected the {tag} "{name}" in one of the {set_tag}s, but it is in none.'
        for each, some in zip(sets, members, strict=True):
            for name in some - held.keys():
                yield each, f'Expected the {set_tag} to name data of its own activity, but "{name}" is not.'
            for name in set(_texts(each, _OPTIONAL[set_tag])) - some:
                yield each, f'Expected "{name}" among the {member} too, as the {_OPTIONAL[set_tag]} name it.'


def _texts(node: Node, tag: str) -> list[str]:
    return [(child.text or "").strip().rpartition(":")[2] for child in node.findall(bpmn(tag))]
