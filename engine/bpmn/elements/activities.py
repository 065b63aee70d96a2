"""Activities: tasks, embedded sub-processes. Source: BPMN 2.0.2, 10.3 Activities and 13.3 Activities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine import values
from engine.bpmn import schedule
from engine.bpmn.elements import compensation
from engine.bpmn.elements.flow_node import Element, FlowNode, Token, set_local, text_of, value_of, wait_for, write
from engine.errors import ElementFailed
from engine.model import Json
from engine.retry import Retry


class AbstractTask(FlowNode):
    """Work that the engine knows nothing about: passed at once. A manual task is one too. Source: 13.3.3."""


class ScriptTask(FlowNode):
    """Runs its script; names the script assigned become variables when their value changed."""

    def __init__(self, process: Any, element: Element, script: str, **options: Any) -> None:
        super().__init__(process, element, **options)
        self.script = script

    def enter(self, token: Token) -> bool:
        token.workflow.top_workflow.execute(token, self.script)
        return True


class ServiceTask(FlowNode):
    """Waits for a service; send and business rule tasks that name a topic are one too."""

    def __init__(
        self,
        process: Any,
        element: Element,
        topic: str,
        result_variable: str | None,
        retry: Retry | None = None,
        priority: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(process, element, **options)
        self.topic = topic
        self.result_variable = result_variable
        self.told: dict[str, Json] = {} if retry is None else {"retry": retry.json()}
        self.priority = priority

    def enter(self, token: Token) -> bool:
        told = {**self.told, "priority": _priority(token, self.priority)} if self.priority else self.told
        wait_for(token, "service", None, topic=self.topic, result=self.result_variable, **told)
        return False

    def results(self, answered: Mapping[str, Json]) -> Mapping[str, Json]:
        return answered if self.result_variable is None else {self.result_variable: answered}


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who shall do a user task and when: Python sources, evaluated as the task begins."""

    assignee: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    due: str | None = None
    follow_up: str | None = None
    priority: str | None = None

    @property
    def names_somebody(self) -> bool:
        return bool(self.assignee or self.candidate_users or self.candidate_groups)


class UserTask(FlowNode):
    """Waits for a person. Source: 10.3.1 Resource Assignment."""

    def __init__(self, process: Any, element: Element, assignment: Assignment, **options: Any) -> None:
        super().__init__(process, element, **options)
        self.assignment = assignment

    def enter(self, token: Token) -> bool:
        wait_for(token, "user", **offer(token, self.assignment))
        return False


def offer(token: Token, told: Assignment) -> dict[str, Json]:
    """To whom work is offered, until when and how urgent. Raises ElementFailed, ScriptFailed."""
    element = token.task_spec.element
    users = _people(token, told.candidate_users)
    groups = _people(token, told.candidate_groups)
    assignee = _assignee(token, told.assignee)
    if not (assignee or users or groups) and element.lane:
        groups = [element.lane]
    if told.names_somebody and not (assignee or users or groups):
        raise ElementFailed(element.id, _NOBODY)  # nobody named by the diagram means everybody; here one is meant
    if assignee and not (users or groups):
        users = [assignee]  # released, it is offered to nobody else
    return {
        "assignee": assignee,
        "users": users,
        "groups": groups,
        "priority": _priority(token, told.priority),
        "due": _moment(token, told.due),
        "follow_up": _moment(token, told.follow_up),
    }


DEFAULT_PRIORITY = 50
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(\.0+)?")
_NOBODY = (
    "Expected the assignee or the candidates of this task to name somebody, but they are empty."
    " Set the variables that they are read from, then retry."
)
_NO_PRIORITY = "Expected the priority to be a whole number of at most nine digits, but it is {}."
LONGEST_NAME = 200
"""Characters of a person's or group's name."""
LONGEST_KEY = 255
"""Characters of the id of a process, and of a business key."""
MOST_CANDIDATES = 1_000
"""Users, and groups, of one task: each is a row."""


def _text(token: Token, source: str | None) -> str:
    value = None if source is None else value_of(token, source)
    return "" if value is None else text_of(value).strip()


def _short(token: Token, source: str | None, what: str) -> str:
    try:
        return values.fitting(_text(token, source), LONGEST_KEY, what)
    except TypeError as cause:
        raise ElementFailed(token.task_spec.bpmn_id, str(cause)) from cause


def _priority(token: Token, source: str | None) -> int:
    text = _text(token, source)
    if not text:
        return DEFAULT_PRIORITY
    if not _WHOLE.fullmatch(text):
        raise ElementFailed(token.task_spec.bpmn_id, _NO_PRIORITY.format(f"{text!r:.100}"))
    return int(float(text))


def _moment(token: Token, source: str | None) -> str | None:
    """A date, or a duration from now, as ISO 8601 in UTC."""
    text = _text(token, source)
    if not text:
        return None
    kind = schedule.TimerKind.DURATION if text.startswith("P") else schedule.TimerKind.DATE
    workflow = token.workflow.top_workflow
    try:
        return schedule.first(kind, text, workflow.now, workflow.zone).at.isoformat()
    except ValueError as cause:
        raise ElementFailed(token.task_spec.bpmn_id, str(cause)) from cause


def _assignee(token: Token, source: str | None) -> str | None:
    value = None if source is None else value_of(token, source)
    named = [] if value is None else _names(token, [_name(token, value).strip()])
    return named[0] if named else None


def _people(token: Token, sources: tuple[str, ...]) -> list[str]:
    """Names, each source giving one, several with commas between, a list of them, or None."""
    values = (value_of(token, source) for source in sources)
    return _names(token, [name for value in values for name in _several(token, value)])


def _several(token: Token, value: Json) -> list[str]:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",")]
    if isinstance(value, list | tuple | set | frozenset):
        return [_name(token, item).strip() for item in value if item is not None]
    return [] if value is None else [_name(token, value)]


def _name(token: Token, value: Json) -> str:
    """A number may be a name, too."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    message = f"Expected the name of a person or group, or a list of them, but it is {value!r:.100}."
    raise ElementFailed(token.task_spec.bpmn_id, message)


def _names(token: Token, found: list[str]) -> list[str]:
    """Each name once; those that are empty say nothing."""
    names = [name for name in dict.fromkeys(found) if name]
    if len(names) > MOST_CANDIDATES:
        message = f"Expected at most {MOST_CANDIDATES:,} candidates, but there are {len(names):,}. Name a group."
        raise ElementFailed(token.task_spec.bpmn_id, message)
    try:
        return [values.fitting(name, LONGEST_NAME, "a name") for name in names]
    except TypeError as cause:
        raise ElementFailed(token.task_spec.bpmn_id, str(cause)) from cause


class Binding(StrEnum):
    """Which version of a process is called."""

    LATEST = "latest"
    DEPLOYMENT = "deployment"  # the one that was deployed together with the caller
    VERSION = "version"
    VERSION_TAG = "versionTag"  # the latest that bears it


@dataclass(frozen=True, slots=True)
class Called:
    """What a call activity calls: Python sources, evaluated as it begins."""

    process: str
    binding: Binding = Binding.LATEST
    version: str | None = None
    business_key: str | None = None
    hands_on_key: bool = False
    """Whether it gets the caller's business key."""
    takes_all: bool = True
    """Whether every variable goes in, beside those that the input mapping names."""
    gives_all: bool = True
    """Whether every variable of the called process comes out."""


class CallActivity(FlowNode):
    """Waits for an instance of another process. Source: 10.3.6 Call Activity, 13.3.4."""

    def __init__(self, process: Any, element: Element, called: Called, **options: Any) -> None:
        super().__init__(process, element, **options)
        self.called = called

    def enter(self, token: Token) -> bool:
        told, data = self.called, token.internal_data
        if "compensates" in data:
            wait_for(token, "call", called=data["called"])
            return False
        wait_for(
            token,
            "call",
            process=_short(token, told.process, "the id of a process"),
            binding=told.binding,
            version=_short(token, told.version, "a version"),
            business_key=_short(token, told.business_key, "a business key"),
            hands_on_key=told.hands_on_key,
        )
        return False

    def taken(self, token: Token, local: Mapping[str, Json], visible: Mapping[str, Json]) -> dict[str, Json]:
        """What the called process starts with. local: what is in the activity's own scope."""
        return dict(visible) if self.called.takes_all else self.made(local)

    def give(self, token: Token, result: Mapping[str, Json]) -> None:
        """Take over what the called process ended with; an output mapping picks from it. Raises ElementFailed."""
        if "compensates" in token.internal_data:
            return
        for name, value in result.items():
            if self.element.outputs or (self.element.data and self.element.data.outputs):
                set_local(token, name, value)
            elif self.called.gives_all:
                write(token, {name: value})


class SubProcess(FlowNode):
    """An embedded sub-process: its own flow of tokens, the variables of the process around it."""

    def __init__(self, process: Any, element: Element, inner: str, **options: Any) -> None:
        super().__init__(process, element, **options)
        self.inner = inner
        """Name of the specification of what is inside."""

    def enter(self, token: Token) -> bool:
        if "compensates" in token.internal_data:
            compensation.compensate_inside(token, self.inner)
        else:
            sub = token.workflow.top_workflow.open_subprocess(token, self.inner)
            sub.begin(sub.spec.start_nodes)
        return False
