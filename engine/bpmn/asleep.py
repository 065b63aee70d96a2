"""Parts of an instance that a command has not asked for: they stay bytes until it names something in them.

So what happens beside a thousand instances of an activity costs what it costs beside ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from engine.errors import Conflict, Newer

MARK = b'{"asleep":'
"""How a part begins that may sleep, before the number of its tokens."""


class Unreadable(Conflict):
    """The stored state was written by a newer program, or does not fit the definition."""


class WrittenLater(Unreadable, Newer):
    """By a newer program: it can go on with it."""


def holder_of(part: str) -> str:
    """The token that a part hangs on: the activity it is the inside of, or the body of the loop; "": none."""
    return part.partition(":")[0]


class Asleep:
    def __init__(self, workflow: Any, parts: Mapping[str, bytes], load: Callable[[str, bytes], None]) -> None:
        """load: makes the tokens of one part; what it hangs on is awake by then."""
        self._workflow = workflow
        self.parts = dict(parts)
        self._load = load

    @property
    def tokens(self) -> int:
        """How many there are."""
        return sum(int(part[len(MARK) : part.index(b",")]) for part in self.parts.values())

    def wake(self, name: str) -> None:
        """Load a part, with those that it hangs on."""
        if name not in self.parts:
            return
        chain = [name]
        while self._workflow.awake(UUID(hex=holder_of(chain[-1]))) is None:
            chain.append(self._with_row(holder_of(chain[-1]), but=chain))
        for each in reversed(chain):
            self._load(each, self.parts.pop(each))

    def wake_token(self, token_id: str) -> None:
        """Load the part that a token is in, if any is."""
        for name in self._having(token_id)[:1]:
            self.wake(name)

    def wake_below(self, body: str) -> None:
        """Load the instances of a repeated activity."""
        self._wake_all(name for name in self.parts if name.startswith(f"{body}:"))

    def wake_saying(self, **told: str) -> None:
        """Load the parts that hold each of these names with its value, as the waits of a token do."""
        texts = [orjson.dumps({name: value})[1:-1] for name, value in told.items()]
        self._wake_all(name for name, part in self.parts.items() if all(text in part for text in texts))

    def wake_all(self) -> None:
        self._wake_all(self.parts)

    def _wake_all(self, names: Iterable[str]) -> None:
        """Instances of one activity in their order, whatever the order of the parts."""
        for name in sorted(names, key=lambda name: (len(name), name)):
            self.wake(name)

    def _with_row(self, token_id: str, but: list[str]) -> str:
        found = [name for name in self._having(token_id) if name not in but]
        if not found:
            raise Unreadable(f"Expected a token {token_id}, but there is none.")
        return found[0]

    def _having(self, token_id: str) -> list[str]:
        """The parts with a row of that token. (What is to be undone begins alike, with the name of a part.)"""
        row = f'["{token_id}",'.encode()
        found = [name for name, part in self.parts.items() if row in part]
        return [name for name in found if self.parts[name].count(row) > self.parts[name].count(row + b"{")]
