"""The diagrams in processes/ are drawn with care."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pytest

from processes import demo

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
BPMNDI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
DI = "{http://www.omg.org/spec/DD/20100524/DI}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"

Point = tuple[int, int]


def diagrams() -> Iterator[tuple[str, bytes]]:
    for example in demo.EXAMPLES:
        for file, content in demo.files(example).items():
            if file.endswith(".bpmn"):
                yield file, content


document = pytest.mark.parametrize("root", [pytest.param(ET.fromstring(data), id=file) for file, data in diagrams()])


# ---- what is said --------------------------------------------------------------------------------------------------


@document
def test_each_process_and_each_user_task_says_what_it_is_for(root: ET.Element) -> None:
    described = [*root.iter(f"{BPMN}process"), *root.iter(f"{BPMN}userTask")]

    silent = [node.get("id") for node in described if not node.get("name") or not node.findtext(f"{BPMN}documentation")]

    assert silent == []


@document
def test_each_task_event_and_decision_is_named(root: ET.Element) -> None:
    named = [node for node in flow_nodes(root) if not node.tag.endswith("Gateway") or is_decision(node)]

    nameless = [node.get("id") for node in named if not node.get("name")]

    assert nameless == []


@pytest.mark.parametrize("example", demo.EXAMPLES)
def test_each_form_that_a_diagram_names_lies_beside_it(example: str) -> None:
    files = demo.files(example)
    forms = {json.loads(data)["id"] for file, data in files.items() if file.endswith(".form")}

    named = {
        node.attrib[f"{CAMUNDA}formRef"]
        for file, data in files.items()
        if file.endswith(".bpmn")
        for node in ET.fromstring(data).iter()
        if f"{CAMUNDA}formRef" in node.attrib
    }

    assert named == forms


@pytest.mark.parametrize("example", demo.EXAMPLES)
def test_each_group_that_a_diagram_names_has_a_member(example: str) -> None:
    members = {group for account in demo.ACCOUNTS for group in account.groups}

    named = {
        node.get(f"{CAMUNDA}candidateGroups", "")
        for file, data in demo.files(example).items()
        if file.endswith(".bpmn")
        for node in ET.fromstring(data).iter(f"{BPMN}userTask")
    }

    assert named - {""} <= members


def flow_nodes(root: ET.Element) -> Iterator[ET.Element]:
    kinds = ("Task", "Event", "Gateway", "subProcess")
    return (node for node in root.iter() if node.tag.startswith(BPMN) and node.tag.endswith(kinds))


def is_decision(gateway: ET.Element) -> bool:
    return gateway.tag != f"{BPMN}parallelGateway" and len(gateway.findall(f"{BPMN}outgoing")) > 1


# ---- how it is drawn -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    left: int
    top: int
    right: int
    bottom: int

    def touches(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Box) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


@dataclass(frozen=True, slots=True)
class Drawing:
    shapes: Mapping[str, Box]
    edges: Mapping[str, tuple[Point, ...]]
    labels: Mapping[str, Box]

    @property
    def solid(self) -> Mapping[str, Box]:
        """Shapes that hold no other shape: not pools, lanes and open sub-processes."""
        boxes = self.shapes.items()
        return {id: box for id, box in boxes if not any(o != id and box.holds(other) for o, other in boxes)}


def drawing(root: ET.Element) -> Drawing:
    shapes, edges = list(root.iter(f"{BPMNDI}BPMNShape")), list(root.iter(f"{BPMNDI}BPMNEdge"))
    label = f"{BPMNDI}BPMNLabel/{DC}Bounds"
    return Drawing(
        shapes={drawn(shape): box_from(shape.find(f"{DC}Bounds")) for shape in shapes},
        edges={drawn(edge): tuple(map(point_from, edge.findall(f"{DI}waypoint"))) for edge in edges},
        labels={drawn(one): box_from(one.find(label)) for one in shapes + edges if one.find(label) is not None},
    )


def drawn(part: ET.Element) -> str:
    return part.attrib["bpmnElement"]


def point_from(node: ET.Element) -> Point:
    return int(node.attrib["x"]), int(node.attrib["y"])


def box_from(node: ET.Element | None) -> Box:
    assert node is not None
    (x, y), width, height = point_from(node), int(node.attrib["width"]), int(node.attrib["height"])
    return Box(x, y, x + width, y + height)


def line(start: Point, end: Point) -> Box:
    """A segment as a box one unit thick."""
    (x1, x2), (y1, y2) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return Box(x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))


@document
def test_everything_has_a_shape_or_an_edge(root: ET.Element) -> None:
    shown = ("participant", "lane", "textAnnotation", "dataObjectReference")
    nodes = [*flow_nodes(root), *(node for tag in shown for node in root.iter(BPMN + tag))]
    flows = ("sequenceFlow", "messageFlow", "association", "dataInputAssociation", "dataOutputAssociation")

    picture = drawing(root)

    assert picture.shapes.keys() == {node.attrib["id"] for node in nodes}
    assert picture.edges.keys() == {node.attrib["id"] for tag in flows for node in root.iter(BPMN + tag)}


@document
def test_flows_run_straight_and_from_border_to_border(root: ET.Element) -> None:
    picture = drawing(root)

    for flow in root.iter(f"{BPMN}sequenceFlow"):
        way = picture.edges[flow.attrib["id"]]
        assert all(a != b and (a[0] == b[0] or a[1] == b[1]) for a, b in pairwise(way)), flow.get("id")
        assert on_border(way[0], picture.shapes[flow.attrib["sourceRef"]]), flow.get("id")
        assert on_border(way[-1], picture.shapes[flow.attrib["targetRef"]]), flow.get("id")


def on_border(point: Point, box: Box) -> bool:
    (x, y) = point
    within = box.left <= x <= box.right and box.top <= y <= box.bottom
    return within and (x in (box.left, box.right) or y in (box.top, box.bottom))


@document
def test_no_flow_crosses_a_shape_or_a_label(root: ET.Element) -> None:
    picture = drawing(root)
    flows = [*root.iter(f"{BPMN}sequenceFlow"), *root.iter(f"{BPMN}messageFlow")]
    hosts = {node.attrib["id"]: node.attrib["attachedToRef"] for node in root.iter(f"{BPMN}boundaryEvent")}

    crossed = [
        (flow.get("id"), id)
        for flow in flows
        for segment in pairwise(picture.edges[flow.attrib["id"]])
        for id, box in [*picture.solid.items(), *picture.labels.items()]
        if line(*segment).touches(box) and not (box is picture.shapes.get(id) and id in ends(flow, hosts))
    ]

    assert crossed == []


def ends(flow: ET.Element, hosts: Mapping[str, str]) -> set[str]:
    """What a flow joins; one that leaves a boundary event also touches what that is attached to."""
    source, target = flow.attrib["sourceRef"], flow.attrib["targetRef"]
    return {source, target, hosts.get(source, source)}


@document
def test_labels_keep_clear_of_shapes_and_of_each_other(root: ET.Element) -> None:
    picture = drawing(root)
    labels = list(picture.labels.items())

    clashes = [(id, other) for id, box in labels for other, shape in picture.solid.items() if box.touches(shape)]
    clashes += [(id, other) for n, (id, box) in enumerate(labels) for other, two in labels[:n] if box.touches(two)]

    assert clashes == []
