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
    offset = min(offset, len(source))
    near = source[offset:].partition("\n")[0][:25].strip()
    fix = (
        'Write it as in amount > 1000 and status == "open".' if mode == "eval" else "Write it as in total = 2 * price."
    )
    return Fault(f"This is not Python: {cause.msg}{f' at {near!r}' if near else ''}.", fix, offset)


_WORD = r"(?!(?:and|or|not|in|is|if|else|lambda|for)\b)[A-Za-z_]\w*"
_HINTS = (
    (re.compile("[\u2018-\u201f\u00ab\u00bb]"), "Write straight quotes."),
    (re.compile(r"&&"), "Write and."),
    (re.compile(r"\|\|"), "Write or."),
    (re.compile(r"!==|<>"), "Write !=."),
    (re.compile(r"==="), "Write ==."),
    (re.compile(r"=>"), "Write >=."),
    (re.compile(r"=<"), "Write <=."),
    (re.compile(r"!\s*[A-Za-z_(]"), "Write not."),
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
