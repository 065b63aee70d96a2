"""What the rules look at: a document's scopes, flows and ids, found once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from engine.bpmn import dialects, items, nodes
from engine.bpmn.document import Document
from engine.bpmn.items import Items
from engine.bpmn.nodes import Node, bpmn, event_definitions, is_bpmn, is_true, local
from engine.bpmn.translation import Untranslatable
from engine.model.problems import Place

SUB_PROCESSES, ACTIVITIES, SERVICES = nodes.SUB_PROCESSES, nodes.ACTIVITIES, nodes.SERVICES
GATEWAYS = frozenset({"exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "complexGateway"})
EVENTS = frozenset(
    {
        "startEvent",
        "endEvent",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "implicitThrowEvent",
        "boundaryEvent",
    }
)
EVENT_DEFINITIONS = frozenset(
    f"{trigger}EventDefinition"
    for trigger in (
        "cancel",
        "compensate",
        "conditional",
        "error",
        "escalation",
        "link",
        "message",
        "signal",
        "terminate",
        "timer",
    )
)
CHOREOGRAPHY = frozenset({"choreographyTask", "subChoreography", "callChoreography"})
FLOW_NODES = ACTIVITIES | GATEWAYS | EVENTS | CHOREOGRAPHY


_SEEN = FLOW_NODES | {
    "association",
    "collaboration",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "definitions",
    "lane",
    "messageFlow",
    "participant",
    "process",
    "sequenceFlow",
    "textAnnotation",
}


def owner(node: Node) -> Node:
    """What people see in the diagram, or the whole file shares: the node itself, or what it is a part of."""
    return next((each for each in (node, *node.iterancestors()) if local(each) in _SEEN or _is_shared(each)), node)


def _is_shared(node: Node) -> bool:
    parent = node.getparent()
    return parent is not None and parent.getparent() is None


def a(word: str) -> str:
    """The word behind its article."""
    return f"an {word}" if word[:1] in "aeiou" and not word.startswith("user") else f"a {word}"


def children(node: Node) -> list[Node]:
    """The BPMN elements right below."""
    return [child for child in node if is_bpmn(child)]


@dataclass(frozen=True)
class Scope:
    """The inside of a process or sub-process: its nodes and the flows written in it, as far as they hold together."""

    holder: Node
    nodes: tuple[Node, ...]
    flows: tuple[Node, ...]
    """Only those that join two nodes of this scope."""

    @cached_property
    def by_id(self) -> dict[str, Node]:
        return {node.get("id", ""): node for node in self.nodes}

    @cached_property
    def _outgoing(self) -> dict[str, list[Node]]:
        return _grouped(self.flows, "sourceRef")

    @cached_property
    def _incoming(self) -> dict[str, list[Node]]:
        return _grouped(self.flows, "targetRef")

    def outgoing(self, node: Node) -> list[Node]:
        return self._outgoing.get(node.get("id", ""), [])

    def incoming(self, node: Node) -> list[Node]:
        return self._incoming.get(node.get("id", ""), [])

    def source(self, flow: Node) -> Node:
        return self.by_id[flow.get("sourceRef", "")]

    def target(self, flow: Node) -> Node:
        return self.by_id[flow.get("targetRef", "")]

    def of(self, *tags: str) -> list[Node]:
        return [node for node in self.nodes if local(node) in tags]

    @cached_property
    def starts(self) -> list[Node]:
        return self.of("startEvent")

    @cached_property
    def boundary(self) -> dict[str, list[Node]]:
        """Boundary events by the id of their activity."""
        return _grouped(self.of("boundaryEvent"), "attachedToRef")


def _grouped(nodes: Iterable[Node], attribute: str) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.get(attribute, ""), []).append(node)
    return found


class Text(NamedTuple):
    """A text in Python that holds together, for the sandbox's parser to look at."""

    node: Node
    rule: str
    source: str
    place: Callable[[int], Place]
    """Where a character of the source stands in the file."""


@dataclass(frozen=True)
class Diagram:
    """One document and what the rules ask about it again and again."""

    document: Document
    texts: list[Text] = field(default_factory=list, repr=False)
    """Gathered by the rules about expressions."""
    lost: set[str] = field(default_factory=set, repr=False)
    """Ids of which the rules about references know that no element has them."""
    _terms: dict[Node, dialects.Terms] = field(default_factory=dict, repr=False)
    _scopes: dict[Node, Scope] = field(default_factory=dict, repr=False)
    _data_names: dict[Node, frozenset[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """BPMN elements by id, the first where several share one."""
        found: dict[str, Node] = {}
        for node in self.elements:
            if node.get("id"):
                found.setdefault(node.get("id", ""), node)
        return found

    @cached_property
    def items(self) -> Items:
        """What holds data."""
        return Items.of(self.document.root)

    @cached_property
    def elements(self) -> list[Node]:
        """Every BPMN element of the file, without what stands in extensions."""
        return list(_walk(self.document.root))

    @cached_property
    def processes(self) -> list[Node]:
        return self.document.root.findall(bpmn("process"))

    @cached_property
    def executable(self) -> list[Node]:
        """The processes to run. Where none is marked but only one has content, that one: it is meant to be."""
        marked = [process for process in self.processes if is_true(process, "isExecutable")]
        drawn = [process for process in self.processes if any(local(each) in FLOW_NODES for each in children(process))]
        return marked or (drawn if len(drawn) == 1 else [])

    @cached_property
    def running(self) -> list[Node]:
        """Every BPMN element of the executable processes, themselves included."""
        return [node for process in self.executable for node in _walk(process)]

    @cached_property
    def scopes(self) -> list[Scope]:
        """The scopes of the executable processes, outer ones first."""
        return [self.scope(node) for node in self.running if local(node) in SUB_PROCESSES | {"process"}]

    def scope(self, holder: Node) -> Scope:
        if holder not in self._scopes:
            self._scopes[holder] = _scope(holder)
        return self._scopes[holder]

    def data_names(self, holder: Node) -> frozenset[str]:
        """The names of the data that a process, activity or event has itself."""
        if holder not in self._data_names:
            self._data_names[holder] = frozenset(map(items.variable, items.owned(holder)))
        return self._data_names[holder]

    def terms(self, node: Node) -> dialects.Terms:
        """What an element says in the words of other tools; nothing where that cannot be read."""
        if node not in self._terms:
            try:
                self._terms[node] = dialects.terms(node)
            except Untranslatable:
                self._terms[node] = dialects.Terms()
        return self._terms[node]

    def referred(self, reference: str, *tags: str) -> Node | None:
        """The element that a reference names, when it is of such a kind."""
        found = self.by_id.get(reference.strip().rpartition(":")[2])
        return found if found is not None and (not tags or local(found) in tags) else None

    def definitions_of(self, event: Node) -> list[Node]:
        """The event definitions of an event: written in it, or shared and referred to."""
        references = (child.text or "" for child in event.findall(bpmn("eventDefinitionRef")))
        shared = [found for found in map(self.referred, references) if found is not None]
        return [*event_definitions(event), *shared]


class Drawn(Diagram):
    """The same document, but with the processes that are not to run in the place of those that are."""

    @cached_property
    def executable(self) -> list[Node]:
        running = set(Diagram(self.document).executable)
        return [process for process in self.processes if process not in running]


def _walk(node: Node) -> Iterator[Node]:
    todo = [node]
    while todo:
        found = todo.pop()
        yield found
        todo += [child for child in reversed(children(found)) if local(child) != "extensionElements"]


def _scope(holder: Node) -> Scope:
    nodes = tuple(child for child in children(holder) if local(child) in FLOW_NODES)
    ids = {node.get("id") for node in nodes}
    flows = holder.findall(bpmn("sequenceFlow"))
    whole = (flow for flow in flows if flow.get("sourceRef") in ids and flow.get("targetRef") in ids)
    return Scope(holder, nodes, tuple(whole))
