"""Where instances may begin by themselves."""

from __future__ import annotations

import pytest

from tests.unit.drawing import END, HERE, START, accepted, between, chain, process, refused, refused_file

MESSAGE = '<messageEventDefinition messageRef="paid"/>'
RECEIVE = '<receiveTask id="n" messageRef="paid" instantiate="true"/>'
SIGNAL = '<signalEventDefinition signalRef="alarm"/>'
CATCH = f'<intermediateCatchEvent id="c">{MESSAGE}</intermediateCatchEvent>'


def gateway(*, kind: str = "Exclusive", instantiate: bool = True) -> str:
    told = f'instantiate="{str(instantiate).lower()}" eventGatewayType="{kind}"'
    return f'\n<eventBasedGateway id="n" {told}/>{HERE}{CATCH}{END}{chain("n", "c", "end")}'


def test_a_receive_task_may_begin_an_instance() -> None:
    accepted(f"{RECEIVE}{END}{chain('n', 'end')}")
    accepted(between(RECEIVE))


def test_a_receive_task_that_begins_an_instance_has_nothing_before_it() -> None:
    task = f'{START}<manualTask id="m"/>\n{RECEIVE}{HERE}{END}'

    refused("instantiation", "n", task + chain("start", "m", "n", "end"))


@pytest.mark.parametrize("kind", ["Exclusive", "Parallel"])
def test_a_gateway_may_begin_an_instance(kind: str) -> None:
    accepted(gateway(kind=kind))


def test_a_parallel_gateway_has_to_begin_the_instance() -> None:
    refused("instantiation", "n", START + chain("start", "n") + gateway(kind="Parallel", instantiate=False))


def test_a_gateway_that_begins_an_instance_has_nothing_before_it() -> None:
    refused("instantiation", "n", START + chain("start", "n") + gateway())


def test_other_types_of_gateway_are_refused() -> None:
    refused("unsupported-element", "n", gateway(kind="Inclusive"))


def test_no_instance_begins_inside_a_sub_process() -> None:
    inside = gateway().replace('"end"', '"stop"')

    refused("instantiation", "n", f'{START}{END}<subProcess id="s">{inside}</subProcess>{chain("start", "s", "end")}')


def test_a_repeated_receive_task_begins_no_instance() -> None:
    loop = '<standardLoopCharacteristics loopMaximum="2"/>'
    task = RECEIVE.replace("/>", f">{loop}</receiveTask>")

    refused("instantiation", "n", f"\n{task}{HERE}{END}{chain('n', 'end')}")


def test_the_time_of_a_timer_behind_the_gateway_is_known_before_the_start() -> None:
    timer = "<timerEventDefinition><timeDuration>wait</timeDuration></timerEventDefinition>"

    refused("timer-invalid", "c", gateway().replace(HERE, "").replace(MESSAGE, f"\n{timer}{HERE}"))


# ---- each message at one place -------------------------------------------------------------------------------------

BEGIN = f'<startEvent id="begin" name="Order came">{MESSAGE}</startEvent>{END}{chain("begin", "end")}'


@pytest.mark.parametrize(
    "other",
    [
        f'\n<startEvent id="c">{MESSAGE}</startEvent>{HERE}{chain("c", "end")}',
        f'\n<receiveTask id="c" messageRef="paid" instantiate="true"/>{HERE}{chain("c", "end")}',
        f'<eventBasedGateway id="n" instantiate="true"/>\n{CATCH}{HERE}{chain("n", "c", "end")}',
        f'\n<startEvent id="c">{SIGNAL}{MESSAGE}</startEvent>{HERE}{chain("c", "end")}',
    ],
)
def test_a_message_begins_an_instance_at_one_place(other: str) -> None:
    told = refused("instantiation", "c", BEGIN + other)

    assert 'at "Order came" and at "c"' in told.message and "a message of its own" in told.fix


def test_a_start_event_waits_once_for_a_message() -> None:
    told = refused("instantiation", "begin", f"\n{BEGIN}{HERE}".replace(MESSAGE, MESSAGE * 2))

    assert 'twice at "Order came"' in told.message


def test_messages_of_one_name_are_one_message() -> None:
    other = '<startEvent id="c"><messageEventDefinition messageRef="again"/></startEvent>'
    text = process(f"{BEGIN}\n{other}{HERE}{chain('c', 'end')}")

    refused_file("instantiation", "c", text.replace("<process", '<message id="again" name="paid"/><process'))


def test_a_signal_may_begin_instances_at_several_places() -> None:
    starts = "".join(f'<startEvent id="{name}">{SIGNAL}</startEvent>{chain(name, "end")}' for name in ("a", "b"))

    accepted(starts + END)


def test_what_an_instance_waits_for_later_may_be_what_it_began_with() -> None:
    accepted(BEGIN.replace(chain("begin", "end"), f"{CATCH}{chain('begin', 'c', 'end')}"))
