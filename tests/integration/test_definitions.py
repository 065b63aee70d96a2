"""Definitions: who sees them and their forms, what is found, and what a deployment that fails leaves behind."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from engine import Engine, Forbidden, Invalid, NotFound, definitions, instances, user_tasks
from tests.conftest import Cast
from tests.play import END, START, chain, document, script, user

WORK = START + user("u", candidateGroups="managers") + END + chain("start", "u", "end")


def guarded(body: str = WORK) -> bytes:
    """For clerks to start."""
    return document(body).replace(b'<process id="p"', b'<process id="p" camunda:candidateStarterGroups="clerks"')


def deploy(engine: Engine, cast: Cast, diagram: bytes) -> int:
    with engine.transaction(cast.root) as tx:
        return definitions.deploy(tx, {"p.bpmn": diagram}).definitions[0].id


# ---- who may see ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [definitions.get, definitions.documentation, definitions.source])
def test_a_definition_is_told_only_to_who_has_to_do_with_it(engine: Engine, cast: Cast, verb: object) -> None:
    definition = deploy(engine, cast, guarded())

    with engine.reading(cast.eve) as tx, pytest.raises(NotFound):
        verb(tx, definition)  # type: ignore[operator]
    with engine.reading(cast.ana) as tx:
        verb(tx, definition)  # type: ignore[operator]


def test_who_was_offered_a_task_sees_the_definition_also_when_somebody_else_has_it(engine: Engine, cast: Cast) -> None:
    definition = deploy(engine, cast, guarded(WORK.replace('"managers"', '"managers, clerks"')))
    with engine.transaction(cast.ana) as tx:
        instances.start(tx, "p")
        user_tasks.claim(tx, user_tasks.inbox(tx)[0].id)

    with engine.reading(cast.ben) as tx:
        assert definitions.get(tx, definition).key == "p"
    with engine.reading(cast.eve) as tx, pytest.raises(NotFound):
        definitions.get(tx, definition)


def test_the_form_of_a_start_is_for_who_may_start(engine: Engine, cast: Cast) -> None:
    field = '<camunda:formField id="salary" type="long"/>'
    data = f"<extensionElements><camunda:formData>{field}</camunda:formData></extensionElements>"
    definition = deploy(
        engine, cast, guarded(WORK.replace('<startEvent id="start"/>', f"{START[:-2]}>{data}</startEvent>"))
    )

    with engine.reading(cast.eve) as tx, pytest.raises(Forbidden, match="may start"):
        definitions.start_form(tx, definition)
    with engine.reading(cast.eve) as tx, pytest.raises(NotFound):
        definitions.start_form(tx, definition + 1)
    with engine.reading(cast.ana) as tx:
        form = definitions.start_form(tx, definition)
        assert definitions.start_form(tx, definition) is form  # made once
    assert form is not None
    assert [each.key for each in form.fields] == ["salary"]


# ---- finding -------------------------------------------------------------------------------------------------------


def test_a_search_takes_each_letter_as_it_is(engine: Engine, cast: Cast) -> None:
    for key, name in (("a", "100% checked"), ("b", "1000 checked"), ("c", "Ärzte_x"), ("d", "Back\\slash")):
        named = document(WORK).replace(b'id="p" name="Process"', f'id="{key}" name="{name}"'.encode())
        deploy(engine, cast, named)

    found = {}
    with engine.reading(cast.root) as tx:
        for text in ("100%", "_", "\\", "ärzte", "Ärzte_X", "CHECKED", "%", "\0", "no\0ne"):
            found[text] = [each.definition.key for each in definitions.latest(tx, search=text)]

    assert found["100%"] == found["%"] == ["a"]
    assert found["_"] == found["Ärzte_X"] == ["c"]
    assert found["\\"] == ["d"]
    assert found["CHECKED"] == ["a", "b"]
    assert found["no\0ne"] == []


def test_what_starts_by_itself_only_is_not_offered_and_nothing_is_parsed_to_know(engine: Engine, cast: Cast) -> None:
    timer = "<timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition>"
    deploy(engine, cast, document(WORK))
    deploy(
        engine,
        cast,
        document(WORK.replace('<startEvent id="start"/>', f'<startEvent id="start">{timer}</startEvent>')).replace(
            b'"p"', b'"q"'
        ),
    )

    with engine.reading(cast.eve) as tx:
        asked = []
        event.listen(tx.session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        assert [each.key for each in definitions.startable(tx)] == ["p"]

    assert len(asked) == 1


def test_counts_are_of_all_versions_and_of_each(engine: Engine, cast: Cast) -> None:
    for body in (WORK, START + script("s", "1 / 0") + END + chain("start", "s", "end"), WORK):
        deploy(engine, cast, document(body))
        with engine.transaction(cast.root) as tx:
            instances.start(tx, "p")

    with engine.reading(cast.root) as tx:
        asked = []
        event.listen(tx.session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        (latest,) = definitions.latest(tx)
        assert len(asked) == 2
        versions = definitions.versions(tx, "p")

    assert (latest.versions, latest.active, latest.incidents) == (3, 3, 1)
    assert [(each.definition.version, each.active, each.incidents) for each in versions] == [
        (3, 1, 0),
        (2, 1, 1),
        (1, 1, 0),
    ]


# ---- deploying -----------------------------------------------------------------------------------------------------


def test_an_upload_is_checked_outside_and_then_stored(engine: Engine, cast: Cast) -> None:
    checked = definitions.check({"p.bpmn": document(WORK)})
    with pytest.raises(Invalid):
        definitions.check({"p.bpmn": b"<broken"})

    with engine.transaction(cast.root) as tx:
        deployment = definitions.deploy(tx, checked)
        instances.start(tx, "p")
    with engine.transaction(cast.ana) as tx, pytest.raises(Forbidden):
        definitions.deploy(tx, checked)

    assert [each.key for each in deployment.definitions] == ["p"]


def test_nothing_is_remembered_of_a_deployment_that_is_rolled_back(engine: Engine, cast: Cast) -> None:
    def logging(word: str) -> bytes:
        return document(START + script("s", f"said = '{word}'") + END + chain("start", "s", "end"))

    with pytest.raises(ZeroDivisionError), engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": logging("gone")})
        instances.start(tx, "p")
        raise ZeroDivisionError
    deploy(engine, cast, logging("kept"))

    with engine.transaction(cast.root) as tx:
        instance = instances.start(tx, "p")
        assert [each.value for each in instances.variables(tx, instance.id)] == ["kept"]
