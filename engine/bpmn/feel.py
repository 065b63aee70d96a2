"""FEEL, the expression language of Camunda 8 (behind =) -> Python source: a named subset.

Of FEEL 1.3: names, paths, literals, lists, contexts, arithmetic, comparison, and, or, not(), between, in, if then else,
for in return, some and every satisfies, an index, and the functions in the table below. Dates and durations are their
ISO 8601 texts. What is not there is null in FEEL; here it fails, so that nobody is misled.
Source: OMG DMN 1.5, chapter 10 (formal/2024-01-01). No library for it is kept up, and none runs in a sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.bpmn.translation import Call, Language, Source, Token, Translation, Untranslatable, fixed, tokens


def _substring(text: str, start: str, length: str | None = None) -> str:
    """From 1, or from the end when negative; both must be known numbers."""
    first = _whole(start)
    begin = first - 1 if first > 0 else first
    if length is None:
        return f"{text}[{begin}:]"
    end = begin + _whole(length)
    return f"{text}[{begin}:{'' if begin < 0 <= end else end}]"


def _whole(source: str) -> int:
    """Raises ValueError."""
    number = int(source.strip("()"))
    if number == 0:
        raise ValueError(source)
    return number


_FUNCTIONS: Mapping[str, Call] = {
    "not": fixed(1, "not {}".format),
    "is defined": fixed(1, "{} is not None".format),
    "string": fixed(1, "str({})".format),
    "number": fixed(1, "float({})".format),
    "string length": fixed(1, "len({})".format),
    "upper case": fixed(1, "{}.upper()".format),
    "lower case": fixed(1, "{}.lower()".format),
    "trim": fixed(1, "{}.strip()".format),
    "contains": fixed(2, "{1} in {0}".format),
    "starts with": fixed(2, "{}.startswith({})".format),
    "ends with": fixed(2, "{}.endswith({})".format),
    "substring": (2, 3, _substring),
    "split": fixed(2, "{}.split({})".format),
    "string join": (1, 2, lambda texts, by="''": f"{by}.join({texts})"),
    "list contains": fixed(2, "{1} in {0}".format),
    "count": fixed(1, "len({})".format),
    "min": fixed(1, "min({})".format),
    "max": fixed(1, "max({})".format),
    "sum": fixed(1, "sum({})".format),
    "mean": fixed(1, "sum({0}) / len({0})".format),
    "all": fixed(1, "all({})".format),
    "any": fixed(1, "any({})".format),
    "append": fixed(2, "{} + [{}]".format),
    "concatenate": fixed(2, "{} + {}".format),
    "reverse": fixed(1, "{}[::-1]".format),
    "abs": fixed(1, "abs({})".format),
    "modulo": fixed(2, "{} % {}".format),
    "get value": fixed(2, "{}.get({})".format),
    "date": fixed(1, "{}".format),
    "time": fixed(1, "{}".format),
    "date and time": fixed(1, "{}".format),
    "duration": fixed(1, "{}".format),
}
_LANGUAGE = Language(
    name="FEEL",
    binary=(
        {"or": "or"},
        {"and": "and"},
        {"=": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="},
        {"+": "+", "-": "-"},
        {"*": "*", "/": "/"},
        {"**": "**"},
    ),
    chains=frozenset({0, 1, 3, 4}),
    unary={"-": "-{}".format},
    literals={"true": "True", "false": "False", "null": "None"},
    functions=_FUNCTIONS,
    reserved=frozenset(
        {"if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "between", "and", "or"}
    ),
    hints={"&": "Write and.", "|": "Write or.", "%": "Write modulo(a, b).", "?": "Write if a then b else c."},
    has_lists=True,
)
_COMPARISON = 2
"""The level of = and <, where between and in stand, too."""
_LONG_NAMES = sorted((name.split() for name in _FUNCTIONS if " " in name), key=len, reverse=True)
_QUANTORS = {"some": "any", "every": "all"}


def python(text: str, start: int = 0) -> str:
    """Translate what stands behind the =. start: where that begins in the whole text. Raises Untranslatable."""
    return _Feel(_LANGUAGE, tokens(_LANGUAGE, text, start), start + len(text)).whole().text


class _Feel(Translation):
    def expression(self) -> Source:
        token = self.peek()
        if self.accept("if"):
            return self._if()
        if self.peek(1).kind == "name" and self.peek(2).text == "in" and token.kind == "name":
            if self.accept("for"):
                return self._for()
            if self.accept(*_QUANTORS):
                return self._quantified(token)
        return self.binary(0)

    def _if(self) -> Source:
        condition = self.nested(self.expression)
        self.expect("then")
        yes = self.nested(self.expression)
        self.expect("else")
        no = self.nested(self.expression)
        return Source(f"{yes.bracketed} if {condition.bracketed} else {no.bracketed}", False)

    def _for(self) -> Source:
        name, values = self._each()
        self.expect("return")
        return Source(f"[{self.nested(self.expression).text} for {name} in {values}]")

    def _quantified(self, quantor: Token) -> Source:
        name, values = self._each()
        self.expect("satisfies")
        return Source(f"{_QUANTORS[quantor.text]}([{self.nested(self.expression).text} for {name} in {values}])")

    def _each(self) -> tuple[str, str]:
        name = self.name(self.take()).text
        self.expect("in")
        first = self.nested(lambda: self.binary(_COMPARISON + 1))
        if not self.accept(".."):
            return name, first.bracketed
        last = self.nested(lambda: self.binary(_COMPARISON + 1))
        return name, f"range({first.text}, {last.bracketed} + 1)"

    def binary(self, level: int) -> Source:
        left = super().binary(level)
        if level != _COMPARISON:
            return left
        if self.accept("between"):
            least = super().binary(level + 1)
            self.expect("and")
            most = super().binary(level + 1)
            return Source(f"{least.bracketed} <= {left.bracketed} <= {most.bracketed}", False)
        return self._within(left) if self.accept("in") else left

    def _within(self, value: Source) -> Source:
        """In a list, or in an interval such as [1..10]."""
        opening = self.accept("[", "]", "(")
        if opening is None:
            return Source(f"{value.bracketed} in {self.path().bracketed}", False)
        first = self.nested(self.expression)
        if not self.accept(".."):
            found = [first]
            while self.accept(","):
                found.append(self.nested(self.expression))
            self.expect({"[": "]", "(": ")"}.get(opening.text, "]"))
            return Source(f"{value.bracketed} in [{', '.join(each.text for each in found)}]", False)
        last = self.nested(self.expression)
        closing = self.accept("]", ")", "[")
        if closing is None:
            self.expect("]")
        least = "<=" if opening.text == "[" else "<"
        most = "<=" if closing is not None and closing.text == "]" else "<"
        return Source(f"{first.bracketed} {least} {value.bracketed} {most} {last.bracketed}", False)

    def indexed(self, owner: Source) -> Source:
        """The first item is 1, the last one -1."""
        at = self.peek().at
        index = self.nested(self.expression)
        self.expect("]")
        if not re.fullmatch(r"-?[1-9]\d*", index.text):
            message = (
                "Filters are not translated: only an index such as [1] or [-1]. Pick the items in a script before."
            )
            raise Untranslatable(message, at)
        number = int(index.text)
        return Source(f"{owner.bracketed}[{number - 1 if number > 0 else number}]")

    def atom(self) -> Source:
        if self.peek().text == "{":
            return self._context()
        words = next((words for words in _LONG_NAMES if self._is_ahead(words)), None)
        if words is None:
            return super().atom()
        token = self.peek()
        for _ in words:
            self.take()
        return self.called(token._replace(text=" ".join(words)), _FUNCTIONS[" ".join(words)])

    def _is_ahead(self, words: list[str]) -> bool:
        return [self.peek(ahead).text for ahead in range(len(words) + 1)] == [*words, "("]

    def _context(self) -> Source:
        self.take()
        entries: list[str] = []
        while not self.accept("}"):
            if entries:
                self.expect(",")
            key = self.take()
            if key.kind not in ("name", "text"):
                raise Untranslatable("Expected the name of an entry.", key.at)
            self.expect(":")
            name = repr(key.text) if key.kind == "name" else self.text(key).text
            entries.append(f"{name}: {self.nested(self.expression).text}")
        return Source(f"{{{', '.join(entries)}}}")
