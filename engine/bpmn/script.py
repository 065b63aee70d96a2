"""Expressions and scripts: a Python subset, run by pydantic-monty in worker processes with limits on time and memory.

Uploaded text never reaches eval or exec. Only the values a text mentions are handed over.
"""

from __future__ import annotations

import ast
import builtins
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import pydantic_monty as monty

from engine.errors import BpmnError
from engine.model import Json

MAX_LOG_CHARACTERS = 10_000
MOST_NESTED = 100
"""Lists and dicts inside each other; the sandbox hands out about 200."""


class ScriptFailed(Exception):
    """The text raised, ran too long, took too much memory or is not in the subset."""


@dataclass(frozen=True, slots=True)
class Limits:
    duration: timedelta = timedelta(seconds=1)
    memory_bytes: int = 64_000_000
    processes: int = 4


KNOWN = frozenset(dir(builtins)) | {"log", "BpmnError", "date", "datetime", "timedelta", "time", "Decimal"}
"""Names that every text may read."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a text reads and what it assigns at its own level."""

    read: frozenset[str]
    assigned: frozenset[str]
    wanted: frozenset[str]
    """What it reads that it neither makes itself nor finds in the language: it fails without them."""


@dataclass(slots=True)
class Ran:
    """What a script left behind: its names, and the texts it logged or printed."""

    values: dict[str, Json]
    logged: list[str] = field(default_factory=list)


@lru_cache(4096)
def names(source: str) -> Names:
    """Raises ScriptFailed when the text is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        raise ScriptFailed(f"Expected Python, but {cause}.") from cause
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    read = frozenset(node.id for node in found)
    made = stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return Names(read, frozenset(stored - _inner_names(tree)), read - made - KNOWN)


@lru_cache(4096)
def constant(source: str) -> tuple[Json] | None:
    """The value of a plain number, text, True, False or None, which needs no sandbox; None for anything else."""
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return (tree.body.value,) if isinstance(tree.body, ast.Constant) and type(tree.body.value) in _PLAIN else None


_PLAIN = (str, int, float, bool, type(None))


def _inner_names(tree: ast.Module) -> set[str]:
    """Names stored only inside functions and comprehensions: they do not leave the script."""
    inner, outer = set[str](), set[str]()
    todo: list[tuple[ast.AST, bool]] = [(tree, False)]
    while todo:
        node, is_inner = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            (inner if is_inner else outer).add(node.id)
        is_inner = is_inner or isinstance(node, _OWN_NAMES)
        todo.extend((child, is_inner) for child in ast.iter_child_nodes(node))
    return inner - outer


_OWN_NAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.comprehension, ast.GeneratorExp)


class Evaluator:
    """A pool of sandbox processes, started at the first use (after any fork)."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._pool: monty.Monty | None = None
        self._lock = threading.Lock()

    def evaluate(self, source: str, values: Mapping[str, Json], now: datetime) -> Json:
        """The value of an expression. values: by name, at least those the text reads and that exist.

        Raises ScriptFailed.
        """
        return self._run(source.strip(), values, now, {})

    def execute(self, source: str, values: Mapping[str, Json], now: datetime) -> Ran:
        """Run a script. Raises ScriptFailed, or BpmnError when the script says `raise BpmnError(code, message)`."""
        logged: list[str] = []
        raised: list[BpmnError] = []
        functions = {"log": _logger(logged), "BpmnError": _thrower(raised)}
        kept = sorted(name for name in names(source).assigned | set(values) if not name.startswith("_"))
        try:
            left, texts = self._run(source + _collect(kept), values, now, functions)
        except ScriptFailed:
            if raised:
                raise raised[-1] from None
            raise
        _require_kept_as_it_was(left, texts)
        return Ran(left, logged)

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def _run(
        self, source: str, values: Mapping[str, Json], now: datetime, functions: dict[str, Callable[..., None]]
    ) -> Json:
        limits: monty.ResourceLimits = {
            "max_feed_duration_secs": self._limits.duration.total_seconds(),
            "max_memory": self._limits.memory_bytes,
            "max_recursion_depth": 200,
        }
        policy: monty.OSPolicy = {"datetime": now, "sleep": "zero"}
        try:
            with self._started().checkout(limits=limits, os_policy=policy) as session:
                return session.feed_run(
                    source, inputs=dict(values), external_lookup=functions, print_callback=_printer(functions)
                )
        except monty.MontyError as cause:
            raise ScriptFailed(_reason(cause)) from cause
        except (ValueError, TypeError, OverflowError, RecursionError) as cause:  # a value that cannot cross over
            raise ScriptFailed(str(cause)) from cause

    def _started(self) -> monty.Monty:
        with self._lock:
            if self._pool is None:
                self._pool = monty.Monty(
                    min_processes=1,
                    max_processes=self._limits.processes,
                    request_timeout=self._limits.duration.total_seconds() + 0.8,
                    max_checkouts_per_worker=10_000,
                ).__enter__()
            return self._pool


def _reason(error: monty.MontyError) -> str:
    if isinstance(error, monty.MontyCrashedError):
        return "The script was stopped: it ran too long or broke its sandbox."
    if not isinstance(error, monty.MontyRuntimeError):
        return str(error)
    said = next((words for sign, words in _LIMITS.items() if sign in str(error)), str(error))
    frames = error.traceback()
    return f"{said} (line {frames[-1].line})" if frames else said


_LIMITS = {
    "time limit exceeded": "The script was stopped: it ran longer than scripts may. Look for a loop that never ends.",
    "memory limit exceeded": "The script was stopped: it took more memory than scripts may. Look for what grows.",
}
"""What a limit means for who drew the script, by a part of what the sandbox says."""


def _logger(logged: list[str]) -> Callable[..., None]:
    def log(*texts: object) -> None:
        line = " ".join(map(str, texts))
        if sum(map(len, logged)) + len(line) <= MAX_LOG_CHARACTERS:
            logged.append(line)

    return log


def _thrower(raised: list[BpmnError]) -> Callable[..., None]:
    def throw(code: object, message: object = "") -> None:
        raised.append(BpmnError(str(code), str(message)))
        raise RuntimeError(str(raised[-1]))

    return throw


def _printer(functions: Mapping[str, Callable[..., None]]) -> Callable[[str, str], None]:
    """print() in a script is a log line; in an expression it is nothing."""
    log = functions.get("log")

    def write(_stream: str, text: str) -> None:
        if log is not None and text.strip():
            log(text.rstrip("\n"))

    return write


def _collect(kept: list[str]) -> str:
    """A last expression: the script's names with their values, and those that are texts.

    A name that was never bound is left out.
    """
    take = (
        "try:\n    _kept[{0!r}] = {0}\n    if isinstance({0}, str): _texts.append({0!r})\nexcept NameError:\n    pass"
    )
    return "\n".join(["", "_kept, _texts = {}, []", *map(take.format, kept), "(_kept, _texts)"])


def _require_kept_as_it_was(left: Mapping[str, Json], texts: Collection[str]) -> None:
    """What has no form outside the sandbox comes out as a text about it, and the deepest inside of a value is cut.

    Raises ScriptFailed rather than keep that.
    """
    for name, value in left.items():
        if isinstance(value, str) and name not in texts:
            raise ScriptFailed(f"Expected {name} to be a value that can be kept, but it is {value}. Call it _{name}.")
        if _is_deeper(value, MOST_NESTED):
            raise ScriptFailed(f"Expected {name} to be nested at most {MOST_NESTED} deep, but it is nested deeper.")


def _is_deeper(value: Json, most: int) -> bool:
    if not isinstance(value, list | tuple | dict | set | frozenset):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_is_deeper(each, most - 1) for each in inside)
