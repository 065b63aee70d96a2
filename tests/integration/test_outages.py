"""Services that are down are not called, their calls wait without using up tries; and limits on calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from engine import (
    Engine,
    InstanceStatus,
    ServiceFailed,
    SettableClock,
    Settings,
    circuits,
    definitions,
    external_task_query,
    external_tasks,
    incidents,
    instances,
    services,
)
from engine.errors import Conflict, Forbidden
from engine.external_tasks import Wanted
from engine.model.services import Service
from engine.services import catalog
from tests.driver import ROOT, Driver
from tests.play import END, START, chain, document
from tests.services import HttpService, Reply, serving
from tests.topology import eventually

OWN = "urn:procession:bpmn:1"
DOWN = Reply(503)
CALL = (
    START
    + f'<serviceTask id="call"><extensionElements><procession:http xmlns:procession="{OWN}" service="shop" url="/x"/>'
    + f'<procession:retry xmlns:procession="{OWN}" maxTries="3" initialDelay="PT1S" factor="1" jitter="0"/>'
    + "</extensionElements></serviceTask>"
    + END
    + chain("start", "call", "end")
)


@pytest.fixture(scope="module")
def server() -> Iterator[HttpService]:
    with serving() as service:
        yield service


@pytest.fixture
def shop(driver: Driver, server: HttpService) -> HttpService:
    server.answers(DOWN)
    driver.do(catalog.put, Service("shop", server.address), by=ROOT)
    return server


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    engine.settings = replace(engine.settings, http_private=("127.0.0.0/8",), secret_key="for tests")
    return Driver(engine, clock)


def begin(driver: Driver, count: int, body: str = CALL) -> list[int]:
    driver.deploy_drawn(body)
    with driver.engine.transaction(ROOT) as tx:
        return [instances.start(tx, "p").id for _ in range(count)]


def over(driver: Driver) -> int:
    return _completed(driver.engine)


def down(driver: Driver) -> list[circuits.Circuit]:
    with driver.engine.reading(ROOT) as tx:
        return circuits.find(tx)


def open_incidents(driver: Driver) -> list[str]:
    with driver.engine.reading(ROOT) as tx:
        return [f"{each.element_name}: {each.message}" for each in incidents.pending(tx, limit=1_000).rows]


def test_an_outage_of_minutes_costs_a_few_calls_and_one_incident(driver: Driver, shop: HttpService) -> None:
    begin(driver, 150)
    driver.run_jobs()
    for _ in range(20):
        driver.tick(seconds=30)

    asked = len(shop.asked)
    (circuit,) = down(driver)
    (incident,) = open_incidents(driver)
    assert asked < 120  # those under way when it went down, and a try now and then
    assert (circuit.name, circuit.waiting) == ("shop", 150)
    assert incident.startswith('service "shop": It is not called any more since 5 calls in a row have failed.')

    shop.answers(Reply(200, {}))
    for _ in range(22):
        driver.tick(seconds=30)

    assert (over(driver), down(driver), open_incidents(driver)) == (150, [], [])
    assert len(shop.asked) == 150


def test_one_call_tries_it_and_lets_all_go_on(driver: Driver, shop: HttpService) -> None:
    begin(driver, 20)
    driver.run_jobs()
    driver.tick(seconds=29)
    before = len(shop.asked)
    driver.tick(seconds=2)
    assert len(shop.asked) == before + 1
    driver.tick(seconds=31)
    assert len(shop.asked) == before + 1  # the pause is longer now

    shop.answers(Reply(200, {}))
    driver.tick(seconds=30)
    driver.tick(seconds=1)
    assert over(driver) == 20


def test_a_person_lets_one_try_and_then_all(driver: Driver, shop: HttpService) -> None:
    begin(driver, 20)
    driver.run_jobs()
    before = len(shop.asked)
    driver.do(circuits.try_one, "shop", by=ROOT)
    driver.run_jobs()
    assert len(shop.asked) == before + 1

    shop.answers(Reply(200, {}))
    driver.do(circuits.let_all, "shop", by=ROOT)
    driver.tick(seconds=2)
    assert (over(driver), open_incidents(driver)) == (20, [])
    driver.refused(Conflict, circuits.try_one, "shop", by=ROOT)
    driver.refused(Conflict, circuits.let_all, "nobody", by=ROOT)


def test_who_may(driver: Driver, shop: HttpService, cast: object) -> None:
    begin(driver, 20)
    driver.run_jobs()
    for verb in (circuits.try_one, circuits.let_all):
        driver.refused(Forbidden, verb, "shop", by=cast.ana)  # type: ignore[attr-defined]


def test_what_waits_uses_up_no_tries(driver: Driver, shop: HttpService) -> None:
    ids = begin(driver, 20)
    driver.run_jobs()
    for _ in range(30):
        driver.tick(minutes=1)

    with driver.engine.reading(ROOT) as tx:
        assert sum(instances.get(tx, each).incidents for each in ids) == 0


def test_answers_that_are_no_outage_close_nothing_off(driver: Driver, shop: HttpService) -> None:
    shop.answers(Reply(404))
    begin(driver, 20)
    driver.run_jobs()

    assert (len(shop.asked), down(driver)) == (20, [])


def test_an_answer_that_refuses_one_call_shows_that_the_service_is_back(driver: Driver, shop: HttpService) -> None:
    begin(driver, 20)
    driver.run_jobs()
    shop.answers(Reply(404), Reply(200, {}))
    driver.tick(seconds=31)
    driver.tick(seconds=1)

    (incident,) = open_incidents(driver)
    assert (over(driver), down(driver), "404" in incident) == (19, [], True)


def test_a_success_between_failures_begins_the_count_anew(driver: Driver, shop: HttpService) -> None:
    shop.answers(*[DOWN, DOWN, DOWN, DOWN, Reply(200, {})] * 6, Reply(200, {}))
    begin(driver, 30)
    driver.run_jobs()

    assert down(driver) == []


def test_functions_have_outages_too(driver: Driver) -> None:
    desk = driver.serve("frail", ServiceFailed("away"))
    call = '<serviceTask id="call" camunda:type="external" camunda:topic="frail"/>'
    begin(driver, 50, START + call + END + chain("start", "call", "end"))
    driver.run_jobs()
    assert [each.name for each in down(driver)] == ["frail"]
    calls = desk.count
    services.register("frail")(lambda call: {})
    driver.tick(seconds=31)
    driver.tick(seconds=31)

    assert (over(driver), calls < 60) == (50, True)


# ---- limits --------------------------------------------------------------------------------------------------------


def test_never_more_than_so_many_in_a_second(driver: Driver, shop: HttpService, server: HttpService) -> None:
    shop.answers(Reply(200, {}))
    driver.do(catalog.put, Service("shop", server.address, most_per_second=5), by=ROOT)
    begin(driver, 23)
    seen = []
    for _ in range(6):
        driver.run_jobs()
        seen.append(len(shop.asked))
        driver.clock.advance(seconds=1)

    assert seen == [5, 10, 15, 20, 23, 23]


def test_less_than_one_in_a_second(driver: Driver, shop: HttpService, server: HttpService) -> None:
    shop.answers(Reply(200, {}))
    driver.do(catalog.put, Service("shop", server.address, most_per_second=0.5), by=ROOT)
    begin(driver, 3)
    seen = []
    for _ in range(5):
        driver.run_jobs()
        seen.append(len(shop.asked))
        driver.clock.advance(seconds=1)

    assert seen == [1, 1, 2, 2, 3]


def test_calls_that_come_one_by_one_use_the_whole_rate(driver: Driver, shop: HttpService, server: HttpService) -> None:
    shop.answers(Reply(200, {}))
    driver.do(catalog.put, Service("shop", server.address, most_per_second=5), by=ROOT)
    driver.deploy_drawn(CALL)
    for _ in range(5):
        driver.start("p")

    assert len(shop.asked) == 5


def test_limits_hold_for_workers_outside_too(driver: Driver) -> None:
    call = '<serviceTask id="call" camunda:type="external" camunda:topic="narrow"/>'
    driver.do(catalog.put, Service("narrow", "", most_at_once=3, most_per_second=4), by=ROOT)
    begin(driver, 10, START + call + END + chain("start", "call", "end"))
    wanted = [Wanted("narrow", timedelta(minutes=5))]

    first = external_tasks.fetch(driver.engine, ROOT, wanted, worker="one", limit=2)
    second = external_tasks.fetch(driver.engine, ROOT, wanted, worker="two", limit=8)
    assert (len(first), len(second)) == (2, 1)
    left = driver.do(external_task_query.find, {"is_locked": False}, by=ROOT).rows[0]
    told = driver.refused(Conflict, external_tasks.lock, left.id, "three", timedelta(minutes=5), by=ROOT)
    assert "its limit is reached" in told

    for taken in first:
        driver.do(external_tasks.complete, taken.task.id, "one", {}, by=ROOT)
    assert len(external_tasks.fetch(driver.engine, ROOT, wanted, worker="two", limit=8)) == 1  # four in a second
    driver.clock.advance(seconds=1)
    assert len(external_tasks.fetch(driver.engine, ROOT, wanted, worker="two", limit=8)) == 1  # three at one time


def test_never_more_than_so_many_at_one_time(migrated_url: str) -> None:
    """By two workers that share a database."""
    here, most, lock = [0], [0], threading.Lock()

    @services.register("narrow")
    def narrow(call: services.Call) -> None:
        with lock:
            here[0] += 1
            most[0] = max(most[0], here[0])
        time.sleep(0.02)
        with lock:
            here[0] -= 1

    settings = Settings(database_url=migrated_url, secret_key="for tests", poll_interval=timedelta(seconds=0.05))
    with Engine(settings) as one, Engine(settings) as other:
        with one.transaction(ROOT) as tx:
            catalog.put(tx, Service("narrow", "", most_at_once=3))
            call = '<serviceTask id="call" camunda:type="external" camunda:topic="narrow"/>'
            definitions.deploy(tx, {"p.bpmn": document(START + call + END + chain("start", "call", "end"))})
            for _ in range(40):
                instances.start(tx, "p")
        one.start_worker()
        other.start_worker()
        eventually(lambda: _completed(one) == 40, seconds=60)

    assert most[0] == 3


def _completed(engine: Engine) -> int:
    with engine.reading(ROOT) as tx:
        return instances.find(tx, status=InstanceStatus.COMPLETED).total
