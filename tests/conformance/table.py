"""Rows of the conformance tables: a tiny diagram, what is done, and what has to come of it.

A diagram is drawn by its flows: `start -> xor -[n > 1]-> a -> end; xor -*-> b -> end2`. In brackets stands a condition,
the star marks the default flow. A node is what its name begins with (see KINDS), a user task otherwise; other nodes are
given as XML.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.bpmn.check import check
from engine.model.problems import Severity
from tests.play import Grouped, Kept, Play, document

KINDS = {
    "start": "startEvent",
    "end": "endEvent",
    "and": "parallelGateway",
    "xor": "exclusiveGateway",
    "or": "inclusiveGateway",
    "race": "eventBasedGateway",
}
HOUR = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="paid"/>'
SIGNAL = '<signalEventDefinition signalRef="alarm"/>'
TERMINATE = "<terminateEventDefinition/>"
DECLINED, BROKEN = (f'<errorEventDefinition errorRef="{code}"/>' for code in ("declined", "broken"))
ANY_ERROR = "<errorEventDefinition/>"
LATE = '<escalationEventDefinition escalationRef="late"/>'
ANY_ESCALATION = "<escalationEventDefinition/>"

Step = str | tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Row:
    """One rule by one diagram."""

    title: str
    section: str
    """Of BPMN 2.0.2 (formal/2013-12-09)."""
    drawn: str
    do: tuple[Step, ...] = ()
    """Words: `a` completes a or lets it happen, `a#1` the second token there, `a!CODE` ends it with a BPMN error,
    `a/1` is the second trigger of an event;
    a pair sets values, too."""
    at: str = ""
    """Where tokens stand then."""
    visits: Mapping[str, int] = field(default_factory=dict)
    """How often elements were entered, among others."""
    ended: str = "completed"
    """completed, terminated, failed CODE; active."""
    given: Mapping[str, object] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    """The process's variables then, among others."""
    seen: Mapping[str, object] = field(default_factory=dict)
    """What the first token that waits sees then, among others."""
    stopped: str = ""
    """Elements with an incident."""
    thrown: str = ""
    """Names of the signals thrown, in order."""
    start_event: str | None = None
    """The start event that happened; None: the plain one."""


# ---- drawing -------------------------------------------------------------------------------------------------------

_FLOW = re.compile(r"\s+-(?:\[([^\]]*)\]-|(\*)-)?>\s+")


def draw(flows: str, *nodes: str) -> str:
    """The XML of nodes and flows; see above."""
    drawn = "".join(nodes)
    known = set(re.findall(r'<(?!outgoing|incoming)\w+ id="(\w+)"', drawn))
    defaults: dict[str, str] = {}
    lines: list[str] = []
    for path in filter(None, map(str.strip, flows.split(";"))):
        first, *rest = _FLOW.split(path)
        for condition, star, target in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            name = f"{first}_{target}" + f"_{len(lines)}" * any(f'"{first}_{target}"' in line for line in lines)
            if star:
                defaults[first] = name
            lines.append(_flow(name, first, target, condition))
            first = target
    names = dict.fromkeys(word for path in flows.split(";") for word in _FLOW.split(path.strip())[::3] if word)
    plain = "".join(_node(name, defaults.get(name)) for name in names if name not in known)
    return plain + drawn + "".join(lines)


def _flow(name: str, source: str, target: str, condition: str | None) -> str:
    told = "" if condition is None else f"<conditionExpression>{escaped(condition)}</conditionExpression>"
    return f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{told}</sequenceFlow>'


def _node(name: str, default: str | None) -> str:
    kind = next((tag for begin, tag in KINDS.items() if re.fullmatch(begin + r"(_\w+|\d*)", name)), "userTask")
    told = "" if default is None else f' default="{default}"'
    return f'<{kind} id="{name}"{told}/>'


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def catch(node: str, definition: str) -> str:
    return f'<intermediateCatchEvent id="{node}">{definition}</intermediateCatchEvent>'


def throw(node: str, definition: str = "") -> str:
    return f'<intermediateThrowEvent id="{node}">{definition}</intermediateThrowEvent>'


def end(node: str, definition: str) -> str:
    return f'<endEvent id="{node}">{definition}</endEvent>'


def start(node: str, definition: str) -> str:
    return f'<startEvent id="{node}">{definition}</startEvent>'


def link(name: str) -> str:
    return f'<linkEventDefinition name="{name}"/>'


def cycle(text: str) -> str:
    return f"<timerEventDefinition><timeCycle>{text}</timeCycle></timerEventDefinition>"


def service(node: str, inner: str = "") -> str:
    return f'<serviceTask id="{node}" camunda:type="external" camunda:topic="work">{inner}</serviceTask>'


def each(*, count: str = "", over: str = "", until: str = "", outputs: str = "", in_turn: bool = False) -> str:
    """Multi-instance: over a collection, with `item` and the output `out`; or count times."""
    told = f"<loopCardinality>{count}</loopCardinality>" * bool(count)
    told += f"<loopDataInputRef>{over}</loopDataInputRef>" * bool(over)
    told += f"<loopDataOutputRef>{outputs}</loopDataOutputRef>" * bool(outputs)
    told += '<inputDataItem id="item_in" name="item"/>' * bool(over)
    told += '<outputDataItem id="item_out" name="out"/>' * bool(outputs)
    told += f"<completionCondition>{escaped(until)}</completionCondition>" * bool(until)
    tag = "multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{str(in_turn).lower()}">{told}</{tag}>'


def again(condition: str, *, before: bool = False, most: int | None = None) -> str:
    """Standard loop."""
    tag = "standardLoopCharacteristics"
    told = "" if most is None else f' loopMaximum="{most}"'
    asked = f"<loopCondition>{escaped(condition)}</loopCondition>"
    return f'<{tag} testBefore="{str(before).lower()}"{told}>{asked}</{tag}>'


def mapped(inputs: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None) -> str:
    """Input and output parameters of an element."""
    told = _parameters("inputParameter", inputs) + _parameters("outputParameter", outputs)
    return f"<extensionElements><camunda:inputOutput>{told}</camunda:inputOutput></extensionElements>"


def _parameters(tag: str, mapping: Mapping[str, str] | None) -> str:
    pairs = (mapping or {}).items()
    return "".join(f'<camunda:{tag} name="{name}">{text}</camunda:{tag}>' for name, text in pairs)


# ---- playing -------------------------------------------------------------------------------------------------------

PLAYERS = [pytest.param(Play, id="saved"), pytest.param(Grouped, id="grouped"), pytest.param(Kept, id="kept")]
"""Saved and loaded after each step, in two ways, and not: it must not matter."""


def rows(*table: Row) -> list[Any]:
    return [pytest.param(row, id=row.title.replace(" ", "_")) for row in table]


def play_row(row: Row, player: Callable[..., Play]) -> None:
    problems = [str(each) for each in check({"row.bpmn": document(row.drawn)}) if each.severity is Severity.ERROR]
    assert not problems, problems
    play = player(row.drawn, row.given, start_event=row.start_event)
    for step in row.do:
        do(play, step)
    counts = Counter(play.path)
    _same((play.tokens, _end(play)), (sorted(row.at.split()), row.ended))
    _same(sorted(play.incidents), sorted(row.stopped.split()))
    _same(sorted(play.open.values()), play.visiting)
    _same(play.thrown, row.thrown.split())
    _same({name: counts[name] for name in row.visits}, dict(row.visits))
    _same({name: play.values.get(name) for name in row.values}, dict(row.values))
    _same({name: _seen(play).get(name) for name in row.seen}, dict(row.seen))


def _same(found: object, expected: object) -> None:
    assert found == expected, f"Expected {expected}, but found {found}."


def do(play: Play, step: Step) -> None:
    words, values = (step, {}) if isinstance(step, str) else step
    for word in words.split():
        name, _, code = word.partition("!")
        element, _, number = name.partition("#")
        element = element.replace("/", "#")
        if code:
            play.throw(element, code)
        elif any(wait.element_id == element for kind in ("user", "service") for wait in play.waits(kind)):
            play.complete(element, int(number or 0), **values)
        else:
            play.happen(element, int(number or 0), **values)


def _end(play: Play) -> str:
    if not play.is_over:
        return "active"
    if play.result.error is not None:
        return f"failed {play.result.error.code}"
    return "terminated" if play.result.terminated else "completed"


def _seen(play: Play) -> dict[str, Any]:
    token = next(iter(play.seen.waits().values())).token
    return play.run.scopes.visible(play.run.workflow.token(token))
