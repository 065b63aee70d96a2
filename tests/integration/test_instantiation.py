"""Instances that begin by themselves, at whatever may begin one; and tasks of no process, called from others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from engine import (
    Actor,
    Conflict,
    Engine,
    Invalid,
    NotFound,
    SettableClock,
    conditions,
    definitions,
    instances,
    messages,
    signals,
)
from engine.storage.tables import JobRow
from tests.conformance.table import HOUR, MESSAGE, SIGNAL, catch, cycle, draw, start, throw
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, chain, document, user
from tests.site import Site

RECEIVE = '<receiveTask id="get" messageRef="paid" instantiate="true"/>'
CONDITION = "<conditionalEventDefinition><condition>n &gt; limit</condition></conditionalEventDefinition>"


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def race(kind: str, *events: str) -> str:
    gateway = f'<eventBasedGateway id="race" instantiate="true" eventGatewayType="{kind}"/>'
    return draw("race -> m -> a -> end; race -> s -> b -> end", gateway, catch("m", MESSAGE), *events)


def names(story: Story) -> list[str]:
    return sorted(task.name for task in story.tasks())


def test_a_receive_task_begins_an_instance_with_each_message(driver: Driver) -> None:
    driver.deploy_drawn(draw("get -> a -> end", RECEIVE))

    first, second = driver.tell("paid", sum=7), driver.tell("paid", sum=8)

    assert [names(first), names(second)] == [["a"], ["a"]]
    assert [first.values(), second.values()] == [{"sum": 7}, {"sum": 8}]
    assert second.path() == ["get", "a"]


def test_each_event_behind_a_gateway_begins_an_instance(driver: Driver) -> None:
    driver.deploy_drawn(race("Exclusive", catch("s", HOUR)))

    told = driver.tell("paid")
    driver.tick(hours=1)

    assert names(told) == ["a"]
    assert [names(story) for story in driver.stories("p")] == [["a"], ["b"]]


def test_behind_a_parallel_gateway_the_rest_comes_to_the_same_instance(driver: Driver) -> None:
    driver.deploy_drawn(race("Parallel", catch("s", SIGNAL)))

    told = driver.tell("paid")
    assert names(told) == ["a"]
    driver.tell("paid")  # another instance: the first has its message already
    driver.call_out("alarm")

    assert [names(story) for story in driver.stories("p")] == [["a", "b"], ["a", "b"]]
    driver.call_out("alarm")  # nobody waits for it
    assert names(driver.stories("p")[2]) == ["b"]


def all_needed(*triggers: str) -> str:
    drawn = start("begin", "".join(triggers)).replace('id="begin"', 'id="begin" parallelMultiple="true"')
    return draw("begin -> a -> end", drawn)


def test_a_start_that_needs_all_waits_for_the_rest_in_its_instance(driver: Driver) -> None:
    driver.deploy_drawn(all_needed(MESSAGE, SIGNAL))

    told = driver.tell("paid", sum=7)
    assert (names(told), told.status) == ([], "active")
    driver.call_out("alarm", loud=True)

    assert names(told) == ["a"]
    assert told.values() == {"sum": 7, "loud": True}
    assert len(driver.stories("p")) == 1


def test_a_signal_thrown_by_an_instance_comes_to_who_waits_for_it_alone(driver: Driver) -> None:
    driver.deploy_drawn(all_needed(MESSAGE, SIGNAL))
    thrower = draw("start -> throw -> end", throw("throw", SIGNAL))
    driver.deploy_files({"q.bpmn": document(thrower).replace(b'<process id="p"', b'<process id="q"')})
    told = driver.tell("paid")

    driver.start("q")

    assert [story.id for story in driver.stories("p")] == [told.id]
    assert names(told) == ["a"]


def test_of_two_signals_at_once_the_second_begins_an_instance(driver: Driver) -> None:
    driver.deploy_drawn(all_needed(MESSAGE, SIGNAL))
    told = driver.tell("paid")

    with driver.engine.transaction(ROOT) as tx:
        signals.broadcast(tx, "alarm", {"loud": True})
        signals.broadcast(tx, "alarm", {"loud": False})
    driver.run_jobs()

    assert told.values() == {"loud": True}
    assert [names(story) for story in driver.stories("p")] == [["a"], []]


def test_a_signal_comes_to_who_was_begun_before_it_could_begin_one(driver: Driver) -> None:
    driver.deploy_drawn(all_needed(MESSAGE, SIGNAL))

    with driver.engine.transaction(ROOT) as tx:
        signals.broadcast(tx, "alarm")
        messages.correlate(tx, "paid")
    driver.run_jobs()

    assert [names(story) for story in driver.stories("p")] == [["a"]]


def test_a_timer_comes_to_who_waits_for_it(driver: Driver) -> None:
    driver.deploy_drawn(race("Parallel", catch("s", HOUR)))
    driver.tick(minutes=30)
    first, second = driver.tell("paid"), driver.tell("paid")

    driver.tick(minutes=30)
    assert [names(story) for story in (first, second)] == [["a", "b"], ["a", "b"]]
    assert [story.timers() for story in (first, second)] == [[], []]
    driver.tick(hours=2)

    assert len(driver.stories("p")) == 2
    assert first.path() == ["race", "m", "s", "a", "b"]


def test_the_next_turn_of_a_timer_begins_an_instance_when_nobody_waits_for_it(driver: Driver) -> None:
    driver.deploy_drawn(all_needed(MESSAGE, cycle("R/PT1H")))
    told = driver.tell("paid")

    driver.tick(hours=1)
    assert (names(told), len(driver.stories("p"))) == (["a"], 1)
    driver.tick(hours=1)

    _first, second = driver.stories("p")
    assert names(second) == []
    assert (driver.tell("paid").id, names(second)) == (second.id, ["a"])


def test_what_begins_an_instance_sees_who_waits_before_their_own_timers_fire(driver: Driver) -> None:
    driver.deploy_drawn(race("Parallel", catch("s", HOUR)))
    told = driver.tell("paid")
    with driver.engine.transaction(ROOT) as tx:
        late = {"run_at": tx.now + timedelta(minutes=61)}
        tx.session.execute(update(JobRow).where(JobRow.instance_id.is_(None)).values(late))

    driver.tick(hours=1)
    assert names(told) == ["a"]
    for _ in range(2):
        driver.tick(minutes=1)

    assert names(told) == ["a", "b"]
    assert len(driver.stories("p")) == 1


def test_a_timer_that_all_wait_for_by_themselves_is_not_the_definitions(driver: Driver) -> None:
    driver.deploy_drawn(race("Parallel", catch("s", HOUR)))
    driver.tick(hours=1)
    (begun,) = driver.stories("p")
    assert driver.tell("paid").id == begun.id

    later = driver.tell("paid")  # the timer of the definition is over
    assert names(later) == ["a"]
    driver.tick(hours=1)

    assert names(later) == ["a", "b"]


def test_one_of_several_triggers_begins_an_instance(driver: Driver) -> None:
    driver.deploy_drawn(draw("begin -> a -> end", start("begin", MESSAGE + HOUR)))

    driver.tell("paid")
    driver.tick(hours=1)

    assert [names(story) for story in driver.stories("p")] == [["a"], ["a"]]


def test_a_new_version_ends_what_the_old_one_waited_for(driver: Driver) -> None:
    driver.deploy_drawn(race("Exclusive", catch("s", HOUR)))
    driver.deploy_drawn(draw("start -> other -> end"))

    driver.tick(hours=2)

    assert driver.stories("p") == []
    driver.refused(NotFound, messages.correlate, "paid", by=ROOT)


def test_a_condition_begins_an_instance_where_it_holds(driver: Driver) -> None:
    driver.deploy_drawn(draw("begin -> a -> end", start("begin", CONDITION)))

    assert driver.do(conditions.evaluate, {"n": 1, "limit": 5}, by=ROOT) == []
    (begun,) = driver.do(conditions.evaluate, {"n": 6, "limit": 5}, by=ROOT)

    assert Story(driver, begun).values() == {"n": 6, "limit": 5}


def test_a_condition_comes_to_who_waits_for_it(driver: Driver) -> None:
    driver.deploy_drawn(all_needed(MESSAGE, CONDITION))
    told = driver.tell("paid", sum=7)

    assert driver.do(conditions.evaluate, {"n": 6, "limit": 5}, by=ROOT) == [told.id]
    (other,) = driver.do(conditions.evaluate, {"n": 6, "limit": 5}, by=ROOT)

    assert (names(told), told.values()) == (["a"], {"sum": 7, "n": 6, "limit": 5})
    assert names(Story(driver, other)) == []
    assert (driver.tell("paid").id, names(Story(driver, other))) == (other, ["a"])


def test_a_condition_behind_a_gateway_comes_to_who_waits_for_it(driver: Driver) -> None:
    driver.deploy_drawn(race("Parallel", catch("s", CONDITION)))
    told = driver.tell("paid")

    assert driver.do(conditions.evaluate, {"n": 6, "limit": 5}, by=ROOT) == [told.id]
    assert names(told) == ["a", "b"]


def test_a_condition_that_reads_something_else_is_not_asked(driver: Driver) -> None:
    driver.deploy_drawn(draw("begin -> a -> end", start("begin", CONDITION)))

    assert driver.do(conditions.evaluate, {"n": 6}, by=ROOT) == []


def test_a_condition_may_call_what_the_language_has(driver: Driver) -> None:
    started = CONDITION.replace("n &gt; limit", "len([x for x in items if x &gt; 1]) &gt; 1")
    driver.deploy_drawn(draw("begin -> a -> end", start("begin", started)))

    assert driver.do(conditions.evaluate, {"items": [1, 2]}, by=ROOT) == []
    assert len(driver.do(conditions.evaluate, {"items": [2, 2]}, by=ROOT)) == 1


def test_a_condition_that_fails_hinders_no_other(driver: Driver) -> None:
    both = start("begin", CONDITION) + start("other", CONDITION.replace("limit", "1"))
    driver.deploy_drawn(draw("begin -> a -> end; other -> b -> end", both))

    (begun,) = driver.do(conditions.evaluate, {"n": 6, "limit": "many"}, by=ROOT)

    assert names(Story(driver, begun)) == ["b"]


def test_by_hand_such_a_process_starts_when_its_condition_holds(driver: Driver) -> None:
    driver.deploy_drawn(draw("begin -> a -> end", start("begin", CONDITION)))

    assert names(driver.start("p", n=6, limit=5)) == ["a"]
    with pytest.raises(Conflict, match="condition"):
        driver.start("p", n=1, limit=5)


def test_of_several_plain_starts_one_is_chosen(driver: Driver) -> None:
    driver.deploy_drawn(draw("start -> a -> end; start2 -> b -> end"))

    first = driver.start("p")
    second = Story(driver, driver.do(instances.start, "p", start_event="start2", by=ROOT).id)

    assert (names(first), names(second)) == (["a"], ["b"])
    assert "none" in driver.refused(Conflict, instances.start, "p", start_event="a", by=ROOT)


# ---- global tasks --------------------------------------------------------------------------------------------------


def calling(*tasks: str) -> bytes:
    body = START + '<callActivity id="call" calledElement="work"/>' + user("after") + END
    drawn = document(body + chain("start", "call", "after", "end"))
    return drawn.replace(b"</definitions>", "".join(tasks).encode() + b"</definitions>")


def test_a_global_script_task_is_called(driver: Driver) -> None:
    task = '<globalScriptTask id="work" scriptLanguage="python"><script>total = amount * 2</script></globalScriptTask>'
    driver.deploy_files({"p.bpmn": calling(task)})

    story = driver.start("p", amount=4)

    assert (names(story), story.values()) == (["after"], {"amount": 4, "total": 8})


def test_a_global_user_task_comes_to_the_inbox(driver: Driver) -> None:
    task = '<globalUserTask id="work" name="Look"><potentialOwner><resourceAssignmentExpression><formalExpression>'
    task += "group(clerks)</formalExpression></resourceAssignmentExpression></potentialOwner></globalUserTask>"
    driver.deploy_files({"p.bpmn": calling(task)})

    story = driver.start("p")
    (child,) = driver.stories("work")
    assert child.task("Look").candidate_groups == ("clerks",)
    driver.complete(Actor("ana", groups=frozenset({"clerks"})), "Look", seen=True)

    assert (names(story), story.values()) == (["after"], {"seen": True})


def test_a_global_task_is_not_started_by_hand(driver: Driver) -> None:
    driver.deploy_files({"p.bpmn": calling('<globalTask id="work"/>')})

    assert [each.key for each in driver.do(definitions.startable, by=ROOT)] == ["p"]


def test_a_script_of_a_global_task_is_looked_at(driver: Driver) -> None:
    task = '<globalScriptTask id="work"><script>total = </script></globalScriptTask>'

    assert "work.task" in driver.refused(Invalid, definitions.deploy, {"p.bpmn": calling(task)}, by=ROOT)


def test_a_file_may_hold_global_tasks_alone(driver: Driver) -> None:
    alone = document("").split(b"<process")[0] + b'<globalTask id="work"/></definitions>'
    driver.deploy_files({"tasks.bpmn": alone})
    driver.deploy_files({"p.bpmn": calling()})

    assert names(driver.start("p")) == ["after"]


# ---- by hand, at one of several start events -----------------------------------------------------------------------


def test_a_person_chooses_where_it_begins(site: Site, driver: Driver) -> None:
    named = draw("start -> a -> end; start2 -> b -[total > 1]-> end; b -*-> end2").replace(
        '"start2"', '"start2" name="By mail"', 1
    )
    definition = driver.deploy_drawn(named).definitions[0]
    ana, path = site.visitor("ana"), f"/start/{definition.id}"

    page = ana.page(path)
    assert "By mail" in page and "total" not in page
    assert "total" in ana.get(f"{path}?at=start2").text
    ana.post(f"{path}?at=start2", {"values": '{"total": 2}'})

    assert names(driver.stories("p")[-1]) == ["b"]
    assert ana.get(f"{path}?at=end").status_code == 404
    assert ana.post(f"{path}?at=end").status_code == 404


def test_one_start_event_is_no_choice(site: Site, driver: Driver) -> None:
    definition = driver.deploy_drawn(draw("start -> a -> end")).definitions[0]

    assert "Where it begins" not in site.visitor("ana").page(f"/start/{definition.id}")
