"""Ad-hoc sub-processes: what may be inside, and how it is ordered. Source: BPMN 2.0.2, 10.3.5 Ad-Hoc Sub-Process."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.check.diagram import ACTIVITIES, Diagram, Scope
from engine.bpmn.check.support import is_event_sub_process
from engine.bpmn.nodes import is_true, local
from engine.model.problems import Problem

RULE = "ad-hoc"
MOST = 500
"""Activities to choose from: each is a button."""


def check(diagram: Diagram) -> Iterator[Problem]:
    for scope in diagram.scopes:
        if local(scope.holder) == "adHocSubProcess":
            yield from _inside(diagram, scope)
            yield from _attributes(diagram, scope)


def _inside(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    for event in scope.of("startEvent", "endEvent"):
        message = "In an ad-hoc sub-process nothing starts or ends by an event: a person chooses what is done."
        yield diagram.document.problem(RULE, event, message, "Delete it.")
    number = sum(not is_true(node, "isForCompensation") for node in scope.of(*ACTIVITIES))
    if not number:
        message = "Expected activities to choose from, but there are none."
        yield diagram.document.problem(RULE, scope.holder, message, "Draw some, or delete the sub-process.")
    if number > MOST:
        message = f"Expected at most {MOST} activities to choose from, but there are {number:,}."
        yield diagram.document.problem(RULE, scope.holder, message, "Group them in sub-processes.")


def _attributes(diagram: Diagram, scope: Scope) -> Iterator[Problem]:
    holder, ordering = scope.holder, scope.holder.get("ordering", "Parallel")
    if ordering not in ("Parallel", "Sequential"):
        message = f'Expected the ordering to be Parallel or Sequential, but it is "{ordering:.20}".'
        place = diagram.document.attribute_place(holder, "ordering")
        yield diagram.document.problem(RULE, holder, message, "Usually it is Parallel.", place=place)
    if is_event_sub_process(holder):
        message = "An ad-hoc sub-process is not begun by an event."
        yield diagram.document.problem(RULE, holder, message, "Put it inside an event sub-process.")
