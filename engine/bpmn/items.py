"""What holds data in a diagram, and who sees it: data objects, properties, data inputs and outputs, data stores.

Source: BPMN 2.0.2, 10.4.1 Data Modeling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.bpmn import names
from engine.bpmn.nodes import Node, bpmn, child_text, is_bpmn, is_true, item_name, local, name_of

INPUT, OUTPUT = "dataInputAssociation", "dataOutputAssociation"
ASSOCIATIONS = frozenset({INPUT, OUTPUT})
_REFERENCES = {"dataObjectReference": "dataObjectRef", "dataStoreReference": "dataStoreRef"}
_LOOP_ITEMS = frozenset({"inputDataItem", "outputDataItem"})
HOLDING = frozenset({"dataObject", "property", "dataInput", "dataOutput", "dataStore"}) | _LOOP_ITEMS
PLACEHOLDER = "__targetRef_placeholder"
"""The name of the property that bpmn.io draws a data input association to: it stands for the activity itself."""


def variable(item: Node) -> str:
    """Under which name expressions read it."""
    if local(item) in _LOOP_ITEMS:
        return item_name(item)
    name = name_of(item)
    return name if names.is_variable(name) else item.get("id", "")


def store_name(store: Node) -> str:
    """Under which name a data store is kept, for every diagram that has one of that name."""
    return name_of(store) or store.get("id", "")


def capacity(store: Node) -> int | None:
    """How many entries a data store may hold; None: any number. Source: 10.4.1, Data Store."""
    text = store.get("capacity", "").strip()
    bounded = text.isdecimal() and text.isascii() and len(text) < 10 and not is_true(store, "isUnlimited", "true")
    return int(text) if bounded else None


@dataclass(frozen=True, slots=True)
class Items:
    """The item-aware elements of one file, by id."""

    by_id: dict[str, Node]

    @classmethod
    def of(cls, root: Node) -> Items:
        found: dict[str, Node] = {}
        for node in root.iter():
            if is_bpmn(node) and local(node) in HOLDING | _REFERENCES.keys():
                found.setdefault(node.get("id", ""), node)
        return cls(found)

    def named(self, reference: str) -> Node | None:
        """The element of that id, which may be a reference itself."""
        return self.by_id.get(reference.strip().rpartition(":")[2]) if reference.strip() else None

    def get(self, reference: str) -> Node | None:
        """What holds the value; None: the id leads nowhere, or to what is only drawn."""
        found = self.named(reference)
        if found is not None and local(found) in _REFERENCES:
            found = self.named(found.get(_REFERENCES[local(found)], ""))
        is_held = found is not None and local(found) in HOLDING and found.get("name") != PLACEHOLDER
        return found if is_held else None

    def name(self, reference: str) -> str:
        """The variable that an id stands for; an id of nothing that holds data is the variable's name itself."""
        found = self.get(reference)
        return reference if found is None else variable(found)


# ---- who has it ----------------------------------------------------------------------------------------------------


def holder(item: Node) -> Node | None:
    """The process, activity or event that has it; None: a data store, which everybody has."""
    if local(item) == "dataStore":
        return None
    parent = item.getparent()
    inside_of = "ioSpecification", "multiInstanceLoopCharacteristics"
    return parent.getparent() if parent is not None and local(parent) in inside_of else parent


def owned(node: Node) -> Iterator[Node]:
    """What a process, activity or event has itself, but for the items of its loop."""
    for child in node:
        if is_bpmn(child) and local(child) in HOLDING and child.get("name") != PLACEHOLDER:
            yield child
    specification = node.find(bpmn("ioSpecification"))
    if specification is not None:
        yield from (child for child in specification if is_bpmn(child) and local(child) in HOLDING)


# ---- associations --------------------------------------------------------------------------------------------------


def associations(node: Node, tag: str) -> Iterator[Node]:
    return node.iterchildren(bpmn(tag))


def sources(association: Node) -> list[str]:
    return [(child.text or "").strip() for child in association.iterchildren(bpmn("sourceRef"))]


def target(association: Node) -> str:
    return child_text(association, "targetRef")


def is_computing(association: Node) -> bool:
    return any(association.find(bpmn(tag)) is not None for tag in ("transformation", "assignment"))


def is_drawing(association: Node, items: Items) -> bool:
    """Whether it only shows who reads or writes what: it computes nothing, and an end leads nowhere.

    Tools that draw no ioSpecification lead one end to the activity itself, to a placeholder, or to nothing.
    """
    if is_computing(association):
        return False
    outer, inner = [target(association)], sources(association)
    if local(association) == INPUT:
        outer, inner = inner, outer
    if not any(items.get(reference) is not None for reference in inner):
        return True
    return any(items.named(reference) is not None and items.get(reference) is None for reference in outer)


def loop_reference(activity: Node, tag: str) -> str:
    """The id that loopDataInputRef or loopDataOutputRef names."""
    loop = activity.find(bpmn("multiInstanceLoopCharacteristics"))
    return "" if loop is None else child_text(loop, tag)


def of_loop(activity: Node, items: Items, *, outward: bool) -> list[Node]:
    """The associations of a multi-instance activity as a whole: those of the collection, not of each instance."""
    reference = loop_reference(activity, "loopDataOutputRef" if outward else "loopDataInputRef")
    collection = items.get(reference)
    if collection is None or holder(collection) is not activity:
        return []
    return [each for each in executed(activity, items, outward=outward) if collection in inner_ends(each, items)]


def executed(node: Node, items: Items, *, outward: bool) -> list[Node]:
    """The associations of an activity or event that are more than drawn."""
    tag = OUTPUT if outward else INPUT
    return [each for each in associations(node, tag) if not is_drawing(each, items)]


def inner_ends(association: Node, items: Items) -> list[Node | None]:
    """The ends at the activity."""
    if local(association) == INPUT:
        return [items.get(target(association))]
    return [items.get(source) for source in sources(association)]
