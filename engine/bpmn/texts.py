"""Texts of a diagram -> Python source.

Plain text in a standard place (a condition, a script) is Python already. Inside ${...} or #{...} stands JUEL, the
expression language of Camunda 7, of which we translate what has one plain meaning. A camunda: attribute is literal text
but for its ${...}.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.bpmn import feel, juel, schedule
from engine.bpmn.translation import Untranslatable

MAX_CHARACTERS = 10_000
"""Of one expression or attribute."""


def expression(text: str) -> str:
    """The source of a condition or of another standard expression. Raises Untranslatable."""
    if text.lstrip().startswith("="):
        return feel_value(text)
    parts = _parts(text)
    if any(part.is_expression for part in parts):
        if len(parts) > 1:
            raise Untranslatable("Expected one ${...} around the whole expression, but there is more.", parts[1].start)
        return juel.python(parts[0].text, parts[0].start)
    source = text.strip()
    return f"(\n{source}\n)" if "\n" in source else source


def feel_value(text: str) -> str:
    """The source of an attribute of Camunda 8: literal, or FEEL behind =. Raises Untranslatable."""
    start = len(text) - len(text.lstrip()) + 1
    if not text.lstrip().startswith("="):
        return repr(literal_of_any(text))
    if len(text) > MAX_CHARACTERS:
        raise Untranslatable(f"Expected at most {MAX_CHARACTERS:,} characters, but here are {len(text):,}.")
    return feel.python(text[start:], start)


def feel_expression(text: str) -> str:
    """The source of FEEL, with = before it or without. Raises Untranslatable."""
    return feel_value(text) if text.lstrip().startswith("=") else feel.python(literal_of_any(text))


def feel_values(text: str) -> tuple[str, ...]:
    """The sources of a list with commas, or FEEL that gives one. Raises Untranslatable."""
    if text.lstrip().startswith("="):
        return (feel_value(text),)
    return tuple(repr(item.strip()) for item in literal_of_any(text).split(",") if item.strip())


def literal_of_any(text: str) -> str:
    """Raises Untranslatable when it is too long."""
    if len(text) > MAX_CHARACTERS:
        raise Untranslatable(f"Expected at most {MAX_CHARACTERS:,} characters, but here are {len(text):,}.")
    return text.strip()


def feel_literal(text: str) -> str:
    """A text that must be known at upload. Raises Untranslatable for FEEL."""
    if text.lstrip().startswith("="):
        raise Untranslatable("Expected plain text, but it is an expression.", len(text) - len(text.lstrip()))
    return literal_of_any(text)


def feel_number(text: str) -> str:
    """The source of a whole number: digits, or FEEL. Raises Untranslatable."""
    return feel_value(text) if text.lstrip().startswith("=") else whole_number(text)


def whole(text: str, read: Callable[[str, int], str]) -> str:
    """The source of a text that is one ${...}. read: translates what is inside. Raises Untranslatable."""
    parts = _parts(text)
    if len(parts) != 1 or not parts[0].is_expression:
        raise Untranslatable("Expected one ${...} around the whole expression, but there is none, or more.")
    return read(parts[0].text, parts[0].start)


def value(text: str) -> str:
    """The source of an attribute's value: literal, ${...}, or both mixed into a text. Raises Untranslatable."""
    parts = _parts(text)
    if not any(part.is_expression for part in parts):
        return repr(text.strip())
    if len(parts) == 1:
        return juel.python(parts[0].text, parts[0].start)
    return " + ".join(
        f"str({juel.python(part.text, part.start)})" if part.is_expression else repr(part.text) for part in parts
    )


class Piece(NamedTuple):
    """A stretch of a text: literal, or the Python source of what stood inside ${...}."""

    text: str
    is_source: bool = False


def pieces(text: str, longest: int = MAX_CHARACTERS) -> tuple[Piece, ...]:
    """The stretches of a text whose values are written into it one by one. Raises Untranslatable."""
    return tuple(
        Piece(juel.python(part.text, part.start), True) if part.is_expression else Piece(part.text)
        for part in _parts(text, longest)
    )


def values(text: str) -> tuple[str, ...]:
    """The sources of a list with commas; a ${...} may give one value or a list. Raises Untranslatable."""
    return tuple(value(item.text.strip()) for item in items(text))


def time(kind: schedule.TimerKind, text: str) -> str:
    """The source of a timer's text: ISO 8601 as written, ${...}, or Python that gives either. Raises Untranslatable."""
    if is_mixed(text):
        return value(text)
    try:
        schedule.validate(kind, text)
    except ValueError:
        return expression(text)
    return repr(text.strip())


def path(text: str) -> tuple[str, ...]:
    """What an assignment sets: a name, and the keys that lead to a field in it. Raises Untranslatable."""
    try:
        found = ast.parse(expression(text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        raise Untranslatable(_NO_PATH.format(text[:50])) from cause
    keys: list[str] = []
    while not isinstance(found, ast.Name):
        key, found = _field(found)
        if key is None or len(keys) == MAX_PATH:
            raise Untranslatable(_NO_PATH.format(text[:50]))
        keys.append(key)
    return (found.id, *reversed(keys))


MAX_PATH = 50
"""Keys of one path."""
_NO_PATH = 'Expected a name, or a field in it such as order.total or order["total"], but it is "{}".'


def _field(node: ast.expr) -> tuple[str | None, ast.expr]:
    """The last key of a path, and what it is a field of."""
    if isinstance(node, ast.Attribute):
        return node.attr, node.value
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value, node.value
    return None, node


def is_foreign(text: str) -> bool:
    """Whether an expression is not Python already."""
    return text.lstrip().startswith(("${", "#{", "="))


def is_mixed(text: str) -> bool:
    """Whether there is a ${...} in a text."""
    return _OPENING.search(text) is not None


def name_or_expression(text: str) -> str:
    """The source of camunda:collection: the name of a variable, or ${...}. Raises Untranslatable."""
    text = text.strip()
    if not text.startswith(("${", "#{")) and not _is_name(text):
        raise Untranslatable(f"Expected the name of a variable or ${{...}}, but it is {text!r}.")
    return expression(text)


def whole_number(text: str) -> str:
    """The source of a number: digits or ${...}. Raises Untranslatable."""
    if "{" in text:
        return value(text.strip())
    try:
        return str(int(text))
    except ValueError as cause:
        raise Untranslatable(f"Expected a whole number or ${{...}}, but it is {text!r}.") from cause


def literals(text: str) -> tuple[str, ...]:
    """A list with commas, known at upload. Raises Untranslatable for ${...}."""
    return tuple(item.strip() for item in literal(text).split(",") if item.strip())


def literal(text: str) -> str:
    """A text that must be known at upload. Raises Untranslatable for ${...}."""
    for part in _parts(text):
        if part.is_expression:
            raise Untranslatable("Expected plain text, but it has an expression.", part.start)
    return text.strip()


class _Part(NamedTuple):
    """A stretch of a text: literal, or what stands inside ${...}; start counts in the whole text."""

    text: str
    start: int
    is_expression: bool


def _parts(text: str, longest: int = MAX_CHARACTERS) -> list[_Part]:
    """The stretches of a text, without the spaces around it."""
    if len(text) > longest:
        raise Untranslatable(f"Expected at most {longest:,} characters, but here are {len(text):,}.")
    start = len(text) - len(text.lstrip())
    text = text.rstrip()
    parts: list[_Part] = []
    while start < len(text):
        opening = _OPENING.search(text, start)
        literal_end = opening.start() if opening else len(text)
        if literal_end > start:
            parts.append(_Part(text[start:literal_end], start, False))
        start = _closing(text, opening) if opening else len(text)
        if opening:
            parts.append(_Part(text[opening.end() : start - 1], opening.end(), True))
    return parts


def _closing(text: str, opening: re.Match[str]) -> int:
    """The index after the brace that closes ${; braces inside quotes do not count."""
    body = _BODY.match(text, opening.end())
    assert body is not None  # it matches the empty text too
    if not text.startswith("}", body.end()):
        raise Untranslatable(f"Expected a }} that closes {opening.group()}, but there is none.", opening.start())
    return body.end() + 1


_OPENING = re.compile(r"[$#]\{")
_BODY = re.compile(r"""(?:[^}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*""", re.DOTALL)


def items(text: str) -> Iterator[_Part]:
    """The stretches between commas that stand outside ${...}."""
    start, item = 0, ""
    for part in _parts(text):
        if part.is_expression:
            item += f"${{{part.text}}}"
            continue
        *ended, last = part.text.split(",")
        for piece in ended:
            yield from _item(item + piece, start)
            item, start = "", part.start
        item += last
    yield from _item(item, start)


def _item(text: str, start: int) -> Iterator[_Part]:
    if text.strip():
        yield _Part(text, start, False)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def script(text: str) -> str:
    """A script without the indentation that the XML around it brought along."""
    dedented = textwrap.dedent(text).strip()
    try:
        ast.parse(dedented)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return inspect.cleandoc(text)  # the first line stands right behind <script>
    return dedented
