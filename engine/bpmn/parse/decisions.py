"""Exclusive gateways right behind user tasks: what a person is asked, and where the choice alone decides."""

from __future__ import annotations

from dataclasses import replace

from engine.bpmn import dialects, forms
from engine.bpmn.elements.flow_node import FlowNode
from engine.bpmn.elements.gateways import ExclusiveGateway
from engine.bpmn.names import variable_from
from engine.bpmn.nodes import Node
from engine.bpmn.script import names
from engine.bpmn.workflow import ProcessSpec


def imply_conditions(spec: ProcessSpec) -> None:
    """Give the flows of each drawn choice the condition that its button was pressed."""
    for gateway in spec.task_specs.values():
        if isinstance(gateway, ExclusiveGateway) and _is_drawn_choice(spec, gateway):
            variable = variable_from(gateway.element.id)
            gateway.flows = [
                replace(flow, condition=forms.implied_condition(variable, flow.name)) for flow in gateway.flows
            ]


def _is_drawn_choice(spec: ProcessSpec, gateway: ExclusiveGateway) -> bool:
    flows = [(flow.name, flow.condition) for flow in gateway.flows]
    before = [spec.task_specs[flow.source] for flow in gateway.incoming]
    return forms.is_drawn_choice(flows, [(node.element.type, len(node.flows)) for node in before])


def form_source(spec: ProcessSpec, node: Node, files: forms.FormFiles) -> forms.FormSource:
    """The form of a user task or start event."""
    terms = dialects.terms(node)
    data = None if terms.form_data is None else forms.from_form_data(terms.form_data)
    gateway = _following_gateway(spec, spec.task_specs[node.get("id")])
    if gateway is None:
        return forms.FormSource(terms.form_key, data, files=files)
    choices = tuple(forms.Choice(flow.name, flow.condition, flow.id == gateway.default) for flow in gateway.flows)
    read = [name for flow in gateway.flows if flow.condition for name in sorted(names(flow.condition).read)]
    told = (choices, tuple(dict.fromkeys(read)), variable_from(gateway.element.id))
    return forms.FormSource(terms.form_key, data, *told, files)


def _following_gateway(spec: ProcessSpec, task: FlowNode) -> ExclusiveGateway | None:
    """The exclusive gateway right behind a user task, when it decides between several ways."""
    if task.element.type != "userTask" or len(task.flows) != 1:
        return None
    target = spec.task_specs[task.flows[0].target]
    return target if isinstance(target, ExclusiveGateway) and len(target.flows) > 1 else None
