"""Scripts that run as an element is entered, or when its work is done: Camunda 7's listeners, SpiffArena's scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from engine.bpmn import scripts, texts
from engine.bpmn.nodes import SPIFF, bpmn, camunda
from engine.bpmn.translation import Untranslatable

_SCRIPTS = {f"{{{SPIFF}}}preScript": "start", f"{{{SPIFF}}}postScript": "end"}
EVENTS = ("start", "end")


class Listener(NamedTuple):
    """node: where it is written, for the place of what is wrong with it."""

    node: etree._Element
    event: str


def of(node: etree._Element) -> Iterator[Listener]:
    """Those of an element, in the order of the file."""
    for extension in node.iterfind(f"{bpmn('extensionElements')}/*"):
        if extension.tag == camunda("executionListener"):
            yield Listener(extension, extension.get("event", "").strip())
        elif extension.tag in _SCRIPTS and (extension.text or "").strip():
            yield Listener(extension, _SCRIPTS[extension.tag])


def told(node: etree._Element, event: str) -> tuple[str, ...]:
    """The scripts of an element at its start or end. Raises Untranslatable."""
    return tuple(script(each) for each in of(node) if each.event == event)


def script(listener: Listener) -> str:
    """Python. Raises Untranslatable."""
    node = listener.node
    if node.tag in _SCRIPTS:
        return texts.script(node.text or "")
    if listener.event not in EVENTS:
        raise Untranslatable(f'Expected a listener at start or end, but its event is "{listener.event:.30}".')
    if node.get("expression", "").strip():
        return scripts.effect(node.get("expression", ""))
    drawn = node.find(camunda("script"))
    if drawn is None or drawn.get("resource"):
        raise Untranslatable("Expected a script in the listener, or an expression. Draw what it does as a task.")
    language = drawn.get("scriptFormat", "python").lower()
    if language == "python":
        return texts.script(drawn.text or "")
    if language not in scripts.FORMATS:
        raise Untranslatable(f"Expected a script in Python, but its scriptFormat is {language!r}.")
    return scripts.python(scripts.FORMATS[language], drawn.text or "")
