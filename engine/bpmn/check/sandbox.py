"""Correct Python that the sandbox cannot run: its own parser looks at what is out of the ordinary."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile

import pydantic_monty as monty

from engine.bpmn.check import python
from engine.bpmn.check.diagram import Diagram
from engine.bpmn.check.python import Fault
from engine.model.problems import Problem

MAX_PARSED = 500
"""Texts of one file handed to the sandbox's own parser, and the seconds it has for them together."""
MAX_PARSING = 5


def check(diagram: Diagram) -> Iterator[Problem]:
    """After all other rules: they gather the texts."""
    faults = dict(_faults(text.source for text in diagram.texts))
    for text in diagram.texts:
        fault = faults.get(text.source)
        if fault is not None:
            place = text.place(fault.offset)
            yield diagram.document.problem(text.rule, text.node, fault.message, fault.fix, place=place)


def _faults(sources: Iterable[str]) -> Iterator[tuple[str, Fault]]:
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
            fault = _sandbox_fault(pool, source) or _import_fault(pool, source)
            if fault is not None:
                yield source, fault


_EVERYDAY = (
    *(ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.For, ast.While, ast.Pass, ast.Break, ast.Continue),
    *(ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Call, ast.keyword, ast.List, ast.Tuple, ast.Dict),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.NamedExpr, ast.Raise, ast.expr_context),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
"""Parts of Python that the sandbox is known to run."""


def _is_everyday(source: str) -> bool:
    """Whether a short text has such parts only: most uploads need no second parser."""
    return len(source) < 500 and all(isinstance(node, _EVERYDAY) for node in ast.walk(ast.parse(source)))


def _import_fault(pool: monty.Monty, source: str) -> Fault | None:
    """A module that is not there: importing one of the sandbox's own does nothing else."""
    for node in ast.walk(ast.parse(source)):
        named = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for module in (each for each in named if not _is_module(pool, each)):
            offset = python.offset_of(source, node.lineno, node.col_offset, is_bytes=True)  # type: ignore[attr-defined]
            return Fault(f'Scripts have no module "{module:.50}".', "Call what is outside by a service task.", offset)
    return None


def _is_module(pool: monty.Monty, name: str) -> bool:
    try:
        with pool.checkout() as session:
            session.feed_run(f"import {name}")
    except monty.MontyRuntimeError:
        return False
    return True


def _sandbox_fault(pool: monty.Monty, source: str) -> Fault | None:
    limits: monty.ResourceLimits = {"max_feed_duration_secs": 0.5, "max_memory": 64_000_000}
    try:
        with pool.checkout(limits=limits) as session:
            session.feed_run(f"raise ValueError\n{source}")
    except (monty.MontySyntaxError, monty.MontyRuntimeError) as cause:
        frames = cause.traceback()
        if not frames or frames[-1].line == 1:
            return None  # parsed, then stopped by our own line
        if "too deeply nested" in str(cause):
            return Fault("The text has too many parts in one another.", "Compute some of them in a script task before.")
        what = re.sub(r".*not (?:yet )?support(?:ed)? ?", "", str(cause)) or str(cause)
        offset = python.offset_of(source, frames[-1].line - 1, frames[-1].column - 1)
        return Fault(f"Scripts cannot use this part of Python: {what}.", "Write it another way.", offset)
    except monty.MontyError as cause:
        return Fault(f"The script could not be parsed: {cause}.")
    return None
