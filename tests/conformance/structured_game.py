"""Plays a random structure as BPMN 2.0.2 says, without tokens in a graph: each block is told what follows it.

It shares no code with the engine, nor the engine's idea of a tree: what may end before its time is a Span, what counts
the tokens of one process or sub-process is a Level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.conformance.structures import (
    Activity,
    Again,
    Aside,
    Block,
    Boundary,
    Catch,
    Each,
    Exit,
    Fork,
    Loop,
    Race,
    Scope,
    Split,
    Then,
    Throw,
    Undo,
    branch_flows,
)
from tests.conformance.token_game import Choices

Act = Callable[[], None]


@dataclass(eq=False, slots=True)
class Span:
    """The life of an activity, one of its iterations, a race or a wait; what is inside ends with it."""

    outer: Span | None
    path: str
    over: bool = False
    catchers: list[Catcher] = field(default_factory=list)
    begun_by: Catcher | None = None
    """Of an event sub-process: what is thrown inside goes past that one."""

    @property
    def is_alive(self) -> bool:
        span: Span | None = self
        while span is not None and not span.over:
            span = span.outer
        return span is None

    def inner(self, path: str | None = None) -> Span:
        return Span(self, self.path if path is None else path)


@dataclass(eq=False, slots=True)
class Catcher:
    """A boundary event or event sub-process for errors or escalations."""

    kind: str
    code: str | None
    happen: Act


@dataclass(eq=False, slots=True)
class Record:
    """An activity that has completed."""

    activity: Activity | Aside
    path: str
    number: int
    """How many had completed by then."""
    inside: list[Record]
    begun: bool = False
    taken_by: Span | None = None
    """Who is about to undo it."""
    within: int = 0
    """In how many sub-processes, open when a transaction around them was cancelled, it had completed."""

    @property
    def is_remembered(self) -> bool:
        return not (self.begun or (self.taken_by is not None and self.taken_by.is_alive))


@dataclass(eq=False, slots=True)
class Level:
    """The tokens of one process or sub-process instance, and what has completed in it."""

    span: Span
    finished: Act
    base: Span
    """Around the span: when something interrupts, that ends, and another one begins."""
    around: Level | None = None
    """Of an event sub-process: the process or sub-process it belongs to."""
    tokens: int = 1
    completed: list[Record] = field(default_factory=list)
    inner: list[Level] = field(default_factory=list)
    """What can be compensated from within."""
    is_top: bool = False

    def restart(self) -> None:
        """End all that goes on, and go on with one token."""
        self.span.over = True
        self.span, self.tokens = self.base.inner(), 1

    @property
    def open(self) -> list[tuple[int, Level]]:
        """It and what is open within, with its depth."""
        below = [found for level in self.inner if level.base.is_alive for found in level.open]
        return [(0, self), *((depth + 1, level) for depth, level in below)]

    def ended(self) -> None:
        self.tokens -= 1
        if self.tokens == 0 and self.span.is_alive:
            self.finished()


@dataclass(eq=False, slots=True)
class Branches:
    """What left a parallel or inclusive split and has not come to its join yet."""

    all_needed: bool
    left: int
    joined: Act
    nobody_came: Act
    waiting: Span
    arrived: int = 0

    def came(self) -> None:
        self.arrived += 1
        self.ended()

    def ended(self) -> None:
        """One fewer may come. A parallel join that misses one waits for ever, when any has come."""
        self.left -= 1
        if self.left == 0 and not self.arrived:
            self.nobody_came()
        elif self.is_complete:
            self.waiting.over = True
            self.joined()

    @property
    def is_complete(self) -> bool:
        return self.left == 0 and not (self.all_needed and self.missed)

    missed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a token is: in which life, at which level, and who must know when it ends on its way."""

    span: Span
    level: Level
    ended: Act

    @property
    def beside(self) -> Place:
        """For one more token, which ends by itself."""
        self.level.tokens += 1
        return replace(self, ended=self.level.ended)


@dataclass(eq=False, slots=True)
class Offer:
    """Something that may happen next: a user task is completed, an event occurs."""

    name: str
    span: Span
    happen: Act
    is_task: bool = False


class Game:
    def __init__(self, block: Block | Scope, seed: int) -> None:
        self.choices = Choices(seed)
        self.serial = 0
        """How many things have happened."""
        self._completed = 0
        self.is_over = self.has_failed = self.was_terminated = False
        self._offers: list[Offer] = []
        self._standing: list[Span] = []
        """One for each token."""
        self._top = Span(None, "")
        self._inside(block, self._level(self._top, self._finish))

    # ---- seen from outside

    @property
    def offers(self) -> list[tuple[str, str]]:
        """(element, path), sorted."""
        self._offers = [offer for offer in self._offers if offer.span.is_alive]
        return sorted((offer.name, offer.span.path) for offer in self._offers)

    @property
    def tokens(self) -> int:
        self._standing = [span for span in self._standing if span.is_alive]
        return len(self._standing)

    def happen(self, name: str, path: str) -> None:
        self.serial += 1
        self._offer(name, path).happen()

    def may_throw(self, name: str, path: str, code: str) -> bool:
        """Whether it is a task around which somebody catches the error."""
        offer = self._offer(name, path)
        return offer.is_task and self._catcher(offer.span, "error", code) is not None

    def throw(self, name: str, path: str, code: str) -> None:
        self.serial += 1
        self._throw(self._offer(name, path).span, "error", code)

    def _offer(self, name: str, path: str) -> Offer:
        return next(offer for offer in self._offers if (offer.name, offer.span.path) == (name, path))

    # ---- small moves

    def _finish(self) -> None:
        self.is_over = self._top.over = True

    def _stand(self, span: Span) -> Span:
        self._standing.append(span)
        return span

    def _offer_task(self, name: str, span: Span, then: Act) -> None:
        """The task stands in a life of its own, which ends as it is completed."""

        def complete() -> None:
            span.over = True
            then()

        self._stand(span)
        self._offers.append(Offer(name, span, complete, is_task=True))

    def _is_true(self, span: Span, flow: str) -> bool:
        return self.choices.is_true(flow, span.path)

    def _catcher(self, span: Span | None, kind: str, code: str) -> Catcher | None:
        """The nearest; at one activity, the one that names the code rather than the one that catches all."""
        past: list[Catcher | None] = []
        while span is not None:
            for wanted in (code, None):
                for catcher in span.catchers:
                    if (catcher.kind, catcher.code) == (kind, wanted) and catcher not in past:
                        return catcher
            past.append(span.begun_by)
            span = span.outer
        return None

    def _throw(self, span: Span, kind: str, code: str) -> bool:
        catcher = self._catcher(span, kind, code)
        if catcher is not None:
            catcher.happen()
        return catcher is not None

    # ---- blocks

    def _go(self, block: Block, at: Place, then: Act) -> None:
        _PLAY[type(block)](self, block, at, then)

    def _then(self, block: Then, at: Place, then: Act) -> None:
        self._go(block.first, at, lambda: self._go(block.second, at, then))

    def _split(self, block: Split, at: Place, then: Act) -> None:
        if block.kind == "xor":
            return self._go(self._first_true(block, at), at, then)
        taken = block.branches if block.kind == "and" else self._all_true(block, at)
        join = at.span.inner()
        branches = Branches(block.kind == "and", len(taken), then, at.ended, join)

        def came() -> None:
            self._stand(join)
            branches.came()

        def ended() -> None:
            branches.missed = True
            branches.ended()

        for branch in taken:
            self._go(branch, replace(at, ended=ended), came)
        return None

    def _first_true(self, block: Split, at: Place) -> Block:
        for flow, branch in zip(branch_flows(block)[:-1], block.branches, strict=False):
            if self._is_true(at.span, flow):
                return branch
        return block.branches[-1]

    def _all_true(self, block: Split, at: Place) -> list[Block]:
        asked = zip(branch_flows(block)[:-1], block.branches, strict=False)
        return [branch for flow, branch in asked if self._is_true(at.span, flow)] or [block.branches[-1]]

    def _loop(self, block: Loop, at: Place, then: Act) -> None:
        def decide() -> None:
            if self._is_true(at.span, f"{block.id}_again"):
                self._loop(block, at, then)
            else:
                then()

        self._go(block.inner, at, decide)

    def _race(self, block: Race, at: Place, then: Act) -> None:
        race = self._stand(at.span.inner())

        def won(following: Block) -> None:
            race.over = True
            self._go(following, at, then)

        for event, _, following in block.options:
            self._offers.append(Offer(event, race, lambda following=following: won(following)))

    def _catch(self, block: Catch, at: Place, then: Act) -> None:
        wait = self._stand(at.span.inner())

        def happen() -> None:
            wait.over = True
            then()

        self._offers.append(Offer(block.id, wait, happen))

    def _fork(self, block: Fork, at: Place, then: Act) -> None:
        def complete() -> None:
            beside = at.beside
            self._go(block.side, beside, beside.ended)
            then()

        self._offer_task(block.id, at.span.inner(), complete)

    def _exit(self, block: Exit, at: Place, then: Act) -> None:
        """Who has taken the way out comes to no join any more: an inclusive one waits for it no longer."""
        if not self._is_true(at.span, f"{block.id}_out"):
            return then()
        beside = at.beside
        self._offer_task(f"{block.id}_task", at.span.inner(), lambda: _END[block.kind](self, block, beside))
        return at.ended()

    def _end(self, block: Exit, at: Place) -> None:
        at.ended()

    def _end_error(self, block: Exit, at: Place) -> None:
        if not self._throw(at.span, "error", block.code):
            self.has_failed = True
            self._finish()

    def _end_escalation(self, block: Exit, at: Place) -> None:
        self._throw(at.span, "escalation", block.code)
        if at.span.is_alive:
            at.ended()

    def _end_all(self, block: Exit, at: Place) -> None:
        self.was_terminated = at.level.is_top
        at.level.finished()

    def _end_undo(self, block: Exit, at: Place) -> None:
        thrower = self._stand(at.span.inner())
        self._undo_all(self._chosen(at.level, None), thrower, lambda: self._aside_done(thrower, at))

    def _end_cancel(self, block: Exit, at: Place) -> None:
        """All else ends; what had completed is undone, also within what was open; then the cancel event happens."""
        level = at.level
        opened = level.open
        level.restart()
        for depth, each in opened:
            for record in each.completed:
                record.within += depth
        found = [record for _, each in opened for record in each.completed if record.is_remembered]
        level.completed = sorted(found, key=lambda record: record.number)
        thrower = self._stand(level.span.inner())
        self._undo_all(self._chosen(level, None), thrower, lambda: self._leave_cancelled(level))

    def _leave_cancelled(self, level: Level) -> None:
        self._throw(level.span, "cancel", "")

    def _pass_escalation(self, block: Throw, at: Place, then: Act) -> None:
        def complete() -> None:
            self._throw(at.span, "escalation", block.code)
            if at.span.is_alive:
                then()

        self._offer_task(block.id, at.span.inner(), complete)

    # ---- compensation

    def _undo(self, block: Undo, at: Place, then: Act) -> None:
        def complete() -> None:
            todo = self._chosen(at.level, block.activity)
            thrower = self._stand(at.span.inner())

            def done() -> None:
                thrower.over = True
                then()

            if block.waits:
                return self._undo_all(todo, thrower, done)
            thrower.over = True
            beside = at.beside
            aside = self._stand(at.span.inner())
            self._undo_all(todo, aside, lambda: self._aside_done(aside, beside))
            return then()

        self._offer_task(block.id, at.span.inner(), complete)

    def _aside_done(self, thrower: Span, beside: Place) -> None:
        thrower.over = True
        beside.ended()

    def _chosen(self, level: Level | None, activity: str | None) -> list[tuple[Level, Record]]:
        """Last first; an event sub-process undoes what has completed around it, too."""
        found: list[tuple[Level, Record]] = []
        while level is not None:
            remembered = [record for record in level.completed if record.is_remembered]
            found += [(level, record) for record in remembered if activity in (None, record.activity.id)]
            level = level.around
        return sorted(found, key=lambda at: at[1].number, reverse=True)

    def _undo_all(self, todo: list[tuple[Level, Record]], thrower: Span, then: Act) -> None:
        for _, record in todo:
            record.taken_by = thrower

        def go_on() -> None:
            if not thrower.is_alive:
                return None
            if not todo:
                return then()
            level, record = todo.pop(0)
            record.begun = True
            return self._undo_one(level, record, record.within, go_on)

        go_on()

    def _undo_one(self, level: Level, record: Record, within: int, then: Act) -> None:
        level.tokens += 1
        undone = record.activity

        def over() -> None:
            then()
            level.ended()

        if not within and isinstance(undone, Activity) and undone.undo:
            return self._offer_task(undone.undo, level.span.inner(record.path), over)
        run = self._stand(level.span.inner(record.path))

        def finished() -> None:
            run.over = True
            over()

        sub = Level(run.inner(), finished, run)
        if within:
            level.inner.append(sub)
            return self._undo_one(sub, record, within - 1, sub.ended)
        sub.completed = record.inside
        whole = _whole(undone)
        if whole is not None:
            return self._run_aside(whole, sub, sub.span.inner(), sub.ended)
        level.inner.append(sub)
        todo = self._chosen(sub, None)
        return self._undo_all(todo, run, sub.ended)

    def _note(self, level: Level, activity: Activity | Aside, path: str, inside: Level | None) -> None:
        self._completed += 1
        level.completed.append(Record(activity, path, self._completed, [] if inside is None else inside.completed))

    # ---- activities

    def _activity(self, block: Activity, at: Place, then: Act) -> None:
        whole = at.span.inner()

        def done() -> None:
            whole.over = True
            then()

        if block.repeat is None:
            self._guard(block, whole, at, then)
            self._once(block, whole, at, self._path(block, at.span.path), done)
        else:
            _REPEAT[type(block.repeat)](self, block, block.repeat, whole, at, then, done)

    def _guard(self, block: Activity, whole: Span, at: Place, then: Act) -> None:
        for event in block.events:
            self._attach(event, whole, at, then)

    def _once(self, block: Activity, outer: Span, at: Place, path: str, done: Act) -> None:
        """Do what the activity says, once."""
        span = outer.inner(path)
        level: Level | None = None

        def finished() -> None:
            span.over = True
            self._note(at.level, block, path, level)
            done()

        if block.inner is None:
            return self._offer_task(block.id, span, finished)
        self._stand(span)
        level = self._level(span, finished)
        at.level.inner.append(level)
        return self._inside(block.inner, level)

    # ---- insides

    def _level(self, span: Span, finished: Act, around: Level | None = None) -> Level:
        return Level(span.inner(), finished, span, around, is_top=span is self._top)

    def _inside(self, block: Block | Scope, level: Level) -> None:
        """Do what is inside a process or sub-process. The body ends when an event sub-process interrupts it."""
        body = level.span
        for aside in block.asides if isinstance(block, Scope) else ():
            if aside.what != "compensate":
                self._watch(aside, body, level)
        inner = block.inner if isinstance(block, Scope) else block
        self._go(inner, Place(body, level, level.ended), level.ended)

    def _watch(self, aside: Aside, body: Span, level: Level) -> None:
        wait = self._stand(body.inner())
        left = {"cycle": 2, "timer": 1}.get(aside.what)

        def interrupt() -> None:
            level.restart()
            self._run_aside(aside, level, level.span.inner(), level.ended)

        def happen_beside() -> None:
            nonlocal left
            left = None if left is None else left - 1
            wait.over = left == 0
            level.tokens += 1
            self._run_aside(aside, level, Span(body, body.path, begun_by=catcher), level.ended)

        happen = interrupt if aside.interrupting else happen_beside
        catcher = Catcher(aside.what, aside.code, happen)
        if aside.what in ("error", "escalation"):
            body.catchers.append(catcher)
        else:
            self._offers.append(Offer(aside.id, wait, happen))

    def _run_aside(self, aside: Aside, around: Level, run: Span, then: Act) -> None:
        def finished() -> None:
            run.over = True
            self._note(around, aside, run.path, level)
            then()

        level = self._level(self._stand(run), finished, around)
        around.inner.append(level)
        self._inside(aside.handler, level)

    def _path(self, block: Activity, path: str, number: int | None = None) -> str:
        return path + (f"/{self.serial}" if block.beside else "") + ("" if number is None else f".{number}")

    def _each(self, block: Activity, each: Each, whole: Span, at: Place, then: Act, done: Act) -> None:
        if each.count == 0:
            return then()
        self._stand(whole)
        self._guard(block, whole, at, then)
        enough = each.count if each.enough is None else min(each.enough, each.count)
        begun, completed = 0, 0

        def begin() -> None:
            nonlocal begun
            begun += 1
            self._once(block, whole, at, self._path(block, at.span.path, begun - 1), one_done)

        def one_done() -> None:
            nonlocal completed
            completed += 1
            if completed >= enough:
                done()
            elif each.sequential:
                begin()

        for _ in range(1 if each.sequential else each.count):
            begin()
        return None

    def _again(self, block: Activity, again: Again, whole: Span, at: Place, then: Act, done: Act) -> None:
        rounds = 0

        def goes_on() -> bool:
            most = again.maximum
            return (most is None or rounds < most) and self._is_true(whole, f"{block.id}_again")

        def begin() -> None:
            nonlocal rounds
            rounds += 1
            self._once(block, whole, at, whole.path, lambda: begin() if goes_on() else done())

        if again.before and not goes_on():
            return then()
        self._stand(whole)
        self._guard(block, whole, at, then)
        return begin()

    def _attach(self, event: Boundary, whole: Span, at: Place, then: Act) -> None:
        """The event waits as long as the activity, or until it has happened for the last time."""
        wait = self._stand(whole.inner())
        left = {"cycle": 2, "timer": 1}.get(event.what)

        def interrupt() -> None:
            whole.over = True
            if event.handler is None:
                at.ended()
            else:
                self._go(event.handler, at, then)

        def happen_beside() -> None:
            nonlocal left
            left = None if left is None else left - 1
            wait.over = left == 0
            if event.handler is not None:
                beside = at.beside
                self._go(event.handler, beside, beside.ended)

        happen = interrupt if event.interrupting else happen_beside
        if event.what in ("error", "escalation", "cancel"):
            whole.catchers.append(Catcher(event.what, event.code, happen))
        else:
            self._offers.append(Offer(event.id, wait, happen))


def _whole(undone: Activity | Aside) -> Aside | None:
    """The event sub-process that compensates a sub-process."""
    scope = undone.inner if isinstance(undone, Activity) else None
    asides = scope.asides if isinstance(scope, Scope) else ()
    return next((aside for aside in asides if aside.what == "compensate"), None)


_PLAY = {
    Then: Game._then,
    Split: Game._split,
    Loop: Game._loop,
    Race: Game._race,
    Catch: Game._catch,
    Fork: Game._fork,
    Exit: Game._exit,
    Throw: Game._pass_escalation,
    Undo: Game._undo,
    Activity: Game._activity,
}
_END = {
    "none": Game._end,
    "error": Game._end_error,
    "escalation": Game._end_escalation,
    "terminate": Game._end_all,
    "compensate": Game._end_undo,
    "cancel": Game._end_cancel,
}
_REPEAT = {Each: Game._each, Again: Game._again}
