"""When timers fire."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from engine.bpmn.schedule import CatchUp, Due, TimerKind, first, following, is_literal, is_missed, skipping, validate

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
"""A Monday, 09:30 in Berlin; the clocks there change on 29 March."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def all_after(due: Due | None, *, late: timedelta = timedelta()) -> list[datetime]:
    """The first dozen firings, each so late."""
    found: list[datetime] = []
    while due is not None and len(found) < 12:
        found.append(due.at)
        due = following(due, due.at + late)
    return found


# ---- dates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04T17:00:00Z", "2026-05-04T17:00"),
        ("2026-05-04T17:00:00+02:00", "2026-05-04T15:00"),
        ("2026-05-04T17:00", "2026-05-04T15:00"),
        ("2026-05-04T17", "2026-05-04T15:00"),
        ("20260504T170000", "2026-05-04T15:00"),
        ("2026-05-04", "2026-05-03T22:00"),
        ("2026-W19-1", "2026-05-03T22:00"),
        ("2026-W19", "2026-05-03T22:00"),
        ("2026-05-04T17:00:00.250Z", "2026-05-04T17:00:00.250"),
        ("2026-05-04T17:00[America/New_York]", "2026-05-04T21:00"),
        (" 2020-01-01T00:00Z\n", "2020-01-01T00:00"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    assert first(TimerKind.DATE, text, NOW, BERLIN) == Due(at(expected), 0, None)


def test_a_local_time_that_the_clocks_skip_is_an_hour_later() -> None:
    assert first(TimerKind.DATE, "2026-03-29T02:30", NOW, BERLIN).at == at("2026-03-29T01:30")


# ---- durations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT10S", "2026-03-02T08:30:10"),
        ("PT0S", "2026-03-02T08:30"),
        ("PT1.5S", "2026-03-02T08:30:01.500"),
        ("PT0,5H", "2026-03-02T09:00"),
        ("P1DT2H3M4S", "2026-03-03T10:33:04"),
        ("P1M", "2026-04-02T07:30"),
        ("P2W", "2026-03-16T08:30"),
        ("P0.5D", "2026-03-02T20:30"),
        ("P1Y6M", "2027-09-02T07:30"),
        ("P0.5Y", "2026-09-02T07:30"),
        ("P27D", "2026-03-29T07:30"),
        ("PT648H", "2026-03-29T08:30"),
        ("PT1S", "2026-03-02T08:30:01"),
        ("PT90S", "2026-03-02T08:31:30"),
        ("P50Y", "2076-03-02T08:30"),
        ("PT438300H", "2076-03-01T20:30"),
        ("P900Y", "2926-03-02T08:30"),
    ],
)
def test_durations(text: str, expected: str) -> None:
    assert first(TimerKind.DURATION, text, NOW, BERLIN) == Due(at(expected), 0, None)


# ---- cycles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "firings"),
    [
        ("R3/PT10S", ["2026-03-02T08:30:10", "2026-03-02T08:30:20", "2026-03-02T08:30:30"]),
        ("R1/PT1H", ["2026-03-02T09:30"]),
        ("R2/2026-03-27T09:00/P2D", ["2026-03-27T08:00", "2026-03-29T07:00"]),
        ("R2/2026-03-05/2026-03-06", ["2026-03-04T23:00", "2026-03-05T23:00"]),
        ("R/PT2H/2026-03-02T13:30", ["2026-03-02T10:30", "2026-03-02T12:30"]),
        ("R2/PT2H/2026-03-02T13:30", ["2026-03-02T10:30", "2026-03-02T12:30"]),
        ("R3/2026-01-31T09:00Z/P1M", ["2026-03-31T09:00"]),
        ("R2/2025-01-01T00:00Z/P1D", ["2025-01-02T00:00"]),
        ("R/P1D/2025-01-01T00:00Z", ["2025-01-01T00:00"]),
    ],
)
def test_cycles_with_an_end(text: str, firings: list[str]) -> None:
    due = first(TimerKind.CYCLE, text, NOW, BERLIN)

    assert all_after(due) == [at(firing) for firing in firings]
    assert due.remaining == len(firings) - 1


def test_a_cycle_without_an_end_keeps_the_hour_when_the_clocks_change() -> None:
    firings = all_after(first(TimerKind.CYCLE, "R/2026-03-28T09:00/P1D", NOW, BERLIN))

    assert firings[:3] == [at("2026-03-28T08:00"), at("2026-03-29T07:00"), at("2026-03-30T07:00")]


def test_months_are_counted_from_the_start() -> None:
    firings = all_after(first(TimerKind.CYCLE, "R/2026-03-31T12:00Z/P1M", NOW, UTC))

    assert firings[:4] == [
        at("2026-03-31T12:00"),
        at("2026-04-30T12:00"),
        at("2026-05-31T12:00"),
        at("2026-06-30T12:00"),
    ]


def test_a_late_firing_makes_up_for_the_missed_ones_and_keeps_the_grid() -> None:
    due = first(TimerKind.CYCLE, "R5/PT10S", NOW, UTC)

    late = following(due, NOW + timedelta(seconds=34))

    assert late is not None
    assert late.at == NOW + timedelta(seconds=40)
    assert late.remaining == 3


def test_a_late_firing_of_a_cycle_with_an_end_does_not_pass_the_end() -> None:
    due = first(TimerKind.CYCLE, "R/PT1H/2026-03-02T12:00Z", NOW, UTC)

    late = following(due, at("2026-03-02T10:20"))

    assert late is not None
    assert (late.at, late.remaining) == (at("2026-03-02T11:00"), 1)
    assert following(late, at("2026-03-02T13:00")) is None


def test_firing_in_time_for_years_stays_on_the_grid() -> None:
    due = first(TimerKind.CYCLE, "R/PT1S", NOW, UTC)

    later = following(due, NOW + timedelta(days=3650, seconds=0.5))

    assert later is not None
    assert later.at == NOW + timedelta(days=3650, seconds=1)


@pytest.mark.parametrize(
    ("began", "text", "expected"),
    [
        ("2028-02-29T12:00", "P1Y", "2029-02-28T12:00"),
        ("2028-02-29T12:00", "P4Y", "2032-02-29T12:00"),
        ("2096-02-29T12:00", "P4Y", "2100-02-28T12:00"),
        ("2028-02-28T12:00", "P1D", "2028-02-29T12:00"),
        ("2027-02-28T12:00", "P1D", "2027-03-01T12:00"),
        ("2026-01-31T12:00", "P1M", "2026-02-28T12:00"),
        ("2028-01-31T12:00", "P1M", "2028-02-29T12:00"),
        ("2026-12-31T23:59:59", "PT1S", "2027-01-01T00:00"),
        ("2026-08-31T12:00", "P6M", "2027-02-28T12:00"),
    ],
)
def test_leap_years_and_ends_of_months(began: str, text: str, expected: str) -> None:
    assert first(TimerKind.DURATION, text, at(began), UTC).at == at(expected)


@pytest.mark.parametrize(
    ("zone", "text", "firings"),
    [
        # spring: 02:30 does not exist on 29 March, and is an hour later; the days around are not moved
        ("Europe/Berlin", "R/2026-03-28T02:30/P1D", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        ("Europe/Berlin", "R/2026-03-28T23:00/PT1H", ["2026-03-28T22:00", "2026-03-28T23:00", "2026-03-29T00:00"]),
        ("America/New_York", "R/2026-03-07T09:00/P1D", ["2026-03-07T14:00", "2026-03-08T13:00", "2026-03-09T13:00"]),
        # autumn: 02:30 comes twice on 25 October, and counts the first time
        ("Europe/Berlin", "R/2026-10-24T02:30/P1D", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        ("Europe/Berlin", "R/2026-10-24T09:00/P1D", ["2026-10-24T07:00", "2026-10-25T08:00", "2026-10-26T08:00"]),
        ("Australia/Lord_Howe", "R/2026-04-04T09:00/P1D", ["2026-04-03T22:00", "2026-04-04T22:30"]),
        ("Asia/Kolkata", "R/2026-04-04T09:00/P1D", ["2026-04-04T03:30", "2026-04-05T03:30"]),
        ("UTC", "R/2028-02-29T09:00/P1Y", ["2028-02-29T09:00", "2029-02-28T09:00", "2030-02-28T09:00"]),
        ("UTC", "R/2026-08-31T09:00/P1M", ["2026-08-31T09:00", "2026-09-30T09:00", "2026-10-31T09:00"]),
        ("UTC", "R/2026-04-01T00:00:00/PT1S", ["2026-04-01T00:00", "2026-04-01T00:00:01", "2026-04-01T00:00:02"]),
        ("UTC", "R/2026-04-01/P50Y", ["2026-04-01T00:00", "2076-04-01T00:00", "2126-04-01T00:00"]),
        ("Europe/Berlin", "30 2 * * *", ["2026-03-03T01:30", "2026-03-04T01:30"]),
        ("Europe/Berlin", "0 0 9 29 2 ?", ["2028-02-29T08:00", "2032-02-29T08:00"]),
        ("UTC", "0 9 * * * [Europe/Berlin]", ["2026-03-03T08:00", "2026-03-04T08:00"]),
        ("Europe/Berlin", "0 0 9 ? * MON-FRI [America/New_York]", ["2026-03-02T14:00", "2026-03-03T14:00"]),
        ("UTC", "@daily[Asia/Tokyo]", ["2026-03-02T15:00", "2026-03-03T15:00"]),
        ("UTC", "*/10 * * * * *", ["2026-03-02T08:30:10", "2026-03-02T08:30:20"]),
    ],
)
def test_cycles_follow_the_calendar_of_their_zone(zone: str, text: str, firings: list[str]) -> None:
    found = all_after(first(TimerKind.CYCLE, text, NOW, ZoneInfo(zone)))

    assert found[: len(firings)] == [at(firing) for firing in firings]


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ("0 9 * * *", ["2026-03-28T08:00", "2026-03-29T07:00", "2026-03-30T07:00"]),
        ("0 9 * * * [America/New_York]", ["2026-03-28T13:00", "2026-03-29T13:00"]),
    ],
)
def test_a_daily_cron_keeps_its_hour_when_the_clocks_change(text: str, around: list[str]) -> None:
    assert all_after(first(TimerKind.CYCLE, text, at("2026-03-28T00:00"), BERLIN))[: len(around)] == list(
        map(at, around)
    )


# ---- turns that nobody ran -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "catch_up", "next_at", "left"),
    [
        ("R5/PT10S", CatchUp.ONCE, "08:30:40", 3),
        ("R5/PT10S", CatchUp.ALL, "08:30:20", 3),
        ("R/PT10S", CatchUp.ONCE, "08:30:40", None),
        ("R/PT10S", CatchUp.ALL, "08:30:20", None),
        ("R/PT10S/2026-03-02T08:31Z", CatchUp.ONCE, "08:30:40", 2),
        ("R/PT10S/2026-03-02T08:31Z", CatchUp.ALL, "08:30:20", 4),
        ("*/10 * * * * *", CatchUp.ONCE, "08:30:40", None),
        ("*/10 * * * * *", CatchUp.ALL, "08:30:20", None),
    ],
)
def test_what_follows_a_firing_that_came_34_seconds_after_the_beginning(
    text: str, catch_up: CatchUp, next_at: str, left: int | None
) -> None:
    due = first(TimerKind.CYCLE, text, NOW, UTC)

    found = following(due, NOW + timedelta(seconds=34), catch_up)

    assert found is not None
    assert (found.at, found.remaining) == (at(f"2026-03-02T{next_at}"), left)


@pytest.mark.parametrize(
    ("text", "seconds", "next_at", "left"),
    [
        ("R5/PT10S", 34, "08:30:40", 4),
        ("R5/PT10S", 30, "08:30:30", 4),
        ("R/PT10S/2026-03-02T08:31Z", 34, "08:30:40", 2),
        ("*/10 * * * * *", 34, "08:30:40", None),
    ],
)
def test_who_skips_waits_for_the_first_that_is_not_past(
    text: str, seconds: int, next_at: str, left: int | None
) -> None:
    found = skipping(first(TimerKind.CYCLE, text, NOW, UTC), NOW + timedelta(seconds=seconds))

    assert found is not None
    assert (found.at, found.remaining) == (at(f"2026-03-02T{next_at}"), left)


def test_a_cycle_that_ended_meanwhile_has_no_more() -> None:
    due = first(TimerKind.CYCLE, "R/PT1H/2026-03-02T12:00Z", NOW, UTC)

    assert skipping(due, at("2026-03-02T13:00")) is None


@pytest.mark.parametrize(
    ("text", "late", "missed"),
    [
        ("R/P1D", timedelta(seconds=1), False),
        ("R/P1D", timedelta(seconds=60), False),
        ("R/P1D", timedelta(seconds=61), True),
        ("R/PT10S", timedelta(seconds=9), False),
        ("R/PT10S", timedelta(seconds=10), True),
        ("R1/PT10S", timedelta(seconds=10), True),
        ("* * * * *", timedelta(seconds=30), False),
    ],
)
def test_a_firing_is_missed_when_no_worker_that_runs_would_be_so_late(text: str, late: timedelta, missed: bool) -> None:
    due = first(TimerKind.CYCLE, text, NOW, UTC)

    assert is_missed(due, due.at + late) is missed


@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(timedelta(hours=2))])
@pytest.mark.parametrize("text", ["R/PT1H", "R/P1D", "R/P1M/2027-01-01", "0 9 * * *", "@daily"])
def test_what_follows_is_later_in_every_zone(text: str, zone: tzinfo) -> None:
    firings = all_after(first(TimerKind.CYCLE, text, NOW, zone))

    assert firings == sorted(set(firings))
    assert firings[0] > NOW
    assert all(firing.tzinfo is UTC for firing in firings)


@pytest.mark.parametrize(
    ("text", "firings"),
    [
        ("0 9 * * *", ["2026-03-03T08:00", "2026-03-04T08:00"]),
        ("*/15 * * * *", ["2026-03-02T08:45", "2026-03-02T09:00"]),
        ("0 9 * * 1-5", ["2026-03-03T08:00", "2026-03-04T08:00"]),
        ("0 9 1 * *", ["2026-04-01T07:00", "2026-05-01T07:00"]),
        ("0 0 9 ? * MON-FRI", ["2026-03-03T08:00", "2026-03-04T08:00"]),
        ("0 0 9 ? * MON-FRI *", ["2026-03-03T08:00", "2026-03-04T08:00"]),
        ("0 0 9 ? * FRIL", ["2026-03-27T08:00", "2026-04-24T07:00"]),
        ("0 0 9 ? * MON#2", ["2026-03-09T08:00", "2026-04-13T07:00"]),
        ("0 0 9 L * ?", ["2026-03-31T07:00", "2026-04-30T07:00"]),
        ("30 0/20 * * * *", ["2026-03-02T08:40:30", "2026-03-02T09:00:30"]),
        ("@hourly", ["2026-03-02T09:00", "2026-03-02T10:00"]),
    ],
)
def test_cron_expressions(text: str, firings: list[str]) -> None:
    assert all_after(first(TimerKind.CYCLE, text, NOW, BERLIN))[:2] == [at(firing) for firing in firings]


# ---- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (TimerKind.DATE, "04.05.2026", "2026-05-04T17:00"),
        (TimerKind.DATE, "2026-13-01", "does not exist"),
        (TimerKind.DATE, "2026-02-30T10:00", "does not exist"),
        (TimerKind.DATE, "2026-05-04T17:00[Mars/Base]", "does not exist"),
        (TimerKind.DATE, "2026-05-04T17:00[../../etc/passwd]", "Expected a date"),
        (TimerKind.DATE, "9999-12-31T23:59-11:00", "9999"),
        (TimerKind.DATE, "P3D", "timeDuration"),
        (TimerKind.DURATION, "5m", "Write PT5M."),
        (TimerKind.DURATION, "5 minutes", "Write PT5M."),
        (TimerKind.DURATION, "3 days", "Write P3D."),
        (TimerKind.DURATION, "pt5m", "Write PT5M."),
        (TimerKind.DURATION, "P1H", "Write PT1H."),
        (TimerKind.DURATION, "PT3D", "Write P3D."),
        (TimerKind.DURATION, "-PT5M", "negative"),
        (TimerKind.DURATION, "P", "PT15M"),
        (TimerKind.DURATION, "PT", "PT15M"),
        (TimerKind.DURATION, "P0.3M", "in days"),
        (TimerKind.DURATION, "R3/PT5M", "timeCycle"),
        (TimerKind.DURATION, "2026-05-04", "timeDate"),
        (TimerKind.DURATION, "P99999999Y", "thousand years"),
        (TimerKind.CYCLE, "PT5M", "R/PT5M"),
        (TimerKind.CYCLE, "R0/PT5M", "R1/"),
        (TimerKind.CYCLE, "R/PT0S", "one second"),
        (TimerKind.CYCLE, "R/2026-02-02/2026-02-01", "one second"),
        (TimerKind.CYCLE, "R3/5m", "Write PT5M."),
        (TimerKind.CYCLE, "R3/a/b/c", "R3/PT10M"),
        (TimerKind.CYCLE, "every day", "R/P1D"),
        (TimerKind.CYCLE, "0 25 * * *", "hour"),
        (TimerKind.CYCLE, "0 9 * * * [Mars/Base]", "does not exist"),
        (TimerKind.CYCLE, "0 9 * * * [../../etc/passwd]", "R3/PT10M"),
        (TimerKind.CYCLE, "[Europe/Berlin]", "R3/PT10M"),
        (TimerKind.CYCLE, "0 0 9 ? * 2", "by name"),
        (TimerKind.CYCLE, "0 0 9 1 * MON", "Write ?"),
        (TimerKind.CYCLE, "0 0 30 2 *", "day"),
        (TimerKind.CYCLE, "", "R3/PT10M"),
    ],
)
def test_wrong_texts_are_refused_with_the_right_form(kind: TimerKind, text: str, words: str) -> None:
    with pytest.raises(ValueError, match="Expected") as caught:
        validate(kind, text)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", ["PT5M", "5m", "P1H", "R3/PT1H", "R/x", "2026-01-01", "0 9 * * *", "@daily", "* * * * *"]
)
def test_texts_meant_as_times_are_told_from_expressions(text: str) -> None:
    assert is_literal(text)


@pytest.mark.parametrize("text", ["deadline", "period", "Rate", "wait_for(3)", "order['due']", "payment_due"])
def test_expressions_are_told_from_times(text: str) -> None:
    assert not is_literal(text)


# ---- whatever people write ----------------------------------------------------------------------------------------

PIECES = (
    *(
        "R",
        "R3",
        "R0",
        "/",
        "P",
        "T",
        "1",
        "12",
        "9999",
        "0001",
        "Y",
        "M",
        "W",
        "D",
        "H",
        "S",
        "-",
        "+",
        ":",
        "Z",
        ".",
        ",",
    ),
    *("[Europe/Berlin]", "[UTC]", "[Nowhere]", "[../x]", "2026-05-04", "9999-12-31", "0001-01-01", "2026-W01-1"),
    *(
        "T23:59:59",
        "T00:00",
        "T25:00",
        "+14:00",
        "-14:00",
        "+24:00",
        "P1D",
        "PT1H",
        "P7974Y",
        "P999Y",
        "PT9e9",
        "P12000M",
    ),
    *(
        "999999999999",
        "*",
        "*/5",
        "*/0",
        "1/0",
        "0 0 * * *",
        "@daily",
        "0 0 31 2 *",
        "L",
        "#",
        "MON",
        "60",
        " ",
        "\n",
        "²",
        "٣",
    ),
)


@pytest.mark.fuzz
def test_whatever_is_accepted_comes_due_at_any_time_in_any_zone() -> None:
    chance = random.Random(5)
    accepted = 0
    for _number in range(20_000):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 6)))
        for kind in TimerKind:
            try:
                validate(kind, text)
            except ValueError:
                continue
            accepted += 1
            for now in (NOW, at("2000-01-01"), at("2099-12-31T23:59:59")):
                for zone in (UTC, BERLIN, ZoneInfo("Pacific/Kiritimati")):
                    all_after(first(kind, text, now, zone))
    assert accepted > 300


def test_a_region_may_stand_in_a_cycle() -> None:
    due = first(TimerKind.CYCLE, "R2/2026-05-04T09:00[Europe/Berlin]/P1D", NOW, UTC)

    assert all_after(due) == [at("2026-05-04T07:00"), at("2026-05-05T07:00")]
