"""What an event is about: what it waits for or throws. Source: BPMN 2.0.2, 10.5.5 Event Definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.bpmn import names, schedule


@dataclass(frozen=True, slots=True)
class Nothing:
    """A none event."""


@dataclass(frozen=True, slots=True)
class Timer:
    kind: schedule.TimerKind
    source: str
    """Python source of the ISO 8601 text."""
    catch_up: schedule.CatchUp = schedule.CatchUp.ONCE


@dataclass(frozen=True, slots=True)
class Correlation:
    """One key by which messages find their instance. Source: BPMN 2.0.2, 8.4.2."""

    name: str
    retrieved: tuple[str, ...]
    """Python sources over what a message brings, one for each property."""
    expected: tuple[str, ...] = ()
    """Python sources over the variables of who waits; empty: the first message tells."""


@dataclass(frozen=True, slots=True)
class Message:
    name: str
    correlations: tuple[Correlation, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    name: str


def own_signal(activity_id: str) -> Signal:
    """What a multi-instance activity throws when nothing else is named, for its boundary events (no name has a #)."""
    return Signal(f"#{activity_id}")


@dataclass(frozen=True, slots=True)
class Error:
    code: str | None = None
    """None catches every code."""
    code_variable: str | None = None
    """What catches it puts the code there, beside errorCode."""
    message_variable: str | None = None
    message: str | None = None
    """Python source of the text that is thrown with it."""

    @property
    def renamed(self) -> Mapping[str, str | None]:
        """Of what comes with it -> another name for that."""
        return {"errorCode": self.code_variable, "errorMessage": self.message_variable}


@dataclass(frozen=True, slots=True)
class Escalation:
    code: str | None = None
    code_variable: str | None = None

    @property
    def renamed(self) -> Mapping[str, str | None]:
        return {"escalationCode": self.code_variable}


@dataclass(frozen=True, slots=True)
class Conditional:
    source: str
    """Python source of what shall become true."""


@dataclass(frozen=True, slots=True)
class Compensation:
    activity: str | None = None
    """Id of the activity to compensate; None: all that has completed in the (sub-)process."""
    waits: bool = True
    """Whether the thrower goes on only when everything is undone."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Undo what has completed in a transaction, and leave it by its cancel boundary event. Source: 10.3.5, 13.5.3."""


@dataclass(frozen=True, slots=True)
class Terminate:
    pass


@dataclass(frozen=True, slots=True)
class Link:
    target: str
    """Id of the catching link event of the same name."""


@dataclass(frozen=True, slots=True)
class Multiple:
    """Several triggers, of which one is enough or all are needed; or several results, which all come about."""

    definitions: tuple[Definition, ...]
    is_parallel: bool = False


Definition = (
    Nothing
    | Timer
    | Message
    | Signal
    | Error
    | Escalation
    | Conditional
    | Compensation
    | Cancel
    | Terminate
    | Link
    | Multiple
)


def parts(element_id: str, definition: Definition) -> list[tuple[str, Definition]]:
    """What an event is about, one by one, each under the name by which it is waited for."""
    if not isinstance(definition, Multiple):
        return [(element_id, definition)]
    return [(names.part(element_id, number), each) for number, each in enumerate(definition.definitions)]


def has(definition: Definition, kind: type) -> bool:
    return any(isinstance(each, kind) for _at, each in parts("", definition))
