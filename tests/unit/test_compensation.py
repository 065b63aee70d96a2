"""Compensation: what has completed is undone, last things first, each once, with the variables of its time."""

from __future__ import annotations

from collections import Counter

from tests.play import END, START, Play, boundary, chain, script, sub, user
from tests.unit.test_loops import multi

COMPENSATE = "<compensateEventDefinition/>"
ERROR = '<errorEventDefinition errorRef="declined"/>'
ANY_ERROR = "<errorEventDefinition/>"


def undone_by(activity: str, handler: str) -> str:
    """A compensation boundary event, and the association to its handler."""
    association = f'<association id="{activity}_{handler}_a" sourceRef="{activity}_c" targetRef="{handler}"/>'
    return boundary(f"{activity}_c", activity, COMPENSATE) + association


def undo(node: str, text: str = "") -> str:
    told = text or f'log("undo {node}")'
    return f'<scriptTask id="{node}" isForCompensation="true"><script>{told}</script></scriptTask>'


def throw(node: str, activity: str = "", wait: bool = True) -> str:
    told = f' activityRef="{activity}"' if activity else ""
    definition = f'<compensateEventDefinition{told} waitForCompletion="{str(wait).lower()}"/>'
    return f'<intermediateThrowEvent id="{node}">{definition}</intermediateThrowEvent>'


def booked(*names: str) -> str:
    """Script tasks, each with a handler that logs "undo <name>"."""
    return "".join(
        script(name, f'log("{name}")') + undone_by(name, f"no_{name}") + undo(f"no_{name}", f'log("undo {name}")')
        for name in names
    )


def test_the_last_completed_is_undone_first() -> None:
    body = START + booked("a", "b", "c") + throw("t") + END + chain("start", "a", "b", "c", "t", "end")

    play = Play(body)

    assert play.is_over
    assert play.log == ["a", "b", "c", "undo c", "undo b", "undo a"]


def test_only_the_activity_that_is_named_is_undone_and_only_once() -> None:
    body = START + booked("a", "b") + throw("t", "a") + throw("again") + END

    play = Play(body + chain("start", "a", "b", "t", "again", "end"))

    assert play.log == ["a", "b", "undo a", "undo b"]


def test_what_has_not_completed_is_not_undone() -> None:
    body = START + booked("a") + user("u") + undone_by("u", "no_u") + undo("no_u") + throw("t") + END
    body += '<parallelGateway id="fork"/>' + chain("start", "a", "fork", "u") + chain("fork", "t", "end")

    play = Play(body)

    assert play.log == ["a", "undo a"]
    assert play.tasks == ["u"]


def test_a_handler_may_wait_and_the_thrower_waits_for_it() -> None:
    handler = '<userTask id="call" isForCompensation="true"/>'
    body = (
        START + script("a", "x = 1") + undone_by("a", "call") + handler + booked("b") + throw("t") + user("after") + END
    )
    play = Play(body + chain("start", "a", "b", "t", "after", "end"))
    assert (play.tasks, play.log) == (["call"], ["b", "undo b"])

    play.complete("call")

    assert play.tasks == ["after"]


def test_a_thrower_that_does_not_wait_goes_on_at_once() -> None:
    handler = '<userTask id="call" isForCompensation="true"/>'
    body = (
        START + script("a", "x = 1") + undone_by("a", "call") + handler + throw("t", wait=False) + user("after") + END
    )
    play = Play(body + chain("start", "a", "t", "after", "end"))
    assert play.tasks == ["after", "call"]

    play.complete("after")
    assert not play.is_over

    assert play.complete("call").is_over
    assert Counter(play.path) == Counter(["start", "a", "t", "after", "end", "call"])


def test_it_throws_all_else_once() -> None:
    both = throw("t", wait=False).replace("<compensate", '<signalEventDefinition signalRef="alarm"/><compensate')
    body = START + booked("a") + both + user("after") + END

    play = Play(body + chain("start", "a", "t", "after", "end"))

    assert play.thrown == ["alarm"]
    assert (play.log, play.tasks) == (["a", "undo a"], ["after"])


def test_its_outputs_are_mapped_once() -> None:
    mapped = '<extensionElements><camunda:inputOutput><camunda:outputParameter name="n">${n + 1}'
    mapped += "</camunda:outputParameter></camunda:inputOutput></extensionElements><compensate"
    body = START + booked("a") + throw("t", wait=False).replace("<compensate", mapped) + END

    play = Play(body + chain("start", "a", "t", "end"), {"n": 1})

    assert play.values["n"] == 2


def test_a_handler_sees_the_variables_of_its_time_and_writes_those_of_now() -> None:
    handler = undo("no_a", "log(price)\nprice = price + 1\nlog(price)\nrefunded = price")
    body = START + script("a", "price = 10") + undone_by("a", "no_a") + handler + script("b", "price = 99") + throw("t")
    play = Play(body + END + chain("start", "a", "b", "t", "end"))

    assert play.log == ["10", "11"]
    assert play.values == {"price": 11, "refunded": 11}


def test_each_instance_of_a_loop_is_undone_with_its_own_item() -> None:
    handler = undo("no_a", 'log("undo", item)')
    body = START + script("a", "log(item)", multi(sequential=True, items="xs")) + undone_by("a", "no_a") + handler
    play = Play(body + throw("t") + END + chain("start", "a", "t", "end"), {"xs": [1, 2, 3]})

    assert play.log == ["1", "2", "3", "undo 3", "undo 2", "undo 1"]


def test_a_completed_subprocess_is_undone_from_within() -> None:
    inner = '<startEvent id="s2"/>' + booked("a", "b") + '<endEvent id="e2"/>' + chain("s2", "a", "b", "e2")
    body = START + sub("s", inner) + booked("c") + throw("t") + user("after") + END

    play = Play(body + chain("start", "s", "c", "t", "after", "end"))

    assert play.log == ["a", "b", "c", "undo c", "undo b", "undo a"]
    assert play.tasks == ["after"]


def test_subprocesses_in_subprocesses_are_undone_as_deeply() -> None:
    deep = '<startEvent id="s3"/>' + booked("a") + chain("s3", "a")
    inner = '<startEvent id="s2"/>' + sub("deep", deep) + booked("b") + chain("s2", "deep", "b")
    play = Play(START + sub("s", inner) + throw("t", "s") + END + chain("start", "s", "t", "end"))

    assert play.log == ["a", "b", "undo b", "undo a"]
    assert play.is_over


def test_a_handler_of_the_subprocess_itself_stands_for_all_inside() -> None:
    inner = '<startEvent id="s2"/>' + booked("a") + chain("s2", "a")
    body = START + sub("s", inner) + undone_by("s", "no_s") + undo("no_s") + throw("t") + END

    play = Play(body + chain("start", "s", "t", "end"))

    assert play.log == ["a", "undo no_s"]
    assert play.values == {}


def compensated_by(body: str) -> str:
    inner = f'<startEvent id="k_s">{COMPENSATE}</startEvent>' + body
    return f'<subProcess id="k" triggeredByEvent="true">{inner}</subProcess>'


def test_an_event_subprocess_says_how_the_whole_is_undone() -> None:
    own = compensated_by(script("whole", 'log("undo whole", n)') + chain("k_s", "whole"))
    inner = '<startEvent id="s2"/>' + script("set", "n = 1") + booked("a") + chain("s2", "set", "a") + own
    body = START + sub("s", inner) + script("later", "n = 2") + throw("t") + END

    play = Play(body + chain("start", "s", "later", "t", "end"))

    assert play.log == ["a", "undo whole 1"]


def test_an_event_subprocess_may_have_the_inside_undone_in_its_turn() -> None:
    own = compensated_by(script("first", 'log("first")') + throw("inside") + chain("k_s", "first", "inside"))
    inner = '<startEvent id="s2"/>' + booked("a") + chain("s2", "a") + own
    play = Play(START + sub("s", inner) + throw("t") + END + chain("start", "s", "t", "end"))

    assert play.log == ["a", "first", "undo a"]
    assert play.is_over


def test_an_error_handler_beside_the_work_undoes_it() -> None:
    inner = '<startEvent id="x_s"><errorEventDefinition/></startEvent>' + throw("t") + chain("x_s", "t")
    body = START + booked("a") + script("boom", 'raise BpmnError("X")') + chain("start", "a", "boom")

    play = Play(body + f'<subProcess id="x" triggeredByEvent="true">{inner}</subProcess>')

    assert play.log == ["a", "undo a"]
    assert play.is_over


def test_an_error_in_a_handler_is_an_error_of_the_thrower_s_process() -> None:
    handler = undo("no_a", 'raise BpmnError("DECLINED")')
    inner = '<startEvent id="s2"/>' + script("a", "x = 1") + undone_by("a", "no_a") + handler + throw("t")
    body = START + sub("s", inner + chain("s2", "a", "t")) + boundary("caught", "s", ERROR) + user("mend") + END

    play = Play(body + chain("start", "s", "end") + chain("caught", "mend"))

    assert play.tasks == ["mend"]


def test_a_handler_that_stops_goes_on_after_a_retry() -> None:
    handler = undo("no_a", "log(1 / zero)")
    body = START + script("a", "x = 1") + undone_by("a", "no_a") + handler + throw("t") + END
    play = Play(body + chain("start", "a", "t", "end"), {"zero": 0})
    assert list(play.incidents) == ["no_a"]
    (wait,) = play.waits("incident")
    play.run.set_variables({"zero": 2}, token_id=wait.token)

    assert play.retry("no_a").is_over


# ---- transactions --------------------------------------------------------------------------------------------------

CANCEL = "<cancelEventDefinition/>"


def transaction(node: str, body: str) -> str:
    return f'<transaction id="{node}">{body}</transaction>'


def test_a_cancelled_transaction_is_undone_and_left_by_its_cancel_event() -> None:
    inner = '<startEvent id="s2"/>' + booked("a", "b") + '<parallelGateway id="f"/>' + user("ask") + user("other")
    inner += f'<endEvent id="no">{CANCEL}</endEvent>' + chain("s2", "a", "b", "f", "ask", "no") + chain("f", "other")
    body = START + transaction("s", inner) + boundary("off", "s", CANCEL) + user("told") + user("fine") + END
    play = Play(body + chain("start", "s", "fine", "end") + chain("off", "told"))
    assert play.tasks == ["ask", "other"]

    play.complete("ask")

    assert play.log == ["a", "b", "undo b", "undo a"]
    assert play.tasks == ["told"]
    assert play.complete("told").is_over


def test_a_cancelled_transaction_waits_for_its_handlers() -> None:
    handler = '<userTask id="call" isForCompensation="true"/>'
    inner = '<startEvent id="s2"/>' + script("a", "x = 1") + undone_by("a", "call") + handler
    inner += f'<endEvent id="no">{CANCEL}</endEvent>' + chain("s2", "a", "no")
    body = START + transaction("s", inner) + boundary("off", "s", CANCEL) + user("told") + END
    play = Play(body + chain("start", "s", "end") + chain("off", "told"))
    assert play.tasks == ["call"]

    play.complete("call")

    assert play.tasks == ["told"]


def test_a_transaction_that_succeeds_is_a_subprocess() -> None:
    inner = '<startEvent id="s2"/>' + booked("a") + '<endEvent id="e2"/>' + chain("s2", "a", "e2")
    body = START + transaction("s", inner) + boundary("off", "s", CANCEL) + throw("t") + END

    play = Play(body + chain("start", "s", "t", "end") + chain("off", "end"))

    assert play.log == ["a", "undo a"]
    assert play.is_over


def test_nothing_is_remembered_when_the_process_is_over() -> None:
    play = Play(START + booked("a") + user("u") + END + chain("start", "a", "u", "end"), {"n": 1})
    assert any(scope.startswith("#") for scope in play.stored.scopes)

    play.complete("u")

    assert play.stored.scopes == {""}


# ---- compensation and what else may happen -------------------------------------------------------------------------

MESSAGE = '<messageEventDefinition messageRef="paid"/>'


def aside(definition: str, inside: str, first: str, *, interrupting: bool = True) -> str:
    start = f'<startEvent id="x_s" isInterrupting="{str(interrupting).lower()}">{definition}</startEvent>'
    return f'<subProcess id="x" triggeredByEvent="true">{start}{inside}{chain("x_s", first)}</subProcess>'


def scopes(play: Play) -> list[str]:
    return [scope for scope in play.stored.scopes if scope.startswith("#")]


def test_what_an_event_subprocess_has_done_is_undone_and_it_is_not_begun_again() -> None:
    body = START + user("hold") + throw("t") + user("after") + END + chain("start", "hold", "t", "after", "end")
    play = Play(body + aside(MESSAGE, booked("a"), "a", interrupting=False)).happen("x_s")

    play.complete("hold")

    assert (play.log, play.tasks) == (["a", "undo a"], ["after"])
    assert len(play.waits("message")) == 1


def test_each_instance_of_a_repeated_transaction_may_be_cancelled() -> None:
    inner = '<startEvent id="s2"/>' + booked("a") + f'<endEvent id="no">{CANCEL}</endEvent>' + chain("s2", "a", "no")
    told = transaction("s", multi(cardinality="2") + inner)
    body = START + told + boundary("off", "s", CANCEL) + user("told") + END

    play = Play(body + chain("start", "s", "end") + chain("off", "told"))

    assert play.tasks == ["told"]
    assert "undo a" in play.log


def test_a_subprocess_that_is_undone_maps_its_outputs_no_second_time() -> None:
    mapped = '<extensionElements><camunda:inputOutput><camunda:outputParameter name="res">1</camunda:outputParameter>'
    mapped += "</camunda:inputOutput></extensionElements>"
    inner = '<startEvent id="s2"/>' + booked("a") + chain("s2", "a")
    body = START + sub("s", inner, mapped) + script("later", "res = 99") + throw("t") + END

    play = Play(body + chain("start", "s", "later", "t", "end"))

    assert (play.log, play.values["res"]) == (["a", "undo a"], 99)


def test_what_an_interrupted_thrower_had_not_undone_yet_is_undone_by_the_next() -> None:
    handler = '<userTask id="call" isForCompensation="true"/>'
    body = START + booked("a") + script("b", "x = 1") + undone_by("b", "call") + handler + throw("t")
    play = Play(body + chain("start", "a", "b", "t") + aside(MESSAGE, throw("again"), "again"))
    assert (play.tasks, play.log) == (["call"], ["a"])

    play.happen("x_s")

    assert play.log == ["a", "undo a"]
    assert play.is_over
    assert scopes(play) == []


def test_a_handler_that_is_a_subprocess_leaves_nothing_behind() -> None:
    inner = '<startEvent id="s2"/>' + booked("deep") + chain("s2", "deep")
    handler = f'<subProcess id="undoing" isForCompensation="true">{inner}</subProcess>'
    body = START + script("a", "x = 1") + undone_by("a", "undoing") + handler + throw("t") + user("after") + END

    play = Play(body + chain("start", "a", "t", "after", "end"))

    assert (play.tasks, play.log, scopes(play)) == (["after"], ["deep"], [])


def test_a_handler_knows_the_number_of_its_instance() -> None:
    handler = undo("no_a", 'log("undo", loopCounter)')
    body = START + script("a", "x = 1", multi(cardinality="2")) + undone_by("a", "no_a") + handler + throw("t") + END

    play = Play(body + chain("start", "a", "t", "end"))

    assert play.log == ["undo 1", "undo 0"]


def test_a_step_that_fails_has_thrown_nothing() -> None:
    mapped = '<extensionElements><camunda:inputOutput><camunda:outputParameter name="x">${1 / n}'
    mapped += "</camunda:outputParameter></camunda:inputOutput></extensionElements>"
    escalation = '<escalationEventDefinition escalationRef="late"/>'
    body = (
        START + f'<intermediateThrowEvent id="throw">{mapped}{escalation}</intermediateThrowEvent>' + user("on") + END
    )
    play = Play(
        body + chain("start", "throw", "on", "end") + aside(escalation, user("told"), "told", interrupting=False),
        {"n": 0},
    )
    assert (play.tasks, list(play.incidents)) == ([], ["throw"])

    play.retry("throw", n=1)

    assert play.tasks == ["on", "told"]
