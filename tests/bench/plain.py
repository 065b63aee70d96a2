"""The yardstick: SpiffWorkflow as its users run it, with its own serializer and one JSON row per instance."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lxml import etree
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState


class Plain:
    def __init__(self, path: Path, diagram: bytes) -> None:
        parser = BpmnParser()
        parser.add_bpmn_xml(etree.fromstring(diagram), "bench.bpmn")
        self._spec, self._inner = parser.get_spec("p"), parser.get_subprocess_specs("p")
        self._serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure())
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute("CREATE TABLE instance (id INTEGER PRIMARY KEY, state TEXT)")

    def start(self) -> int:
        workflow = BpmnWorkflow(self._spec, self._inner)
        workflow.do_engine_steps()
        state = self._serializer.serialize_json(workflow)
        return int(self._database.execute("INSERT INTO instance (state) VALUES (?)", (state,)).lastrowid or 0)

    def complete(self, instance: int, values: dict[str, object]) -> int:
        """Complete the task that is ready; gives the bytes of the state."""
        self._database.execute("BEGIN IMMEDIATE")
        (state,) = self._database.execute("SELECT state FROM instance WHERE id = ?", (instance,)).fetchone()
        workflow = self._serializer.deserialize_json(state)
        task = next(iter(workflow.get_tasks(state=TaskState.READY, manual=True)))
        task.data.update(values)
        task.run()
        workflow.do_engine_steps()
        state = self._serializer.serialize_json(workflow)
        self._database.execute("UPDATE instance SET state = ? WHERE id = ?", (state, instance))
        self._database.execute("COMMIT")
        return len(state)

    def close(self) -> None:
        self._database.close()
