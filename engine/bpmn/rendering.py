"""The program that renders one template: run on its own, with limits, and without our environment or modules.

Reads a pickled dict (file, source, values) that we have made, and writes JSON: text and html, or error and line.
"""

from __future__ import annotations

import json
import pickle
import re
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt

PROCESSOR_SECONDS = 2
MEMORY_BYTES = 256_000_000
MOST_CHARACTERS = 2_000_000
"""Of what it gives."""
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
"""What may mean something in Markdown."""


class TooMuch(ValueError):
    """It gives more than a mail may hold."""


def environment(file: str, finalize: Callable[[Any], Any] | None = None) -> ImmutableSandboxedEnvironment:
    """finalize: what is done to each value before it is written; it gets no None."""
    is_html = file.lower().endswith((".html", ".htm"))
    return ImmutableSandboxedEnvironment(
        autoescape=is_html,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=lambda value: "" if value is None else finalize(value) if finalize else value,
    )


def _in_markdown(value: object) -> str:
    """As text and nothing else."""
    return _MARKDOWN.sub(r"\\\1", str(value))


def _contents(told: Mapping[str, Any]) -> dict[str, str | None]:
    file = told["file"].lower()
    if file.endswith(".md"):
        marked = _rendered(told, _in_markdown)
        html = MarkdownIt("commonmark", {"html": False}).enable("table").render(marked)
        return {"text": _rendered(told), "html": html}
    whole = _rendered(told)
    return {"text": whole, "html": None} if file.endswith(".txt") else {"text": None, "html": whole}


def _rendered(told: Mapping[str, Any], finalize: Callable[[Any], Any] | None = None) -> str:
    template = environment(told["file"], finalize).from_string(told["source"])
    parts, size = [], 0
    for part in template.generate(told["values"]):
        size += len(part)
        if size > MOST_CHARACTERS:
            raise TooMuch(f"Expected at most {MOST_CHARACTERS:,} characters, but it gives more.")
        parts.append(part)
    return "".join(parts)


def _failure(cause: Exception) -> dict[str, Any]:
    lines = [frame.lineno for frame in traceback.extract_tb(cause.__traceback__) if frame.filename == "<template>"]
    told = str(cause) if isinstance(cause, TemplateError | TooMuch) else f"{type(cause).__name__}: {cause}"
    return {"error": told[:500], "line": lines[-1] if lines else 1}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    told = pickle.load(sys.stdin.buffer)
    try:
        answer: dict[str, Any] = _contents(told)
    except Exception as cause:  # noqa: BLE001  around a user's template
        answer = _failure(cause)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
