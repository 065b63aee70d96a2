"""Celery's worker: `celery -A engine.dispatch.celery worker`. It runs jobs as `procession worker` does, on threads.

Celery's own pool takes references in and nothing more. Its options count: `-Q http -c 16` runs sixteen calls by HTTP at
a time, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from celery import signals

from engine.config import Settings
from engine.dispatch import broker
from engine.observe import logs, probes, tracing
from engine.transaction import Ref
from engine.worker import LANES, Engine

_settings = Settings.from_environment()
celery = broker.app(_settings.broker_url, LANES)
_chosen: dict[str, Any] = {}
_running: list[Engine] = []
_open = ExitStack()


@signals.celeryd_init.connect
def _choose(options: Mapping[str, Any] | None = None, **_: Any) -> None:
    """What was said on the command line."""
    told = options or {}
    names = told.get("queues") or ()
    queues = names.split(",") if isinstance(names, str) else list(names)
    _chosen.update(queues=[name for name in queues if name in LANES], threads=told.get("concurrency") or None)


@signals.setup_logging.connect
def _show_log(**_: Any) -> None:
    """As the settings say, and not as Celery would."""
    logs.show(_settings.log_format)


@signals.worker_init.connect
def _start(**_: Any) -> None:
    tracing.set_up()
    engine = _open.enter_context(Engine(_settings))
    engine.require_current()
    _open.enter_context(probes.beside(engine))
    engine.start_worker(_chosen.get("queues", ()), threads=_chosen.get("threads"))
    _running.append(engine)


@signals.worker_shutdown.connect
def _stop(**_: Any) -> None:
    """What runs is finished, what waits is given back."""
    _running.clear()
    _open.close()


@celery.task(name=broker.TASK)
def run_job(job_id: int, lease: str, queue: str) -> None:
    """Take a reference in. One that comes twice, or late, finds its lease gone."""
    for engine in _running:
        engine.take(Ref(job_id, lease, queue))
