"""ISO 8601 dates, durations and cycles, and cron expressions -> when a timer fires. Pure: no clock of its own.

Years, months, weeks and days follow the calendar of the zone (P1D from 09:00 is 09:00 tomorrow, though the clocks may
change); hours, minutes and seconds are elapsed time. A repetition keeps its grid: it is counted from its start, so late
firings do not push it on, and P1M from 31 January comes to 28 February and 31 March.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError


class TimerKind(StrEnum):
    DATE = "date"
    DURATION = "duration"
    CYCLE = "cycle"


class CatchUp(StrEnum):
    """What becomes of the turns of a cycle that came while nothing ran. A limited repetition counts what has fired."""

    ALL = "all"  # each fires, one after the other
    ONCE = "once"  # the first fires late and makes up for the rest
    SKIP = "skip"  # none fires


@dataclass(frozen=True, slots=True)
class Due:
    """When a timer fires next."""

    at: datetime
    remaining: int | None
    """Firings that follow this one; None: no end."""
    interval: str | None
    """What `following` needs to know, opaque to others; None when nothing follows."""


def first(kind: TimerKind, text: str, now: datetime, zone: tzinfo) -> Due:
    """When a timer that begins to wait now fires for the first time; a date in the past is due at once.

    zone: where dates are meant that name none. Raises ValueError in an analyst's words.
    """
    return _FIRST[kind](text.strip(), now.astimezone(zone))


def following(due: Due, now: datetime, catch_up: CatchUp = CatchUp.ONCE) -> Due | None:
    """The firing after `due`, which has just fired, perhaps late; None when that was the last. Always on the grid.

    ONCE: firings missed meanwhile are made up for by the one that came late, and the next is in the future.
    ALL: the next may be past, too.
    A limited repetition counts the firings that took place; one with an end stops at its end.
    """
    moment = due.at if catch_up is CatchUp.ALL else max(due.at, now)
    return None if due.remaining == 0 else _after_moment(due, moment, _one_less(due.remaining))


def skipping(due: Due, now: datetime) -> Due | None:
    """The firing to wait for when `due` is passed over: the first that is not past. None when no more come."""
    return _after_moment(due, max(due.at, now - timedelta.resolution), due.remaining)


def is_missed(due: Due, now: datetime) -> bool:
    """Whether a firing of a cycle is later than a worker that runs would be: a minute late, or the next is due."""
    next_one = _after_moment(due, due.at, None)
    return now - due.at > LATE or (next_one is not None and next_one.at <= now)


def _after_moment(due: Due, moment: datetime, remaining: int | None) -> Due | None:
    if due.interval is None:
        return None
    rule, anchor, step = due.interval.split(" ", 2)
    at, left = _FOLLOWING[rule](anchor, step, moment)
    return None if at is None else Due(at, remaining if left is None else left, due.interval)


def validate(kind: TimerKind, text: str) -> None:
    """Raises ValueError in an analyst's words, with the right form."""
    first(kind, text, _ANY_TIME, UTC)


def told(cause: ValueError) -> tuple[str, str]:
    """What is wrong with a time, and what to write; "" when that is not known."""
    sentences = _SENTENCES.match(str(cause))
    return (sentences[1], sentences[2]) if sentences else (str(cause), "")


_SENTENCES = re.compile(r"(.*['\")]\.) ([A-Z].*)\Z", re.DOTALL)
"""What is wrong ends with the text that is."""


def length(text: str) -> timedelta:
    """Of a duration; a month has 31 days. Raises ValueError."""
    return _after(_duration(text), _ANY_TIME, text) - _ANY_TIME


def is_literal(text: str) -> bool:
    """Whether a text is meant as a date, duration or cycle (right or wrong), and not as an expression."""
    return _LITERAL.match(text.strip()) is not None


LATE = timedelta(minutes=1)
"""More than a worker that runs is late for a timer."""
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)
_LITERAL = re.compile(r"\d|[*@]|[-+]?P[\dTYMWDHS.,]*\Z|R-?\d*/|R+-?\d*/?PT?\d|PT?\d[\dTYMWDHS.,]*/", re.IGNORECASE)


# ---- dates ---------------------------------------------------------------------------------------------------------

_DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d(?:-\d)?|\d{4}W\d\d\d?)"
    r"(?P<time>T\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?"
    r"(?:\[(?P<region>[A-Za-z0-9_+/-]{1,60})\])?\Z"
)
_YEARS = range(1000, 9001)
"""Far enough from the ends of the calendar for every zone and one duration more."""
_DATE_FORM = "a date such as 2026-05-04, 2026-05-04T17:00 or 2026-05-04T17:00:00+02:00"


def _date(text: str, zone: tzinfo) -> datetime:
    """The moment, in the zone that the text names, else in the given one."""
    found = _DATE.match(text)
    if found is None:
        raise ValueError(_refusal(_DATE_FORM, text, _date_hint(text)))
    try:
        at = datetime.fromisoformat(found["day"] + (found["time"] or ""))
        region = ZoneInfo(found["region"]) if found["region"] else None
    except (ValueError, OSError, KeyError) as cause:
        raise ValueError(f"Expected {_DATE_FORM}, but {text!r} does not exist ({cause}).") from cause
    if at.year not in _YEARS:
        raise ValueError(f"Expected a year from {_YEARS[0]} to {_YEARS[-1]}, but it is {text!r}.")
    if at.tzinfo is None:
        return at.replace(tzinfo=region or zone)
    return at.astimezone(region) if region else at


def _date_hint(text: str) -> str:
    if re.match(r"[PR]", text, re.IGNORECASE):
        return "Make it a timer of type Duration (timeDuration), or Cycle (timeCycle) for a repetition."
    spaced = re.sub(r"(?<=\d)[ ,]+(?=\d)", "T", text)
    if _DATE.match(spaced):
        return f"Write {spaced}."
    day = re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:[ ,]+(\d{1,2}:\d\d))?", text)
    time = f"T{day[4]:0>5}" if day and day[4] else ""
    return f"Write {day[3]}-{day[2]:0>2}-{day[1]:0>2}{time}." if day else ""


def _once_at(text: str, now: datetime) -> Due:
    return Due(_date(text, now.tzinfo or UTC).astimezone(UTC), 0, None)


def _refusal(form: str, text: str, hint: str) -> str:
    return f"Expected {form}, but it is {text!r}.{' ' if hint else ''}{hint}"


# ---- durations -----------------------------------------------------------------------------------------------------


class _Duration(NamedTuple):
    """Calendar months and days, and elapsed seconds; never negative."""

    months: int
    days: int
    seconds: float

    def after(self, start: datetime, times: int = 1) -> datetime | None:
        """The start and so many times the duration; None beyond the calendar."""
        month = start.year * 12 + start.month - 1 + self.months * times
        try:
            day = min(start.day, calendar.monthrange(month // 12, month % 12 + 1)[1])
            moved = start.replace(year=month // 12, month=month % 12 + 1, day=day) + timedelta(self.days * times)
            return moved.astimezone(UTC) + timedelta(seconds=self.seconds * times)
        except (OverflowError, ValueError):
            return None


_NUMBER = r"(\d{1,12}(?:[.,]\d{1,9})?)"
_DURATION = re.compile(
    rf"P(?=T?\d)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?\Z"
)
_DURATION_FORM = "a duration such as PT15M, PT2H or P3D"
LONGEST = timedelta(days=1_000 * 366)
"""A thousand years from now are a date, whenever that is."""


def _duration(text: str) -> _Duration:
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(_refusal(_DURATION_FORM, text, _duration_hint(text)))
    years, months, weeks, days, hours, minutes, seconds = (
        float((group or "0").replace(",", ".")) for group in found.groups()
    )
    months += years * 12
    if months != int(months):
        raise ValueError(f"Expected whole months, but it is {text!r}. Write the part of a month in days.")
    days += weeks * 7
    elapsed = (days - int(days)) * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if months * 31 + days + elapsed / 86_400 > LONGEST.days:
        raise ValueError(f"Expected at most a thousand years, but it is {text!r}.")
    return _Duration(int(months), int(days), elapsed)


def _duration_hint(text: str) -> str:
    if text.startswith("-"):
        return "A timer cannot wait a negative time."
    if re.match(r"R\d*/", text):
        return "A repetition belongs into timeCycle."
    if _DATE.match(text):
        return "A date belongs into timeDate."
    meant = next((form for form in _corrections(text) if _DURATION.match(form)), None)
    return f"Write {meant}." if meant else ""


_WORDS = {"s": "S", "sec": "S", "second": "S", "m": "M", "min": "M", "minute": "M", "h": "H", "hour": "H"}
_DAY_WORDS = {"d": "D", "day": "D", "w": "W", "week": "W", "month": "M", "y": "Y", "year": "Y"}


def _corrections(text: str) -> list[str]:
    """What may have been meant: other case, the T forgotten or misplaced, or plain words."""
    upper = text.upper().replace(" ", "")
    days_after_t = re.fullmatch(r"PT(\d+D)(.+)", upper)
    forms = [upper, upper.replace("P", "PT", 1), upper.replace("PT", "P", 1), f"P{upper}", upper.removesuffix("T")]
    forms += [f"P{days_after_t[1]}T{days_after_t[2]}"] if days_after_t else []
    words = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*([a-z]+?)s?", text.lower())
    if words:
        number, word = words.groups()
        forms.insert(0, f"PT{number}{_WORDS[word]}" if word in _WORDS else f"P{number}{_DAY_WORDS.get(word, '')}")
    return forms


def _once_after(text: str, now: datetime) -> Due:
    return Due(_after(_duration(text), now, text), 0, None)


def _after(duration: _Duration, start: datetime, text: str, times: int = 1) -> datetime:
    at = duration.after(start, times)
    if at is None:
        raise ValueError(f"Expected a moment before the year 9999, but {text!r} is later.")
    return at


# ---- cycles --------------------------------------------------------------------------------------------------------

_CYCLE_FORM = "a cycle such as R3/PT10M, R/P1D, R5/2026-05-04T09:00/P1W or a cron expression"
_REPEAT = re.compile(r"R(\d{0,9})/(.+)\Z", re.DOTALL)
_SLASH = re.compile(r"/(?![^\[]*\])")
"""Not the one in [Europe/Berlin]."""


def _cycle(text: str, now: datetime) -> Due:
    repeat = _REPEAT.match(text)
    if repeat is None:
        return _cron_cycle(text, now)
    times = int(repeat[1]) if repeat[1] else None
    if times == 0:
        raise ValueError(f"Expected one repetition or more, but it is {text!r}. Write R1/..., or R/... for no end.")
    match _SLASH.split(repeat[2]):
        case [length]:
            return _from_now(length, now, times)
        case [length, end] if length.startswith("P"):
            return _until(length, _date(end, _zone_of(now)), now, times)
        case [start, length] if length.startswith("P"):
            return _from_start(_date(start, _zone_of(now)), length, now, times)
        case [start, end]:
            begin = _date(start, _zone_of(now))
            seconds = (_date(end, _zone_of(now)) - begin).total_seconds()
            return _from_start(begin, f"PT{max(0, seconds):f}S", now, times)
    raise ValueError(_refusal(_CYCLE_FORM, text, ""))


def _from_now(length: str, now: datetime, times: int | None) -> Due:
    return Due(_after(_step(length), now, length), _one_less(times), f"from {_written(now)} {length}")


def _from_start(start: datetime, length: str, now: datetime, times: int | None) -> Due:
    """Firings before now are over; when all are, the last is due at once."""
    step = _step(length)
    passed = _smallest(lambda count: (at := step.after(start, count)) is None or at >= now)
    if times is not None:
        passed = min(passed, times - 1)
    at = _after(step, start, length, passed)
    return Due(at, None if times is None else times - 1 - passed, f"from {_written(start)} {length}")


def _until(length: str, end: datetime, now: datetime, times: int | None) -> Due:
    """The last firing is at the end and the others before it; when the end is over it is due at once."""
    left = max(0, _left_until(_step(length), end, now))
    if times is not None:
        left = min(left, times - 1)
    return Due(_after(_step(length), end, length, -left), left, f"until {_written(end)} {length}")


def _left_until(step: _Duration, end: datetime, moment: datetime) -> int:
    """Firings before the end and after the moment; -1 when even the end is not after it."""
    return _smallest(lambda count: (at := step.after(end, -count)) is None or at <= moment) - 1


def _next_from(anchor: str, length: str, moment: datetime) -> tuple[datetime | None, int | None]:
    start, step = _date(anchor, UTC), _step(length)
    return step.after(start, _smallest(lambda count: (at := step.after(start, count)) is None or at > moment)), None


def _next_until(anchor: str, length: str, moment: datetime) -> tuple[datetime | None, int | None]:
    end, step = _date(anchor, UTC), _step(length)
    left = _left_until(step, end, moment)
    return (step.after(end, -left), left) if left >= 0 else (None, None)


def _step(length: str) -> _Duration:
    step = _duration(length)
    if not step.months and step.days * 86_400 + step.seconds < 1:
        raise ValueError(f"Expected at least one second between repetitions, but it is {length!r}.")
    return step


def _one_less(times: int | None) -> int | None:
    return None if times is None else times - 1


def _smallest(holds: Callable[[int], bool]) -> int:
    """The smallest count from 0 on for which something holds that, once true, stays true."""
    high = 1
    while not holds(high - 1):
        high *= 2
    return bisect_left(range(high - 1), True, key=holds)


def _zone_of(now: datetime) -> tzinfo:
    return now.tzinfo or UTC


def _written(at: datetime) -> str:
    """A moment as text that keeps its zone (RFC 9557)."""
    return f"{at.isoformat()}[{at.tzinfo.key}]" if isinstance(at.tzinfo, ZoneInfo) else at.isoformat()


# ---- cron ----------------------------------------------------------------------------------------------------------

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * SUN",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_BY_NAME = "Write weekdays by name (MON-FRI): with six fields their numbers mean different days in different tools."


_IN_ZONE = re.compile(r"(?P<fields>.*?)\s*\[(?P<region>[A-Za-z0-9_+/-]{1,60})\]\Z", re.DOTALL)


def _cron_cycle(text: str, now: datetime) -> Due:
    """In the zone that the text names behind it ("0 9 * * * [Europe/Berlin]"), else in that of now."""
    named = _IN_ZONE.match(text)
    if named:
        text, now = named["fields"], now.astimezone(_region(named["region"]))
    fields = _cron_fields(text)
    try:
        at = next(CronSim(fields, now))
    except (CronSimError, StopIteration) as cause:
        raise ValueError(_refusal(_CYCLE_FORM, text, f"{cause}." if str(cause) else "No day is like that.")) from cause
    zone = now.tzinfo.key if isinstance(now.tzinfo, ZoneInfo) else now.isoformat()[-6:]
    return Due(at.astimezone(UTC), None, f"cron {zone} {fields}")


def _region(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as cause:
        raise ValueError(f"Expected a time zone such as Europe/Berlin, but {name!r} does not exist.") from cause


def _next_cron(zone: str, fields: str, moment: datetime) -> tuple[datetime | None, int | None]:
    named = datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo if zone[0] in "+-" else ZoneInfo(zone)
    at = next(CronSim(fields, moment.astimezone(named)), None)
    return (None if at is None else at.astimezone(UTC)), None


def _cron_fields(text: str) -> str:
    """Five fields, or six with seconds first, as our library reads them."""
    fields = _MACROS.get(text.lower(), text).upper().split()
    if len(fields) == 7 and fields[6] == "*":
        del fields[6]
    if len(fields) not in (5, 6):
        raise ValueError(_refusal(_CYCLE_FORM, text, _cycle_hint(text)))
    day, weekday = fields[-3], fields[-1]
    if len(fields) == 6 and re.search(r"(?<!#)\d", weekday.partition("/")[0]):
        raise ValueError(_refusal(_CYCLE_FORM, text, _BY_NAME))
    if len(fields) == 6 and not {"*", "?"} & {day, weekday}:
        raise ValueError(_refusal(_CYCLE_FORM, text, "Write ? for the day of the month or for the day of the week."))
    fields[-1] = re.sub(r"\b([A-Z]{3})L\b", lambda last: f"{_WEEKDAYS.get(last[1], last[1])}L", weekday)
    return " ".join(fields).replace("?", "*")


_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}


def _cycle_hint(text: str) -> str:
    if _DURATION.match(text):
        return f"To repeat write R/{text}; to wait once use timeDuration."
    if _DATE.match(text):
        return "A date belongs into timeDate."
    fields = text.split()
    if len(fields) in (3, 4) and re.match(r"[\d*][\d*?,/\sA-Za-z-]+\Z", text):
        return f"A cron expression has five fields (minute, hour, day, month, weekday), but here are {len(fields)}."
    repeat = _REPEAT_AND_LENGTH.match(text)
    times, length = (repeat["times"] or "", repeat["length"]) if repeat else ("", text.rpartition("/")[2])
    if _DURATION.match(length.upper()):
        return f"Write R{times}/{length.upper()}."
    hint = _duration_hint(length)
    return hint.replace("Write P", f"Write R{times}/P") if hint.startswith("Write") else ""


_REPEAT_AND_LENGTH = re.compile(r"R*-?(?P<times>\d+)?\s*/?\s*(?P<length>P[\dTYMWDHS.,]+)\Z", re.IGNORECASE)
"""A repetition that was nearly right."""


_FIRST: dict[TimerKind, Callable[[str, datetime], Due]] = {
    TimerKind.DATE: _once_at,
    TimerKind.DURATION: _once_after,
    TimerKind.CYCLE: _cycle,
}
_FOLLOWING: dict[str, Callable[[str, str, datetime], tuple[datetime | None, int | None]]] = {
    "from": _next_from,
    "until": _next_until,
    "cron": _next_cron,
}
"""First word of an interval -> the firing after a moment, and how many are left after that when the rule knows."""
