"""What a word of another engine's language is: executed, of no consequence, or something that has to be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from engine.bpmn.texts import expression, name_or_expression, value, values, whole_number


class Effect(StrEnum):
    """What becomes of a word."""

    MAPPED = "mapped"  # executed
    HARMLESS = "harmless"  # ignored, and nothing runs differently for it
    IGNORED = "ignored"  # it would mean something elsewhere, or nobody knows it: worth a warning
    CHANGE = "must change"  # refused


Reader = Callable[[str], str | tuple[str, ...]]
"""Text -> a Python source, several of them, or plain text. Raises Untranslatable."""
GIVING_SOURCES: set[Reader] = {value, values, whole_number, name_or_expression, expression}
"""The readers that give Python; the others give plain text."""


@dataclass(frozen=True, slots=True)
class Word:
    """An attribute, or an extension element with its attributes."""

    effect: Effect
    told: str
    """What it becomes; why it is harmless; what to do instead."""
    places: frozenset[str] = frozenset()
    """The tags of the elements where it has this meaning; none: all."""
    term: str = ""
    """The field of Terms."""
    read: Reader | None = None
    attributes: Mapping[str, Word] = field(default_factory=dict)
    """Of an element: those with a meaning of their own."""

    def fits(self, tag: str) -> bool:
        return not self.places or tag in self.places


Words = Mapping[str, tuple[Word, ...]]
"""Name without prefix -> its meanings, of which the first that fits the element counts."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one tool writes beside the standard."""

    tool: str
    prefix: str
    namespace: str
    attributes: Words
    elements: Words
    """Inside extensionElements."""
    unknown: Effect
    """What becomes of words that are not listed."""

    def meaning(self, words: Words, name: str, tag: str) -> Word:
        """Of a word at an element of such a tag."""
        known = words.get(name, ())
        if not known:
            return Word(self.unknown, self._near(words, name, tag) or _UNHEARD[self.unknown])
        nowhere = Word(Effect.IGNORED, "It has no meaning at this element. Delete it.")
        return next((word for word in known if word.fits(tag)), nowhere)

    def _near(self, words: Words, name: str, tag: str) -> str:
        """A question after the word that may be meant; "" when none is near."""
        fitting = [known for known, meanings in words.items() if any(word.fits(tag) for word in meanings)]
        near = get_close_matches(name[:60], fitting, n=1, cutoff=0.8)
        return f'Did you mean "{self.prefix}:{near[0]}"?' if near else ""


_UNHEARD = {
    Effect.IGNORED: "Delete it.",
    Effect.CHANGE: "Write it in standard BPMN, or with the words of Camunda 7.",
}


def mapped(told: str, *places: str, term: str = "", read: Reader | None = None, **attributes: Word) -> Word:
    return Word(Effect.MAPPED, told, frozenset(places), term, read, attributes)


def harmless(told: str, *places: str) -> Word:
    return Word(Effect.HARMLESS, told, frozenset(places))


def change(told: str, *places: str) -> Word:
    return Word(Effect.CHANGE, told, frozenset(places))
