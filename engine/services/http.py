"""Calls of services by HTTP: one try, from what the diagram says to the record of how it went."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urljoin

import orjson

from engine import circuits, execution, incidents, secrets, values
from engine.bpmn.elements.flow_node import text_of
from engine.bpmn.elements.http_task import Later, Request
from engine.bpmn.script import ScriptFailed
from engine.config import Settings
from engine.errors import ServiceFailed
from engine.jobs import Further, Handler, Job, Told
from engine.model import Json
from engine.model.people import SYSTEM
from engine.model.services import Auth, Service, TryOutcome
from engine.services import callbacks, catalog, oauth2
from engine.services.answers import Outcome, asked_pause, beginning, outcome_of
from engine.services.exchange import Answer, Sent, exchange
from engine.transaction import Store, Transaction

LONGEST_TOLD = 4_000
"""Characters of what is recorded of a request or an answer."""
_HARMLESS = frozenset({"GET", "HEAD"})
"""Methods that change nothing: they need no key to be harmless twice."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A try that is about to be made."""

    request: Request
    sent: Sent
    hidden: tuple[str, ...] = field(repr=False)
    """What must not be recorded."""
    forget: Callable[[], None] | None = field(repr=False)
    """What to do when the service refuses our access token; None: we show none, or it is new."""


class _TokenRefused(Exception):
    """The service does not take an access token that it took before."""


# ---- one try -------------------------------------------------------------------------------------------------------


def _call(store: Store, job: Job, told: Told) -> Outcome:
    """The slow part. May run twice after a crash: the key in Idempotency-Key is the same then."""
    try:
        return _tried(store, job, told, _prepared(store, job))
    except _TokenRefused:
        return _tried(store, job, told, replace(_prepared(store, job), forget=None))


def _tried(store: Store, job: Job, told: Told, call: _Call) -> Outcome:
    awaited = job.payload.get("awaiting")
    try:
        if awaited is not None and awaited["try"] == job.attempts:
            return _still_awaited(store, job, told, call)
        return _made(store, job, told, call)
    except ServiceFailed as failure:
        raise masked_failure(failure, call.hidden) from None  # its own words may tell what is secret


def _made(store: Store, job: Job, told: Told, call: _Call) -> Outcome:
    told.request = masked(_shown_request(call.sent), call.hidden)
    answer = _answer(store, call, call.sent, told)
    if call.request.call.later is not None and answer.status == 202:
        told.outcome = TryOutcome.ACCEPTED
        return Outcome(further=_later(store, job, call, answer))
    return _concluded(store, call, answer, told)


def _answer(store: Store, call: _Call, sent: Sent, told: Told) -> Answer:
    answer = exchange(store.settings, sent)
    told.answer = masked(_shown_answer(answer), call.hidden)
    if answer.status == 401 and call.forget is not None:
        call.forget()
        raise _TokenRefused
    return answer


def _concluded(store: Store, call: _Call, answer: Answer, told: Told) -> Outcome:
    outcome = outcome_of(store, call.request, answer)
    told.error = None if outcome.error is None else outcome.error.code
    return outcome


# ---- what is sent --------------------------------------------------------------------------------------------------


def _prepared(store: Store, job: Job) -> _Call:
    """Everything that a request is made of, as it is now. Raises ServiceFailed."""
    with store.reading(SYSTEM) as tx:
        request, callback = asked(tx, job), callbacks.address(tx, job)
        service = None if request.call.service is None else catalog.called(tx, request.call.service)
        hidden = {header: secrets.reveal(tx, name) for header, name in request.secret_headers.items()}
        proof = "" if service is None or not service.secret else secrets.reveal(tx, service.secret)
    url = _address(store.settings, service, request.url)
    proving = {} if service is None else _proof(store, service, proof)
    headers = {**_usual_headers(job, request), **request.headers, **hidden, **proving}
    sent = Sent(
        method=request.call.method,
        url=url,
        headers=headers,
        query={name: _texts(value) for name, value in request.query.items() if value is not None},
        content=None if request.body is None else _body(request.body),
        duration=request.call.duration,
        connect_duration=request.call.connect_duration,
    )
    unsaid = tuple(filter(None, [*hidden.values(), proof, callback, *_words(proving.values())]))
    return _Call(request, sent, unsaid, _forgetting(store.settings, service, proof))


def secrets_of(tx: Transaction, request: Request) -> tuple[str, ...]:
    """The words by which a call has proven itself, as far as they are known without asking. Raises ServiceFailed."""
    service = None if request.call.service is None else catalog.called(tx, request.call.service)
    hidden = [secrets.reveal(tx, name) for name in request.secret_headers.values()]
    if service is None or not service.secret:
        return tuple(hidden)
    proof = secrets.reveal(tx, service.secret)
    proving = {} if service.auth == Auth.OAUTH2 else _proof(tx.store, service, proof)
    return (*hidden, proof, *_words(proving.values()))


def asked(tx: Transaction, job: Job) -> Request:
    """What the diagram asks for, with the variables as they are now. Raises ServiceFailed."""
    run = execution.look(tx, job.instance_id or 0)
    try:
        return run.request(job.token or "", callbacks.address(tx, job))
    except ScriptFailed as cause:
        raise ServiceFailed(f"What is to be sent cannot be told. {cause}", retryable=False) from cause


def _usual_headers(job: Job, request: Request) -> dict[str, str]:
    """Those that the diagram may say otherwise."""
    usual = {} if request.call.method in _HARMLESS else {"Idempotency-Key": f"{job.instance_id}-{job.token}"}
    if request.body is not None:
        usual["Content-Type"] = "text/plain; charset=utf-8" if isinstance(request.body, str) else "application/json"
    said = {name.lower() for name in request.headers}
    return {name: value for name, value in usual.items() if name.lower() not in said}


def _body(body: Json) -> bytes:
    return body.encode() if isinstance(body, str) else orjson.dumps(body, default=text_of)


def _texts(value: Json) -> str | list[str]:
    return [text_of(each) for each in value] if isinstance(value, list) else text_of(value)


def _address(settings: Settings, service: Service | None, url: str) -> str:
    """Raises ServiceFailed for what may not be called."""
    whole = url if service is None else _joined(service.base_url, url)
    host = catalog.host_of(whole)
    if host is None:
        message = f"Expected the address of a service such as https://example.com/orders, but it is {whole!r:.200}."
        raise ServiceFailed(message, retryable=False)
    own = () if service is None else (catalog.host_of(service.base_url) or "",)
    if not any(_is_of(host, each.lower()) for each in (*settings.http_hosts, *own)):
        message = f"Expected {host} to be a host that may be called, but it is not. Add it to PROCESSION_HTTP_HOSTS."
        raise ServiceFailed(message, retryable=False)
    return whole


def _joined(base: str, url: str) -> str:
    """An address below that of the service; a whole address stays as it is, and has to be allowed by itself."""
    if catalog.host_of(url) is not None or not base:
        return url
    return base.rstrip("/") + "/" + url.lstrip("/") if url else base


def _is_of(host: str, allowed: str) -> bool:
    return host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))


def _proof(store: Store, service: Service, secret: str) -> dict[str, str]:
    """The header by which a service knows us."""
    if service.auth == Auth.NONE:
        return {}
    if service.auth == Auth.BASIC:
        return {"Authorization": f"Basic {b64encode(f'{service.user}:{secret}'.encode()).decode()}"}
    if service.auth == Auth.OAUTH2:
        secret = oauth2.token(store.settings, service, secret)
    return {"Authorization": f"Bearer {secret}"}


def _forgetting(settings: Settings, service: Service | None, secret: str) -> Callable[[], None] | None:
    if service is None or service.auth != Auth.OAUTH2:
        return None
    return partial(oauth2.forget, settings, service, secret)


def _words(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in text.split()[1:]]


# ---- an outcome that comes later -----------------------------------------------------------------------------------


def _later(store: Store, job: Job, call: _Call, answer: Answer) -> Further:
    told, now = call.request.call, store.clock.now()
    until = now + timedelta(seconds=told.later_duration)
    awaiting: dict[str, Json] = {"try": job.attempts, "until": until.isoformat(), "heartbeat": told.heartbeat}
    pause = timedelta(seconds=told.heartbeat or told.later_duration)
    if told.later == Later.POLL:
        awaiting["url"] = _status_url(call.sent.url, answer)
        pause = asked_pause(answer) or timedelta(seconds=told.interval)
    return Further(min(now + pause, until), {**job.payload, "awaiting": awaiting})


def _status_url(asked_at: str, answer: Answer) -> str:
    """Where the service says that its outcome will be. Raises ServiceFailed."""
    location = answer.headers.get("location", "")
    url = urljoin(asked_at, location)
    if not location or catalog.host_of(url) != catalog.host_of(asked_at):
        message = f"Expected the answer 202 to name an address of the same host to ask at, but it is {location!r:.200}."
        raise ServiceFailed(message, retryable=False)
    return url


def _still_awaited(store: Store, job: Job, told: Told, call: _Call) -> Outcome:
    """It is due and the outcome has not come by itself: ask for it, or the try has failed."""
    awaiting = job.payload["awaiting"]
    is_over = store.clock.now() >= datetime.fromisoformat(awaiting["until"])
    if "url" not in awaiting:
        why = "it did not come in time" if is_over else "there was no sign of life in time"
        raise ServiceFailed(f"Expected the service to tell the outcome, but {why}.", names=["Silent"])
    asked = Sent("GET", awaiting["url"], call.sent.headers, duration=call.sent.duration)
    told.request = f"GET {asked.url}"
    answer = _answer(store, call, asked, told)
    if answer.status != 202:
        return _concluded(store, call, answer, told)
    if is_over:
        raise ServiceFailed("Expected the service to be done in time, but it still is not.", names=["Silent"])
    told.outcome = None
    pause = asked_pause(answer) or timedelta(seconds=call.request.call.interval)
    return Outcome(further=Further(store.clock.now() + pause, job.payload))


# ---- what is recorded ----------------------------------------------------------------------------------------------


def masked(text: str, hidden: Iterable[str]) -> str:
    for each in sorted(hidden, key=len, reverse=True):
        text = text.replace(each, "***")
    return text


def masked_failure(failure: ServiceFailed, hidden: Iterable[str]) -> ServiceFailed:
    return ServiceFailed(
        masked(str(failure), hidden),
        retryable=failure.retryable,
        retry_after=failure.retry_after,
        names=failure.names,
        is_up=failure.is_up,
    )


def _shown_request(sent: Sent) -> str:
    lines = [f"{sent.method} {sent.url}", *_lines(sent.query), *_lines(sent.headers)]
    body = "" if sent.content is None else "\n\n" + sent.content[: 4 * LONGEST_TOLD].decode(errors="replace")
    return values.shown("\n".join(lines) + body, LONGEST_TOLD)


def _lines(told: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {value}" for name, value in told.items()]


def _shown_answer(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "")
    return values.shown(f"{answer.status} {kind}\n\n{beginning(answer.body, LONGEST_TOLD)}".rstrip(), LONGEST_TOLD)


# ---- the state -----------------------------------------------------------------------------------------------------


def _record(tx: Transaction, job: Job, outcome: object) -> Further | None:
    """A second run is harmless: the first deleted the job with the wait it stood for."""
    assert isinstance(outcome, Outcome)
    circuits.passed(tx, job.topic)
    if outcome.further is None:
        conclude(tx, job, outcome)
    return outcome.further


def conclude(tx: Transaction, job: Job, outcome: Outcome) -> None:
    """Let the instance go on with it."""
    token, error = job.token or "", outcome.error
    if error is not None:
        execution.advance(tx, job.instance_id or 0, lambda run: run.throw(token, error))
    else:
        execution.advance(tx, job.instance_id or 0, lambda run: run.complete(token, outcome.values))


HANDLER = Handler(call=_call, finish=_record, gave_up=incidents.give_up, failed=circuits.failed)
