"""Document -> Process: the specification that every instance of one version shares. Nothing changes it at run time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from engine.bpmn import dialects, forms, schedule
from engine.bpmn.dialects import Terms
from engine.bpmn.elements import activities, events, gateways, loops
from engine.bpmn.elements.flow_node import Assignment, Element, Flow, FlowNode
from engine.bpmn.read import Document, bpmn, local
from engine.bpmn.script import names
from engine.bpmn.workflow import ProcessSpec
from engine.model import Form

Node = etree._Element


@dataclass(frozen=True, slots=True)
class StartPoint:
    """A start event that waits for something: a timer, message or signal of the whole definition."""

    element: Element
    definition: events.Definition


@dataclass(frozen=True, slots=True)
class FormSource:
    """Where a form comes from: a key wins over form data, and that over what is made from nothing."""

    key: str | None = None
    data: Form | None = None
    choices: tuple[forms.Choice, ...] = ()
    names: tuple[str, ...] = ()
    choice_variable: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether somebody made the form; otherwise it is made from nothing."""
        return self.key is not None or self.data is not None


@dataclass(frozen=True, slots=True)
class Process:
    """One executable process as drawn, ready to run."""

    key: str
    name: str
    documentation: str
    specs: Mapping[str, ProcessSpec]
    """The process's own specification under its key, and that of each sub-process."""
    elements: Mapping[str, Element]
    starts: tuple[StartPoint, ...]
    forms: Mapping[str, FormSource]
    """By id of the user task; the start form under the id of the plain start event."""
    start_event: str | None
    initiators: Mapping[str, str]
    """Start event -> the variable that shall hold who started."""
    starter_users: tuple[str, ...]
    starter_groups: tuple[str, ...]

    @property
    def start_nodes(self) -> list[str]:
        """Where a token is placed when a person starts it; empty: it starts by itself only."""
        return self.specs[self.key].start_nodes


def processes(document: Document) -> list[Process]:
    """Every executable process of a document that the checks have passed."""
    return [
        _Builder(document, node).build()
        for node in document.root.iterfind(bpmn("process"))
        if node.get("isExecutable") == "true"
    ]


# ---- small readings ------------------------------------------------------------------------------------------------


def _raw(node: Node, tag: str) -> str:
    child = node.find(bpmn(tag))
    return "" if child is None else "".join(map(str, child.itertext()))


def _text(node: Node, tag: str) -> str:
    return _raw(node, tag).strip()


def _source(node: Node, tag: str) -> str | None:
    """A child's text as Python source; None when there is none."""
    text = _text(node, tag)
    return dialects.expression(text) if text else None


def _name(node: Node) -> str:
    return " ".join((node.get("name") or "").split())


def _is_true(node: Node, attribute: str, default: str) -> bool:
    return (node.get(attribute) or default) == "true"


def _by_id(document: Document, tag: str) -> dict[str, Node]:
    return {node.get("id", ""): node for node in document.root.iterfind(bpmn(tag))}


def literal(source: str) -> str:
    """The text of a source that is a plain string; the source itself otherwise."""
    match = re.fullmatch(r"'([^'\\]*)'", source)
    return match.group(1) if match else source


# ---- building ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Builder:
    document: Document
    process: Node
    specs: dict[str, ProcessSpec] = field(default_factory=dict)
    elements: dict[str, Element] = field(default_factory=dict)
    forms: dict[str, FormSource] = field(default_factory=dict)
    starts: list[StartPoint] = field(default_factory=list)
    lanes: dict[str, str] = field(default_factory=dict)
    initiators: dict[str, str] = field(default_factory=dict)

    def build(self) -> Process:
        key = self.process.get("id", "")
        self.lanes = dict(_lanes(self.process))
        spec = self.container(self.process, key)
        terms = dialects.terms(self.process)
        start = next(iter(spec.start_nodes), None)
        return Process(
            key=key,
            name=_name(self.process) or key,
            documentation=_text(self.process, "documentation"),
            specs=self.specs,
            elements=self.elements,
            starts=tuple(self.starts),
            forms=self.forms,
            start_event=start if start in self.elements and self.elements[start].type == "startEvent" else None,
            initiators=self.initiators,
            starter_users=tuple(map(literal, terms.starter_users)),
            starter_groups=tuple(map(literal, terms.starter_groups)),
        )

    def container(self, node: Node, name: str, lane: str = "") -> ProcessSpec:
        """Build what is inside a process or sub-process."""
        spec = self.specs[name] = ProcessSpec(name)
        nodes = [child for child in node if isinstance(child.tag, str) and local(child) in _BUILD]
        for child in nodes:
            self.flow_node(spec, child, lane)
        _connect_flows(spec, node)
        _connect_boundary_events(spec, nodes)
        _connect_links(spec, nodes)
        _imply_conditions(spec)
        spec.start_nodes = self.start_nodes(spec, nodes, is_process=node is self.process)
        self.derive_forms(spec, nodes)
        return spec

    def start_nodes(self, spec: ProcessSpec, nodes: Iterable[Node], *, is_process: bool) -> list[str]:
        starts = [spec.task_specs[node.get("id")] for node in nodes if local(node) == "startEvent"]
        if not starts:
            return [node.get("id", "") for node in nodes if _begins(spec, node)]
        if is_process:
            waiting = [start for start in starts if not isinstance(start.definition, events.Nothing)]
            self.starts += [StartPoint(start.element, start.definition) for start in waiting]
        return [start.name for start in starts if isinstance(start.definition, events.Nothing)]

    # ---- nodes

    def flow_node(self, spec: ProcessSpec, node: Node, lane: str) -> None:
        terms = dialects.terms(node)
        element = Element(
            id=node.get("id", ""),
            type=local(node),
            name=_name(node),
            documentation=_text(node, "documentation"),
            lane=self.lanes.get(node.get("id", ""), lane),
            inputs=tuple(Assignment(name, source) for name, source in terms.inputs),
            outputs=tuple(Assignment(name, source) for name, source in terms.outputs),
        )
        self.elements[element.id] = element
        if terms.initiator:
            self.initiators[element.id] = terms.initiator
        repeated = _loop(node, terms)
        options = {"name": element.id + loops.EACH} if repeated else {}
        _BUILD[element.type](self, spec, node, element, terms, options)
        if repeated is not None:
            body, told = repeated
            body(spec, element, element.id + loops.EACH, told)

    def definition(self, node: Node) -> events.Definition:
        """What an event is about; a receive task names its message itself."""
        if node.get("messageRef"):
            return self.message(node)
        for child in self.event_definitions(node):
            return _DEFINE[local(child)](self, child, node)
        return events.Nothing()

    def event_definitions(self, node: Node) -> Iterator[Node]:
        yield from (child for child in node if isinstance(child.tag, str) and local(child) in _DEFINE)
        for reference in node.iterfind(bpmn("eventDefinitionRef")):
            wanted = (reference.text or "").strip().rpartition(":")[2]
            yield from (child for child in self.document.root if child.get("id") == wanted)

    def named(self, node: Node, tag: str, attribute: str) -> Node | None:
        reference = (node.get(attribute) or "").rpartition(":")[2]
        return _by_id(self.document, tag).get(reference)

    def message(self, node: Node) -> events.Message:
        found = self.named(node, "message", "messageRef")
        return events.Message(_name(found) or found.get("id", "") if found is not None else "")

    # ---- forms

    def derive_forms(self, spec: ProcessSpec, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if local(node) in ("userTask", "startEvent"):
                self.forms[node.get("id", "")] = _form_source(spec, node)


def _form_source(spec: ProcessSpec, node: Node) -> FormSource:
    terms = dialects.terms(node)
    data = None if terms.form_data is None else forms.from_form_data(terms.form_data)
    task = spec.task_specs[node.get("id")]
    gateway = _following_gateway(spec, task)
    if gateway is None:
        return FormSource(terms.form_key, data)
    choices = tuple(forms.Choice(flow.name, flow.condition, flow.id == gateway.default) for flow in gateway.flows)
    read = [name for flow in gateway.flows if flow.condition for name in sorted(names(flow.condition).read)]
    return FormSource(terms.form_key, data, choices, tuple(dict.fromkeys(read)), choice_variable(gateway))


def _following_gateway(spec: ProcessSpec, task: FlowNode) -> gateways.ExclusiveGateway | None:
    """The exclusive gateway right behind a user task, when it decides between several ways."""
    if task.element.type != "userTask" or len(task.flows) != 1:
        return None
    target = spec.task_specs[task.flows[0].target]
    return target if isinstance(target, gateways.ExclusiveGateway) and len(target.flows) > 1 else None


def choice_variable(gateway: FlowNode) -> str:
    """Where the choice at a gateway without conditions is kept."""
    return re.sub(r"\W", "_", gateway.element.id)


def _imply_conditions(spec: ProcessSpec) -> None:
    """A gateway drawn without conditions, right behind user tasks only: the person's choice decides."""
    for gateway in spec.task_specs.values():
        if isinstance(gateway, gateways.ExclusiveGateway) and _is_drawn_choice(spec, gateway):
            variable = choice_variable(gateway)
            gateway.flows = [
                Flow(flow.id, flow.name, flow.source, flow.target, forms.implied_condition(variable, flow.name))
                for flow in gateway.flows
            ]


def _is_drawn_choice(spec: ProcessSpec, gateway: gateways.ExclusiveGateway) -> bool:
    labels = [flow.name for flow in gateway.flows]
    return (
        len(labels) > 1
        and all(labels)
        and len(set(labels)) == len(labels)
        and all(flow.condition is None for flow in gateway.flows)
        and bool(gateway.incoming)
        and all(spec.task_specs[flow.source].element.type == "userTask" for flow in gateway.incoming)
    )


# ---- connecting ----------------------------------------------------------------------------------------------------


def _connect_flows(spec: ProcessSpec, container: Node) -> None:
    for node in container.iterfind(bpmn("sequenceFlow")):
        condition = _source(node, "conditionExpression")
        flow = Flow(node.get("id", ""), _name(node), node.get("sourceRef", ""), node.get("targetRef", ""), condition)
        spec.task_specs[flow.source].flows.append(flow)
        spec.task_specs[flow.target].incoming.append(flow)
    for node in container:
        if isinstance(node.tag, str) and node.get("default") and node.get("id") in spec.task_specs:
            spec.task_specs[node.get("id")].default = node.get("default")


def _connect_boundary_events(spec: ProcessSpec, nodes: Iterable[Node]) -> None:
    for node in nodes:
        if local(node) == "boundaryEvent":
            spec.task_specs[node.get("attachedToRef")].boundary.append(node.get("id"))


def _connect_links(spec: ProcessSpec, nodes: Iterable[Node]) -> None:
    """A throwing link event goes on at the catching one of the same name. Source: BPMN 2.0.2, 10.5.5."""
    links = [spec.task_specs[node.get("id")] for node in nodes if local(node).startswith("intermediate")]
    caught = {
        event.definition.target: event.name
        for event in links
        if isinstance(event, events.CatchEvent) and isinstance(event.definition, events.Link)
    }
    for event in links:
        if isinstance(event, events.ThrowEvent) and isinstance(event.definition, events.Link):
            event.definition = events.Link(caught[event.definition.target])


def _begins(spec: ProcessSpec, node: Node) -> bool:
    found = spec.task_specs[node.get("id")]
    is_caught = isinstance(found, events.CatchEvent) and isinstance(found.definition, events.Link)
    return not found.incoming and local(node) != "boundaryEvent" and not is_caught


def _lanes(process: Node) -> Iterator[tuple[str, str]]:
    """(node id, lane name), outer lanes before inner ones."""
    for lane in process.iter(bpmn("lane")):
        for reference in lane.iterfind(bpmn("flowNodeRef")):
            yield (reference.text or "").strip(), _name(lane)


# ---- tables: tag -> how it is built --------------------------------------------------------------------------------

Options = dict[str, Any]
Build = Callable[[_Builder, ProcessSpec, Node, Element, Terms, Options], FlowNode]


def _user_task(
    b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options
) -> FlowNode:
    told = activities.Assignment(
        assignee=terms.assignee,
        candidate_users=terms.candidate_users,
        candidate_groups=terms.candidate_groups,
        due=terms.due,
        follow_up=terms.follow_up,
        priority=terms.priority,
    )
    return activities.UserTask(spec, element, told, **options)


def _script_task(
    b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options
) -> FlowNode:
    return activities.ScriptTask(spec, element, dialects.script(_raw(node, "script")), **options)


def _service_task(
    b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options
) -> FlowNode:
    if terms.topic is None:
        return activities.AbstractTask(spec, element, **options)
    return activities.ServiceTask(spec, element, terms.topic, terms.result_variable, **options)


def _abstract_task(
    b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options
) -> FlowNode:
    return activities.AbstractTask(spec, element, **options)


def _subprocess(
    b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options
) -> FlowNode:
    b.container(node, element.id, element.lane)
    return activities.SubProcess(spec, element, element.id, **options)


def _event(kind: type[events.Event]) -> Build:
    def build(b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options) -> FlowNode:
        return kind(spec, element, b.definition(node), **options)

    return build


def _boundary(b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options) -> FlowNode:
    interrupting = _is_true(node, "cancelActivity", "true")
    return events.BoundaryEvent(spec, element, b.definition(node), interrupting=interrupting)


def _gateway(kind: type[FlowNode]) -> Build:
    def build(b: _Builder, spec: ProcessSpec, node: Node, element: Element, terms: Terms, options: Options) -> FlowNode:
        return kind(spec, element)

    return build


_BUILD: dict[str, Build] = {
    "startEvent": _event(events.StartEvent),
    "endEvent": _event(events.EndEvent),
    "intermediateCatchEvent": _event(events.CatchEvent),
    "intermediateThrowEvent": _event(events.ThrowEvent),
    "boundaryEvent": _boundary,
    "task": _abstract_task,
    "manualTask": _abstract_task,
    "userTask": _user_task,
    "scriptTask": _script_task,
    "serviceTask": _service_task,
    "sendTask": _service_task,
    "businessRuleTask": _service_task,
    "receiveTask": _event(events.CatchEvent),
    "subProcess": _subprocess,
    "exclusiveGateway": _gateway(gateways.ExclusiveGateway),
    "parallelGateway": _gateway(gateways.ParallelGateway),
    "inclusiveGateway": _gateway(gateways.InclusiveGateway),
    "eventBasedGateway": _gateway(gateways.EventBasedGateway),
}


def _timer(b: _Builder, node: Node, event: Node) -> events.Definition:
    for tag, kind in _TIMER_KINDS.items():
        text = _text(node, tag)
        if text:
            return events.Timer(kind, _timer_source(kind, text))
    return events.Nothing()


def _timer_source(kind: schedule.TimerKind, text: str) -> str:
    """ISO 8601 as written, `${...}`, or Python that gives either."""
    if "${" in text or "#{" in text:
        return dialects.value(text)
    try:
        schedule.validate(kind, text)
    except ValueError:
        return dialects.expression(text)
    return repr(text)


_TIMER_KINDS = {
    "timeDate": schedule.TimerKind.DATE,
    "timeDuration": schedule.TimerKind.DURATION,
    "timeCycle": schedule.TimerKind.CYCLE,
}


def _message(b: _Builder, node: Node, event: Node) -> events.Definition:
    return b.message(node)


def _signal(b: _Builder, node: Node, event: Node) -> events.Definition:
    found = b.named(node, "signal", "signalRef")
    return events.Signal("" if found is None else _name(found) or found.get("id", ""))


def _error(b: _Builder, node: Node, event: Node) -> events.Definition:
    found = b.named(node, "error", "errorRef")
    return events.Error(None if found is None else found.get("errorCode"))


def _escalation(b: _Builder, node: Node, event: Node) -> events.Definition:
    found = b.named(node, "escalation", "escalationRef")
    return events.Escalation(None if found is None else found.get("escalationCode"))


_DEFINE: dict[str, Callable[[_Builder, Node, Node], events.Definition]] = {
    "timerEventDefinition": _timer,
    "messageEventDefinition": _message,
    "signalEventDefinition": _signal,
    "errorEventDefinition": _error,
    "escalationEventDefinition": _escalation,
    "terminateEventDefinition": lambda b, node, event: events.Terminate(),
    "linkEventDefinition": lambda b, node, event: events.Link(node.get("name") or event.get("name") or ""),
}


# ---- loops ---------------------------------------------------------------------------------------------------------

Repeated = tuple[Callable[[ProcessSpec, Element, str, Any], FlowNode], loops.StandardLoop | loops.MultiInstance]


def _loop(node: Node, terms: Terms) -> Repeated | None:
    told = node.find(bpmn("standardLoopCharacteristics"))
    if told is not None:
        before = _is_true(told, "testBefore", "false")
        return loops.LoopBody, loops.StandardLoop(_source(told, "loopCondition"), before, told.get("loopMaximum"))
    told = node.find(bpmn("multiInstanceLoopCharacteristics"))
    return None if told is None else (loops.MultiInstanceBody, _multi_instance(node, told, terms))


def _multi_instance(node: Node, told: Node, terms: Terms) -> loops.MultiInstance:
    return loops.MultiInstance(
        is_sequential=_is_true(told, "isSequential", "false"),
        cardinality=_source(told, "loopCardinality"),
        collection=terms.collection or _data_name(node, _text(told, "loopDataInputRef")),
        item=terms.element_variable or _item_name(told.find(bpmn("inputDataItem"))),
        output_collection=_data_name(node, _text(told, "loopDataOutputRef")),
        output_item=_item_name(told.find(bpmn("outputDataItem"))),
        completion_condition=_source(told, "completionCondition"),
    )


def _data_name(node: Node, reference: str) -> str | None:
    """The name of the data input or output an id refers to; without such a declaration the reference is the name."""
    for declared in node.iterfind(f"{bpmn('ioSpecification')}/*"):
        if declared.get("id") == reference:
            return _name(declared) or reference
    return reference or None


def _item_name(item: Node | None) -> str | None:
    return None if item is None else _name(item) or item.get("id")
