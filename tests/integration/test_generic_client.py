"""The client that is generated from the interface description of Camunda 7, unchanged: each call, by HTTP Basic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import generic_camunda_client as client
import pytest
from generic_camunda_client.rest import ApiException

from engine import SYSTEM, Engine, InstanceStatus, Right, Settings, access_tokens, definitions, instances
from tests.live import serving
from tests.play import END, START, boundary, chain, document
from tests.topology import eventually

DIAGRAM = document(
    START
    + '<serviceTask id="call" camunda:type="external" camunda:topic="rate"/>'
    + boundary("refused", "call", '<errorEventDefinition errorRef="declined"/>')
    + '<endEvent id="sorry"/>'
    + '<intermediateCatchEvent id="until_paid"><messageEventDefinition messageRef="paid"/></intermediateCatchEvent>'
    + '<intermediateCatchEvent id="until_go"><signalEventDefinition signalRef="go"/></intermediateCatchEvent>'
    + END
    + chain("start", "call", "until_paid", "until_go", "end")
    + chain("refused", "sorry"),
    root='<message id="paid" name="paid"/><signal id="go" name="go"/><error id="declined" errorCode="DECLINED"/>',
)
MINUTE = 60_000


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    with Engine(Settings(database_url=migrated_url, secret_key="for tests")) as engine:
        yield engine


@pytest.fixture
def api(engine: Engine) -> Iterator[client.ApiClient]:
    with engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": DIAGRAM})
        scopes = [Right.START, Right.WORK, Right.MESSAGE]
        token = access_tokens.add(tx, "program", scopes=scopes, life=timedelta(days=1))
    with serving(engine) as server:
        told = client.Configuration(host=f"{server.address}/engine-rest", username="program", password=token)
        with client.ApiClient(told) as api:
            api.set_default_header("Authorization", told.get_basic_auth_token())
            yield api


@pytest.fixture
def tasks(api: client.ApiClient) -> client.ExternalTaskApi:
    return client.ExternalTaskApi(api)


def start(api: client.ApiClient, key: str) -> Any:
    amount = client.VariableValueDto(value=5, type="Integer")
    told = client.StartProcessInstanceDto(business_key=key, variables={"amount": amount}, with_variables_in_return=True)
    return client.ProcessDefinitionApi(api).start_process_instance_by_key("p", start_process_instance_dto=told)


def fetch(tasks: client.ExternalTaskApi, *, most: int = 10) -> Any:
    topic = client.FetchExternalTaskTopicDto(topic_name="rate", lock_duration=MINUTE, variables=["amount"])
    told = client.FetchExternalTasksDto(worker_id="w", max_tasks=most, use_priority=True, topics=[topic])
    return tasks.fetch_and_lock(fetch_external_tasks_dto=told)


def status(engine: Engine, instance_id: str) -> InstanceStatus:
    with engine.reading(SYSTEM) as tx:
        return instances.get(tx, int(instance_id)).status


def test_an_instance_from_its_start_to_its_end(
    engine: Engine, api: client.ApiClient, tasks: client.ExternalTaskApi
) -> None:
    begun = start(api, "4711")
    assert (begun.business_key, begun.ended, begun.variables["amount"].value) == ("4711", False, 5)

    (task,) = fetch(tasks)
    assert (task.topic_name, task.business_key, task.variables["amount"].value) == ("rate", "4711", 5)
    extended = client.ExtendLockOnExternalTaskDto(worker_id="w", new_duration=5 * MINUTE)
    tasks.extend_lock(task.id, extend_lock_on_external_task_dto=extended)
    assert tasks.get_external_task(task.id).lock_expiration_time > task.lock_expiration_time
    done = client.CompleteExternalTaskDto(worker_id="w", variables={"ok": client.VariableValueDto(value=True)})
    tasks.complete_external_task_resource(task.id, complete_external_task_dto=done)
    with pytest.raises(ApiException) as twice:
        tasks.complete_external_task_resource(task.id, complete_external_task_dto=done)
    assert twice.value.status == 409

    paid = {"message_name": "paid", "business_key": "4711", "result_enabled": True}
    message = client.CorrelationMessageDto(**paid, variables_in_result_enabled=True)
    (taker,) = client.MessageApi(api).deliver_message(correlation_message_dto=message)
    assert (taker.execution.process_instance_id, taker.variables["ok"].value) == (begun.id, True)
    with pytest.raises(ApiException) as unawaited:
        client.MessageApi(api).deliver_message(correlation_message_dto=message)
    assert unawaited.value.status == 400

    client.SignalApi(api).throw_signal(signal_dto=client.SignalDto(name="go"))
    eventually(lambda: status(engine, begun.id) == InstanceStatus.COMPLETED)


def test_a_task_that_fails_is_given_back_and_ends_in_an_error(
    engine: Engine, api: client.ApiClient, tasks: client.ExternalTaskApi
) -> None:
    begun = start(api, "4711")
    (task,) = fetch(tasks)
    failure = {"error_message": "away", "error_details": "at line 1", "retries": 2, "retry_timeout": 0}
    failed = client.ExternalTaskFailureDto(worker_id="w", **failure)
    tasks.handle_failure(task.id, external_task_failure_dto=failed)
    assert tasks.get_external_task_error_details(task.id) == "at line 1"

    (task,) = fetch(tasks)
    assert (task.retries, task.error_message) == (2, "away")
    tasks.unlock(task.id)
    tasks.lock(task.id, lock_external_task_dto=client.LockExternalTaskDto(worker_id="w", lock_duration=MINUTE))
    refused = client.ExternalTaskBpmnError(worker_id="w", error_code="DECLINED", error_message="no")
    tasks.handle_external_task_bpmn_error(task.id, external_task_bpmn_error=refused)

    assert status(engine, begun.id) == InstanceStatus.COMPLETED


def test_tasks_are_found_and_changed(api: client.ApiClient, tasks: client.ExternalTaskApi) -> None:
    ids = [start(api, key).id for key in ("a", "b", "c")]
    (held,) = fetch(tasks, most=1)

    found = tasks.get_external_tasks(worker_id="w", locked=True, sort_by="taskPriority", sort_order="desc")
    assert [task.id for task in found] == [held.id]
    sorting = [client.ExternalTaskQueryDtoSorting(sort_by="processInstanceId", sort_order="desc")]
    asked = client.ExternalTaskQueryDto(topic_name="rate", sorting=sorting)
    assert [task.process_instance_id for task in tasks.query_external_tasks(external_task_query_dto=asked)] == ids[::-1]
    assert tasks.get_external_tasks_count(not_locked=True).count == 2
    assert tasks.query_external_tasks_count(external_task_query_dto=asked).count == 3
    assert tasks.get_topic_names(with_locked_tasks=True) == ["rate"]

    tasks.set_external_task_resource_retries(held.id, retries_dto=client.RetriesDto(retries=3))
    tasks.set_external_task_resource_priority(held.id, priority_dto=client.PriorityDto(priority=7))
    many = client.SetRetriesForExternalTasksDto(retries=4, process_instance_ids=ids)
    tasks.set_external_task_retries(set_retries_for_external_tasks_dto=many)
    changed = tasks.get_external_task(held.id)
    assert (changed.priority, changed.worker_id) == (7, "w")
