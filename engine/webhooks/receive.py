"""A delivery comes in: proven, read, and handed over once, or kept, or refused with nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from engine import messages, receipts, secrets, signals
from engine.errors import Busy, Conflict, NotFound, Rejected, ServiceFailed
from engine.model import Json
from engine.model.people import SYSTEM, Actor, Right
from engine.transaction import Store, Transaction
from engine.webhooks import catalog, reading, signatures
from engine.webhooks.model import Delivery, Outcome, Parts, Target, Webhook
from engine.webhooks.signatures import Unproven


@dataclass(frozen=True, slots=True)
class Sent:
    """What came, byte for byte."""

    raw: bytes
    headers: Mapping[str, str]
    """Names in small letters."""

    @property
    def body(self) -> Json:
        """Raises InvalidValues."""
        return reading.body_of(self.headers.get("content-type", ""), self.raw)


def receive(store: Store, name: str, sent: Sent) -> Delivery:
    """Take what was sent to a webhook.

    1. Its signature is checked: without one that fits, and for a webhook that is not there, nothing else is looked at.
    2. Its parts are read: outside of any transaction that changes something, for scripts take their time.
    3. It is handed over, once, in the one transaction that notes it too.
    4. What is refused is noted in a transaction of its own: the one before was rolled back.
    Raises Busy: it may be sent again.
    """
    with store.reading(SYSTEM) as tx:
        webhook = catalog.called(tx, name)
    if webhook is None or not webhook.is_active:
        return Delivery(tx.now, Outcome.UNPROVEN)
    try:
        id = _proven(store, webhook, sent)
        return _handed_over(store, webhook, _read(store, webhook, sent), id)
    except Busy:
        raise
    except Rejected as cause:
        return _noted(store, webhook, Delivery(store.clock.now(), _refusal(cause), str(cause)))


def _proven(store: Store, webhook: Webhook, sent: Sent) -> str:
    """The id of the delivery. Raises Unproven."""
    try:
        with store.reading(SYSTEM) as tx:
            secret = secrets.reveal(tx, webhook.secret)
    except ServiceFailed as cause:
        raise Unproven(str(cause)) from cause
    window = store.settings.webhook_window
    return signatures.verify(webhook.scheme, secret, sent.headers, sent.raw, now=tx.now, window=window)


def _read(store: Store, webhook: Webhook, sent: Sent) -> Parts | None:
    """None: it is to be passed over. Raises InvalidValues."""
    return reading.parts_of(store.evaluator, webhook.expressions, sent.body, sent.headers, store.clock.now())


def _handed_over(store: Store, webhook: Webhook, parts: Parts | None, id: str) -> Delivery:
    with store.transaction(_actor(webhook)) as tx:
        if parts is None:
            delivery = Delivery(tx.now, Outcome.PASSED_OVER)
        else:
            delivery = _take(tx, webhook, parts, parts.message_id or id)
        catalog.note(tx, webhook.name, delivery)
    return delivery


def _message_id(webhook: Webhook, id: str) -> str:
    """Among the ids of all who send messages of this name."""
    whole = f"webhook {webhook.name} {id}"
    return whole if len(whole) <= receipts.LONGEST_ID else f"webhook {sha256(whole.encode()).hexdigest()}"


def _take(tx: Transaction, webhook: Webhook, parts: Parts, id: str) -> Delivery:
    """Raises NotFound, Conflict, Invalid, InvalidValues."""
    message_id = _message_id(webhook, id)
    if receipts.is_known(tx, webhook.target_name, message_id):
        taker = receipts.taker(tx, webhook.target_name, message_id)
        return Delivery(tx.now, Outcome.REPEATED, instance_id=taker, message_id=id)
    if webhook.target is Target.SIGNAL:
        count = signals.broadcast(tx, webhook.target_name, parts.variables, message_id=message_id)
        return Delivery(tx.now, Outcome.TAKEN, f"Received by {count}.", message_id=id)
    taker = messages.correlate(
        tx,
        webhook.target_name,
        business_key=parts.business_key,
        correlation_key=parts.correlation_key,
        variables=parts.variables,
        message_id=message_id,
        lifetime=webhook.lifetime,
    )
    outcome = Outcome.KEPT if taker is None else Outcome.TAKEN
    return Delivery(tx.now, outcome, instance_id=taker, message_id=id)


_REFUSALS: Mapping[type[Rejected], Outcome] = {
    NotFound: Outcome.UNAWAITED,
    Conflict: Outcome.AMBIGUOUS,
    Unproven: Outcome.UNPROVEN,
    Rejected: Outcome.UNREADABLE,
}
"""The first class of an error that it is one of decides."""


def _refusal(cause: Rejected) -> Outcome:
    return next(outcome for kind, outcome in _REFUSALS.items() if isinstance(cause, kind))


def _noted(store: Store, webhook: Webhook, delivery: Delivery) -> Delivery:
    with store.transaction(_actor(webhook)) as tx:
        catalog.note(tx, webhook.name, delivery)
    return delivery


def _actor(webhook: Webhook) -> Actor:
    return Actor(f"webhook:{webhook.name}", rights=frozenset({Right.MESSAGE}))


# ---- trying it out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preview:
    """What a delivery would do."""

    parts: Parts | None
    """None: it would be passed over."""
    instance_ids: tuple[int, ...] = ()
    """Who would take it."""
    starts: tuple[str, ...] = ()
    """The keys of the processes that it would begin."""


def preview(tx: Transaction, name: str, sent: Sent) -> Preview:
    """Read a delivery, signed or not, and see who waits; nothing is done. Raises Forbidden, NotFound, InvalidValues."""
    tx.require(Right.REPAIR)
    webhook = catalog.get(tx, name)
    parts = _read(tx.store, webhook, sent)
    if parts is None or webhook.target is Target.SIGNAL:
        return Preview(parts)
    keys = {"business_key": parts.business_key, "correlation_key": parts.correlation_key}
    waiting, starts = messages.takers(tx, webhook.target_name, variables=parts.variables, **keys)
    return Preview(parts, tuple(waiting), tuple(starts))
