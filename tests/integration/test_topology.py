"""Many processes on one database: two that serve pages, three workers, a broker or none; and any of them killed."""

from __future__ import annotations

import json
import random
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, Engine, InstanceStatus, Right, Settings, access_tokens, definitions, instances
from tests.brokers import Broker, RabbitMq, Redis
from tests.play import END, START, chain, document
from tests.postgres import Cluster, programs
from tests.services import HttpService, Reply, serving
from tests.topology import COMMAND, SECRET_KEY, Topology, eventually

OWN = "urn:procession:bpmn:1"
RETRY = f'<procession:retry xmlns:procession="{OWN}" maxTries="50" initialDelay="PT0.2S" factor="1.2"/>'
COUNT = 60


def call(id: str, url: str) -> str:
    http = f'<procession:http xmlns:procession="{OWN}" method="POST" url="{url}/{id}"/>'
    return f'<serviceTask id="{id}"><extensionElements>{http}{RETRY}</extensionElements></serviceTask>'


def order(url: str) -> str:
    """Two calls with a timer between."""
    timer = "<timerEventDefinition><timeDuration>PT0.3S</timeDuration></timerEventDefinition>"
    pause = f'<intermediateCatchEvent id="pause">{timer}</intermediateCatchEvent>'
    nodes = START + call("charge", url) + pause + call("ship", url) + END
    return nodes + chain("start", "charge", "pause", "ship", "end")


@pytest.fixture
def service() -> Iterator[HttpService]:
    with serving() as service:
        yield service


@pytest.fixture(params=["redis", "rabbitmq", "none"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker | None]:
    if request.param == "none":
        yield None
        return
    kind = {"redis": Redis, "rabbitmq": RabbitMq}[request.param]
    with kind() as broker:
        yield broker


@pytest.fixture
def topology(cluster: Cluster, broker: Broker | None, tmp_path: Path, _postgres_tables: str) -> Iterator[Topology]:
    url = cluster.make(f"topology-{tmp_path.name}", template=_postgres_tables)
    with Topology(url, tmp_path, broker) as topology:
        yield topology


@pytest.fixture
def own_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """A server of the test's own, which may be killed."""
    found = programs()
    assert found is not None
    with Cluster(found, is_durable=True) as own:
        yield own


@pytest.fixture
def client(topology: Topology) -> Iterator[Client]:
    with Engine(Settings(database_url=topology.database_url, secret_key=SECRET_KEY)) as engine:
        yield Client(topology, engine)


class Client:
    """A program that starts orders at one of the web processes, and again at another when that one is gone."""

    def __init__(self, topology: Topology, engine: Engine) -> None:
        self.topology = topology
        self.engine = engine
        with engine.transaction(SYSTEM) as tx:
            self.token = access_tokens.add(tx, "client", scopes=[Right.START], life=timedelta(days=1))

    def start(self, key: str) -> None:
        """Until somebody says that it has begun: once only, by its key."""
        eventually(lambda: any(self._start(web.address, key) for web in self.topology.web), seconds=60)

    def _start(self, address: str, key: str) -> bool:
        told = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Idempotency-Key": key}
        url = f"{address}/engine-rest/process-definition/key/p/start"
        asked = urllib.request.Request(url, json.dumps({"businessKey": key}).encode(), told)
        with suppress(OSError, urllib.error.URLError):
            return urllib.request.urlopen(asked, timeout=10).status == 200
        return False


def deploy(engine: Engine, body: str) -> None:
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body)})


def completed(engine: Engine) -> int:
    with engine.reading(SYSTEM) as tx:
        return instances.find(tx, status=InstanceStatus.COMPLETED).total


def keys(service: HttpService) -> Counter[str]:
    """How often each call was made, by its key."""
    return Counter(asked.headers["Idempotency-Key"] for asked in service.asked)


def expect_each_once(engine: Engine, service: HttpService, count: int) -> None:
    with engine.reading(SYSTEM) as tx:
        rows = instances.find(tx, limit=10_000).rows
        assert len({row.business_key for row in rows}) == len(rows) == count
        assert {row.incidents for row in rows} == {0}
        left = {table: _count(tx, table) for table in ("job", "subscription", "snapshot")}
    assert left == {"job": 0, "subscription": 0, "snapshot": 0}
    assert len(keys(service)) == 2 * count


def _count(tx: Any, table: str) -> int:
    found: int = tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
    return found


def test_work_is_shared_and_nothing_is_done_twice(topology: Topology, client: Client, service: HttpService) -> None:
    deploy(client.engine, order(service.address))
    for _ in range(2):
        topology.add_web()
    for queues in ((), ("engine",), ("http",)):
        topology.add_worker(*queues)
    topology.await_web()

    for number in range(COUNT):
        client.start(f"order-{number}")
    eventually(lambda: completed(client.engine) == COUNT, seconds=60)

    expect_each_once(client.engine, service, COUNT)
    assert set(keys(service).values()) == {1}
    assert not any("run_job" in worker.log.read_text() for worker in topology.workers)  # no line for each message


def test_anything_may_be_killed_at_any_time(topology: Topology, client: Client, service: HttpService) -> None:
    chance = random.Random(topology.database_url)
    service.answers(*[chance.choice([Reply(200, {}), Reply(200, {}), Reply(503)]) for _ in range(400)], Reply(200, {}))
    deploy(client.engine, order(service.address))
    for _ in range(2):
        topology.add_web()
    for _ in range(3):
        topology.add_worker()
    topology.await_web()

    for number in range(COUNT):
        client.start(f"order-{number}")
        if number % 10 == 5:
            victim = chance.choice([*topology.web, *topology.workers])
            victim.kill()
            victim.start()
        if number % 20 == 15 and topology.broker is not None:
            topology.broker.kill()
            topology.broker.start()
    eventually(lambda: completed(client.engine) == COUNT, seconds=120)

    expect_each_once(client.engine, service, COUNT)


def test_the_database_may_be_killed(own_cluster: Cluster, service: HttpService, tmp_path: Path) -> None:
    url = own_cluster.make("killed")
    with Engine(Settings(database_url=url, secret_key=SECRET_KEY)) as engine, Topology(url, tmp_path) as topology:
        engine.migrate()
        client = Client(topology, engine)
        deploy(engine, order(service.address))
        topology.add_web()
        topology.add_web(with_worker=True)
        topology.add_worker()
        topology.await_web()
        for number in range(COUNT):
            client.start(f"order-{number}")
            if number % 20 == 10:
                own_cluster.crash()
        eventually(lambda: completed(engine) == COUNT, seconds=120)

        expect_each_once(engine, service, COUNT)


def test_a_worker_that_is_stopped_finishes_or_hands_back(
    topology: Topology, client: Client, service: HttpService
) -> None:
    deploy(client.engine, order(service.address))
    topology.add_web()
    first, second = topology.add_worker(), topology.add_worker()
    topology.await_web()
    for number in range(COUNT):
        client.start(f"order-{number}")

    assert first.stop() == 0
    eventually(lambda: completed(client.engine) == COUNT, seconds=60)

    assert second.stop() == 0
    expect_each_once(client.engine, service, COUNT)
    assert set(keys(service).values()) == {1}


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"], indirect=True)
def test_without_the_broker_work_goes_on_by_polling(topology: Topology, client: Client, service: HttpService) -> None:
    assert topology.broker is not None
    deploy(client.engine, order(service.address))
    topology.add_web()
    topology.add_worker()
    topology.await_web()
    client.start("first")
    eventually(lambda: completed(client.engine) == 1)

    topology.broker.kill()
    for number in range(10):
        client.start(f"order-{number}")
    eventually(lambda: completed(client.engine) == 11, seconds=60)

    told = "".join(process.log.read_text() for process in topology.web)
    assert "broker away, work goes on by polling" in told


def test_commands_that_read_say_so(topology: Topology) -> None:
    """A worker with a name that nobody has is refused with a clear line."""
    told = subprocess.run([*COMMAND, "worker", "--queue", "none"], env=topology.environment, capture_output=True)
    assert (told.returncode, b"'none' is not one of" in told.stderr) == (2, True)
