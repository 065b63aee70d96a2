"""Web, workers, broker, database and services are killed at each crash point and at random, while payments are made:
none is lost, none stuck, none charged twice, and what has to be undone is undone.

A few payments on every change; `pytest -s -m bench tests/faults` makes 2,000 on each set-up, or FAULT_PAYMENTS of them.
"""

from __future__ import annotations

import json
import os
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar

import click
import pytest
from sqlalchemy.exc import OperationalError

from engine import SYSTEM, Engine, InstanceStatus, Right, Settings, access_tokens, definitions, instances
from engine.services import catalog
from processes import demo
from processes.payment import proof
from tests import outside
from tests.brokers import Broker, RabbitMq, Redis
from tests.faults.keeper import Keeper
from tests.postgres import Cluster, programs
from tests.topology import SECRET_KEY, Topology, eventually

T = TypeVar("T")
FEW, MANY = 30, int(os.environ.get("FAULT_PAYMENTS", "2000"))
AT_ONCE = 60
"""Payments under way at one time."""
BATCH = 5
SECONDS_EACH = 1.5
"""After which the run stops by itself, for each payment."""
QUICK = {
    b'initialDelay="PT1S"': b'initialDelay="PT0.1S"',
    b'maxDelay="PT30S"': b'maxDelay="PT1S"',
    b">PT2M<": b">PT1H<",  # nobody reviews payments here whose check for fraud had to wait
}
"""What the diagram says of pauses -> what a test has the time for."""
SETTINGS = {
    "PROCESSION_SERVICES": "processes.payment.services,tests.faults.deadly",
    "PROCESSION_LEASE": "2",
    "PROCESSION_POLL_INTERVAL": "0.2",
    "PROCESSION_CIRCUIT_PAUSE": "0.2",
    "PROCESSION_CIRCUIT_LONGEST": "0.5",
    "PROCESSION_HTTP_THREADS": "4",
    "PROCESSION_WORKER_THREADS": "2",
    "PROCESSION_SERVICE_THREADS": "2",
}

CRASHES = (
    "changing.engine.self",
    "changing.start.self",
    "claimed.http.self",
    "called.http.self",
    "committed.http.self",
    "handed.service.self",
    "handed.http.again",
)
MORE_CRASHES = (
    *CRASHES,
    "claimed.engine.self",
    "claimed.service.self",
    "called.service.self",
    "changing.http.self",
    "changing.service.self",
    "committed.service.self",
    "handed.http.self",
    "handed.engine.self",
    "handed.engine.again",
    "handed.service.again",
)
"""See deadly.py for the points."""
DATABASE_CRASHES = tuple(
    f"{point}.database"
    for point in ("called.http", "changing.http", "changing.start", "committed.http", "claimed.http", "handed.http")
)
BROKER_CRASHES = tuple(f"{point}.broker" for point in ("sent.http", "committed.http", "claimed.http", "called.http"))


@dataclass(frozen=True)
class SetUp:
    """Which processes there are, and what can die."""

    web: tuple[bool, ...]
    """For each web process whether it has a worker."""
    workers: tuple[tuple[str, ...], ...]
    """For each worker its queues; none named: all."""
    database: str = "postgres"
    broker: type[Broker] | None = None

    @property
    def few(self) -> tuple[str, ...]:
        """One order for each point."""
        found = CRASHES
        if self.database == "postgres":
            found += DATABASE_CRASHES[:1]
        if self.broker is not None:
            found += ("sent.http.self", "sent.http.again", *BROKER_CRASHES[:1])
        return found

    @property
    def all(self) -> tuple[str, ...]:
        found = MORE_CRASHES
        if self.database == "postgres":
            found += DATABASE_CRASHES
        if self.broker is not None or any(self.web):
            found += ("committed.start.self",)
        if self.broker is not None:
            sent = ("sent.service.self", "sent.service.again", "sent.http.self", "sent.http.again")  # rare ones first
            found = (*sent, *found, *BROKER_CRASHES)
        return found


SET_UPS = {
    "sqlite": SetUp((True,), ((),), database="sqlite"),
    "threads": SetUp((True, False), ((), ("http",))),
    "redis": SetUp((False, False), ((), ("http",), ("service", "engine")), broker=Redis),
    "rabbitmq": SetUp((False, False), ((), ("http",), ("service", "engine")), broker=RabbitMq),
}


# ---- what runs -----------------------------------------------------------------------------------------------------


@dataclass
class Shop:
    """Orders payments at one of the web processes, and again at another when that one is gone."""

    topology: Topology
    engine: Engine
    services: outside.Process
    keeper: Keeper
    token: str

    def order(self, number: int) -> proof.Payment:
        """Until somebody says that it has begun: once only, by its key."""
        reference, ending = f"ORDER-{number}", ending_of(number)
        order = {"reference": reference, "amount": 50, "payer_email": "mia@example.com"}
        limit = "PT3S" if ending == "9999" else "PT6H"
        values = {**order, "payer_account": f"DE12{ending}", "time_limit": limit}
        variables = {name: {"value": value} for name, value in values.items()}
        told = json.dumps({"businessKey": reference, "variables": variables}).encode()
        found = eventually_some(lambda: [self._start(web.address, reference, told) for web in self.topology.web])
        return proof.Payment(int(found), reference, f"DE12{ending}")

    def _start(self, address: str, key: str, told: bytes) -> str | None:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Idempotency-Key": key}
        url = f"{address}/engine-rest/process-definition/key/payment/start"
        asked = urllib.request.Request(url, told, headers)
        with suppress(OSError, HTTPException), urllib.request.urlopen(asked, timeout=10) as answer:
            return str(json.load(answer)["id"])
        return None

    def going(self) -> int:
        with self.engine.reading(SYSTEM) as tx:
            return instances.find(tx, status=InstanceStatus.ACTIVE, limit=1).total


def ending_of(number: int) -> str:
    """Half of the payments succeed, the others have each other end in turn."""
    others = [ending for ending in proof.ENDS if ending != proof.USUAL]
    return proof.USUAL if number % 2 else others[(number // 2) % len(others)]


def eventually_some(ask: Callable[[], Sequence[str | None]], *, seconds: float = 90) -> str:
    found: list[str] = []
    eventually(lambda: found.extend(each for each in ask() if each) or found, seconds=seconds)
    return found[0]


def calmly(look: Callable[[], T], *, seconds: float = 60) -> T:
    """However often the database is killed meanwhile."""
    until = time.monotonic() + seconds
    while True:
        try:
            return look()
        except OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture(params=list(SET_UPS))
def set_up(request: pytest.FixtureRequest) -> SetUp:
    return SET_UPS[request.param]


@pytest.fixture
def shop(set_up: SetUp, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    for name in ("orders", "done", "servers"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        cluster = stack.enter_context(_cluster(request)) if set_up.database == "postgres" else None
        url = f"sqlite:///{tmp_path / 'test.db'}" if cluster is None else cluster.make("payments")
        broker = stack.enter_context(set_up.broker()) if set_up.broker else None
        services = stack.enter_context(outside.Process(tmp_path))
        network = {"PROCESSION_HTTP_PRIVATE": "127.0.0.0/8", "TESTS_FAULTS": str(tmp_path)}
        topology = stack.enter_context(Topology(url, tmp_path, broker, {**SETTINGS, **network}))
        engine = stack.enter_context(Engine(Settings(database_url=url, secret_key=SECRET_KEY)))
        token = _prepare(engine, services.outside.address)
        for with_worker in set_up.web:
            topology.add_web(with_worker=with_worker)
        for queues in set_up.workers:
            topology.add_worker(*queues)
        topology.await_web()
        keeper = Keeper(tmp_path, topology, services, cluster, random.Random(7))
        yield Shop(topology, engine, services, stack.enter_context(keeper), token)


def _cluster(request: pytest.FixtureRequest) -> Cluster:
    """A server of the test's own, which may be killed."""
    request.getfixturevalue("cluster")
    found = programs()
    assert found is not None
    return Cluster(found, is_durable=True)


def _prepare(engine: Engine, services_at: str) -> str:
    engine.migrate()
    with engine.transaction(SYSTEM) as tx:
        for service in demo.services_at(services_at):
            catalog.put(tx, service)
        definitions.deploy(tx, {name: quick(data) for name, data in demo.files("payment").items()})
        return access_tokens.add(tx, "shop", scopes=[Right.START], life=timedelta(days=1))


def quick(data: bytes) -> bytes:
    for usual, short in QUICK.items():
        data = data.replace(usual, short)
    return data


# ---- the tests -----------------------------------------------------------------------------------------------------


def test_payments_survive_each_crash(shop: Shop, set_up: SetUp) -> None:
    shop.services.outside.switch("all", failing=0.1, duplicate=0.3)

    payments = make(shop, FEW, set_up.few)

    expect_each_once(shop, payments, set_up.few)


@pytest.mark.bench
def test_many_payments_survive_crashes_at_any_moment(shop: Shop, set_up: SetUp) -> None:
    begun, every = time.monotonic(), MANY // BATCH
    shop.services.outside.switch("all", failing=0.2, duplicate=0.3)
    orders = [set_up.all[number % len(set_up.all)] for number in range(max(every // 2, len(set_up.all)))]

    payments = make(shop, MANY, orders, random_kills=every // 4)

    report(shop, payments, time.monotonic() - begun)
    expect_each_once(shop, payments, set_up.all)


def make(shop: Shop, count: int, orders: Sequence[str], *, random_kills: int = 0) -> list[proof.Payment]:
    """Order payments, while orders and kills are spread over them, and wait for their end."""
    payments: list[proof.Payment] = []
    batches, until = range(0, count, BATCH), time.monotonic() + 60 + count * SECONDS_EACH
    with ThreadPoolExecutor(BATCH) as pool:
        for number, first in enumerate(batches):
            for order in orders[len(orders) * number // len(batches) : len(orders) * (number + 1) // len(batches)]:
                shop.keeper.order(order)
            if random_kills * number // len(batches) < random_kills * (number + 1) // len(batches):
                shop.keeper.kill_any()
            payments += pool.map(shop.order, range(first, min(first + BATCH, count)))
            eventually(lambda: calmly(shop.going) < AT_ONCE, seconds=until - time.monotonic())
    while calmly(lambda: proof.still_going(shop.engine, payments)) and time.monotonic() < until:
        time.sleep(0.3)
    return payments


def expect_each_once(shop: Shop, payments: Sequence[proof.Payment], orders: Sequence[str]) -> None:
    eventually(lambda: shop.services.outside.ledger(), seconds=30)
    found = calmly(lambda: proof.verdicts(shop.engine, payments))

    assert [(verdict.payment, verdict.fault) for verdict in found if verdict.fault] == []
    assert {verdict.end for verdict in found} == {end for end, _ in proof.ENDS.values()}
    assert max(call["worked"] for call in shop.services.outside.ledger()["calls"]) == 1
    with shop.engine.reading(SYSTEM) as tx:
        assert instances.find(tx, limit=1).total == len({payment.instance_id for payment in payments}) == len(payments)
        left = {table: tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in EMPTY}
    assert left == dict.fromkeys(EMPTY, 0)
    assert set(orders) <= set(shop.keeper.done_orders)


EMPTY = ("job", "subscription", "snapshot")
"""Tables in which nothing is left when all is over."""


def report(shop: Shop, payments: Sequence[proof.Payment], seconds: float) -> None:
    """What there is to know of a long run."""
    found = calmly(lambda: proof.verdicts(shop.engine, payments))
    calls = shop.services.outside.ledger()["calls"]
    click.echo()
    click.echo("\n".join(proof.table(found)))
    click.echo(f"{seconds:.0f} s; asked {sum(call['asked'] for call in calls)} times for {len(calls)} calls")
    click.echo(f"started again: {dict(shop.keeper.deaths)}")
    click.echo(f"crashes: {dict(sorted(shop.keeper.done_orders.items()))}")
    click.echo(f"not come to: {dict(Counter(shop.keeper.open_orders))}")
