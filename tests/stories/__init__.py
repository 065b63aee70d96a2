"""Stories of whole diagrams: the library and the browser play the same ones."""

from __future__ import annotations

from tests.stories import modelers, trades

STORIES = [*trades.STORIES, *modelers.STORIES]
