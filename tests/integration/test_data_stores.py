"""Data stores: one value for all instances, written in the command's transaction, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from engine import (
    Actor,
    Engine,
    Forbidden,
    InvalidValues,
    Json,
    NotFound,
    Right,
    SettableClock,
    Settings,
    data_stores,
    execution,
    instances,
    progress,
)
from tests.driver import ROOT, Driver, Story
from tests.play import END, START, chain, document, script, user

STORED = '<dataStoreReference id="stored" dataStoreRef="stock"/>'
SPECIFIED = '<ioSpecification><dataInput id="{0}.x" name="x"/><dataOutput id="{0}.y" name="y"/></ioSpecification>'


def reading(node: str, source: str = "") -> str:
    """Into x: what the store holds, or what an expression makes of it."""
    by = f"<transformation>{source}</transformation>" * bool(source)
    ends = f"<sourceRef>stored</sourceRef><targetRef>{node}.x</targetRef>"
    return f"<dataInputAssociation>{ends}{by}</dataInputAssociation>"


def writing(node: str, to: str = "") -> str:
    """From y: the whole value, or a field of it."""
    by = f"<assignment><from>y</from><to>{to}</to></assignment>" * bool(to)
    ends = f"<sourceRef>{node}.y</sourceRef><targetRef>stored</targetRef>"
    return f"<dataOutputAssociation>{ends}{by}</dataOutputAssociation>"


def counting(text: str = "y = (x or 0) + 1", to: str = "", more: str = "") -> str:
    """A process of one script that reads the store and writes it."""
    s = script("s", text, SPECIFIED.format("s") + reading("s") + writing("s", to) + more)
    return STORED + START + s + END + chain("start", "s", "end")


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


def held(driver: Driver, name: str = "Stock") -> Json:
    with driver.engine.reading(ROOT) as tx:
        return data_stores.get(tx, name).value


def told_of(story: Story) -> list[Json]:
    with story.driver.engine.reading(ROOT) as tx:
        events = progress.events(tx, story.id, limit=1_000)
    return [event.data for event in events if event.kind == "data store written"][::-1]


def test_a_value_outlives_its_instance(driver: Driver) -> None:
    first = driver.draw(counting())
    second = driver.start("p")

    assert (first.status, second.status) == ("completed", "completed")
    assert held(driver) == 2
    assert first.values() == {}
    assert (told_of(first), told_of(second)) == ([{"name": "Stock", "value": 1}], [{"name": "Stock", "value": 2}])


def test_definitions_share_it_by_its_name(driver: Driver) -> None:
    driver.draw(counting())
    other = document(counting().replace("stock", "other")).replace(b'id="stock"', b'id="other"')
    driver.deploy_files({"q.bpmn": other.replace(b'<process id="p"', b'<process id="q"')})

    driver.start("q")

    assert held(driver) == 2


def test_fields_are_set_by_themselves(driver: Driver) -> None:
    driver.draw(counting("y = n", to='Stock["A4"]'), n=1)
    driver.draw(counting("y = n", to="Stock.A3.left"), n=2)

    assert held(driver) == {"A4": 1, "A3": {"left": 2}}


def test_what_is_written_as_it_was_is_no_change(driver: Driver) -> None:
    driver.draw(counting("y = 7"))
    again = driver.start("p")

    assert told_of(again) == []
    with driver.engine.reading(ROOT) as tx:
        assert data_stores.get(tx, "Stock").version == 1


def test_history_does_not_repeat_large_values(driver: Driver) -> None:
    story = driver.draw(counting("y = 'a' * 5000"))

    assert told_of(story) == [{"name": "Stock", "characters": 5002}]


def test_a_failed_step_writes_nothing_and_a_retry_does(driver: Driver) -> None:
    order = '<dataObject id="order"/>'
    more = (
        "<dataOutputAssociation><sourceRef>s.y</sourceRef><targetRef>order</targetRef>"
        "<transformation>y / divisor</transformation></dataOutputAssociation>"
    )
    story = driver.draw(order + counting(more=more), divisor=0)
    assert len(story.incidents()) == 1
    assert driver.refused(NotFound, data_stores.get, "Stock", by=ROOT)

    with driver.engine.transaction(ROOT) as tx:
        execution.advance(tx, story.id, lambda run: run.set_variables({"divisor": 1}))
    story.retry()

    assert (story.status, held(driver), story.values()["order"]) == ("completed", 1, 1)


def test_a_rejected_command_writes_nothing(driver: Driver) -> None:
    driver.deploy_drawn(counting())

    with pytest.raises(RuntimeError), driver.engine.transaction(ROOT) as tx:
        instances.start(tx, "p")
        raise RuntimeError

    driver.refused(NotFound, data_stores.get, "Stock", by=ROOT)


def test_a_person_sees_what_another_instance_wrote_meanwhile(driver: Driver) -> None:
    """A data input is made as the task begins, a data output as it completes."""
    inner = SPECIFIED.format("a") + reading("a") + writing("a", "Stock.asked")
    body = STORED + START + user("a", inner) + END + chain("start", "a", "end")
    with driver.engine.transaction(ROOT) as tx:
        data_stores.put(tx, "Stock", {"begun": 1})
    story = driver.draw(body)
    with driver.engine.transaction(ROOT) as tx:
        data_stores.put(tx, "Stock", {"begun": 2})

    assert [variable.value for variable in story.variables() if variable.name == "x"] == [{"begun": 1}]
    driver.complete(ROOT, "a", y=3)

    assert held(driver) == {"begun": 2, "asked": 3}


def test_a_service_is_called_with_its_data_inputs_only(driver: Driver) -> None:
    desk = driver.serve("work", {"y": 5, "more": 6})
    inner = SPECIFIED.format("w") + reading("w") + writing("w")
    body = f'<serviceTask id="w" camunda:type="external" camunda:topic="work">{inner}</serviceTask>'
    with driver.engine.transaction(ROOT) as tx:
        data_stores.put(tx, "Stock", 4)

    story = driver.draw(STORED + START + body + END + chain("start", "w", "end"), other=1)

    assert [dict(call.variables) for call in desk.calls] == [{"x": 4}]
    assert (held(driver), story.values()) == (5, {"other": 1, "more": 6})


# ---- two at once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def several(migrated_url: str, clock: SettableClock) -> Iterator[Driver]:
    with Engine(Settings(database_url=migrated_url), clock=clock) as engine:
        yield Driver(engine, clock)


@pytest.mark.parametrize("_round", range(3))
def test_no_update_is_lost(several: Driver, _round: int) -> None:
    """Also the first, when there is no row to wait for."""
    several.deploy_drawn(counting())

    def begin(_number: int) -> None:
        with several.engine.transaction(ROOT) as tx:
            instances.start(tx, "p")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(begin, range(12)))

    assert held(several) == 12


def test_fields_set_at_once_are_all_there(several: Driver) -> None:
    keys = [f"k{number}" for number in range(4)]
    for key in keys:
        body = counting("y = 1", to=f'Stock["{key}"]')
        several.deploy_files(
            {f"{key}.bpmn": document(body).replace(b'<process id="p"', f'<process id="{key}"'.encode())}
        )

    def begin(key: str) -> None:
        with several.engine.transaction(ROOT) as tx:
            instances.start(tx, key)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(begin, keys))

    assert held(several) == dict.fromkeys(keys, 1)


def test_a_person_does_not_overwrite_what_a_command_reads(several: Driver) -> None:
    several.deploy_drawn(counting())
    with several.engine.transaction(ROOT) as tx:
        data_stores.put(tx, "Stock", 10)

    def put(_number: int) -> None:
        with several.engine.transaction(ROOT) as tx:
            data_stores.put(tx, "Stock", 10)

    def begin(_number: int) -> None:
        with several.engine.transaction(ROOT) as tx:
            instances.start(tx, "p")

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(act, 0) for act in (begin, put, begin, put, begin)]
        [each.result() for each in done]

    with several.engine.reading(ROOT) as tx:
        found = data_stores.get(tx, "Stock")
    assert found.version == 6
    assert found.value in (10, 11, 12, 13)


# ---- the verbs -----------------------------------------------------------------------------------------------------


def test_what_was_put_is_found(driver: Driver) -> None:
    driver.do(data_stores.put, "Paper stock", {"A4": 3, "since": date(2026, 1, 5)}, by=ROOT)
    driver.do(data_stores.put, "Archive", None, by=ROOT)

    found = driver.do(data_stores.find, by=Actor("mia", rights=frozenset({Right.INSPECT})))
    paper = driver.do(data_stores.get, "Paper stock", by=ROOT)

    assert [each.name for each in found] == ["Archive", "Paper stock"]
    assert (found.total, found.has_next) == (2, False)
    assert (paper.value, paper.version, paper.updated_by) == ({"A4": 3, "since": date(2026, 1, 5)}, 1, "root")


def test_a_store_that_was_only_read_is_not_told_of(driver: Driver) -> None:
    s = script("s", "told = x", SPECIFIED.format("s") + reading("s"))
    driver.draw(STORED + START + s + END + chain("start", "s", "end"))

    assert driver.do(data_stores.find, by=ROOT).total == 0
    driver.refused(NotFound, data_stores.get, "Stock", by=ROOT)


def test_who_lacks_the_right_is_refused(driver: Driver) -> None:
    inspector = Actor("mia", rights=frozenset({Right.INSPECT}))

    for verb in (data_stores.get, data_stores.find):
        driver.refused(Forbidden, verb, *["Stock"][: verb is data_stores.get], by=Actor("eve"))
    assert "repair" in driver.refused(Forbidden, data_stores.put, "Stock", 1, by=inspector)


@pytest.mark.parametrize(
    ("name", "value"), [("", 1), ("a" * 401, 1), ("a\0b", 1), ("Stock", {1, 2}), ("Stock", {1: 2})]
)
def test_what_no_store_can_hold_is_refused(driver: Driver, name: str, value: object) -> None:
    assert "Expected" in driver.refused(InvalidValues, data_stores.put, name, value, by=ROOT)
