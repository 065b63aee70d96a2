"""Mails: procession:mail says to whom one goes, and what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.bpmn.check.diagram import SERVICES, Diagram
from engine.bpmn.check.expressions import read_by, sources_problems
from engine.bpmn.document import Document
from engine.bpmn.nodes import Node, bpmn, camunda, local
from engine.bpmn.parse import http, mail
from engine.bpmn.parse.http import parts, tag_of
from engine.bpmn.templates import ENDINGS, Templates, is_template
from engine.model.problems import Problem

RULE = "mail"
_EXAMPLE = '<procession:mail to="${customer.email}" subject="Your order"><procession:text>...</procession:text>'
_AT_MOST_ONE = ("text", "html")


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.running:
        found = node.findall(f"{bpmn('extensionElements')}/{mail.MAIL}")
        if found and local(node) not in SERVICES:
            yield _problem(diagram, node, found[0], "Only service, send and business rule tasks send mail.")
        elif found:
            yield from _mail(diagram, node, found)


def _mail(diagram: Diagram, node: Node, found: list[Node]) -> Iterator[Problem]:
    told, *more = found
    if more:
        yield _problem(diagram, node, more[0], "Expected one mail, but there are several.")
    if node.get(camunda("topic")) or http.of(node) is not None:
        yield _problem(diagram, node, told, "Expected a mail or the call of a service, but there are both.")
    for text in [*_unknown(told), *_missing(told)]:
        yield _problem(diagram, node, told, text)
    for part in parts(told):
        yield from (_problem(diagram, node, part, text) for text in _part(part))
    call, fault = read_by(mail.read, told)
    place = diagram.document.place(told)
    yield from sources_problems(diagram, node, [] if call is None else call.sources, place, fault)


def _unknown(told: Node) -> Iterator[str]:
    for name in told.attrib:
        if name not in mail.ATTRIBUTES:
            yield f"Expected {', '.join(mail.ATTRIBUTES)}, but there is {name!s:.60}."
    tags = [tag_of(part) for part in parts(told)]
    for tag in dict.fromkeys(tags):
        if tag not in mail.PARTS:
            yield f"Expected {', '.join(mail.PARTS)} inside, but there is {tag:.60}."
    for tag in _AT_MOST_ONE:
        if tags.count(tag) > 1:
            yield f"Expected one {tag} at most, but there are {tags.count(tag)}."


def _missing(told: Node) -> Iterator[str]:
    if not told.get("to", "").strip():
        yield "Expected somebody to send the mail to, but there is no to."
    if not told.get("subject", "").strip():
        yield "Expected the mail to have a subject, but there is none."
    has_template = bool(told.get("template", "").strip())
    has_content = any(tag_of(part) in _AT_MOST_ONE for part in parts(told))
    if has_template and has_content:
        yield "Expected a template, or text and html inside, but there are both."
    elif not has_template and not has_content:
        yield "Expected text or html inside, or the name of a template, but there is neither."


def _part(part: Node) -> Iterator[str]:
    tag = tag_of(part)
    known = mail.PARTS.get(tag)
    if known is None:
        return
    for name in part.attrib:
        if name not in known:
            yield f"Expected {', '.join(known) or 'no attributes'} at {tag}, but there is {name!s:.60}."
    if next(part.iterchildren(), None) is not None:
        yield f"Expected text inside {tag}, but there are elements. Write HTML inside of <![CDATA[...]]>."
    if tag == "attachment" and not part.get("name", "").strip():
        yield "Expected an attachment to have a name such as invoice.pdf, but it has none."
    elif tag == "error" and not (part.get("code", "").strip() and part.get("when", "").strip()):
        yield "Expected an error to have a code and a condition, but one is missing."


def _problem(diagram: Diagram, node: Node, at: Node, message: str) -> Problem:
    return diagram.document.problem(RULE, node, message, f"Write {_EXAMPLE}", place=diagram.document.place(at))


# ---- templates -----------------------------------------------------------------------------------------------------


def check_templates(diagram: Diagram, templates: Templates) -> Iterator[Problem]:
    """What is wrong within one is told where that file is read."""
    for node in diagram.running:
        told = mail.of(node)
        name = "" if told is None else told.get("template", "").strip()
        if told is not None and name and templates.file(name) is None:
            place = diagram.document.attribute_place(told, "template")
            message = f'Expected a template "{name}" in the upload, but there is none.'
            fix = "Upload the file together with the diagram."
            if not is_template(name):
                fix = f"Let its name end in {', '.join(ENDINGS)}. {fix}"
            yield diagram.document.problem("template-missing", node, message, fix, place=place)


def named(documents: Iterable[Document], files: Mapping[str, bytes]) -> set[str]:
    """The files that mails name as their templates."""
    templates = Templates(files)
    names = (told.get("template", "").strip() for each in documents for told in each.root.iter(mail.MAIL))
    return {file for file in map(templates.file, names) if file is not None}
