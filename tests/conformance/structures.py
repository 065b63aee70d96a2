"""Random structured processes, and how they are drawn: every block has one way in and at most one way on.

Whatever could run twice side by side (beside an activity, beside a flow) is one user task or one sub-process, so that
no join ever sees the tokens of two runs: tests/conformance/token_game.py is for those. Whatever ends others stands
behind a user task, so that no outcome depends on which of two moving tokens is faster.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
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
class Undo:
    """A user task, then compensation thrown in passing: of one activity beside it, or of all."""

    id: str
    activity: str | None
    waits: bool


@dataclass(frozen=True, slots=True)
class Exit:
    """An exclusive gateway: go on, or a user task and an end event.

    kind: none, error, escalation, terminate, compensate, cancel.
    """

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
    """what: message, signal, timer, cycle (twice), error, escalation, cancel; code None catches all."""

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
    undo: str | None = None
    """The user task that compensates it."""
    is_transaction: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """An event sub-process; what, code: as of a boundary event; what may be compensate."""

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


Block = Then | Split | Loop | Race | Catch | Fork | Exit | Throw | Undo | Activity

# ---- chance --------------------------------------------------------------------------------------------------------

KINDS = ["task", "sequence", "sequence", "sequence", "xor", "and", "or", "loop", "race", "catch", "fork", "exit"]
KINDS += ["throw", "undo", "undo", "activity", "activity", "activity", "activity", "activity"]
TO_UNDO = ["undone"] * 6 + ["activity"] * 5 + ["undoable"] * 5 + ["sequence", "and", "loop", "fork", "exit"]
"""What every other process is made of: more that completes, and more that undoes it."""
CODES = ["DECLINED", "BROKEN"]
ESCALATIONS = ["LATE", "LARGE"]
OUTSIDE = ["message", "signal", "timer"]


@dataclass
class Around:
    """The (sub-)process that is being made."""

    activities: list[str]
    is_transaction: bool = False


class Generator:
    def __init__(self, seed: int, size: int) -> None:
        self._dice, self._left, self._count = random.Random(seed), size, 0
        self._around = Around([])
        self._kinds = TO_UNDO if seed % 2 else KINDS

    def process(self) -> Block | Scope:
        return self._scope(lambda: self._block(0), 0)

    def _scope(self, make: Callable[[], Block], depth: int, *, is_transaction: bool = False) -> Block | Scope:
        outside, self._around = self._around, Around([], is_transaction)
        inner = make()
        asides = [self._aside(depth + 1) for _ in range(self._dice.choice([0, 0, 0, 1, 1, 2]))]
        if depth and self._dice.random() < 0.2:
            asides.append(self._whole())
        self._around = outside
        return Scope(inner, tuple(asides)) if asides else inner

    def _within(self, make: Callable[[], Block], *, beside: Sequence[str] = ()) -> Block:
        """What is inside of a sub-process that is nothing else; beside: activities that it may compensate, too."""
        outside, self._around = self._around, Around([*beside])
        inner = make()
        self._around = outside
        return inner

    def _aside(self, depth: int) -> Aside:
        what, interrupting, code = self._trigger()
        make = self._block if interrupting else self._beside
        handler = self._within(lambda: make(depth), beside=self._around.activities)
        return Aside(self._id("aside"), what, interrupting, handler, code)

    def _whole(self) -> Aside:
        """What compensates a sub-process; it sees the variables of its time, so it is plain."""
        handler: Block = self._task()
        if self._dice.random() < 0.7:
            handler = Then(handler, self._within(lambda: self._undo(0), beside=self._around.activities))
        return Aside(self._id("aside"), "compensate", True, handler)

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _some(self, depth: int, most: int = 3) -> tuple[Block, ...]:
        return tuple(self._block(depth) for _ in range(self._dice.choice([2, 2, most])))

    def _block(self, depth: int) -> Block:
        self._left -= 1
        kind = self._dice.choice(self._kinds) if depth < 6 and self._left > 0 else "task"
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
        return Activity(self._id("sub"), self._within(lambda: self._block(depth)), beside=True)

    def _undo(self, depth: int) -> Undo:
        activity = self._dice.choice([None, None, *self._around.activities[-3:]])
        return Undo(self._id("throw"), activity, self._dice.random() < 0.75)

    def _undone(self, depth: int) -> Block:
        """Something that completes, and then is undone."""
        return Then(Then(self._undoable(depth), self._block(depth)), self._undo(depth))

    def _undoable(self, depth: int) -> Activity:
        inner = self._within(lambda: self._block(depth)) if self._dice.random() < 0.4 else None
        activity = Activity(self._id("act"), inner, undo=self._id("undo") if inner is None else None)
        self._around.activities.append(activity.id)
        return activity

    def _exit(self, depth: int) -> Exit:
        kinds = ["none", "error", "error", "escalation", "terminate", "compensate"]
        kind = self._dice.choice(["cancel"] * 6 * self._around.is_transaction + kinds)
        return Exit(self._id("exit"), kind, self._dice.choice(ESCALATIONS if kind == "escalation" else CODES))

    def _throw(self, depth: int) -> Throw:
        return Throw(self._id("throw"), self._dice.choice(ESCALATIONS))

    def _activity(self, depth: int) -> Activity:
        dice = self._dice
        name = self._id("act")
        is_transaction = dice.random() < 0.4
        make = self._cancellable if is_transaction else self._worked
        has_inside = dice.random() < 0.7
        inner = self._scope(lambda: make(depth), depth, is_transaction=is_transaction) if has_inside else None
        is_transaction = is_transaction and inner is not None
        repeat = dice.choice([None, None, self._each(), self._each(), self._again()])
        events = tuple(self._boundary(depth) for _ in range(dice.choice([0, 1, 1, 2, 3])))
        if is_transaction:
            events += (Boundary(self._id("on"), "cancel", True, self._block(depth)),)
        undo = self._id("undo") if dice.random() < (0.3 if inner else 0.8) else None
        self._around.activities.append(name)
        return Activity(name, inner, repeat, events, undo=undo, is_transaction=is_transaction)

    def _cancellable(self, depth: int) -> Block:
        """Something that may be cancelled, beside something else or after it."""
        exit = Exit(self._id("exit"), "cancel", "")
        if self._dice.random() < 0.3:
            return Then(self._worked(depth), exit)
        inner = self._within(lambda: Then(self._undoable(depth), self._worked(depth)))
        repeat = self._dice.choice([None, None, self._each(), self._again()])
        open = Activity(self._id("act"), inner, repeat)
        return Split(self._id("and"), "and", (Then(self._undoable(depth), open), Then(self._task(), exit)))

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
    "compensate": "<compensateEventDefinition/>",
    "cancel": "<cancelEventDefinition/>",
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

    def undo(self, block: Undo) -> tuple[str, str]:
        event = f"{block.id}_event"
        told = "" if block.activity is None else f' activityRef="{block.activity}"'
        thrown = f'<compensateEventDefinition{told} waitForCompletion="{str(block.waits).lower()}"/>'
        self.add(f'<userTask id="{block.id}"/><intermediateThrowEvent id="{event}">{thrown}</intermediateThrowEvent>')
        self.flow(block.id, event)
        return block.id, event

    def handler(self, block: Activity) -> None:
        on, thrown = f"{block.undo}_on", definition("compensate")
        self.add(f'<userTask id="{block.undo}" isForCompensation="true"/>')
        self.add(f'<boundaryEvent id="{on}" attachedToRef="{block.id}">{thrown}</boundaryEvent>')
        self.add(f'<association id="{on}_by" sourceRef="{on}" targetRef="{block.undo}"/>')

    def activity(self, block: Activity) -> tuple[str, str]:
        inside = "" if block.inner is None else self.scope(block.id, block.inner)
        tag = "userTask" if block.inner is None else "transaction" if block.is_transaction else "subProcess"
        self.add(f'<{tag} id="{block.id}">{_path(block)}{_repeat(block)}{inside}</{tag}>')
        if block.undo is not None:
            self.handler(block)
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
    Undo: Drawing.undo,
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
