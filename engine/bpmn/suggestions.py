"""Names that are nearly right: what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

MOST_COMPARED = 500
"""Looking for similar names among many is slow."""
LONGEST_COMPARED = 60
"""Characters."""
NEAR = 0.75
"""How much of two names is alike where one is taken for the other."""


def near_name(name: str, known: Iterable[str]) -> str:
    """A question after the name that may be meant; "" when none is near. Case counts for nothing."""
    near = nearest(name, known)
    return f'Did you mean "{near}"?' if near else ""


def nearest(name: str, known: Iterable[str], *, cutoff: float = NEAR) -> str:
    """The most similar of some names; "" when none is."""
    by_small = {each.lower(): each for each in islice(sorted(known), MOST_COMPARED)}
    found = get_close_matches(name.lower()[:LONGEST_COMPARED], list(by_small), n=1, cutoff=cutoff)
    return by_small[found[0]] if found else ""
