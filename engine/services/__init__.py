"""Services: code that service tasks call. In process: a Python function registered under a topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from engine import circuits, execution, incidents
from engine.bpmn.variables import check
from engine.errors import BpmnError, ServiceFailed
from engine.jobs import Handler, Job, Told
from engine.model import Json
from engine.model.people import SYSTEM
from engine.services.limit import TooLong, within
from engine.storage.tables import InstanceRow
from engine.transaction import Store, Transaction
from engine.values import dump, shown


@dataclass(frozen=True, slots=True)
class Call:
    """What a service function is called with."""

    topic: str
    variables: dict[str, Json]
    """What the input mapping made; without one, every variable the task sees."""
    instance_id: int
    business_key: str | None
    element_id: str
    attempt: int
    """From 1 on."""
    idempotency_key: str
    """The same over all tries of one visit to the task: hand it on to what must not happen twice."""


Service = Callable[[Call], Mapping[str, Json] | None]

_SERVICES: dict[str, Service] = {}


def register(topic: str) -> Callable[[Service], Service]:
    """Serve a topic with a function, in this process. Registering a topic again replaces the function."""

    def keep(service: Service) -> Service:
        _SERVICES[topic] = service
        return service

    return keep


def topics() -> list[str]:
    """Topics that are served in this process."""
    return sorted(_SERVICES)


@dataclass(frozen=True, slots=True)
class _Answer:
    values: Mapping[str, Json]
    error: BpmnError | None = None


LONGEST_TOLD = 4_000
"""Characters of what is recorded of a request or an answer."""


def _call(store: Store, job: Job, record: Told) -> _Answer:
    """The slow part, outside any transaction. May run twice after a crash: the idempotency key is the same then."""
    topic, service = job.topic, _SERVICES[job.topic]
    told, patience = _prepared(store, job, topic), store.settings.service_duration
    record.request = told_of(told.variables)
    try:
        values = within(patience, lambda: service(told))
    except BpmnError as error:
        record.error = error.code
        return _Answer({}, error)
    except TooLong as cause:
        raise ServiceFailed(f'Expected service "{topic}" to answer, but {cause}.') from cause
    answer = _storable(topic, values, job.payload.get("result"))
    record.answer = told_of(answer)
    return _Answer(answer)


def told_of(told: Mapping[str, Json]) -> str:
    """The beginning of it in JSON; together, variables may be more than any one of them."""
    text = ""
    for name, value in told.items():
        text += f"{',' if text else '{'}{dump(name)}:{dump(value)}"
        if len(text) > LONGEST_TOLD:
            break
    return shown(f"{text or '{'}}}", LONGEST_TOLD)


def _storable(topic: str, values: object, result_variable: str | None) -> Mapping[str, Json]:
    """What a service returned, as variables. Asking again would not make it better."""
    if values is not None and not isinstance(values, Mapping):
        kind = type(values).__name__
        message = f'Expected service "{topic}" to return a dict, but it returned {kind}.'
        raise ServiceFailed(message, retryable=False, is_up=True)
    told = dict(values or {})
    answer = {result_variable: told} if result_variable else told
    try:
        check(answer)
    except TypeError as cause:
        message = f'The answer of service "{topic}" cannot be stored. {cause}'
        raise ServiceFailed(message, retryable=False, is_up=True) from cause
    return answer


def _prepared(store: Store, job: Job, topic: str) -> Call:
    token, instance_id = job.token or "", job.instance_id or 0
    with store.reading(SYSTEM) as tx:
        run = execution.look(tx, instance_id)
        values = run.input_of(token)
        business_key = tx.session.scalar(select(InstanceRow.business_key).where(InstanceRow.id == instance_id))
    return Call(
        topic=topic,
        variables=values,
        instance_id=instance_id,
        business_key=business_key,
        element_id=job.element_id or "",
        attempt=job.attempts + 1,
        idempotency_key=f"{instance_id}-{token}",
    )


def _record(tx: Transaction, job: Job, answer: object) -> None:
    """The service has answered. A second run is harmless: the first deleted the job with the wait it stood for."""
    assert isinstance(answer, _Answer)
    circuits.passed(tx, job.topic)
    token, error = job.token or "", answer.error
    if error is not None:
        execution.advance(tx, job.instance_id or 0, lambda run: run.throw(token, error))
    else:
        execution.advance(tx, job.instance_id or 0, lambda run: run.complete(token, answer.values))


HANDLER = Handler(call=_call, finish=_record, gave_up=incidents.give_up, failed=circuits.failed)
