"""Clocks tell aware UTC moments; a test's clock moves by hand only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.clock import Clock, SettableClock, SystemClock


@pytest.mark.parametrize("clock", [SystemClock(), SettableClock()])
def test_now_is_aware_and_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


def test_the_system_clock_goes_on() -> None:
    clock = SystemClock()

    first = clock.now()
    assert first <= clock.now() < first + timedelta(minutes=1)


def test_a_settable_clock_stands_still_until_moved() -> None:
    clock = SettableClock(datetime(2026, 3, 1, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2026, 3, 1, tzinfo=UTC)

    clock.advance(days=1, hours=2)
    assert clock.now() == datetime(2026, 3, 2, 2, tzinfo=UTC)


def test_setting_a_clock_keeps_the_moment_in_utc() -> None:
    clock = SettableClock()
    clock.set(datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))))

    assert clock.now().isoformat() == "2026-03-01T00:00:00+00:00"


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected a moment with a time zone, but got 2026-03-01T00:00:00"):
        SettableClock().set(datetime(2026, 3, 1))  # noqa: DTZ001 -- what is refused
