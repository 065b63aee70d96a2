"""Compensation: undo what has completed, last things first. Source: BPMN 2.0.2, 10.5.1 and 13.5.5.

What has completed is remembered by the (sub-)process it was in, as plain JSON: {"node": the activity's node, "values":
the scope that keeps the variables as they were then, "inside": what a sub-process remembered itself}. Handlers run one
after the other; each is a token that came along no flow and leaves along none, and knows for whom it works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from engine.bpmn.elements.flow_node import Token, storable
from engine.model import Json

Record = dict[str, Json]
Todo = list[tuple[str, Record]]
"""(the part of the instance where it completed, what completed), in the order of undoing."""


# ---- remembering ---------------------------------------------------------------------------------------------------


def record_of(token: Token) -> Record | None:
    """What to remember of an activity that is about to complete; None: there is no way to compensate it.

    Raises ElementFailed when its variables are too much to keep.
    """
    around, node, data = token.workflow, token.task_spec, token.internal_data
    inside = data.pop("inside", [])
    has_handler = node.element.id in around.spec.handlers
    if "aside" in data or not (has_handler or inside or _is_handled_inside(token)):
        return None
    scopes = around.top_workflow.scopes
    record = {"node": node.name, "values": f"#{uuid4().hex[1:]}", "inside": inside}
    for name, value in scopes.visible(token, with_counters=False).items():
        storable(token, name, lambda name=name, value=value: scopes.set(record["values"], name, value))
    return record


def _is_handled_inside(token: Token) -> bool:
    """A sub-process may say by an event sub-process how it is compensated."""
    inner = getattr(token.task_spec, "inner", None)
    return inner is not None and token.workflow.top_workflow.subprocess_specs[inner].handler is not None


def forget(scopes: Any, records: list[Record]) -> None:
    """They will not be compensated any more."""
    for record in records:
        scopes.drop(record["values"])
        forget(scopes, record["inside"])


# ---- compensating --------------------------------------------------------------------------------------------------


def compensate(token: Token, activity: str | None) -> bool:
    """Begin to undo an activity, or all that has completed where the token is; True: there is nothing to undo."""
    return not _proceed(token, list(_taken_out(token.workflow, activity)))


def compensate_inside(token: Token, sub: Any) -> None:
    """Begin to undo what completed in a sub-process that is compensated itself; it ends when no handler is left."""
    if sub.spec.handler is None:
        _proceed(token, list(_taken_out(sub, None)))
    else:
        sub.place(sub.spec.handler, data={"aside": True, "happened": {}})


def end_handler(token: Token) -> None:
    """A handler is over: the next one begins, or who threw goes on."""
    workflow = token.workflow.top_workflow
    workflow.scopes.drop(token.internal_data["remembers"])
    thrower = workflow.token(token.internal_data["for"])
    if thrower is None or _proceed(thrower, thrower.internal_data["to undo"]):
        return
    if thrower.id not in workflow.subprocesses:
        workflow.resume(thrower)


def _taken_out(around: Any, activity: str | None) -> Iterator[tuple[str, Record]]:
    """What has completed, last first; remembered no longer, so that nothing is undone twice.

    An event sub-process undoes what has completed in the (sub-)process that it belongs to, too.
    """
    chosen = [each for each in around.compensable if activity in (None, _activity(around, each))]
    around.compensable = [each for each in around.compensable if each not in chosen]
    yield from ((around.part, each) for each in reversed(chosen))
    if around.spec.is_triggered and around.holder is not None:
        yield from _taken_out(around.holder.workflow, activity)


def _activity(around: Any, record: Record) -> str:
    element_id: str = around.spec.task_specs[record["node"]].element.id
    return element_id


def _proceed(thrower: Token, todo: Todo) -> bool:
    """Begin the next handler; False: none is left."""
    thrower.internal_data["to undo"] = todo
    if not todo:
        return False
    part, record = todo.pop(0)
    workflow = thrower.workflow.top_workflow
    around = workflow.inside(part)
    data = {"aside": True, "for": thrower.id.hex, "remembers": record["values"]}
    handler = around.spec.handlers.get(_activity(around, record))
    if handler is None:
        around.place(record["node"], data={**data, "to compensate": record["inside"]})
    else:
        forget(workflow.scopes, record["inside"])
        around.place(handler, data=data)
    return True
