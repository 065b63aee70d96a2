"""Calls by HTTP: procession:http says where to, with what, and what the answer means."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn import names
from engine.bpmn.check.diagram import SERVICES, Diagram
from engine.bpmn.check.events import THROWING
from engine.bpmn.check.expressions import read_by, sources_problems
from engine.bpmn.check.python import Fault
from engine.bpmn.elements.http_task import HttpCall
from engine.bpmn.nodes import Node, bpmn, camunda, local
from engine.bpmn.parse import connectors, http
from engine.model.problems import Problem

RULE = "http-call"
_EXAMPLE = '<procession:http method="POST" url="https://example.com/orders">...</procession:http>'
_AT_MOST_ONE = ("body", "callback", "poll")


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.running:
        found = node.findall(f"{bpmn('extensionElements')}/{http.HTTP}")
        if found and not may_call(diagram, node):
            yield _problem(diagram, node, found[0], _ONLY)
        elif found:
            yield from _call(diagram, node, found)
        elif http.is_called(node):
            yield from _connector(diagram, node)


_ONLY = "Only service, send and business rule tasks call services, and events that throw one message and nothing else."


def may_call(diagram: Diagram, node: Node) -> bool:
    if local(node) not in THROWING:
        return local(node) in SERVICES
    return [local(each) for each in diagram.definitions_of(node)] == ["messageEventDefinition"]


def _call(diagram: Diagram, node: Node, found: list[Node]) -> Iterator[Problem]:
    told, *more = found
    if more:
        yield _problem(diagram, node, more[0], "Expected one call, but there are several.")
    if node.get(camunda("topic")):
        yield _problem(diagram, node, told, "Expected a topic or an HTTP call, but there are both.")
    for text in [*_unknown(told), *_missing(told), *(text for part in http.parts(told) for text in _part(part))]:
        yield _problem(diagram, node, told, text)
    yield from _texts(diagram, node, told)


def _unknown(told: Node) -> Iterator[str]:
    for name in told.attrib:
        if name not in http.ATTRIBUTES:
            yield f"Expected {', '.join(http.ATTRIBUTES)}, but there is {name!s:.60}."
    tags = [http.tag_of(part) for part in http.parts(told)]
    for tag in dict.fromkeys(tags):
        if tag not in http.PARTS:
            yield f"Expected {', '.join(http.PARTS)} inside, but there is {tag:.60}."
    for tag in _AT_MOST_ONE:
        if tags.count(tag) > 1:
            yield f"Expected one {tag} at most, but there are {tags.count(tag)}."
    if "callback" in tags and "poll" in tags:
        yield "Expected callback or poll, but there are both."


def _missing(told: Node) -> Iterator[str]:
    if not told.get("url", "").strip() and not told.get("service", "").strip():
        yield "Expected the url to call, or the service, but there is neither."
    method = told.get("method", "GET").strip().upper()
    if method not in http.METHODS:
        yield f"Expected the method to be one of {', '.join(http.METHODS)}, but it is {method:.30}."
    if method in ("GET", "HEAD") and any(http.tag_of(part) == "body" for part in http.parts(told)):
        yield f"Expected no body with {method}. Use POST."


def _part(part: Node) -> Iterator[str]:
    tag = http.tag_of(part)
    known = http.PARTS.get(tag)
    if known is None:
        return
    for name in part.attrib:
        if name not in known:
            yield f"Expected {', '.join(known) or 'no attributes'} at {tag}, but there is {name!s:.60}."
    name = part.get("name", "").strip()
    if tag == "header" and not http.HEADER_NAME.fullmatch(name):
        yield f"Expected the name of a header, but it is {name!r:.60}."
    elif tag == "query" and not name:
        yield "Expected the name of a query parameter, but it is empty."
    elif tag == "result" and not names.is_variable(name):
        yield f"Expected a result to name a variable, but it is {name!r:.60}."
    elif tag == "error" and not (part.get("code", "").strip() and part.get("when", "").strip()):
        yield "Expected an error to have a code and a condition, but one is missing."


def _texts(diagram: Diagram, node: Node, told: Node) -> Iterator[Problem]:
    place = diagram.document.place(told)
    try:
        call, fault = read_by(http.read, told)
    except ValueError as cause:
        call, fault = None, Fault(str(cause), "Write a duration such as PT30S.", 0)
    yield from sources_problems(diagram, node, [] if call is None else _sources(call), place, fault)


def _connector(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Of Camunda 7, in whose words the call is told."""
    told = connectors.of(node)
    if told is None:
        return
    place = diagram.document.place(told)
    call, fault = read_by(connectors.read, told)
    if call is not None:
        parts = [f"Expected a method such as POST, but it is {call.method:.30}."] * (call.method not in http.METHODS)
        parts += [
            f"Expected the name of a header, but it is {header.name!r:.60}."
            for header in call.headers
            if not http.HEADER_NAME.fullmatch(header.name)
        ]
        fault = Fault(parts[0]) if parts else None
    if fault is not None:
        yield diagram.document.problem(RULE, node, fault.message, f"Write {_EXAMPLE}", place=place)
    elif call is not None:
        yield from sources_problems(diagram, node, _sources(call), place, None)


def _sources(call: HttpCall) -> list[str]:
    headers = [header.source for header in call.headers if header.source is not None]
    body = [] if call.body is None else [call.body]
    return [call.url, *headers, *(each.source for each in call.query), *body, *call.about_answer]


def _problem(diagram: Diagram, node: Node, at: Node, message: str) -> Problem:
    return diagram.document.problem(RULE, node, message, f"Write {_EXAMPLE}", place=diagram.document.place(at))
