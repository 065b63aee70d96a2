"""External tasks: the API by which workers take the work of service tasks and tell how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Annotated, Any, ClassVar

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlalchemy import desc

from engine import BpmnError, ExternalTask, InvalidValues, Json, Transaction, external_task_query, external_tasks
from engine.external_tasks import Taken, Wanted
from web.api.access import caller, command, reading
from web.api.bodies import (
    MOST_ASKED,
    MOST_LISTED,
    NO_TENANTS,
    Body,
    Count,
    Id,
    Ids,
    Milliseconds,
    Moment,
    Text,
    Texts,
    Variables,
    Whole,
    asked,
    body,
)
from web.api.variables import moment, typed
from web.context import engine

bp = Blueprint("external_tasks", __name__, url_prefix="/external-task")

MOST_WAITING = 8
"""Calls of one process that may wait for work at a time: each has a thread that pages need too."""
_waiting = BoundedSemaphore(MOST_WAITING)
NO_CONTENT = ("", 204)


# ---- taking --------------------------------------------------------------------------------------------------------


class Topic(Body):
    REFUSED: ClassVar = {
        "tenantIdIn": NO_TENANTS,
        "processDefinitionVersionTag": "ask for the ids of the versions instead",
    }
    topic_name: Text
    lock_duration: Milliseconds
    variables: Texts | None = None
    local_variables: bool = False
    business_key: Text | None = None
    process_definition_id: Id | None = None
    process_definition_id_in: Ids | None = None
    process_definition_key: Text | None = None
    process_definition_key_in: Texts | None = None
    process_variables: Annotated[dict[str, Any], Field(max_length=MOST_ASKED)] | None = None

    @property
    def wanted(self) -> Wanted:
        told = {
            "business_key": self.business_key,
            "definitions": _all_of(self.process_definition_id, self.process_definition_id_in),
            "keys": _all_of(self.process_definition_key, self.process_definition_key_in),
            "variables": self.process_variables,
        }
        duration = timedelta(milliseconds=self.lock_duration)
        return Wanted(self.topic_name, duration, self.variables, self.local_variables, _said(told))


class Fetch(Body):
    worker_id: Text
    max_tasks: Count
    async_response_timeout: Milliseconds = 0
    topics: Annotated[list[Topic], Field(default_factory=list, max_length=1_000)]


@bp.post("/fetchAndLock")
def fetch_and_lock() -> ResponseReturnValue:
    told = body(Fetch)
    wanted = [topic.wanted for topic in told.topics]
    wait = timedelta(milliseconds=told.async_response_timeout)
    may_wait = bool(wait) and _waiting.acquire(blocking=False)
    try:
        about = {"worker": told.worker_id, "limit": told.max_tasks, "wait": wait if may_wait else timedelta(0)}
        taken = external_tasks.fetch(engine(), caller(), wanted, is_gone=_is_gone(), **about)  # type: ignore[arg-type]
    finally:
        if may_wait:
            _waiting.release()
    return jsonify([_taken(each) for each in taken])


def _is_gone() -> Callable[[], bool]:
    """Whether the worker has hung up, as far as the server can tell."""
    told: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    return told


class Lock(Body):
    worker_id: Text
    lock_duration: Milliseconds


@bp.post("/<int:task_id>/lock")
def lock(task_id: int) -> ResponseReturnValue:
    told = body(Lock)
    with command() as tx:
        external_tasks.lock(tx, task_id, told.worker_id, timedelta(milliseconds=told.lock_duration))
    return NO_CONTENT


class Extension(Body):
    worker_id: Text
    new_duration: Milliseconds


@bp.post("/<int:task_id>/extendLock")
def extend_lock(task_id: int) -> ResponseReturnValue:
    told = body(Extension)
    with command() as tx:
        external_tasks.extend(tx, task_id, told.worker_id, timedelta(milliseconds=told.new_duration))
    return NO_CONTENT


@bp.post("/<int:task_id>/unlock")
def unlock(task_id: int) -> ResponseReturnValue:
    with command() as tx:
        external_tasks.unlock(tx, task_id)
    return NO_CONTENT


# ---- how it ended --------------------------------------------------------------------------------------------------


class Completion(Body):
    worker_id: Text
    variables: Variables
    local_variables: Variables


@bp.post("/<int:task_id>/complete")
def complete(task_id: int) -> ResponseReturnValue:
    told = body(Completion)
    with command() as tx:
        external_tasks.complete(tx, task_id, told.worker_id, told.variables, told.local_variables)
    return NO_CONTENT


class Failure(Body):
    worker_id: Text
    error_message: str | None = None
    error_details: str | None = None
    retries: Count | None = None
    retry_timeout: Milliseconds = 0


@bp.post("/<int:task_id>/failure")
def failure(task_id: int) -> ResponseReturnValue:
    told = body(Failure)
    message = told.error_message or "The worker gave no reason."
    about = {"details": told.error_details, "retries": told.retries}
    with command() as tx:
        pause = timedelta(milliseconds=told.retry_timeout)
        external_tasks.fail(tx, task_id, told.worker_id, message, pause=pause, **about)  # type: ignore[arg-type]
    return NO_CONTENT


class Error(Body):
    worker_id: Text
    error_code: Text = Field(min_length=1)
    error_message: str | None = None
    variables: Variables


@bp.post("/<int:task_id>/bpmnError")
def bpmn_error(task_id: int) -> ResponseReturnValue:
    told = body(Error)
    error = BpmnError(told.error_code, told.error_message or "")
    with command() as tx:
        external_tasks.throw(tx, task_id, told.worker_id, error, told.variables)
    return NO_CONTENT


# ---- changing ------------------------------------------------------------------------------------------------------


class Retries(Body):
    retries: Count


@bp.put("/<int:task_id>/retries")
def set_retries(task_id: int) -> ResponseReturnValue:
    told = body(Retries)
    with command() as tx:
        external_tasks.set_retries(tx, task_id, told.retries)
    return NO_CONTENT


class RetriesOfMany(Body):
    retries: Count
    external_task_ids: Ids | None = None
    process_instance_ids: Ids | None = None


@bp.put("/retries")
def set_retries_of_many() -> ResponseReturnValue:
    told = body(RetriesOfMany)
    if not told.external_task_ids and not told.process_instance_ids:
        raise InvalidValues({"externalTaskIds": "Expected ids of external tasks or of process instances."})
    with command() as tx:
        for task_id in _meant(tx, told):
            external_tasks.set_retries(tx, task_id, told.retries)
    return NO_CONTENT


def _meant(tx: Transaction, told: RetriesOfMany) -> Iterable[int]:
    """Each once. Raises InvalidValues for too many: nobody would know which were left out."""
    of_instances = {"instances": told.process_instance_ids or []}
    found = external_task_query.find(tx, of_instances, limit=MOST_LISTED + 1)
    meant = dict.fromkeys([*(told.external_task_ids or []), *(task.id for task in found.rows)])
    if len(meant) > MOST_LISTED:
        raise InvalidValues({"processInstanceIds": f"Expected at most {MOST_LISTED:,} external tasks at a time."})
    return meant


class Priority(Body):
    priority: Whole


@bp.put("/<int:task_id>/priority")
def set_priority(task_id: int) -> ResponseReturnValue:
    told = body(Priority)
    with command() as tx:
        external_tasks.set_priority(tx, task_id, told.priority)
    return NO_CONTENT


# ---- finding -------------------------------------------------------------------------------------------------------


class Sorting(Body):
    sort_by: Text
    sort_order: Text = "asc"


class Query(Body):
    REFUSED: ClassVar = {"tenantIdIn": NO_TENANTS}
    external_task_id: Id | None = None
    external_task_id_in: Ids | None = None
    topic_name: Text | None = None
    worker_id: Text | None = None
    locked: bool = False
    not_locked: bool = False
    with_retries_left: bool = False
    no_retries_left: bool = False
    lock_expiration_after: Moment | None = None
    lock_expiration_before: Moment | None = None
    activity_id: Text | None = None
    activity_id_in: Texts | None = None
    execution_id: Text | None = None
    process_instance_id: Id | None = None
    process_instance_id_in: Ids | None = None
    process_definition_id: Id | None = None
    process_definition_key: Text | None = None
    active: bool = False
    suspended: bool = False
    priority_higher_than_or_equals: Whole | None = None
    priority_lower_than_or_equals: Whole | None = None
    sort_by: Text | None = None
    sort_order: Text = "asc"
    sorting: Annotated[list[Sorting], Field(default_factory=list, max_length=len(external_task_query.ORDERS))]
    first_result: Count = 0
    max_results: Annotated[int, Field(ge=0, le=MOST_LISTED)] = 1_000

    @property
    def asked(self) -> dict[str, Any]:
        told = {
            "ids": _all_of(self.external_task_id, self.external_task_id_in),
            "topic": self.topic_name,
            "worker": self.worker_id,
            "is_locked": _one_of(self.locked, self.not_locked),
            "has_retries": _one_of(self.with_retries_left, self.no_retries_left),
            "locked_after": self.lock_expiration_after,
            "locked_before": self.lock_expiration_before,
            "elements": _all_of(self.activity_id, self.activity_id_in),
            "tokens": _all_of(self.execution_id, None),
            "instances": _all_of(self.process_instance_id, self.process_instance_id_in),
            "definitions": _all_of(self.process_definition_id, None),
            "keys": _all_of(self.process_definition_key, None),
            "is_suspended": _one_of(self.suspended, self.active),
            "priority_from": self.priority_higher_than_or_equals,
            "priority_to": self.priority_lower_than_or_equals,
        }
        return _said(told)

    @property
    def order(self) -> list[Any]:
        """Raises InvalidValues."""
        single = [Sorting(sort_by=self.sort_by, sort_order=self.sort_order)] if self.sort_by else []
        return [_column(each) for each in [*single, *self.sorting]]


def _column(sorting: Sorting) -> Any:
    column = external_task_query.ORDERS.get(sorting.sort_by)
    if column is None:
        raise InvalidValues({"sortBy": f"Expected one of {', '.join(external_task_query.ORDERS)}."})
    if sorting.sort_order not in ("asc", "desc"):
        raise InvalidValues({"sortOrder": "Expected asc or desc."})
    return desc(column) if sorting.sort_order == "desc" else column


@bp.route("", methods=["GET", "POST"])
def find() -> ResponseReturnValue:
    told = asked(Query)
    with reading() as tx:
        about = {"limit": told.max_results, "offset": told.first_result}
        page = external_task_query.find(tx, told.asked, order=told.order, **about)
    return jsonify([_task(task) for task in page.rows])


@bp.route("/count", methods=["GET", "POST"])
def count() -> ResponseReturnValue:
    told = asked(Query)
    with reading() as tx:
        return jsonify(count=external_task_query.count(tx, told.asked))


class TopicQuery(Body):
    with_locked_tasks: bool = False
    with_unlocked_tasks: bool = False
    with_retries_left: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        is_locked = _one_of(self.with_locked_tasks, self.with_unlocked_tasks)
        return _said({"is_locked": is_locked, "has_retries": self.with_retries_left or None})


@bp.get("/topic-names")
def topic_names() -> ResponseReturnValue:
    told = asked(TopicQuery)
    with reading() as tx:
        return jsonify(external_task_query.topics(tx, told.asked))


@bp.get("/<int:task_id>")
def show(task_id: int) -> ResponseReturnValue:
    with reading() as tx:
        return jsonify(_task(external_task_query.get(tx, task_id)))


@bp.get("/<int:task_id>/errorDetails")
def error_details(task_id: int) -> ResponseReturnValue:
    with reading() as tx:
        told = external_task_query.details(tx, task_id)
    return NO_CONTENT if told is None else (told, 200, {"Content-Type": "text/plain; charset=utf-8"})


# ---- as they are written -------------------------------------------------------------------------------------------


def _task(task: ExternalTask) -> dict[str, Json]:
    return {
        "id": str(task.id),
        "topicName": task.topic,
        "workerId": task.worker if task.locked_until else None,
        "lockExpirationTime": moment(task.locked_until),
        "createTime": moment(task.created_at),
        "processInstanceId": str(task.instance_id),
        "processDefinitionId": str(task.definition_id),
        "processDefinitionKey": task.definition_key,
        "processDefinitionVersionTag": None,
        "activityId": task.element_id,
        "activityInstanceId": task.token,
        "executionId": task.token,
        "businessKey": task.business_key,
        "priority": task.priority,
        "retries": task.retries,
        "errorMessage": task.error,
        "suspended": task.is_suspended,
        "tenantId": None,
    }


def _taken(taken: Taken) -> dict[str, Json]:
    return {
        **_task(taken.task),
        "errorDetails": None,
        "extensionProperties": dict(taken.properties),
        "variables": typed(taken.variables),
    }


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}


def _all_of(one: Any, several: list[Any] | None) -> list[Any] | None:
    """Either may be given; both: what both name."""
    if one is None:
        return several
    return [one] if several is None or one in several else []


def _one_of(is_so: bool, is_not_so: bool) -> bool | None:
    """Two switches that say the opposite; both or neither: it does not matter."""
    return None if is_so == is_not_so else is_so
