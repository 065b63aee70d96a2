"""Definitions: what is deployed, each version with its diagram, download, and upload with its list of problems."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import Deployment, Problem, definitions
from engine.definitions import Examined
from web import drafts, filters, listing, people
from web.context import command, is_fragment, reading

bp = Blueprint("processes", __name__, url_prefix="/definitions")

TOLD = 3
"""Definitions and warnings of one upload that are told one by one."""


@bp.get("/")
def index() -> str:
    search = listing.text("search")
    with reading() as tx:
        latest = definitions.latest(tx, search=search)
        people.know(tx, [counts.definition for counts in latest])
    template = "processes/_list.html" if is_fragment() else "processes/index.html"
    return render_template(template, latest=latest, search=search)


@bp.get("/<key>/versions")
def versions(key: str) -> str:
    with reading() as tx:
        found = definitions.versions(tx, key)
        people.know(tx, [counts.definition for counts in found])
    return render_template("processes/versions.html", versions=found, latest=found[0].definition)


@bp.get("/<int:definition_id>")
def show(definition_id: int) -> str:
    with reading() as tx:
        definition = definitions.get(tx, definition_id)
        known = definitions.versions(tx, definition.key)
        people.know(tx, [counts.definition for counts in known])
        return render_template(
            "processes/show.html",
            definition=definition,
            versions=known,
            documentation=definitions.documentation(tx, definition_id),
            is_latest=known[0].definition.id == definition_id,
            tools=definitions.tools(tx, definition_id),
            may_start=any(one.id == definition_id for one in definitions.startable(tx)),
        )


@bp.get("/<int:definition_id>/imported")
def imported(definition_id: int) -> str:
    """What became of the words of other tools."""
    with reading() as tx:
        definition, rows = definitions.get(tx, definition_id), definitions.import_report(tx, definition_id)
    return render_template("processes/imported.html", definition=definition, imported=rows)


@bp.get("/<int:definition_id>/source")
def source(definition_id: int) -> Response:
    """The diagram as it was uploaded, byte for byte."""
    with reading() as tx:
        definition = definitions.get(tx, definition_id)
        content = definitions.source(tx, definition_id)
    response = Response(content, mimetype="application/xml")
    response.headers.set("Content-Disposition", "attachment", filename=definition.file)
    response.headers["Cache-Control"] = "private, max-age=3600"  # a version never changes
    return response


@bp.route("/upload", methods=["GET", "POST"])
def upload() -> ResponseReturnValue:
    """Deploy what can run, keep as a draft what can be read, and store nothing of the rest."""
    sent = drafts.uploaded()
    if request.method != "POST":
        return render_template("processes/upload.html", problems=[], names=[])
    if not sent:
        return render_template("processes/upload.html", problems=[], names=[], missing=True), 422
    examined = definitions.examine(sent)
    if not examined.is_readable:
        return _refused([name for name, _ in sent], examined), 422
    if not examined.is_deployable or "keep" in request.form:
        return drafts.keep(examined)
    checked = definitions.check(examined)
    with command() as tx:
        deployment = definitions.deploy(tx, checked)
    _tell(deployment)
    return redirect(url_for("processes.show", definition_id=deployment.definitions[0].id))


def _tell(deployment: Deployment) -> None:
    """Messages travel in the session cookie: a few, and short ones."""
    for definition in deployment.definitions[:TOLD]:
        flash(f"{definition.name[:100]} is deployed as version {definition.version}.", "success")
    for warning in deployment.warnings[:TOLD]:
        flash(_in_words(warning)[:300], "warning")
    for kind, count in (("processes", len(deployment.definitions)), ("warnings", len(deployment.warnings))):
        if count > TOLD:
            flash(f"And {count - TOLD} more {kind}.", "success")


def _in_words(warning: Problem) -> str:
    """Of what, what, and what to do: as a refused upload is told."""
    about = warning.place.file
    if warning.element_id:
        kind = filters.words(warning.element_type).capitalize()
        about = f"{kind} “{warning.element_name or warning.element_id}”"
    return f"{about}: {warning.message} {warning.fix}".strip()


def _refused(names: list[str], examined: Examined) -> str:
    ordered = drafts.in_order(examined.problems)
    return render_template(
        "processes/upload.html",
        problems=ordered,
        names=names,
        counts=drafts.count(ordered),
        imported=definitions.imported(examined),
    )
