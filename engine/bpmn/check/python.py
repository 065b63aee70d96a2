"""Texts in Python: what is wrong with one, in words for people who write few of them, and where in the text."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple

import pydantic_monty as monty

from engine.bpmn import dialects
from engine.bpmn.juel import Untranslatable

MAX_SCRIPT = 50_000
"""Characters."""
MAX_NESTING = 150
MAX_PARSED = 500
"""Texts of one file handed to the sandbox's own parser, and the seconds it has for them together."""
MAX_PARSING = 5


class Fault(NamedTuple):
    message: str
    fix: str = ""
    offset: int = 0
    """The character of the text where it shows, from 0."""


def fault_of_expression(text: str) -> Fault | None:
    """What is wrong with a condition or another standard expression."""
    try:
        dialects.expression(text)
    except Untranslatable as cause:
        return Fault(cause.message, "", cause.offset)
    start = len(text) - len(text.lstrip())
    if text.startswith(("${", "#{"), start):
        return None
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
        dialects.value(text)
    except Untranslatable as cause:
        return Fault(cause.message, "", cause.offset)
    return None


def names(text: str) -> frozenset[str]:
    """The variables that a correct text reads: Python, or literal with ${...}; none when it is no Python at all."""
    try:
        source = dialects.value(text) if "${" in text or "#{" in text else dialects.expression(text)
        tree = ast.parse(source)
    except (Untranslatable, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def fault_of_script(text: str) -> Fault | None:
    if len(text) > MAX_SCRIPT:
        return Fault(f"Expected a script of at most {MAX_SCRIPT:,} characters, but it has {len(text):,}.")
    found = _fault_of(dialects.script(text), "exec")
    return None if found is None else found._replace(offset=offset_in_script(text, found.offset))


def offset_in_script(text: str, offset: int) -> int:
    """Where a character of the script without its indentation stands in the text as drawn."""
    source = dialects.script(text)
    number = source.count("\n", 0, offset)
    column = offset - (source.rfind("\n", 0, offset) + 1)
    lines = text.splitlines(keepends=True)
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if first + number >= len(lines):
        return len(text.rstrip())
    line = lines[first + number]
    indent = max(0, line.find(source.split("\n")[number]))
    return sum(map(len, lines[: first + number])) + indent + column


def _fault_of(source: str, mode: str) -> Fault | None:
    try:
        tree = ast.parse(source, mode=mode)
    except SyntaxError as cause:
        return _syntax_fault(source, cause, mode)
    except (ValueError, RecursionError, MemoryError) as cause:
        return Fault(f"Expected Python, but {str(cause) or 'it is nested too deeply'}.")
    if _depth(tree) > MAX_NESTING:
        return Fault(f"Expected at most {MAX_NESTING} brackets and operators in one another, but here are more.")
    return _foreign_constant(source, tree)


def _syntax_fault(source: str, cause: SyntaxError, mode: str) -> Fault:
    offset = _offset(source, cause.lineno or 1, (cause.offset or 1) - 1)
    if mode == "eval" and _is_assignment(source):
        sign = re.search(r"(?<![=!<>:])=(?!=)", source)
        return Fault("A single = sets a value.", "Compare with ==.", sign.start() if sign else offset)
    for pattern, fix in _HINTS:
        found = pattern.search(source)
        if found:
            return Fault(f"This is not Python: {found.group().strip()}", fix, found.start())
    offset = min(offset, len(source))
    near = source[offset:].partition("\n")[0][:25].strip()
    return Fault(f"This is not Python: {cause.msg}{f' at {near!r}' if near else ''}.", "", offset)


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
    (re.compile(r"\?.*:"), "Write: a if condition else b."),
    (re.compile(r"\b(?:var|let|const|function|new)\b"), "Scripts are written in Python."),
    (re.compile(rf"\b{_WORD}\s+{_WORD}\s*(?=[=<>!])"), "A name has no spaces: write customer_level."),
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
            offset = _offset(source, node.lineno, node.col_offset, is_bytes=True)
            return Fault(f'There is no "{node.id}" in Python.', f"Write {_CONSTANTS[node.id]}.", offset)
    return None


def _offset(source: str, line: int, column: int, *, is_bytes: bool = False) -> int:
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


# ---- the sandbox's own parser --------------------------------------------------------------------------------------


def beyond_sandbox(sources: Iterable[str]) -> Iterator[tuple[str, Fault]]:
    """Which of some correct Python texts use parts of Python that the sandbox does not know.

    Nothing is executed: a first line raises before anything else, but the whole text is parsed before that.
    """
    doubtful = (source for source in dict.fromkeys(sources) if not _is_everyday(source))
    distinct = list(islice(doubtful, MAX_PARSED))
    if not distinct:
        return
    ends_at = time.monotonic() + MAX_PARSING
    with monty.Monty(max_processes=1, request_timeout=2) as pool:
        for source in takewhile(lambda _source: time.monotonic() < ends_at, distinct):
            fault = _sandbox_fault(pool, source)
            if fault is not None:
                yield source, fault


_EVERYDAY = (
    *(ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.For, ast.While, ast.Pass, ast.Break, ast.Continue),
    *(ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Call, ast.keyword, ast.List, ast.Tuple, ast.Dict),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.expr_context),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
"""Parts of Python that the sandbox is known to run."""


def _is_everyday(source: str) -> bool:
    """Whether a short text has such parts only: most uploads need no second parser."""
    return len(source) < 500 and all(isinstance(node, _EVERYDAY) for node in ast.walk(ast.parse(source)))


def _sandbox_fault(pool: monty.Monty, source: str) -> Fault | None:
    limits: monty.ResourceLimits = {"max_feed_duration_secs": 0.5, "max_memory": 64_000_000}
    try:
        with pool.checkout(limits=limits) as session:
            session.feed_run(f"raise ValueError\n{source}")
    except (monty.MontySyntaxError, monty.MontyRuntimeError) as cause:
        frames = cause.traceback()
        if not frames or frames[-1].line == 1:
            return None  # parsed, then stopped by our own line
        what = re.sub(r".*not (?:yet )?support(?:ed)? ?", "", str(cause)) or str(cause)
        offset = _offset(source, frames[-1].line - 1, frames[-1].column - 1)
        return Fault(f"Scripts cannot use this part of Python: {what}.", "Write it another way.", offset)
    except monty.MontyError as cause:
        return Fault(f"The script could not be parsed: {cause}.")
    return None
