"""Global tasks: tasks of no process, to be called. Each becomes a process of its own around the task.

Source: BPMN 2.0.2, 10.3.4 Global Task.
"""

from __future__ import annotations

from lxml import etree

from engine.bpmn.nodes import Node, bpmn, is_true, local

KINDS = {
    "globalTask": "task",
    "globalManualTask": "manualTask",
    "globalUserTask": "userTask",
    "globalScriptTask": "scriptTask",
    "globalBusinessRuleTask": "businessRuleTask",
}
"""Global task -> the task that is done when it is called."""


def wrap(root: Node) -> None:
    """Put a process around each global task. They run unless the file marks none of its own processes to run."""
    processes = root.findall(bpmn("process"))
    runs = not processes or any(is_true(process, "isExecutable") for process in processes)
    for task in [child for child in root if isinstance(child.tag, str) and local(child) in KINDS]:
        _wrap(root, task, runs=runs)


def task_id(process_id: str) -> str:
    """The id of the task inside the process that stands for a global task."""
    return f"{process_id}.task"


def _wrap(root: Node, task: Node, *, runs: bool) -> None:
    told = {name: task.get(name, "") for name in ("id", "name") if task.get(name)}
    process = etree.Element(bpmn("process"), {**told, "isExecutable": str(runs).lower()})
    root.replace(task, process)
    process.append(task)
    if task.get("scriptLanguage"):
        task.set("scriptFormat", task.get("scriptLanguage", ""))
    task.tag = bpmn(KINDS[local(task)])
    if task.get("id"):
        task.set("id", task_id(task.get("id", "")))
