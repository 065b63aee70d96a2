"""The rules of the checks in words: a list of all, and a page for each with a wrong and a right example."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from werkzeug.exceptions import NotFound as NoPage

from engine import rules
from engine.rules import Rule

bp = Blueprint("rules", __name__, url_prefix="/rules")


@bp.get("/")
def index() -> str:
    every = rules.every().values()
    groups = [(group, [rule for rule in every if rule.group == group]) for group in rules.GROUPS]
    return render_template("rules/index.html", groups=[(group, found) for group, found in groups if found])


@bp.get("/<id>")
def show(id: str) -> str:
    rule = _rule(id)
    beside = [one for one in rules.every().values() if one.group == rule.group and one.id != id]
    return render_template("rules/show.html", rule=rule, beside=beside)


@bp.get("/<id>/<any(wrong, right):which>/<int:number>")
def example(id: str, which: str, number: int) -> Response:
    """A file of an example, for the viewer."""
    parts = {"wrong": _rule(id).wrong, "right": _rule(id).right}[which]
    if number >= len(parts) or not parts[number].is_diagram:
        raise NoPage
    response = Response(parts[number].content, mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=3600"  # part of the program
    return response


def _rule(id: str) -> Rule:
    rule = rules.find(id)
    if rule is None:
        raise NoPage
    return rule
