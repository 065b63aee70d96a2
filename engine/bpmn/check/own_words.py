"""Words of our own namespace: each at an element that knows it, and none besides.

What they say is checked by the rules about correlation, calls, mails, retries and timers.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.bpmn.check.diagram import EVENTS, SERVICES, Diagram
from engine.bpmn.nodes import CATCH_UP, CORRELATION_KEY, OWN, TOPIC, Node, bpmn, local
from engine.bpmn.parse.http import HTTP
from engine.bpmn.parse.mail import MAIL
from engine.bpmn.parse.retries import RETRY
from engine.model.problems import Problem

RULE = "unsupported-element"
ELEMENTS = (RETRY, HTTP, MAIL)
PLACES = {CORRELATION_KEY: {"message"}, CATCH_UP: {"timerEventDefinition", *EVENTS}, TOPIC: SERVICES}
"""Each attribute, and the elements that have it."""


def check(diagram: Diagram) -> Iterator[Problem]:
    if not diagram.executable:
        return
    for node in diagram.elements:
        yield from _attributes(diagram, node, node)
        for holder in node.iterfind(bpmn("extensionElements")):
            for inner in holder.iterdescendants(etree.Element):
                yield from _attributes(diagram, inner, node)
                yield from _element(diagram, inner, node)


def _element(diagram: Diagram, inner: Node, node: Node) -> Iterator[Problem]:
    """What stands inside of a call is looked at by the rules about calls."""
    is_known = inner.tag in ELEMENTS or next(inner.iterancestors(HTTP, MAIL), None) is not None
    if etree.QName(inner).namespace == OWN and not is_known:
        message, place = f"There is no element {local(inner)} of ours.", diagram.document.place(inner)
        yield diagram.document.problem(RULE, node, message, "Delete it.", place=place)


def _attributes(diagram: Diagram, holder: Node, node: Node) -> Iterator[Problem]:
    for name in map(str, holder.attrib):
        if etree.QName(name).namespace == OWN and local(holder) not in PLACES.get(name, ()):
            message = f"There is no {etree.QName(name).localname} of ours at this element."
            place = diagram.document.attribute_place(holder, name)
            yield diagram.document.problem(RULE, node, message, "Delete it.", place=place)
