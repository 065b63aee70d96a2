"""What is to be done next with the tokens of one instance: no search through those that wait."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

from SpiffWorkflow.util.task import TaskState

if TYPE_CHECKING:
    from engine.bpmn.elements.flow_node import FlowNode, Token


class Agenda:
    """Tokens to execute; conditions to test; nodes that gather tokens; sub-processes that may be over."""

    def __init__(self) -> None:
        self._ready: list[tuple[bool, int, int, Token]] = []
        self._number = count()
        self.gathering: dict[tuple[Any, FlowNode], None] = {}
        """(workflow, node) where tokens wait for others, in the order they came; or a complex gateway for the rest."""
        self.left: dict[Any, None] = {}
        """Sub-processes that a token has gone from."""
        self.conditions: dict[UUID, Token] = {}
        """Tokens that wait for a condition."""
        self.tested = 0
        """How many of the changes of variables they were asked about."""

    def add(self, token: Token) -> None:
        """Events that have happened come first, the outermost of those first; else as they came."""
        heappush(self._ready, ("happened" not in token.internal_data, token.workflow.depth, next(self._number), token))

    def restore(self, token: Token) -> None:
        """Know of a token that was loaded."""
        if token._state == TaskState.WAITING:
            self.gathering[token.workflow, token.task_spec] = None
        if any(wait["kind"] == "condition" for wait in token.internal_data.get("waits", ())):
            self.conditions[token.id] = token

    def next(self) -> Token | None:
        """The next token to execute; what was taken away or stopped meanwhile is passed over."""
        while self._ready:
            token = heappop(self._ready)[-1]
            if is_moving(token):
                return token
        return None

    def rest(self) -> list[Token]:
        """Every token that has still to be executed."""
        return [entry[-1] for entry in self._ready if is_moving(entry[-1])]


def is_moving(token: Token) -> bool:
    return (
        token._state == TaskState.READY and "incident" not in token.internal_data and token.id in token.workflow.tasks
    )
