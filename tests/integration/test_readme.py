"""The programs in README run as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine import definitions, instances
from engine.model.processes import InstanceStatus
from tests.play import END, START, chain, document, user

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("call", ["procession:http", "procession:mail"])
def test_the_calls_in_a_diagram_can_be_deployed(call: str) -> None:
    (told,) = (each for each in re.findall(r"```xml\n(.*?)```", README, re.DOTALL) if f"<{call}" in each)
    task = re.search(r'id="(\w+)"', told)
    assert task is not None

    assert definitions.problems({"p.bpmn": document(START + told + END + chain("start", task[1], "end"))}) == []


def test_problems_are_told_by_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (told,) = (each for each in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "problems(" in each)
    monkeypatch.chdir(tmp_path)
    Path("empty.bpmn").write_bytes(b"")

    exec(told, {})

    assert capsys.readouterr().out.startswith("empty.bpmn:1:1 error [not-bpmn]")


def test_the_story_in_python_runs_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, _ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    service = '<serviceTask id="rate" camunda:type="external" camunda:topic="credit-check"/>'
    diagram = START + user("approve", candidateGroups="clerks") + service + END
    diagram += chain("start", "approve", "rate", "end")
    Path("invoice.bpmn").write_bytes(document(diagram).replace(b'process id="p"', b'process id="invoice"'))
    names: dict[str, object] = {}

    exec(second, names)
    exec(first, names)

    engine, root = names["engine"], names["root"]
    with engine.reading(root) as tx:  # type: ignore[attr-defined]
        (found,) = instances.find(tx)
        values = {variable.name: variable.value for variable in instances.variables(tx, found.id)}
    engine.close()  # type: ignore[attr-defined]
    assert found.status == InstanceStatus.COMPLETED
    assert values == {"amount": 120, "approved": True, "rating": "A"}
