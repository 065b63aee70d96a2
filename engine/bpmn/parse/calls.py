"""Call activities: what is called, and what goes in and out."""

from __future__ import annotations

import re

from engine.bpmn import texts
from engine.bpmn.dialects import Terms
from engine.bpmn.elements.activities import Binding, Called
from engine.bpmn.elements.data import Data
from engine.bpmn.elements.flow_node import Assignment
from engine.bpmn.nodes import Node, camunda


def called(node: Node, terms: Terms, data: Data | None) -> Called:
    """Nothing said of variables: all go in, and all come out."""
    taken, given = list(node.iterfind(f".//{camunda('in')}")), list(node.iterfind(f".//{camunda('out')}"))
    keys = [key for told in taken if (key := told.get("businessKey", "")) and not is_own_key(key)]
    return Called(
        process=terms.called or texts.value(node.get("calledElement", "")),
        binding=Binding(terms.called_binding or Binding.LATEST),
        version=terms.called_tag if terms.called_binding == Binding.VERSION_TAG else terms.called_version,
        business_key=texts.value(keys[0]) if keys else None,
        hands_on_key=any(is_own_key(told.get("businessKey", "")) for told in taken),
        takes_all=terms.takes_all != "false" and _is_all(taken) and not (data and data.inputs),
        gives_all=terms.gives_all != "false" and _is_all(given),
    )


def is_own_key(text: str) -> bool:
    """What Camunda's modeler writes to hand on the caller's business key."""
    return re.fullmatch(r"\s*[#$]\{\s*execution\.(processBusinessKey|businessKey)\s*\}\s*", text) is not None


def _is_all(told: list[Node]) -> bool:
    naming = [each for each in told if not each.get("businessKey")]
    return not naming or any(each.get("variables") == "all" for each in naming)


def mappings(node: Node, tag: str) -> tuple[Assignment, ...]:
    """camunda:in or camunda:out: source, or sourceExpression, under the name of target."""
    return tuple(
        Assignment(told.get("target", ""), told.get("source") or texts.value(told.get("sourceExpression", "")))
        for told in node.iterfind(f".//{camunda(tag)}")
        if told.get("target")
    )
