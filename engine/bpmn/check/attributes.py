"""Attributes of other tools that are executed: what each of them must say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.bpmn import dialects, schedule
from engine.bpmn.check.diagram import Diagram
from engine.bpmn.check.expressions import read_by, sources_problems
from engine.bpmn.check.limits import fault_of_people, fault_of_variable
from engine.bpmn.check.python import Fault
from engine.bpmn.dialects.camunda7 import JAVA
from engine.bpmn.nodes import Node, bpmn
from engine.bpmn.schedule import TimerKind
from engine.bpmn.script import constant
from engine.model.problems import Problem
from engine.retry import MOST_TRIES

LARGEST_PRIORITY = 1_000_000_000


def check(diagram: Diagram) -> Iterator[Problem]:
    root = diagram.document.root
    referred = [*root.findall(bpmn("error")), *root.findall(bpmn("message"))] if diagram.executable else []
    for node in [*referred, *diagram.running]:
        for said, read in dialects.readings(node):
            yield from _attribute(diagram, node, said, read)


def _attribute(diagram: Diagram, node: Node, said: dialects.Said, read: dialects.Reader) -> Iterator[Problem]:
    found, fault = read_by(read, said.text)
    told = [found] if isinstance(found, str) else list(found or ())
    rule = _RULES.get(said.word.term)
    is_read = fault is None
    if fault is None and rule is not None:
        fault = rule(told)
    if fault is not None:
        fix = fault.fix or _FIXES.get(said.word.term, "")
        fault = fault._replace(message=f"{said.attribute.rpartition('}')[2]}: {fault.message}", fix=fix)
    place = diagram.document.attribute_place(said.holder, said.attribute, 0 if fault is None else fault.offset)
    if fault is not None and is_read and rule is _moment:
        yield diagram.document.problem("timer-invalid", node, fault.message, fault.fix, place=place)
        return
    yield from sources_problems(diagram, node, told if read in dialects.GIVING_SOURCES else (), place, fault)


# ---- what is known at upload can be looked at ----------------------------------------------------------------------


def _moment(sources: Sequence[str]) -> Fault | None:
    """A date, or a duration from when the task begins."""
    known = constant(sources[0])
    text = "" if known is None else str(known[0]).strip()
    try:
        if text:
            schedule.validate(TimerKind.DURATION if text.startswith("P") else TimerKind.DATE, text)
    except ValueError as cause:
        message, fix = schedule.told(cause)
        return Fault(message, fix or ("Or write a duration such as P3D." if "a date such as" in message else ""))
    return None


def _priority(sources: Sequence[str]) -> Fault | None:
    digits = sources[0].removeprefix("-")
    if digits.isdecimal() and int(digits) > LARGEST_PRIORITY:
        return Fault("Expected a priority of at most nine digits, but it is larger.", "The usual one is 50.")
    return None


def _variable(texts: Sequence[str]) -> Fault | None:
    return fault_of_variable(texts[0])


def _truth(texts: Sequence[str]) -> Fault | None:
    return None if texts[0] in ("true", "false") else Fault(f'Expected true or false, but it is "{texts[0]:.50}".')


def _tries(texts: Sequence[str]) -> Fault | None:
    is_right = texts[0].isdecimal() and 0 < len(texts[0]) < 5 and 1 <= int(texts[0]) <= MOST_TRIES
    return None if is_right else Fault(f'Expected a number of tries up to {MOST_TRIES:,}, but it is "{texts[0]:.50}".')


_FIXES = {"effect": JAVA}
"""What to do about a text that has no plain meaning, by its term."""
_RULES: Mapping[str, Callable[[Sequence[str]], Fault | None]] = {
    "assignee": fault_of_people,
    "candidate_users": fault_of_people,
    "candidate_groups": fault_of_people,
    "due": _moment,
    "follow_up": _moment,
    "priority": _priority,
    "takes_all": _truth,
    "gives_all": _truth,
    "tries": _tries,
    "element_variable": _variable,
    "output_collection": _variable,
    "initiator": _variable,
    "result_variable": _variable,
    "code_variable": _variable,
    "message_variable": _variable,
}
