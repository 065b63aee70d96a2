"""What a list page reads from its address: where it starts, and choices from closed sets."""

from __future__ import annotations

from collections.abc import Collection

from flask import request

PAGE_SIZE = 50
LARGEST_OFFSET = 10_000
"""Nobody pages further, and what lies before the stretch has to be read."""


def offset() -> int:
    """Where the stretch begins; nonsense counts as the beginning."""
    asked = request.args.get("offset", 0, type=int)
    return min(max(asked, 0), LARGEST_OFFSET)


def choice(name: str, allowed: Collection[str], default: str) -> str:
    asked = request.args.get(name, default)
    return asked if asked in allowed else default


def text(name: str) -> str | None:
    """A search text, None when nothing was typed."""
    return request.args.get(name, "").strip()[:200] or None
