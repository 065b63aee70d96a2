"""Definitions: upload with its problems, versions, download byte for byte."""

from __future__ import annotations

import io

import pytest

from tests.play import END, START, chain, document, user
from tests.site import FILES, Site, Visitor, words


def test_an_upload_makes_a_version_and_shows_it(ana: Visitor) -> None:
    sent = ana.upload("leave.bpmn")

    page = ana.page(sent.location)
    assert "is deployed as version 1" in page
    assert "Leave request" in page


def test_a_warning_is_told_in_words(ana: Visitor) -> None:
    case = '<adHocSubProcess id="case" name="The case">' + user("u", candidateGroups="clerks") + "</adHocSubProcess>"
    content = document(START + case + END + chain("start", "case", "end"))

    sent = ana.post("/definitions/upload", {"files": [(io.BytesIO(content), "case.bpmn")]})

    page = ana.page(sent.location)
    assert "Ad-hoc sub-process “The case”: Nothing says whose work this is" in page
    assert "case.bpmn:" not in page


def test_a_process_that_an_event_begins_says_why_it_has_no_button(ana: Visitor) -> None:
    timer = "<timerEventDefinition><timeDate>2036-01-01</timeDate></timerEventDefinition>"
    content = document(f'<startEvent id="start">{timer}</startEvent>' + user("u") + END + chain("start", "u", "end"))

    by_event = ana.post("/definitions/upload", {"files": [(io.BytesIO(content), "timer.bpmn")]})
    by_hand = ana.upload("leave.bpmn")

    assert "You cannot start it by hand" in ana.page(by_event.location)
    assert "by hand" not in ana.page(by_hand.location)


def test_a_diagram_and_its_form_come_together(ana: Visitor) -> None:
    sent = ana.upload("travel.bpmn", "trip.form")

    assert "City" in ana.get(sent.location.replace("definitions", "start")).text


def test_a_second_upload_makes_a_second_version(ana: Visitor) -> None:
    ana.upload("leave.bpmn")
    ana.upload("leave.bpmn")

    assert "Version 2" in ana.page("/definitions/leave/versions")
    assert "version 2" in ana.page("/definitions/")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.bpmn", b"<definitions><process"),
        ("empty.bpmn", b""),
        ("binary.bpmn", bytes(range(256)) * 10),
        ("bomb.bpmn", b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>'),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("form.form", b"{broken"),
        ("../../etc/passwd.bpmn", b"<x/>"),
        ("<img src=x onerror=alert(1)>.bpmn", b"<x/>"),
    ],
)
def test_a_hostile_upload_gets_a_list_of_problems(ana: Visitor, name: str, content: bytes) -> None:
    refused = ana.post("/definitions/upload", {"files": [(io.BytesIO(content), name)]})

    assert refused.status_code == 422
    assert "nothing was stored" in words(refused.text)
    assert "<img src=x" not in refused.text
    assert "Nothing is deployed yet" in ana.page("/definitions/")


def test_two_files_of_one_name_are_refused(ana: Visitor) -> None:
    content = (FILES / "leave.bpmn").read_bytes()
    files = [(io.BytesIO(content), "leave.bpmn"), (io.BytesIO(content), "old/leave.bpmn")]

    refused = ana.post("/definitions/upload", {"files": files})

    assert refused.status_code == 422
    assert "name of its own" in words(refused.text)


def test_folders_in_a_file_name_are_dropped(ana: Visitor) -> None:
    content = (FILES / "leave.bpmn").read_bytes()

    sent = ana.post("/definitions/upload", {"files": [(io.BytesIO(content), "C:\\my files\\../../leave.bpmn")]})

    assert "leave · leave.bpmn · deployed" in ana.page(sent.location)


def test_an_upload_without_a_file_asks_for_one(ana: Visitor) -> None:
    refused = ana.post("/definitions/upload", {})

    assert refused.status_code == 422
    assert "Choose at least one file" in refused.text


def test_an_approver_may_not_upload(site: Site, ben: Visitor) -> None:
    assert ben.upload("leave.bpmn").status_code == 403


def test_a_diagram_is_downloaded_byte_for_byte(ana: Visitor) -> None:
    sent = ana.upload("leave.bpmn")

    answer = ana.get(f"{sent.location}/source")

    assert answer.data == (FILES / "leave.bpmn").read_bytes()
    assert answer.mimetype == "application/xml"
    assert answer.headers["Content-Disposition"] == "attachment; filename=leave.bpmn"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_list_counts_active_instances_and_incidents(site: Site, ana: Visitor) -> None:
    site.deploy("leave.bpmn")
    site.deploy("failing.bpmn")
    ana.start("Leave request")
    ana.start("Divide")

    page = ana.page("/definitions/")

    assert "1 active" in page
    assert "1 incident" in page


def test_the_list_is_searched(site: Site, ana: Visitor) -> None:
    site.deploy("leave.bpmn")
    site.deploy("failing.bpmn")

    found = ana.page("/definitions/?search=lea")

    assert "Leave request" in found
    assert "Divide" not in found


def test_only_pages_with_a_diagram_load_the_viewer(ana: Visitor) -> None:
    assert "data-island" in ana.get(ana.upload("leave.bpmn").location).text
    for path in ("/", "/start/", "/definitions/", "/instances/", "/timers", "/definitions/upload"):
        assert "data-island" not in ana.get(path).text, path


def test_an_unknown_process_has_no_versions(ana: Visitor) -> None:
    assert ana.get("/definitions/nonsense/versions").status_code == 404


def test_the_import_report_is_shown(ana: Visitor) -> None:
    listener = (
        '<extensionElements><camunda:taskListener event="create" class="com.example.Notify"/></extensionElements>'
    )
    told = START + user("u", candidateGroups="clerks") + END + chain("start", "u", "end")
    refused = document(told.replace("</userTask>", f"{listener}</userTask>"))

    sent = ana.post("/definitions/upload", {"files": [(io.BytesIO(document(told)), "p.bpmn")]})
    page = ana.page(sent.location)
    report = words(ana.get(f"{sent.location}/imported").text)
    draft = ana.post("/definitions/upload", {"files": [(io.BytesIO(refused), "p.bpmn")]})
    problems = words(ana.get(draft.location).text)

    assert "Made for Camunda 7" in page
    assert "camunda:candidateGroups the candidate groups" in report
    assert "1 Must change" in problems
    assert "camunda:taskListener" in problems
