"""The rules that only form-js knows, checked again: they are read from the components of the form's schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import gcd

from engine.bpmn.forms import patterns
from engine.bpmn.forms.properties import count, is_said, number
from engine.model import Json
from engine.model.forms import Field, Form, Option

Component = Mapping[str, Json]


class Wrong(Exception):
    """A value breaks a rule; the text says which."""


@dataclass(frozen=True)
class Circumstances:
    """What a rule may ask besides the value."""

    zone: tzinfo = UTC
    """Where days begin, and moments are meant that name no zone."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    known: Callable[[], Mapping[str, Json]] = dict
    """Reads the variables that the page showed; asked only where choices come out of one."""
    searches: patterns.Searches = field(default_factory=patterns.Searches)

    @cached_property
    def variables(self) -> Mapping[str, Json]:
        return self.known()

    def fits(self, pattern: str, text: str) -> bool:
        """Raises Wrong when that cannot be told in time."""
        try:
            return self.searches.is_match(pattern, text)
        except patterns.TooSlow as cause:
            raise Wrong("The text could not be checked in time. Shorten it, or ask for a simpler pattern.") from cause


def components(form: Form) -> dict[str, Component]:
    """Key -> component, those in groups too."""
    return {str(found["key"]): found for found in _within(form.schema) if "key" in found}


def _within(part: Component) -> Iterator[Component]:
    for component in part.get("components") or ():
        yield component
        yield from _within(component)


def check(component: Component, found: Json, around: Circumstances) -> None:
    """Raises Wrong for a value that breaks one of the component's rules."""
    said = {**component, **(component.get("validate") or {})}
    for name, fault_of in _FAULTS.items():
        fault = fault_of(said, found, around) if is_said(said.get(name)) else None
        if fault is not None:
            raise Wrong(fault)


def _digits(said: Component, found: Json, around: Circumstances) -> str | None:
    most, written = count(said["decimalDigits"]) or 0, f"{Decimal(str(found)):f}"
    is_short = len(written.partition(".")[2].rstrip("0")) <= most
    return None if is_short else f"Expected at most {most} digits after the point, but it is {found}."


def _increment(said: Component, found: Json, around: Circumstances) -> str | None:
    """Counted from 0, whatever the least value is."""
    is_multiple = Fraction(str(found)) % Fraction(str(number(said["increment"]))) == 0
    return None if is_multiple else f"Expected a multiple of {said['increment']}, but it is {found}."


_ZONES_DIFFER = 15
"""Minutes. Sent in UTC, full hours of India or Nepal are no full hours; no zone is off by less."""


def _interval(said: Component, found: Json, around: Circumstances) -> str | None:
    if not isinstance(found, str | datetime):
        return None
    at = time.fromisoformat(found) if isinstance(found, str) else found
    step = int(said["timeInterval"])
    told = gcd(step, _ZONES_DIFFER) if said.get("timeSerializingFormat") == "utc_normalized" else step
    is_offered = at.minute % told == 0 and at.second == at.microsecond == 0
    return None if is_offered else f"Expected a time in steps of {step} minutes, but it is {at:%H:%M:%S}."


def _passed(said: Component, found: Json, around: Circumstances) -> str | None:
    """Today is no passed day, whatever the time."""
    if not isinstance(found, date):
        return None
    day = found.astimezone(around.zone).date() if isinstance(found, datetime) else found
    today = around.now.astimezone(around.zone).date()
    return f"Expected {today} or a later day, but it is {day}." if day < today else None


def _well_known(said: Component, found: Json, around: Circumstances) -> str | None:
    pattern, fault = _WELL_KNOWN.get(said["validationType"], ("", ""))
    return None if around.fits(pattern, str(found)) else fault


_WELL_KNOWN = {
    "email": (patterns.EMAIL, "Expected an e-mail address such as ana@example.org."),
    "phone": (patterns.PHONE, "Expected a phone number with its country and without spaces, such as +4930123456."),
}

_FAULTS: Mapping[str, Callable[[Component, Json, Circumstances], str | None]] = {
    "decimalDigits": _digits,
    "increment": _increment,
    "timeInterval": _interval,
    "disallowPassedDates": _passed,
    "validationType": _well_known,
}
"""Property -> what is wrong with a value that is there; None when nothing is."""


# ---- choices out of a variable -------------------------------------------------------------------------------------


def with_choices(asked: Field, component: Component, around: Circumstances) -> Field:
    """The field with the options that the page took from a variable. Raises Wrong when there are none."""
    name = str(component.get("valuesKey") or "")
    if not name:
        return asked
    if name not in around.variables:
        raise Wrong(f'Expected a variable "{name}" with the choices, but there is none. Tell who drew the form.')
    listed = around.variables[name]
    options = tuple(_options(listed)) if isinstance(listed, list) else ()
    if not options:
        raise Wrong(f'Expected the variable "{name}" to be a list of choices, but it is not. Tell who drew the form.')
    return replace(asked, options=options)


_PLAIN = (str, int, float, Decimal, date, time)


def _options(listed: list[Json]) -> Iterator[Option]:
    """Each {label, value} or plain value; the page leaves others out, too."""
    for each in listed:
        value = each.get("value") if isinstance(each, dict) else each
        if isinstance(value, _PLAIN) and value != "":
            yield Option(value, str(each.get("label") or value) if isinstance(each, dict) else str(value))
