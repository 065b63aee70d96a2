"""What BPMN's own XML schema says: elements, attributes and values that it does not know, in an analyst's words.

Other tools write files that break it and mean something all the same, so most of it is a warning. It is an error where
a word is misspelt that would have counted in a process to run.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice
from typing import NamedTuple

from lxml import etree

from engine.bpmn.check.diagram import Diagram, owner
from engine.bpmn.nodes import Node, is_bpmn, local
from engine.model.problems import Problem, Severity

MOST = 100
"""Problems of one file that are told."""
_SCHEMAS = files("SpiffWorkflow") / "bpmn" / "parser" / "schema"
_XSD = "{http://www.w3.org/2001/XMLSchema}"


class Fault(NamedTuple):
    """What the schema's validator says, taken apart."""

    rule: str
    message: str
    fix: str = ""
    attribute: str = ""
    """Where the fault is in one."""
    is_overlooked: bool = False
    """Whether something that was meant would be passed over."""


def check(diagram: Diagram, found: Iterable[Problem]) -> Iterator[Problem]:
    """found: what other rules have told; an element that they speak of is not told of again."""
    places = {problem.place for problem in found}
    ids = {problem.element_id for problem in found if problem.element_id}
    running, root = set(diagram.running), diagram.document.root
    errors = _errors(root)
    prefixes = _prefixes(root) if errors else {}
    for error in errors:
        node = _node(root, error.path or "", prefixes)
        fault = None if node is None else _fault(node, error.message)
        if node is None or fault is None:
            continue
        drawn = owner(node)
        place = diagram.document.attribute_place(node, fault.attribute) if fault.attribute else None
        place = place or diagram.document.place(node)
        if places & {place, diagram.document.place(node)} or ids & {node.get("id"), drawn.get("id")}:
            continue
        is_error = fault.is_overlooked and (node in running or node.getparent() in running)
        severity = Severity.ERROR if is_error else Severity.WARNING
        yield diagram.document.problem(fault.rule, drawn, fault.message, fault.fix, place=place, severity=severity)


def _errors(root: Node) -> list[etree._LogEntry]:
    schema = _schema(threading.get_ident())
    schema.validate(root)
    return [*islice(schema.error_log, MOST)]  # type: ignore[call-overload]


@lru_cache(maxsize=64)
def _schema(_thread: int) -> etree.XMLSchema:
    """One for each thread, from a tree of its own: until it looks at the next file, it keeps what it has found."""
    with _COMPILING:
        return etree.XMLSchema(etree.parse(str(_SCHEMAS / "BPMN20.xsd")))


_COMPILING = threading.Lock()


@cache
def _tree(file: str) -> etree._ElementTree:
    return etree.parse(str(_SCHEMAS / file))


@cache
def _names(kind: str) -> tuple[str, ...]:
    """Every element or attribute that BPMN knows."""
    trees = map(_tree, ("BPMN20.xsd", "Semantic.xsd", "BPMNDI.xsd", "DI.xsd", "DC.xsd"))
    return tuple(sorted({node.get("name", "") for tree in trees for node in tree.iter(f"{_XSD}{kind}")} - {""}))


def is_element(name: str) -> bool:
    """Whether BPMN has an element of this name, without its prefix."""
    return name in _names("element")


def near_element(name: str) -> str:
    """A question after the element that may be meant; "" when none is near."""
    return _near(name, _names("element"))


def is_attribute(name: str) -> bool:
    """Whether some element of BPMN has an attribute of this name."""
    return name in _names("attribute")


def near_attribute(name: str) -> str:
    """A question after the attribute that may be meant; "" when none is near."""
    return _near(name, _names("attribute"))


def _prefixes(root: Node) -> dict[str, str]:
    return {prefix: name for node in root.iter(etree.Element) for prefix, name in node.nsmap.items() if prefix}


def _node(root: Node, path: str, prefixes: Mapping[str, str]) -> Node | None:
    """The element that the validator speaks of; None where its path cannot be followed."""
    try:
        found = root.xpath(path, namespaces=dict(prefixes))
    except etree.XPathError:
        return None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


# ---- what the validator says ---------------------------------------------------------------------------------------


def _fault(node: Node, message: str) -> Fault | None:
    """None for what other rules tell better."""
    for pattern, read in _READERS:
        match = pattern.search(message)
        if match:
            return read(node, *match.groups())
    return None


def _unexpected(node: Node, expected: str | None) -> Fault | None:
    parent, called = node.getparent(), local(node)
    if not is_bpmn(node) or parent is None:
        return None  # told by the rule about foreign elements
    if not is_element(called):
        near = near_element(called)
        message = f"Expected an element of BPMN, but {called} is none."
        return Fault("schema-element", message, near or "Delete it, or put it into extensionElements.", "", bool(near))
    names = [re.sub(r"\{.*\}", "", name.strip()) for name in (expected or "").split(",") if name.strip()]
    some = f" Here may come: {', '.join(names)}." if names else ""
    message = f"Expected no {called} at this place of the {local(parent)}."
    return Fault("schema-element", message, f"Move it, or draw it again in the modeler.{some}")


def _lacking(node: Node, expected: str) -> Fault | None:
    names = [re.sub(r"\{.*\}", "", name.strip()) for name in expected.split(",")]
    wanted = [name for name in names if name not in _OPTIONAL]
    message = f"Expected more inside the {local(node)}: {' or '.join(wanted or names)}."
    return Fault("schema-element", message, "Draw it again in the modeler.")


_OPTIONAL = frozenset({"documentation", "extensionElements", "extension", "auditing", "monitoring", "categoryValueRef"})


def _unknown_attribute(node: Node, name: str) -> Fault | None:
    if name.startswith("{"):
        return None  # told by the rule about extensions, where it means anything
    near = "" if name in _names("attribute") else _near(name, _names("attribute"))
    message = f"Expected no attribute {name} at {local(node)}: BPMN does not know it there."
    return Fault(
        "schema-attribute", message, near or "Delete it.", name, bool(near) and name not in _names("attribute")
    )


def _missing_attribute(node: Node, name: str) -> Fault | None:
    return Fault("schema-attribute", f"Expected an attribute {name}, but there is none.", "Write it.")


def _not_one_of(node: Node, name: str, value: str, values: str) -> Fault | None:
    known = re.findall(r"'([^']*)'", values)
    near = _near(value, known) or f"Write one of: {', '.join(known)}."
    return Fault("schema-value", f'Expected one of {", ".join(known)} as {name}, but it is "{value:.50}".', near, name)


_KINDS = {
    "boolean": "true or false",
    "NCName": "a name without spaces and colons that begins with a letter",
    "QName": "the id of an element",
    "double": "a number",
    "int": "a whole number",
    "integer": "a whole number",
    "anyURI": "an address (URI)",
}


def _of_wrong_type(node: Node, name: str, value: str, kind: str) -> Fault | None:
    if kind in ("ID", "IDREF", "QName") or "${" in value:
        return (
            None  # laxer tools begin ids with digits; what an id must be, and that it is no other's, has its own rules
        )
    wanted = _KINDS.get(kind, f"a value of type {kind}")
    is_misread = kind == "boolean" and value.strip().lower() == "true"
    return Fault("schema-value", f'Expected {wanted} as {name}, but it is "{value:.50}".', "", name, is_misread)


def _text_of_wrong_type(node: Node, value: str, kind: str) -> Fault | None:
    if kind == "QName":
        return None  # laxer tools begin ids with digits; whether an element has this one is told by another rule
    wanted = _KINDS.get(kind, f"a value of type {kind}")
    return Fault("schema-value", f'Expected {wanted} in the {local(node)}, but it is "{value.strip():.50}".')


def _text(node: Node) -> Fault | None:
    return Fault("schema-value", f"Expected no text in the {local(node)}, only elements.", "Delete the text.")


_READERS: tuple[tuple[re.Pattern[str], Callable[..., Fault | None]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), read)
    for pattern, read in (
        (r"This element is not expected\.(?: Expected is (?:one of )?\( (.*) \))?", _unexpected),
        (r"Missing child element\(s\)\. Expected is (?:one of )?\( (.*) \)", _lacking),
        (r"The attribute '(.*)' is not allowed", _unknown_attribute),
        (r"The attribute '(.*)' is required but missing", _missing_attribute),
        (
            r"attribute '(.*)': \[facet 'enumeration'\] The value '(.*)' is not an element of the set \{(.*)\}",
            _not_one_of,
        ),
        (r"attribute '(.*)': '(.*)' is not a valid value of the .* type '(?:\w+:)?(\w+)'", _of_wrong_type),
        (r"^Element '[^']*': '(.*)' is not a valid value of the .* type '(?:\w+:)?(\w+)'", _text_of_wrong_type),
        (r"Character content other than whitespace is not allowed", _text),
    )
)


def _near(name: str, known: Collection[str]) -> str:
    by_small = {each.lower(): each for each in reversed(sorted(known))}
    near = get_close_matches(name.lower()[:60], list(by_small), n=1, cutoff=0.8)
    return f'Did you mean "{by_small[near[0]]}"?' if near else ""
