"""Fifty payments while services fail, forget their answers and are killed: each is charged exactly once."""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine import SYSTEM, Engine, Settings, definitions
from engine.services import catalog
from processes import demo
from processes.payment import proof
from tests import outside

PATIENCE = timedelta(seconds=90)
QUICK = {b'initialDelay="PT1S"': b'initialDelay="PT0.05S"', b'maxDelay="PT30S"': b'maxDelay="PT1S"'}
"""What the diagram says of pauses -> what a test has the time for."""


@pytest.fixture
def services(tmp_path: Path) -> Iterator[outside.Process]:
    with outside.Process(tmp_path) as process:
        yield process


@pytest.fixture
def engine(services: outside.Process, tmp_path: Path, _sqlite_tables: Path) -> Iterator[Engine]:
    path = tmp_path / "test.db"
    path.write_bytes(_sqlite_tables.read_bytes())
    importlib.import_module("processes.payment.services")
    soon, network = timedelta(seconds=0.05), ("127.0.0.0/8",)
    pauses = {"poll_interval": soon, "circuit_pause": 4 * soon, "circuit_longest": 10 * soon}
    settings = Settings(f"sqlite:///{path}", http_private=network, http_threads=4, **pauses)
    with Engine(settings) as engine:
        with engine.transaction(SYSTEM) as tx:
            for service in demo.services_at(services.outside.address):
                catalog.put(tx, service)
            definitions.deploy(tx, {name: quick(data) for name, data in demo.files("payment").items()})
        yield engine


def quick(data: bytes) -> bytes:
    for usual, short in QUICK.items():
        data = data.replace(usual, short)
    return data


def test_each_payment_is_charged_exactly_once(engine: Engine, services: outside.Process) -> None:
    services.outside.switch("all", failing=0.3, duplicate=1)
    payments = proof.start(engine, 50, random.Random(7))
    engine.start_worker()

    time.sleep(1.5)
    assert proof.still_going(engine, payments)
    services.kill()
    services.start()
    left = proof.await_end(engine, payments, PATIENCE)

    found = proof.verdicts(engine, payments)
    assert left == []
    assert [(verdict.payment, verdict.fault) for verdict in found if verdict.fault] == []
    assert {verdict.end for verdict in found} == {end for end, _ in proof.ENDS.values()}
    calls = services.outside.ledger()["calls"]
    assert max(call["worked"] for call in calls) == 1 < max(call["asked"] for call in calls)
    assert list(proof.table(found))[-1] == "50 payments, 0 faults."


def test_what_is_wrong_is_told() -> None:
    payment = proof.Payment(1, "PROOF-1", "DE127777")
    told = proof.ENDS["7777"][1]

    once, twice = dict.fromkeys(told, 1), dict.fromkeys(told, 1) | {"charged": 2}
    assert proof.Verdict(payment, "Cancelled by shop", once).fault == ""
    assert proof.Verdict(payment, "Cancelled by shop", twice).fault == "charged twice"
    assert "not as" in proof.Verdict(payment, "stuck", once).fault
    assert "released" in proof.Verdict(payment, "Cancelled by shop", {"reserved": 1}).fault
