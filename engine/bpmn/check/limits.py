"""How long a name may be: as long as the rows that keep it can hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.bpmn import names
from engine.bpmn.check.diagram import Diagram
from engine.bpmn.check.python import Fault
from engine.bpmn.nodes import TOPIC, camunda, local, name_of
from engine.bpmn.script import constant
from engine.model.problems import Problem

ID = 250
"""The triggers of an event, and the values of a key, are kept under names with some characters more."""
NAME = 400
CODE = 255
EVENT_NAME = 255
PERSON = 200
"""Characters of a person's or group's name."""

_ANYWHERE = {"id": ID, "name": NAME, "errorCode": CODE, "escalationCode": CODE, camunda("topic"): NAME, TOPIC: NAME}
_NAMES = {"message": EVENT_NAME, "signal": EVENT_NAME, "lane": PERSON}
"""Element -> characters of its name, where that is more than a caption."""


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.elements:
        for attribute, usual in _ANYWHERE.items():
            longest = _NAMES.get(local(node), usual) if attribute == "name" else usual
            length = len(name_of(node) if attribute == "name" else node.get(attribute, ""))
            if length > longest:
                place = diagram.document.attribute_place(node, attribute)
                word = attribute.rpartition("}")[2]
                message = f"Expected {word} to have at most {longest} characters, but it has {length:,}."
                yield diagram.document.problem("too-long", node, message, _FIX.get(word, _SHORTEN), place=place)


_SHORTEN = "Shorten it."
_FIX = {"name": "Shorten it; what is longer belongs into the documentation."}


def fault_of_people(sources: Iterable[str]) -> Fault | None:
    """What is wrong with the names of people or groups that are known at upload."""
    for known in map(constant, sources):
        length = 0 if known is None else len(str(known[0]))
        if length > PERSON:
            return Fault(f"Expected a name of at most {PERSON} characters, but it has {length:,}.", _SHORTEN)
    return None


def fault_of_variable(name: str) -> Fault | None:
    if names.is_variable(name):
        return None
    return Fault(f'Expected the name of a variable, but it is "{name:.50}".', names.advice(name))
