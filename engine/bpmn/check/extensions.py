"""Words of other tools: what of them is executed, refused, or of no consequence, by the tables in engine/bpmn/dialects.

Vendors we do not know are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn import dialects, texts
from engine.bpmn.check.diagram import Diagram, children, owner
from engine.bpmn.dialects import Effect, Said
from engine.bpmn.nodes import Node, is_true, local
from engine.bpmn.read import RUNS_UNSAID
from engine.model.problems import Place, Problem, Severity


def check(diagram: Diagram) -> Iterator[Problem]:
    for process in diagram.processes:
        yield from _runs_unsaid(diagram, process)
    for node in seen_by_checks(diagram):
        yield from _name(diagram, node)
        for said in dialects.said(node):
            yield from _word(diagram, node, said)


def _name(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Camunda 7 evaluates the names of messages and signals; here they are names."""
    if local(node) in ("message", "signal") and texts.is_mixed(node.get("name", "")):
        message = f"Expected the name of the {local(node)} as plain text, but it has an expression."
        fix = "Give it one name, and let a correlation key tell which instance is meant."
        place = diagram.document.attribute_place(node, "name")
        yield diagram.document.problem("unsupported-element", node, message, fix, place=place)


def seen_by_checks(diagram: Diagram) -> list[Node]:
    """What runs, and before it the messages, errors and what else processes refer to."""
    referred = children(diagram.document.root) if diagram.executable else []
    return [*(node for node in referred if local(node) != "process"), *diagram.running]


def _word(diagram: Diagram, node: Node, said: Said) -> Iterator[Problem]:
    effect, place = said.word.effect, place_of(diagram, said)
    if effect is Effect.CHANGE:
        message = f"{said.name} is not executed."
        yield diagram.document.problem("unsupported-element", owner(node), message, said.word.told, place=place)
    elif effect is Effect.IGNORED:
        message = f"{said.name} is ignored here."
        yield diagram.document.problem(
            "ignored-attribute", owner(node), message, said.word.told, place=place, severity=Severity.WARNING
        )


def place_of(diagram: Diagram, said: Said) -> Place:
    document = diagram.document
    return document.attribute_place(said.holder, said.attribute) if said.attribute else document.place(said.holder)


def _runs_unsaid(diagram: Diagram, process: Node) -> Iterator[Problem]:
    if is_true(process, "isExecutable") and diagram.document.misses(process, "isExecutable"):
        tool = next((tool for uri, tool in RUNS_UNSAID.items() if uri in process.nsmap.values()), None)
        if tool:
            message = f"Nothing says whether this process shall run; it does, as in {tool}."
            fix = 'Write isExecutable="true".'
            yield diagram.document.problem("not-executable", process, message, fix, severity=Severity.WARNING)


def is_drawn_for_another_tool(node: Node) -> bool:
    """Whether an element, or its loop, carries words that are not executed."""
    words = (said.word for each in (node, *children(node)) for said in dialects.said(each))
    return any(word.effect is Effect.CHANGE for word in words)
