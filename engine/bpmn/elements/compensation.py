"""Compensation: undo what has completed, last things first. Source: BPMN 2.0.2, 10.5.1 and 13.5.5.

What has completed is remembered by the (sub-)process it was in, as plain JSON: {"node": the activity's node, "values":
the scope that keeps the variables as they were then, "inside": what a sub-process remembered itself}. Handlers run one
after the other; each is a token that came along no flow and leaves along none, and knows for whom it works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from engine.bpmn.elements.flow_node import Token, set_local, storable
from engine.bpmn.variables import REMEMBERED
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
    inside, scopes = data.pop("inside", []), token.workflow.top_workflow.scopes
    if "aside" in data:
        forget(scopes, inside)
        return None
    if not (inside or node.element.id in around.spec.handlers or _is_handled_inside(token)):
        return None
    scope, seen = f"#{uuid4().hex[1:]}", scopes.visible(token)
    storable(token, "all variables", lambda: scopes.set(scope, REMEMBERED, seen))
    return {"node": node.name, "values": scope, "inside": inside}


def _is_handled_inside(token: Token) -> bool:
    """A sub-process may say by an event sub-process how it is compensated."""
    inner = getattr(token.task_spec, "inner", None)
    return inner is not None and token.workflow.top_workflow.subprocess_specs[inner].handler is not None


def forget(scopes: Any, records: list[Record]) -> None:
    """They will not be compensated any more."""
    for record in records:
        scopes.drop(record["values"])
        forget(scopes, record["inside"])


def abandon(token: Token) -> None:
    """A token is cancelled: what it was about to undo is remembered again, what only it knew is forgotten."""
    workflow, data = token.workflow.top_workflow, token.internal_data
    lost = [*data.pop("inside", []), *data.pop("to compensate", [])]
    for part, record in reversed(data.pop("to undo", [])):
        around = workflow.inside(part)
        (lost if around is None else around.compensable).append(record)
    forget(workflow.scopes, lost)
    if "remembers" in data:
        workflow.scopes.drop(data["remembers"])


# ---- compensating --------------------------------------------------------------------------------------------------


def compensate(token: Token, activity: str | None) -> bool:
    """Begin to undo an activity, or all that has completed where the token is; True: there is nothing to undo."""
    return not _proceed(token, list(_taken_out(token.workflow, activity)))


def compensate_inside(token: Token, inner: str) -> None:
    """Begin to undo what completed in a sub-process that is compensated itself; it ends when no handler is left."""
    sub = token.workflow.top_workflow.open_subprocess(token, inner)
    sub.compensable = token.internal_data.pop("to compensate")
    _remember_own(token)
    if sub.spec.handler is None:
        _proceed(token, list(_taken_out(sub, None)))
    else:
        sub.place(sub.spec.handler, data={"aside": True, "happened": {}})


def _remember_own(token: Token) -> None:
    """The sub-process's own data as it was: handlers inside read and write it."""
    data = token.task_spec.element.data
    known = {} if data is None else token.workflow.top_workflow.scopes.some(token, data.unset)
    for name, value in known.items():
        set_local(token, name, value)


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
    chosen, left = list[Record](), list[Record]()
    for each in around.compensable:
        (chosen if activity in (None, _activity(around, each)) else left).append(each)
    around.compensable = left
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
        around.place(record["node"], data={**data, "compensates": True, "to compensate": record["inside"]})
    else:
        forget(workflow.scopes, record["inside"])
        around.place(handler, data=data)
    return True
