"""Ad-hoc sub-processes: a person chooses which of the activities inside is done next, as often as it takes.

An activity that no flow leads to can be chosen at any time; one that flows lead to, once as many tokens as it needs
stand before it. Source: BPMN 2.0.2, 10.3.5 Ad-Hoc Sub-Process, 13.3.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements.activities import Assignment, SubProcess, offer
from engine.bpmn.elements.flow_node import Element, FlowNode, Token, named, value_of, wait_for
from engine.errors import Conflict
from engine.model import Json
from engine.model.forms import Button, Form

NEXT = "next"
"""What a person who chooses says: the id of an activity; None: nothing more is to be done."""
_NO_CHOICE = (
    "Expected an activity to choose in {}, but every one of them waits for tokens that cannot come, "
    "and its completion condition is not true."
)


@dataclass(frozen=True, slots=True)
class AdHoc:
    """How the activities inside are ordered, and when there is enough of them."""

    is_sequential: bool = False
    cancels_remaining: bool = True
    completion_condition: str | None = None
    """Python source, asked whenever an activity inside completes; None: who chooses says when it is enough."""


class AdHocSubProcess(SubProcess):
    """While activities can be chosen it waits for a person, as a user task does."""

    def __init__(
        self, process: Any, element: Element, inner: str, told: AdHoc, assignment: Assignment, **options: Any
    ) -> None:
        super().__init__(process, element, inner, **options)
        self.told, self.assignment = told, assignment

    def enter(self, token: Token) -> bool:
        workflow = token.workflow.top_workflow
        begun = workflow.inside(token.id.hex)
        if begun is not None:  # tried again
            workflow.agenda.left[begun] = None
            return False
        if "compensates" not in token.internal_data:
            token.internal_data["offer"] = offer(token, self.assignment)
        return super().enter(token)

    # ---- choosing

    def form(self, token: Token) -> Form:
        """A button for each activity, and one to say that it is enough where no condition does."""
        buttons = [
            Button(node.element.name or node.element.id, {NEXT: node.element.id}, is_enabled=_can_begin(node, sub))
            for sub in [_inside(token)]
            for node in _activities(sub)
        ]
        if self.told.completion_condition is None:
            buttons.append(Button("Nothing more to do", {NEXT: None}))
        return Form(buttons=tuple(buttons), question="What is done next?")

    def complete(self, token: Token, values: Mapping[str, Json], by: str | None) -> None:
        """A person has chosen. Raises Conflict for what cannot be done now."""
        chosen, sub = values.get(NEXT), _inside(token)
        node = next((node for node in _activities(sub) if node.element.id == chosen and _can_begin(node, sub)), None)
        is_enough = chosen is None and self.told.completion_condition is None
        if node is None and not is_enough:
            raise Conflict(f'Expected something that can be done in {named(self)} now, but it is "{chosen}".')
        token.internal_data["offer"] |= {"assignee": by, "turn": token.internal_data["offer"].get("turn", 0) + 1}
        token.internal_data["waits"] = []
        sub.top_workflow.agenda.left[sub] = None
        if node is not None:
            _begin(node, sub)
        else:
            self.end(token, sub)

    # ---- what becomes of it

    def is_enough(self, inner: Token) -> bool:
        """Whether an activity inside that is about to complete is the last one. Raises ScriptFailed."""
        condition = self.told.completion_condition
        return condition is not None and bool(value_of(inner, condition))

    def end(self, token: Token, sub: Any) -> None:
        """Nothing can be chosen any more; it is over at once, or when those that still go on have ended."""
        token.internal_data |= {"enough": True, "waits": []}
        if self.told.cancels_remaining or self.told.is_sequential:
            sub.top_workflow.cancel_each(sub)

    def look_after(self, token: Token, sub: Any) -> None:
        """When nothing else moves: let a person choose, unless one does already or has to wait."""
        data = token.internal_data
        if "compensates" in data or data.get("enough") or data.get("waits") or "incident" in data:
            return
        is_busy = any(_is_running(inner) for inner in sub.live())
        if is_busy and self.told.is_sequential:
            return
        if any(button.is_enabled for button in self.form(token).buttons):
            wait_for(token, "user", **data["offer"])
        elif not is_busy:
            sub.top_workflow.fail(token, _NO_CHOICE.format(named(self)))


def is_over(holder: Token, sub: Any) -> bool:
    """There is enough, and nothing inside goes on; who only waits to be chosen does not count."""
    return bool(holder.internal_data.get("enough")) and not any(_is_running(token) for token in sub.live())


def _is_running(token: Token) -> bool:
    """Neither one that waits to be chosen nor an event that only waits beside."""
    return not (token.task_spec.is_chosen and token._state == TaskState.WAITING) and "on" not in token.internal_data


def _inside(token: Token) -> Any:
    return token.workflow.top_workflow.inside(token.id.hex)


def _activities(sub: Any) -> Iterator[FlowNode]:
    return (node for node in sub.spec.task_specs.values() if node.is_chosen)


def _can_begin(node: FlowNode, sub: Any) -> bool:
    return not node.incoming or len(node.arrivals(sub)) == node.start_quantity


def _begin(node: FlowNode, sub: Any) -> None:
    arrived = node.arrivals(sub)
    if arrived:
        node.fire(arrived, sub)
    else:
        sub.place(node.name)
