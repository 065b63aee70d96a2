"""Exclusive gateways right behind user tasks: what a person is asked, and where the choice alone decides."""

from __future__ import annotations

from dataclasses import replace

from engine.bpmn import dialects, forms
from engine.bpmn.elements.flow_node import FlowNode
from engine.bpmn.elements.gateways import ExclusiveGateway
from engine.bpmn.names import choice_variable
from engine.bpmn.nodes import Node
from engine.bpmn.script import names
from engine.bpmn.specification import ProcessSpec


def imply_conditions(spec: ProcessSpec) -> None:
    """Give the flows of each drawn choice the condition that its button was pressed."""
    for gateway in spec.task_specs.values():
        if isinstance(gateway, ExclusiveGateway) and _is_drawn_choice(spec, gateway):
            variable = choice_variable(gateway.element.id, gateway.element.name)
            gateway.flows = [
                replace(flow, condition=forms.implied_condition(variable, flow.name)) for flow in gateway.flows
            ]


def _is_drawn_choice(spec: ProcessSpec, gateway: ExclusiveGateway) -> bool:
    flows = [(flow.name, flow.condition) for flow in gateway.flows]
    before = _before(spec, gateway)
    return forms.is_drawn_choice(flows, [(node.element.type, len(node.flows)) for node in before])


def form_source(spec: ProcessSpec, node: Node, files: forms.FormFiles) -> forms.FormSource:
    """The form of a user task or start event."""
    terms = dialects.terms(node)
    key = terms.form_key
    if key and forms.is_elsewhere(key) and forms.wanted_name(key) not in files.names:
        key = None  # a page of another tool: the form is made from what the process reads
    data = None if terms.form_data is None else forms.from_form_data(terms.form_data)
    gateway = _following_gateway(spec, spec.task_specs[node.get("id")])
    if gateway is None:
        return forms.FormSource(key, data, files=files)
    choices = tuple(forms.Choice(flow.name, flow.condition, flow.id == gateway.default) for flow in gateway.flows)
    read = [name for flow in gateway.flows if flow.condition for name in sorted(names(flow.condition).read)]
    told = (choices, tuple(dict.fromkeys(read)), choice_variable(gateway.element.id, gateway.element.name))
    return forms.FormSource(key, data, *told, files)


def _following_gateway(spec: ProcessSpec, task: FlowNode) -> ExclusiveGateway | None:
    """The exclusive gateway behind a user task that decides between several ways; mere merges are passed."""
    if task.element.type != "userTask" or len(task.flows) != 1:
        return None
    target, passed = spec.task_specs[task.flows[0].target], set[str]()
    while forms.is_merge(target.element.type, len(target.flows)) and target.name not in passed:
        passed.add(target.name)
        target = spec.task_specs[target.flows[0].target]
    return target if isinstance(target, ExclusiveGateway) and len(target.flows) > 1 else None


def _before(spec: ProcessSpec, gateway: FlowNode) -> list[FlowNode]:
    """What leads to a gateway; gateways that only merge are passed."""
    found, passed, todo = list[FlowNode](), {gateway.name}, list(gateway.incoming)
    while todo:
        source = spec.task_specs[todo.pop(0).source]
        if not forms.is_merge(source.element.type, len(source.flows)):
            found.append(source)
        elif source.name not in passed:
            passed.add(source.name)
            todo += source.incoming
    return found
