"""Random structured processes, and how they are drawn: every block has one way in and at most one way on.

Whatever could run twice side by side (beside an activity, beside a flow) is one user task or one sub-process, so that
no join ever sees the tokens of two runs: tests/conformance/token_game.py is for those. Whatever ends others stands
behind a user task, so that no outcome depends on which of two moving tokens is faster.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.play import ROOT, document

# ---- structure -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Then:
    """One block, then the other."""

    first: Block
    second: Block


@dataclass(frozen=True, slots=True)
class Split:
    """kind: xor, and, or; each branch comes to the gateway that ends the split, or ends by itself."""

    id: str
    kind: str
    branches: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Drawn by two exclusive gateways: again while its flow's condition is true."""

    id: str
    inner: Block


@dataclass(frozen=True, slots=True)
class Race:
    """An event-based gateway: (event, what it waits for, what follows)."""

    id: str
    options: tuple[tuple[str, str, Block], ...]


@dataclass(frozen=True, slots=True)
class Catch:
    """An intermediate event, or a receive task."""

    id: str
    what: str


@dataclass(frozen=True, slots=True)
class Fork:
    """A user task with two ways out, of which one ends by itself."""

    id: str
    side: Activity


@dataclass(frozen=True, slots=True)
class Exit:
    """An exclusive gateway: go on, or a user task and an end event. kind: none, error, escalation, terminate."""

    id: str
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Throw:
    """A user task, then an escalation thrown in passing."""

    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Each:
    """Multi-instance; enough: how many completed instances are."""

    count: int
    sequential: bool
    enough: int | None


@dataclass(frozen=True, slots=True)
class Again:
    """Standard loop."""

    before: bool
    maximum: int | None


@dataclass(frozen=True, slots=True)
class Boundary:
    """what: message, signal, timer, cycle (twice), error, escalation; code None catches all."""

    id: str
    what: str
    interrupting: bool
    handler: Block | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """A user task, or a sub-process with something inside."""

    id: str
    inner: Block | Scope | None = None
    repeat: Each | Again | None = None
    events: tuple[Boundary, ...] = ()
    beside: bool = False
    """Whether there may be several at once: each is told apart by the step it began at."""


@dataclass(frozen=True, slots=True)
class Aside:
    """An event sub-process; what, code: as of a boundary event."""

    id: str
    what: str
    interrupting: bool
    handler: Block
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The inside of a process or sub-process that has event sub-processes."""

    inner: Block
    asides: tuple[Aside, ...]


Block = Then | Split | Loop | Race | Catch | Fork | Exit | Throw | Activity

# ---- chance --------------------------------------------------------------------------------------------------------

KINDS = ["task", "sequence", "sequence", "sequence", "xor", "and", "or", "loop", "race", "catch", "fork", "exit"]
KINDS += ["throw", "activity", "activity", "activity", "activity", "activity"]
CODES = ["DECLINED", "BROKEN"]
ESCALATIONS = ["LATE", "LARGE"]
OUTSIDE = ["message", "signal", "timer"]


class Generator:
    def __init__(self, seed: int, size: int) -> None:
        self._dice, self._left, self._count = random.Random(seed), size, 0

    def process(self) -> Block | Scope:
        return self._scope(self._block(0), 0)

    def _scope(self, inner: Block, depth: int) -> Block | Scope:
        asides = tuple(self._aside(depth + 1) for _ in range(self._dice.choice([0, 0, 0, 1, 1, 2])))
        return Scope(inner, asides) if asides else inner

    def _aside(self, depth: int) -> Aside:
        what, interrupting, code = self._trigger()
        handler = self._block(depth) if interrupting else self._beside(depth)
        return Aside(self._id("aside"), what, interrupting, handler, code)

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _some(self, depth: int, most: int = 3) -> tuple[Block, ...]:
        return tuple(self._block(depth) for _ in range(self._dice.choice([2, 2, most])))

    def _block(self, depth: int) -> Block:
        self._left -= 1
        kind = self._dice.choice(KINDS) if depth < 6 and self._left > 0 else "task"
        make = getattr(self, f"_{kind}", None)
        return self._split(kind, depth) if make is None else make(depth + 1)

    def _task(self, depth: int = 0) -> Activity:
        return Activity(self._id("task"))

    def _sequence(self, depth: int) -> Then:
        return Then(self._block(depth), self._block(depth))

    def _split(self, kind: str, depth: int) -> Split:
        return Split(self._id(kind), kind, self._some(depth + 1))

    def _worked(self, depth: int) -> Block:
        """Something that does not pass by itself."""
        return Then(self._task(), self._block(depth))

    def _loop(self, depth: int) -> Loop:
        return Loop(self._id("loop"), self._worked(depth))

    def _race(self, depth: int) -> Race:
        options = [(self._id("event"), self._dice.choice(OUTSIDE), self._block(depth)) for _ in range(2)]
        return Race(self._id("race"), tuple(options))

    def _catch(self, depth: int) -> Catch:
        return Catch(self._id("event"), self._dice.choice([*OUTSIDE, "receive"]))

    def _fork(self, depth: int) -> Fork:
        return Fork(self._id("fork"), self._beside(depth))

    def _beside(self, depth: int) -> Activity:
        if self._dice.random() < 0.5:
            return self._task()
        return Activity(self._id("sub"), self._block(depth), beside=True)

    def _exit(self, depth: int) -> Exit:
        kind = self._dice.choice(["none", "error", "error", "escalation", "terminate"])
        return Exit(self._id("exit"), kind, self._dice.choice(ESCALATIONS if kind == "escalation" else CODES))

    def _throw(self, depth: int) -> Throw:
        return Throw(self._id("throw"), self._dice.choice(ESCALATIONS))

    def _activity(self, depth: int) -> Activity:
        dice = self._dice
        name = self._id("act")
        inner = self._scope(self._worked(depth), depth) if dice.random() < 0.7 else None
        repeat = dice.choice([None, None, self._each(), self._each(), self._again()])
        events = tuple(self._boundary(depth) for _ in range(dice.choice([0, 1, 1, 2, 3])))
        return Activity(name, inner, repeat, events)

    def _each(self) -> Each:
        dice = self._dice
        return Each(dice.choice([0, 1, 2, 3, 3]), dice.random() < 0.5, dice.choice([None, None, 1, 2]))

    def _again(self) -> Again:
        return Again(self._dice.random() < 0.5, self._dice.choice([None, 1, 2]))

    def _boundary(self, depth: int) -> Boundary:
        what, interrupting, code = self._trigger()
        handler = self._block(depth) if interrupting else self._beside(depth)
        return Boundary(self._id("on"), what, interrupting, handler if self._dice.random() < 0.85 else None, code)

    def _trigger(self) -> tuple[str, bool, str | None]:
        """(what, whether it interrupts, code)"""
        dice = self._dice
        what = dice.choice([*OUTSIDE, "cycle", "error", "error", "escalation", "escalation"])
        interrupting = what == "error" or (what != "cycle" and dice.random() < 0.5)
        codes = {"error": CODES, "escalation": ESCALATIONS}.get(what)
        return what, interrupting, None if codes is None else dice.choice([*codes, None])


# ---- drawing -------------------------------------------------------------------------------------------------------

DEFINITIONS = {
    "none": "",
    "terminate": "<terminateEventDefinition/>",
    "message": '<messageEventDefinition messageRef="paid"/>',
    "signal": '<signalEventDefinition signalRef="alarm"/>',
    "timer": "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>",
    "cycle": "<timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>",
}
REFERENCES = {"DECLINED": "declined", "BROKEN": "broken", "LATE": "late", "LARGE": "large"}
MORE = '<escalation id="large" name="Large" escalationCode="LARGE"/>'
GATEWAYS = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}


def definition(what: str, code: str | None = None) -> str:
    if what in DEFINITIONS:
        return DEFINITIONS[what]
    reference = "" if code is None else f' {what}Ref="{REFERENCES[code]}"'
    return f"<{what}EventDefinition{reference}/>"


@dataclass
class Drawing:
    """The XML of a block; each drawing function gives the block's first and last node."""

    parts: list[str] = field(default_factory=list)
    flows: int = 0

    def document(self, block: Block | Scope) -> bytes:
        return document(self.scope("top", block), root=ROOT + MORE)

    def scope(self, name: str, block: Block | Scope) -> str:
        """What is inside a process or sub-process; some of the latter start and end without events."""
        outside, self.parts = self.parts, []
        for aside in block.asides if isinstance(block, Scope) else ():
            self.aside(aside)
        entry, last = self.block(block.inner if isinstance(block, Scope) else block)
        begins_itself = f'targetRef="{entry}"' not in "".join(self.parts)  # nothing leads there
        if name == "top" or name[-1] in "02468" or not begins_itself:
            self.add(f'<startEvent id="{name}_start"/><endEvent id="{name}_end"/>')
            self.flow(f"{name}_start", entry)
            self.flow(last, f"{name}_end")
        inside, self.parts = self.parts, outside
        return "".join(inside)

    def aside(self, aside: Aside) -> None:
        outside, self.parts = self.parts, []
        interrupts, told = str(aside.interrupting).lower(), definition(aside.what, aside.code)
        self.add(f'<startEvent id="{aside.id}" isInterrupting="{interrupts}">{told}</startEvent>')
        self.flow(aside.id, self.block(aside.handler)[0])
        inside, self.parts = self.parts, outside
        self.add(f'<subProcess id="{aside.id}_sub" triggeredByEvent="true">{"".join(inside)}</subProcess>')

    def add(self, xml: str) -> None:
        self.parts.append(xml)

    def gateway(self, name: str, kind: str, default: str = "") -> str:
        told = f' default="{default}"' if default else ""
        self.add(f'<{kind} id="{name}"{told}/>')
        return name

    def flow(self, source: str, target: str, name: str = "", *, asks: bool = False) -> None:
        """asks: with a condition, which Choices knows by the flow's name."""
        self.flows += 1
        name = name or f"flow{self.flows}"
        condition = f"<conditionExpression>is_true(path, '{name}')</conditionExpression>" if asks else ""
        self.add(f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>')

    def block(self, block: Block) -> tuple[str, str]:
        return _DRAW[type(block)](self, block)

    def sequence(self, block: Then) -> tuple[str, str]:
        (entry, middle), (after, last) = self.block(block.first), self.block(block.second)
        self.flow(middle, after)
        return entry, last

    def split(self, block: Split) -> tuple[str, str]:
        decides = block.kind != "and"
        flows = branch_flows(block)
        entry = self.gateway(block.id, GATEWAYS[block.kind], flows[-1] if decides else "")
        last = self.gateway(f"{block.id}_join", GATEWAYS[block.kind])
        for name, branch in zip(flows, block.branches, strict=True):
            first, end = self.block(branch)
            self.flow(entry, first, name, asks=decides and name != flows[-1])
            self.flow(end, last)
        return entry, last

    def loop(self, block: Loop) -> tuple[str, str]:
        merge = self.gateway(f"{block.id}_in", "exclusiveGateway")
        decide = self.gateway(block.id, "exclusiveGateway", f"{block.id}_out")
        out = self.gateway(f"{block.id}_end", "exclusiveGateway")
        entry, last = self.block(block.inner)
        self.flow(merge, entry)
        self.flow(last, decide)
        self.flow(decide, merge, f"{block.id}_again", asks=True)
        self.flow(decide, out, f"{block.id}_out")
        return merge, out

    def race(self, block: Race) -> tuple[str, str]:
        gateway = self.gateway(block.id, "eventBasedGateway")
        merge = self.gateway(f"{block.id}_merge", "exclusiveGateway")
        for event, what, then in block.options:
            self.add(f'<intermediateCatchEvent id="{event}">{definition(what)}</intermediateCatchEvent>')
            entry, last = self.block(then)
            self.flow(gateway, event)
            self.flow(event, entry)
            self.flow(last, merge)
        return gateway, merge

    def catch(self, block: Catch) -> tuple[str, str]:
        if block.what == "receive":
            self.add(f'<receiveTask id="{block.id}" messageRef="paid"/>')
        else:
            self.add(f'<intermediateCatchEvent id="{block.id}">{definition(block.what)}</intermediateCatchEvent>')
        return block.id, block.id

    def fork(self, block: Fork) -> tuple[str, str]:
        self.add(f'<userTask id="{block.id}"/>')
        self.flow(block.id, self.block(block.side)[0])
        return block.id, block.id

    def exit(self, block: Exit) -> tuple[str, str]:
        gateway = self.gateway(block.id, "exclusiveGateway", f"{block.id}_on")
        merge = self.gateway(f"{block.id}_merge", "exclusiveGateway")
        self.add(f'<userTask id="{block.id}_task"/>')
        self.add(f'<endEvent id="{block.id}_end">{definition(block.kind, block.code)}</endEvent>')
        self.flow(gateway, f"{block.id}_task", f"{block.id}_out", asks=True)
        self.flow(f"{block.id}_task", f"{block.id}_end")
        self.flow(gateway, merge, f"{block.id}_on")
        return gateway, merge

    def throw(self, block: Throw) -> tuple[str, str]:
        event = f"{block.id}_event"
        thrown = definition("escalation", block.code)
        self.add(f'<userTask id="{block.id}"/><intermediateThrowEvent id="{event}">{thrown}</intermediateThrowEvent>')
        self.flow(block.id, event)
        return block.id, event

    def activity(self, block: Activity) -> tuple[str, str]:
        inside = "" if block.inner is None else self.scope(block.id, block.inner)
        tag = "userTask" if block.inner is None else "subProcess"
        self.add(f'<{tag} id="{block.id}">{_path(block)}{_repeat(block)}{inside}</{tag}>')
        if not block.events:
            return block.id, block.id
        merge = self.gateway(f"{block.id}_merge", "exclusiveGateway")
        self.flow(block.id, merge)
        for event in block.events:
            self.boundary(event, block.id, merge)
        return block.id, merge

    def boundary(self, event: Boundary, on: str, merge: str) -> None:
        cancel = str(event.interrupting).lower()
        told = definition(event.what, event.code)
        self.add(
            f'<boundaryEvent id="{event.id}" attachedToRef="{on}" cancelActivity="{cancel}">{told}</boundaryEvent>'
        )
        if event.handler is not None:
            entry, last = self.block(event.handler)
            self.flow(event.id, entry)
            if event.interrupting:
                self.flow(last, merge)


_DRAW = {
    Then: Drawing.sequence,
    Split: Drawing.split,
    Loop: Drawing.loop,
    Race: Drawing.race,
    Catch: Drawing.catch,
    Fork: Drawing.fork,
    Exit: Drawing.exit,
    Throw: Drawing.throw,
    Activity: Drawing.activity,
}


def branch_flows(block: Split) -> Sequence[str]:
    """Names of the flows out of a split; the last is the default."""
    return [f"{block.id}_{number}" for number in range(len(block.branches))]


def _path(block: Activity) -> str:
    """An input mapping that tells apart what may run side by side."""
    added = ["/${serial}"] * block.beside + [".${loopCounter}"] * isinstance(block.repeat, Each)
    if not added:
        return ""
    parameter = f'<camunda:inputParameter name="path">${{path}}{"".join(added)}</camunda:inputParameter>'
    return f"<extensionElements><camunda:inputOutput>{parameter}</camunda:inputOutput></extensionElements>"


def _repeat(block: Activity) -> str:
    repeat = block.repeat
    if isinstance(repeat, Each):
        tag = "multiInstanceLoopCharacteristics"
        enough = f"nrOfCompletedInstances &gt;= {repeat.enough}"
        told = "" if repeat.enough is None else f"<completionCondition>{enough}</completionCondition>"
        cardinality = f"<loopCardinality>{repeat.count}</loopCardinality>"
        return f'<{tag} isSequential="{str(repeat.sequential).lower()}">{cardinality}{told}</{tag}>'
    if isinstance(repeat, Again):
        tag = "standardLoopCharacteristics"
        most = "" if repeat.maximum is None else f' loopMaximum="{repeat.maximum}"'
        condition = f"<loopCondition>is_true(path, '{block.id}_again')</loopCondition>"
        return f'<{tag} testBefore="{str(repeat.before).lower()}"{most}>{condition}</{tag}>'
    return ""
