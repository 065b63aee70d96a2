"""HTTP tasks: service tasks that call a service by HTTP, as procession:http says; and events whose message goes out so.

Source: BPMN 2.0.2, 10.3.3 Service Task; 10.5.5, Message Event Definitions: the message goes to a participant outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from engine.bpmn.elements import correlation
from engine.bpmn.elements.event_definition import Definition, Message, Nothing
from engine.bpmn.elements.flow_node import Assignment, Element, FlowNode, Token, text_of, value_of, wait_for
from engine.bpmn.script import names
from engine.errors import ElementFailed
from engine.model import Json
from engine.retry import Retry

Evaluate = Callable[[str], Json]


class Later(StrEnum):
    """How a service tells the outcome that it does not answer with at once."""

    CALLBACK = "callback"  # it posts it to the address that the request told
    POLL = "poll"  # it is asked again and again


@dataclass(frozen=True, slots=True)
class Header:
    """Its value is an expression's, or that of a secret of this name."""

    name: str
    source: str | None
    secret: str | None


@dataclass(frozen=True, slots=True)
class Mapped:
    """An answer for which the condition holds is an error of this code."""

    code: str
    condition: str
    message: str


@dataclass(frozen=True, slots=True)
class HttpCall:
    """What the diagram says of a call. Texts are Python sources but for method, service and codes; times are seconds.

    Sources about the answer read status, headers and body beside the variables.
    """

    method: str
    url: str
    service: str | None = None
    """One that administrators have set up: its address comes before the URL."""
    headers: tuple[Header, ...] = ()
    query: tuple[Assignment, ...] = ()
    body: str | None = None
    results: tuple[Assignment, ...] = ()
    errors: tuple[Mapped, ...] = ()
    connect_duration: float | None = None
    duration: float | None = None
    later: Later | None = None
    later_duration: float = 86_400
    """How long the outcome may take to come."""
    heartbeat: float | None = None
    """How long it may be silent meanwhile."""
    interval: float = 10
    """Between two questions about it."""

    @property
    def about_answer(self) -> list[str]:
        """The sources that are evaluated when the service has answered."""
        of_errors = [source for error in self.errors for source in (error.condition, error.message)]
        return [mapping.source for mapping in self.results] + of_errors


@dataclass(frozen=True, slots=True)
class Request:
    """A call with its values; nothing in it is secret yet."""

    call: HttpCall
    url: str
    headers: Mapping[str, str]
    secret_headers: Mapping[str, str]
    """Header -> the name of its secret."""
    query: Mapping[str, Json]
    body: Json
    result_variable: str | None
    seen: Mapping[str, Json] = field(repr=False)
    """The variables that the sources about the answer read."""


class HttpTask(FlowNode):
    """Waits for a service that is called by HTTP; an end event, too, has ended only then."""

    def __init__(
        self,
        process: Any,
        element: Element,
        call: HttpCall,
        result_variable: str | None,
        retry: Retry | None = None,
        **options: Any,
    ) -> None:
        super().__init__(process, element, **options)
        self.call = call
        self.result_variable = result_variable
        self.message: Definition = Nothing()
        """What it sends in the words of BPMN; most say nothing of it."""
        self.told: dict[str, Json] = {} if retry is None else {"retry": retry.json()}

    def enter(self, token: Token) -> bool:
        service = self.call.service or _host(token, text_of(value_of(token, self.call.url)))
        if isinstance(self.message, Message):
            correlation.carried(token, self.message, {})  # the answer is known by the keys that went out
        wait_for(token, "http", None, topic=service, **self.told)
        return False

    def request(self, token: Token, callback: str) -> Request:
        """What is sent now. callback: the address to tell the outcome to, which sources call callback_url.

        Raises ScriptFailed.
        """
        workflow, call = token.workflow.top_workflow, self.call

        def text(source: str) -> str:
            return text_of(workflow.evaluate(token, source, {"callback_url": callback}))

        read = {name for source in call.about_answer for name in names(source).read}
        return Request(
            call=call,
            url=text(call.url),
            headers={header.name: text(header.source) for header in call.headers if header.source is not None},
            secret_headers={header.name: header.secret for header in call.headers if header.secret is not None},
            query={each.name: workflow.evaluate(token, each.source) for each in call.query},
            body=None if call.body is None else workflow.evaluate(token, call.body, {"callback_url": callback}),
            result_variable=self.result_variable,
            seen=workflow.scopes.some(token, read),
        )


def _host(token: Token, url: str) -> str:
    """The service's name where the diagram gives none."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        message = f"Expected the address of a service such as https://example.com/orders, but it is {url!r:.100}."
        raise ElementFailed(token.task_spec.bpmn_id, message)
    return host[:255]
