"""Small diagrams for the tests of the checks: a few lines of XML, with a mark on the line where the problem stands."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from engine.bpmn import parse
from engine.bpmn.check import check
from engine.bpmn.nodes import BPMN, CAMUNDA, XSI
from engine.bpmn.read import read
from engine.model.problems import Problem, Severity

HERE = "<!--here-->"
"""Stands in the line where the problem is expected."""
HEAD = f"""<definitions xmlns="{BPMN}" xmlns:camunda="{CAMUNDA}" xmlns:xsi="{XSI}" targetNamespace="t" xmlns:t="t">
<message id="paid" name="paid"/><signal id="alarm" name="alarm"/>
<error id="declined" name="Declined" errorCode="D"/><error id="codeless" name="Codeless"/>
<escalation id="late" name="Late" escalationCode="L"/>
"""
BRIEF = ("schema-", "lone-event", "implicit-end", "error-unmatched")
"""Rules with tests of their own."""
START, END = '<startEvent id="start"/>', '<endEvent id="end"/>'


def chain(*nodes: str) -> str:
    """A sequence flow from each node to the next."""
    pairs = pairwise(nodes)
    return "".join(f'<sequenceFlow id="{a}-{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairs)


def flow(source: str, target: str, condition: str = "", name: str = "") -> str:
    text = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<sequenceFlow id="{source}-{target}" name="{name}" {ends}>{text}</sequenceFlow>'


def between(node: str) -> str:
    """A process that starts, does the node (with id "n") and ends."""
    return f"{START}\n{node}\n{END}{chain('start', 'n', 'end')}"


def process(content: str) -> str:
    return f'{HEAD}<process id="p" isExecutable="true">\n{content}\n</process></definitions>'


def problems(text: str, forms: Mapping[str, bytes] | None = None) -> list[Problem]:
    """What is told about one whole file, together with some forms, but for what these drawings are too brief for."""
    found = check({"a.bpmn": text.encode(), **(forms or {})})
    return [each for each in found if not (each.rule.startswith(BRIEF) and each.severity == Severity.WARNING)]


def refused(rule: str, element: str, content: str, *, severity: Severity = Severity.ERROR) -> Problem:
    """The only problem of a process, which must be this one and stand in the marked line."""
    return refused_file(rule, element, process(content), severity=severity)


def refused_file(rule: str, element: str, text: str, *, severity: Severity = Severity.ERROR) -> Problem:
    found = problems(text)
    line = text[: text.index(HERE)].count("\n") + 1
    told = [(each.rule, each.severity, each.element_id, each.place.line) for each in found]
    assert told == [(rule, severity, element, line)], "\n".join(map(str, found))
    return found[0]


def accepted(content: str) -> None:
    """Nothing is told about a process, and what the checks let through can be made ready to run."""
    text = process(content)
    found = problems(text)
    assert not found, "\n".join(map(str, found))
    assert [made.key for made in parse.processes(read("a.bpmn", text.encode()))] == ["p"]
