"""Drafts: uploads with their problems beside the diagram, mended in place until they can run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoPage

from engine import Problem, Right, Severity, definitions, drafts, reports
from engine.definitions import Examined
from engine.drafts import Draft
from web import people, sources
from web.context import command, reading

bp = Blueprint("drafts", __name__, url_prefix="/definitions/drafts")


@bp.get("/")
def index() -> str:
    with reading() as tx:
        found = drafts.find(tx)
        people.know(tx, found)
    return render_template("drafts/index.html", drafts=found)


@bp.get("/<int:draft_id>")
def show(draft_id: int) -> str:
    with reading() as tx:
        draft, files = drafts.get(tx, draft_id), drafts.files(tx, draft_id)
        people.know(tx, [draft])
    return page(draft, definitions.examine(files.items()))


@bp.get("/<int:draft_id>/files/<file>")
def source(draft_id: int, file: str) -> Response:
    """A file as it was uploaded, byte for byte."""
    with reading() as tx:
        files = drafts.files(tx, draft_id)
    if file not in files:
        raise NoPage
    mimetype = "application/xml" if drafts.is_diagram(file) else "application/octet-stream"
    response = Response(files[file], mimetype=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=file)
    return response


@bp.post("/<int:draft_id>/files")
def mend(draft_id: int) -> ResponseReturnValue:
    """Put mended files in the place of the old ones; deploy when all can run and that is asked for."""
    sent = uploaded()
    with reading() as tx:
        draft, old = drafts.get(tx, draft_id), drafts.files(tx, draft_id)
    if not sent:
        return page(draft, definitions.examine(old.items()), missing=True), 422
    new = definitions.examine(sent)
    examined = definitions.examine(drafts.mended(old, new.files).items()) if new.files else new
    if not examined.is_readable:
        return page(draft, definitions.examine(old.items()), refused=examined.problems), 422
    with command() as tx:
        drafts.replace(tx, draft_id, examined, revision=_revision())
    flash(_verdict(examined), "success" if examined.is_deployable else "warning")
    return redirect(url_for("drafts.show", draft_id=draft_id))


@bp.post("/<int:draft_id>/deploy")
def deploy(draft_id: int) -> ResponseReturnValue:
    with reading() as tx:
        files = drafts.files(tx, draft_id)
    examined = definitions.examine(files.items())
    with command() as tx:
        deployment = drafts.deploy(tx, draft_id, examined, revision=_revision())
    for definition in deployment.definitions:
        flash(f"{definition.name[:100]} is deployed as version {definition.version}.", "success")
    return redirect(url_for("processes.show", definition_id=deployment.definitions[0].id))


@bp.post("/<int:draft_id>/delete")
def delete(draft_id: int) -> ResponseReturnValue:
    with command() as tx:
        draft = drafts.get(tx, draft_id)
        drafts.delete_draft(tx, draft_id)
    flash(f"Deleted the draft {draft.name[:100]}.", "success")
    return redirect(url_for("drafts.index"))


# ---- shared with the page that uploads -----------------------------------------------------------------------------


def uploaded() -> list[tuple[str, bytes]]:
    """The files of an upload, by name."""
    with reading() as tx:
        tx.require(Right.DEPLOY)
    return [(file.filename, file.read()) for file in request.files.getlist("files") if file.filename]


def keep(examined: Examined) -> ResponseReturnValue:
    """Keep what can be read, and show what is wrong with it."""
    with command() as tx:
        draft = drafts.keep(tx, examined)
    flash(
        f"{draft.name[:100]} is kept as a draft. {_verdict(examined)}", "info" if examined.is_deployable else "warning"
    )
    return redirect(url_for("drafts.show", draft_id=draft.id))


def page(draft: Draft, examined: Examined, *, missing: bool = False, refused: Sequence[Problem] = ()) -> str:
    """One draft; of several files the one that the address asks for.

    refused: what is wrong with files that shall replace it and cannot be read.
    """
    files = sorted(examined.files, key=lambda file: (not drafts.is_diagram(file), file))
    file = request.args.get("file", files[0])
    if file not in files:
        raise NoPage
    found = in_order(problem for problem in examined.problems if problem.place.file == file)
    return render_template(
        "drafts/show.html",
        draft=draft,
        examined=examined,
        files=[(each, count([p for p in examined.problems if p.place.file == each])) for each in files],
        file=file,
        is_diagram=any(document.file == file for document in examined.documents),
        problems=found,
        counts=count(found),
        imported=[row for row in definitions.imported(examined) if row.place.file == file],
        lines=sources.lines(examined.files[file], found),
        missing=missing,
        refused=in_order(refused),
        refused_counts=count(refused),
    )


def count(problems: Sequence[Problem]) -> tuple[int, int]:
    """How many errors and warnings."""
    errors = reports.errors(problems)
    return errors, len(problems) - errors


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then as they stand in the file."""
    return sorted(problems, key=lambda problem: (problem.severity is not Severity.ERROR, problem.place))


def _verdict(examined: Examined) -> str:
    errors, warnings = count(examined.problems)
    if errors:
        return f"It cannot run yet: {errors} {'error' if errors == 1 else 'errors'}."
    return "It can run." if not warnings else f"It can run; {warnings} {'warning' if warnings == 1 else 'warnings'}."


def _revision() -> int:
    """The revision that the page showed."""
    told = request.form.get("revision", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else 0
