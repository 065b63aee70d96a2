"""Compensation: undo what has completed, last things first. Source: BPMN 2.0.2, 10.5.1 and 13.5.5.

What has completed is remembered by the (sub-)process it was in, as plain JSON: {"node": the activity's node, "number":
when among all that has completed, "values": the scope that keeps the variables as they were then, "inside": what a
sub-process remembered itself, "called": the instance that a call activity called, when that remembers something}.
Handlers run one after the other; each is a token that came along no flow and leaves along none, and knows for whom it
works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from engine.bpmn.elements.flow_node import Token, set_local, storable
from engine.bpmn.memory import Record
from engine.bpmn.variables import REMEMBERED
from engine.model import Json

Todo = list[tuple[str, Record]]
"""(the part of the instance where it completed, what completed), in the order of undoing."""


# ---- remembering ---------------------------------------------------------------------------------------------------


def record_of(token: Token) -> Record | None:
    """What to remember of an activity that is about to complete; None: there is no way to compensate it.

    Raises ElementFailed when its variables are too much to keep.
    """
    around, node, data = token.workflow, token.task_spec, token.internal_data
    within = _within(token)
    is_handled = node.element.id in around.spec.handlers
    workflow, scopes = around.top_workflow, around.top_workflow.scopes
    if "aside" in data or is_handled:
        forget(workflow, [within])
        within = {"inside": []}
    if "aside" in data or not (is_handled or any(within.values()) or _is_handled_inside(token)):
        return None
    scope, seen = f"#{uuid4().hex[1:]}", scopes.visible(token)
    storable(token, "all variables", lambda: scopes.set(scope, REMEMBERED, seen))
    return {"node": node.name, "number": workflow.next_number(), "values": scope, **within}


def _within(token: Token) -> Record:
    """What an activity that is over could be compensated by from within."""
    data = token.internal_data
    called = {"called": data.pop("called")} if "called" in data else {}
    return {"inside": data.pop("inside", []), **called}


def _is_handled_inside(token: Token) -> bool:
    """A sub-process may say by an event sub-process how it is compensated."""
    inner = getattr(token.task_spec, "inner", None)
    return inner is not None and token.workflow.top_workflow.subprocess_specs[inner].handler is not None


def forget(workflow: Any, records: list[Record]) -> None:
    """They will not be compensated any more."""
    for record in records:
        if "values" in record:
            workflow.scopes.drop(record["values"])
        if "called" in record:
            workflow.note_thrown("release", "", {"called": record["called"]})
        forget(workflow, record["inside"])


def abandon(token: Token) -> None:
    """A token is cancelled: what it was about to undo is remembered again, what only it knew is forgotten."""
    workflow, data = token.workflow.top_workflow, token.internal_data
    forget(workflow, [_within(token), *data.pop("to compensate", []), *_given_back(token)])
    if "remembers" in data:
        workflow.scopes.drop(data["remembers"])


def _given_back(token: Token) -> list[Record]:
    """What a token was about to undo is remembered again where it completed; gives that of which nothing is left."""
    lost = list[Record]()
    for part, record in reversed(token.internal_data.pop("to undo", [])):
        around = token.workflow.top_workflow.inside(part)
        if around is None:
            lost.append(record)
        else:
            around.memory.add(record)
    return lost


# ---- what is still open --------------------------------------------------------------------------------------------


def close_within(token: Token) -> None:
    """Cancel all else where the token is, but remember what has completed in sub-processes that are still open.

    Those are compensated from within: their own handlers are for what has completed. Source: 10.3.5, 13.5.5.
    """
    around, workflow = token.workflow, token.workflow.top_workflow
    workflow.asleep.wake_all()
    for each in [around, *_open_within(around)]:
        for thrower in each.live():
            forget(workflow, _given_back(thrower))
    around.memory.keep(_all_completed(around))
    workflow.cancel_others(token)


def _open_within(around: Any) -> Iterator[Any]:
    """Sub-processes in which something goes on that can be compensated, at any depth."""
    for _, sub in _opened(around):
        yield sub
        yield from _open_within(sub)


def _opened(around: Any) -> Iterator[tuple[Token, Any]]:
    """(activity, what is inside of it); handlers are not compensated themselves."""
    for token in around.live():
        sub = around.top_workflow.inside(token.id.hex)
        if sub is not None and ("aside" not in token.internal_data or _undoes_itself(token, sub)):
            yield token, sub


def _undoes_itself(token: Token, sub: Any) -> bool:
    """It is being compensated, one completed activity after the other."""
    how = token.internal_data.get("compensates")
    return how == "within" or (how is not None and sub.spec.handler is None)


def _all_completed(around: Any) -> list[Record]:
    """Taken from where it completed, in the order of completion; what is still open is told by what completed in it."""
    found = around.memory.take()
    for token, sub in _opened(around):
        for record in _all_completed(sub):
            found.append({"node": token.task_spec.name, "number": _number(record), "inside": [record]})
    return sorted(found, key=_number)


def _number(record: Record) -> int:
    """Those of earlier programs have none, and stand in order."""
    return int(record.get("number", 0))


# ---- compensating --------------------------------------------------------------------------------------------------


def compensate(token: Token, activity: str | None) -> bool:
    """Begin to undo an activity, or all that has completed where the token is; True: there is nothing to undo."""
    todo = sorted(_taken_outward(token.workflow, activity), key=lambda at: _number(at[1]), reverse=True)
    return not _proceed(token, todo)


def compensate_inside(token: Token, inner: str) -> None:
    """Begin to undo what completed in a sub-process that is compensated itself; it ends when no handler is left."""
    sub = token.workflow.top_workflow.open_subprocess(token, inner)
    sub.memory.keep(token.internal_data.pop("to compensate"))
    _remember_own(token)
    if sub.spec.handler is None or token.internal_data["compensates"] == "within":
        _proceed(token, _taken_out(sub, None))
    else:
        sub.place(sub.spec.handler, data={"aside": True, "happened": {}})


def _remember_own(token: Token) -> None:
    """The sub-process's own data as it was: handlers inside read and write it."""
    data = token.task_spec.element.data
    known = {} if data is None else token.workflow.top_workflow.scopes.some(token, data.unset)
    for name, value in known.items():
        set_local(token, name, value)


def compensate_whole(token: Token) -> bool:
    """Begin to undo what completed in a process, for who called it; True: there is nothing to wait for."""
    process = token.workflow
    if process.spec.handler is None:
        return compensate(token, None)
    process.place(process.spec.handler, data={"aside": True, "happened": {}})
    return True


def end_handler(token: Token) -> None:
    """A handler is over: the next one begins, or who threw goes on."""
    workflow = token.workflow.top_workflow
    if "remembers" in token.internal_data:
        workflow.scopes.drop(token.internal_data["remembers"])
    thrower = workflow.token(token.internal_data["for"])
    if thrower is None or _proceed(thrower, thrower.internal_data["to undo"]):
        return
    if workflow.inside(thrower.id.hex) is None:
        workflow.resume(thrower)


def _taken_outward(around: Any, activity: str | None) -> Iterator[tuple[str, Record]]:
    """An event sub-process undoes what has completed in the (sub-)process that it belongs to, too."""
    yield from _taken_out(around, activity)
    if around.spec.is_triggered and around.holder is not None:
        yield from _taken_outward(around.holder.workflow, activity)


def _taken_out(around: Any, activity: str | None) -> Todo:
    """What has completed, last first; remembered no longer, so that nothing is undone twice."""
    chosen, left = list[Record](), list[Record]()
    for each in sorted(around.memory.take(), key=_number):
        (chosen if activity in (None, _activity(around, each)) else left).append(each)
    around.memory.keep(left)
    return [(around.part, each) for each in reversed(chosen)]


def _activity(around: Any, record: Record) -> str:
    element_id: str = around.spec.task_specs[record["node"]].element.id
    return element_id


def _proceed(thrower: Token, todo: Todo) -> bool:
    """Begin the next handler; False: none is left."""
    thrower.internal_data["to undo"] = todo
    if not todo:
        return False
    part, record = todo.pop(0)
    _begin_handler(thrower.workflow.top_workflow.inside(part), record, thrower)
    return True


def _begin_handler(around: Any, record: Record, thrower: Token) -> None:
    """What completed is undone by its own handler, or from within; what was open only from within."""
    was_open = "values" not in record
    handler = None if was_open else around.spec.handlers.get(_activity(around, record))
    data: dict[str, Json] = {"aside": True, "for": thrower.id.hex}
    if not was_open:
        data["remembers"] = record["values"]
    if handler is None:
        data |= {"compensates": "within" if was_open else True, "to compensate": record["inside"]}
        data |= {"called": record["called"]} if "called" in record else {}
    around.place(handler or record["node"], data=data)
