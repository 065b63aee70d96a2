"""Scopes: who sees what, and where a write goes."""

from __future__ import annotations

from tests.play import END, START, Play, chain, flow, script, sub, user

FORK = '<parallelGateway id="fork"/><parallelGateway id="join"/>'


def mapped(inputs: str = "", outputs: str = "") -> str:
    lines = [f'<camunda:inputParameter name="{n}">{v}</camunda:inputParameter>' for n, v in _pairs(inputs)]
    lines += [f'<camunda:outputParameter name="{n}">{v}</camunda:outputParameter>' for n, v in _pairs(outputs)]
    return f"<extensionElements><camunda:inputOutput>{''.join(lines)}</camunda:inputOutput></extensionElements>"


def _pairs(text: str) -> list[list[str]]:
    return [pair.split("=", 1) for pair in text.split(";") if pair]


def test_branches_side_by_side_share_their_scope() -> None:
    play = Play(
        START
        + user("a")
        + user("b")
        + FORK
        + script("c", "c = a_value + b_value")
        + END
        + chain("start", "fork", "a", "join", "c", "end")
        + chain("fork", "b", "join")
    )

    play.complete("a", a_value=1).complete("b", b_value=2)

    assert play.is_over
    assert play.values == {"a_value": 1, "b_value": 2, "c": 3}


def test_a_script_writes_only_what_it_changed() -> None:
    play = Play(
        START + script("s", "small.append(2)\nnew = big[0]") + user("u") + END + chain("start", "s", "u", "end"),
        {"big": [1] * 3, "small": [1]},
    )

    assert play.values == {"big": [1, 1, 1], "small": [1, 2], "new": 1}


def test_a_subprocess_sees_and_writes_the_variables_around_it() -> None:
    inside = (
        '<startEvent id="s2"/>'
        + script("inner", "n = n + 1\nfresh = 7")
        + '<endEvent id="e2"/>'
        + chain("s2", "inner", "e2")
    )
    play = Play(
        START + sub("p1", inside) + script("after", "seen = [n, fresh]") + END + chain("start", "p1", "after", "end"),
        {"n": 1},
    )

    assert play.values["seen"] == [2, 7]


def test_an_input_is_local_and_only_mapped_outputs_go_out() -> None:
    body = START + user("u", mapped("doubled=${total * 2}", "result=${doubled + answer}")) + END
    play = Play(body + chain("start", "u", "end"), {"total": 10})

    play.complete("u", answer=1)

    assert play.values == {"total": 10, "result": 21}


def test_without_an_output_mapping_new_names_go_to_the_process() -> None:
    play = Play(START + user("u", mapped("v=${1}")) + END + chain("start", "u", "end"))

    play.complete("u", v=5, w=6)

    assert play.values == {"w": 6}


def test_a_condition_sees_what_another_branch_wrote() -> None:
    body = START + user("a") + user("b") + user("yes") + user("no") + FORK + '<exclusiveGateway id="g" default="g_no"/>'
    body += chain("start", "fork", "a") + chain("fork", "b", "g") + flow("g", "yes", "flag") + flow("g", "no")
    play = Play(body, {"flag": False})

    play.complete("a", flag=True).complete("b")

    assert play.tasks == ["yes"]


def test_true_in_a_list_is_not_the_number_one() -> None:
    play = Play(START + script("s", "xs = [True]") + END + chain("start", "s", "end"), {"xs": [1]})

    assert play.values["xs"][0] is True  # type: ignore[index]
