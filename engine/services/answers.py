"""What the answer of a service means: values for the process, an error of the diagram, or a failure of the try."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import orjson

from engine import values
from engine.bpmn.elements.flow_node import text_of
from engine.bpmn.elements.http_task import Request
from engine.bpmn.script import ScriptFailed, constant
from engine.bpmn.variables import check
from engine.errors import BpmnError, ServiceFailed
from engine.jobs import Further
from engine.model import Json
from engine.services.exchange import Answer
from engine.transaction import Store

LONGEST_PAUSE = timedelta(hours=1)
"""That a service may ask for."""
_TRIED_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a try: values for the process, or an error, or nothing yet."""

    values: Mapping[str, Json] = field(default_factory=dict)
    error: BpmnError | None = None
    further: Further | None = None


def outcome_of(store: Store, request: Request, answer: Answer) -> Outcome:
    """An error of the diagram, if the answer is mapped to one; else what is read from it. Raises ServiceFailed."""
    meaning = _Meaning(store, request, answer)
    error = meaning.error()
    if error is not None:
        return Outcome(error=error)
    if not 200 <= answer.status < 300:
        raise _refused(answer)
    return Outcome(meaning.results())


@dataclass(frozen=True, slots=True)
class _Meaning:
    store: Store
    request: Request
    answer: Answer

    def error(self) -> BpmnError | None:
        """The first whose condition holds."""
        for mapped in self.request.call.errors:
            if self._value(mapped.condition, mapped.code):
                message = self._value(mapped.message, mapped.code)
                return BpmnError(mapped.code, "" if message is None else text_of(message))
        return None

    def results(self) -> Mapping[str, Json]:
        found = {each.name: self._value(each.source, each.name) for each in self.request.call.results}
        if self.request.result_variable:
            found[self.request.result_variable] = self._told
        try:
            check(found)
        except TypeError as cause:
            raise ServiceFailed(f"The answer cannot be stored. {cause}", retryable=False, is_up=True) from cause
        return found

    @property
    def _told(self) -> dict[str, Json]:
        answer = self.answer
        return {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}

    def _value(self, source: str, what: str) -> Json:
        known = constant(source)
        if known is not None:
            return known[0]
        try:
            seen = {**self.request.seen, **self._told}
            return self.store.evaluator.evaluate(source, seen, self.store.clock.now())
        except ScriptFailed as cause:
            message = f'Expected the answer to hold what "{what}" is read from, but: {cause}'
            raise ServiceFailed(message, retryable=False, names=["Mapping"], is_up=True) from cause


def _refused(answer: Answer) -> ServiceFailed:
    status = answer.status
    if 300 <= status < 400:
        where = answer.headers.get("location", "elsewhere")
        message = f"Expected an answer, but it is a redirect ({status}) to {where}, which is not followed."
    else:
        said = beginning(answer.body, _SHOWN_CHARACTERS)
        message = f"Expected a status from 200 to 299, but it is {status}{f': {said}' if said else '.'}"
    return ServiceFailed(
        values.shown(message, 1_000),
        retryable=status in _TRIED_AGAIN,
        is_up=status < 500 and status not in _TRIED_AGAIN,
        retry_after=asked_pause(answer),
        names=[str(status), f"{status // 100}xx"],
    )


def beginning(body: Json, longest: int) -> str:
    """Of what a body says."""
    text = body if isinstance(body, str) else "" if body is None else orjson.dumps(body, default=text_of).decode()
    return text[:longest]


def asked_pause(answer: Answer) -> timedelta | None:
    """What Retry-After says, in seconds or as a moment."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return min(timedelta(seconds=int(text)), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), min(moment - datetime.now(moment.tzinfo), LONGEST_PAUSE))
