"""Conditional events: asked again whenever a variable they read was set."""

from __future__ import annotations

from tests.play import END, START, Play, boundary, chain, script, user


def when(condition: str) -> str:
    return f"<conditionalEventDefinition><condition>{condition}</condition></conditionalEventDefinition>"


def wait(node: str, condition: str) -> str:
    return f'<intermediateCatchEvent id="{node}">{when(condition)}</intermediateCatchEvent>'


FORK = '<parallelGateway id="fork"/>'


def test_it_happens_once_its_condition_is_true() -> None:
    body = START + FORK + wait("c", "n &gt; 2") + user("u") + user("after") + chain("start", "fork", "c", "after")
    play = Play(body + chain("fork", "u"), {"n": 1})
    assert play.tasks == ["u"]

    play.complete("u", n=3)

    assert play.tasks == ["after"]


def test_one_that_is_true_from_the_beginning_does_not_wait() -> None:
    play = Play(START + wait("c", "n &gt; 2") + END + chain("start", "c", "end"), {"n": 3})

    assert play.is_over


def test_an_interrupting_boundary_event_takes_the_task_away() -> None:
    body = START + FORK + user("u") + boundary("c", "u", when("stop")) + user("other") + user("mend") + END
    play = Play(
        body + chain("start", "fork", "u", "end") + chain("fork", "other") + chain("c", "mend"), {"stop": False}
    )

    play.complete("other", stop=True)

    assert play.tasks == ["mend"]


def test_a_boundary_event_beside_its_task_happens_each_time_it_becomes_true() -> None:
    body = START + FORK + user("u") + boundary("c", "u", when("n &gt; 2"), interrupting=False) + user("told") + END
    body += '<exclusiveGateway id="again"/>' + user("set") + chain("start", "fork", "u", "end") + chain("c", "told")
    play = Play(body + chain("fork", "again", "set", "again"), {"n": 1})

    for number, told in ((3, 1), (4, 1), (1, 1), (5, 2)):
        play.complete("set", n=number)
        assert play.tasks.count("told") == told


def test_behind_an_event_based_gateway() -> None:
    body = START + FORK + '<eventBasedGateway id="g"/>' + wait("c", "ok") + wait("d", "not ok and late") + user("u")
    body += (
        user("yes") + user("no") + chain("start", "fork", "g", "c", "yes") + chain("g", "d", "no") + chain("fork", "u")
    )
    play = Play(body, {"ok": False, "late": False})

    play.complete("u", late=True)

    assert play.tasks == ["no"]


def test_one_that_cannot_be_told_is_an_incident_and_asked_again() -> None:
    play = Play(START + wait("c", "n &gt; 2") + END + chain("start", "c", "end"), {"n": "many"})
    assert list(play.incidents) == ["c"]

    play.retry("c", n=3)

    assert play.is_over


def test_one_that_reads_what_is_not_there_yet_is_not_true() -> None:
    body = START + FORK + wait("c", "len(items) &gt; 2") + user("u") + user("after") + chain("start", "fork", "c")
    play = Play(body + chain("c", "after") + chain("fork", "u"))
    assert (play.tasks, play.incidents) == (["u"], {})

    play.complete("u", items=[1, 2, 3])

    assert play.tasks == ["after"]


def test_a_change_made_by_a_script_counts_at_once() -> None:
    body = START + FORK + user("u") + boundary("c", "u", when("n == 1")) + user("hit") + END
    body += script("one", "n = 1") + script("two", "n = 2") + user("hold") + chain("start", "fork", "u", "end")
    play = Play(body + chain("fork", "hold", "one", "two") + chain("c", "hit"), {"n": 0})

    play.complete("hold")

    assert play.tasks == ["hit"]
