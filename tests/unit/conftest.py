"""Unit tests that promise a time measure their own work."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _without_what_others_left() -> Iterator[None]:
    """Collecting garbage costs what the tests before have left in memory, a second and more: it is passed over."""
    gc.freeze()
    yield
    gc.unfreeze()
