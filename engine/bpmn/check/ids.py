"""Ids: each element that needs one has one of its own, in letters that can be named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.bpmn import items
from engine.bpmn.check.diagram import FLOW_NODES, Diagram, owner
from engine.bpmn.nodes import Node, bpmn, local
from engine.model.problems import Problem


def check(diagram: Diagram) -> Iterator[Problem]:
    yield from _duplicate_ids(diagram)
    yield from _missing_ids(diagram)
    yield from _odd_ids(diagram)


def _duplicate_ids(diagram: Diagram) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, Base Element: an id is unique."""
    for node in _with_id_of_another(diagram):
        first = diagram.by_id[node.get("id", "")]
        message = f"The id is used already by the {local(first)} in line {diagram.document.place(first).line}."
        fix = _by_its_flows(diagram, node) or "Give each element an id of its own."
        yield diagram.document.problem("duplicate-id", node, message, fix)


def _missing_ids(diagram: Diagram) -> Iterator[Problem]:
    for node in _without_id(diagram):
        message = f"Expected the {local(node)} to have an id, but it has none."
        fix = _by_its_flows(diagram, node) or "Give it one that no other element has."
        yield diagram.document.problem("missing-id", node, message, fix)


def _odd_ids(diagram: Diagram) -> Iterator[Problem]:
    """XML asks for letters, digits and a few signs; many tools are laxer about the first character, and so are we."""
    for node in _with_odd_id(diagram):
        place = diagram.document.attribute_place(node, "id")
        message = f'Expected letters, digits, ".", "-" and "_" in the id, but it is "{node.get("id", "")[:50]}".'
        plain = re.sub(r"[^\w.·-]+", "_", node.get("id", "").strip())[:50]
        fix = f'Write "{plain}", and the same wherever it is named.' if _ID.match(plain) else "Write another."
        yield diagram.document.problem("invalid-id", node, message, fix, place=place)


def nameless(diagram: Diagram) -> list[Node]:
    """The elements that have no id of their own: what names them leads nowhere, and they are to blame."""
    return [*_with_id_of_another(diagram), *_without_id(diagram), *_with_odd_id(diagram)]


def _with_id_of_another(diagram: Diagram) -> list[Node]:
    return [node for node in diagram.elements if diagram.by_id.get(node.get("id", ""), node) is not node]


def _without_id(diagram: Diagram) -> list[Node]:
    needing = FLOW_NODES | {"process", "sequenceFlow"}
    return [node for node in diagram.running if not node.get("id") and local(node) in needing]


_ID = re.compile(r"[\w.·-]+\Z")


def _with_odd_id(diagram: Diagram) -> list[Node]:
    odd = (node for node in diagram.running if node.get("id") and not _ID.match(node.get("id", "")))
    return [node for node in odd if owner(node) is node or local(node) in items.HOLDING]


def _by_its_flows(diagram: Diagram, node: Node) -> str:
    """The id that an element without one of its own seems to have had: its flows name it still."""
    for tag, attribute in REPEATED:
        for child in node.findall(bpmn(tag)):
            flow = diagram.referred(child.text or "", "sequenceFlow")
            called = "" if flow is None else flow.get(attribute, "")
            if called and called not in diagram.by_id:
                return f'Write id="{called}": its flows call it that.'
    return ""


REPEATED = (("incoming", "targetRef"), ("outgoing", "sourceRef"))
"""Child element -> the attribute of a flow that it repeats."""
