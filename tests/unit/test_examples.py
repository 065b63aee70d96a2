"""The diagrams in processes/ are drawn with care, and their services answer as their guides say."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pytest

from engine.errors import BpmnError, ServiceFailed
from engine.services import Call
from processes import demo
from processes.document_pipeline import services as pipeline
from processes.employee_onboarding import services as onboarding
from processes.payment import services as payment
from processes.purchase_approval import services as purchase

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


# ---- what the services answer --------------------------------------------------------------------------------------


def call(**variables: object) -> Call:
    return Call(
        topic="",
        variables=variables,
        instance_id=7,
        business_key=None,
        element_id="",
        attempt=1,
        idempotency_key="7-1",
    )


@pytest.mark.parametrize(("number", "confirmed"), [("AB123456", True), ("X1234567", False)])
def test_an_identity_document_is_confirmed_unless_it_begins_with_x(number: str, confirmed: bool) -> None:
    assert onboarding.check_identity(call(identity_document=number)) == {"identity_confirmed": confirmed}


def test_an_address_that_cannot_exist_stops_the_crm_record_for_good() -> None:
    assert onboarding.create_crm_record(call(email="mia@example.com")) == {"record": "CRM-00007"}

    with pytest.raises(ServiceFailed) as failure:
        onboarding.create_crm_record(call(email="mia@example.invalid"))

    assert not failure.value.retryable


def test_a_mailbox_takes_the_usual_address_or_the_chosen_one() -> None:
    robin = {"employee_name": "Robin Berg"}

    with pytest.raises(BpmnError) as error:
        onboarding.create_mailbox(call(**robin))

    assert error.value.code == "address-taken"
    assert onboarding.create_mailbox(call(employee_name="Mia Holm")) == {"mailbox": "mia.holm@example.com"}
    assert onboarding.create_mailbox(call(**robin, mailbox_address="rb@example.com")) == {"mailbox": "rb@example.com"}


def test_reminders_are_counted() -> None:
    assert onboarding.remind_manager(call()) == {"reminders_sent": 1}
    assert purchase.remind_team_lead(call(reminders_sent=1)) == {"reminders_sent": 2}


@pytest.mark.parametrize(
    ("account", "requests_before", "settled"),
    [("DE123456", 0, True), ("DE121111", 0, False), ("DE121111", 1, True), ("DE129999", 40, False)],
)
def test_the_bank_transfers_when_asked_often_enough(account: str, requests_before: int, settled: bool) -> None:
    answer = payment.request_settlement(call(payer_account=account, settlement_requests=requests_before))

    assert answer == {"settlement_requests": requests_before + 1, "settled": settled}


def test_the_bank_declines_accounts_that_end_in_four_zeros() -> None:
    assert payment.authorize_payment(call(payer_account="DE123456")) == {"authorization": "AUTH-00007"}

    with pytest.raises(BpmnError) as error:
        payment.authorize_payment(call(payer_account="DE120000"))

    assert error.value.code == "declined"


def test_an_address_that_cannot_exist_raises_a_doubt() -> None:
    assert payment.check_fraud(call(payer_email="mia@example.com")) == {"fraud_score": payment.HARMLESS}
    assert payment.check_fraud(call(payer_email="mia@example.invalid")) == {"fraud_score": payment.DOUBTFUL}


@pytest.mark.parametrize(
    ("document", "title", "text"),
    [("Bill 7: invoice, payable", "Bill 7", "invoice, payable"), ("no colon", "no colon", "no colon")],
)
def test_a_document_is_a_title_and_a_text(document: str, title: str, text: str) -> None:
    assert pipeline.extract_text(call(document=document)) == {"title": title, "text": text}


@pytest.mark.parametrize(
    ("text", "category", "confidence"),
    [
        ("invoice with amount payable", "invoice", 1.0),
        ("dear customer please sign the contract sincerely", "letter", 0.67),
        ("see you on monday", "other", 0.0),
    ],
)
def test_confidence_is_the_share_of_the_words_that_speak_for_a_category(
    text: str, category: str, confidence: float
) -> None:
    assert pipeline.classify_document(call(text=text)) == {"category": category, "confidence": confidence}
