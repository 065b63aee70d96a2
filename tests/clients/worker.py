"""A worker made with the client of PyPI. Told by its environment: BASE_URL, TOKEN."""

import json
import os

from camunda.external_task.external_task import ExternalTask, TaskResult
from camunda.external_task.external_task_worker import ExternalTaskWorker

CONFIG = {
    "auth_bearer": {"access_token": os.environ["TOKEN"]},
    "asyncResponseTimeout": 1_000,
    "retryTimeout": 10,
    "sleepSeconds": 1,
}


def work(task: ExternalTask) -> TaskResult:
    return ACTS[task.get_topic_name()](task)


def rate(task: ExternalTask) -> TaskResult:
    order = json.loads(task.get_variable("order"))
    told = {"rating": "B" if order["amount"] > 100 else "A", "seen": {"by": "python"}, "day": "2026-01-05"}
    return task.complete(told, {"own": task.get_business_key()})


def refuse(task: ExternalTask) -> TaskResult:
    return task.bpmn_error("DECLINED", "too young", {"age": 17})


def stumble(task: ExternalTask) -> TaskResult:
    retries = task._context["retries"]
    if retries is None:
        return task.failure("no line", "the whole story", max_retries=1, retry_timeout=10)
    return task.complete({"tries": retries})


ACTS = {"rate": rate, "refuse": refuse, "stumble": stumble}

if __name__ == "__main__":
    worker = ExternalTaskWorker("python", os.environ["BASE_URL"], CONFIG)
    worker.subscribe(list(ACTS), work)
