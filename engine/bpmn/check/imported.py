"""The import report: what becomes of each word of another tool in a diagram, by the tables of the dialects.

What the checks refuse has to be changed, and what they warn of is worth a look, whatever the tables say of its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.bpmn import dialects, scripts, texts
from engine.bpmn.check.diagram import Diagram, owner
from engine.bpmn.check.extensions import place_of, seen_by_checks
from engine.bpmn.dialects import Effect, Said
from engine.bpmn.document import Document
from engine.bpmn.nodes import Node, bpmn, is_bpmn, local, name_of
from engine.bpmn.read import RUNS_UNSAID
from engine.model.problems import Place, Problem, Severity

_LANGUAGES = {"$": "JUEL", "#": "JUEL", "=": "FEEL"}
"""The first character of an expression -> its language."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One word of another tool at one element."""

    place: Place
    element_type: str
    element_name: str
    element_id: str
    tool: str
    word: str
    """As it is written: camunda:assignee; or what kind of text it is: an expression in JUEL."""
    effect: Effect
    told: str
    """What it becomes; why it is harmless; what to do."""

    def __str__(self) -> str:
        about = f'{self.element_type} "{self.element_name}" ({self.element_id})' if self.element_id else "the file"
        place = f"{self.place.file}:{self.place.line}:{self.place.column}"
        return f"{place} {self.effect}: {self.word} of {about}: {self.told}"


def report(documents: Iterable[Document], problems: Iterable[Problem]) -> list[Imported]:
    """What becomes of the words in some diagrams, in their order. problems: what the checks found in them."""
    told = sorted(problems, key=lambda problem: problem.severity != Severity.ERROR)
    return [row for document in documents for row in _of_document(document, told)]


def tools(content: bytes) -> list[str]:
    """The tools whose languages a file declares, as far as we know them."""
    named = [(dialect.namespace, dialect.tool) for dialect in dialects.DIALECTS.values()]
    return [tool for uri, tool in (*named, *RUNS_UNSAID.items()) if uri.encode() in content]


def _of_document(document: Document, problems: list[Problem]) -> Iterator[Imported]:
    diagram = Diagram(document)
    faults = [problem for problem in problems if problem.place.file == document.file]
    for node in seen_by_checks(diagram):
        for said in dialects.said(node):
            if said.attribute or not (said.word.attributes and said.holder.attrib):  # else its attributes are told
                yield _word(diagram, node, said, faults)
        yield from _texts(diagram, node, faults)


def _word(diagram: Diagram, node: Node, said: Said, faults: list[Problem]) -> Imported:
    place = place_of(diagram, said)
    end = _behind_attribute(place, said) if said.attribute else _behind(diagram, said.holder)
    return _row(node, place, end, faults, (said.dialect.tool, said.name, said.word.effect, said.word.told))


def _texts(diagram: Diagram, node: Node, faults: list[Problem]) -> Iterator[Imported]:
    """Expressions and scripts in languages of other tools."""
    script = node.find(bpmn("script")) if local(node) == "scriptTask" else None
    language = scripts.FORMATS.get(node.get("scriptFormat", "").lower()) if script is not None else None
    if script is not None and language:
        told = ("", f"a script in {language}", Effect.MAPPED, "translated into Python")
        yield _row(node, diagram.document.place(script), _behind(diagram, script), faults, told)
    text = (node.text or "").strip()
    if text and is_bpmn(node) and not len(node) and texts.is_foreign(text):
        told = ("", f"an expression in {_LANGUAGES[text[0]]}", Effect.MAPPED, "translated into Python")
        yield _row(node, diagram.document.place(node), _behind(diagram, node), faults, told)


def _row(node: Node, place: Place, end: Place, faults: list[Problem], told: tuple[str, str, Effect, str]) -> Imported:
    tool, word, effect, words = told
    fault = next((problem for problem in faults if place <= problem.place < end), None)
    if fault is not None and effect is not Effect.CHANGE:
        effect = Effect.CHANGE if fault.severity == Severity.ERROR else Effect.IGNORED
        words = f"{fault.message} {fault.fix}".strip()
    seen = owner(node)
    return Imported(place, local(seen), name_of(seen), seen.get("id", ""), tool, word, effect, words)


def _behind_attribute(place: Place, said: Said) -> Place:
    lines = said.text.split("\n")
    column = len(lines[-1]) + (place.column if len(lines) == 1 else 1)
    return Place(place.file, place.line + len(lines) - 1, column + 1)


def _behind(diagram: Diagram, node: Node | None) -> Place:
    """Where the element that follows begins."""
    while node is not None:
        following = node.getnext()
        if following is not None:
            return diagram.document.place(following)
        node = node.getparent()
    return Place(diagram.document.file, 1_000_000_000, 1)
