"""What a story is: a way through a diagram, told by what people do, what comes in and how time passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine import Actor
from engine.model import Json
from tests.driver import PROCESSES, Driver

GROUPS = {
    "ana": {"staff", "clerks", "support", "front desk", "buyers", "purchasing", "recruiters"},
    "ben": {"managers", "team leads", "sales", "board", "editors", "quality"},
    "kim": {"accounting", "compliance", "adjusters", "valuers", "engineers", "first level", "doctors"},
    "lee": {"warehouse", "mechanics", "investigators", "lawyers", "second level", "shop", "safety"},
}
CAST = {name: Actor(name, groups=frozenset(groups)) for name, groups in GROUPS.items()}

TOPICS = (
    *("book-leave", "inform", "interest-rules", "invoice", "letter", "lock-account", "mail", "order", "pay", "refund"),
    *("remind", "reserve", "send-link", "unlock-account"),
)
"""Services that the diagrams call; they answer nothing, unless a story says what."""

Step = Callable[[Driver], object]


@dataclass(frozen=True)
class Telling:
    """One way through a diagram: what happens, and what has to come of it."""

    title: str
    diagram: str
    steps: tuple[Step, ...]
    path: str
    """The elements that were entered, in order, by name."""
    given: Mapping[str, Json] = field(default_factory=dict)
    services: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    values: Mapping[str, Json] = field(default_factory=dict)
    """Variables at the end, among others."""
    status: str = "completed"
    by_hand: bool = True
    """False: its first step is a message that starts it."""


# ---- what may happen in a story ------------------------------------------------------------------------------------


def done(person: str, task: str, **values: Json) -> Step:
    return lambda driver: driver.complete(CAST[person], task, **values)


def pressed(person: str, task: str, button: str, **values: Json) -> Step:
    return lambda driver: driver.press(CAST[person], task, button, **values)


def sees(person: str, *tasks: str) -> Step:
    return lambda driver: driver.expect_inbox(CAST[person], list(tasks))


def passes(**units: float) -> Step:
    return lambda driver: driver.tick(**units)


def told(message: str, **payload: Json) -> Step:
    return lambda driver: driver.tell(message, **payload)


def called_out(signal: str, **payload: Json) -> Step:
    return lambda driver: driver.call_out(signal, **payload)


def files(diagram: str) -> list[Path]:
    """The diagram, and the forms it names."""
    return sorted((PROCESSES / "stories").glob(f"{diagram}*"))


def serve(driver: Driver, telling: Telling) -> None:
    for topic in TOPICS:
        driver.serve(topic, *telling.services.get(topic, ({},)))
