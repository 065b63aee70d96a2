"""Data that strains pages: long names and ids, many of everything, large values, and every state on one diagram."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import insert, update

from engine import SYSTEM, Engine, Role, Transaction, accounts, definitions, instances
from engine.storage.tables import CandidateRow, EventRow, UserTaskRow

LONG = "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrentenauszahlungsantragsformular"
ELEMENTS = 200
AT_WORK = 150
"""Where the long diagram waits."""
INCIDENTS = 40
SPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" '
    'xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'targetNamespace="http://example.com"'
)
COLOURS = ("", 'bioc:fill="#ffe0b2" bioc:stroke="#6b3c00"', 'bioc:fill="#bbdefb" bioc:stroke="#0d4372"')


def fill(engine: Engine, *, processes: int = 12, history: int = 1000) -> dict[str, int]:
    """Fill a demonstration's database; gives the ids of what is worth a look."""
    with engine.transaction(SYSTEM) as tx:
        groups = [f"department-{number}-of-the-northern-branch" for number in range(60)]
        accounts.add(tx, "x" * 60, name=LONG, password="procession-demo", roles=[Role.APPROVER], groups=groups)
        tx = replace(tx, actor=accounts.get(tx, "root").actor)
        for number in range(processes):
            definitions.deploy(tx, {f"{LONG}-{number}.bpmn": _bare(number)})
        definitions.deploy(tx, {"long.bpmn": long_diagram()})
        definitions.deploy(tx, {"stopping.bpmn": STOPPING.encode()})
        values = {f"variable_{number}_{LONG}"[:120]: number for number in range(200)}
        long = instances.start(tx, "long", variables={**values, "a_letter": "word " * 200_000}, business_key=LONG * 3)
        stopped = instances.start(tx, "stopping", variables={"pieces": list(range(INCIDENTS))}, business_key="Stopped")
        _remember(tx, long.id, history)
    engine.run_until_idle()
    with engine.transaction(SYSTEM) as tx:
        _let_be_late(tx, long.id)
        cancelled = instances.start(tx, "long", business_key="Cancelled")
        instances.cancel(tx, cancelled.id, "Not needed any more. " * 20)
    return {"long": long.id, "stopped": stopped.id, "cancelled": cancelled.id}


def _let_be_late(tx: Transaction, instance_id: int) -> None:
    due_at = tx.now - timedelta(days=3)
    task = update(UserTaskRow).where(UserTaskRow.instance_id == instance_id)
    task_id = tx.session.scalar(task.values(due_at=due_at, due_order=due_at, priority=90).returning(UserTaskRow.id))
    offers = update(CandidateRow).where(CandidateRow.task_id == task_id)
    tx.session.execute(offers.values(due_order=due_at, priority=90))


def _remember(tx: Transaction, instance_id: int, count: int) -> None:
    row = {"instance_id": instance_id, "at": tx.now, "actor": "root", "kind": "task claimed", "element_id": "e1"}
    tx.session.execute(insert(EventRow), [{**row, "data": {}} for number in range(count)])


def _bare(number: int) -> bytes:
    """A process without a picture."""
    return (
        f'<definitions {SPACES}><process id="{LONG[:60]}-{number}" name="{LONG} {number}" isExecutable="true">'
        '<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/><task id="t"/></process></definitions>'
    ).encode()


def long_diagram() -> bytes:
    """A row of elements, coloured in turn by its author, with one user task far from its beginning."""
    nodes = "".join(map(_node, range(ELEMENTS))) + "".join(map(_flow, range(ELEMENTS - 1)))
    drawn = "".join(map(_shape, range(ELEMENTS))) + "".join(map(_edge, range(ELEMENTS - 1)))
    return (
        f'<definitions {SPACES}><process id="long" name="{LONG}" isExecutable="true">{nodes}</process>'
        f'<bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement="long">{drawn}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>'
        "</definitions>"
    ).encode()


def _node(number: int) -> str:
    kinds = {0: "startEvent", AT_WORK: "userTask", ELEMENTS - 1: "endEvent"}
    return f'<{kinds.get(number, "task")} id="e{number}" name="Piece {number} of the work"/>'


def _flow(number: int) -> str:
    return f'<sequenceFlow id="f{number}" sourceRef="e{number}" targetRef="e{number + 1}"/>'


def _shape(number: int) -> str:
    width, height = (36, 36) if number in (0, ELEMENTS - 1) else (100, 80)
    return (
        f'<bpmndi:BPMNShape bpmnElement="e{number}" {COLOURS[number % 3]}>'
        f'<dc:Bounds x="{number * 150}" y="{100 - height / 2}" width="{width}" height="{height}"/></bpmndi:BPMNShape>'
    )


def _edge(number: int) -> str:
    begin = number * 150 + (100 if number else 36)
    return (
        f'<bpmndi:BPMNEdge bpmnElement="f{number}"><di:waypoint x="{begin}" y="100"/>'
        f'<di:waypoint x="{number * 150 + 150}" y="100"/></bpmndi:BPMNEdge>'
    )


STOPPING = f"""<definitions {SPACES}><process id="stopping" name="Stops often" isExecutable="true">
<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>
<scriptTask id="t" name="Divide {LONG}" scriptFormat="python"><script>result = 1 // 0</script>
<multiInstanceLoopCharacteristics camunda:collection="pieces" camunda:elementVariable="piece"/></scriptTask>
</process></definitions>"""
