"""Upload checks: one module per family, each yielding Problem values. Every file's problems are told at once.

Rules about how a diagram hangs together apply to the whole file, rules about running to executable processes only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from engine import values
from engine.bpmn import forms, read, templates
from engine.bpmn.check import (
    ad_hoc,
    associations,
    attributes,
    calls,
    catch_up,
    choreography,
    collaboration,
    compensation,
    correlation,
    data,
    data_sets,
    errors,
    event_sub_processes,
    events,
    expressions,
    extensions,
    gateways,
    http,
    ids,
    instantiation,
    interchange,
    lanes,
    limits,
    loops,
    mail,
    misspelt,
    outside,
    own_words,
    people,
    quantities,
    references,
    retries,
    sandbox,
    schema,
    soundness,
    structure,
    support,
    unset,
)
from engine.bpmn.check.diagram import Diagram, Drawn
from engine.bpmn.document import Document
from engine.bpmn.templates import Templates, is_template
from engine.errors import Invalid
from engine.model.problems import Place, Problem, Severity

MAX_FILES = 50
LONGEST_FILE_NAME = 400
MAX_PROBLEMS = 500
"""Told at once; a broken file may have thousands."""

UNREADABLE = frozenset(
    {
        "archive",
        "doctype",
        "encoding",
        "file-name",
        "form-syntax",
        "no-diagram",
        "not-bpmn",
        "same-name",
        "too-large",
        "xml-syntax",
    }
)
"""Rules that say of a file that it cannot be shown, whatever else may be right about it."""

FAMILIES: tuple[Callable[[Diagram], Iterable[Problem]], ...] = (
    ids.check,
    structure.check,
    references.check,
    support.check,
    extensions.check,
    events.check,
    catch_up.check,
    event_sub_processes.check,
    ad_hoc.check,
    compensation.check,
    own_words.check,
    correlation.check,
    calls.check,
    gateways.check,
    instantiation.check,
    attributes.check,
    expressions.check,
    associations.check,
    limits.check,
    loops.check,
    quantities.check,
    retries.check,
    http.check,
    mail.check,
    sandbox.check,
)


def check(files: Mapping[str, bytes]) -> list[Problem]:
    """Everything that is wrong with an upload, in the order of files, lines and columns.

    files: name -> content. Names that end in .form or .json are forms, those that a mail names are templates, all
    others diagrams.
    """
    return examine(files).problems


class Examined(NamedTuple):
    """An upload: the diagrams that can be read, and everything that is wrong."""

    documents: list[Document]
    problems: list[Problem]


def examine(files: Mapping[str, bytes]) -> Examined:
    """The same, together with the diagrams that were read for it."""
    unnamable = list(_file_names(files))
    if unnamable:
        return Examined([], unnamable)
    documents, problems = read_all(files)
    problems += _of_upload(files, documents)
    beside = forms.FormFiles(files), Templates(files)
    problems += [problem for document in documents for problem in of_document(document, *beside)]
    problems += outside.misspelt_calls(documents)
    problems += outside.endless_calls(documents)
    problems += outside.misspelt_events(documents)
    return Examined(documents, _told(problems))


def read_all(files: Mapping[str, bytes]) -> tuple[list[Document], list[Problem]]:
    """The diagrams that can be read, and what is wrong with the other files."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file, content in sorted(files.items(), key=lambda item: is_template(item[0])):  # others name the templates
        try:
            if forms.is_form(file):
                forms.from_form_js(file, content)
            elif is_template(file) and file in mail.named(documents, files):
                templates.read(file, content)
            else:
                documents.append(read.read(file, content))
        except Invalid as cause:
            problems += cause.problems
    return documents, problems


def of_document(document: Document, files: forms.FormFiles, beside: Templates) -> Iterator[Problem]:
    """What is wrong with one diagram that could be read. files, beside: of the whole upload."""
    diagram, files = Diagram(document), files.with_embedded(document.root)
    found = [problem for family in FAMILIES for problem in family(diagram)]
    found = misspelt.instead(diagram, found)
    found += _of_drawn(document)
    found += _of_read(diagram, {problem.element_id for problem in found if problem.severity == Severity.ERROR})
    yield from found
    yield from soundness.check(diagram, found)
    yield from schema.check(diagram, found)
    yield from people.check(diagram, files)
    yield from data.check(diagram, files)
    yield from unset.check(diagram, files)
    yield from mail.check_templates(diagram, beside)


READ_FAMILIES: tuple[Callable[[Diagram], Iterable[Problem]], ...] = (
    collaboration.check,
    choreography.check,
    data_sets.check,
    errors.check,
    lanes.check,
    interchange.check,
)
"""About what is only read. An element that cannot run is not told of for this, too."""
DRAWN_FAMILIES: tuple[Callable[[Diagram], Iterable[Problem]], ...] = (
    structure.check,
    events.check,
    event_sub_processes.check,
    ad_hoc.check,
    compensation.check,
    gateways.check,
    instantiation.check,
)
HOLDING_TOGETHER = frozenset(
    {
        "ad-hoc",
        "bad-default",
        "boundary-invalid",
        "compensation",
        "cross-scope-flow",
        "end-outgoing",
        "event-gateway",
        "event-sub-process",
        "gateway-direction",
        "incoming-mismatch",
        "instantiation",
        "link-invalid",
        "lone-condition",
        "lone-event",
        "misplaced-element",
        "multiple-blank-start",
        "outgoing-mismatch",
        "start-incoming",
    }
)
"""Rules of these families that say how a process is drawn, and nothing of how it runs."""


def _of_read(diagram: Diagram, wrong: Collection[str]) -> list[Problem]:
    told = (problem for family in READ_FAMILIES for problem in family(diagram))
    return [problem for problem in told if not problem.element_id or problem.element_id not in wrong]


def _of_drawn(document: Document) -> list[Problem]:
    """Of processes that are not to run: how they hang together. Nothing of it stops the upload."""
    drawn = Drawn(document)
    found = (problem for family in DRAWN_FAMILIES for problem in family(drawn)) if drawn.executable else ()
    return [replace(problem, severity=Severity.WARNING) for problem in found if problem.rule in HOLDING_TOGETHER]


def _of_upload(files: Mapping[str, bytes], documents: Iterable[Document]) -> Iterator[Problem]:
    if len(files) > MAX_FILES:
        message = f"Expected at most {MAX_FILES} files at once, but here are {len(files)}."
        yield Problem("too-large", message, Place(next(iter(files))), fix="Upload them in several steps.")
    if all(map(forms.is_form, files)):
        message = "Expected a BPMN diagram in the upload, but there is none."
        yield Problem(
            "no-diagram", message, Place(next(iter(files), "")), fix="Upload forms together with their diagram."
        )
    yield from _shared_keys(documents)


def _file_names(files: Iterable[str]) -> Iterator[Problem]:
    for name in files:
        try:
            values.fitting(name, LONGEST_FILE_NAME, "a file name")
        except TypeError as cause:
            place = Place(values.shown(name, LONGEST_FILE_NAME))
            yield Problem("file-name", str(cause), place, fix="Give the file another name.")


def _shared_keys(documents: Iterable[Document]) -> Iterator[Problem]:
    """Two files of one upload with the same executable process: which is the new version?"""
    seen: dict[str, str] = {}
    for document in documents:
        for process in Diagram(document).executable:
            key = process.get("id", "")
            first = seen.setdefault(key, document.file)
            if first != document.file:
                message = f'The process "{key}" is in {first} too.'
                yield document.problem("duplicate-id", process, message, "Upload one of them, or change its id.")


def _told(problems: Iterable[Problem]) -> list[Problem]:
    ordered = sorted(problems, key=lambda problem: (problem.place, problem.rule))
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    errors_first = sorted(ordered, key=lambda problem: problem.severity != "error")[:MAX_PROBLEMS]
    message = f"{len(ordered) - MAX_PROBLEMS} more problems are not listed."
    left = Problem("too-many", message, ordered[-1].place, errors_first[0].severity)
    return [*sorted(errors_first, key=lambda problem: (problem.place, problem.rule)), left]
