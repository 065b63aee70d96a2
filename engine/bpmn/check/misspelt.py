"""Words of BPMN that are nearly right: one such slip has many consequences, of which none is told beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.bpmn.check import schema, support
from engine.bpmn.check.diagram import Diagram, owner
from engine.bpmn.nodes import Node, local
from engine.model.problems import Place, Problem, Severity

MOST = 20
"""Slips of one file that are looked at: comparing words is slow."""


class _Slip(NamedTuple):
    """A word that is nearly right, and what is told of it."""

    problem: Problem | None
    """None: told by another rule, at the same place."""
    seen: Node
    """What people see in the diagram: the element, or what it is a part of."""
    begin: Place
    end: Place
    """The element, up to where what comes behind it begins."""


def instead(diagram: Diagram, found: Iterable[Problem]) -> list[Problem]:
    """The same problems without what follows from slips, and the slips themselves."""
    found, slips = list(found), _slips(diagram)
    for slip in slips:
        found = [problem for problem in found if not _follows(diagram, slip, problem)]
    return [*found, *(slip.problem for slip in slips if slip.problem is not None)]


def _follows(diagram: Diagram, slip: _Slip, problem: Problem) -> bool:
    place, seen = problem.place, diagram.document.place(slip.seen)
    if slip.problem is None:
        is_around = problem.rule in _AROUND and problem.element_id == slip.seen.get("id", "")
        return is_around or slip.begin < place < slip.end
    return place in (seen, slip.begin) or (problem.rule in _AROUND and seen <= place < slip.end)


_AROUND = frozenset({"no-start", "not-executable", "unreachable", "implicit-end", "script-empty"})
"""Rules about what holds an element, that one which is overlooked breaks."""


def _slips(diagram: Diagram) -> list[_Slip]:
    found = (slip for node in diagram.elements for slip in (*_element(diagram, node), *_attributes(diagram, node)))
    return [slip for _number, slip in zip(range(MOST), found, strict=False)]


def _element(diagram: Diagram, node: Node) -> Iterator[_Slip]:
    parent = node.getparent()
    if schema.is_element(local(node)) or parent is None:
        return
    near = schema.near_element(local(node))
    begin, end = diagram.document.place(node), _end(diagram, node)
    if near and support.is_container(parent):
        yield _Slip(None, parent, begin, end)
    elif near:
        seen, severity = node if parent is diagram.document.root else owner(node), _severity(diagram, node)
        message = f"Expected an element of BPMN, but {local(node)} is none."
        problem = diagram.document.problem("schema-element", seen, message, near, place=begin, severity=severity)
        yield _Slip(problem, seen, begin, end)


def _attributes(diagram: Diagram, node: Node) -> Iterator[_Slip]:
    for name in map(str, node.attrib):
        near = "" if name.startswith("{") or schema.is_attribute(name) else schema.near_attribute(name)
        if near:
            seen, severity = owner(node), _severity(diagram, node)
            message = f"Expected no attribute {name} at {local(node)}: BPMN does not know it."
            place, begin = diagram.document.attribute_place(node, name), diagram.document.place(node)
            problem = diagram.document.problem("schema-attribute", seen, message, near, place=place, severity=severity)
            yield _Slip(problem, seen, begin, begin)


def _severity(diagram: Diagram, node: Node) -> Severity:
    """What would count in a process to run, or makes one, must be right."""
    parent, running = node.getparent(), diagram.executable
    counts = any(each in running for each in node.iterancestors()) or parent is diagram.document.root
    return Severity.ERROR if counts else Severity.WARNING


def _end(diagram: Diagram, node: Node) -> Place:
    """Where the first element behind this one begins."""
    for each in (node, *node.iterancestors()):
        following = each.getnext()
        if following is not None:
            return diagram.document.place(following)
    here = diagram.document.place(node)
    return Place(here.file, here.line + 1_000_000)
