"""Messages thrown by instances: to one receiver, whoever comes first, the message or the receiver."""

from __future__ import annotations

import pytest

from engine import Conflict, Engine, SettableClock, incidents, instances, messages
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, boundary, chain, document, user

PAID = '<messageEventDefinition messageRef="paid"/>'
WAITS = f'<intermediateCatchEvent id="wait">{PAID}</intermediateCatchEvent>'
WITH = '<extensionElements><camunda:inputOutput><camunda:inputParameter name="sum">${amount}</camunda:inputParameter>'
WITH += "</camunda:inputOutput></extensionElements>"
THROWS = START + f'<intermediateThrowEvent id="throw">{WITH}{PAID}</intermediateThrowEvent>' + END
RECEIVES = START + WAITS + user("after") + END + chain("start", "wait", "after", "end")


def named(key: str, body: str) -> bytes:
    return document(body).replace(b'<process id="p"', f'<process id="{key}"'.encode())


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    made = Driver(engine, clock)
    made.deploy_files({"thrower.bpmn": named("thrower", THROWS + chain("start", "throw", "end"))})
    return made


def receiver(driver: Driver, body: str = RECEIVES) -> None:
    driver.deploy_files({"receiver.bpmn": named("receiver", body)})


def told(driver: Driver) -> list[str]:
    with driver.engine.reading(ROOT) as tx:
        return [each.message for each in incidents.pending(tx)]


def is_taken(story: Story) -> bool:
    return [task.name for task in story.tasks()] == ["after"]


def test_it_reaches_who_waits_with_what_its_mapping_made(driver: Driver) -> None:
    receiver(driver)
    waiting = driver.start("receiver")

    driver.start("thrower", amount=7)

    assert is_taken(waiting)
    assert waiting.values() == {"sum": 7}


@pytest.mark.parametrize(("name", "message"), [("", "wait"), ('name="The goods"', "The goods")])
def test_a_receive_task_without_one_takes_what_is_called_as_itself(driver: Driver, name: str, message: str) -> None:
    receiver(driver, RECEIVES.replace(WAITS, f'<receiveTask id="wait" {name}/>'))
    waiting = driver.start("receiver")

    with driver.engine.transaction(ROOT) as tx:
        messages.correlate(tx, message, variables={"sum": 3})

    assert is_taken(waiting)
    assert waiting.values() == {"sum": 3}


def test_it_waits_for_a_receiver_that_comes_later(driver: Driver) -> None:
    receiver(driver)
    driver.start("thrower", amount=7)

    waiting = driver.start("receiver")

    assert is_taken(waiting)
    assert not is_taken(driver.start("receiver"))


def test_it_goes_to_who_has_the_business_key_of_the_thrower(driver: Driver) -> None:
    receiver(driver)
    other, meant = (driver.start("receiver", business_key=key) for key in ("A", "B"))

    driver.start("thrower", business_key="B", amount=1)

    assert (is_taken(other), is_taken(meant)) == (False, True)


def test_it_starts_a_process_that_begins_with_it(driver: Driver) -> None:
    body = f'<startEvent id="start">{PAID}</startEvent>' + user("after") + END + chain("start", "after", "end")
    receiver(driver, body)

    driver.start("thrower", business_key="B", amount=1)

    (story,) = driver.stories("receiver")
    assert (story.row.business_key, story.values()) == ("B", {"sum": 1})


def test_it_starts_a_process_that_is_deployed_later(driver: Driver) -> None:
    driver.start("thrower", amount=1)

    receiver(
        driver, f'<startEvent id="start">{PAID}</startEvent>' + user("after") + END + chain("start", "after", "end")
    )
    driver.run_jobs()

    assert len(driver.stories("receiver")) == 1


def test_that_nobody_takes_it_in_time_is_told_and_it_may_be_sent_again(driver: Driver) -> None:
    driver.start("thrower", amount=1)
    driver.tick(hours=23)
    assert told(driver) == []

    driver.tick(hours=2)

    assert ["nobody took it in time" in message for message in told(driver)] == [True]
    receiver(driver)
    waiting = driver.start("receiver")
    assert is_taken(waiting)
    assert told(driver) == []


def test_several_who_wait_are_told_of(driver: Driver) -> None:
    receiver(driver)
    one, other = driver.start("receiver"), driver.start("receiver")

    driver.start("thrower", amount=1)
    for _ in range(3):
        driver.tick(hours=1)

    assert ["these do" in message for message in told(driver)] == [True]
    assert not (is_taken(one) or is_taken(other))
    other.cancel()
    with driver.engine.transaction(ROOT) as tx:
        incidents.retry(tx, incidents.pending(tx)[0].id)
    driver.run_jobs()
    assert is_taken(one)


@pytest.mark.parametrize("element", [f'<endEvent id="end">{PAID}</endEvent>', '<sendTask id="end" messageRef="paid"/>'])
def test_an_end_event_and_a_send_task_throw_too(driver: Driver, element: str) -> None:
    driver.deploy_files({"thrower.bpmn": named("thrower", START + element + chain("start", "end"))})
    receiver(driver)
    waiting = driver.start("receiver")

    driver.start("thrower")

    assert is_taken(waiting)


def test_a_step_that_fails_has_thrown_nothing(driver: Driver) -> None:
    receiver(driver)
    waiting = driver.start("receiver")

    story = driver.start("thrower")  # there is no amount

    assert [each.element_id for each in story.incidents()] == ["throw"]
    assert not is_taken(waiting)


def test_a_boundary_event_takes_it(driver: Driver) -> None:
    body = START + user("work") + boundary("came", "work", PAID) + user("after") + END
    receiver(driver, body + chain("start", "work", "end") + chain("came", "after", "end"))
    waiting = driver.start("receiver")

    driver.start("thrower", amount=1)

    assert is_taken(waiting)


def test_one_that_waits_at_many_places_does_not_hide_another(driver: Driver) -> None:
    waits = "".join(f'<receiveTask id="w{number}" messageRef="paid"/>' for number in range(12))
    body = START + '<parallelGateway id="fork"/>' + waits + chain("start", "fork")
    receiver(driver, body + "".join(chain("fork", f"w{number}") for number in range(12)))
    driver.start("receiver")
    driver.start("receiver")

    with driver.engine.transaction(ROOT) as tx, pytest.raises(Conflict, match="these do"):
        messages.correlate(tx, "paid")


def test_a_signal_reaches_others_that_wait_by_then_and_no_others(driver: Driver) -> None:
    signal = '<signalEventDefinition signalRef="alarm"/>'
    thrower = START + f'<intermediateThrowEvent id="throw">{signal}</intermediateThrowEvent>' + END
    receiver(driver, RECEIVES.replace(PAID, signal))
    driver.deploy_files({"thrower.bpmn": named("thrower", thrower + chain("start", "throw", "end"))})
    early = driver.start("receiver")
    with driver.engine.transaction(ROOT) as tx:
        instances.start(tx, "thrower")
        late = Story(driver, instances.start(tx, "receiver").id)

    driver.run_jobs()

    assert (is_taken(early), is_taken(late)) == (True, False)
