"""What an instance knows of its beginning."""

from __future__ import annotations

import orjson
import pytest

from engine import (
    Engine,
    Forbidden,
    InvalidValues,
    NotFound,
    definitions,
    incidents,
    instances,
    messages,
    signals,
    timers,
    user_tasks,
)
from tests.conftest import Cast
from tests.play import END, START, chain, document, flow, user


def test_the_initiator_is_kept_in_the_variable_that_the_start_event_names(engine: Engine, cast: Cast) -> None:
    body = '<startEvent id="start" camunda:initiator="starter"/>' + user("u", assignee="${starter}") + END
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body + chain("start", "u", "end"))})

    with engine.transaction(cast.eve) as tx:
        instances.start(tx, "p")

    with engine.reading(cast.eve) as tx:
        assert [task.assignee for task in user_tasks.inbox(tx, view="mine")] == ["eve"]


def test_the_diagram_is_shown_to_who_has_to_do_with_it_only(engine: Engine, cast: Cast) -> None:
    body = START + user("u", candidateGroups="managers") + END + chain("start", "u", "end")
    guarded = document(body).replace(b'<process id="p"', b'<process id="p" camunda:candidateStarterGroups="clerks"')
    with engine.transaction(cast.root) as tx:
        (definition,) = definitions.deploy(tx, {"p.bpmn": guarded}).definitions
    with engine.reading(cast.ben) as tx, pytest.raises(NotFound):
        definitions.source(tx, definition.id)

    with engine.transaction(cast.ana) as tx:
        assert definitions.source(tx, definition.id) == guarded
        instances.start(tx, "p")

    with engine.reading(cast.ben) as tx:
        assert definitions.source(tx, definition.id) == guarded
    with engine.reading(cast.eve) as tx, pytest.raises(NotFound):
        definitions.source(tx, definition.id)


def test_a_fields_own_value_counts_when_nothing_was_sent(engine: Engine, cast: Cast) -> None:
    field = '<camunda:formField id="amount" type="long" defaultValue="5"/>'
    data = f"<extensionElements><camunda:formData>{field}</camunda:formData></extensionElements>"
    body = START + user("u", data, candidateGroups="clerks") + user("again", data, candidateGroups="clerks") + END
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body + chain("start", "u", "again", "end"))})
    with engine.transaction(cast.ana) as tx:
        instance = instances.start(tx, "p")
        user_tasks.complete(tx, user_tasks.inbox(tx)[0].id, {"amount": 7})

        user_tasks.complete(tx, user_tasks.inbox(tx)[0].id, {})

    with engine.reading(cast.root) as tx:
        assert [variable.value for variable in instances.variables(tx, instance.id)] == [7]


def test_an_older_version_is_no_way_around_the_starters_of_the_newest(engine: Engine, cast: Cast) -> None:
    plain = document(START + user("u") + END + chain("start", "u", "end"))
    strict = plain.replace(b'<process id="p"', b'<process id="p" camunda:candidateStarterGroups="clerks"')
    for diagram in (plain, strict):
        with engine.transaction(cast.root) as tx:
            definitions.deploy(tx, {"p.bpmn": diagram})

    with engine.transaction(cast.eve) as tx, pytest.raises(Forbidden):
        instances.start(tx, "p", version=1)

    with engine.transaction(cast.ana) as tx:
        assert instances.start(tx, "p", version=1).definition_version == 1


def _approval(engine: Engine, cast: Cast, condition: str) -> int:
    """An approval that ana has claimed, without a drawn form: the gateway behind it asks for what is missing."""
    body = START + user("u", candidateGroups="clerks") + '<exclusiveGateway id="g" default="g_no"/>' + END
    body += '<endEvent id="no"/>' + chain("start", "u", "g") + flow("g", "end", condition, name="Yes")
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body + flow("g", "no", name="No"))})
    with engine.transaction(cast.ana) as tx:
        instance = instances.start(tx, "p")
        user_tasks.claim(tx, user_tasks.inbox(tx)[0].id)
        return instance.id


def test_a_person_sets_nothing_but_what_the_form_asks(engine: Engine, cast: Cast) -> None:
    instance = _approval(engine, cast, "approved")

    with engine.transaction(cast.ana) as tx:
        task = user_tasks.inbox(tx)[0].id
        user_tasks.complete_by_form(tx, task, {"approved_by_board": True, "approved": "maybe"}, button=0)

    with engine.reading(cast.root) as tx:
        assert {each.name: each.value for each in instances.variables(tx, instance)} == {"approved": True}


def test_a_decision_is_made_by_a_button(engine: Engine, cast: Cast) -> None:
    _approval(engine, cast, "approved")

    with engine.transaction(cast.ana) as tx, pytest.raises(InvalidValues, match="Choose one of"):
        user_tasks.complete_by_form(tx, user_tasks.inbox(tx)[0].id, {"approved": True})


def test_what_a_form_must_know_cannot_be_left_out(engine: Engine, cast: Cast) -> None:
    _approval(engine, cast, "amount * 2 > 10")

    with engine.transaction(cast.ana) as tx, pytest.raises(InvalidValues, match="amount"):
        user_tasks.complete_by_form(tx, user_tasks.inbox(tx)[0].id, {})


def test_who_may_not_deliver_messages_starts_nothing_by_one(engine: Engine, cast: Cast) -> None:
    begun = '<startEvent id="start"><messageEventDefinition messageRef="paid"/></startEvent>'
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(begun + user("u") + END + chain("start", "u", "end"))})

    for send in (messages.correlate, signals.broadcast):
        with engine.transaction(cast.eve) as tx, pytest.raises(Forbidden, match="message"):
            send(tx, "paid")

    with engine.transaction(cast.root) as tx:
        assert messages.correlate(tx, "paid")


def test_timers_and_incidents_are_shown_to_who_may_see_the_instance(engine: Engine, cast: Cast) -> None:
    instance = _approval(engine, cast, "approved")

    for verb in (timers.of_instance, incidents.of_instance):
        with engine.reading(cast.ana) as tx:
            assert verb(tx, instance) == []
        with engine.reading(cast.eve) as tx, pytest.raises(NotFound):
            verb(tx, instance)


def test_choices_out_of_a_variable_and_days_are_checked_when_a_task_is_completed(engine: Engine, cast: Cast) -> None:
    """As the page offers them: what the instance holds, and no day before the engine's today."""
    choice = {"type": "select", "key": "city", "valuesKey": "cities", "label": "City"}
    day = {"type": "datetime", "key": "day", "subtype": "date", "dateLabel": "Day", "disallowPassedDates": True}
    drawn = orjson.dumps({"type": "default", "id": "trip", "components": [choice, day]})
    body = START + user("u", formKey="trip", candidateGroups="clerks") + END + chain("start", "u", "end")
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body), "trip.form": drawn})
    with engine.transaction(cast.ana) as tx:
        instances.start(tx, "p", variables={"cities": ["Rome", "Oslo"]})
        (task,) = user_tasks.inbox(tx)
        user_tasks.claim(tx, task.id)

    with engine.transaction(cast.ana) as tx, pytest.raises(InvalidValues) as refused:
        user_tasks.complete_by_form(tx, task.id, {"city": "Paris", "day": "2020-01-01"})

    assert set(refused.value.errors) == {"city", "day"}
    with engine.transaction(cast.ana) as tx:
        user_tasks.complete_by_form(tx, task.id, {"city": "Oslo", "day": "2026-02-01"})
