"""Words of BPMN that are nearly right: one such slip has many consequences, of which none is told beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.bpmn.check import schema, support
from engine.bpmn.check.diagram import Diagram, owner
from engine.bpmn.nodes import Node, local
from engine.model.problems import Place, Problem, Severity

MOST = 50
"""Words of one file that are looked at: comparing them is slow."""


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
    words = (word for node in diagram.elements for word in _unknown(node))
    found = (_slip(diagram, node, name) for _number, (node, name) in zip(range(MOST), words, strict=False))
    return [slip for slip in found if slip is not None]


def _unknown(node: Node) -> Iterator[tuple[Node, str]]:
    """An element and the attribute that BPMN does not know; "" when it is the element itself."""
    if not schema.is_element(local(node)) and node.getparent() is not None:
        yield node, ""
    names = (name for name in map(str, node.attrib) if not name.startswith("{") and not schema.is_attribute(name))
    yield from ((node, name) for name in names)


def _slip(diagram: Diagram, node: Node, name: str) -> _Slip | None:
    near = schema.near_attribute(name) if name else schema.near_element(local(node))
    if not near:
        return None
    begin, parent = diagram.document.place(node), node.getparent()
    seen = node if parent is diagram.document.root else owner(node)
    if name:
        message = f"Expected no attribute {name:.60} at {local(node)}: BPMN does not know it."
        place = diagram.document.attribute_place(node, name)
        return _Slip(_problem(diagram, node, "schema-attribute", seen, (message, near), place), seen, begin, begin)
    if parent is not None and support.is_container(parent):
        return _Slip(None, parent, begin, _end(diagram, node))
    message = f"Expected an element of BPMN, but {local(node):.60} is none."
    told = _problem(diagram, node, "schema-element", seen, (message, near), begin)
    return _Slip(told, seen, begin, _end(diagram, node))


def _problem(diagram: Diagram, node: Node, rule: str, seen: Node, told: tuple[str, str], place: Place) -> Problem:
    return diagram.document.problem(rule, seen, *told, place=place, severity=_severity(diagram, node))


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
