"""What an instance knows of its beginning."""

from __future__ import annotations

from engine import Engine, definitions, instances, user_tasks
from tests.conftest import Cast
from tests.play import END, chain, document, user


def test_the_initiator_is_kept_in_the_variable_that_the_start_event_names(engine: Engine, cast: Cast) -> None:
    body = '<startEvent id="start" camunda:initiator="starter"/>' + user("u", assignee="${starter}") + END
    with engine.transaction(cast.root) as tx:
        definitions.deploy(tx, {"p.bpmn": document(body + chain("start", "u", "end"))})

    with engine.transaction(cast.eve) as tx:
        instances.start(tx, "p")

    with engine.reading(cast.eve) as tx:
        assert [task.assignee for task in user_tasks.inbox(tx, view="mine")] == ["eve"]
