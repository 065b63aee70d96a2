"""Two at once: of several commands that want the same thing exactly one wins, and the losers read why."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from engine import (
    Actor,
    Conflict,
    Engine,
    NotFound,
    Rejected,
    SettableClock,
    Settings,
    definitions,
    execution,
    incidents,
    instances,
    leases,
    messages,
    timers,
    tries,
    user_tasks,
)
from engine.bpmn.runtime import Run
from engine.errors import Busy
from engine.model.processes import Definition
from engine.transaction import Transaction
from engine.worker import HANDLERS
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, boundary, chain, document, script, user

CLERKS = [Actor(name, groups=frozenset({"clerks"})) for name in ("ana", "mia", "leo", "zoe")]
TASK = START + user("check", candidateGroups="clerks") + END + chain("start", "check", "end")
PARALLEL = (
    START
    + '<parallelGateway id="fork"/><parallelGateway id="join"/>'
    + "".join(user(f"task{number}", candidateGroups="clerks") for number in range(4))
    + END
    + "".join(chain("fork", f"task{number}", "join") for number in range(4))
    + chain("start", "fork")
    + chain("join", "end")
)


@pytest.fixture
def driver(migrated_url: str, clock: SettableClock) -> Iterator[Driver]:
    with Engine(Settings(database_url=migrated_url), clock=clock) as engine:
        yield Driver(engine, clock)


Act = Callable[[Transaction], object]


def race(driver: Driver, acts: list[tuple[Actor, Act]]) -> list[object]:
    """Do all at the same moment; gives what each returned or how it was refused."""
    gate = threading.Barrier(len(acts))

    def run(told: tuple[Actor, Act]) -> object:
        actor, act = told
        gate.wait(10)
        try:
            with driver.engine.transaction(actor) as tx:
                return act(tx)
        except Rejected as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def losers(results: list[object]) -> list[Rejected]:
    return [result for result in results if isinstance(result, Rejected)]


@pytest.mark.parametrize("_round", range(3))
def test_of_several_claims_one_wins_and_the_others_read_who(driver: Driver, _round: int) -> None:
    story = driver.draw(TASK)
    task = story.task()

    results = race(driver, [(clerk, lambda tx: user_tasks.claim(tx, task.id)) for clerk in CLERKS])

    holder = story.task().assignee
    assert len(losers(results)) == len(CLERKS) - 1
    assert all(type(lost) is Conflict and f"{holder} has it" in str(lost) for lost in losers(results))
    assert story.facts().count("task claimed") == 1


@pytest.mark.parametrize("_round", range(3))
def test_of_several_completions_one_wins_and_the_others_read_who(driver: Driver, _round: int) -> None:
    story = driver.draw(TASK)
    task = story.task()

    results = race(
        driver, [(clerk, lambda tx: user_tasks.complete(tx, task.id, {"by": tx.actor.id})) for clerk in CLERKS]
    )

    winner = story.values()["by"]
    assert len(losers(results)) == len(CLERKS) - 1
    assert all(f"{winner} has completed it" in str(lost) for lost in losers(results))
    assert story.path() == ["start", "check", "end"]
    assert story.is_at_rest


@pytest.mark.parametrize("_round", range(3))
def test_a_completion_and_a_claim_end_with_one_of_them(driver: Driver, _round: int) -> None:
    story = driver.draw(TASK)
    task = story.task()
    ana, mia, *_ = CLERKS

    race(
        driver,
        [(ana, lambda tx: user_tasks.claim(tx, task.id)), (mia, lambda tx: user_tasks.complete(tx, task.id, {}))],
    )

    assert story.facts().count("task claimed") + story.facts().count("task completed") == 1
    assert driver.inbox(ana) == (["check"] if story.status == "active" else [])


@pytest.mark.parametrize("_round", range(3))
def test_a_completion_and_a_firing_timer_end_with_one_of_them(driver: Driver, _round: int) -> None:
    late = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
    story = driver.draw(
        TASK + boundary("overdue", "check", late) + '<endEvent id="too_late"/>' + chain("overdue", "too_late")
    )
    task = story.task()
    driver.clock.advance(hours=1)

    with ThreadPoolExecutor(1) as worker:
        fired = worker.submit(driver.run_jobs)
        (result,) = race(driver, [(CLERKS[0], lambda tx: user_tasks.complete(tx, task.id, {}))])
        fired.result()
    driver.tick(seconds=1)

    ends = {"end", "too_late"} & set(story.path())
    assert ends == ({"too_late"} if isinstance(result, Rejected) else {"end"})
    assert result is None or "went another way" in str(result)
    assert story.status == "completed"
    assert story.is_at_rest


@pytest.mark.parametrize("_round", range(3))
def test_completions_side_by_side_in_one_instance_all_count(driver: Driver, _round: int) -> None:
    story = driver.draw(PARALLEL)

    def done(task_id: int) -> Act:
        return lambda tx: user_tasks.complete(tx, task_id, {f"by{task_id}": tx.actor.id})

    results = race(driver, [(clerk, done(task.id)) for clerk, task in zip(CLERKS, story.tasks(), strict=True)])

    assert results == [None] * 4
    assert story.status == "completed"
    assert sorted(map(str, story.values().values())) == ["ana", "leo", "mia", "zoe"]
    assert story.path().count("end") == 1


def test_a_cancellation_and_a_completion_leave_nothing_behind(driver: Driver) -> None:
    story = driver.draw(PARALLEL)
    task = story.task("task0")

    race(
        driver,
        [
            (ROOT, lambda tx: instances.cancel(tx, story.id, "no longer wanted")),
            (CLERKS[0], lambda tx: user_tasks.complete(tx, task.id, {})),
        ],
    )

    assert story.status == "terminated"
    assert story.is_at_rest


def test_a_message_reaches_a_waiting_instance_once(driver: Driver) -> None:
    story = driver.draw(START + '<receiveTask id="hear" messageRef="paid"/>' + END + chain("start", "hear", "end"))

    results = race(driver, [(ROOT, lambda tx: messages.correlate(tx, "paid"))] * 4)

    assert sorted(type(result) for result in results if result == story.id) == [int]
    assert all(isinstance(lost, NotFound | Conflict) for lost in losers(results))
    assert len(losers(results)) == 3
    assert story.facts().count("message received") == 1


def test_two_retries_of_one_incident_try_once(driver: Driver) -> None:
    story = driver.draw(START + script("s", "x = 1 / 0") + END + chain("start", "s", "end"))
    stopped = story.incidents()[0]

    results = race(driver, [(ROOT, lambda tx: incidents.retry(tx, stopped.id, seen=0))] * 4)

    assert len(losers(results)) == 3
    assert all("was tried again since" in str(lost) for lost in losers(results))
    assert len(story.incidents()) == 1


def test_deployments_at_once_get_versions_of_their_own(driver: Driver) -> None:
    files = {"p.bpmn": document(TASK)}

    results = race(driver, [(ROOT, lambda tx: definitions.deploy(tx, files))] * 4)

    assert not losers(results)
    versions = driver.do(definitions.versions, "p", by=ROOT)
    assert [each.definition.version for each in versions] == [4, 3, 2, 1]


def test_a_command_that_finds_its_instance_changed_stores_nothing(driver: Driver) -> None:
    """As by a program that goes past the row's lock."""
    story = driver.draw(TASK)

    def meddle(tx: Transaction) -> None:
        def act(run: Run) -> None:
            tx.session.execute(text("UPDATE instance SET version = version + 1"))
            run.terminate()

        execution.advance(tx, story.id, act)

    with pytest.raises(Busy, match="was changed meanwhile"), driver.engine.transaction(ROOT) as tx:
        meddle(tx)
    assert (story.status, len(story.tasks())) == ("active", 1)


def _waits_for_a_timer(driver: Driver) -> Story:
    hour = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
    pause = f'<intermediateCatchEvent id="pause">{hour}</intermediateCatchEvent>'
    return driver.draw(START + pause + END + chain("start", "pause", "end"))


@pytest.mark.parametrize("_round", range(3))
def test_of_several_who_fire_a_start_timer_one_does(driver: Driver, _round: int) -> None:
    date = "<timerEventDefinition><timeDate>2026-02-01T09:00Z</timeDate></timerEventDefinition>"
    driver.deploy_drawn(f'<startEvent id="start">{date}</startEvent>' + END + chain("start", "end"))
    (timer,) = driver.do(timers.pending, by=ROOT)

    results = race(driver, [(ROOT, lambda tx: timers.fire(tx, timer.job_id))] * 4)

    assert [type(lost) in (Conflict, NotFound) for lost in losers(results)] == [True] * 3
    assert [each.status for each in driver.stories("p")] == ["completed"]


@pytest.mark.parametrize("_round", range(3))
def test_of_several_who_fire_a_timer_one_does(driver: Driver, _round: int) -> None:
    story = _waits_for_a_timer(driver)
    (timer,) = story.timers()

    results = race(driver, [(ROOT, lambda tx: timers.fire(tx, timer.job_id))] * 4)

    assert [type(lost) in (Conflict, NotFound, execution.NotActive) for lost in losers(results)] == [True] * 3
    assert story.facts().count("timer fired") == 1
    assert story.is_at_rest


@pytest.mark.parametrize("_round", range(3))
@pytest.mark.parametrize("is_start", [False, True])
def test_a_worker_and_a_hand_fire_a_due_timer_once(driver: Driver, _round: int, is_start: bool) -> None:
    if is_start:
        driver.deploy_drawn(f'<startEvent id="start">{CYCLE}</startEvent>' + END + chain("start", "end"))
    story = None if is_start else _waits_for_a_timer(driver)
    (timer,) = driver.do(timers.pending, by=ROOT)
    driver.clock.advance(hours=1)

    with ThreadPoolExecutor(1) as worker:
        fired = worker.submit(driver.run_jobs)
        race(driver, [(ROOT, lambda tx: timers.fire(tx, timer.job_id))])
        fired.result()
    driver.tick(seconds=1)

    assert [each.status for each in driver.stories("p")] == ["completed"]
    assert len(driver.do(timers.pending, by=ROOT)) == int(is_start)
    assert story is None or (story.is_at_rest and story.path().count("end") == 1)


@pytest.mark.parametrize("_round", range(3))
def test_moves_and_a_worker_end_with_the_last_move_or_the_firing(driver: Driver, _round: int) -> None:
    story = _waits_for_a_timer(driver)
    (timer,) = story.timers()
    driver.clock.advance(hours=1)
    days = [driver.clock.now() + timedelta(days=number) for number in (1, 2, 3)]

    with ThreadPoolExecutor(1) as worker:
        fired = worker.submit(driver.run_jobs)
        results = race(driver, [(ROOT, lambda tx, day=day: timers.move(tx, timer.job_id, day)) for day in days])  # type: ignore[misc]
        fired.result()
    driver.tick(seconds=1)

    assert story.facts().count("timer moved") == 3 - len(losers(results))
    if story.status == "active":
        assert story.timers()[0].due_at in days
        driver.tick(days=3)
    assert (story.status, story.facts().count("timer fired")) == ("completed", 1)


def test_a_timer_that_is_moved_is_lost_to_the_worker_that_took_it(driver: Driver) -> None:
    story = _waits_for_a_timer(driver)
    (timer,) = story.timers()
    driver.clock.advance(hours=1)
    (ref,) = leases.claim(driver.engine, 10)

    driver.do(timers.move, timer.job_id, driver.clock.now() + timedelta(days=1), by=ROOT)

    assert not tries.execute(driver.engine, ref, HANDLERS)
    assert story.status == "active"
    driver.tick(days=1)
    assert (story.status, story.facts().count("timer fired")) == ("completed", 1)


CYCLE = "<timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition>"


@pytest.mark.parametrize("_round", range(4))
def test_a_deployment_and_a_firing_start_timer_leave_one_timer(driver: Driver, _round: int) -> None:
    body = f'<startEvent id="start">{CYCLE}</startEvent>' + user("check") + END + chain("start", "check", "end")
    driver.deploy_drawn(body)
    driver.clock.advance(hours=1)
    (ref,) = leases.claim(driver.engine, 10)
    gate = threading.Barrier(2)

    def fire() -> None:
        gate.wait(10)
        tries.execute(driver.engine, ref, HANDLERS)

    def deploy() -> None:
        gate.wait(10)
        driver.deploy_drawn(body)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(fire), pool.submit(deploy)]:
            done.result(30)

    with driver.engine.reading(ROOT) as tx:
        waiting = timers.pending(tx)
    assert [timer.definition_id for timer in waiting] == [definition.id for definition in _newest(driver)]
    assert len(driver.stories("p")) <= 1


def _newest(driver: Driver) -> list[Definition]:
    with driver.engine.reading(ROOT) as tx:
        return [counts.definition for counts in definitions.latest(tx)]
