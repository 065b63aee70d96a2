"""Names: of variables, which an expression can read, and of the parts of an event with several triggers."""

from __future__ import annotations

import keyword
import unicodedata

LONGEST = 255
"""Characters; what a row can hold."""
RULE = "Use letters, digits and _, a letter first."


def is_variable(name: str) -> bool:
    """Python reads letters in their plainest form only, and keeps names with two lines before them for itself."""
    return (
        name.isidentifier()
        and not name.startswith("__")
        and len(name) <= LONGEST
        and unicodedata.normalize("NFKC", name) == name
    )


def advice(name: str) -> str:
    """What to write instead of a name that no variable may have."""
    return f"{RULE[:-1]}, as in {variable_from(name)[:50].lower()}." if name else RULE


def part(element_id: str, number: int) -> str:
    """One of the triggers of an event that has several (no XML id has a #)."""
    return f"{element_id}#{number}"


def element_of(part: str) -> str:
    """The event that has such a trigger; of any other element its own id."""
    return part.partition("#")[0]


def choice_variable(gateway_id: str, gateway_name: str) -> str:
    """Where the choice at a gateway without conditions is kept: people read it, so it bears the gateway's name."""
    told = variable_from(gateway_name).strip("_").lower()[:100] if gateway_name else ""
    return f"{told}_choice" if told.isidentifier() else variable_from(gateway_id)


def variable_from(text: str) -> str:
    """A name for a variable, made of the id or name of an element."""
    plain = unicodedata.normalize("NFKC", text)
    name = "".join(letter if f"_{letter}".isidentifier() else "_" for letter in plain)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}"


COUNTERS = frozenset(
    {
        "activationCount",
        "loopCounter",
        "nrOfActiveInstances",
        "nrOfCompletedInstances",
        "nrOfInstances",
        "waitingForStart",
    }
)
"""Variables that repeated activities and complex gateways set for the expressions inside."""
