"""Four kinds of going wrong: a request refused, a service that fails, an element that fails, and (elsewhere) a bug."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from engine.model.problems import Problem


class EngineError(Exception):
    """Whatever this library raises on purpose."""


class Rejected(EngineError):
    """The caller asked for something that cannot be done; nothing was changed."""


class NotFound(Rejected):
    """There is no such thing, or the actor may not know of it."""


class Forbidden(Rejected):
    """The actor lacks a right."""


class Conflict(Rejected):
    """The thing is not in the state that the command needs."""


class Busy(Conflict):
    """Another command holds the instance just now; the same call may pass in a moment, or after the pause."""

    def __init__(self, message: str, *, pause: timedelta | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class Newer(Conflict):
    """It was made by a newer version of this program, which works beside this one while all are replaced."""


class Invalid(Rejected):
    """An upload or a set of values breaks rules; problems lists every one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class InvalidValues(Rejected):
    """Form values break rules; errors maps a field's key to what is wrong with its value."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in errors.items()))
        self.errors = errors


class ServiceFailed(EngineError):
    """A service did not do its work. Raised by services; becomes another try or an incident.

    names: by which a retry policy may tell it, such as 503 and 5xx.
    is_up: the service has answered and works; it is this call that it does not do.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        retry_after: timedelta | None = None,
        names: Sequence[str] = (),
        is_up: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.names = tuple(names)
        self.is_up = is_up


class BpmnError(EngineError):
    """An error drawn in the model: caught by the nearest matching boundary event or event sub-process."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class ElementFailed(EngineError):
    """An element could not be executed. Raised in bpmn/, becomes an incident at that element."""

    def __init__(self, element_id: str, message: str) -> None:
        super().__init__(message)
        self.element_id = element_id
        self.message = message
