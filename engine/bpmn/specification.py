"""What a process, or the inside of a sub-process, is made of: nodes by name, where it begins, who handles what."""

from __future__ import annotations

from collections.abc import Mapping

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec

from engine.bpmn.elements import compensation
from engine.bpmn.elements.flow_node import Element, FlowNode, Token
from engine.model import Json

ROOT = "(root)"
"""Name of the node above all tokens (no XML id has a bracket)."""


class Whole(FlowNode):
    """Stands above all tokens; a token on it compensates the process for who called it. Source: 13.3.4, 13.5.5."""

    def enter(self, token: Token) -> bool:
        return compensation.compensate_whole(token)


class ProcessSpec(BpmnProcessSpec):
    """A process or the inside of a sub-process, without SpiffWorkflow's own start and end nodes."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.task_specs.clear()
        self.start = Whole(self, Element(ROOT, "process"), name=ROOT)
        self.start_nodes: list[str] = []
        """Where a token is placed when nothing else is said."""
        self.event_subprocesses: list[str] = []
        """Nodes where a token waits from the beginning."""
        self.key_names: frozenset[str] = frozenset()
        """Of a process: the variables that tell which messages are for an instance."""
        self.is_ad_hoc = False
        self.is_triggered = False
        """Whether it is the inside of an event sub-process."""
        self.handlers: dict[str, str] = {}
        """Activity -> the activity that compensates it."""
        self.handler: str | None = None
        """The event sub-process that compensates the whole."""
        self.declared: dict[str, Json] = {}
        """What the data of a process holds until somebody sets it."""


Specs = Mapping[str, ProcessSpec]
