"""How many calls of a service may be made now: it may be down, and administrators may have set limits."""

from __future__ import annotations

from math import floor

from sqlalchemy import or_, select

from engine import circuits, leases
from engine.storage.tables import ServiceRow
from engine.transaction import Transaction

_LIMITED = or_(ServiceRow.most_at_once.is_not(None), ServiceRow.most_per_second.is_not(None))


class Gate:
    """For one look for due jobs."""

    def __init__(self) -> None:
        self.held_back = False
        """Whether some had to wait: there will be more when others have ended."""

    def allows(self, tx: Transaction, queue: str, topic: str, wanted: int) -> int:
        if not topic:
            return wanted
        allowed = circuits.allows(tx, topic, wanted)
        if allowed:
            allowed = _within_limits(tx, queue, topic, allowed)
        self.held_back |= allowed < wanted
        return allowed


def is_free(tx: Transaction, topic: str) -> bool:
    """Whether calls need not ask: there is no limit, and no failure of late."""
    limited = select(ServiceRow.name).where(ServiceRow.name == topic, _LIMITED)
    return not topic or (tx.connection.scalar(limited) is None and not circuits.has_failed(tx, topic))


def _within_limits(tx: Transaction, queue: str, topic: str, wanted: int) -> int:
    """The service's row stays locked: two who look at once do not both take the last place."""
    limited = select(ServiceRow).where(ServiceRow.name == topic, _LIMITED).with_for_update()
    row = tx.session.scalars(limited).one_or_none()
    if row is None:
        return wanted
    if row.most_at_once is not None:
        wanted = min(wanted, max(0, row.most_at_once - leases.count_held(tx, queue, topic)))
    return wanted if row.most_per_second is None else _within_rate(tx, row, row.most_per_second, wanted)


def _within_rate(tx: Transaction, row: ServiceRow, most: float, wanted: int) -> int:
    """What was spent flows off with time; at most the calls of one second, or one, are made at once."""
    passed = 0.0 if row.spent_at is None else (tx.now - row.spent_at).total_seconds()
    spent = max(0.0, row.spent - passed * most)
    allowed = min(wanted, max(0, floor(max(most, 1.0) - spent + 1e-9)))
    row.spent, row.spent_at = spent + allowed, tx.now
    tx.session.flush()
    return allowed
