"""Event definitions: what an event waits for or throws. Source: BPMN 2.0.2, 10.5.5 Event Definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.bpmn import dialects, schedule, texts
from engine.bpmn.document import Document
from engine.bpmn.elements import event_definition
from engine.bpmn.nodes import (
    CATCH_UP,
    TIMERS,
    Node,
    bpmn,
    child_text,
    event_definitions,
    is_bpmn,
    is_true,
    link_name,
    local,
    name_of,
)
from engine.bpmn.parse.correlations import Keys, correlations
from engine.bpmn.parse.flows import source_of


@dataclass(frozen=True, slots=True)
class References:
    """What events refer to: messages, signals, errors, escalations and shared definitions, by id."""

    found: Mapping[str, Node]
    keys: Keys

    @classmethod
    def of(cls, document: Document) -> References:
        found = {node.get("id", ""): node for node in document.root if is_bpmn(node) and node.get("id")}
        return cls(found, Keys.of(document.root))

    def get(self, reference: str | None) -> Node | None:
        return self.found.get((reference or "").strip().rpartition(":")[2])


def definition(node: Node, references: References) -> event_definition.Definition:
    """What an event is about; a receive or send task names its message itself."""
    if local(node) == "receiveTask" or (local(node) == "sendTask" and node.get("messageRef")):
        return _message(node, node, references)
    shared = [references.get(reference.text) for reference in node.iterfind(bpmn("eventDefinitionRef"))]
    told = [each for each in [*event_definitions(node), *shared] if each is not None]
    found = [one_definition(each, node, references) for each in told]
    if len(found) > 1:
        ordered = tuple(sorted(found, key=lambda each: isinstance(each, _ENDING)))
        return event_definition.Multiple(ordered, is_true(node, "parallelMultiple"))
    return found[0] if found else event_definition.Nothing()


def one_definition(told: Node, event: Node, references: References) -> event_definition.Definition:
    return _DEFINE[local(told)](told, event, references)


_ENDING = (
    event_definition.Compensation,
    event_definition.Cancel,
    event_definition.Error,
    event_definition.Terminate,
)
"""What is thrown after all else: it ends or undoes others."""


def _timer(node: Node, event: Node, references: References) -> event_definition.Definition:
    for tag, kind in TIMERS.items():
        text = child_text(node, tag)
        if text:
            catch_up = (node.get(CATCH_UP) or event.get(CATCH_UP) or schedule.CatchUp.ONCE).strip()
            return event_definition.Timer(kind, texts.time(kind, text), schedule.CatchUp(catch_up))
    return event_definition.Nothing()


def _message(node: Node, event: Node, references: References) -> event_definition.Definition:
    message = references.get(node.get("messageRef"))
    if message is None:
        return event_definition.Message(_called(node))  # of a receive task, for which one may go unnamed
    return event_definition.Message(_called(message), correlations(message, event, references.keys))


def _signal(node: Node, event: Node, references: References) -> event_definition.Definition:
    if not node.get("signalRef"):
        return event_definition.own_signal(event.get("attachedToRef", ""))
    return event_definition.Signal(_called(references.get(node.get("signalRef"))))


def _called(found: Node | None) -> str:
    return "" if found is None else name_of(found) or found.get("id", "")


def _error(node: Node, event: Node, references: References) -> event_definition.Definition:
    found, told = references.get(node.get("errorRef")), dialects.terms(node)
    return event_definition.Error(
        None if found is None else found.get("errorCode"),
        told.code_variable,
        told.message_variable,
        None if found is None else dialects.terms(found).error_message,
    )


def _escalation(node: Node, event: Node, references: References) -> event_definition.Definition:
    found = references.get(node.get("escalationRef"))
    code = None if found is None else found.get("escalationCode")
    return event_definition.Escalation(code, dialects.terms(node).code_variable)


def _conditional(node: Node, event: Node, references: References) -> event_definition.Definition:
    return event_definition.Conditional(source_of(node, "condition") or "")


def _compensation(node: Node, event: Node, references: References) -> event_definition.Definition:
    return event_definition.Compensation(node.get("activityRef"), is_true(node, "waitForCompletion", "true"))


_DEFINE: dict[str, Callable[[Node, Node, References], event_definition.Definition]] = {
    "timerEventDefinition": _timer,
    "messageEventDefinition": _message,
    "signalEventDefinition": _signal,
    "errorEventDefinition": _error,
    "escalationEventDefinition": _escalation,
    "conditionalEventDefinition": _conditional,
    "compensateEventDefinition": _compensation,
    "cancelEventDefinition": lambda node, event, references: event_definition.Cancel(),
    "terminateEventDefinition": lambda node, event, references: event_definition.Terminate(),
    "linkEventDefinition": lambda node, event, references: event_definition.Link(link_name(event) or ""),
}
