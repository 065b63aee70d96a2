"""Parsed definitions, kept once per version and shared by all instances and threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from engine.bpmn.process import Process

SIZE = 200


class DefinitionCache:
    """The definitions used last, by id. Parsing twice at once is harmless; the second result wins."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._kept: OrderedDict[int, Process] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, definition_id: int, parse: Callable[[], Process]) -> Process:
        with self._lock:
            found = self._kept.get(definition_id)
            if found is not None:
                self._kept.move_to_end(definition_id)
                return found
        made = parse()
        with self._lock:
            self._kept[definition_id] = made
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made
