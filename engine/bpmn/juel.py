"""JUEL, the expression language of Camunda 7 (inside ${...}) -> Python source, for what has one plain meaning.

Names, literals, operators, comparison, logic, ? :, properties and indexes are translated; calls are not.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from math import inf
from typing import NamedTuple

MAX_NESTING = 40
"""Brackets within brackets in one expression."""
MAX_DIGITS = 300


class Untranslatable(ValueError):
    """The text has no plain meaning here. offset: the character where that shows, from 0."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Source(NamedTuple):
    """A piece of Python; an atom needs no brackets around it."""

    text: str
    is_atom: bool = True
    chain: int | None = None
    """The level of the operators it is a chain of, a + b - c: one more may follow without brackets."""

    @property
    def bracketed(self) -> str:
        return self.text if self.is_atom else f"({self.text})"


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign>\|\||&&|[=!<>]=|[-+*/%<>!?:.,()\[\]])",
    re.DOTALL,
)
_BINARY = (
    {"||": "or", "or": "or"},
    {"&&": "and", "and": "and"},
    {"==": "==", "eq": "==", "!=": "!=", "ne": "!="},
    {"<": "<", "lt": "<", ">": ">", "gt": ">", "<=": "<=", "le": "<=", ">=": ">=", "ge": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "div": "/", "%": "%", "mod": "%"},
)
"""JUEL's operators and Python's, the loosest first."""
_CHAINS = (0, 1, 4, 5)
"""Levels whose operators mean the same in a row; a == b == c does not."""
_UNARY: dict[str, Callable[[str], str]] = {
    "!": "not {}".format,
    "not": "not {}".format,
    "-": "-{}".format,
    "empty": '{} in (None, "", [], {{}})'.format,
}
_METHODS: dict[str, tuple[int, Callable[..., str]]] = {
    "size": (0, "len({})".format),
    "length": (0, "len({})".format),
    "isEmpty": (0, "len({}) == 0".format),
    "contains": (1, "{1} in {0}".format),
    "equals": (1, "{} == {}".format),
    "toString": (0, "str({})".format),
    "toLowerCase": (0, "{}.lower()".format),
    "toUpperCase": (0, "{}.upper()".format),
    "trim": (0, "{}.strip()".format),
    "startsWith": (1, "{}.startswith({})".format),
    "endsWith": (1, "{}.endswith({})".format),
}
"""Method -> how many values it takes, and what it is in Python."""
_LITERALS = {"true": "True", "false": "False", "null": "None"}
_RESERVED = {"instanceof"} | {word for words in (*_BINARY, _UNARY) for word in words if word.isalpha()}
_UNKNOWN_OBJECTS = {"execution", "delegateExecution", "delegateTask"}
_HINTS = {
    "=": "A single = sets a value; compare with ==.",
    "&": "Write && or and.",
    "|": "Write || or or.",
    ";": "Write one expression only.",
    "{": "Maps and nested ${...} are not translated.",
}


def python(text: str, start: int = 0) -> str:
    """Translate the inside of ${...}; start is where it begins in the whole text. Raises Untranslatable."""
    return _Translation(text, start).whole()


class _Translation:
    """Recursive descent over one expression. Every piece comes out with the brackets that Python needs."""

    def __init__(self, text: str, start: int) -> None:
        self._end = start + len(text)
        self._tokens = list(_tokens(text, start))
        self._next = self._depth = 0

    def whole(self) -> str:
        source = self._ternary()
        left = self._peek()
        if left.kind != "end":
            raise Untranslatable(f"Expected the expression to end, but here is {left.text!r}.", left.at)
        return source.text

    def _peek(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else _Token("end", "", self._end)

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _accept(self, *texts: str) -> _Token | None:
        token = self._peek()
        return self._take() if token.kind in ("sign", "name") and token.text in texts else None

    def _expect(self, text: str) -> None:
        token = self._peek()
        if not self._accept(text):
            found = repr(token.text) if token.text else "the end"
            raise Untranslatable(f"Expected {text!r}, but here is {found}.", token.at)

    def _nested(self, read: Callable[[], _Source]) -> _Source:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Untranslatable(f"Expected at most {MAX_NESTING} brackets in one another.", self._peek().at)
        source = read()
        self._depth -= 1
        return source

    def _ternary(self) -> _Source:
        condition = self._binary(0)
        if not self._accept("?"):
            return condition
        yes = self._nested(self._ternary)
        self._expect(":")
        no = self._nested(self._ternary)
        return _Source(f"{yes.bracketed} if {condition.bracketed} else {no.bracketed}", False)

    def _binary(self, level: int) -> _Source:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while operator := self._accept(*_BINARY[level]):
            right = self._binary(level + 1)
            first = left.text if left.chain == level else left.bracketed
            chain = level if level in _CHAINS else None
            left = _Source(f"{first} {_BINARY[level][operator.text]} {right.bracketed}", False, chain)
        return left

    def _unary(self) -> _Source:
        operator = self._accept(*_UNARY)
        if operator is None:
            return self._path()
        operand = self._nested(self._unary)
        return _Source(_UNARY[operator.text](operand.bracketed), False)

    def _path(self) -> _Source:
        """A name, a literal or a bracket, and the .properties and [indexes] behind it."""
        source = self._atom()
        while True:
            if self._accept("."):
                source = self._member(source)
            elif self._accept("["):
                index = self._nested(self._ternary)
                self._expect("]")
                source = _Source(f"{source.bracketed}[{index.text}]")
            else:
                self._refuse_call()
                return source

    def _member(self, owner: _Source) -> _Source:
        """A property, or one of the few methods that everybody calls."""
        token = self._take()
        if token.kind != "name":
            raise Untranslatable("Expected the name of a property after the dot.", token.at)
        if self._peek().text != "(" or token.text not in _METHODS:
            self._refuse_call()
            return _Source(f"{owner.bracketed}[{token.text!r}]")
        number, write = _METHODS[token.text]
        return _Source(write(owner.bracketed, *(each.bracketed for each in self._arguments(token, number))), False)

    def _arguments(self, method: _Token, number: int) -> list[_Source]:
        self._expect("(")
        found = [] if self._peek().text == ")" else [self._nested(self._ternary)]
        while self._accept(","):
            found.append(self._nested(self._ternary))
        self._expect(")")
        if len(found) != number:
            message = f"Expected {number} values for {method.text}(), but there are {len(found)}."
            raise Untranslatable(message, method.at)
        return found

    def _refuse_call(self) -> None:
        token = self._peek()
        if token.text == "(" and self._next and self._tokens[self._next - 1].kind == "name":
            called = self._tokens[self._next - 1]
            raise Untranslatable(
                f"Methods and functions such as {called.text}() are not translated. "
                "Compute the value in a script task before, and name its variable here. "
                "(A condition may be written in Python instead, without ${...}.)",
                called.at,
            )

    def _atom(self) -> _Source:
        token = self._take()
        if token.kind == "sign" and token.text == "(":
            source = self._nested(self._ternary)
            self._expect(")")
            return source
        read = _ATOMS.get(token.kind)
        if read is None:
            found = repr(token.text) if token.text else "the end"
            raise Untranslatable(f"Expected a name or a value, but here is {found}.", token.at)
        return _Source(read(token))


def _tokens(text: str, start: int) -> Iterator[_Token]:
    index = 0
    while index < len(text):
        found = _TOKEN.match(text, index)
        if found is None:
            hint = _HINTS.get(text[index], "It has no meaning here.")
            raise Untranslatable(f"Expected an expression, but here is {text[index]!r}. {hint}", start + index)
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found.group(), start + index)
        index = found.end()


def _name(token: _Token) -> str:
    if token.text in _LITERALS:
        return _LITERALS[token.text]
    if token.text in _RESERVED or keyword.iskeyword(token.text):
        raise Untranslatable(f"Expected the name of a variable, but {token.text!r} is a reserved word.", token.at)
    if token.text in _UNKNOWN_OBJECTS:
        message = f"There is no object {token.text!r} here. Name the variable directly: ${{amount}}."
        raise Untranslatable(message, token.at)
    return token.text


def _number(token: _Token) -> str:
    text = token.text
    if len(text) > MAX_DIGITS or float(text) == inf:
        raise Untranslatable("Expected a number of ordinary size, but this one is too large.", token.at)
    return str(int(text)) if text.isdecimal() else str(float(text))


def _text(token: _Token) -> str:
    return repr(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL))


_ATOMS: dict[str, Callable[[_Token], str]] = {"name": _name, "number": _number, "text": _text}
