"""Messages find their instance by key: by an attribute, or by the standard's keys; once; sooner or later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from engine import Conflict, Engine, InvalidValues, NotFound, SettableClock, incidents, messages, user_tasks
from engine.bpmn.nodes import OWN
from engine.storage.tables import VariableRow
from tests.conformance.table import HOUR, draw
from tests.driver import ROOT, Driver, Story
from tests.integration.test_calls import named
from tests.integration.test_races import race
from tests.play import boundary, document, user

PAID = '<messageEventDefinition messageRef="paid"/>'
WAIT = f'<intermediateCatchEvent id="wait">{PAID}</intermediateCatchEvent>'
SIMPLE = f'<message id="paid" name="paid" xmlns:procession="{OWN}" procession:correlationKey="order_id"/>'
KEY = """
    <collaboration id="c"><correlationKey id="order" name="Order">
      <correlationPropertyRef>number</correlationPropertyRef></correlationKey></collaboration>
    <correlationProperty id="number">{}</correlationProperty>
"""
RETRIEVAL = '<correlationPropertyRetrievalExpression messageRef="{}"><messagePath>{}</messagePath>'
RETRIEVAL += "</correlationPropertyRetrievalExpression>"


def retrieved(**paths: str) -> str:
    return KEY.format("".join(RETRIEVAL.format(message, path) for message, path in paths.items()))


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def deploy(driver: Driver, body: str, root: str, key: str = "p") -> None:
    content = document(body, root=root).replace(b'<process id="p"', f'<process id="{key}"'.encode())
    driver.deploy_files({f"{key}.bpmn": content})


WAITS = draw("start -> wait -> after -> end", WAIT)


def waiting(driver: Driver, *orders: object) -> list[Story]:
    deploy(driver, WAITS, SIMPLE)
    return [driver.start("p", order_id=order) for order in orders]


def told(driver: Driver, **options: object) -> int | None:
    taker = driver.do(messages.correlate, "paid", by=ROOT, **options)
    driver.run_jobs()
    assert taker is None or isinstance(taker, int)
    return taker


def names(story: Story) -> list[str]:
    return sorted(task.name for task in story.tasks())


# ---- our own attribute ---------------------------------------------------------------------------------------------


def test_a_message_goes_to_who_waits_under_its_key(driver: Driver) -> None:
    first, second = waiting(driver, "A", "B")

    assert told(driver, correlation_key="B") == second.id
    assert (names(first), names(second)) == ([], ["after"])


def test_the_key_may_be_among_what_it_brings(driver: Driver) -> None:
    first, second = waiting(driver, "A", "B")

    assert told(driver, variables={"order_id": "A"}) == first.id
    assert names(second) == []


def test_numbers_and_texts_are_the_same_key(driver: Driver) -> None:
    (story,) = waiting(driver, 4711)

    assert told(driver, correlation_key="4711") == story.id


def test_nobody_takes_a_message_under_another_key_or_under_none(driver: Driver) -> None:
    waiting(driver, "A")

    driver.refused(NotFound, messages.correlate, "paid", correlation_key="C", by=ROOT)
    driver.refused(NotFound, messages.correlate, "paid", by=ROOT)


def test_two_who_wait_under_one_key_are_a_conflict(driver: Driver) -> None:
    waiting(driver, "A", "A")

    assert "correlation key" in driver.refused(Conflict, messages.correlate, "paid", correlation_key="A", by=ROOT)


def test_who_names_the_instance_needs_no_key(driver: Driver) -> None:
    first, _second = waiting(driver, "A", "A")

    assert told(driver, instance_id=first.id) == first.id


def test_the_key_follows_the_variable(driver: Driver) -> None:
    flows = "start -> and1 -> wait -> after -> end; and1 -> change -> end2"
    deploy(driver, draw(flows, WAIT), SIMPLE)
    story = driver.start("p", order_id="A")

    driver.complete(ROOT, "change", order_id="B")

    driver.refused(NotFound, messages.correlate, "paid", correlation_key="A", by=ROOT)
    assert told(driver, correlation_key="B") == story.id


def test_a_key_that_cannot_be_found_stops_who_waits(driver: Driver) -> None:
    deploy(driver, WAITS, SIMPLE)

    assert [each.element_id for each in driver.start("p").incidents()] == ["wait"]


def test_one_of_many_is_found_without_a_look_at_the_others(driver: Driver) -> None:
    stories = waiting(driver, *range(30))
    seen = list[str]()
    event.listen(driver.engine.database, "before_cursor_execute", lambda *told: seen.append(told[2]))

    assert told(driver, correlation_key="17") == stories[17].id
    assert [each for each in seen if "FROM subscription" in each and "correlation_key IN" in each]
    assert not [each for each in seen if "FROM snapshot" in each][3:]


def test_thrown_messages_carry_it_too(driver: Driver) -> None:
    first, second = waiting(driver, "A", "B")
    deploy(
        driver,
        draw("start -> throw -> end", f'<intermediateThrowEvent id="throw">{PAID}</intermediateThrowEvent>'),
        SIMPLE,
        "q",
    )

    driver.start("q", order_id="B")

    assert (names(first), names(second)) == ([], ["after"])


@pytest.mark.parametrize(
    ("flows", "node"),
    [
        (
            "start -> race -> wait -> after -> end; race -> t -> end",
            f'{WAIT}<intermediateCatchEvent id="t">{HOUR}</intermediateCatchEvent>',
        ),
        ("start -> wait -> after -> end", '<receiveTask id="wait" messageRef="paid"/>'),
        ("start -> work -> end; wait -> after -> end2", user("work") + boundary("wait", "work", PAID)),
        (
            "start -> wait -> after -> end",
            f'<intermediateCatchEvent id="wait">{PAID}<signalEventDefinition signalRef="s"/></intermediateCatchEvent>',
        ),
    ],
)
def test_wherever_messages_are_waited_for(driver: Driver, flows: str, node: str) -> None:
    deploy(driver, draw(flows, node), SIMPLE + '<signal id="s" name="s"/>')
    first, second = (driver.start("p", order_id=order) for order in "AB")

    assert told(driver, correlation_key="B") == second.id
    assert "after" not in names(first)
    assert names(second) == ["after"]


# ---- the standard's keys -------------------------------------------------------------------------------------------

BUYER = draw(
    "start -> ask -> hear -> after -> end",
    '<intermediateThrowEvent id="ask"><extensionElements><camunda:inputOutput>'
    '<camunda:inputParameter name="number">${id}</camunda:inputParameter></camunda:inputOutput></extensionElements>'
    '<messageEventDefinition messageRef="ordered"/></intermediateThrowEvent>',
    '<intermediateCatchEvent id="hear"><messageEventDefinition messageRef="answered"/></intermediateCatchEvent>',
)
SELLER = draw(
    "get -> decide -> answer",
    '<startEvent id="get"><messageEventDefinition messageRef="ordered"/></startEvent>',
    '<endEvent id="answer"><extensionElements><camunda:inputOutput>'
    '<camunda:inputParameter name="no">${number}</camunda:inputParameter>'
    '<camunda:inputParameter name="price">${price}</camunda:inputParameter></camunda:inputOutput></extensionElements>'
    '<messageEventDefinition messageRef="answered"/></endEvent>',
)
TWO = '<message id="ordered" name="ordered"/><message id="answered" name="answered"/>'


def test_conversations_between_two_pools_do_not_mix(driver: Driver) -> None:
    root = TWO + retrieved(ordered="number", answered="no")
    content = document(BUYER, root=root).replace(b'<process id="p"', b'<process id="buyer"')
    seller = named("seller", SELLER).split(b"<process", 1)[1].rpartition(b"</definitions>")[0]
    driver.deploy_files({"trade.bpmn": content.replace(b"</definitions>", b"<process" + seller + b"</definitions>")})

    buyers = [driver.start("buyer", id=number) for number in (1, 2, 3)]
    sellers = {story.values()["number"]: story for story in driver.stories("seller")}
    for number in (2, 3, 1):
        task = sellers[number].task("decide")
        driver.do(user_tasks.complete, task.id, {"price": number * 100}, by=ROOT)
        driver.run_jobs()

    assert [buyer.values()["price"] for buyer in buyers] == [100, 200, 300]
    assert [names(buyer) for buyer in buyers] == [["after"]] * 3


POOLS = """<collaboration id="pools">
    <participant id="pool1" processRef="buyer"/><participant id="pool2" processRef="seller"/>
    <messageFlow id="flow1" sourceRef="order" targetRef="get"/>
    <messageFlow id="flow2" sourceRef="offer" targetRef="hear"/>
    <messageFlow id="flow3" sourceRef="accept" targetRef="listen"/>
    <correlationKey id="trade"><correlationPropertyRef>number</correlationPropertyRef></correlationKey>
    </collaboration><correlationProperty id="number">{}</correlationProperty>"""
MESSAGES = ("ordered", "offered", "accepted")
BRINGS = "<extensionElements><camunda:inputOutput>"
BRINGS += '<camunda:inputParameter name="number">${number}</camunda:inputParameter>'
BRINGS += "</camunda:inputOutput></extensionElements>"
OFFERS = {
    "buyer": draw(
        "start -> order -> hear -> choose -> accept",
        f'<sendTask id="order" messageRef="ordered">{BRINGS}</sendTask>',
        '<receiveTask id="hear" messageRef="offered"/>',
        f'<endEvent id="accept">{BRINGS}<messageEventDefinition messageRef="accepted"/></endEvent>',
    ),
    "seller": draw(
        "get -> price -> offer -> listen -> after",
        '<startEvent id="get"><messageEventDefinition messageRef="ordered"/></startEvent>',
        f'<sendTask id="offer" messageRef="offered">{BRINGS}</sendTask>',
        '<intermediateCatchEvent id="listen"><messageEventDefinition messageRef="accepted"/></intermediateCatchEvent>',
    ),
}


def deploy_pools(driver: Driver, *, brings: str) -> None:
    told = "".join(RETRIEVAL.format(message, "number") for message in MESSAGES)
    root = "".join(f'<message id="{message}" name="{message}"/>' for message in MESSAGES) + POOLS.format(told)
    drawn = {key: body.replace(BRINGS, brings) for key, body in OFFERS.items()}
    content = document(drawn["buyer"], root=root).replace(b'<process id="p"', b'<process id="buyer"')
    seller = named("seller", drawn["seller"]).split(b"<process", 1)[1].rpartition(b"</definitions>")[0]
    driver.deploy_files({"trade.bpmn": content.replace(b"</definitions>", b"<process" + seller + b"</definitions>")})


def test_pools_of_one_collaboration_talk_back_and_forth(driver: Driver) -> None:
    deploy_pools(driver, brings=BRINGS)
    buyers = {number: driver.start("buyer", number=number) for number in (1, 2, 3)}
    sellers = {story.values()["number"]: story for story in driver.stories("seller")}

    for number in (2, 3, 1):
        driver.do(user_tasks.complete, sellers[number].task("price").id, {}, by=ROOT)
        driver.run_jobs()
    assert [names(buyer) for buyer in buyers.values()] == [["choose"]] * 3
    driver.do(user_tasks.complete, buyers[3].task("choose").id, {}, by=ROOT)
    driver.run_jobs()

    assert [buyers[number].status for number in (1, 2, 3)] == ["active", "active", "completed"]
    assert [names(sellers[number]) for number in (1, 2, 3)] == [[], [], ["after"]]


def test_they_do_so_under_a_key_that_no_message_brings(driver: Driver) -> None:
    deploy_pools(driver, brings="")
    buyers, sellers = [driver.start("buyer", number=number) for number in (1, 2, 3)], driver.stories("seller")

    for seller in (sellers[1], sellers[2], sellers[0]):
        driver.do(user_tasks.complete, seller.task("price").id, {}, by=ROOT)
        driver.run_jobs()
    assert [names(buyer) for buyer in buyers] == [["choose"]] * 3
    driver.do(user_tasks.complete, buyers[2].task("choose").id, {}, by=ROOT)
    driver.run_jobs()

    assert [names(seller) for seller in sellers] == [[], [], ["after"]]
    assert [seller.values() for seller in sellers] == [{}] * 3


def test_who_took_the_first_message_knows_the_key_that_it_was_sent_under(driver: Driver) -> None:
    opened = '<intermediateThrowEvent id="open"><messageEventDefinition messageRef="opened"/></intermediateThrowEvent>'
    hear = '<receiveTask id="hear" messageRef="opened"/>'
    root = '<message id="paid" name="paid"/><message id="opened" name="opened"/>'
    root += retrieved(opened="order_id", paid="order_id")
    deploy(driver, draw("start -> hear -> wait -> after -> end", hear, WAIT), root)
    deploy(driver, draw("start -> open -> end", opened), root, "q")
    stories = []
    for order in ("A", "B"):
        stories.append(driver.start("p"))
        driver.start("q", order_id=order)

    assert told(driver, variables={"order_id": "B"}) == stories[1].id
    assert [names(story) for story in stories] == [[], ["after"]]


def test_all_messages_that_begin_an_instance_carry_its_key(driver: Driver) -> None:
    both = f'<startEvent id="begin" parallelMultiple="true">{PAID}<messageEventDefinition messageRef="opened"/>'
    root = '<message id="paid" name="paid"/><message id="opened" name="opened"/>'
    root += retrieved(opened="order_id", paid="order_id")
    deploy(driver, draw("begin -> after -> end", f"{both}</startEvent>"), root)
    first, second = (driver.tell("opened", order_id=order) for order in ("A", "B"))

    assert told(driver, variables={"order_id": "B"}) == second.id
    assert (names(first), names(second)) == ([], ["after"])


def test_the_first_message_tells_which_others_are_for_the_instance(driver: Driver) -> None:
    twice = draw("start -> wait -> again -> after -> end", WAIT, WAIT.replace('"wait"', '"again"'))
    deploy(driver, twice, '<message id="paid" name="paid"/>' + retrieved(paid="order_id"))
    story = driver.start("p")

    assert told(driver, variables={"order_id": "A"}) == story.id
    driver.refused(NotFound, messages.correlate, "paid", variables={"order_id": "B"}, by=ROOT)
    assert told(driver, variables={"order_id": "A"}) == story.id
    assert names(story) == ["after"]


def test_what_retrieves_a_key_may_call_what_the_language_has(driver: Driver) -> None:
    deploy(driver, WAITS, '<message id="paid" name="paid"/>' + retrieved(paid="str(order_id).strip()"))
    story = driver.start("p")

    assert told(driver, variables={"order_id": 4711}) == story.id
    with driver.engine.transaction(ROOT) as tx:
        assert tx.session.scalar(select(VariableRow.value).where(VariableRow.name == "#key order")) == '["4711"]'


def test_who_waited_before_waits_under_the_key_from_then_on(driver: Driver) -> None:
    flows = "start -> and1 -> wait -> a -> end; and1 -> first -> b -> end2"
    first = '<intermediateCatchEvent id="first"><messageEventDefinition messageRef="opened"/></intermediateCatchEvent>'
    root = '<message id="paid" name="paid"/><message id="opened" name="opened"/>'
    deploy(driver, draw(flows, WAIT, first), root + retrieved(paid="order_id", opened="order_id"))
    one, other = driver.start("p"), driver.start("p")
    for story, order in ((one, "A"), (other, "B")):
        driver.do(messages.correlate, "opened", variables={"order_id": order}, instance_id=story.id, by=ROOT)

    assert told(driver, variables={"order_id": "B"}) == other.id
    assert (names(one), names(other)) == (["b"], ["a", "b"])


def test_a_start_event_tells_the_key(driver: Driver) -> None:
    begun = '<startEvent id="begin"><messageEventDefinition messageRef="opened"/></startEvent>'
    root = '<message id="paid" name="paid"/><message id="opened" name="opened"/>'
    deploy(
        driver, draw("begin -> wait -> after -> end", begun, WAIT), root + retrieved(paid="order_id", opened="number")
    )
    first, second = driver.tell("opened", number=1), driver.tell("opened", number=2)

    assert told(driver, variables={"order_id": 2}) == second.id
    assert (names(first), names(second)) == ([], ["after"])


def test_a_process_may_say_what_it_expects(driver: Driver) -> None:
    bound = '<correlationSubscription id="s" correlationKeyRef="order"><correlationPropertyBinding id="b" '
    bound += 'correlationPropertyRef="number"><dataPath>mine</dataPath></correlationPropertyBinding>'
    deploy(
        driver, f"{bound}</correlationSubscription>{WAITS}", '<message id="paid" name="paid"/>' + retrieved(paid="no")
    )
    first, second = (driver.start("p", mine=number) for number in (1, 2))

    assert told(driver, variables={"no": 2}) == second.id
    assert names(first) == []


def test_the_key_is_shown_to_nobody(driver: Driver) -> None:
    deploy(driver, WAITS, '<message id="paid" name="paid"/>' + retrieved(paid="order_id"))
    story = driver.start("p")
    told(driver, variables={"order_id": "A"})

    assert [each.name for each in story.variables()] == ["order_id"]


# ---- once, and later -----------------------------------------------------------------------------------------------


def test_a_message_that_comes_twice_is_taken_once(driver: Driver) -> None:
    first, second = waiting(driver, "A", "A2")
    assert told(driver, correlation_key="A", message_id="m1") == first.id

    assert told(driver, correlation_key="A2", message_id="m1") == first.id
    assert names(second) == []
    assert told(driver, correlation_key="A2", message_id="m2") == second.id


def test_a_message_that_nobody_took_may_come_again(driver: Driver) -> None:
    deploy(driver, WAITS, SIMPLE)
    driver.refused(NotFound, messages.correlate, "paid", correlation_key="A", message_id="m1", by=ROOT)
    story = driver.start("p", order_id="A")

    assert told(driver, correlation_key="A", message_id="m1") == story.id


def test_of_two_at_once_one_is_taken(driver: Driver) -> None:
    deploy(driver, draw("begin -> a -> end", f'<startEvent id="begin">{PAID}</startEvent>'), SIMPLE)

    results = race(driver, [(ROOT, lambda tx: messages.correlate(tx, "paid", message_id="m1"))] * 4)

    assert len(driver.stories("p")) == 1, results


def test_ids_are_forgotten_in_time(driver: Driver) -> None:
    first, second = waiting(driver, "A", "B")
    told(driver, correlation_key="A", message_id="m1")

    driver.tick(days=31)

    assert told(driver, correlation_key="B", message_id="m1") == second.id
    assert names(first) == ["after"]


def test_an_id_is_not_too_long(driver: Driver) -> None:
    driver.refused(InvalidValues, messages.correlate, "paid", message_id="x" * 256, by=ROOT)


def test_a_message_from_outside_may_wait_for_its_receiver(driver: Driver) -> None:
    deploy(driver, WAITS, SIMPLE)
    assert told(driver, correlation_key="B", variables={"sum": 7}, lifetime=timedelta(hours=1)) is None

    other, meant = driver.start("p", order_id="A"), driver.start("p", order_id="B")

    assert (names(other), names(meant)) == ([], ["after"])
    assert meant.values()["sum"] == 7


def test_one_that_nobody_takes_is_told(driver: Driver) -> None:
    told(driver, lifetime=timedelta(hours=1))

    driver.tick(hours=2)

    with driver.engine.reading(ROOT) as tx:
        assert "from outside came, but nobody took it" in incidents.pending(tx)[0].message


def test_a_kept_message_is_found_behind_many_others(driver: Driver) -> None:
    deploy(driver, WAITS, SIMPLE)
    for number in range(15):
        told(driver, correlation_key=str(number), lifetime=timedelta(hours=1))
    driver.tick(seconds=10)

    meant = driver.start("p", order_id="14")

    assert names(meant) == ["after"]


def test_one_under_a_business_key_is_found_behind_many_others(driver: Driver) -> None:
    deploy(driver, WAITS, '<message id="paid" name="paid"/>')
    for number in range(15):
        told(driver, business_key=str(number), lifetime=timedelta(hours=1))
    driver.tick(seconds=10)

    assert names(driver.start("p", business_key="14")) == ["after"]


def test_all_that_are_kept_begin_a_process_that_is_deployed_later(driver: Driver) -> None:
    for _ in range(25):
        told(driver, lifetime=timedelta(hours=1))
    driver.tick(seconds=10)

    deploy(driver, draw("begin -> a -> end", f'<startEvent id="begin">{PAID}</startEvent>'), SIMPLE)
    driver.run_jobs()

    assert len(driver.stories("p")) == 25


def test_one_that_was_kept_is_taken_once(driver: Driver) -> None:
    deploy(driver, WAITS, SIMPLE)
    told(driver, correlation_key="A", message_id="m1", lifetime=timedelta(hours=1))
    first, second = driver.start("p", order_id="A"), driver.start("p", order_id="A")

    assert told(driver, correlation_key="A", message_id="m1", lifetime=timedelta(hours=1)) == first.id
    assert (names(first), names(second)) == (["after"], [])


def test_one_that_is_kept_is_not_kept_twice(driver: Driver) -> None:
    deploy(driver, WAITS, SIMPLE)

    for _ in range(2):
        assert told(driver, correlation_key="A", message_id="m1", lifetime=timedelta(hours=1)) is None

    assert [names(driver.start("p", order_id="A")) for _ in range(2)] == [["after"], []]


@pytest.mark.parametrize("lifetime", [timedelta(), timedelta(days=-1), timedelta.max])
def test_a_lifetime_is_a_time_to_come(driver: Driver, lifetime: timedelta) -> None:
    driver.refused(InvalidValues, messages.correlate, "paid", lifetime=lifetime, by=ROOT)


def test_what_is_for_a_named_instance_does_not_wait_for_others(driver: Driver) -> None:
    text = driver.refused(
        InvalidValues, messages.correlate, "paid", instance_id=1, lifetime=timedelta(hours=1), by=ROOT
    )

    assert "Leave out one" in text
