"""What diagrams of other tools say, in our own terms: camunda: attributes and ${...} expressions -> Python source.

Plain text in a standard place (a condition, a script) is Python already. Inside ${...} or #{...} stands JUEL, the
expression language of Camunda 7, of which we translate what has one plain meaning. A camunda: attribute is literal text
but for its ${...}.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from lxml import etree

from engine.bpmn import juel, schedule
from engine.bpmn.juel import Untranslatable
from engine.bpmn.nodes import bpmn, camunda, local

MAX_CHARACTERS = 10_000
"""Of one expression or attribute."""
MAX_RESOURCES = 500
"""Of one file, looked through for the groups that roles refer to."""

# ---- texts -> Python source ----------------------------------------------------------------------------------------


def expression(text: str) -> str:
    """The source of a condition or of another standard expression. Raises Untranslatable."""
    parts = _parts(text)
    if parts and parts[0].text.startswith("="):
        message = "Expected Python or ${...}, but a text that begins with = is FEEL. Write it without: amount > 100."
        raise Untranslatable(message, parts[0].start)
    if any(part.is_expression for part in parts):
        if len(parts) > 1:
            raise Untranslatable("Expected one ${...} around the whole expression, but there is more.", parts[1].start)
        return juel.python(parts[0].text, parts[0].start)
    source = text.strip()
    return f"(\n{source}\n)" if "\n" in source else source


def value(text: str) -> str:
    """The source of an attribute's value: literal, ${...}, or both mixed into a text. Raises Untranslatable."""
    parts = _parts(text)
    if not any(part.is_expression for part in parts):
        return repr(text.strip())
    if len(parts) == 1:
        return juel.python(parts[0].text, parts[0].start)
    return " + ".join(
        f"str({juel.python(part.text, part.start)})" if part.is_expression else repr(part.text) for part in parts
    )


def values(text: str) -> tuple[str, ...]:
    """The sources of a list with commas; a ${...} may give one value or a list. Raises Untranslatable."""
    return tuple(value(item.text.strip()) for item in _items(text))


def time(kind: schedule.TimerKind, text: str) -> str:
    """The source of a timer's text: ISO 8601 as written, ${...}, or Python that gives either. Raises Untranslatable."""
    if is_mixed(text):
        return value(text)
    try:
        schedule.validate(kind, text)
    except ValueError:
        return expression(text)
    return repr(text.strip())


def path(text: str) -> tuple[str, ...]:
    """What an assignment sets: a name, and the keys that lead to a field in it. Raises Untranslatable."""
    try:
        found = ast.parse(expression(text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        raise Untranslatable(_NO_PATH.format(text[:50])) from cause
    keys: list[str] = []
    while not isinstance(found, ast.Name):
        key, found = _field(found)
        if key is None or len(keys) == MAX_PATH:
            raise Untranslatable(_NO_PATH.format(text[:50]))
        keys.append(key)
    return (found.id, *reversed(keys))


MAX_PATH = 50
"""Keys of one path."""
_NO_PATH = 'Expected a name, or a field in it such as order.total or order["total"], but it is "{}".'


def _field(node: ast.expr) -> tuple[str | None, ast.expr]:
    """The last key of a path, and what it is a field of."""
    if isinstance(node, ast.Attribute):
        return node.attr, node.value
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value, node.value
    return None, node


def is_juel(text: str) -> bool:
    """Whether an expression is not Python already."""
    return text.lstrip().startswith(("${", "#{"))


def is_mixed(text: str) -> bool:
    """Whether there is a ${...} in a text."""
    return _OPENING.search(text) is not None


def name_or_expression(text: str) -> str:
    """The source of camunda:collection: the name of a variable, or ${...}. Raises Untranslatable."""
    text = text.strip()
    if not text.startswith(("${", "#{")) and not _is_name(text):
        raise Untranslatable(f"Expected the name of a variable or ${{...}}, but it is {text!r}.")
    return expression(text)


def whole_number(text: str) -> str:
    """The source of a number: digits or ${...}. Raises Untranslatable."""
    if "{" in text:
        return value(text.strip())
    try:
        return str(int(text))
    except ValueError as cause:
        raise Untranslatable(f"Expected a whole number or ${{...}}, but it is {text!r}.") from cause


def literals(text: str) -> tuple[str, ...]:
    """A list with commas, known at upload. Raises Untranslatable for ${...}."""
    return tuple(item.strip() for item in literal(text).split(",") if item.strip())


def literal(text: str) -> str:
    """A text that must be known at upload. Raises Untranslatable for ${...}."""
    for part in _parts(text):
        if part.is_expression:
            raise Untranslatable("Expected plain text, but it has an expression.", part.start)
    return text.strip()


class _Part(NamedTuple):
    """A stretch of a text: literal, or what stands inside ${...}; start counts in the whole text."""

    text: str
    start: int
    is_expression: bool


def _parts(text: str) -> list[_Part]:
    """The stretches of a text, without the spaces around it."""
    if len(text) > MAX_CHARACTERS:
        raise Untranslatable(f"Expected at most {MAX_CHARACTERS:,} characters, but here are {len(text):,}.")
    start = len(text) - len(text.lstrip())
    text = text.rstrip()
    parts: list[_Part] = []
    while start < len(text):
        opening = _OPENING.search(text, start)
        literal_end = opening.start() if opening else len(text)
        if literal_end > start:
            parts.append(_Part(text[start:literal_end], start, False))
        start = _closing(text, opening) if opening else len(text)
        if opening:
            parts.append(_Part(text[opening.end() : start - 1], opening.end(), True))
    return parts


def _closing(text: str, opening: re.Match[str]) -> int:
    """The index after the brace that closes ${; braces inside quotes do not count."""
    body = _BODY.match(text, opening.end())
    assert body is not None  # it matches the empty text too
    if not text.startswith("}", body.end()):
        raise Untranslatable(f"Expected a }} that closes {opening.group()}, but there is none.", opening.start())
    return body.end() + 1


_OPENING = re.compile(r"[$#]\{")
_BODY = re.compile(r"""(?:[^}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*""", re.DOTALL)


def _items(text: str) -> Iterator[_Part]:
    """The stretches between commas that stand outside ${...}."""
    start, item = 0, ""
    for part in _parts(text):
        if part.is_expression:
            item += f"${{{part.text}}}"
            continue
        *ended, last = part.text.split(",")
        for piece in ended:
            yield from _item(item + piece, start)
            item, start = "", part.start
        item += last
    yield from _item(item, start)


def _item(text: str, start: int) -> Iterator[_Part]:
    if text.strip():
        yield _Part(text, start, False)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


# ---- attributes -> terms -------------------------------------------------------------------------------------------


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
    return Terms(**found, **_extensions(node))  # type: ignore[arg-type]


def attributes(node: etree._Element) -> Iterator[tuple[str, str, str, Reader]]:
    """The camunda: attributes with a meaning: full name, text, field of Terms, reader; empty ones say nothing."""
    for word, (name, read) in ATTRIBUTES.items():
        text = node.get(camunda(word))
        if text is not None and text.strip():
            yield camunda(word), text, name, read


def script(text: str) -> str:
    """A script without the indentation that the XML around it brought along."""
    dedented = textwrap.dedent(text).strip()
    try:
        ast.parse(dedented)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return inspect.cleandoc(text)  # the first line stands right behind <script>
    return dedented


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
    for item in _items(text):
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


def _extensions(node: etree._Element) -> dict[str, object]:
    holder = node.find(bpmn("extensionElements"))
    if holder is None:
        return {}
    mapping = f"{camunda('inputOutput')}/"
    return {
        "form_data": holder.find(camunda("formData")),
        "inputs": tuple(mapped(each) for each in holder.findall(mapping + camunda("inputParameter"))),
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
