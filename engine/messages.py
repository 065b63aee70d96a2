"""Messages: each to the one instance that it is for, now or within its time to live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, Row, Text, delete, desc, func, select, true, type_coerce

from engine import execution, history, incidents, instances, jobs, receipts, values, waits
from engine.bpmn.elements import correlation
from engine.bpmn.elements.event_definition import Message
from engine.bpmn.names import element_of
from engine.bpmn.parse.correlations import SIMPLE
from engine.bpmn.runtime import Run
from engine.bpmn.variables import check
from engine.errors import Conflict, Invalid, InvalidValues, NotFound, ServiceFailed
from engine.jobs import Handler, Job, NewJob
from engine.model import Json
from engine.model.people import Right
from engine.model.problems import Place, Problem
from engine.storage.tables import (
    CorrelationRow,
    DefinitionRow,
    InstanceRow,
    JobRow,
    MessageRow,
    SubscriptionRow,
)
from engine.transaction import Transaction

MOST_RULES = 100
"""Ways to retrieve keys from one message that are tried: those known last."""
MOST_WAITING = 1_000
LONGEST_LIFETIME = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message on its way, and what is known of whom it is for."""

    name: str
    payload: Mapping[str, Json]
    business_key: str | None = None
    instance_id: int | None = None
    keys: Sequence[str] = ()
    """Those that it carries, see correlation."""
    matching: Mapping[str, Json] = field(default_factory=dict)
    """Variables that the process which waits has, with their values."""


def correlate(
    tx: Transaction,
    name: str,
    *,
    business_key: str | None = None,
    correlation_key: str | None = None,
    variables: Mapping[str, Json] | None = None,
    instance_id: int | None = None,
    matching: Mapping[str, Json] | None = None,
    message_id: str | None = None,
    lifetime: timedelta | None = None,
) -> int | None:
    """Deliver a message to the one instance that waits for it, else start the one that begins with it; gives its id.

    correlation_key: what the diagram's procession:correlationKey must give where it is waited for. The keys of the
    standard are retrieved from the variables. matching: only who has variables of these values; they are not kept for
    a message that waits. message_id: a second message of that id changes nothing.
    lifetime: how long it waits for somebody when nobody does now; gives None then, and for a second one of its id as
    long as it waits. It waits for whoever comes, so it names no instance.
    Where it is waited for at several places of that instance, it goes to the one that has waited longest.
    Raises NotFound when nobody waits, Conflict when several do, Invalid and InvalidValues for what no row can hold.
    """
    tx.require(Right.MESSAGE)
    execution.check_business_key(business_key)
    payload = variables or {}
    require_storable(name, payload)
    if lifetime is not None:
        _require_fitting(lifetime, instance_id)
    if message_id is not None and not receipts.is_new(tx, name, message_id):
        return receipts.taker(tx, name, message_id)
    keys = _carried(tx, name, payload, correlation_key)
    sent = _Sent(name, payload, business_key, instance_id, keys, matching or {})
    taker = _hand_over(tx, sent)
    if taker is None and lifetime is None:
        raise NotFound(f'Expected an instance to wait for message "{name}", but none does, and none starts with it.')
    if taker is None:
        _keep(tx, sent, lifetime or timedelta(), message_id=message_id)
    else:
        receipts.note_taker(tx, name, message_id, taker)
    return taker


def correlate_all(
    tx: Transaction,
    name: str,
    *,
    business_key: str | None = None,
    variables: Mapping[str, Json] | None = None,
    instance_id: int | None = None,
    matching: Mapping[str, Json] | None = None,
    message_id: str | None = None,
) -> list[int]:
    """Deliver a message to each instance that waits for it, one of its own to each; gives their ids.

    message_id: a second one of that id goes to nobody.
    Raises Conflict when more than MOST_WAITING wait: nobody gets it then; and Invalid, InvalidValues as correlate does.
    """
    takers = waiting(tx, name, business_key=business_key, instance_id=instance_id, matching=matching)
    if len(takers) > MOST_WAITING:
        raise Conflict(f'Expected at most {MOST_WAITING:,} to wait for message "{name}", but there are more.')
    if message_id is not None and not receipts.is_new(tx, name, message_id):
        return []
    about = {"business_key": business_key, "variables": variables, "matching": matching}
    found = [correlate(tx, name, instance_id=each, **about) for each in takers]  # type: ignore[arg-type]
    return [each for each in found if each is not None]


# ---- for whom ------------------------------------------------------------------------------------------------------


def _carried(tx: Transaction, name: str, payload: Mapping[str, Json], correlation_key: str | None) -> list[str]:
    return _keys(tx, name, payload) if correlation_key is None else [correlation.on_message(SIMPLE, [correlation_key])]


def _keys(tx: Transaction, name: str, payload: Mapping[str, Json]) -> list[str]:
    """The keys that a message carries, by every rule that a definition gives for its name."""
    rules = select(CorrelationRow.name, CorrelationRow.retrieved, func.max(CorrelationRow.id).label("last"))
    mine = rules.where(CorrelationRow.message == values.shown(name))
    grouped = mine.group_by(CorrelationRow.name, CorrelationRow.retrieved)
    found = tx.session.execute(grouped.order_by(desc("last")).limit(MOST_RULES)).all()
    evaluator = tx.store.evaluator
    carried = [(key, correlation.retrieved(evaluator, sources, payload, tx.now)) for key, sources, _last in found]
    return [correlation.on_message(key, told) for key, told in carried if told is not None]


def takers(
    tx: Transaction,
    name: str,
    *,
    business_key: str | None = None,
    correlation_key: str | None = None,
    variables: Mapping[str, Json] | None = None,
) -> tuple[list[int], list[str]]:
    """Who would take such a message now: instances; if none, the keys of the processes that begin with it."""
    tx.require(Right.MESSAGE)
    sent = _Sent(name, variables or {}, business_key, keys=_carried(tx, name, variables or {}, correlation_key))
    waiting = [row.instance_id for row in _fitting(tx, sent) if row.instance_id is not None]
    return waiting, [] if waiting else [definition.key for _, definition in _starts(tx, name)]


def _hand_over(tx: Transaction, sent: _Sent) -> int | None:
    """Deliver it, or start an instance with it; gives that instance's id. None: nobody waits. Raises Conflict."""
    fitting = _fitting(tx, sent)
    takers = list(dict.fromkeys(row.instance_id for row in fitting))
    if len(takers) > 1:
        ids = ", ".join(map(str, takers))
        raise Conflict(
            f'Expected one instance to wait for message "{sent.name}", but these do: {ids}. '
            "Name the business key or the correlation key."
        )
    return deliver(tx, fitting[0], sent.payload, sent.keys) if fitting else _start(tx, sent)


def _fitting(tx: Transaction, sent: _Sent) -> list[SubscriptionRow]:
    return next(filter(None, (_waiting(tx, sent, fits) for fits in _in_turn(sent))), [])


def _in_turn(sent: _Sent) -> list[ColumnElement[bool]]:
    """Who waits under a key of the message comes before who waits without one; under another key nobody takes it.

    Unless the business key, the instance or variables of it are named, and no key is known: then that says enough.
    """
    unkeyed = SubscriptionRow.correlation_key.is_(None)
    if sent.keys:
        return [SubscriptionRow.correlation_key.in_(map(correlation.text_on_message, sent.keys)), unkeyed]
    is_told = sent.business_key is not None or sent.instance_id is not None or sent.matching
    return [true()] if is_told else [unkeyed]


def _waiting(tx: Transaction, sent: _Sent, fits: ColumnElement[bool]) -> list[SubscriptionRow]:
    """Who waits for a message, the longest waiting of each instance; ten are enough to tell that it is not clear."""
    first = select(func.min(SubscriptionRow.id)).join(InstanceRow, InstanceRow.id == SubscriptionRow.instance_id)
    first = first.where(_of(sent.name), fits)
    if sent.business_key is not None:
        first = first.where(InstanceRow.business_key == sent.business_key)
    if sent.instance_id is not None:
        first = first.where(InstanceRow.id == sent.instance_id)
    if sent.matching:
        first = first.where(instances.with_values(InstanceRow.id, sent.matching))
    ids = tx.session.scalars(first.group_by(InstanceRow.id).order_by(InstanceRow.id).limit(10)).all()
    rows = select(SubscriptionRow).where(SubscriptionRow.id.in_(ids)).order_by(SubscriptionRow.instance_id)
    return list(tx.session.scalars(rows)) if ids else []


def waiting(
    tx: Transaction,
    name: str,
    *,
    business_key: str | None = None,
    instance_id: int | None = None,
    matching: Mapping[str, Json] | None = None,
) -> list[int]:
    """The instances that wait for a message of this name; MOST_WAITING and one more tell that there are too many."""
    tx.require(Right.MESSAGE)
    query = select(InstanceRow.id).join(SubscriptionRow, SubscriptionRow.instance_id == InstanceRow.id)
    query = query.where(_of(name), instances.with_values(InstanceRow.id, matching or {}))
    if business_key is not None:
        query = query.where(InstanceRow.business_key == business_key)
    if instance_id is not None:
        query = query.where(InstanceRow.id == instance_id)
    return list(tx.session.scalars(query.distinct().order_by(InstanceRow.id).limit(MOST_WAITING + 1)))


def require_storable(name: str, payload: Mapping[str, Json]) -> None:
    try:
        check(payload)
    except TypeError as cause:
        raise Invalid([Problem("variable-type", str(cause), Place(name))]) from cause


def _require_fitting(lifetime: timedelta, instance_id: int | None) -> None:
    if not timedelta() < lifetime <= LONGEST_LIFETIME:
        told = f"Expected a lifetime above zero and of at most {LONGEST_LIFETIME.days} days, but it is {lifetime}."
        raise InvalidValues({"lifetime": told})
    if instance_id is not None:
        raise InvalidValues({"lifetime": "Expected no lifetime where the instance is named. Leave out one of them."})


def _of(name: str) -> ColumnElement[bool]:
    return (SubscriptionRow.kind == "message") & (SubscriptionRow.name == values.shown(name))


def deliver(tx: Transaction, row: SubscriptionRow, payload: Mapping[str, Json], keys: Sequence[str] = ()) -> int:
    instance_id, token, awaited = row.instance_id or 0, row.token or "", row.element_id
    at, data = element_of(awaited), {"name": row.name}
    told = history.event(tx, f"{row.kind} received", instance_id=instance_id, element_id=at, data=data)
    history.append(tx, [told])
    execution.advance(tx, instance_id, lambda run: _happen(run, token, awaited, payload, keys))
    return instance_id


def _happen(run: Run, token_id: str, awaited: str, payload: Mapping[str, Json], keys: Sequence[str]) -> None:
    token = run.workflow.token(token_id)
    if token is not None:
        correlation.delivered(token, awaited, payload, keys)
    run.happen(token_id, awaited, payload)


def _starts(tx: Transaction, name: str) -> Sequence[Row[SubscriptionRow, DefinitionRow]]:
    rows = select(SubscriptionRow, DefinitionRow)
    of_both = rows.join(DefinitionRow, DefinitionRow.id == SubscriptionRow.definition_id)
    return tx.session.execute(of_both.where(_of(name)).limit(10)).all()


def _start(tx: Transaction, sent: _Sent) -> int | None:
    rows = _starts(tx, sent.name)
    if not rows:
        return None
    if len(rows) > 1:
        keys = ", ".join(definition.key for _, definition in rows)
        raise Conflict(f'Expected one process to start with message "{sent.name}", but these do: {keys}.')
    ((start, definition),) = rows
    known, at = _begun_under(tx, start, sent), start.element_id
    return execution.begin(tx, definition, sent.payload, business_key=sent.business_key, start_event=at, keys=known)


def _begun_under(tx: Transaction, start: SubscriptionRow, sent: _Sent) -> correlation.KnownKeys:
    """The keys by which later messages find the instance. Source: BPMN 2.0.2, 8.4.2, Key-based Correlation."""
    point = execution.process_of(tx, start.definition_id or 0).start_at(start.element_id)
    if point is None or not isinstance(point.definition, Message):
        return {}
    return correlation.begins(tx.store.evaluator, point.definition, sent.payload, sent.keys, tx.now)


# ---- thrown by instances, and kept until somebody waits ------------------------------------------------------------


def _post(tx: Transaction, job: Job, _result: object) -> None:
    """A message was thrown. Nobody waits for it yet: it is kept, until somebody does or its time is over.

    Without a correlation key it goes to who has the business key of its thrower, when that has one.
    """
    name, thrower, payload = str(job.payload["name"]), int(job.payload["from"]), values.decode(job.payload["values"])
    keys = job.payload.get("keys") or _keys(tx, name, payload)
    business_key = tx.session.scalar(select(InstanceRow.business_key).where(InstanceRow.id == thrower))
    sent = _Sent(name, payload, None if keys else business_key, keys=keys)
    if _hand_over(tx, sent) is None:
        _keep(tx, sent, tx.store.settings.message_lifetime, thrower=thrower)


def _keep(
    tx: Transaction, sent: _Sent, lifetime: timedelta, *, thrower: int | None = None, message_id: str | None = None
) -> None:
    row = MessageRow(
        name=values.shown(sent.name),
        payload=values.encode(dict(sent.payload)),
        thrower_id=thrower,
        business_key=sent.business_key,
        keys=list(sent.keys),
        message_id=message_id,
        kept_at=tx.now,
        expires_at=tx.now + lifetime,
    )
    tx.session.add(row)
    tx.session.flush()
    again = NewJob("seek", payload=_seeking(row, last=False), due_at=tx.now + AGAIN)
    last = NewJob("seek", payload=_seeking(row, last=True), due_at=row.expires_at)
    jobs.add_many(tx, [again, last])


def _seeking(row: MessageRow, *, last: bool) -> dict[str, Json]:
    return {"name": row.name, "message": row.id, "last": last}


AGAIN = timedelta(seconds=2)
"""Who began to wait in a transaction beside ours did not see the message, nor it him: it looks once more."""


def _seek(tx: Transaction, job: Job, _result: object) -> None:
    """A kept message looks for somebody who takes it. Of two that look at once the second finds it gone."""
    if job.payload.get("more"):
        waits.seek_all(tx, str(job.payload["name"]), after=int(job.payload["message"]))
    row = tx.session.get(MessageRow, job.payload["message"], with_for_update=True)
    if row is None:
        return
    sent = _Sent(row.name, values.decode(row.payload), row.business_key, keys=row.keys)
    taker = _hand_over(tx, sent)
    if taker is not None:
        receipts.note_taker(tx, row.name, row.message_id, taker)
        forget(tx, row)
    elif job.payload["last"]:
        who = "from outside came" if row.thrower_id is None else f"of instance {row.thrower_id} was thrown"
        raise ServiceFailed(f'Message "{row.name}" {who}, but nobody took it in time.', retryable=False)


def forget(tx: Transaction, row: MessageRow) -> None:
    """It was taken, or is not wanted: nobody has to tell that it was not, and who has told it is put right."""
    sought = values.dump(_seeking(row, last=True)).removesuffix("}")
    is_for_it = type_coerce(JobRow.payload, Text).startswith(sought, autoescape=True)
    last = (JobRow.kind == "seek", JobRow.due_at == row.expires_at, is_for_it)
    tx.session.execute(delete(JobRow).where(*last))
    tx.session.delete(row)
    tx.session.flush()


MESSAGE = Handler(finish=_post, gave_up=incidents.give_up)
SEEK = Handler(finish=_seek, gave_up=incidents.give_up)
