"""The tokens of a process or of the inside of one sub-process activity: a root with the live ones below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements import ad_hoc
from engine.bpmn.elements.flow_node import LIVE, Token
from engine.bpmn.memory import Memory
from engine.bpmn.specification import ProcessSpec
from engine.model import Json

if TYPE_CHECKING:
    from engine.bpmn.workflow import ProcessWorkflow

THE_WHOLE = "the whole"
"""What an event sub-process waits beside; a boundary event: the token of its activity."""


class Tokens:
    """What the process and each sub-process have in common."""

    memory: Memory
    """What has completed in it and can be compensated."""
    rounds: dict[str, list[str]]
    """Complex gateway that has fired and waits for the rest -> the flows it took tokens from."""

    @property
    def part(self) -> str:
        """Its name in the snapshot: that of its activity's token; "" for the process."""
        inside = self.parent_task_id  # type: ignore[attr-defined]
        return "" if inside is None else str(inside.hex)

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """For SpiffWorkflow's log, which nobody reads."""
        return {}

    def update_waiting_tasks(self) -> None:
        """Nothing is polled: who waits is told."""

    def place(self, node: str, *, flow: str | None = None, data: Mapping[str, Json] | None = None) -> Token:
        """Put a new token on a node, as coming along a flow."""
        spec = self.spec.task_specs[node]  # type: ignore[attr-defined]
        token = Token(self, spec, self.task_tree, state=TaskState.FUTURE)  # type: ignore[attr-defined]
        token.internal_data = {"via": [flow] if flow else [], **(data or {})}
        spec._update(token)
        return token

    def begin(self, nodes: Iterable[str], data: Mapping[str, Json] | None = None) -> None:
        """Let event sub-processes wait, and start at these nodes; data: of the tokens."""
        for node in self.spec.event_subprocesses:  # type: ignore[attr-defined]
            self.place(node, data={"on": THE_WHOLE})
        for node in nodes:
            self.place(node, data=data)

    def watchers(self) -> list[Token]:
        """Tokens of the event sub-processes that wait."""
        return [token for token in self.live() if token.internal_data.get("on") == THE_WHOLE]

    def live(self) -> Iterator[Token]:
        return (token for token in list(self.tasks.values()) if token._state & LIVE)  # type: ignore[attr-defined]

    @property
    def is_over(self) -> bool:
        """No token is left but those of event sub-processes that wait."""
        tokens = self.tasks.values()  # type: ignore[attr-defined]
        return not any(token._state & LIVE and token.internal_data.get("on") != THE_WHOLE for token in tokens)

    def _task_completed_notify(self, token: Token) -> None:
        top: ProcessWorkflow = self.top_workflow  # type: ignore[attr-defined]
        top.completed_token(token)

    def _task_removed_notify(self, token: Token) -> None:
        pass


class SubProcessWorkflow(Tokens, BpmnSubWorkflow):
    """The inside of one sub-process activity."""

    def __init__(self, spec: ProcessSpec, holder: Token) -> None:
        self.memory, self.rounds = Memory(holder.workflow.top_workflow.scopes), {}
        self.around = holder.workflow
        """The (sub-)process that its activity is in."""
        super().__init__(spec, holder.id, holder.workflow.top_workflow)
        self.task_tree._set_state(TaskState.COMPLETED)

    def _calculate_depth(self) -> int:
        return int(self.around.depth) + 1

    @property
    def holder(self) -> Token | None:
        """The activity that this is the inside of; None: it is over."""
        found = self.around.tasks.get(self.parent_task_id)
        return found if found is not None and found._state & LIVE else None

    @property
    def is_over(self) -> bool:
        holder = self.holder
        if self.spec.is_ad_hoc and holder is not None and "compensates" not in holder.internal_data:
            return ad_hoc.is_over(holder, self)
        return super().is_over

    def _task_removed_notify(self, token: Token) -> None:
        self.top_workflow.agenda.left[self] = None
