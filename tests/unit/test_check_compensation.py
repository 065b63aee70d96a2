"""Compensation and transactions that could never work are refused."""

from __future__ import annotations

from engine.model.problems import Severity
from tests.unit.drawing import HERE, accepted, between, problems, process, refused

RULE = "compensation"
COMPENSATE, CANCEL = "<compensateEventDefinition/>", "<cancelEventDefinition/>"
UNDO = '<manualTask id="undo" isForCompensation="true"/>'
ASSOCIATION = '<association id="a" sourceRef="c" targetRef="undo"/>'


def boundary(node: str, on: str, definition: str, mark: str = "") -> str:
    return f'<boundaryEvent id="{node}" attachedToRef="{on}">{definition}</boundaryEvent>{mark}'


def work(*more: str) -> str:
    return between('<manualTask id="n"/>') + "\n" + "\n".join(more)


def throw(activity: str, mark: str = "") -> str:
    told = f'<compensateEventDefinition activityRef="{activity}"/>'
    return between(f'<intermediateThrowEvent id="n">{told}</intermediateThrowEvent>{mark}')


def test_an_activity_with_its_handler_passes() -> None:
    accepted(work(boundary("c", "n", COMPENSATE), UNDO, ASSOCIATION))


def test_a_compensation_event_leads_to_its_handler() -> None:
    assert "association" in refused(RULE, "c", work(boundary("c", "n", COMPENSATE, HERE))).message


def test_a_handler_is_marked() -> None:
    plain = '<manualTask id="undo"/>'
    content = work(boundary("c", "n", COMPENSATE), plain + HERE, ASSOCIATION)

    assert {each.rule for each in problems(process(content))} >= {RULE}


def test_a_handler_that_nobody_needs_is_warned_of() -> None:
    refused(RULE, "undo", work(UNDO + HERE), severity=Severity.WARNING)


def test_a_thrower_names_an_activity_beside_it() -> None:
    inner = '<subProcess id="sub"><startEvent id="s2"/><manualTask id="deep"/></subProcess>'
    content = throw("deep", HERE) + inner

    assert "deep" in next(each for each in problems(process(content)) if each.rule == RULE).message


def test_a_thrower_that_names_nothing_there_is_refused() -> None:
    assert [each.rule for each in problems(process(throw("gone")))] == ["unresolved-ref"]


def transaction(inside: str, after: str = "") -> str:
    return between(f'<transaction id="n"><startEvent id="s2"/>{inside}</transaction>') + after


CANCELLED = f'<endEvent id="no">{CANCEL}</endEvent><sequenceFlow id="f" sourceRef="s2" targetRef="no"/>'


def test_a_transaction_that_is_cancelled_and_left_passes() -> None:
    left = (
        boundary("off", "n", CANCEL) + '<manualTask id="told"/><sequenceFlow id="g" sourceRef="off" targetRef="told"/>'
    )

    accepted(transaction(CANCELLED, left))


def test_a_transaction_that_is_cancelled_says_where_to_go_on() -> None:
    content = transaction(CANCELLED).replace("</transaction>", f"</transaction>{HERE}")

    assert "where to go on" in refused(RULE, "n", content).message


def test_only_a_transaction_is_cancelled() -> None:
    sub = transaction(CANCELLED.replace("</endEvent>", f"</endEvent>{HERE}")).replace("transaction", "subProcess")

    assert "in a transaction" in refused(RULE, "no", sub).message


def test_a_cancel_event_sits_on_a_transaction() -> None:
    assert "transaction" in refused(RULE, "off", work(boundary("off", "n", CANCEL, HERE))).message
