"""The webhooks that administrators have set up, and what came to each."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import delete, select

from engine import history, values
from engine.errors import InvalidValues, NotFound
from engine.messages import LONGEST_LIFETIME
from engine.model.people import Right
from engine.storage.tables import DeliveryRow, WebhookRow
from engine.transaction import Transaction
from engine.webhooks import reading
from engine.webhooks.model import Delivery, Expressions, Outcome, Scheme, Target, Webhook

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_PROVEN = 50
MOST_UNPROVEN = 20
"""Deliveries that are kept of each webhook; strangers do not push out the others."""
LONGEST_TOLD = 1_000


def put(tx: Transaction, webhook: Webhook) -> None:
    """Set up a webhook, or change it. Raises Forbidden, InvalidValues naming the fields."""
    tx.require(Right.REPAIR)
    errors = {**_errors(webhook), **reading.problems(webhook.expressions)}
    if errors:
        raise InvalidValues(errors)
    lifetime = webhook.lifetime
    row = WebhookRow(
        name=webhook.name,
        target=webhook.target,
        target_name=webhook.target_name,
        scheme=webhook.scheme,
        secret=webhook.secret,
        expressions=asdict(webhook.expressions),
        lifetime_seconds=None if lifetime is None else int(lifetime.total_seconds()),
        is_active=webhook.is_active,
        updated_at=tx.now,
        updated_by=tx.actor.id,
    )
    tx.session.merge(row)
    tx.session.flush()
    data = {"name": webhook.name, str(webhook.target): webhook.target_name, "active": webhook.is_active}
    history.append(tx, [history.event(tx, "webhook set", data=data)])


def _errors(webhook: Webhook) -> dict[str, str]:
    errors = {}
    if not _NAME.fullmatch(webhook.name):
        errors["name"] = "Expected up to 100 of a-z, 0-9, dot, dash and underscore."
    if not _SECRET.fullmatch(webhook.secret):
        errors["secret"] = "Expected the name of a secret."
    if not 0 < len(webhook.target_name) <= 255 or values.shown(webhook.target_name) != webhook.target_name:
        errors["target_name"] = "Expected from 1 to 255 plain characters."
    if webhook.lifetime is not None and not timedelta(seconds=1) <= webhook.lifetime <= LONGEST_LIFETIME:
        errors["lifetime"] = f"Expected from one second to {LONGEST_LIFETIME.days} days, or nothing."
    if webhook.lifetime is not None and webhook.target is Target.SIGNAL:
        errors["lifetime"] = "Expected nothing: a signal goes to who waits now, and is not kept."
    return errors


def find(tx: Transaction) -> list[Webhook]:
    """By name."""
    tx.require(Right.INSPECT)
    return [_webhook(row) for row in tx.session.scalars(select(WebhookRow).order_by(WebhookRow.name))]


def get(tx: Transaction, name: str) -> Webhook:
    """Raises Forbidden, NotFound."""
    tx.require(Right.INSPECT)
    found = called(tx, name)
    if found is None:
        raise NotFound(f"There is no webhook {name}.")
    return found


def called(tx: Transaction, name: str) -> Webhook | None:
    """For a delivery."""
    row = tx.session.get(WebhookRow, values.shown(name))
    return None if row is None else _webhook(row)


def delete_webhook(tx: Transaction, name: str) -> None:
    """What is sent to it is refused from now on. Raises Forbidden, NotFound."""
    tx.require(Right.REPAIR)
    gone = delete(WebhookRow).where(WebhookRow.name == name).returning(WebhookRow.name)
    if tx.session.scalar(gone) is None:
        raise NotFound(f"There is no webhook {name}.")
    history.append(tx, [history.event(tx, "webhook deleted", data={"name": name})])


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(
        name=row.name,
        target=Target(row.target),
        target_name=row.target_name,
        scheme=Scheme(row.scheme),
        secret=row.secret,
        expressions=Expressions(**row.expressions),
        lifetime=None if row.lifetime_seconds is None else timedelta(seconds=row.lifetime_seconds),
        is_active=row.is_active,
    )


# ---- deliveries ----------------------------------------------------------------------------------------------------


def deliveries(tx: Transaction, name: str) -> list[Delivery]:
    """The last ones of a webhook, newest first."""
    tx.require(Right.INSPECT)
    query = select(DeliveryRow).where(DeliveryRow.webhook == name).order_by(DeliveryRow.id.desc())
    return [_delivery(row) for row in tx.session.scalars(query)]


def note(tx: Transaction, name: str, delivery: Delivery) -> None:
    """Keep what came of a delivery, and forget those of long ago. A webhook that is gone by now has none."""
    if tx.session.scalar(select(WebhookRow.name).where(WebhookRow.name == name).with_for_update(read=True)) is None:
        return
    is_proven = delivery.outcome is not Outcome.UNPROVEN
    row = DeliveryRow(
        webhook=name,
        at=delivery.at,
        is_proven=is_proven,
        outcome=delivery.outcome,
        message=values.shown(delivery.message, LONGEST_TOLD),
        instance_id=delivery.instance_id,
        message_id=delivery.message_id and values.shown(delivery.message_id, 255),
    )
    tx.session.add(row)
    tx.session.flush()
    alike = (DeliveryRow.webhook == name, DeliveryRow.is_proven == is_proven)
    kept = MOST_PROVEN if is_proven else MOST_UNPROVEN
    old = select(DeliveryRow.id).where(*alike).order_by(DeliveryRow.id.desc()).offset(kept).limit(1)
    tx.session.execute(delete(DeliveryRow).where(*alike, DeliveryRow.id <= old.scalar_subquery()))


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        at=row.at,
        outcome=Outcome(row.outcome),
        message=row.message,
        instance_id=row.instance_id,
        message_id=row.message_id,
    )
