"""Scripts of other engines in JavaScript, Groovy or JUEL -> Python, when they are plain.

Plain is: local names set to expressions, execution.setVariable("name", ...), print(...), throw new BpmnError(...), and
if ... else around those. As in Camunda 7 only setVariable sets a variable of the process; other names are the script's
own, here with a _ before them.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Mapping

from engine.bpmn import juel, names, texts
from engine.bpmn.nodes import Node, camunda, raw_text
from engine.bpmn.translation import JAVA_METHODS, JAVA_OBJECTS, Language, Token, Translation, Untranslatable, tokens

_BINARY = (
    {"||": "or"},
    {"&&": "and"},
    {"==": "==", "===": "==", "!=": "!=", "!==": "!="},
    {"<": "<", ">": ">", "<=": "<=", ">=": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)
_DECLARING = ("var", "let", "const", "def", "final", "String", "Integer", "int", "Long", "long", "Boolean", "boolean")
_SCRIPT = Language(
    name="JavaScript",
    binary=_BINARY,
    chains=frozenset({0, 1, 4, 5}),
    unary={"!": "not {}".format, "-": "-{}".format},
    literals={"true": "True", "false": "False", "null": "None", "undefined": "None"},
    methods=JAVA_METHODS,
    reserved=frozenset({*_DECLARING, "new", "function", "typeof", "instanceof", "this", "throw", "catch", "switch"}),
    objects={**JAVA_OBJECTS, "java": "Write it in Python.", "Java": "Write it in Python.", "S": "Write it in Python."},
    hints={"&": "Write &&.", "|": "Write ||."},
    adds_texts=True,
    has_lists=True,
    sets_variables=True,
)
FORMATS: Mapping[str, str] = {
    "javascript": "JavaScript",
    "ecmascript": "JavaScript",
    "js": "JavaScript",
    "graal.js": "JavaScript",
    "text/javascript": "JavaScript",
    "application/javascript": "JavaScript",
    "groovy": "Groovy",
    "juel": "JUEL",
}
"""scriptFormat in small letters -> the language, of which the plain parts are translated."""


def of_expression(node: Node) -> str:
    """The source of a condition or another expression, in the language that it says. Raises Untranslatable."""
    text = "".join(map(str, node.itertext()))
    language = FORMATS.get(node.get("language", "").lower().rpartition("/")[2])
    return texts.expression(text) if language is None or texts.is_foreign(text) else expression(language, text)


def of_task(task: Node) -> str:
    """The Python of a script task. Raises Untranslatable."""
    text, result = raw_text(task, "script"), task.get(camunda("resultVariable"), "").strip() or None
    language = FORMATS.get(task.get("scriptFormat", "").lower())
    if language is not None:
        return python(language, text, result)
    return texts.script(text) if result is None else _with_result(texts.script(text), result)


def _with_result(script: str, result: str) -> str:
    """A script in Python whose last line gives a value."""
    try:
        statements = ast.parse(script).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return script  # what is wrong with it is told elsewhere
    if not statements or not isinstance(statements[-1], ast.Expr):
        message = "Expected the last line to be the value of the result variable, but it is none."
        raise Untranslatable(f"{message} Set the variable in the script: {result:.50} = a + b.")
    statements[-1] = ast.Assign([ast.Name(result, ast.Store())], statements[-1].value)
    return ast.unparse(ast.fix_missing_locations(ast.Module(statements, [])))


def python(language: str, text: str, result: str | None = None) -> str:
    """The Python of a script. result: the variable for the value of its last line. Raises Untranslatable."""
    if language == "JUEL":
        return _assigned(result, effect(text))
    return _Script(_SCRIPT, _without_comments(text), result).whole_script()


def expression(language: str, text: str) -> str:
    """The Python of a script that is one expression. Raises Untranslatable."""
    if language == "JUEL":
        return texts.expression(text)
    ended = _without_comments(text).rstrip().rstrip(";")
    return Translation(_SCRIPT, tokens(_SCRIPT, ended), len(ended)).whole().text


def effect(text: str) -> str:
    """The source of a ${...} that is evaluated for what it does: it may set a variable. Raises Untranslatable."""
    return texts.whole(text, juel.effect)


def _assigned(result: str | None, source: str) -> str:
    return source if result is None else f"{result} = {source}"


_COMMENT = re.compile(
    r"(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<comment>//[^\n]*|/\*.*?\*/|\A\s*#![^\n]*)", re.DOTALL
)


def _without_comments(text: str) -> str:
    """Comments become spaces, so that everything else stays where it was."""
    if len(text) > texts.MAX_CHARACTERS:
        raise Untranslatable(f"Expected at most {texts.MAX_CHARACTERS:,} characters, but here are {len(text):,}.")
    return _COMMENT.sub(lambda found: found["text"] or re.sub(r"[^\n]", " ", found["comment"]), text)


class _Script(Translation):
    def __init__(self, language: Language, text: str, result: str | None) -> None:
        self._own: dict[str, str] = {}
        super().__init__(language, tokens(language, text), len(text), self._own)
        self._text, self._result = text, result
        self._branches = 0

    def whole_script(self) -> str:
        lines: list[str] = []
        while self.peek().kind != "end":
            lines += self._statement()
        return "\n".join(lines) or "pass"

    def _statement(self) -> list[str]:
        """The lines of Python of one statement, and its end."""
        if self.accept(";"):
            return []
        if self.accept("if"):
            return self._if()
        for read in (self._declaration, self._setting, self._printing, self._throwing):
            line = read()
            if line is not None:
                self._statement_ends()
                return [line]
        self.accept("return")
        source = self.expression().text
        self._statement_ends()
        is_last = self.peek().kind == "end" and not self._branches
        return [_assigned(self._result if is_last else None, source)]

    def _statement_ends(self) -> None:
        """A semicolon, a bracket that closes, or the end of a line."""
        token, before = self.peek(), self.peek(-1)
        if self.accept(";") or token.kind == "end" or token.text == "}":
            return
        if "\n" not in self._text[before.at + len(before.text) : token.at]:
            raise Untranslatable(f"Expected the statement to end, but here is {token.text!r}. {_PLAIN}", token.at)

    # ---- statements; None: it is another one

    def _declaration(self) -> str | None:
        if self.peek().kind != "name" or self.peek().text not in _DECLARING or self.peek(1).kind != "name":
            return None
        self.take()
        if self.peek(1).text == "=":
            return self._setting()
        name = self.take()
        return self._set(name, "None")

    def _setting(self) -> str | None:
        name = self.peek()
        if name.kind != "name" or self.peek(1).text != "=":
            return None
        self.take()
        self.take()
        return self._set(name, self.expression().text)

    def _set(self, name: Token, source: str) -> str:
        if self._branches and name.text not in self._own:
            message = f"Expected {name.text} to be set before the if as well, but it is not."
            raise Untranslatable(message, name.at)
        if not names.is_variable(name.text) or keyword.iskeyword(name.text):
            raise Untranslatable(f"Expected the name of a variable, but it is {name.text!r}.", name.at)
        self._own[name.text] = f"_{name.text}"
        return f"_{name.text} = {source}"

    def _printing(self) -> str | None:
        said = next((words for words in _PRINTING if self._is_ahead(words)), None)
        if said is None:
            return None
        for _ in said:
            self.take()
        return f"log({', '.join(each.text for each in self.arguments())})"

    def _throwing(self) -> str | None:
        if not self.accept("throw"):
            return None
        self.expect("new")
        name = self.take()
        while self.accept("."):
            name = self.take()
        if name.text != "BpmnError":
            raise Untranslatable(f"Expected a BpmnError to be thrown, but it is {name.text!r}.", name.at)
        return f"raise BpmnError({', '.join(each.text for each in self.arguments())})"

    def _is_ahead(self, words: tuple[str, ...]) -> bool:
        return tuple(self.peek(ahead).text for ahead in range(len(words) + 1)) == (*words, "(")

    def _if(self) -> list[str]:
        self.expect("(")
        condition = self.nested(self.expression).text
        self.expect(")")
        lines = [f"if {condition}:", *self._block()]
        if self.accept("else"):
            other = self._indented(self._statement) if self.peek().text == "if" else self._block()
            lines += ["else:", *other]
        return lines

    def _block(self) -> list[str]:
        if not self.accept("{"):
            return self._indented(self._statement)
        lines: list[str] = []
        while not self.accept("}"):
            if self.peek().kind == "end":
                raise Untranslatable("Expected a } that closes the block, but there is none.", self.peek().at)
            lines += self._indented(self._statement)
        return lines or ["    pass"]

    def _indented(self, read: Callable[[], list[str]]) -> list[str]:
        self._branches += 1
        if self._branches > MAX_BRANCHES:
            raise Untranslatable(f"Expected at most {MAX_BRANCHES} blocks in one another.", self.peek().at)
        lines = [f"    {line}" for line in read()]
        self._branches -= 1
        return lines or ["    pass"]


MAX_BRANCHES = 15
"""Blocks within blocks."""
_JAVA_OUT = ("System", ".", "out", ".", "println")
_PRINTING = (("print",), ("println",), ("console", ".", "log"), _JAVA_OUT, ("java", ".", "lang", ".", *_JAVA_OUT))
_PLAIN = "Plain scripts are translated; write this one in Python."
