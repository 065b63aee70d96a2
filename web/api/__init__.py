"""The HTTP API for programs: workers of service tasks, starting, messages, signals; in the words of Camunda 7's REST.

Clients that were written for that one work here. Access is by token only, as Bearer or as the password of Basic.
"""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Flask, request

from engine import NotFound
from web.api import access, errors, external_tasks, messages, processes
from web.security import csrf

bp = Blueprint("api", __name__, url_prefix="/engine-rest")
for part in (external_tasks, processes, messages):
    csrf.exempt(part.bp)
    bp.register_blueprint(part.bp)
access.guard(bp)
errors.tell(bp)


@bp.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
@csrf.exempt
def unknown(path: str) -> NoReturn:
    raise NotFound(f"There is no call {request.method} /{path}. See README for those that there are.")


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
