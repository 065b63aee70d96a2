"""Activities done more than once: standard loop and multi-instance. Source: BPMN 2.0.2, 13.3.6 and 13.3.7.

The body is one token, STARTED while it goes on; each iteration is a token below it, of the same element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.elements import throwing
from engine.bpmn.elements.data import Association, brought, give
from engine.bpmn.elements.event_definition import Definition
from engine.bpmn.elements.flow_node import Element, FlowNode, Token, require_room, set_local, storable, value_of
from engine.bpmn.variables import MISSING, Missing, ScopeKind
from engine.errors import ElementFailed
from engine.model import Json

EACH = " [each]"
"""Behind the element's id: the name of the specification of one iteration (no XML id has a space)."""

MOST_SIDE_BY_SIDE, MOST_IN_TURN = 2_000, 10_000
"""Instances of one multi-instance activity; beginning more at once would take a command several seconds."""


@dataclass(frozen=True, slots=True)
class StandardLoop:
    condition: str | None
    test_before: bool = False
    maximum: str | None = None


@dataclass(frozen=True, slots=True)
class Thrown:
    """An event that is thrown when an instance completes. Source: BPMN 2.0.2, 10.3.8, behavior; 13.3.7."""

    definition: Definition
    condition: str | None = None
    only_first: bool = False
    """Whether it is thrown for the first instance that completes, and for no other."""


@dataclass(frozen=True, slots=True)
class MultiInstance:
    is_sequential: bool = False
    cardinality: str | None = None
    collection: str | None = None
    """Python source of a list or dict (its values); either this or a cardinality."""
    brought: tuple[Association, ...] = ()
    """What makes the collection, when it is a data input."""
    item: str | None = None
    output_collection: str | None = None
    given: tuple[Association, ...] = ()
    """What takes the output collection out, when it is a data output."""
    output_item: str | None = None
    """Python source, evaluated as each iteration ends."""
    completion_condition: str | None = None
    behavior: tuple[Thrown, ...] = ()


class Repeated(FlowNode):
    """The body of a repeated activity."""

    iteration_scope = ScopeKind.KEEPING
    is_sequential = True

    def __init__(self, process: Any, element: Element, each: str) -> None:
        super().__init__(process, Element(element.id, element.type, element.name, element.documentation, element.lane))
        self.each = each

    def decide(self, body: Token, iteration: Token) -> bool:
        """Tell whether the body goes on after an iteration that is about to complete; changes nothing that counts."""
        raise NotImplementedError

    def iteration_done(self, body: Token, goes_on: bool) -> None:
        """Act on what was decided, after the iteration has completed."""
        raise NotImplementedError

    def _begin(self, body: Token, number: int, values: Mapping[str, Json]) -> None:
        token = Token(body.workflow, self._wf_spec.task_specs[self.each], body, state=TaskState.FUTURE)
        token.triggered = True
        via = body.internal_data.get("via", []) if number == 0 else []
        token.internal_data |= {"scope": self.iteration_scope, "counters": {"loopCounter": number}, "via": via}
        for name, value in values.items():
            set_local(token, name, value)
        token.task_spec._update(token)

    def _end(self, body: Token) -> None:
        workflow = body.workflow.top_workflow
        for token in workflow.iterations(body):
            workflow.cancel(token)
        workflow.resume(body)


class LoopBody(Repeated):
    """Again and again while the condition is true, at most maximum times. Source: 13.3.6.

    One round follows the other, so what a round finds out is there for the next, and behind the loop.
    """

    iteration_scope = ScopeKind.OPEN

    def __init__(self, process: Any, element: Element, each: str, loop: StandardLoop) -> None:
        super().__init__(process, element, each)
        self.loop = loop

    def enter(self, token: Token) -> bool:
        if self.loop.test_before and not self._goes_on(token, token, done=0):
            return True
        token.internal_data["begun"] = 1
        token.internal_data.setdefault("scope", ScopeKind.OPEN)
        self._begin(token, 0, {})
        return False

    def decide(self, body: Token, iteration: Token) -> bool:
        return self._goes_on(body, iteration, done=body.internal_data["begun"])

    def iteration_done(self, body: Token, goes_on: bool) -> None:
        if not goes_on:
            return self._end(body)
        done = body.internal_data["begun"]
        body.internal_data["begun"] = done + 1
        return self._begin(body, done, {})

    def _goes_on(self, body: Token, seen_from: Token, *, done: int) -> bool:
        if self.loop.maximum is not None and done >= _count(body, self.loop.maximum, "maximum"):
            return False
        return self.loop.condition is None or bool(value_of(seen_from, self.loop.condition))


class MultiInstanceBody(Repeated):
    """Once for each item, side by side or one after the other. Source: 13.3.7."""

    def __init__(self, process: Any, element: Element, each: str, told: MultiInstance) -> None:
        super().__init__(process, element, each)
        self.told, self.is_sequential = told, told.is_sequential

    def enter(self, token: Token) -> bool:
        items = self._items(token)
        token.internal_data |= {"begun": 0, "completed": 0, "total": len(items), "keeps": f"#{uuid4().hex[1:]}"}
        token.internal_data.setdefault("scope", ScopeKind.OPEN)
        self._count(token, completed=0)
        if not items:
            token.workflow.top_workflow.note_visit(token)
            return True
        at_once = items[:1] if self.is_sequential else items
        for number, item in enumerate(items[len(at_once) :], len(at_once)):
            _keep(token, _item_name(number), item)
        for item in at_once:
            self._begin_next(token, item)
        return False

    def decide(self, body: Token, iteration: Token) -> bool:
        """The condition sees the counters as they will be; the iteration counts only when it has completed."""
        told, done = self.told, body.internal_data["completed"] + 1
        if told.output_item is not None:
            output = self._output(iteration, told.output_item)
            _keep(body, _output_name(iteration.internal_data["counters"]["loopCounter"]), output)
        self._count(body, completed=done)
        body.internal_data["throws"] = self._to_throw(iteration, is_first=done == 1)
        return done < body.internal_data["total"] and not self._is_enough(iteration)

    def _to_throw(self, iteration: Token, *, is_first: bool) -> list[int]:
        """Which events to throw, by number."""
        asked = [(number, told) for number, told in enumerate(self.told.behavior) if is_first or not told.only_first]
        return [number for number, told in asked if told.condition is None or bool(value_of(iteration, told.condition))]

    def _throw(self, body: Token, numbers: list[int]) -> None:
        """What is thrown carries the counters; a boundary event that catches it may end the body."""
        for number in numbers:
            if body.id in body.workflow.tasks:
                throwing.throw_beside(body, self.told.behavior[number].definition, body.internal_data["counters"])

    def iteration_done(self, body: Token, goes_on: bool) -> None:
        body.internal_data["completed"] += 1
        self._throw(body, body.internal_data.pop("throws", []))
        if body.id not in body.workflow.tasks:
            return
        if not goes_on:
            self._end(body)
        elif self.is_sequential:
            self._begin_next(body, self._next_item(body))

    def _output(self, iteration: Token, source: str) -> Json:
        """None where the iteration never set its output item."""
        if not source.isidentifier():
            return value_of(iteration, source)
        found = iteration.workflow.top_workflow.scopes.find(iteration, source)
        return None if found is MISSING else found

    def _is_enough(self, iteration: Token) -> bool:
        condition = self.told.completion_condition
        return condition is not None and bool(value_of(iteration, condition))

    def _items(self, token: Token) -> list[Json]:
        if self.told.collection is None:
            return list(range(self._bounded(token, _count(token, self.told.cardinality or "0", "cardinality"))))
        value = self._collection(token, self.told.collection)
        if isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, list | tuple):
            raise ElementFailed(
                self.element.id, f"Expected the collection to be a list, but {self.told.collection} is {value!r:.100}."
            )
        self._bounded(token, len(value))
        return list(value)

    def _collection(self, token: Token, source: str) -> Json:
        if self.told.brought:
            return brought(token, self.told.brought)[source]
        return value_of(token, source)

    def _bounded(self, token: Token, instances: int) -> int:
        most = MOST_IN_TURN if self.is_sequential else MOST_SIDE_BY_SIDE
        if instances > most:
            message = f"Expected at most {most:,} instances of the activity, but there would be {instances:,}."
            raise ElementFailed(self.element.id, message)
        require_room(token, 1 if self.is_sequential else instances)
        return instances

    def _next_item(self, body: Token) -> Json:
        number = body.internal_data["begun"]
        item, together = _kept(body, _item_name(number), "#items")
        return item if isinstance(together, Missing) else together[number]  # so earlier programs kept them

    def _begin_next(self, body: Token, item: Json) -> None:
        data = body.internal_data
        number = data["begun"]
        data["begun"] += 1
        self._count(body, completed=data["completed"])
        self._begin(body, number, {} if self.told.item is None else {self.told.item: item})

    def _count(self, body: Token, *, completed: int) -> None:
        """The counters are computed names of the body's scope: in the snapshot, not among the variables."""
        data = body.internal_data
        data["counters"] = {
            "nrOfInstances": data["total"],
            "nrOfCompletedInstances": completed,
            "nrOfActiveInstances": data["begun"] - completed,
        }

    def finish(self, token: Token) -> None:
        """The output collection, once, in the order of loopCounter; None for instances that never ran."""
        name, scopes = self.told.output_collection, token.workflow.top_workflow.scopes
        if name is None:
            return
        found = _kept(token, *map(_output_name, range(token.internal_data.get("total", 0))))
        outputs = [None if value is MISSING else value for value in found]
        for association in self.told.given:
            give(token, association, {name: outputs})
        if not self.told.given:
            storable(token, name, lambda: scopes.write_outside(token, name, outputs))


def _keep(body: Token, name: str, value: Json) -> None:
    """In rows that are read one by one: many would be loaded each time otherwise."""
    scopes = body.workflow.top_workflow.scopes
    storable(body, name, lambda: scopes.set(_keeper(body), name, value))


def _kept(body: Token, *names: str) -> list[Json | Missing]:
    found: list[Json | Missing] = body.workflow.top_workflow.scopes.internal(_keeper(body), *names)
    return found


def _keeper(body: Token) -> str:
    """The scope of what a body keeps; of an earlier program's the body's own."""
    scope: str = body.internal_data.get("keeps", body.id.hex)
    return scope


def _item_name(number: int) -> str:
    return f"#item{number}"


def _output_name(number: int) -> str:
    return f"#output{number}"


def _count(token: Token, source: str, what: str) -> int:
    value = value_of(token, source)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ElementFailed(
            token.task_spec.bpmn_id, f"Expected the {what} to be a number from 0 on, but it is {value!r}."
        )
    return value
