"""Documentation written by strangers as Markdown -> HTML that is safe to show."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

MAX_CHARACTERS = 20_000

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_INLINE = {"a", "br", "code", "em", "strong"}
_BLOCKS = {"blockquote", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
_LOWER = {f"h{level}": f"h{min(level + 2, 6)}" for level in range(1, 7)}
"""The page has its own first and second headings."""


def render(text: str) -> Markup:
    """Markup without scripts, pictures or raw HTML; what is longer than MAX_CHARACTERS is cut."""
    tokens = _PARSER.parse(text[:MAX_CHARACTERS])
    for token in tokens:
        token.tag = _LOWER.get(token.tag, token.tag)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return Markup(
        nh3.clean(
            html,
            tags=_INLINE | _BLOCKS | _TABLES,
            attributes={"a": {"href", "title"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )
