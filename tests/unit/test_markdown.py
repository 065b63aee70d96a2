"""Markdown of strangers: its meaning stays, and nothing in it runs or loads."""

from __future__ import annotations

import time

import pytest

from web.markdown import render


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title", "<h3>Title</h3>"),
        ("**bold** and *thin*", "<p><strong>bold</strong> and <em>thin</em></p>"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("`a < b`", "<p><code>a &lt; b</code></p>"),
        ("a & b", "<p>a &amp; b</p>"),
    ],
)
def test_meaning_is_kept(text: str, html: str) -> None:
    assert render(text).strip() == html


def test_tables_are_kept() -> None:
    html = render("|a|b|\n|-|-|\n|1|2|")

    assert "<table>" in html
    assert "<td>2</td>" in html


def test_links_lead_out_without_trace() -> None:
    html = render('[there](https://example.org "Title")')

    assert 'href="https://example.org"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![picture](https://example.org/x.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](\x01javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "<a href='jav&#x09;ascript:alert(1)'>z</a>",
        '[x](https://example.org/"onmouseover="alert(1))',
        "<svg onload=alert(1)>",
        "`<svg onload=1>`",
        "<style>*{display:none}</style>",
        '<iframe src="https://example.org"></iframe>',
        "<https://example.org/<script>>",
        "[x]: javascript:alert(1)\n[x]",
    ],
)
def test_nothing_runs_or_loads(text: str) -> None:
    html = render(text)
    tags = html.replace("&lt;", "").lower()

    for wrong in ("<script", "<img", "<svg", "<style", "<iframe", 'href="javascript', 'href="data', 'href="vbscript'):
        assert wrong not in tags
    assert " onmouseover=" not in tags.split("<a", 1)[-1].split(">", 1)[0]


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "*a_ " * 5_000, "> " * 10_000, "`" * 20_000, "- " * 10_000, "a" * 3_000_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.thread_time()

    render(text)

    assert time.thread_time() - began < 2


def test_nothing_is_nothing() -> None:
    assert render("").strip() == ""
