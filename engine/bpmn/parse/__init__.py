"""Document -> Process: what every instance of one version shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.bpmn import dialects, forms, global_tasks, scripts
from engine.bpmn.dialects import Terms, listeners
from engine.bpmn.document import Document
from engine.bpmn.elements import (
    activities,
    ad_hoc,
    event_definition,
    events,
    gateways,
    http_task,
    loops,
    mail_task,
    throwing,
)
from engine.bpmn.elements.flow_node import Assignment, Element, FlowNode
from engine.bpmn.forms import FormFiles, FormSource
from engine.bpmn.items import Items
from engine.bpmn.nodes import ACTIVITIES, Node, bpmn, child_text, is_true, local, name_of
from engine.bpmn.parse import asked, calls, data, decisions, flows, http, mail, repeats, retries
from engine.bpmn.parse.definitions import References, definition
from engine.bpmn.process import Process, StartPoint
from engine.bpmn.script import names
from engine.bpmn.specification import ProcessSpec
from engine.bpmn.templates import Templates

__all__ = ["FormSource", "Process", "StartPoint", "processes"]


def processes(document: Document, files: Mapping[str, bytes] | None = None) -> list[Process]:
    """Every executable process of a document that the checks have passed. files: its whole upload."""
    references, items = References.of(document), Items.of(document.root)
    forms, templates = FormFiles(files).with_embedded(document.root), Templates(files)
    return [
        _Builder(node, references, items, forms, templates).build()
        for node in document.root.iterfind(bpmn("process"))
        if is_true(node, "isExecutable")
    ]


@dataclass(slots=True)
class _Builder:
    process: Node
    references: References
    items: Items
    files: FormFiles
    templates: Templates
    specs: dict[str, ProcessSpec] = field(default_factory=dict)
    elements: dict[str, Element] = field(default_factory=dict)
    forms: dict[str, FormSource] = field(default_factory=dict)
    starts: list[StartPoint] = field(default_factory=list)
    lanes: dict[str, str] = field(default_factory=dict)
    initiators: dict[str, str] = field(default_factory=dict)
    task_priority: str | None = None

    def build(self) -> Process:
        key, terms = self.process.get("id", ""), dialects.terms(self.process)
        self.task_priority = terms.task_priority
        self.lanes = dict(_lanes(self.process))
        spec = self.container(self.process, key)
        spec.declared = dict.fromkeys(data.declared(self.process))
        plain = [node for node in spec.start_nodes if self.elements[node].type == "startEvent"]
        for start in plain:
            if not self.forms[start].is_drawn:
                known = set(self.initiators.values())
                made = asked.start_form(self.specs, key, self.forms, start=start, known=known)
                self.forms[start] = forms.FormSource(data=made)
        correlations = tuple(dict.fromkeys(_correlations(self.specs)))
        expected = (source for _message, told in correlations for source in told.expected)
        spec.key_names = frozenset(name for source in expected for name in names(source).read)
        return Process(
            key=key,
            name=name_of(self.process) or key,
            documentation=child_text(self.process, "documentation"),
            specs=self.specs,
            elements=self.elements,
            starts=tuple(self.starts),
            forms=self.forms,
            is_global_task=self.elements.keys() == {global_tasks.task_id(key)},
            plain_starts=tuple(plain),
            initiators=self.initiators,
            correlations=correlations,
            starter_users=terms.starter_users,
            starter_groups=terms.starter_groups,
            version_tag=terms.version_tag,
        )

    def container(self, node: Node, name: str, lane: str = "") -> ProcessSpec:
        """Build what is inside a process or sub-process."""
        spec = self.specs[name] = ProcessSpec(name)
        nodes = [child for child in node if isinstance(child.tag, str) and local(child) in _BUILD]
        for child in nodes:
            self.flow_node(spec, child, lane)
        flows.connect(spec, node, nodes)
        decisions.imply_conditions(spec)
        spec.start_nodes = self.start_nodes(spec, nodes, is_process=node is self.process)
        for child in nodes:
            if local(child) in ("userTask", "startEvent"):
                self.forms[child.get("id", "")] = decisions.form_source(spec, child, self.files)
        return spec

    def start_nodes(self, spec: ProcessSpec, nodes: Iterable[Node], *, is_process: bool) -> list[str]:
        starts = [spec.task_specs[node.get("id")] for node in nodes if local(node) == "startEvent"]
        points = list(flows.start_points(spec, nodes)) if is_process else []
        self.starts += points
        if starts:
            return [start.name for start in starts if isinstance(start.definition, event_definition.Nothing)]
        begun = {point.node for point in points}
        return [node.get("id", "") for node in nodes if node.get("id") not in begun and flows.begins(spec, node)]

    def flow_node(self, spec: ProcessSpec, node: Node, lane: str) -> None:
        terms = dialects.terms(node)
        element = Element(
            id=node.get("id", ""),
            type=local(node),
            name=name_of(node),
            documentation=child_text(node, "documentation") or dialects.instructions(node),
            lane=self.lanes.get(node.get("id", ""), lane),
            inputs=(*(Assignment(name, source) for name, source in terms.inputs), *calls.mappings(node, "in")),
            outputs=(*(Assignment(name, source) for name, source in terms.outputs), *calls.mappings(node, "out")),
            before=listeners.told(node, "start"),
            after=listeners.told(node, "end"),
            data=data.of(node, self.items),
            properties=tuple(dialects.properties(node)),
        )
        self.elements[element.id] = element
        if terms.initiator:
            self.initiators[element.id] = terms.initiator
        repeated = repeats.repeated(node, terms, self.references, self.items)
        options = {"name": element.id + loops.EACH} if repeated else {}
        _BUILD[element.type](_Drawn(self, spec, node, element, terms, options))
        if repeated is not None:
            body, told = repeated
            body(spec, element, element.id + loops.EACH, told)
        made = spec.task_specs[element.id]
        if isinstance(made, events.Event):
            self.elements |= dict.fromkeys((at for at, _ in made.parts()), element)
        made.is_repeated = repeated is not None
        made.start_quantity = int(node.get("startQuantity", "1"))
        made.completion_quantity = int(node.get("completionQuantity", "1"))


def _correlations(specs: Mapping[str, ProcessSpec]) -> Iterator[tuple[str, event_definition.Correlation]]:
    nodes = (node for spec in specs.values() for node in spec.task_specs.values() if isinstance(node, events.Event))
    messages = (each for node in nodes for _at, each in node.parts() if isinstance(each, event_definition.Message))
    return ((message.name, each) for message in messages for each in message.correlations)


def _lanes(process: Node) -> Iterator[tuple[str, str]]:
    """(node id, lane name), outer lanes before inner ones."""
    for lane in process.iter(bpmn("lane")):
        for reference in lane.iterfind(bpmn("flowNodeRef")):
            yield (reference.text or "").strip(), name_of(lane)


# ---- tag -> how it is built ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One node to build, and what is known of it."""

    builder: _Builder
    spec: ProcessSpec
    node: Node
    element: Element
    terms: Terms
    options: Mapping[str, Any]

    @property
    def definition(self) -> event_definition.Definition:
        return definition(self.node, self.builder.references)


Build = Callable[[_Drawn], FlowNode]


def _user_task(drawn: _Drawn) -> FlowNode:
    return activities.UserTask(drawn.spec, drawn.element, _assignment(drawn.terms), **drawn.options)


def _assignment(terms: Terms) -> activities.Assignment:
    return activities.Assignment(
        assignee=terms.assignee,
        candidate_users=terms.candidate_users,
        candidate_groups=terms.candidate_groups,
        due=terms.due,
        follow_up=terms.follow_up,
        priority=terms.priority,
    )


def _script_task(drawn: _Drawn) -> FlowNode:
    if drawn.terms.effect is not None:
        return _evaluating_task(drawn, drawn.terms)
    if drawn.terms.topic is not None:
        return _external_task(drawn, drawn.terms)
    return activities.ScriptTask(drawn.spec, drawn.element, scripts.of_task(drawn.node), **drawn.options)


def _service_task(drawn: _Drawn) -> FlowNode:
    if http.is_called(drawn.node):
        return _http_task(drawn)
    mailed = mail.of(drawn.node)
    if mailed is not None:
        sent = mail.read(mailed, drawn.builder.templates), drawn.terms.result_variable, retries.retry(drawn.node)
        return mail_task.MailTask(drawn.spec, drawn.element, *sent, **drawn.options)
    if drawn.terms.effect is not None:
        return _evaluating_task(drawn, drawn.terms)
    if drawn.terms.topic is None and drawn.node.get("messageRef"):
        return throwing.ThrowEvent(drawn.spec, drawn.element, drawn.definition, **drawn.options)
    if drawn.terms.topic is None:
        return _abstract_task(drawn)
    return _external_task(drawn, drawn.terms)


def _external_task(drawn: _Drawn, terms: Terms) -> FlowNode:
    priority = terms.task_priority or drawn.builder.task_priority
    about = (terms.topic or "", terms.result_variable, retries.retry(drawn.node), priority)
    return activities.ServiceTask(drawn.spec, drawn.element, *about, **drawn.options)


def _evaluating_task(drawn: _Drawn, terms: Terms) -> FlowNode:
    """Done in passing: what it evaluates may set a variable, or is kept as one."""
    source = terms.effect if terms.result_variable is None else f"{terms.result_variable} = {terms.effect}"
    return activities.ScriptTask(drawn.spec, drawn.element, source or "pass", **drawn.options)


def _http_task(drawn: _Drawn) -> FlowNode:
    """A task that calls; or an event whose message goes out so."""
    called = http.call_of(drawn.node)
    assert called is not None
    told = called, drawn.terms.result_variable, retries.retry(drawn.node)
    made = http_task.HttpTask(drawn.spec, drawn.element, *told, **drawn.options)
    if drawn.node.get("messageRef") or drawn.element.type in ("intermediateThrowEvent", "endEvent"):
        made.message = drawn.definition
    return made


def _abstract_task(drawn: _Drawn) -> FlowNode:
    return activities.AbstractTask(drawn.spec, drawn.element, **drawn.options)


def _call_activity(drawn: _Drawn) -> FlowNode:
    told = calls.called(drawn.node, drawn.terms, drawn.element.data)
    return activities.CallActivity(drawn.spec, drawn.element, told, **drawn.options)


def _subprocess(drawn: _Drawn) -> FlowNode:
    inner = drawn.builder.container(drawn.node, drawn.element.id, drawn.element.lane)
    if is_true(drawn.node, "triggeredByEvent"):
        return _event_subprocess(drawn, inner)
    return activities.SubProcess(drawn.spec, drawn.element, drawn.element.id, **drawn.options)


def _ad_hoc_subprocess(drawn: _Drawn) -> FlowNode:
    inner = drawn.builder.container(drawn.node, drawn.element.id, drawn.element.lane)
    inner.is_ad_hoc = True
    for child in drawn.node:
        if isinstance(child.tag, str) and local(child) in ACTIVITIES and not _is_entered_by_event(child):
            inner.task_specs[child.get("id")].is_chosen = True
    inner.start_nodes = [name for name in inner.start_nodes if not inner.task_specs[name].is_chosen]
    told = ad_hoc.AdHoc(
        is_sequential=drawn.node.get("ordering") == "Sequential",
        cancels_remaining=is_true(drawn.node, "cancelRemainingInstances", "true"),
        completion_condition=flows.source_of(drawn.node, "completionCondition"),
    )
    assignment = _assignment(drawn.terms)
    return ad_hoc.AdHocSubProcess(drawn.spec, drawn.element, inner.name, told, assignment, **drawn.options)


def _is_entered_by_event(activity: Node) -> bool:
    return is_true(activity, "isForCompensation") or is_true(activity, "triggeredByEvent")


def _event_subprocess(drawn: _Drawn, inner: ProcessSpec) -> FlowNode:
    """It begins at its one start event: when that has happened, or to compensate what is around it."""
    start = next(node for node in inner.task_specs.values() if isinstance(node, events.StartEvent))
    inner.start_nodes, inner.is_triggered = [start.name], True
    if event_definition.has(start.definition, event_definition.Compensation):
        drawn.spec.handler = drawn.element.id
    else:
        drawn.spec.event_subprocesses.append(drawn.element.id)
    interrupting = is_true(next(drawn.node.iterfind(bpmn("startEvent"))), "isInterrupting", "true")
    return events.EventSubProcess(drawn.spec, drawn.element, start, inner.name, interrupting=interrupting)


def _event(kind: type[events.Event]) -> Build:
    return lambda drawn: kind(drawn.spec, drawn.element, drawn.definition, **drawn.options)


def _throwing(kind: type[throwing.ThrowEvent]) -> Build:
    def build(drawn: _Drawn) -> FlowNode:
        if http.is_called(drawn.node):
            return _http_task(drawn)
        terms = drawn.terms if drawn.terms.topic else _sending(drawn.node)
        if terms.topic:
            return _external_task(drawn, terms)
        return _evaluating_task(drawn, terms) if terms.effect else _event(kind)(drawn)

    return build


def _sending(event: Node) -> Terms:
    """How a message event sends, as its definition says: by a service, or by evaluating something."""
    told = event.find(bpmn("messageEventDefinition"))
    return Terms() if told is None else dialects.terms(told)


def _boundary(drawn: _Drawn) -> FlowNode:
    interrupting = is_true(drawn.node, "cancelActivity", "true")
    return events.BoundaryEvent(drawn.spec, drawn.element, drawn.definition, interrupting=interrupting)


def _gateway(kind: type[FlowNode]) -> Build:
    return lambda drawn: kind(drawn.spec, drawn.element)


def _event_based_gateway(drawn: _Drawn) -> FlowNode:
    is_parallel = drawn.node.get("eventGatewayType") == "Parallel"
    return gateways.EventBasedGateway(drawn.spec, drawn.element, is_parallel=is_parallel)


def _complex_gateway(drawn: _Drawn) -> FlowNode:
    return gateways.ComplexGateway(drawn.spec, drawn.element, flows.source_of(drawn.node, "activationCondition"))


_BUILD: dict[str, Build] = {
    "startEvent": _event(events.StartEvent),
    "endEvent": _throwing(throwing.EndEvent),
    "intermediateCatchEvent": _event(events.CatchEvent),
    "intermediateThrowEvent": _throwing(throwing.ThrowEvent),
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
    "transaction": _subprocess,
    "adHocSubProcess": _ad_hoc_subprocess,
    "callActivity": _call_activity,
    "exclusiveGateway": _gateway(gateways.ExclusiveGateway),
    "parallelGateway": _gateway(gateways.ParallelGateway),
    "inclusiveGateway": _gateway(gateways.InclusiveGateway),
    "eventBasedGateway": _event_based_gateway,
    "complexGateway": _complex_gateway,
}
