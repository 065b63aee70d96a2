"""A supervisor for the tests: whatever died is started again; and one that gives orders to die."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

from tests import outside
from tests.brokers import Broker
from tests.postgres import Cluster, kill_server
from tests.topology import Process, Topology

LOOK_SECONDS = 0.1
SERVERS = ("database", "broker", "services")


@dataclass
class Keeper:
    """As a context manager it looks after all that run."""

    folder: Path
    """With the orders, see deadly.py."""
    topology: Topology
    services: outside.Process
    cluster: Cluster | None
    chance: random.Random
    deaths: Counter[str] = field(default_factory=Counter)
    """What had to be started again -> how often."""
    _numbers: Iterator[int] = field(default_factory=count)
    _over: threading.Event = field(default_factory=threading.Event)
    _starting: threading.Lock = field(default_factory=threading.Lock)
    """A server that is being started is left alone: its start is waited for."""
    _failure: BaseException | None = None

    def __enter__(self) -> Self:
        for name in SERVERS:
            self._note(name, [])
        for name in self._servers:
            self._note(name, self._pids(name))
        self._thread = threading.Thread(target=self._keep, name="keeper")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(120)
        assert self._failure is None, self._failure

    # ---- orders

    def order(self, what: str) -> None:
        """what: POINT.QUEUE.VICTIM."""
        (self.folder / "orders" / f"{what}.{next(self._numbers)}").touch()

    @property
    def open_orders(self) -> list[str]:
        return sorted(path.name.rpartition(".")[0] for path in (self.folder / "orders").iterdir())

    @property
    def done_orders(self) -> Counter[str]:
        return Counter(path.name.rpartition(".")[0] for path in (self.folder / "done").iterdir())

    def kill_any(self) -> None:
        """Whatever chance says, at whatever it is at."""
        processes = [*self.topology.web, *self.topology.workers]
        victim = self.chance.choice([*processes, *self._servers.values()])
        with self._starting:
            if isinstance(victim, Cluster):
                kill_server(victim.pid)
            elif isinstance(victim, Process) and victim.running is not None:
                victim.running.kill()
            elif isinstance(victim, Broker | outside.Process):
                victim.strike()

    # ---- the thread

    def _keep(self) -> None:
        try:
            while not self._over.wait(LOOK_SECONDS):
                self._start_dead()
        except BaseException as cause:  # told by the test's own thread
            self._failure = cause
            raise

    def _start_dead(self) -> None:
        for process in (*self.topology.web, *self.topology.workers):
            if process.running is not None and process.running.poll() is not None:
                self._count(process.name)
                process.kill()  # what it left behind
                process.start()
        for name, server in self._servers.items():
            if server.is_killed:
                self._count(name)
                with self._starting:
                    self._note(name, [])
                    self._revive(server)
                    self._note(name, self._pids(name))

    def _revive(self, server: Cluster | Broker | outside.Process) -> None:
        if isinstance(server, Cluster):
            server.start_again()
            return
        server.kill()
        if isinstance(server, Broker) and self.chance.random() < 0.5:
            server.forget()
        server.start()

    @property
    def _servers(self) -> Mapping[str, Cluster | Broker | outside.Process]:
        found = {"database": self.cluster, "broker": self.topology.broker, "services": self.services}
        return {name: server for name, server in found.items() if server is not None}

    def _note(self, server: str, pids: Sequence[int]) -> None:
        """For those who have the order to kill it."""
        new = self.folder / f"{server}.new"
        new.write_text(" ".join(map(str, pids)))
        new.replace(self.folder / "servers" / server)

    def _pids(self, server: str) -> Sequence[int]:
        if server == "broker" and self.topology.broker is not None:
            return self.topology.broker.pids
        return [self.cluster.pid] if server == "database" and self.cluster else []

    def _count(self, name: str) -> None:
        self.deaths[name.partition("-")[0]] += 1
