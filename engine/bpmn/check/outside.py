"""What a diagram names that is not drawn in it: processes that are called, people and groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from engine.bpmn import dialects
from engine.bpmn.check import schema, structure
from engine.bpmn.check.diagram import EVENTS, SUB_PROCESSES, Diagram, a
from engine.bpmn.document import Document
from engine.bpmn.nodes import Node, local, name_of
from engine.bpmn.script import constant
from engine.bpmn.suggestions import near_name, nearest
from engine.model.problems import Place, Problem, Severity

RULE = "called-element"


class Kind(StrEnum):
    PROCESS = "process"
    USER = "user"
    GROUP = "group"


class Named(NamedTuple):
    """One name, as it is written: without an expression."""

    kind: Kind
    name: str
    node: Node
    place: Place


def named(document: Document) -> Iterator[Named]:
    """What the processes that run name, in the order of the file."""
    diagram = Diagram(document)
    for node in diagram.running:
        yield from _named(diagram, node)


def _named(diagram: Diagram, node: Node) -> Iterator[Named]:
    for kind, source in _sources(node, diagram.terms(node)):
        told = constant(source) if source else None
        for name in _names(told[0] if told else None, kind):
            yield Named(kind, name, node, _place(diagram.document, node, kind))


def _place(document: Document, node: Node, kind: Kind) -> Place:
    return document.attribute_place(node, "calledElement") if kind is Kind.PROCESS else document.place(node)


def _sources(node: Node, terms: dialects.Terms) -> Iterator[tuple[Kind, str | None]]:
    if local(node) == "callActivity":
        yield Kind.PROCESS, terms.called or repr(node.get("calledElement", "").strip())
    yield Kind.USER, terms.assignee
    for source in (*terms.candidate_users, *terms.starter_users):
        yield Kind.USER, source
    for source in (*terms.candidate_groups, *terms.starter_groups):
        yield Kind.GROUP, source


def _names(told: object, kind: Kind) -> Iterator[str]:
    """A text that is one name; expressions are known when they run."""
    if isinstance(told, str) and told and not set(told) & set("${}#"):
        yield told.rpartition(":")[2] if kind is Kind.PROCESS else told


# ---- telling -------------------------------------------------------------------------------------------------------


def misspelt_calls(documents: Iterable[Document]) -> Iterator[Problem]:
    """Processes that are called, are not in the upload, and have a name much like one that is."""
    diagrams = [Diagram(document) for document in documents]
    processes = [(diagram, process) for diagram in diagrams for process in diagram.processes]
    keys = {process.get("id", ""): process in diagram.executable for diagram, process in processes}
    for diagram in diagrams:
        for each in _calls(diagram):
            if not keys.get(each.name):
                yield from _misspelt(diagram, each, keys)


def _misspelt(diagram: Diagram, each: Named, keys: Mapping[str, bool]) -> Iterator[Problem]:
    """keys: of the processes of the upload -> whether they are executable."""
    other = diagram.referred(each.name)
    if each.name in keys:
        message = f'Expected an executable process to call, but "{each.name:.60}" is not, so it cannot run.'
        fix = 'Switch on "Executable" in its properties, or write isExecutable="true".'
    elif other is not None and not schema.is_element(local(other)):
        return  # a process whose tag is misspelt: told of there
    elif other is not None:
        message = f'Expected the id of a process to call, but "{each.name:.60}" is {a(local(other))}.'
        fix = f"Write one of: {', '.join(sorted(keys)[:5])}."
    elif any(invalid for invalid in keys if not invalid or set(invalid) & set(" \t\n")):
        return  # its id is told of, and what calls it meant that
    else:
        if nearest(each.name, keys, cutoff=0.8):
            yield absent(diagram.document, each, keys)
        return
    yield diagram.document.problem(RULE, each.node, message, fix, place=each.place, severity=Severity.WARNING)


def misspelt_events(documents: Iterable[Document]) -> Iterator[Problem]:
    """Messages and signals that are thrown, that nothing in the upload catches, much like some that are caught."""
    diagrams = [Diagram(document) for document in documents]
    for kind in ("message", "signal"):
        caught = {_called(diagram, node, kind) for diagram in diagrams for node in _having(diagram, kind, throws=False)}
        for diagram in diagrams:
            for node in _having(diagram, kind, throws=True):
                name = _called(diagram, node, kind)
                near = "" if name in caught else near_name(name, caught - {""}) if name else ""
                if near:
                    message = f'Nothing catches the {kind} "{name:.60}" that is thrown here.'
                    yield diagram.document.problem("event-unmatched", node, message, near, severity=Severity.WARNING)


def _having(diagram: Diagram, kind: str, *, throws: bool) -> Iterator[Node]:
    """The elements that throw, or catch, a message or signal."""
    for node in (each for each in diagram.running if local(each) in EVENTS | {"sendTask", "receiveTask"}):
        is_thrower = local(node) in ("endEvent", "intermediateThrowEvent", "sendTask")
        has_one = any(local(each) == f"{kind}EventDefinition" for each in diagram.definitions_of(node))
        if is_thrower == throws and (has_one or local(node) in ("sendTask", "receiveTask")):
            yield node


def _called(diagram: Diagram, node: Node, kind: str) -> str:
    """The name of the message or signal of an event; "" when none is chosen."""
    holders = [each for each in diagram.definitions_of(node) if local(each) == f"{kind}EventDefinition"] or [node]
    found = diagram.referred(holders[0].get(f"{kind}Ref", ""), kind)
    return "" if found is None else name_of(found) or found.get("id", "")


def endless_calls(documents: Iterable[Document]) -> Iterator[Problem]:
    """Processes that call themselves, or each other in a ring, every time that they run.

    A warning: somebody may mean it who waits in between, and cancels the last.
    """
    diagrams = [Diagram(document) for document in documents]
    keys = {process.get("id", "") for diagram in diagrams for process in diagram.executable}
    calls = {
        process.get("id", ""): [
            each for each in _calls(diagram) if each.name in keys and _is_always_begun(diagram, each.node, process)
        ]
        for diagram in diagrams
        for process in diagram.executable
    }
    for diagram in diagrams:
        for process in diagram.executable:
            key = process.get("id", "")
            for each in calls[key]:
                if key in _called_by(each.name, calls):
                    around = "itself" if each.name == key else f'"{each.name:.60}", which calls it again'
                    message = f"The process calls {around} every time, so it never ends."
                    fix = "Draw an exclusive gateway before, with a way around the call."
                    yield diagram.document.problem(
                        "endless-call", each.node, message, fix, place=each.place, severity=Severity.WARNING
                    )


def _calls(diagram: Diagram) -> list[Named]:
    calls = (node for node in diagram.running if local(node) == "callActivity")
    return [each for node in calls for each in _named(diagram, node) if each.kind is Kind.PROCESS]


def _called_by(key: str, calls: Mapping[str, list[Named]]) -> set[str]:
    """The process, and all that it calls every time, directly or not."""
    found, todo = set[str](), [key]
    while todo:
        called = todo.pop()
        if called not in found:
            found.add(called)
            todo += [each.name for each in calls.get(called, ())]
    return found


def _is_always_begun(diagram: Diagram, node: Node, process: Node) -> bool:
    """Whether an instance cannot end without coming to an element first. (Events that come in between aside.)"""
    if node is process:
        return True
    holder = node.getparent()
    if holder is None or local(holder) not in SUB_PROCESSES | {"process"} or local(holder) == "adHocSubProcess":
        return False
    scope = diagram.scope(holder)
    reached, todo = {node}, [each for each in structure.first(scope) if each is not node]
    while todo:
        each = todo.pop()
        following = structure.next_of(scope, each)
        if not following:
            return False
        todo += [other for other in following if other not in reached]
        reached.update(following)
    return _is_always_begun(diagram, holder, process)


def absent(document: Document, each: Named, known: Collection[str]) -> Problem:
    """That something named is nowhere. known: what there is of its kind."""
    near = near_name(each.name, known)
    message, fix = _WORDS[each.kind]
    fix = near or fix
    told = message.format(each.name[:60])
    rule = RULE if each.kind is Kind.PROCESS else "unknown-person"
    return document.problem(rule, each.node, told, fix, place=each.place, severity=Severity.WARNING)


_WORDS = {
    Kind.PROCESS: (
        'Expected a process "{}" to call, but there is none: an instance stops here with an incident.',
        "Deploy it before the first instance comes here.",
    ),
    Kind.USER: ('Expected somebody who signs in as "{}", but nobody does.', "Make the account, or correct the name."),
    Kind.GROUP: ('Expected somebody in the group "{}", but nobody is.', "Put people in it, or correct the name."),
}
