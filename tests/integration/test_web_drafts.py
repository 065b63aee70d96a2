"""Drafts by their pages: kept though they cannot run, looked at, mended, compared and deployed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from engine.storage.tables import DefinitionRow, DraftFileRow, DraftRow, ResourceRow
from tests.play import START, chain, document, user
from tests.site import FILES, Site, Visitor, words

GOOD = (FILES / "leave.bpmn").read_bytes()
BAD = (FILES / "refused.bpmn").read_bytes()
NASTY = '<img src=x onerror=alert(1)>"&'
FORM = b'{"components": [{"type": "textfield", "key": "a"}]}'


def send(visitor: Visitor, files: Mapping[str, bytes], path: str = "/definitions/upload", **more: str) -> TestResponse:
    return visitor.post(path, {"files": [(io.BytesIO(data), name) for name, data in files.items()], **more})


def kept(site: Site) -> dict[str, int]:
    """How many rows of each kind are stored."""
    with site.engine.database.connect() as connection:
        counts = {row: connection.scalar(select(func.count()).select_from(row)) for row in _ROWS}
    return {_ROWS[row]: count or 0 for row, count in counts.items() if count}


_ROWS = {DraftRow: "drafts", DraftFileRow: "draft files", DefinitionRow: "definitions", ResourceRow: "resources"}


def revision(page: str) -> str:
    found = re.search(r'name="revision" value="(\d+)"', page)
    assert found is not None
    return found[1]


# ---- kept ----------------------------------------------------------------------------------------------------------


def test_what_cannot_run_is_kept_with_every_problem(site: Site, ana: Visitor) -> None:
    sent = send(ana, {"refused.bpmn": BAD})

    page = ana.page(sent.location)
    assert "is kept as a draft. It cannot run yet" in page
    assert "readable cannot run yet" in page
    assert "line 6, column" in page
    assert kept(site) == {"drafts": 1, "draft files": 1}
    assert "Nothing is deployed yet" in ana.page("/definitions/")
    assert "refused.bpmn" in ana.page("/definitions/drafts/")


def test_what_can_run_is_kept_as_a_draft_when_that_is_asked_for(site: Site, ana: Visitor) -> None:
    sent = send(ana, {"leave.bpmn": GOOD}, keep="1")

    assert "readable can run" in ana.page(sent.location)
    assert kept(site) == {"drafts": 1, "draft files": 1}


@pytest.mark.parametrize("unreadable", [b"", b"\x89PNG....", b"<!DOCTYPE a><a/>", b"<definitions><process"])
def test_one_file_that_cannot_be_read_stops_all(site: Site, ana: Visitor, unreadable: bytes) -> None:
    refused = send(ana, {"leave.bpmn": GOOD, "refused.bpmn": BAD, "other.bpmn": unreadable})

    assert refused.status_code == 422
    assert "nothing was stored" in words(refused.text)
    assert kept(site) == {}


def test_an_archive_is_taken_as_its_files(site: Site, ana: Visitor) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders/leave.bpmn", GOOD)
        archive.writestr("orders/forms/trip.form", FORM)

    sent = send(ana, {"all.zip": packed.getvalue()})

    assert "is deployed as version 1" in ana.page(sent.location)
    assert kept(site) == {"definitions": 1, "resources": 2}


def test_of_several_files_each_has_its_problems(ana: Visitor) -> None:
    form = b'{"components": [{"type": "html", "key": "a"}]}'
    sent = send(ana, {"leave.bpmn": GOOD, "refused.bpmn": BAD, "trip.form": form})

    first, second, third = (
        ana.page(f"{sent.location}?file={file}") for file in ("leave.bpmn", "refused.bpmn", "trip.form")
    )
    assert "Nothing is wrong with this file" in first
    assert "line 6, column" in second
    assert "html" in third
    assert ana.get(f"{sent.location}?file=other.bpmn").status_code == 404


def test_a_draft_is_downloaded_byte_for_byte(ana: Visitor) -> None:
    content = BAD.replace(b"\n", b"\r\n") + b"\r\n<!-- \xc3\xa4 -->"
    sent = send(ana, {"refused.bpmn": content})

    answer = ana.get(f"{sent.location}/files/refused.bpmn")

    assert answer.data == content
    assert answer.mimetype == "application/xml"
    assert ana.get(f"{sent.location}/files/other.bpmn").status_code == 404


def test_hostile_names_stay_text(ana: Visitor) -> None:
    content = document(
        START + user('u" name="' + NASTY.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;"))
    )
    sent = send(ana, {f"{NASTY}.bpmn": content})

    assert sent.status_code == 302
    assert "<img src=x" not in ana.get(sent.location).text
    assert "<img src=x" not in ana.get("/definitions/drafts/").text


# ---- mended --------------------------------------------------------------------------------------------------------


def test_a_mended_file_takes_the_place_of_the_old_one_and_is_deployed(site: Site, ana: Visitor) -> None:
    draft = send(ana, {"leave.bpmn": BAD, "trip.form": FORM}).location

    mended = send(ana, {"leave.bpmn": GOOD}, f"{draft}/files", revision="1")

    page = ana.get(mended.location).text
    assert "It can run." in words(page)
    assert ana.get(f"{draft}/files/leave.bpmn").data == GOOD
    assert kept(site) == {"drafts": 1, "draft files": 2}
    deployed = ana.post(f"{draft}/deploy", {"revision": revision(page)})
    assert "is deployed as version 1" in ana.page(deployed.location)
    assert kept(site) == {"definitions": 1, "resources": 2}
    assert ana.get(draft).status_code == 404


def test_a_single_diagram_may_change_its_name(ana: Visitor) -> None:
    draft = send(ana, {"refused.bpmn": BAD}).location

    send(ana, {"mended.bpmn": GOOD}, f"{draft}/files", revision="1")

    assert ana.get(f"{draft}/files/refused.bpmn").status_code == 404
    assert ana.get(f"{draft}/files/mended.bpmn").data == GOOD


@pytest.mark.parametrize("files", [{}, {"refused.bpmn": b"<x"}, {"a.zip": b"no"}])
def test_what_cannot_be_read_mends_nothing(ana: Visitor, files: dict[str, bytes]) -> None:
    draft = send(ana, {"refused.bpmn": BAD}).location

    refused = send(ana, files, f"{draft}/files", revision="1")

    assert refused.status_code == 422
    assert "line 6, column" in words(refused.text)
    assert ana.get(f"{draft}/files/refused.bpmn").data == BAD


def test_of_two_who_mend_at_once_one_is_told(site: Site, ana: Visitor) -> None:
    draft = send(ana, {"refused.bpmn": BAD}).location
    send(ana, {"refused.bpmn": GOOD}, f"{draft}/files", revision="1")

    late = send(ana, {"refused.bpmn": BAD}, f"{draft}/files", revision="1")

    assert late.status_code == 409
    assert ana.get(f"{draft}/files/refused.bpmn").data == GOOD
    assert ana.post(f"{draft}/deploy", {"revision": "1"}).status_code == 409
    assert "definitions" not in kept(site)


def test_what_cannot_run_is_not_deployed(site: Site, ana: Visitor) -> None:
    draft = send(ana, {"refused.bpmn": BAD}).location

    assert ana.post(f"{draft}/deploy", {"revision": "1"}).status_code == 422
    assert kept(site) == {"drafts": 1, "draft files": 1}


def test_a_draft_is_deleted(site: Site, ana: Visitor) -> None:
    draft = send(ana, {"refused.bpmn": BAD}).location

    assert "Deleted the draft refused.bpmn" in ana.page(ana.post(f"{draft}/delete").location)
    assert kept(site) == {}
    assert ana.post(f"{draft}/delete").status_code == 404


def test_who_may_not_deploy_sees_no_draft(ana: Visitor, ben: Visitor) -> None:
    draft = send(ana, {"refused.bpmn": BAD}).location

    answers = [
        *(
            ben.get(path)
            for path in (draft, f"{draft}/files/refused.bpmn", "/definitions/drafts/", "/definitions/compare/")
        ),
        send(ben, {"refused.bpmn": GOOD}, f"{draft}/files", revision="1"),
        *(ben.post(f"{draft}/{verb}", {"revision": "1"}) for verb in ("deploy", "delete")),
    ]

    assert {answer.status_code for answer in answers} == {403}


# ---- compared ------------------------------------------------------------------------------------------------------


def test_a_draft_is_compared_with_a_version(ana: Visitor) -> None:
    version = ana.upload("leave.bpmn").location.rpartition("/")[2]
    draft = send(ana, {"leave.bpmn": GOOD.replace(b"Leave request", b"Holidays")}, keep="1").location.rpartition("/")[2]

    page = ana.page(f"/definitions/compare/?old=version-{version}&new=draft-{draft}")

    assert "leave, version 1" in page
    assert "removed" in page
    assert "Holidays" in page
    assert "They are the same" in ana.page(f"/definitions/compare/?old=draft-{draft}&new=draft-{draft}")


@pytest.mark.parametrize("token", ["draft-99", "version-99", "draft-x", "nothing-1", "draft-" + "9" * 40])
def test_what_is_not_there_is_not_compared(ana: Visitor, token: str) -> None:
    assert ana.get(f"/definitions/compare/?old={token}").status_code == 404


# ---- rules ---------------------------------------------------------------------------------------------------------


def test_each_problem_leads_to_its_rule(ana: Visitor) -> None:
    content = document('<task id="t"/>' + chain("t", "t"))
    page = ana.get(send(ana, {"a.bpmn": content}).location).text

    assert 'href="/rules/no-start"' in page
    assert "A process has somewhere to begin" in ana.page("/rules/no-start")
    assert "A process has somewhere to begin" in ana.page("/rules/")
    assert ana.get("/rules/no-start/wrong/0").mimetype == "application/xml"
    assert [ana.get(f"/rules/{path}").status_code for path in ("nonsense", "no-start/wrong/9")] == [404, 404]
