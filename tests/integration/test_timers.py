"""Timers fired and moved by hand. (When they fire by themselves: test_verbs.py and tests/unit/test_schedule.py.)"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from engine import (
    Actor,
    Conflict,
    Engine,
    Event,
    Forbidden,
    InvalidValues,
    NotFound,
    Right,
    SettableClock,
    Settings,
    definitions,
    incidents,
    instances,
    progress,
    timers,
    user_tasks,
)
from engine.model.processes import InstanceStatus, Timer
from engine.storage.tables import InstanceRow
from tests.driver import ROOT, Driver, Story
from tests.integration.test_incidents import no_start
from tests.integration.test_threads import eventually
from tests.play import END, START, boundary, chain, document, sub, user

ANA = Actor("ana", groups=frozenset({"clerks"}))
INSPECTOR = Actor("ivo", rights=frozenset({Right.INSPECT}))


def timer(kind: str, text: str, more: str = "") -> str:
    return f"<timerEventDefinition{more}><{kind}>{text}</{kind}></timerEventDefinition>"


def wait(node: str, text: str = "PT2H", kind: str = "timeDuration") -> str:
    return f'<intermediateCatchEvent id="{node}">{timer(kind, text)}</intermediateCatchEvent>'


PAUSE = START + wait("pause") + END + chain("start", "pause", "end")
REMINDED = (
    START
    + user("check", candidateGroups="clerks")
    + boundary("remind", "check", timer("timeCycle", "{0}"), interrupting=False)
    + '<endEvent id="reminded"/>'
    + END
    + chain("start", "check", "end")
    + chain("remind", "reminded")
)


def begun_by(text: str, kind: str = "timeCycle") -> str:
    return f'<startEvent id="dawn">{timer(kind, text)}</startEvent>' + END + chain("dawn", "end")


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def only(driver: Driver) -> Timer:
    (found,) = driver.do(timers.pending, by=ROOT)
    assert isinstance(found, Timer)
    return found


def fire(driver: Driver) -> None:
    driver.do(timers.fire, only(driver).job_id, by=ROOT)
    driver.run_jobs()


def move(driver: Driver, **by: float) -> None:
    """Let the one timer be due so much later than now."""
    driver.do(timers.move, only(driver).job_id, driver.clock.now() + timedelta(**by), by=ROOT)
    driver.run_jobs()


def due_in(driver: Driver) -> timedelta:
    return only(driver).due_at - driver.clock.now()


def events(driver: Driver, story: Story, kind: str) -> list[Event]:
    with driver.engine.reading(ROOT) as tx:
        return [each for each in progress.events(tx, story.id, limit=1_000).rows if each.kind == kind]


# ---- fire ----------------------------------------------------------------------------------------------------------


def test_who_waits_goes_on_at_once(driver: Driver) -> None:
    story = driver.draw(PAUSE)
    due = only(driver).due_at

    driver.do(timers.fire, only(driver).job_id, by=ROOT)

    assert (story.status, story.is_at_rest) == ("completed", True)
    (fired,) = events(driver, story, "timer fired")
    assert (fired.actor, fired.element_id, fired.data["by_hand"]) == ("root", "pause", True)
    assert str(due.isoformat()) in str(fired.data["due"])


def test_an_interrupting_timer_takes_the_task_back(driver: Driver) -> None:
    body = START + user("check") + boundary("overdue", "check", timer("timeDuration", "P3D")) + END
    story = driver.draw(body + chain("start", "check", "end") + chain("overdue", "end"))

    fire(driver)

    assert story.path() == ["start", "check", "overdue", "end"]
    assert story.is_at_rest


def test_of_an_event_based_gateway_its_timer_is_chosen(driver: Driver) -> None:
    hear = '<receiveTask id="hear" messageRef="paid"/>'
    body = START + '<eventBasedGateway id="g"/>' + hear + wait("overdue") + END + chain("start", "g", "hear", "end")
    story = driver.draw(body + chain("g", "overdue", "end"))

    fire(driver)

    assert (story.status, story.path()[-2:]) == ("completed", ["overdue", "end"])


def test_inside_a_sub_process_of_many(driver: Driver) -> None:
    """Whose state is asleep until it is asked for."""
    each = "<multiInstanceLoopCharacteristics><loopCardinality>30</loopCardinality></multiInstanceLoopCharacteristics>"
    inside = '<startEvent id="s"/>' + wait("pause") + '<endEvent id="e"/>' + chain("s", "pause", "e")
    story = driver.draw(START + sub("many", inside, each) + END + chain("start", "many", "end"))

    for waiting in story.timers():
        driver.do(timers.fire, waiting.job_id, by=ROOT)

    assert (story.status, story.is_at_rest) == ("completed", True)


@pytest.mark.parametrize("text", ["R/PT1H", "R2/PT1H"])
def test_a_cycle_keeps_its_coming_turn(driver: Driver, text: str) -> None:
    story = driver.draw(REMINDED.format(text))
    driver.clock.advance(minutes=20)
    before = only(driver)

    fire(driver)
    fire(driver)

    assert story.path().count("reminded") == 2
    assert only(driver) == before
    driver.tick(minutes=40)
    driver.tick(hours=1)
    assert story.path().count("reminded") == 4
    driver.tick(hours=1)
    assert story.path().count("reminded") == (4 if text == "R2/PT1H" else 5)


def test_a_turn_that_is_due_is_the_one_that_fires(driver: Driver) -> None:
    story = driver.draw(REMINDED.format("R3/PT1H"))
    driver.clock.advance(hours=1, seconds=5)

    fire(driver)

    assert story.path().count("reminded") == 1
    assert due_in(driver) == timedelta(minutes=59, seconds=55)


def test_a_start_timer_starts_an_instance_in_the_actors_name(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("2026-02-01T09:00Z", "timeDate"))

    fire(driver)

    (story,) = driver.stories("p")
    assert story.row.started_by == "root"
    assert [told.actor for told in events(driver, story, "timer fired")] == ["root"]
    driver.tick(days=60)
    assert len(driver.stories("p")) == 1


def test_a_start_cycle_keeps_its_turns(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("R3/P1D"))
    before = only(driver)

    fire(driver)
    assert (len(driver.stories("p")), only(driver)) == (1, before)

    for _ in range(5):
        driver.tick(days=1)
    assert len(driver.stories("p")) == 1 + 3


def test_a_start_turn_that_is_due_is_not_doubled(driver: Driver) -> None:
    driver.deploy_drawn(begun_by("R3/P1D"))
    driver.clock.advance(days=1)

    fire(driver)

    assert (len(driver.stories("p")), due_in(driver)) == (1, timedelta(days=1))


def test_a_start_timer_comes_to_the_instances_that_wait_for_it(driver: Driver) -> None:
    """A parallel multiple start event: a signal has begun the instance."""
    both = '<signalEventDefinition signalRef="alarm"/>' + timer("timeDate", "2026-02-01T09:00Z")
    body = f'<startEvent id="dawn" parallelMultiple="true">{both}</startEvent>' + END + chain("dawn", "end")
    driver.deploy_drawn(body)
    driver.call_out("alarm")
    (story,) = driver.stories("p")
    of_definition = next(each for each in driver.do(timers.pending, by=ROOT) if each.instance_id is None)

    driver.do(timers.fire, of_definition.job_id, by=ROOT)
    driver.run_jobs()

    assert (len(driver.stories("p")), story.status) == (1, "completed")


# ---- move ----------------------------------------------------------------------------------------------------------


def test_a_timer_fires_at_its_new_moment(driver: Driver) -> None:
    story = driver.draw(PAUSE)
    move(driver, days=3)

    driver.tick(days=2, hours=23, minutes=59, seconds=59)
    assert story.status == "active"
    driver.tick(seconds=1)

    assert story.status == "completed"
    (moved,) = events(driver, story, "timer moved")
    assert (moved.actor, moved.element_id) == ("root", "pause")
    assert [moved.data[end]["$"][1][:16] for end in ("from", "to")] == ["2026-01-05T11:00", "2026-01-08T09:00"]


def test_a_moment_that_is_past_is_now(driver: Driver) -> None:
    story = driver.draw(PAUSE)

    move(driver, days=-400)

    assert story.status == "completed"


def test_with_a_worker_one_that_is_moved_to_now_fires_before_the_next_poll(migrated_url: str) -> None:
    seldom = Settings(database_url=migrated_url, poll_interval=timedelta(seconds=60))
    with Engine(seldom) as engine:
        engine.start_worker()
        with engine.transaction(ROOT) as tx:
            definitions.deploy(tx, {"p.bpmn": document(PAUSE)})
            instance = instances.start(tx, "p").id
            timers.move(tx, timers.of_instance(tx, instance)[0].job_id, tx.now)

        eventually(lambda: _status(engine, instance) == "completed")


def _status(engine: Engine, instance_id: int) -> str:
    with engine.reading(ROOT) as tx:
        return str(instances.get(tx, instance_id).status)


def test_commands_on_the_instance_leave_it_moved(driver: Driver) -> None:
    guarded = user("check", candidateGroups="clerks") + boundary("overdue", "check", timer("timeDuration", "P1D"))
    body = START + '<parallelGateway id="fork"/>' + guarded + user("other", candidateGroups="clerks")
    story = driver.draw(
        body + END + chain("start", "fork", "check", "end") + chain("fork", "other") + chain("overdue", "end")
    )
    move(driver, days=9)

    driver.do(instances.set_variable, story.id, "x", "1", by=ROOT)
    driver.complete(ANA, "other")

    assert due_in(driver) == timedelta(days=9)
    driver.tick(days=8)
    assert story.status == "active"
    driver.complete(ANA, "check")
    assert story.is_at_rest


@pytest.mark.parametrize("hours", [0.25, 0.75, 1.75, 3.25])
@pytest.mark.parametrize("is_start", [False, True])
def test_a_moved_turn_leaves_the_others_on_their_grid(driver: Driver, hours: float, is_start: bool) -> None:
    """It comes once, sooner or later; turns that it passes are made up for by it."""
    began = driver.clock.now()
    if is_start:
        driver.deploy_drawn(begun_by("R3/PT1H"))
    story = None if is_start else driver.draw(REMINDED.format("R3/PT1H"))
    move(driver, hours=hours)

    driver.tick(hours=hours)

    following = max(2, int(hours) + 1)
    assert only(driver).due_at == began + timedelta(hours=following)
    for _ in range(5):
        driver.tick(hours=1)
    assert (story.path().count("reminded") if story else len(driver.stories("p"))) == 3


def test_moving_again_begins_at_the_last_moment(driver: Driver) -> None:
    story = driver.draw(PAUSE)
    move(driver, days=3)
    move(driver, minutes=5)

    assert due_in(driver) == timedelta(minutes=5)
    last, first = (each.data for each in events(driver, story, "timer moved"))
    assert last["from"] == first["to"]


def test_who_saw_another_moment_is_refused(driver: Driver) -> None:
    driver.draw(PAUSE)
    seen = only(driver)
    later = driver.clock.now() + timedelta(days=1)
    driver.do(timers.move, seen.job_id, later, seen=seen.due_at, by=ROOT)

    told = driver.refused(Conflict, timers.move, seen.job_id, later, seen=seen.due_at, by=ROOT)

    assert "2026-01-05 11:00:00 UTC, but it was moved" in told


@pytest.mark.parametrize(
    "wrong", [datetime(2026, 2, 1, tzinfo=UTC).replace(tzinfo=None), datetime(9998, 1, 1, tzinfo=UTC)]
)
def test_a_moment_without_a_zone_or_too_far_is_refused(driver: Driver, wrong: datetime) -> None:
    driver.draw(PAUSE)

    assert "thousand years" in driver.refused(InvalidValues, timers.move, only(driver).job_id, wrong, by=ROOT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T09:00", "2026-03-01T09:00+00:00"),
        ("2026-03-01T09:00+02:00", "2026-03-01T07:00+00:00"),
        ("PT90M", "2026-01-05T10:30+00:00"),
        ("P50Y", "2076-01-05T09:00+00:00"),
    ],
)
def test_a_moment_is_written_as_in_diagrams(driver: Driver, text: str, expected: str) -> None:
    assert driver.do(timers.moment, text, by=ROOT) == datetime.fromisoformat(expected)


def test_what_is_no_moment_is_refused(driver: Driver) -> None:
    for text in ("", "tomorrow", "R/P1D", "2026-02-30", "P99999Y"):
        driver.refused(InvalidValues, timers.moment, text, by=ROOT)


# ---- refused -------------------------------------------------------------------------------------------------------


def acts(driver: Driver) -> list[tuple[object, tuple[object, ...]]]:
    return [(timers.fire, ()), (timers.move, (driver.clock.now() + timedelta(days=1),))]


def test_only_who_may_repair_does(driver: Driver) -> None:
    driver.draw(PAUSE)
    job = only(driver).job_id

    for verb, told in acts(driver):
        for actor in (ANA, INSPECTOR):
            driver.refused(Forbidden, verb, job, *told, by=actor)


def test_one_that_is_not_there_or_has_fired_is_refused(driver: Driver) -> None:
    story = driver.draw(PAUSE)
    job = only(driver).job_id
    driver.do(timers.fire, job, by=ROOT)

    for verb, told in acts(driver):
        for absent in (job, 10_000):
            assert "has fired" in driver.refused(NotFound, verb, absent, *told, by=ROOT)
    assert story.path().count("end") == 1


def test_what_is_no_timer_is_refused(driver: Driver) -> None:
    call = '<serviceTask id="call" camunda:type="external" camunda:topic="t"/>'
    with driver.engine.transaction(ROOT) as tx:
        definitions.deploy(tx, {"p.bpmn": document(START + call + END + chain("start", "call", "end"))})
        instances.start(tx, "p")

    for verb, told in acts(driver):
        driver.refused(NotFound, verb, 1, *told, by=ROOT)


@pytest.mark.parametrize("status", [InstanceStatus.SUSPENDED, InstanceStatus.COMPLETED])
def test_an_instance_that_is_not_active_refuses(driver: Driver, status: InstanceStatus) -> None:
    story = driver.draw(PAUSE)
    job = only(driver).job_id
    with driver.engine.transaction(ROOT) as tx:
        tx.session.execute(update(InstanceRow).where(InstanceRow.id == story.id).values(status=status))

    for verb, told in acts(driver):
        assert status in driver.refused(Conflict, verb, job, *told, by=ROOT)


def test_one_whose_last_try_failed_is_an_incident(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.deploy_drawn(begun_by("R/P1D"))
    job = only(driver).job_id
    with no_start(monkeypatch):
        for _ in range(4):
            driver.tick(days=1)

    for verb, told in acts(driver):
        assert "incident" in driver.refused(Conflict, verb, job, *told, by=ROOT)


def test_the_timer_of_an_activity_that_is_done_is_gone(driver: Driver) -> None:
    story = driver.draw(REMINDED.format("R/PT1H"))
    job = only(driver).job_id
    driver.do(user_tasks.complete, story.task().id, {}, by=ANA)

    for verb, told in acts(driver):
        driver.refused(NotFound, verb, job, *told, by=ROOT)


# ---- turns that came while nothing ran -----------------------------------------------------------------------------

OWN = ' xmlns:procession="urn:procession:bpmn:1" procession:catchUp="{0}"'


class Turns:
    """A cycle that starts instances, or reminds of a task in one; and how often it has fired."""

    def __init__(self, driver: Driver, text: str, catch_up: str, *, is_start: bool) -> None:
        self.driver = driver
        definition = timer("timeCycle", text, OWN.format(catch_up) if catch_up else "")
        self.story: Story | None = None
        if is_start:
            driver.deploy_drawn(begun_by(text).replace(timer("timeCycle", text), definition))
        else:
            self.story = driver.draw(REMINDED.format(text).replace(timer("timeCycle", text), definition))

    @property
    def fired(self) -> int:
        return self.story.path().count("reminded") if self.story else len(self.driver.stories("p"))


@pytest.mark.parametrize("is_start", [False, True])
@pytest.mark.parametrize(
    ("text", "catch_up", "at_once", "in_all"),
    [
        # away for 3 days and 5 hours: three turns are missed, and the next is due 19 hours later
        ("R/P1D", "", 1, 1 + 4),
        ("R/P1D", "once", 1, 1 + 4),
        ("R/P1D", "all", 3, 3 + 4),
        ("R/P1D", "skip", 0, 0 + 4),
        ("R5/P1D", "once", 1, 5),
        ("R5/P1D", "all", 3, 5),
        ("R5/P1D", "skip", 0, 4),
        ("R2/P1D", "all", 2, 2),
        ("R2/P1D", "skip", 0, 2),
        ("R/P1D/2026-01-09T09:00Z", "once", 1, 2),
        ("R/P1D/2026-01-09T09:00Z", "all", 3, 4),
        ("R/P1D/2026-01-09T09:00Z", "skip", 0, 1),
        ("0 9 * * *", "once", 1, 1 + 4),
        ("0 9 * * *", "all", 3, 3 + 4),
        ("0 9 * * *", "skip", 0, 0 + 4),
    ],
)
def test_after_some_days_away(
    driver: Driver, text: str, catch_up: str, at_once: int, in_all: int, is_start: bool
) -> None:
    turns = Turns(driver, text, catch_up, is_start=is_start)

    driver.tick(days=3, hours=5)

    assert turns.fired == at_once
    if in_all > at_once:
        assert due_in(driver) == timedelta(hours=19)
    driver.tick(hours=19)
    for _ in range(3):
        driver.tick(days=1)
    assert turns.fired == in_all


@pytest.mark.parametrize("is_start", [False, True])
@pytest.mark.parametrize("catch_up", ["all", "once", "skip"])
def test_turns_in_time_all_fire(driver: Driver, catch_up: str, is_start: bool) -> None:
    turns = Turns(driver, "R/PT1M", catch_up, is_start=is_start)

    for _ in range(5):
        driver.tick(seconds=59)
        driver.tick(seconds=1)

    assert turns.fired == 5


def test_all_of_300_fire_one_after_the_other(driver: Driver) -> None:
    turns = Turns(driver, "R/PT1M", "all", is_start=True)

    driver.tick(minutes=300)

    assert (turns.fired, due_in(driver)) == (300, timedelta(minutes=1))


def test_what_is_skipped_is_told(driver: Driver) -> None:
    turns = Turns(driver, "R/P1D", "skip", is_start=False)

    driver.tick(days=3, hours=5)

    assert turns.story is not None
    assert turns.story.facts().count("timer skipped") == 1


def test_who_waits_for_a_turn_of_a_cycle_that_has_ended_does_not_wait_for_ever(driver: Driver) -> None:
    text = "R/P1D/2026-01-07T09:00Z"
    pause = wait("pause", text, "timeCycle").replace("<timerEventDefinition", f"<timerEventDefinition{OWN}")
    story = driver.draw(START + pause.format("skip") + END + chain("start", "pause", "end"))

    driver.tick(days=9)

    assert story.status == "completed"


def test_a_cycle_that_ended_while_nothing_ran_starts_nothing(driver: Driver) -> None:
    turns = Turns(driver, "R/P1D/2026-01-07T09:00Z", "skip", is_start=True)

    driver.tick(days=9)

    assert (turns.fired, len(driver.do(timers.pending, by=ROOT))) == (0, 0)


def test_one_that_was_moved_is_not_skipped(driver: Driver) -> None:
    turns = Turns(driver, "R/P1D", "skip", is_start=True)
    driver.do(timers.move, only(driver).job_id, driver.clock.now() + timedelta(hours=2), by=ROOT)

    driver.tick(hours=9)

    assert (turns.fired, due_in(driver)) == (1, timedelta(hours=39))


def test_one_that_is_tried_again_is_not_skipped(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(driver, "R/P1D", "skip", is_start=True)
    with no_start(monkeypatch):
        driver.tick(days=1)

    driver.tick(hours=1)

    assert turns.fired == 1


def test_one_that_an_administrator_tries_again_is_not_skipped(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(driver, "R/P1D", "skip", is_start=True)
    with no_start(monkeypatch):
        driver.tick(days=1)
        driver.tick(minutes=10)
        driver.tick(minutes=10)
    (stopped,) = driver.do(incidents.pending, by=ROOT)
    driver.clock.advance(hours=3)

    driver.do(incidents.retry, stopped.id, by=ROOT)
    driver.run_jobs()

    assert (turns.fired, due_in(driver)) == (1, timedelta(hours=20, minutes=40))


# ---- every kind, wherever it may stand -----------------------------------------------------------------------------

KINDS = [
    ("timeDate", "2026-01-05T09:00:01Z", 1),
    ("timeDate", "2026-01-05T11:30:00.500+02:00", 1800.5),
    ("timeDate", "2026-01-05T18:30[Asia/Tokyo]", 1800),
    ("timeDate", "2126-01-05T09:00Z", 36524 * 86_400),
    ("timeDuration", "PT1S", 1),
    ("timeDuration", "PT1M30S", 90),
    ("timeDuration", "P1M", 31 * 86_400),
    ("timeDuration", "P50Y", 18262 * 86_400),
    ("timeCycle", "R3/PT1S", 1),
    ("timeCycle", "R/P50Y", 18262 * 86_400),
    ("timeCycle", "R/2026-01-05T10:00Z/PT1H", 3_600),
    ("timeCycle", "30 0 9 * * *", 30),
    ("timeCycle", "0 12 * * *", 3 * 3_600),
    ("timeCycle", "0 5 * * * [America/New_York]", 3_600),
]


def standing(place: str, definition: str) -> str:
    """A process with an event that leads to "ticked"."""
    rest = '<task id="ticked"/>' + END + chain("tick", "ticked", "end")
    if place == "start":
        return f'<startEvent id="tick">{definition}</startEvent>' + rest
    if place == "intermediate":
        event = f'<intermediateCatchEvent id="tick">{definition}</intermediateCatchEvent>'
        return START + event + rest + chain("start", "tick")
    event = boundary("tick", "check", definition, interrupting=place == "interrupting")
    return START + user("check") + event + rest + chain("start", "check", "end")


@pytest.mark.parametrize("place", ["start", "intermediate", "interrupting", "beside"])
@pytest.mark.parametrize(("kind", "text", "seconds"), KINDS)
def test_each_kind_fires_to_the_second(driver: Driver, place: str, kind: str, text: str, seconds: float) -> None:
    driver.deploy_drawn(standing(place, timer(kind, text)))
    if place != "start":
        driver.start("p")

    driver.tick(seconds=seconds - 0.25)
    assert [story.path() for story in driver.stories("p") if "ticked" in story.path()] == []
    driver.tick(seconds=0.25)

    (story,) = driver.stories("p")
    assert story.path().count("ticked") == 1
