"""The standard's resource roles: who does a user task, and who may start a process. Source: BPMN 2.0.2, 10.3.1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from engine.bpmn.nodes import bpmn, camunda, local
from engine.bpmn.texts import items, literals, value
from engine.bpmn.translation import Untranslatable

MAX_RESOURCES = 500
"""Of one file, looked through for the groups that roles refer to."""

_PERFORMERS = {
    ("humanPerformer", ""): "assignee",
    ("humanPerformer", "user"): "assignee",
    ("humanPerformer", "group"): "candidate_groups",
    ("performer", ""): "assignee",
    ("performer", "user"): "assignee",
    ("performer", "group"): "candidate_groups",
    ("potentialOwner", ""): "candidate_groups",
    ("potentialOwner", "user"): "candidate_users",
    ("potentialOwner", "group"): "candidate_groups",
}
"""Role and word before the bracket -> field of Terms. The standard leaves plain names open; read as in Camunda 7."""
EXPRESSIONS = f"{bpmn('resourceAssignmentExpression')}/{bpmn('formalExpression')}"
ROLES = tuple(dict.fromkeys(role for role, _word in _PERFORMERS))
_PERFORMER = re.compile(r"\s*(?:(user|group)\s*\((.*)\)|(.*?))\s*\Z", re.DOTALL)


def found(node: etree._Element) -> Iterator[tuple[str, str]]:
    """The field of Terms and the source of each name that the element's roles give."""
    for role in node.iterchildren(*map(bpmn, ROLES)):
        for formal in role.findall(EXPRESSIONS):
            for word, source in performers(formal.text or ""):
                yield _PERFORMERS[local(role), word], source
        resource = resource_name(role)
        if resource:
            yield _PERFORMERS[local(role), "group"], repr(resource)


def performers(text: str) -> list[tuple[str, str]]:
    """Read `user(ana), group(clerks), accountants`: the word before the bracket or "", and the source of the name.

    Raises Untranslatable.
    """
    return [(word, value(name)) for word, name in _named(text)]


def _named(text: str) -> Iterator[tuple[str, str]]:
    for item in items(text):
        match = _PERFORMER.match(item.text)
        assert match is not None  # the last alternative takes any text
        word, inside, plain = match.groups()
        yield word or "", (inside if word else plain).strip()


def resource_name(role: etree._Element) -> str | None:
    """The name of the resource that a role refers to: a group of that name. Raises Untranslatable."""
    reference = (role.findtext(bpmn("resourceRef")) or "").strip().rpartition(":")[2]
    if not reference:
        return None
    resources = islice(role.getroottree().getroot().iterchildren(bpmn("resource")), MAX_RESOURCES)
    found = next((each for each in resources if each.get("id") == reference), None)
    if found is None:
        raise Untranslatable(f'Expected resourceRef to name a resource, but there is no resource "{reference}".')
    return found.get("name") or reference


STARTER = camunda("potentialStarter")


def starters(node: etree._Element) -> dict[str, tuple[str, ...]]:
    """Who may start a process, as camunda:potentialStarter says: fields of Terms. Raises Untranslatable."""
    found: dict[str, tuple[str, ...]] = {}
    for formal in node.iterfind(f"{bpmn('extensionElements')}/{STARTER}/{EXPRESSIONS}"):
        for word, names in may_start(formal.text or ""):
            found[word] = (*found.get(word, ()), *names)
    return found


def may_start(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The field of Terms and the names, of each part of a text. Raises Untranslatable."""
    fields = {"user": "starter_users"}
    return [(fields.get(word, "starter_groups"), literals(name)) for word, name in _named(text)]
