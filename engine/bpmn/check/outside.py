"""What a diagram names that is not drawn in it: processes that are called, people and groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple

from engine.bpmn import dialects
from engine.bpmn.check.diagram import Diagram
from engine.bpmn.check.expressions import read_by
from engine.bpmn.document import Document
from engine.bpmn.nodes import Node, local
from engine.bpmn.script import constant
from engine.model.problems import Place, Problem, Severity


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
        terms, _fault = read_by(dialects.terms, node)
        for kind, source in _sources(node, terms or dialects.Terms()):
            told = constant(source) if source else None
            for name in _names(told[0] if told else None, kind):
                place = (
                    document.attribute_place(node, "calledElement") if kind is Kind.PROCESS else document.place(node)
                )
                yield Named(kind, name, node, place)


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
    documents = list(documents)
    keys = {process.get("id", "") for document in documents for process in Diagram(document).processes}
    for document in documents:
        for each in named(document):
            near = get_close_matches(each.name[:60], sorted(keys)[:500], n=1, cutoff=0.8)
            if each.kind is Kind.PROCESS and each.name not in keys and near:
                yield absent(document, each, keys)


def absent(document: Document, each: Named, known: Collection[str]) -> Problem:
    """That something named is nowhere. known: what there is of its kind."""
    near = get_close_matches(each.name[:60], sorted(known)[:500], n=1)
    message, fix = _WORDS[each.kind]
    fix = f'Did you mean "{near[0]}"?' if near else fix
    told = message.format(each.name[:60])
    rule = "called-element" if each.kind is Kind.PROCESS else "unknown-person"
    return document.problem(rule, each.node, told, fix, place=each.place, severity=Severity.WARNING)


_WORDS = {
    Kind.PROCESS: (
        'Expected a process "{}" to call, but there is none: an instance stops here with an incident.',
        "Deploy it before the first instance comes here.",
    ),
    Kind.USER: ('Expected somebody who signs in as "{}", but nobody does.', "Make the account, or correct the name."),
    Kind.GROUP: ('Expected somebody in the group "{}", but nobody is.', "Put people in it, or correct the name."),
}
