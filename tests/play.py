"""The hands of tests below the database: a process from a few lines of XML, saved and loaded after each step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from unittest.mock import patch
from zoneinfo import ZoneInfo

from engine.bpmn import memory, parse, read, snapshot
from engine.bpmn.elements.flow_node import Token
from engine.bpmn.elements.loops import Repeated
from engine.bpmn.facts import Entered, Left, Logged, Thrown
from engine.bpmn.runtime import Run
from engine.bpmn.script import Evaluator, Limits
from engine.bpmn.variables import Scopes
from engine.bpmn.wait import Wait
from engine.bpmn.world import World
from engine.errors import BpmnError
from tests.stored import Stored

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NAMESPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="test"'
)
ROOT = """
    <message id="paid" name="paid"/><signal id="alarm" name="alarm"/>
    <error id="declined" name="Declined" errorCode="DECLINED"/><error id="broken" name="Broken" errorCode="BROKEN"/>
    <escalation id="late" name="Late" escalationCode="LATE"/>
    <signalEventDefinition id="shared" signalRef="alarm"/>
    <dataStore id="stock" name="Stock"/><dataStore id="shelf" name="Shelf" capacity="2" isUnlimited="false"/>
"""
_EVALUATOR = Evaluator(Limits(duration=timedelta(seconds=0.4)))


def document(body: str, *, root: str = ROOT) -> bytes:
    process = f'<process id="p" name="Process" isExecutable="true">{body}</process>'
    return f"<definitions {NAMESPACES}>{root}{process}</definitions>".encode()


def chain(*nodes: str) -> str:
    """Sequence flows from each node to the next."""
    pairs = pairwise(nodes)
    return "".join(f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairs)


def flow(source: str, target: str, condition: str | None = None, *, name: str = "") -> str:
    told = "" if condition is None else f"<conditionExpression>{_escaped(condition)}</conditionExpression>"
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<sequenceFlow id="{source}_{target}" name="{name}" {ends}>{told}</sequenceFlow>'


def script(node: str, text: str, inner: str = "") -> str:
    return f'<scriptTask id="{node}">{inner}<script>{_escaped(text)}</script></scriptTask>'


def user(node: str, inner: str = "", **attributes: str) -> str:
    told = "".join(f' camunda:{name}="{_escaped(value)}"' for name, value in attributes.items())
    return f'<userTask id="{node}"{told}>{inner}</userTask>'


def sub(node: str, body: str, inner: str = "") -> str:
    return f'<subProcess id="{node}">{inner}{body}</subProcess>'


def boundary(node: str, on: str, definition: str, *, interrupting: bool = True) -> str:
    cancel = str(interrupting).lower()
    return f'<boundaryEvent id="{node}" attachedToRef="{on}" cancelActivity="{cancel}">{definition}</boundaryEvent>'


START, END = '<startEvent id="start"/>', '<endEvent id="end"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


class Play:
    """One instance. Tasks and events are named by element id; values are those of the process."""

    def __init__(
        self,
        body: str,
        values: Mapping[str, object] | None = None,
        *,
        max_steps: int = 1_000,
        max_seconds: float = inf,
        start_event: str | None = None,
    ) -> None:
        self.process = parse.processes(read.read("test.bpmn", document(body)))[0]
        self.max_steps, self.max_seconds = max_steps, max_seconds
        self.thrown: list[str] = []
        self.now = NOW
        self.entered: list[Entered] = []
        self.open: dict[str, str] = {}
        """Visits that have not ended: token -> element id."""
        self.log: list[str] = []
        self.stored = Stored()
        self._seen: Run | None = None
        self.run = Run.begin(self.process, self._world(), values or {}, start_event=start_event)
        self._settle()

    def _world(self) -> World:
        return World(_EVALUATOR, self.now, ZoneInfo("UTC"), self.stored.fetch)

    def _settle(self) -> None:
        """Settle, keep what happened, then save and load."""
        self.run.settle(self.max_steps, self.max_seconds)
        self.entered += [fact for fact in self.run.facts if isinstance(fact, Entered)]
        self._count_visits()
        self.thrown += [fact.name for fact in self.run.facts if isinstance(fact, Thrown) and fact.kind == "signal"]
        self.log += [fact.text for fact in self.run.facts if isinstance(fact, Logged)]
        self.result, self.is_over = self.run.result, self.run.is_over
        self._reload()

    def _count_visits(self) -> None:
        for fact in self.run.facts:
            if isinstance(fact, Entered):
                self.open[fact.token] = fact.element.id
            elif isinstance(fact, Left):
                del self.open[fact.token]

    def _reload(self) -> None:
        self.stored.keep(self.run.scopes)
        self.parts = self.run.parts()
        self.run, self._seen = self._restored(), None

    @property
    def seen(self) -> Run:
        """All of it, to be looked at: what a command has not asked for stays asleep in its own run."""
        if self._seen is None:
            self._seen = self._restored()
            self._seen.workflow.asleep.wake_all()
        return self._seen

    def _restored(self) -> Run:
        return Run.restore(self.process, self.parts, Scopes(self.stored), self._world())

    @property
    def path(self) -> list[str]:
        """Ids of the elements entered, in order."""
        return [fact.element.id for fact in self.entered]

    def waits(self, kind: str) -> list[Wait]:
        return [wait for wait in self.seen.waits().values() if wait.kind == kind]

    @property
    def tasks(self) -> list[str]:
        return sorted(wait.element_id for wait in self.waits("user"))

    @property
    def tokens(self) -> list[str]:
        """Ids of the elements where tokens stand, innermost; a boundary event that only waits has none."""
        around = self.seen.workflow.subprocesses
        return sorted(token.task_spec.bpmn_id for token in self._visiting() if token.id not in around)

    @property
    def visiting(self) -> list[str]:
        """The same with the sub-processes around them."""
        return sorted(token.task_spec.bpmn_id for token in self._visiting())

    def _visiting(self) -> list[Token]:
        live = [token for token in self.seen.workflow.all_live() if "on" not in token.internal_data]
        return [token for token in live if not (isinstance(token.task_spec, Repeated) and token.children)]

    @property
    def incidents(self) -> dict[str, str]:
        return {wait.element_id: wait.data["message"] for wait in self.waits("incident")}

    @property
    def values(self) -> dict[str, object]:
        return dict(self.run.scopes.known[""])

    def complete(self, element: str, number: int = 0, **values: object) -> Play:
        """Do a user task or answer a service; number: which of several at that element."""
        wait = self._at(element, ("user", "service"), number)
        self.run.complete(wait.token, values)
        self._settle()
        return self

    def happen(self, element: str, number: int = 0, **payload: object) -> Play:
        wait = self._at(element, ("timer", "message", "signal"), number)
        if wait.kind == "timer":
            self.now = self.run.workflow.world.now = max(self.now, datetime.fromisoformat(wait.data["due"]))
        self.run.happen(wait.token, element, payload)
        self._settle()
        return self

    def throw(self, element: str, code: str, message: str = "") -> Play:
        self.run.throw(self._at(element, ("user", "service"), 0).token, BpmnError(code, message))
        self._settle()
        return self

    def retry(self, element: str, **values: object) -> Play:
        self.run.set_variables(values)
        self.run.retry(self._at(element, ("incident",), 0).token)
        self._settle()
        return self

    def _at(self, element: str, kinds: tuple[str, ...], number: int) -> Wait:
        found = [wait for wait in self.seen.waits().values() if wait.element_id == element and wait.kind in kinds]
        return found[number]


class Grouped(Play):
    """Kept as when there are many: each instance of a repeated activity in a part of its own, each record apart."""

    def _settle(self) -> None:
        with patch.object(snapshot, "TOGETHER", 1), patch.object(memory, "MOST", 0):
            super()._settle()


class Kept(Play):
    """The same without being saved and loaded: what happens must not depend on it."""

    def _reload(self) -> None:
        self.run.facts.clear()

    @property
    def seen(self) -> Run:
        return self.run
