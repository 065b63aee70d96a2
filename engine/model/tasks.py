"""Work of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TaskStatus(StrEnum):
    OPEN = "open"  # waits for a person, assigned or not
    COMPLETED = "completed"
    CANCELLED = "cancelled"  # the model went another way, or the instance ended


@dataclass(frozen=True, slots=True)
class UserTask:
    id: int
    instance_id: int
    definition_id: int
    definition_name: str
    business_key: str | None
    element_id: str
    name: str
    status: TaskStatus
    assignee: str | None
    candidate_users: tuple[str, ...]
    candidate_groups: tuple[str, ...]
    priority: int
    due_at: datetime | None
    follow_up_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    completed_by: str | None


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How many open tasks wait; each number stops at the limit it was counted to."""

    mine: int
    groups: int
    overdue: int
    """Of mine, those past their due date."""
