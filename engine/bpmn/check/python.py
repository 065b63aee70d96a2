"""Texts in Python: what is wrong with one, in words for people who write few of them, and where in the text."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from engine.bpmn import texts
from engine.bpmn.translation import Untranslatable

MAX_SCRIPT = 50_000
"""Characters."""
MAX_NESTING = 150


class Fault(NamedTuple):
    message: str
    fix: str = ""
    offset: int = 0
    """The character of the text where it shows, from 0."""


def fault_of_expression(text: str) -> Fault | None:
    """What is wrong with a condition or another standard expression."""
    try:
        translated = texts.expression(text)
    except Untranslatable as cause:
        return Fault(cause.message, "", cause.offset)
    if texts.is_foreign(text):
        return fault_of_source(translated)
    source = bracketed(text)
    found = _fault_of(source, "eval")
    return None if found is None else found._replace(offset=offset_in_expression(text, source, found.offset))


def fault_of_condition(text: str) -> Fault | None:
    """What is wrong with an expression that is true or false: also what is Python, but cannot be meant."""
    fault = fault_of_expression(text)
    if fault is not None or texts.is_foreign(text):
        return fault
    source = bracketed(text)
    found = next(filter(None, map(_never_meant, ast.walk(ast.parse(source, mode="eval")))), None)
    if found is None:
        return None
    before, sign, message, fix = found
    ends_at = offset_of(source, before.end_lineno or 1, before.end_col_offset or 0, is_bytes=True)
    return Fault(message, fix, offset_in_expression(text, source, max(ends_at, source.find(sign, ends_at))))


def _never_meant(node: ast.AST) -> tuple[ast.expr, str, str, str] | None:
    """What stands before the sign, the sign, what is wrong with it, and what to write."""
    match node:
        case ast.BinOp(left=left, op=ast.RShift()):
            return left, ">>", ">> does not compare.", "Write >."
        case ast.BinOp(left=left, op=ast.LShift()):
            return left, "<<", "<< does not compare.", "Write <."
        case ast.Expression(body=ast.Tuple(elts=[first, *_])):
            return first, ",", "A comma makes several values of it, and together they are always true.", _NO_COMMA
    return None


_NO_COMMA = "Write numbers without it: 1000, or 1000.5; join conditions by and, or."


def bracketed(text: str) -> str:
    """An expression as it can be parsed: in brackets when it goes over several lines."""
    source = text.strip()
    return f"({source}\n)" if "\n" in source else source


def offset_in_expression(text: str, source: str, offset: int) -> int:
    """Where a character of the bracketed source stands in the text as drawn."""
    added = 1 if "\n" in source else 0
    return len(text) - len(text.lstrip()) + max(0, offset - added)


def fault_of_value(text: str) -> Fault | None:
    """What is wrong with a text that is literal but for its ${...}."""
    try:
        return fault_of_source(texts.value(text))
    except Untranslatable as cause:
        return Fault(cause.message, "", cause.offset)


def fault_of_source(source: str) -> Fault | None:
    """What is wrong with Python that was translated from something else."""
    found = _fault_of(source, "eval")
    return None if found is None else found._replace(offset=0)


def names(text: str) -> frozenset[str]:
    """The variables that a correct text reads: Python, or literal with ${...}; none when it is no Python at all."""
    try:
        source = texts.value(text) if "${" in text or "#{" in text else texts.expression(text)
        tree = ast.parse(source)
    except (Untranslatable, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def fault_of_script(text: str) -> Fault | None:
    if len(text) > MAX_SCRIPT:
        return Fault(f"Expected a script of at most {MAX_SCRIPT:,} characters, but it has {len(text):,}.")
    found = _fault_of(texts.script(text), "exec")
    return None if found is None else found._replace(offset=offset_in_script(text, found.offset))


def offset_in_script(text: str, offset: int) -> int:
    """Where a character of the script without its indentation stands in the text as drawn."""
    source = texts.script(text)
    number = source.count("\n", 0, offset)
    column = offset - (source.rfind("\n", 0, offset) + 1)
    lines = text.splitlines(keepends=True)
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if first + number >= len(lines):
        return len(text.rstrip())
    line = lines[first + number]
    indent = max(0, line.find(source.split("\n")[number]))
    return sum(map(len, lines[: first + number])) + indent + column


_EXAMPLES = {"eval": 'amount > 1000 and status == "open"', "exec": "total = 2 * price"}


def _fault_of(source: str, mode: str) -> Fault | None:
    try:
        tree = ast.parse(source, mode=mode)
    except SyntaxError as cause:
        return _syntax_fault(source, cause, mode)
    except ValueError as cause:
        return Fault(f"Expected Python, but {cause}.")
    except (RecursionError, MemoryError):
        return Fault("Expected Python, but it is nested too deeply.", "Split it.")
    if _depth(tree) > MAX_NESTING:
        return Fault(f"Expected at most {MAX_NESTING} brackets and operators in one another, but here are more.")
    return _foreign_constant(source, tree) or _foreign_call(source, tree)


def _syntax_fault(source: str, cause: SyntaxError, mode: str) -> Fault:
    offset = offset_of(source, cause.lineno or 1, (cause.offset or 1) - 1)
    if mode == "eval" and _is_assignment(source):
        sign = re.search(r"(?<![=!<>:])=(?!=)", source)
        return Fault("A single = sets a value.", "Compare with ==.", sign.start() if sign else offset)
    for pattern, fix in _HINTS:
        found = pattern.search(source)
        if found:
            name = "_".join(found.group().lower().split())
            return Fault(f"This is not Python: {found.group().strip()}.", fix.format(name=name), found.start())
    return _open_end(source, mode) or _in_plain_words(source, cause, min(offset, len(source)), mode)


_OPERATOR = re.compile(r"(?:[-+*/%<>=!,]|<=|>=|==|!=|\b(?:and|or|not|in|is))\s*\Z")


def _open_end(source: str, mode: str) -> Fault | None:
    """An expression that breaks off behind an operator."""
    end = _OPERATOR.search(source) if mode == "eval" else None
    if end is None:
        return None
    message = f"Something is missing behind {end.group().strip()}."
    return Fault(message, f"Write it as in {_EXAMPLES[mode]}.", end.start())


def _in_plain_words(source: str, cause: SyntaxError, offset: int, mode: str) -> Fault:
    """What Python's parser says, in words for people who have not met it."""
    said = next((words for sign, words in _SAID.items() if sign in str(cause.msg)), _NO_PYTHON)
    near = source[offset:].partition("\n")[0][:25].strip()
    if said == _NO_PYTHON and not near:
        said = "Something is missing at the end of this line"
    return Fault(f"{said}{f': {near}' if near else ''}.", f"Write it as in {_EXAMPLES[mode]}.", offset)


_NO_PYTHON = "This is not Python"
_SAID = {
    "was never closed": "The bracket that opens here is never closed",
    "unmatched": "The bracket that closes here was never opened",
    "does not match": "The bracket that closes here is of another kind than the one that was opened",
    "unterminated": "The quotes that open here are never closed",
    "expected ':'": "Expected a colon at the end of the line",
    "expected an indented block": "Expected this line to be indented, since it belongs to the one before",
    "unexpected indent": "Expected this line to begin where the one before does, but it is indented",
    "unindent does not match": "Expected this line to begin where another one before does",
    "inconsistent use of tabs": "Expected lines to be indented by spaces, but here are tabs, too",
    "leading zeros": "A number does not begin with zeros",
    "invalid decimal literal": "Expected a number, or a name that begins with a letter",
}
"""A part of what Python's parser says -> what it means."""


_WORD = r"(?!(?:and|or|not|in|is|if|else|lambda|for)\b)[A-Za-z_]\w*"
_HINTS = (
    (re.compile("[\u2018-\u201f\u00ab\u00bb]"), "Write straight quotes."),
    (re.compile(r"&&"), "Write and."),
    (re.compile(r"\|\|"), "Write or."),
    (re.compile(r"!==|<>"), "Write !=."),
    (re.compile(r"==="), "Write ==."),
    (re.compile("\u2265"), "Write >=."),
    (re.compile("\u2264"), "Write <=."),
    (re.compile("\u2260"), "Write !=."),
    (re.compile(r"=>"), "Write >=."),
    (re.compile(r"=<"), "Write <=."),
    (re.compile(r"!(?=\s*[A-Za-z_(])"), "Write not."),
    (re.compile(r"\beq\b"), "Write ==."),
    (re.compile(r"\bne\b"), "Write !=."),
    (re.compile(r"\bgt\b"), "Write >."),
    (re.compile(r"\blt\b"), "Write <."),
    (re.compile(r"\bge\b"), "Write >=."),
    (re.compile(r"\ble\b"), "Write <=."),
    (re.compile(r"\bbetween\b"), "Write 1 <= amount <= 3."),
    (re.compile(r"\b(?:AND|OR|NOT)\b"), "Write and, or, not in small letters."),
    (re.compile(r"\?[^?\n]*:"), "Write: a if condition else b."),
    (re.compile(r"\bis\s+(?:greater|more|larger|higher)\s+than\b"), "Write >."),
    (re.compile(r"\bis\s+(?:less|smaller|lower)\s+than\b"), "Write <."),
    (re.compile(r"\b(?:is\s+equal\s+to|equals)\b"), "Write ==."),
    (re.compile(r"\b(?:var|let|const|function|new|final|String|Integer|Boolean)\b"), "Scripts are written in Python."),
    (re.compile(r"\bdef\s+\w+\s*="), "Scripts are written in Python: total = 3."),
    (re.compile(rf"\b{_WORD}\s+{_WORD}\s*(?=[=<>!])"), "A name has no spaces: write {name}."),
)
"""Words of other languages, found where Python's parser gave up, and what to write."""


def _is_assignment(source: str) -> bool:
    try:
        body = ast.parse(source.strip("()\n")).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(statement, ast.Assign) for statement in body)


_CONSTANTS = {"true": "True", "false": "False", "null": "None", "undefined": "None"}


def _foreign_constant(source: str, tree: ast.AST) -> Fault | None:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    set_here = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for node in names:
        if node.id in _CONSTANTS and node.id not in set_here:
            offset = offset_of(source, node.lineno, node.col_offset, is_bytes=True)
            return Fault(f'There is no "{node.id}" in Python.', f"Write {_CONSTANTS[node.id]}.", offset)
    return None


_CALLS = {
    "getVariable": "Read a variable by its name: amount.",
    "setVariable": "Set a variable by assigning to it: amount = 3.",
}


def _foreign_call(source: str, tree: ast.AST) -> Fault | None:
    """Variables as scripts of Camunda 7 get at them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _CALLS:
            offset = offset_of(source, node.lineno, node.col_offset, is_bytes=True)
            return Fault(f"There is no {node.attr}() in Python.", _CALLS[node.attr], offset)
    return None


def offset_of(source: str, line: int, column: int, *, is_bytes: bool = False) -> int:
    """Line from 1 and column from 0 -> index in the text; ast counts columns in bytes, its errors in characters."""
    lines = source.split("\n")
    line = min(max(line, 1), len(lines))
    if is_bytes:
        column = len(lines[line - 1].encode()[:column].decode(errors="ignore"))
    return sum(len(before) + 1 for before in lines[: line - 1]) + min(max(column, 0), len(lines[line - 1]))


def _depth(tree: ast.AST) -> int:
    layer: list[ast.AST] = [tree]
    depth = 0
    while layer and depth <= MAX_NESTING:
        layer = [child for node in layer for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth
