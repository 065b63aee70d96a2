"""What diagrams of other tools say, in our own terms: attributes, extension elements and resource roles.

Each tool has one table of its words (camunda7.py, camunda8.py, spiffworkflow.py). What runs, what the checks refuse and
what the import report tells come from these tables alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.bpmn.dialects import mappings, roles
from engine.bpmn.dialects.camunda7 import CAMUNDA_7
from engine.bpmn.dialects.camunda8 import CAMUNDA_8
from engine.bpmn.dialects.spiffworkflow import SPIFFWORKFLOW
from engine.bpmn.dialects.words import GIVING_SOURCES, Dialect, Effect, Reader, Word
from engine.bpmn.forms.files import DEPLOYED
from engine.bpmn.nodes import SPIFF, TOPIC, ZEEBE, bpmn, camunda, local

__all__ = ["DIALECTS", "GIVING_SOURCES", "Dialect", "Effect", "Reader", "Said", "Terms", "Word", "said", "terms"]

DIALECTS: Mapping[str, Dialect] = {dialect.namespace: dialect for dialect in (CAMUNDA_7, CAMUNDA_8, SPIFFWORKFLOW)}


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
    effect: str | None = None
    """Of a task that only evaluates: what is set where, or what comes back."""
    error_message: str | None = None
    """Of an error: the text that is thrown with it."""
    called_version: str | None = None
    called_tag: str | None = None
    called: str | None = None
    """The process that a call activity calls, where the standard's attribute does not say it."""
    collection: str | None = None
    output_item: str | None = None
    correlation_key: str | None = None
    """Of a message: tells which instance it is for."""
    inputs: tuple[mappings.Mapped, ...] = ()
    outputs: tuple[mappings.Mapped, ...] = ()

    form_key: str | None = None
    """As written, like the rest: formKey, or the id that formRef gives."""
    topic: str | None = None
    element_variable: str | None = None
    version_tag: str | None = None
    initiator: str | None = None
    result_variable: str | None = None
    code_variable: str | None = None
    """For the code of the error or escalation that is caught."""
    message_variable: str | None = None
    called_binding: str | None = None
    takes_all: str | None = None
    """Of a call activity: "true" or "false"."""
    gives_all: str | None = None
    tries: str | None = None
    output_collection: str | None = None
    form_data: etree._Element | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Said:
    """One word of another tool, where it stands."""

    dialect: Dialect
    holder: etree._Element
    """The element that bears it, or the extension element itself."""
    attribute: str
    """Its full name; "": the word is the extension element."""
    word: Word

    @property
    def text(self) -> str:
        return self.holder.get(self.attribute, "") if self.attribute else ""

    @property
    def name(self) -> str:
        """As people know it: camunda:assignee."""
        if etree.QName(self.attribute or self.holder.tag).namespace is None:
            return f"{self.dialect.prefix}:{local(self.holder)} {self.attribute}"
        return f"{self.dialect.prefix}:{(self.attribute or str(self.holder.tag)).rpartition('}')[2]}"


def said(node: etree._Element) -> Iterator[Said]:
    """Every word of another tool that an element bears, in the order of the file."""
    for name in map(str, node.attrib):
        dialect = DIALECTS.get(name[1:].partition("}")[0]) if name.startswith("{") else None
        if dialect is not None:
            yield Said(dialect, node, name, dialect.meaning(dialect.attributes, name.rpartition("}")[2], local(node)))
    for extension in extensions(node):
        dialect = DIALECTS.get(str(extension.tag)[1:].partition("}")[0])
        if dialect is not None:
            word = dialect.meaning(dialect.elements, local(extension), local(node))
            yield Said(dialect, extension, "", word)
            for name in map(str, extension.attrib) if word.attributes else ():
                meanings = {known: (meaning,) for known, meaning in word.attributes.items()}
                yield Said(dialect, extension, name, dialect.meaning(meanings, name, local(node)))


def extensions(node: etree._Element) -> Iterator[etree._Element]:
    """The extension elements of an element."""
    for holder in node.iterchildren(bpmn("extensionElements")):
        yield from (child for child in holder if isinstance(child.tag, str))


def terms(node: etree._Element) -> Terms:
    """What an element says; of a multi-instance activity also what its loop says. Raises Untranslatable."""
    found: dict[str, object] = {}
    loop = node.find(bpmn("multiInstanceLoopCharacteristics"))
    for source in [node] if loop is None else [node, loop]:
        found |= {each.word.term: read(each.text) for each, read in readings(source)}
    for name, performer in roles.found(node):
        if name == "assignee":
            found.setdefault(name, performer)
        else:
            found[name] = (*found.get(name, ()), performer)  # type: ignore[misc]
    for name, names in roles.starters(node).items():
        found[name] = (*found.get(name, ()), *names)  # type: ignore[misc]
    found |= _service(node)
    form = dict(properties(node)).get("formJsonSchemaFilename", "")
    if form.strip():
        found["form_key"] = DEPLOYED + form.strip()
    return Terms(**found, **_extensions(node))  # type: ignore[arg-type]


def readings(node: etree._Element) -> Iterator[tuple[Said, Reader]]:
    """The words of an element that are a term, with how to read them; empty ones say nothing."""
    for each in said(node):
        if each.word.read is not None and each.text.strip():
            yield each, each.word.read


# ---- services and roles


def _service(node: etree._Element) -> Mapping[str, object]:
    """The topic that our own attribute names."""
    return {"topic": node.get(TOPIC, "").strip()} if node.get(TOPIC) else {}


def says(node: etree._Element, term: str) -> bool:
    """Whether an element says something, in whichever words."""
    is_ours = term == "topic" and bool(node.get(TOPIC, "").strip())
    return is_ours or any(each.word.term == term for each, _read in readings(node))


# ---- extension elements


_PROPERTIES = (
    (f"{camunda('properties')}/{camunda('property')}", "name"),
    (f"{{{SPIFF}}}properties/{{{SPIFF}}}property", "name"),
    (f"{{{ZEEBE}}}properties/{{{ZEEBE}}}property", "name"),
    (f"{{{ZEEBE}}}taskHeaders/{{{ZEEBE}}}header", "key"),
)


def properties(node: etree._Element) -> Iterator[tuple[str, str]]:
    """Names and texts that mean something to workers."""
    for path, name in _PROPERTIES:
        for each in node.iterfind(f"{bpmn('extensionElements')}/{path}"):
            yield each.get(name, ""), each.get("value", "")


def instructions(node: etree._Element) -> str:
    """What SpiffArena shows at a task, as it is written."""
    return (node.findtext(f"{bpmn('extensionElements')}/{{{SPIFF}}}instructionsForEndUser") or "").strip()


def _extensions(node: etree._Element) -> dict[str, object]:
    holder = node.find(bpmn("extensionElements"))
    if holder is None:
        return {}
    return {
        "form_data": forms_of(holder),
        "inputs": tuple(mappings.inputs(holder)),
        "outputs": tuple(mappings.outputs(holder)),
    }


def forms_of(holder: etree._Element) -> etree._Element | None:
    """camunda:formData; or the extensions themselves where camunda:formProperty stands in them."""
    data = holder.find(camunda("formData"))
    return holder if data is None and holder.find(camunda("formProperty")) is not None else data
