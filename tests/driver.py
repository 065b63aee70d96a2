"""The tests' hands on the library: deploy, start, work the inbox, let time pass, and look what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import (
    Actor,
    Engine,
    SettableClock,
    Variable,
    definitions,
    errors,
    incidents,
    instances,
    messages,
    open_calls,
    progress,
    services,
    signals,
    timers,
    user_tasks,
)
from engine.model import Json
from engine.model.people import Right
from engine.model.processes import Activity, Deployment, Incident, Instance, Timer
from engine.model.services import OpenCall, Try
from engine.model.tasks import UserTask
from tests.play import document

ROOT = Actor("root", rights=frozenset(Right))
PROCESSES = Path(__file__).parent / "processes"


@dataclass
class Desk:
    """A fake service: answers each call with the next answer, the last one again and again."""

    answers: tuple[Json, ...] = ()
    calls: list[services.Call] = field(default_factory=list)

    def __call__(self, call: services.Call) -> Json:
        self.calls.append(call)
        answer = self.answers[min(len(self.calls), len(self.answers)) - 1] if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def count(self) -> int:
        return len(self.calls)


@dataclass
class Story:
    """One instance as tests see it."""

    driver: Driver
    id: int

    @property
    def row(self) -> Instance:
        with self.driver.engine.reading(ROOT) as tx:
            return instances.get(tx, self.id)

    @property
    def status(self) -> str:
        return str(self.row.status)

    @property
    def visits(self) -> list[Activity]:
        """Oldest first."""
        with self.driver.engine.reading(ROOT) as tx:
            return list(progress.activities(tx, self.id, limit=10_000))[::-1]

    def path(self) -> list[str]:
        """The names of the elements that were entered, in order; ids where no name was drawn."""
        return [visit.element_name or visit.element_id for visit in self.visits]

    def named_path(self) -> list[str]:
        """The same without what bears no name: joins, and the ends of sub-processes."""
        return [visit.element_name for visit in self.visits if visit.element_name]

    def values(self) -> dict[str, Json]:
        """The process's own variables."""
        return {variable.name: variable.value for variable in self.variables() if not variable.scope}

    def variables(self) -> list[Variable]:
        with self.driver.engine.reading(ROOT) as tx:
            return instances.variables(tx, self.id)

    def facts(self) -> list[str]:
        """The kinds of history events, oldest first."""
        with self.driver.engine.reading(ROOT) as tx:
            return [event.kind for event in progress.events(tx, self.id, limit=10_000)][::-1]

    def logged(self) -> list[str]:
        with self.driver.engine.reading(ROOT) as tx:
            told = [event for event in progress.events(tx, self.id, limit=10_000) if event.kind == "logged"]
        return [event.data["text"] for event in told][::-1]

    def tasks(self) -> list[UserTask]:
        with self.driver.engine.reading(ROOT) as tx:
            return user_tasks.of_instance(tx, self.id)

    def task(self, name: str = "") -> UserTask:
        """The oldest open task of that name, or of any."""
        return next(task for task in self.tasks() if name in ("", task.name))

    def timers(self) -> list[Timer]:
        with self.driver.engine.reading(ROOT) as tx:
            return timers.of_instance(tx, self.id)

    def tries(self) -> list[Try]:
        """Of calls, newest first."""
        with self.driver.engine.reading(ROOT) as tx:
            return list(progress.tries(tx, self.id).rows)

    def calls(self) -> list[OpenCall]:
        """Of services, that are not over."""
        with self.driver.engine.reading(ROOT) as tx:
            return open_calls.of_instance(tx, self.id)

    def incidents(self) -> list[Incident]:
        """Those that are open."""
        with self.driver.engine.reading(ROOT) as tx:
            return [each for each in incidents.of_instance(tx, self.id) if each.resolved_at is None]

    def retry(self) -> None:
        """Try again everything that stopped."""
        for each in self.incidents():
            with self.driver.engine.transaction(ROOT) as tx:
                incidents.retry(tx, each.id)
        self.driver.run_jobs()

    def cancel(self) -> None:
        with self.driver.engine.transaction(ROOT) as tx:
            instances.cancel(tx, self.id, "no longer wanted")

    @property
    def is_at_rest(self) -> bool:
        """Nothing waits any more: no task, timer, subscription, job or state is left."""
        return self.driver.left_of(self.id) == Counter()


@dataclass
class Driver:
    engine: Engine
    clock: SettableClock

    # ---- what runs

    def deploy_files(self, files: dict[str, bytes]) -> Deployment:
        with self.engine.transaction(ROOT) as tx:
            return definitions.deploy(tx, files)

    def deploy_drawing(self, name: str) -> Deployment:
        """Deploy one of tests/processes."""
        path = PROCESSES / f"{name}.bpmn"
        return self.deploy_files({path.name: path.read_bytes()})

    def draw(self, body: str, *, by: Actor = ROOT, business_key: str | None = None, **variables: Json) -> Story:
        """Deploy a process "p" of a few lines, as in tests/play.py, and start it."""
        self.deploy_drawn(body)
        return self.start("p", by=by, business_key=business_key, **variables)

    def deploy_drawn(self, body: str) -> Deployment:
        return self.deploy_files({"p.bpmn": document(body)})

    def start(self, key: str, *, by: Actor = ROOT, business_key: str | None = None, **variables: Json) -> Story:
        with self.engine.transaction(by) as tx:
            story = Story(self, instances.start(tx, key, variables=variables, business_key=business_key).id)
        self.run_jobs()
        return story

    def stories(self, key: str) -> list[Story]:
        """Every instance of a process, oldest first: also those that started by themselves."""
        with self.engine.reading(ROOT) as tx:
            return [Story(self, row.id) for row in instances.find(tx, key=key, limit=1_000)][::-1]

    # ---- people

    def inbox(self, actor: Actor) -> list[str]:
        with self.engine.reading(actor) as tx:
            return sorted(task.name for task in user_tasks.inbox(tx, limit=1_000))

    def expect_inbox(self, actor: Actor, names: list[str]) -> None:
        assert self.inbox(actor) == sorted(names)

    def complete(self, actor: Actor, name: str, **values: Json) -> None:
        """Finish the first task of that name in the actor's inbox."""
        self._complete(actor, name, values)

    def press(self, actor: Actor, name: str, button: str, **values: Json) -> None:
        """The same by one of the form's buttons, told by its label."""
        self._complete(actor, name, values, button)

    def _complete(self, actor: Actor, name: str, values: dict[str, Json], button: str | None = None) -> None:
        with self.engine.transaction(actor) as tx:
            task = next(task for task in user_tasks.inbox(tx, limit=1_000) if task.name == name)
            labels = [each.label for each in user_tasks.form(tx, task.id)[0].buttons]
            user_tasks.complete(tx, task.id, values, button=None if button is None else labels.index(button))
        self.run_jobs()

    # ---- the world outside

    def tick(self, **units: float) -> None:
        """Let time pass, in timedelta's units, and do what has become due."""
        self.clock.advance(**units)
        self.run_jobs()

    def run_jobs(self) -> int:
        return self.engine.run_until_idle()

    def tell(self, message: str, *, business_key: str | None = None, **payload: Json) -> Story:
        with self.engine.transaction(ROOT) as tx:
            taker = messages.correlate(tx, message, business_key=business_key, variables=payload)
        assert taker is not None
        story = Story(self, taker)
        self.run_jobs()
        return story

    def call_out(self, signal: str, **payload: Json) -> None:
        with self.engine.transaction(ROOT) as tx:
            signals.broadcast(tx, signal, payload)
        self.run_jobs()

    def serve(self, topic: str, *answers: Json) -> Desk:
        """Register a service that answers so; an exception among the answers is raised."""
        desk = Desk(answers)
        services.register(topic)(desk)
        return desk

    # ---- what is left

    def left_of(self, instance_id: int) -> Counter[str]:
        """How many rows still wait or keep state, by table."""
        found = Counter[str]()
        with self.engine.database.connect() as connection:
            for table, told in _LEFT.items():
                query = f"SELECT count(*) FROM {table} WHERE instance_id = {instance_id}{told}"
                found[table] = connection.exec_driver_sql(query).scalar_one()
        return +found

    # ---- any verb

    def do(self, verb: Any, *told: object, by: Actor, **options: object) -> Any:
        """Call a verb in a transaction of its own."""
        with self.engine.transaction(by) as tx:
            return verb(tx, *told, **options)

    def refused(self, kind: type[errors.EngineError], verb: Any, *told: object, by: Actor, **options: object) -> str:
        """Call a verb that must be refused in this way; gives the words."""
        try:
            self.do(verb, *told, by=by, **options)
        except kind as cause:
            return str(cause)
        raise AssertionError(f"Expected {kind.__name__}, but nothing was refused.")


_LEFT = {
    "job": "",
    "subscription": "",
    "snapshot": "",
    "user_task": " AND status = 'open'",
    "incident": " AND resolved_at IS NULL",
    "activity": " AND left_at IS NULL",
}
