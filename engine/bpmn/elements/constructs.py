"""The one table of constructs: how each is run, or why it is refused. README shows it; the checks go by it.

What is not in it is refused by name. Source of the names: BPMN 2.0.2, chapters 8 and 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NONE = "none"
IN_EVENT_SUB_PROCESS = "startEvent of an event sub-process"


@dataclass(frozen=True, slots=True)
class Construct:
    names: tuple[str, ...]
    """Tags, and attributes that change how an element runs."""
    how: str
    """In README's words."""
    triggers: tuple[str, ...] = ()
    """Of an event: what it may wait for or throw."""
    instead: str = ""
    """What to draw instead; only of what is refused."""

    @property
    def row(self) -> str:
        told = "; ".join(filter(None, (", ".join(self.triggers), self.how)))
        return f"| {', '.join(self.names)} | {f'refused: {told}' if self.instead else told} |"


RUN: tuple[Construct, ...] = (
    Construct(("task", "manualTask"), "passed at once"),
    Construct(("userTask",), "claim, form, due and follow-up date, priority"),
    Construct(("scriptTask",), "Python subset"),
    Construct(
        ("serviceTask", "sendTask", "businessRuleTask"),
        "a registered function or a worker outside by topic, a call by HTTP, or a mail, with retries; "
        "a sendTask may throw a message instead",
    ),
    Construct(
        ("receiveTask",),
        "waits for a message (none chosen: one that is called as itself), or begins the instance (`instantiate`)",
    ),
    Construct(("subProcess",), "embedded, or begun by an event; compensated as a whole or from within"),
    Construct(
        ("adHocSubProcess",),
        "a person chooses in the inbox what is done next; parallel or sequential, completion condition",
    ),
    Construct(
        ("transaction",), "as a sub-process; cancelled by a cancel end event, which undoes what has completed within"
    ),
    Construct(
        ("callActivity",),
        "an instance of another process; latest, deployed together, by version or version tag; compensated from within",
    ),
    Construct(("exclusiveGateway", "parallelGateway", "inclusiveGateway"), "splitting and joining, in loops too"),
    Construct(("eventBasedGateway",), "the first event behind it; one that begins the instance, exclusive or parallel"),
    Construct(
        ("complexGateway",),
        "activation condition over `activationCount`, then the rest of the round (`waitingForStart`)",
    ),
    Construct(("sequenceFlow",), "conditional and default flows out of gateways and activities"),
    Construct(
        ("startEvent",),
        "a condition is asked by `engine.conditions.evaluate`",
        triggers=("none", "timer", "message", "signal", "conditional"),
    ),
    Construct(
        ("startEvent of an event sub-process",),
        "interrupting or not",
        triggers=("timer", "message", "signal", "error", "escalation", "conditional", "compensate"),
    ),
    Construct(("intermediateCatchEvent",), "", triggers=("timer", "message", "signal", "link", "conditional")),
    Construct(
        ("intermediateThrowEvent",),
        "a message may go out by HTTP",
        triggers=("none", "message", "signal", "link", "escalation", "compensate"),
    ),
    Construct(
        ("boundaryEvent",),
        "interrupting or not",
        triggers=("timer", "error", "escalation", "message", "signal", "conditional", "compensate", "cancel"),
    ),
    Construct(
        ("endEvent",),
        "a message may go out by HTTP",
        triggers=("none", "message", "terminate", "error", "escalation", "signal", "compensate", "cancel"),
    ),
    Construct(
        ("several triggers on one event",),
        "the first is enough, or all are needed (`parallelMultiple`); an event may throw several",
    ),
    Construct(
        ("globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask"),
        "by a callActivity",
    ),
    Construct(
        ("standardLoopCharacteristics", "multiInstanceLoopCharacteristics"),
        "parallel and sequential, on every activity; events thrown as instances complete (`behavior`)",
    ),
    Construct(("startQuantity", "completionQuantity"), "tokens an activity needs to begin, and gives on each flow"),
    Construct(
        ("dataObject", "dataObjectReference", "property"),
        "a variable; of a sub-process: each time its own, gone with it",
    ),
    Construct(
        ("ioSpecification", "dataInputAssociation", "dataOutputAssociation"),
        'with transformation and assignments (`order.total`, `order["total"]`); '
        "one drawn to the activity itself or to a placeholder is a drawing",
    ),
    Construct(
        ("correlationSubscription", "correlationKey", "correlationProperty"),
        "messages find their instance by key: that of the first one, or one that the process expects",
    ),
    Construct(
        ("dataStoreReference",),
        "one value for each data store's name, shared by all instances; read and written by associations",
    ),
    Construct(
        ("timers",),
        "ISO 8601 date, duration, cycle (`R3/PT10S`), cron; in any time zone; catching up (`procession:catchUp`)",
    ),
)
_PARTNERS = "it tells what partners exchange, not what one of them does"
REFUSED: tuple[Construct, ...] = (
    Construct(
        ("choreographyTask", "subChoreography", "callChoreography"),
        _PARTNERS,
        instead="Draw a collaboration with send and receive tasks.",
    ),
    Construct(
        ("implicitThrowEvent",),
        "it belongs to a multi-instance activity, as its event",
        instead="Draw an intermediate throwing event.",
    ),
)

EXECUTED = frozenset(name for construct in RUN for name in construct.names)
TRIGGERS: Mapping[str, frozenset[str]] = {
    construct.names[0]: frozenset(construct.triggers) for construct in RUN if construct.triggers
}
"""Event -> what may trigger it or what it throws."""
INSTEAD: Mapping[str, str] = {name: construct.instead for construct in REFUSED for name in construct.names}


def rows() -> Iterator[str]:
    """README's table."""
    yield from ("| element | executed |", "|---|---|")
    yield from (construct.row for construct in (*RUN, *REFUSED))
