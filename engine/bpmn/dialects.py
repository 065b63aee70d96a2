"""What diagrams of other tools say, in our own terms: attributes, extension elements and resource roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from engine.bpmn.juel import Untranslatable
from engine.bpmn.nodes import OPERATOR, SPIFF, TOPIC, bpmn, camunda, local
from engine.bpmn.texts import expression, items, literal, literals, name_or_expression, value, values, whole_number

MAX_RESOURCES = 500
"""Of one file, looked through for the groups that roles refer to."""

Mapped = tuple[str, str]
"""The name a mapping sets, and the source of its value."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a diagram says about one element, beyond the bare standard. Texts are Python source, but for the last."""

    assignee: str | None = None
    candidate_users: tuple[str, ...] = ()
    """Each gives one name, or a list of names; so do the three below."""
    candidate_groups: tuple[str, ...] = ()
    starter_users: tuple[str, ...] = ()
    starter_groups: tuple[str, ...] = ()
    due: str | None = None
    """Gives a moment or a text for schedule.first: a date or a duration."""
    follow_up: str | None = None
    priority: str | None = None
    task_priority: str | None = None
    """Of a service's calls."""
    collection: str | None = None
    inputs: tuple[Mapped, ...] = ()
    outputs: tuple[Mapped, ...] = ()

    form_key: str | None = None
    """As written, like the rest: formKey, or the id that formRef gives."""
    topic: str | None = None
    element_variable: str | None = None
    version_tag: str | None = None
    initiator: str | None = None
    result_variable: str | None = None
    called_binding: str | None = None
    called_version: str | None = None
    form_data: etree._Element | None = field(default=None, compare=False)


Reader = Callable[[str], str | tuple[str, ...]]
ATTRIBUTES: dict[str, tuple[str, Reader]] = {
    "assignee": ("assignee", value),
    "candidateUsers": ("candidate_users", values),
    "candidateGroups": ("candidate_groups", values),
    "candidateStarterUsers": ("starter_users", literals),
    "candidateStarterGroups": ("starter_groups", literals),
    "dueDate": ("due", value),
    "followUpDate": ("follow_up", value),
    "priority": ("priority", whole_number),
    "formKey": ("form_key", literal),
    "formRef": ("form_key", literal),
    "topic": ("topic", literal),
    "taskPriority": ("task_priority", whole_number),
    "collection": ("collection", name_or_expression),
    "elementVariable": ("element_variable", literal),
    "versionTag": ("version_tag", literal),
    "initiator": ("initiator", literal),
    "resultVariable": ("result_variable", literal),
    "calledElementBinding": ("called_binding", literal),
    "calledElementVersion": ("called_version", value),
}
"""camunda: attribute -> the field of Terms, and how to read the text."""
GIVING_SOURCES: frozenset[Reader] = frozenset({value, values, whole_number, name_or_expression})
"""The readers that give Python; the others give plain text."""


def terms(node: etree._Element) -> Terms:
    """What an element says; of a multi-instance activity also what its loop says. Raises Untranslatable."""
    found: dict[str, object] = {}
    loop = node.find(bpmn("multiInstanceLoopCharacteristics"))
    for source in [node] if loop is None else [node, loop]:
        found |= {name: read(text) for _attribute, text, name, read in attributes(source)}
    for name, performer in _performers(node):
        if name == "assignee":
            found.setdefault(name, performer)
        else:
            found[name] = (*found.get(name, ()), performer)  # type: ignore[misc]
    found |= _service(node)
    return Terms(**found, **_extensions(node))  # type: ignore[arg-type]


def attributes(node: etree._Element) -> Iterator[tuple[str, str, str, Reader]]:
    """The camunda: attributes with a meaning: full name, text, field of Terms, reader; empty ones say nothing."""
    for word, (name, read) in ATTRIBUTES.items():
        text = node.get(camunda(word))
        if text is not None and text.strip():
            yield camunda(word), text, name, read


# ---- services by other words than Camunda's


def _service(node: etree._Element) -> Mapping[str, object]:
    """The topic that our own attribute or SpiffWorkflow's operator names, and where its answer goes."""
    if node.get(TOPIC):
        return {"topic": node.get(TOPIC, "").strip()}
    operator = _operator(node)
    if operator is None:
        return {}
    result = operator.get("resultVariable", "").strip()
    return {"topic": operator.get("id", "").strip()} | ({"result_variable": result} if result else {})


def operands(node: etree._Element) -> list[Mapped]:
    """What SpiffWorkflow's operator is called with: names and Python sources."""
    operator = _operator(node)
    told = () if operator is None else operator.iter(f"{{{SPIFF}}}parameter")
    return [(each.get("id", "").strip(), expression(each.get("value", ""))) for each in told]


def _operator(node: etree._Element) -> etree._Element | None:
    return node.find(f"{bpmn('extensionElements')}/{OPERATOR}")


def topic(node: etree._Element) -> str:
    """Of a service task, in whichever words; "": none."""
    operator = _operator(node)
    told = "" if operator is None else operator.get("id", "")
    return (node.get(camunda("topic")) or node.get(TOPIC) or told).strip()


# ---- the standard's resource roles


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
ROLES = tuple(dict.fromkeys(role for role, _word in _PERFORMERS))
_PERFORMER = re.compile(r"\s*(?:(user|group)\s*\((.*)\)|(.*?))\s*\Z", re.DOTALL)


def _performers(node: etree._Element) -> Iterator[Mapped]:
    """The field of Terms and the source of each name that the element's roles give."""
    for role in node.iterchildren(*map(bpmn, ROLES)):
        for formal in role.findall(f"{bpmn('resourceAssignmentExpression')}/{bpmn('formalExpression')}"):
            for word, source in performers(formal.text or ""):
                yield _PERFORMERS[local(role), word], source
        resource = resource_name(role)
        if resource:
            yield _PERFORMERS[local(role), "group"], repr(resource)


def performers(text: str) -> list[tuple[str, str]]:
    """Read `user(ana), group(clerks), accountants`: the word before the bracket or "", and the source of the name.

    Raises Untranslatable.
    """
    result = []
    for item in items(text):
        found = _PERFORMER.match(item.text)
        assert found is not None  # the last alternative takes any text
        word, inside, plain = found.groups()
        result.append((word or "", value((inside if word else plain).strip())))
    return result


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


# ---- extension elements


def properties(node: etree._Element) -> Iterator[tuple[str, str]]:
    """camunda:properties: names and texts that mean something to others."""
    for each in node.iterfind(f"{bpmn('extensionElements')}/{camunda('properties')}/{camunda('property')}"):
        yield each.get("name", ""), each.get("value", "")


def _extensions(node: etree._Element) -> dict[str, object]:
    holder = node.find(bpmn("extensionElements"))
    if holder is None:
        return {}
    mapping = f"{camunda('inputOutput')}/"
    return {
        "form_data": holder.find(camunda("formData")),
        "inputs": (*map(mapped, holder.findall(mapping + camunda("inputParameter"))), *operands(node)),
        "outputs": tuple(mapped(each) for each in holder.findall(mapping + camunda("outputParameter"))),
    }


def mapped(parameter: etree._Element) -> Mapped:
    """The name and source of camunda:inputParameter or outputParameter. Raises Untranslatable."""
    return parameter.get("name", "").strip(), _content(parameter)


def _content(node: etree._Element) -> str:
    """The source of what stands inside a parameter, a map's entry or a list: text, map, list or script."""
    for child in node:
        read = _CONTENTS.get(local(child))
        if read is None:
            raise Untranslatable(f"Expected text, a map, a list or a script, but here is <{local(child)}>.")
        return read(child)
    text = (node.text or "").strip()
    return value(text) if text else "None"


def _map(node: etree._Element) -> str:
    entries = (f"{entry.get('key', '')!r}: {_content(entry)}" for entry in node.findall(camunda("entry")))
    return f"{{{', '.join(entries)}}}"


def _list(node: etree._Element) -> str:
    items = (_script(item) if local(item) == "script" else _content(item) for item in node)
    return f"[{', '.join(items)}]"


def _script(node: etree._Element) -> str:
    """A script inside a mapping is one Python expression."""
    language = node.get("scriptFormat", "python").lower()
    if language not in ("python", "juel"):
        raise Untranslatable(f"Expected a script in Python, but its scriptFormat is {language!r}.")
    if node.get("resource"):
        raise Untranslatable("Expected the script inside the diagram, but it names a resource.")
    return expression(node.text or "")


_CONTENTS = {"map": _map, "list": _list, "script": _script}
