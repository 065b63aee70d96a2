"""What goes out small: diagrams and their states. Pages never: they carry a token beside what was typed (BREACH)."""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

from web.context import is_fragment

ENDPOINTS = frozenset({"processes.source", "instances.state"})
"""Large answers that hold no secret and repeat nothing of the request."""
LISTS = frozenset({"accounts.index", "admin.all_timers", "instances.index", "messages.index", "processes.index"})
"""They renew themselves and carry no token, which would differ each time."""
WORTHWHILE_BYTES = 1_000
LEVEL = 5


def init_app(app: Flask) -> None:
    app.after_request(_compress)
    app.after_request(_send_once)


def _compress(response: Response) -> Response:
    if request.endpoint not in ENDPOINTS:
        return response
    response.vary.add("Accept-Encoding")
    is_wanted = request.accept_encodings["gzip"] > 0 and response.status_code == 200
    if is_wanted and len(response.get_data()) >= WORTHWHILE_BYTES:
        response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _send_once(response: Response) -> Response:
    """A list that is as the browser knows it goes out as nothing but that."""
    if request.endpoint in LISTS and is_fragment() and response.status_code == 200:
        response.add_etag()
        response.make_conditional(request)
    return response
