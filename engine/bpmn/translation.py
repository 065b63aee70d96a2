"""From the expression languages of other engines to Python: what they share. Each is a table of its own words.

A recursive descent over one expression; every piece comes out with the brackets that Python needs. Nothing is computed.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from engine.bpmn import names

MAX_NESTING = 40
"""Brackets within brackets in one expression."""
MAX_DIGITS = 300


class Untranslatable(ValueError):
    """The text has no plain meaning here. offset: the character where that shows, from 0."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Token(NamedTuple):
    kind: str
    text: str
    at: int


class Source(NamedTuple):
    """A piece of Python; an atom needs no brackets around it."""

    text: str
    is_atom: bool = True
    chain: int | None = None
    """The level of the operators it is a chain of, a + b - c: one more may follow without brackets."""
    is_text: bool = False
    """Whether it is surely a text."""

    @property
    def bracketed(self) -> str:
        return self.text if self.is_atom else f"({self.text})"

    @property
    def as_text(self) -> str:
        return self.bracketed if self.is_text else f"str({self.text})"


Write = Callable[..., str]
"""The sources of the values -> that of the whole."""
Call = tuple[int, int, Write]
"""The fewest and the most values that are taken, and what it is in Python."""


@dataclass(frozen=True)
class Language:
    """What one language says in its own words."""

    name: str
    binary: tuple[Mapping[str, str], ...]
    """Its operators and Python's, the loosest first."""
    chains: frozenset[int]
    """Levels whose operators mean the same in a row; a == b == c does not."""
    unary: Mapping[str, Write]
    literals: Mapping[str, str]
    methods: Mapping[str, Call] = field(default_factory=dict)
    functions: Mapping[str, Call] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()
    objects: Mapping[str, str] = field(default_factory=dict)
    """What stands for something of the other engine, and what to do instead."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """For a character that has no meaning."""
    adds_texts: bool = False
    """Whether + behind a text makes one of whatever follows."""
    has_lists: bool = False
    """Whether [1, 2] is a list."""
    sets_variables: bool = False
    """Whether execution.setVariable("name", value) may be called."""


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign>\|\||&&|[=!]==|[=!<>]=|\*\*|\.\.|[-+*/%<>!?:.,()\[\]{}=;\n])",
    re.DOTALL,
)


def tokens(language: Language, text: str, start: int = 0) -> list[Token]:
    """start: where the text begins in the whole one. Raises Untranslatable."""
    return list(_tokens(language, text, start))


def _tokens(language: Language, text: str, start: int) -> Iterator[Token]:
    index = 0
    while index < len(text):
        found = _TOKEN.match(text, index)
        if found is None or (found.lastgroup == "sign" and found.group() in language.hints):
            hint = language.hints.get(text[index], "It has no meaning here.")
            raise Untranslatable(f"Expected an expression, but here is {text[index]!r}. {hint}", start + index)
        if found.lastgroup != "space":
            yield Token(str(found.lastgroup), found.group(), start + index)
        index = found.end()


class Translation:
    """One expression of one language."""

    def __init__(
        self, language: Language, found: list[Token], end: int, renamed: Mapping[str, str] | None = None
    ) -> None:
        """end: where the text ends. renamed: names that stand for others."""
        self.language = language
        self._end = end
        self._tokens = found
        self._renamed = {} if renamed is None else renamed
        self._next = self._depth = 0

    def whole(self) -> Source:
        source = self.expression()
        left = self.peek()
        if left.kind != "end":
            raise Untranslatable(f"Expected the expression to end, but here is {left.text!r}.", left.at)
        return source

    # ---- tokens

    def peek(self, ahead: int = 0) -> Token:
        index = self._next + ahead
        return self._tokens[index] if index < len(self._tokens) else Token("end", "", self._end)

    def take(self) -> Token:
        token = self.peek()
        self._next += 1
        return token

    def accept(self, *texts: str) -> Token | None:
        token = self.peek()
        return self.take() if token.kind in ("sign", "name") and token.text in texts else None

    def expect(self, text: str) -> None:
        token = self.peek()
        if not self.accept(text):
            found = repr(token.text) if token.text else "the end"
            raise Untranslatable(f"Expected {text!r}, but here is {found}.", token.at)

    def nested(self, read: Callable[[], Source]) -> Source:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Untranslatable(f"Expected at most {MAX_NESTING} brackets in one another.", self.peek().at)
        source = read()
        self._depth -= 1
        return source

    # ---- from the loosest to the tightest

    def expression(self) -> Source:
        condition = self.binary(0)
        if not self.accept("?"):
            return condition
        yes = self.nested(self.expression)
        self.expect(":")
        no = self.nested(self.expression)
        return Source(f"{yes.bracketed} if {condition.bracketed} else {no.bracketed}", False)

    def binary(self, level: int) -> Source:
        operators = self.language.binary
        if level == len(operators):
            return self._unary()
        left = self.binary(level + 1)
        while operator := self.accept(*operators[level]):
            right = self.binary(level + 1)
            left = self._joined(left, operators[level][operator.text], right, level)
        return left

    def _joined(self, left: Source, operator: str, right: Source, level: int) -> Source:
        if operator == "+" and self.language.adds_texts and (left.is_text or right.is_text):
            first = left.text if left.chain == level and left.is_text else left.as_text
            return Source(f"{first} + {right.as_text}", False, level, True)
        first = left.text if left.chain == level else left.bracketed
        chain = level if level in self.language.chains else None
        return Source(f"{first} {operator} {right.bracketed}", False, chain)

    def _unary(self) -> Source:
        operator = self.accept(*self.language.unary)
        if operator is None:
            return self.path()
        operand = self.nested(self._unary)
        return Source(self.language.unary[operator.text](operand.bracketed), False)

    def path(self) -> Source:
        """A name, a literal or a bracket, and the .properties and [indexes] behind it."""
        source = self.atom()
        while True:
            if self.accept("."):
                source = self._member(source)
            elif self.accept("["):
                source = self.indexed(source)
            else:
                self._refuse_call()
                return source

    def indexed(self, owner: Source) -> Source:
        """Behind the bracket that opens."""
        index = self.nested(self.expression)
        self.expect("]")
        return Source(f"{owner.bracketed}[{index.text}]")

    def _member(self, owner: Source) -> Source:
        """A property, or one of the few methods that everybody calls."""
        token = self.take()
        if token.kind != "name":
            raise Untranslatable("Expected the name of a property after the dot.", token.at)
        if self.peek().text != "(" or token.text not in self.language.methods:
            self._refuse_call()
            return Source(self.property(owner, token.text))
        return self.called(token, self.language.methods[token.text], owner)

    def property(self, owner: Source, name: str) -> str:
        return f"{owner.bracketed}[{name!r}]"

    def called(self, token: Token, call: Call, *owner: Source) -> Source:
        least, most, write = call
        given = self.arguments()
        if not least <= len(given) <= most:
            number = str(least) if least == most else f"{least} to {most}"
            message = f"Expected {number} values for {token.text}(), but there are {len(given)}."
            raise Untranslatable(message, token.at)
        try:
            return Source(write(*(each.bracketed for each in (*owner, *given))), False)
        except ValueError as cause:
            raise Untranslatable(f"Expected plain numbers from 1 in {token.text}().", token.at) from cause

    def arguments(self) -> list[Source]:
        self.expect("(")
        return self.listed(")")

    def listed(self, closing: str) -> list[Source]:
        """The values up to what closes the list."""
        found = [] if self.peek().text == closing else [self.nested(self.expression)]
        while self.accept(","):
            found.append(self.nested(self.expression))
        self.expect(closing)
        return found

    def _refuse_call(self) -> None:
        token = self.peek()
        if token.text == "(" and self._next and self.peek(-1).kind == "name":
            called = self.peek(-1)
            raise Untranslatable(
                f"Methods and functions such as {called.text}() are not translated. "
                "Compute the value in a script task before, and name its variable here. "
                "(A condition may be written in Python instead, without ${...}.)",
                called.at,
            )

    def atom(self) -> Source:
        token = self.take()
        if token.kind == "sign" and token.text == "(":
            source = self.nested(self.expression)
            self.expect(")")
            return source
        if token.kind == "name" and self.peek().text == "(" and token.text in self.language.functions:
            return self.called(token, self.language.functions[token.text])
        if token.text == "[" and self.language.has_lists:
            return Source(f"[{', '.join(each.text for each in self.listed(']'))}]")
        read = _ATOMS.get(token.kind)
        if read is None:
            found = repr(token.text) if token.text else "the end"
            raise Untranslatable(f"Expected a name or a value, but here is {found}.", token.at)
        return read(self, token)

    def name(self, token: Token) -> Source:
        language = self.language
        if token.text in language.literals:
            return Source(language.literals[token.text])
        if token.text in _EXECUTION and token.text in language.objects and self._is_about_variable():
            return self._variable()
        if token.text in language.objects:
            raise Untranslatable(f"There is no object {token.text!r} here. {language.objects[token.text]}", token.at)
        if token.text in self._renamed:
            return Source(self._renamed[token.text])
        if token.text in language.reserved or keyword.iskeyword(token.text):
            raise Untranslatable(f"Expected the name of a variable, but {token.text!r} is a reserved word.", token.at)
        return Source(token.text)

    def _is_about_variable(self) -> bool:
        methods = ("getVariable", "setVariable") if self.language.sets_variables else ("getVariable",)
        return self.peek().text == "." and self.peek(1).text in methods and self.peek(2).text == "("

    def _variable(self) -> Source:
        """execution.getVariable("name") or, where that may be, execution.setVariable("name", value)."""
        self.take()
        method = self.take()
        told = self.arguments()
        name = _plain_text(told[0].text) if told else None
        if name is None or not names.is_variable(name) or keyword.iskeyword(name):
            raise Untranslatable(f"Expected the name of a variable as plain text in {method.text}().", method.at)
        if len(told) != (2 if method.text == "setVariable" else 1):
            raise Untranslatable(f"Expected the name and the value only in {method.text}().", method.at)
        return Source(name) if len(told) == 1 else Source(f"({name} := {told[1].text})")

    def number(self, token: Token) -> Source:
        text = token.text
        if len(text) > MAX_DIGITS or float(text) == inf:
            raise Untranslatable("Expected a number of ordinary size, but this one is too large.", token.at)
        return Source(str(int(text)) if text.isdecimal() else str(float(text)))

    def text(self, token: Token) -> Source:
        return Source(repr(re.sub(r"\\(.)", _unescaped, token.text[1:-1], flags=re.DOTALL)), is_text=True)


_EXECUTION = frozenset({"execution", "delegateExecution"})
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPED.get(found[1], found[1])


def _plain_text(source: str) -> str | None:
    """What a literal text says, when the source is one."""
    return source[1:-1] if source[:1] in "'\"" and source[-1:] == source[:1] and "\\" not in source else None


_ATOMS: Mapping[str, Callable[[Translation, Token], Source]] = {
    "name": lambda translation, token: translation.name(token),
    "number": Translation.number,
    "text": Translation.text,
}


def fixed(number: int, write: Write) -> Call:
    """A call that takes just so many values."""
    return number, number, write


# ---- what Java's languages share -----------------------------------------------------------------------------------


def _get(owner: str, key: str) -> str:
    """Of a map by a plain text: null where there is none; of a list, or by what is computed."""
    return f"{owner}.get({key})" if _plain_text(key) is not None else f"{owner}[{key}]"


JAVA_METHODS: Mapping[str, Call] = {
    "size": fixed(0, "len({})".format),
    "length": fixed(0, "len({})".format),
    "isEmpty": fixed(0, "len({}) == 0".format),
    "contains": fixed(1, "{1} in {0}".format),
    "containsKey": fixed(1, "{1} in {0}".format),
    "get": fixed(1, _get),
    "equals": fixed(1, "{} == {}".format),
    "equalsIgnoreCase": fixed(1, "{}.lower() == {}.lower()".format),
    "toString": fixed(0, "str({})".format),
    "toLowerCase": fixed(0, "{}.lower()".format),
    "toUpperCase": fixed(0, "{}.upper()".format),
    "trim": fixed(0, "{}.strip()".format),
    "startsWith": fixed(1, "{}.startswith({})".format),
    "endsWith": fixed(1, "{}.endswith({})".format),
    "replace": fixed(2, "{}.replace({}, {})".format),
    "concat": fixed(1, "{} + {}".format),
    "substring": (1, 2, lambda text, *span: f"{text}[{':'.join(span) if len(span) == 2 else span[0] + ':'}]"),
    "intValue": fixed(0, "int({})".format),
    "longValue": fixed(0, "int({})".format),
    "doubleValue": fixed(0, "float({})".format),
}
"""Methods that mean the same wherever they are called."""
JAVA_OBJECTS = {
    name: "Name the variable directly: ${amount}."
    for name in ("execution", "delegateExecution", "delegateTask", "runtimeService", "taskService")
}
