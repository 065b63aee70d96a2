"""Many payments with outcomes by chance, and the proof from the bank's ledger that each was charged exactly once.

`python -m processes.payment.proof` does so beside a running demonstration, while you kill whatever you like.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.request import urlopen

import click

from engine import SYSTEM, Engine, InstanceStatus, Settings, incidents, instances, progress
from engine.services import catalog

RESERVED, CHARGED, SETTLED = ("reserved",), ("reserved", "charged"), ("reserved", "charged", "settled")
ENDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "3456": ("Settled", (*SETTLED, "confirmed")),
    "0000": ("Declined", ()),
    "5555": ("Not charged", (*RESERVED, "released")),
    "8888": ("Settlement refused", (*CHARGED, "refunded", "released")),
    "7777": ("Cancelled by shop", (*SETTLED, "returned", "refunded", "released")),
    "9999": ("Timed out", (*CHARGED, "refunded", "released")),
}
"""End of the account -> where the payment ends, and what the bank and the shop have done then, each once."""
USUAL = "3456"
ACTS = ("reserved", "charged", "settled", "confirmed", "returned", "refunded", "released")
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Payment:
    instance_id: int
    reference: str
    account: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a payment, in the instance and in the ledger."""

    payment: Payment
    end: str
    """Where it ended; "stuck" where it waits for an administrator, "" where it goes on."""
    acts: Mapping[str, int]
    """What the bank and the shop did -> how often."""

    @property
    def fault(self) -> str:
        """What is wrong; "" when nothing is."""
        expected, acts = ENDS[self.payment.account[-4:]]
        if self.end != expected:
            return f"ended as {self.end or 'nothing yet'}, not as {expected}"
        if self.acts.get("charged", 0) > 1:
            return "charged twice"
        if self.acts != Counter(acts):
            return f"expected {', '.join(acts) or 'nothing'}, but the ledger has {dict(self.acts)}"
        return ""


def start(engine: Engine, count: int, chance: random.Random) -> list[Payment]:
    """Half of them succeed; each in a transaction of its own."""
    return [_start_one(engine, chance.choice([USUAL, chance.choice(list(ENDS))])) for _ in range(count)]


def _start_one(engine: Engine, ending: str) -> Payment:
    reference, account = f"PROOF-{secrets.token_hex(6)}", f"DE12{ending}"
    order = {"reference": reference, "amount": 50, "payer_email": "mia@example.com", "payer_account": account}
    limit = "PT3S" if ending == "9999" else "PT6H"
    with engine.transaction(SYSTEM) as tx:
        started = instances.start(tx, "payment", variables={**order, "time_limit": limit}, business_key=reference)
    return Payment(started.id, reference, account)


def still_going(engine: Engine, payments: Collection[Payment]) -> list[Payment]:
    """Those that are neither over nor stuck."""
    return [payment for payment in payments if not _end(engine, payment)]


def await_end(engine: Engine, payments: Collection[Payment], patience: timedelta) -> list[Payment]:
    """Wait for the workers; gives those that are not over by then."""
    until, left = time.monotonic() + patience.total_seconds(), list(payments)
    while (left := still_going(engine, left)) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    return left


def verdicts(engine: Engine, payments: Collection[Payment]) -> list[Verdict]:
    done = _ledger(engine)
    return [Verdict(payment, _end(engine, payment), done.get(payment.reference, Counter())) for payment in payments]


def _end(engine: Engine, payment: Payment) -> str:
    with engine.reading(SYSTEM) as tx:
        if instances.get(tx, payment.instance_id).status == InstanceStatus.ACTIVE:
            return "stuck" if incidents.of_instance(tx, payment.instance_id) else ""
        visits = progress.activities(tx, payment.instance_id, limit=500).rows
    return next((visit.element_name for visit in visits if visit.element_type == "endEvent"), "lost")


def _ledger(engine: Engine) -> Mapping[str, Counter[str]]:
    """Reference -> what was done for it."""
    with engine.reading(SYSTEM) as tx:
        address = catalog.get(tx, "payments").base_url.removesuffix("/payments")
    with urlopen(f"{address}/ledger") as answer:
        entries = json.load(answer)["entries"]
    found: dict[str, Counter[str]] = {}
    for entry in entries:
        if entry["act"] in ACTS:
            found.setdefault(entry["reference"], Counter())[entry["act"]] += 1
    return found


# ---- what is printed -----------------------------------------------------------------------------------------------


def table(found: Sequence[Verdict]) -> Iterator[str]:
    """A line for each end, and one for each fault."""
    yield "  ".join([f"{'end':<20}", f"{'payments':>8}", *(f"{act:>9}" for act in ACTS)])
    for end, count in Counter(verdict.end for verdict in found).most_common():
        acts = sum((Counter(verdict.acts) for verdict in found if verdict.end == end), Counter[str]())
        yield "  ".join([f"{end or 'going on':<20}", f"{count:>8}", *(f"{acts[act]:>9}" for act in ACTS)])
    faults = [f"{verdict.payment.reference}: {verdict.fault}" for verdict in found if verdict.fault]
    yield from faults
    yield f"{len(found)} payments, {len(faults)} faults."


@click.command()
@click.option("--count", default=50, show_default=True)
@click.option("--seed", type=int, help="To have the same outcomes again.")
@click.option("--minutes", default=10.0, show_default=True, help="To wait for the last of them.")
def main(count: int, seed: int | None, minutes: float) -> None:
    """Start payments in the database of PROCESSION_DATABASE_URL, wait for its workers, and look into the ledger."""
    with Engine(Settings.from_environment()) as engine:
        engine.require_current()
        payments = start(engine, count, random.Random(seed))
        click.echo(f"{count} payments have begun. Now kill what you like, and start it again.")
        await_end(engine, payments, timedelta(minutes=minutes))
        found = verdicts(engine, payments)
    for line in table(found):
        click.echo(line)
    if any(verdict.fault for verdict in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
