"""What this process counts and times, for Prometheus. What the database holds is counted in gauges.py."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector

REGISTRY = CollectorRegistry()
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Buckets in seconds."""
MOST_TOPICS = 100
"""A diagram may compute the host that it calls: what has no bound makes no label."""
OTHER = "other"

TRIES = Counter(
    "procession_tries",
    "Tries of jobs by how they ended: finished, failed (tried again), given_up (an incident), busy (put back), "
    "waits (its service tells the outcome later), "
    "dropped (somebody else's by then, or the database was away).",
    ["kind", "outcome"],
    registry=REGISTRY,
)
TRY_SECONDS = Histogram(
    "procession_try_seconds", "Time that tries of jobs took.", ["kind"], buckets=_LONG, registry=REGISTRY
)
CALL_SECONDS = Histogram(
    "procession_call_seconds",
    f"Time that calls of services took, by topic or host; beyond {MOST_TOPICS} of them: {OTHER}.",
    ["topic"],
    buckets=_LONG,
    registry=REGISTRY,
)
COMMAND_SECONDS = Histogram(
    "procession_command_seconds",
    "Time that commands on one instance took, without the commit.",
    ["command"],
    buckets=_SHORT,
    registry=REGISTRY,
)
STEPS = Counter("procession_steps", "Steps that instances took.", registry=REGISTRY)

_topics: set[str] = set()


def topic_label(topic: str) -> str:
    if topic not in _topics and len(_topics) >= MOST_TOPICS:
        return OTHER
    _topics.add(topic)
    return topic


ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)
