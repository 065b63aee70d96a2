"""Joins that wait for what cannot come say so; those that may still fire do not."""

from __future__ import annotations

from tests.play import END, START, Play, boundary, chain, flow, sub, user

HOUR = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
ERROR = '<errorEventDefinition errorRef="declined"/>'
JOIN = '<parallelGateway id="join" name="Both done"/>'
FORK = '<parallelGateway id="fork"/>' + JOIN


def split_by_choice() -> str:
    """An exclusive split before a parallel join: drawn often, and wrong."""
    body = START + '<exclusiveGateway id="which"/>' + JOIN + user("a") + user("b", name="Book") + END
    return (
        body
        + chain("start", "which")
        + flow("which", "a", "n > 1")
        + flow("which", "b", "n <= 1")
        + (chain("a", "join", "end") + chain("b", "join"))
    )


def test_a_join_that_an_exclusive_split_feeds_says_so() -> None:
    play = Play(split_by_choice(), {"n": 5}).complete("a")

    assert not play.is_over
    assert '"Both done"' in play.incidents["join"]
    assert "from b" in play.incidents["join"]


def test_trying_a_stuck_join_again_does_not_push_it_through() -> None:
    play = Play(split_by_choice(), {"n": 5}).complete("a")
    (before,) = play.waits("incident")

    play.retry("join")

    (after,) = play.waits("incident")
    assert not play.is_over
    assert after.data["stop"] > before.data["stop"]


def test_a_join_that_may_still_fire_says_nothing() -> None:
    play = Play(
        START
        + FORK
        + user("a")
        + user("b")
        + END
        + chain("start", "fork", "a", "join", "end")
        + (chain("fork", "b", "join"))
    ).complete("a")

    assert play.incidents == {}
    assert play.complete("b").is_over


def test_a_flow_that_a_boundary_event_may_take_counts_as_one_that_may_come() -> None:
    body = START + JOIN + user("a") + user("b") + boundary("late", "a", HOUR, interrupting=False) + END
    play = Play(body + chain("start", "a") + flow("late", "b") + chain("a", "join", "end") + chain("b", "join"))

    assert play.incidents == {}
    play.happen("late").complete("b")
    assert play.incidents == {}
    assert play.complete("a").is_over


def test_a_boundary_event_further_on_counts_too() -> None:
    body = START + FORK + user("first") + user("a") + boundary("late", "a", HOUR) + user("b") + END
    body += chain("start", "fork", "first", "a", "end") + chain("late", "join") + chain("fork", "b", "join")
    play = Play(body).complete("b")

    assert play.incidents == {}


def test_a_token_too_many_before_a_join_is_told_when_the_rest_has_ended() -> None:
    body = START + FORK + user("a") + user("b") + END
    body += chain("start", "fork", "a", "join", "end") + chain("fork", "b", "join") + flow("fork", "a")
    play = Play(body.replace('id="fork_a"', 'id="again"', 1)).complete("a").complete("b")
    assert play.incidents == {}

    play.complete("a")

    assert "join" in play.incidents


def test_a_join_inside_a_subprocess_is_told_of_alone() -> None:
    inner = split_by_choice().replace('"start"', '"s2"').replace('"end"', '"e2"').replace("start_", "s2_")
    inner = inner.replace("_end", "_e2")
    body = START + sub("s", inner) + boundary("declined", "s", ERROR) + END + chain("start", "s", "end")
    play = Play(body + chain("declined", "end"), {"n": 5}).complete("a")

    assert list(play.incidents) == ["join"]
