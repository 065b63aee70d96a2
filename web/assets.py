"""The built browser assets: Vite's manifest -> tags, and how long a browser may keep them."""

from __future__ import annotations

import json
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path
from typing import TypedDict

from flask import Flask, Response, current_app, request, send_from_directory, url_for
from markupsafe import Markup
from werkzeug.security import safe_join

DIST = Path(__file__).parent / "static" / "dist"
A_YEAR = 31_536_000
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""What the build leaves beside each file, best first."""


class Chunk(TypedDict, total=False):
    """One built file in the manifest; imports are keys of other chunks."""

    file: str
    css: list[str]
    imports: list[str]
    dynamicImports: list[str]


def init_app(app: Flask) -> None:
    app.add_template_global(tags, "asset_tags")
    app.after_request(_keep)
    app.view_functions["static"] = _send


def manifest() -> dict[str, Chunk]:
    """Source file -> chunk; read again when the assets were built anew beneath a running server.

    Raises FileNotFoundError saying what to do when nothing was built.
    """
    path = DIST / "manifest.json"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError as cause:
        message = f"Expected the browser assets to be built, but there is no {path}. Run: make"
        raise FileNotFoundError(message) from cause


@lru_cache(maxsize=1)
def _read(path: Path, modified_ns: int) -> dict[str, Chunk]:
    chunks: dict[str, Chunk] = json.loads(path.read_text())
    return chunks


def tags() -> Markup:
    """What the head of each page loads: the theme before anything is painted, the style, then the application."""
    theme, app = manifest()["src/theme.js"], manifest()["src/app.js"]
    return Markup("\n").join(
        [
            Markup('<script src="{}"></script>').format(_url(theme["file"])),
            *(Markup('<link rel="stylesheet" href="{}">').format(_url(file)) for file in app["css"]),
            Markup('<script type="module" src="{}"></script>').format(_url(app["file"])),
        ]
    )


def _url(file: str) -> str:
    return url_for("static", filename=f"dist/{file}")


def _is_file(path: str) -> bool:
    """Names may be longer than those of files."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def _send(filename: str) -> Response:
    """A static file, compressed when it was built so and the browser takes it."""
    static = Path(current_app.static_folder or "")
    for encoding, ending in ENCODINGS.items():
        path = safe_join(str(static), filename + ending)
        if path and _is_file(path) and request.accept_encodings[encoding] > 0:
            response = send_from_directory(static, filename + ending, mimetype=guess_type(filename)[0])
            response.headers["Content-Encoding"] = encoding
            response.vary.add("Accept-Encoding")
            return response
    return current_app.send_static_file(filename)


def _keep(response: Response) -> Response:
    """Built files carry a hash of their content in their name: they never change."""
    is_built = request.endpoint == "static" and (request.view_args or {}).get("filename", "").startswith("dist/assets/")
    if is_built and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    return response
