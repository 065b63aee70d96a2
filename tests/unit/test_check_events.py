"""Timers, codes, links and boundary events: the rule, the element and the exact line."""

from __future__ import annotations

import pytest

from engine.model.problems import Severity
from tests.unit.drawing import END, HERE, START, accepted, between, chain, refused

TASK = '<manualTask id="n"/>'


def catching(definition: str) -> str:
    return between(f'<intermediateCatchEvent id="n">\n{definition}{HERE}</intermediateCatchEvent>')


def timer(content: str) -> str:
    return f"<timerEventDefinition>{content}</timerEventDefinition>"


# ---- timers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "<timeDuration>PT15M</timeDuration>",
        "<timeDuration> P3D\n</timeDuration>",
        "<timeDate>2026-05-04T17:00</timeDate>",
        "<timeCycle>R3/PT1H</timeCycle>",
        "<timeCycle>0 0 9 ? * MON-FRI</timeCycle>",
        "<timeDuration>deadline</timeDuration>",
        "<timeDuration>${order.deadline}</timeDuration>",
        "<timeDuration>PT${minutes}M</timeDuration>",
        "<timeCycle>R${times}/PT1H</timeCycle>",
        "<timeDate>order['due']</timeDate>",
    ],
)
def test_times_may_be_written_out_or_computed(content: str) -> None:
    accepted(catching(timer(content)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<timeDuration>5m</timeDuration>", "Write PT5M."),
        ("<timeDuration>5 minutes</timeDuration>", "Write PT5M."),
        ("<timeDuration>P1H</timeDuration>", "Write PT1H."),
        ("<timeDuration>in a while</timeDuration>", "a duration such as"),
        ("<timeDuration>2026-05-04</timeDuration>", "timeDate"),
        ("<timeDate>04.05.2026</timeDate>", "2026-05-04"),
        ("<timeCycle>PT5M</timeCycle>", "R/PT5M"),
        ("<timeCycle>0 25 * * *</timeCycle>", "hour"),
        ("<timeDuration>${now()}</timeDuration>", "now()"),
        ("<timeDuration>wait(</timeDuration>", "never closed"),
    ],
)
def test_a_wrong_time_is_refused_with_the_right_form(content: str, words: str) -> None:
    problem = refused("timer-invalid", "n", catching(timer(content)))

    assert words in f"{problem.message} {problem.fix}"
    assert problem.place.column > len("<timerEventDefinition>")


def test_the_timer_of_an_event_sub_process_may_read_variables() -> None:
    start = f'<startEvent id="begin">{timer("<timeDuration>${pause}</timeDuration>")}</startEvent>'
    inside = f'{start}<endEvent id="over"/>{chain("begin", "over")}'
    event_sub_process = f'<subProcess id="sub" triggeredByEvent="true">{inside}</subProcess>'

    accepted(START + event_sub_process + END + chain("start", "end"))


@pytest.mark.parametrize("text", ['"abc"', "${'abc'}", "3", "P7974Y", '"P1" + "D"', '"abc".upper()'])
def test_a_start_timer_is_written_out(text: str) -> None:
    start = f'<startEvent id="start">\n{timer(f"<timeDuration>{text}</timeDuration>")}{HERE}</startEvent>'

    refused("timer-invalid", "start", f"{start}{TASK}{chain('start', 'n')}")


def test_a_start_timer_reads_no_variables() -> None:
    start = f'<startEvent id="start">\n{timer("<timeCycle>R/${pause}</timeCycle>")}{HERE}</startEvent>'

    assert "pause" in refused("timer-invalid", "start", f"{start}{TASK}{chain('start', 'n')}").message


@pytest.mark.parametrize(
    "content", ["", "<timeDuration/>", "<timeDuration>PT1M</timeDuration><timeDate>2026-05-04</timeDate>"]
)
def test_a_timer_says_one_time(content: str) -> None:
    content = between(f'<intermediateCatchEvent id="n">{HERE}{timer(content)}</intermediateCatchEvent>')

    refused("event-definition-incomplete", "n", content)


# ---- messages, signals, errors, escalations ------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["messageEventDefinition", "signalEventDefinition"])
def test_what_is_waited_for_is_named(tag: str) -> None:
    content = between(f'<intermediateCatchEvent id="n">{HERE}<{tag}/></intermediateCatchEvent>')

    refused("event-definition-incomplete", "n", content)


def test_a_receive_task_that_names_no_message_is_warned_of() -> None:
    for named in ("", ' name="The money"'):
        content = between(f'<receiveTask id="n"{named}/>{HERE}')
        problem = refused("event-definition-incomplete", "n", content, severity=Severity.WARNING)
        assert f'"{"The money" if named else "n"}"' in problem.message


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_what_is_thrown_is_named(kind: str) -> None:
    content = f'{START}\n<endEvent id="n">{HERE}<{kind}EventDefinition/></endEvent>{chain("start", "n")}'

    refused("event-definition-incomplete", "n", content)


def test_what_is_thrown_has_a_code() -> None:
    end = f'<endEvent id="n">{HERE}<errorEventDefinition errorRef="codeless"/></endEvent>'

    refused("error-code", "n", f"{START}\n{end}{chain('start', 'n')}")


def attached(definition: str, attributes: str = "") -> str:
    event = f'<boundaryEvent id="b" attachedToRef="n"{attributes}>{definition}</boundaryEvent>{HERE}'
    return f"{between(TASK)}\n{event}{chain('b', 'end')}"


def test_what_is_caught_without_a_code_is_worth_a_warning() -> None:
    refused("error-code", "b", attached('<errorEventDefinition errorRef="codeless"/>'), severity=Severity.WARNING)


def test_a_boundary_event_may_catch_every_error() -> None:
    accepted(attached("<errorEventDefinition/>"))


# ---- boundary events -----------------------------------------------------------------------------------------------


def test_a_boundary_event_has_a_trigger() -> None:
    assert "trigger" in refused("boundary-invalid", "b", attached("")).message


def test_an_error_interrupts() -> None:
    refused("boundary-invalid", "b", attached("<errorEventDefinition/>", ' cancelActivity="false"'))


def test_a_boundary_event_sits_beside_its_activity() -> None:
    inner = f'<subProcess id="n"><startEvent id="s"/><manualTask id="m"/>{chain("s", "m")}</subProcess>'
    event = '<boundaryEvent id="b" attachedToRef="m"><errorEventDefinition/></boundaryEvent>'

    refused("boundary-invalid", "b", f"{between(inner)}\n{event}{HERE}")


def test_a_boundary_event_may_end_its_branch() -> None:
    accepted(attached("<errorEventDefinition/>").replace(chain("b", "end"), ""))


# ---- links ---------------------------------------------------------------------------------------------------------


def test_spaces_in_the_names_of_links_do_not_count() -> None:
    ends = (
        '<intermediateThrowEvent id="a"><linkEventDefinition name=" Go  on"/></intermediateThrowEvent>'
        '<intermediateCatchEvent id="b" name="Go on "><linkEventDefinition/></intermediateCatchEvent>'
    )

    accepted(START + ends + END + chain("start", "a") + chain("b", "end"))


LINK = '<linkEventDefinition name="L"/>'
THROW = f'<intermediateThrowEvent id="n">{LINK}</intermediateThrowEvent>'
CATCH = f'<intermediateCatchEvent id="c">{LINK}</intermediateCatchEvent>'


def linked(throw: str, catch: str, flows: str = "") -> str:
    return f"{START}\n{throw}\n{catch}\n{END}{chain('start', 'n')}{chain('c', 'end') if catch else ''}{flows}"


def test_a_link_leads_on() -> None:
    accepted(linked(THROW, CATCH))


def test_a_link_has_a_target() -> None:
    content = f"{START}\n{THROW}{HERE}{chain('start', 'n')}"

    refused("link-invalid", "n", content)


def test_a_link_has_one_target() -> None:
    second = CATCH.replace('"c"', '"d"')

    refused("link-invalid", "d", linked(THROW, f"{CATCH}\n{second}{HERE}", chain("d", "end")))


@pytest.mark.parametrize(
    ("element", "throw", "catch", "flows"),
    [
        ("n", THROW + HERE, CATCH, chain("n", "end")),
        ("c", THROW, CATCH + HERE, chain("start", "c")),
    ],
)
def test_a_link_takes_the_place_of_a_flow(element: str, throw: str, catch: str, flows: str) -> None:
    refused("link-invalid", element, linked(throw, catch, flows))
