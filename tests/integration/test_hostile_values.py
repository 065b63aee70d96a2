"""Names and values that no row can hold are refused with a reason, or stop one token: never a broken transaction."""

from __future__ import annotations

import pytest

from engine import (
    Actor,
    BpmnError,
    Conflict,
    Engine,
    Invalid,
    InvalidValues,
    NotFound,
    SettableClock,
    instances,
    messages,
    progress,
    user_tasks,
)
from engine.model import Json
from tests.driver import ROOT, Driver
from tests.play import END, START, boundary, chain, document, script, user

ANA = Actor("ana", groups=frozenset({"clerks"}))
TASK = START + user("decide") + END + chain("start", "decide", "end")
SERVICE = '<serviceTask id="call" camunda:type="external" camunda:topic="hostile"/>'
CALL = START + SERVICE + END + chain("start", "call", "end")
LONG = "x" * 10_000


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["\0", "a\0b", {"\0": ["\0"]}, 10**400, LONG * 100, "\ufffe", b"\0\xff", nested(200)])
def test_a_value_comes_back_whatever_is_in_it(driver: Driver, value: Json) -> None:
    story = driver.draw(TASK, given=value)
    driver.complete(ROOT, "decide", filled_in=value)

    assert story.values() == {"given": value, "filled_in": value}


BAD_VALUES = ["\ud800", {"\ud800": 1}, {1: 2}, {1, 2}, object(), float("nan"), float("inf"), nested(5_000)]


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: type(value).__name__)
def test_what_no_variable_can_hold_is_refused(driver: Driver, value: Json) -> None:
    story = driver.draw(TASK)

    with pytest.raises(Invalid, match="variable-type"):
        driver.start("p", given=value)
    with pytest.raises(Conflict, match="cannot be stored"):
        driver.complete(ROOT, "decide", filled_in=value)
    with pytest.raises(Invalid, match="variable-type"):
        driver.tell("paid", sent=value)
    with pytest.raises(Invalid, match="variable-type"):
        driver.call_out("alarm", sent=value)
    driver.expect_inbox(ROOT, ["decide"])
    assert story.values() == {}


@pytest.mark.parametrize(
    "name", ["", "\0", "a\0", "\ud800", "x" * 256, LONG, "#items"], ids=lambda name: f"{name!a:.9}"
)
def test_a_name_that_no_variable_can_have_is_refused(driver: Driver, name: str) -> None:
    story = driver.draw(TASK)

    with pytest.raises(Invalid, match="variable-type"):
        driver.start("p", **{name: 1})
    with pytest.raises(Conflict, match="cannot be stored"):
        driver.complete(ROOT, "decide", **{name: 1})
    assert story.values() == {}


@pytest.mark.parametrize("name", ["x" * 255, "a b", "a-b", "x.y", "Größe", "class", "__x", "$", "😀"])
def test_a_name_may_be_odd(driver: Driver, name: str) -> None:
    story = driver.draw(TASK, **{name: 1})

    driver.complete(ROOT, "decide", **{name: 2})

    assert story.values() == {name: 2}


# ---- business keys and people --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["k" * 256, "\0", "\ud800"], ids=["long", "zero", "surrogate"])
def test_a_business_key_that_no_row_can_hold_is_refused(driver: Driver, key: str) -> None:
    paid = '<startEvent id="begun"><messageEventDefinition messageRef="paid"/></startEvent>'
    driver.deploy_drawn(paid + TASK + chain("begun", "decide"))

    told = driver.refused(InvalidValues, lambda tx: instances.start(tx, "p", business_key=key), by=ANA)
    assert told.startswith("business_key: Expected a business key")
    driver.refused(InvalidValues, lambda tx: messages.correlate(tx, "paid", business_key=key), by=ROOT)


def test_a_business_key_of_255_characters_is_kept(driver: Driver) -> None:
    assert driver.draw(TASK, business_key="k" * 255).row.business_key == "k" * 255


def assigned(**attributes: str) -> str:
    return START + user("work", **attributes) + END + chain("start", "work", "end")


@pytest.mark.parametrize("attribute", ["assignee", "candidateUsers", "candidateGroups"])
def test_a_person_that_no_row_can_hold_stops_the_task(driver: Driver, attribute: str) -> None:
    driver.deploy_drawn(assigned(**{attribute: "${who}"}))

    for who in ("x" * 201, "\0", ["a", LONG], "a" * 100_000):
        story = driver.start("p", who=who)

        assert [each.element_id for each in story.incidents()] == ["work"]
        assert "name" in story.incidents()[0].message


@pytest.mark.parametrize("attribute", ["assignee", "candidateUsers", "candidateGroups"])
def test_a_value_that_is_no_name_stops_the_task(driver: Driver, attribute: str) -> None:
    driver.deploy_drawn(assigned(**{attribute: "${who}"}))

    for who in ({"ana": 1}, [{"ana": 1}], False, 1.5, [["ana"]]):
        story = driver.start("p", who=who)

        assert "Expected the name of a person or group" in story.incidents()[0].message


def test_a_task_that_names_nobody_is_for_everybody(driver: Driver) -> None:
    driver.draw(assigned())

    driver.expect_inbox(ANA, ["work"])


@pytest.mark.parametrize("attribute", ["assignee", "candidateUsers", "candidateGroups"])
def test_a_task_whose_people_are_read_from_nothing_is_for_nobody(driver: Driver, attribute: str) -> None:
    driver.deploy_drawn(assigned(**{attribute: "${who}"}))

    for who in (None, "", " ") if attribute == "assignee" else (None, "", [], ["", None]):
        story = driver.start("p", who=who)

        assert "name somebody, but they are empty" in story.incidents()[0].message
    driver.expect_inbox(ANA, [])


def test_a_priority_that_is_none_stops_the_task(driver: Driver) -> None:
    driver.deploy_drawn(assigned(priority="${rank}"))

    for rank in (10**400, 99_999_999_999, "high", [], 1e300, 3.9, "1_0", "٣"):
        story = driver.start("p", rank=rank)

        assert "Expected the priority to be a whole number" in story.incidents()[0].message


@pytest.mark.parametrize("attribute", ["dueDate", "followUpDate"])
def test_a_date_that_is_none_stops_the_task(driver: Driver, attribute: str) -> None:
    driver.deploy_drawn(assigned(**{attribute: "${day}"}))

    for day in ("soon", "P99999999Y", "2026-02-30", 5, "-P1D", "0001-01-01T00:00+14:00"):
        story = driver.start("p", day=day)

        assert story.incidents()[0].message.startswith("Expected ")


# ---- uploads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 400 + ".bpmn", "a\0.bpmn", "\ud800.bpmn"], ids=["long", "zero", "surrogate"])
def test_a_file_name_that_no_row_can_hold_is_refused(driver: Driver, name: str) -> None:
    with pytest.raises(Invalid, match="Expected a file name of") as refused:
        driver.deploy_files({name: document(TASK)})
    str(refused.value).encode()


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_a_name_to_wait_for_that_no_row_can_hold_is_refused(driver: Driver, kind: str) -> None:
    with pytest.raises(Invalid, match="too-long"):
        driver.deploy_files({"p.bpmn": document(TASK, root=f'<{kind} id="long" name="{"x" * 256}"/>')})


# ---- services ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [ValueError("\0"), ValueError("\ud800"), ValueError(LONG), {"\0": 1}, {"x": "\ud800"}, {LONG: 1}, {1: 1}]
)
def test_a_service_that_says_the_unsayable_becomes_an_incident(driver: Driver, failure: Json) -> None:
    driver.serve("hostile", failure)
    story = driver.draw(CALL)
    for _ in range(2):
        driver.tick(hours=1)

    assert [each.element_id for each in story.incidents()] == ["call"]
    assert len(story.incidents()[0].message) <= 4_000


@pytest.mark.parametrize("code", ["\0", "x" * 1_000, ""])
def test_an_error_code_of_any_kind_is_caught_by_who_catches_all(driver: Driver, code: str) -> None:
    driver.serve("hostile", BpmnError(code, code))
    caught = boundary("caught", "call", "<errorEventDefinition/>")
    story = driver.draw(START + SERVICE + caught + END + chain("start", "call", "end") + chain("caught", "end"))

    assert story.status == "completed"
    assert story.values() == {"errorCode": code, "errorMessage": code}


# ---- looking for what cannot be there ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\0", "\ud800", LONG], ids=["zero", "surrogate", "long"])
def test_a_search_for_the_unstorable_finds_nothing(driver: Driver, text: str) -> None:
    driver.draw(TASK, given=1)

    with driver.engine.reading(ROOT) as tx:
        assert not instances.find(tx, business_key=text).rows
        assert not instances.find(tx, variable=("given", text)).rows
        assert not instances.find(tx, variable=(text, "1")).rows
        user_tasks.inbox(tx, search=text)
    driver.refused(NotFound, lambda tx: messages.correlate(tx, text), by=ROOT)


def test_an_answer_that_no_variable_can_hold_is_not_asked_for_again(driver: Driver) -> None:
    desk = driver.serve("hostile", {"seen": {1, 2}})

    story = driver.draw(CALL)

    assert desk.count == 1
    assert "cannot be stored" in story.incidents()[0].message


def test_of_a_large_value_history_keeps_the_last_of_a_command(driver: Driver) -> None:
    body = (
        START + script("one", "text = 'x' * 2000\nn = 1") + script("two", "text = 'y' * 2000\nn = 2") + user("u") + END
    )
    story = driver.draw(body + chain("start", "one", "two", "u", "end"))

    with driver.engine.reading(ROOT) as tx:
        set_ = [event.data for event in progress.events(tx, story.id, limit=100) if event.kind == "variable set"]
    assert sorted((data["name"], data["value"] if data["name"] == "n" else data["value"][0]) for data in set_) == [
        ("n", 1),
        ("n", 2),
        ("text", "y"),
    ]


def test_a_message_that_starts_several_processes_is_refused_by_name(driver: Driver) -> None:
    start = '<startEvent id="start"><messageEventDefinition messageRef="paid"/></startEvent>'
    drawn = document(start + user("u") + END + chain("start", "u", "end"))
    driver.deploy_files({"p.bpmn": drawn})
    driver.deploy_files({"q.bpmn": drawn.replace(b'<process id="p"', b'<process id="q"')})

    with driver.engine.transaction(ROOT) as tx, pytest.raises(Conflict, match="these do: p, q"):
        messages.correlate(tx, "paid")
