"""Instances: search, the page with its diagram, data and history, incidents, timers, cancelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from werkzeug.test import TestResponse

from engine import SYSTEM, Transaction, history, instances, progress, user_tasks
from tests.site import Site, Visitor, questions, words
from web.filters import text_of


@pytest.fixture
def leave(site: Site, ana: Visitor) -> str:
    """The page of an instance that waits for the managers."""
    site.deploy("leave.bpmn")
    return ana.start("Leave request", business_key="L-1").location


def retry_path(administrator: Visitor) -> str:
    """Where the button of the only open incident leads."""
    found = re.search(r'action="(/incidents/\d+/retry)"', administrator.get("/incidents").text)
    assert found
    return found.group(1)


def test_the_page_tells_where_the_instance_stands(leave: str, ana: Visitor) -> None:
    page = ana.page(leave)

    assert "Approve leave user task active 1" in page
    assert "Leave asked for start event completed" in page
    assert "for managers" in page
    assert "Instance started" in page


def test_what_was_visited_last_stands_first(site: Site, leave: str, ana: Visitor) -> None:
    ben, task = site.visitor("ben"), re.search(r"/tasks/\d+", ana.get(leave).text)
    assert task
    ben.post(f"{task.group()}/claim")
    ben.post(f"{task.group()}/", {"values": '{"days": 3}', "button": "0"})

    page = ana.page(leave)
    stand = page[page.index("Where it stands") : page.index("Variables")]

    places = re.findall(r"Leave asked for|Approve leave|Approved\?|Granted", stand)
    assert places == ["Granted", "Approved?", "Approve leave", "Leave asked for"]


def test_the_viewer_reads_tokens_and_the_path(leave: str, ana: Visitor) -> None:
    state = ana.get(f"{leave}/state").json

    assert state["elements"] == {"asked": "completed", "approve": "active"}
    assert state["counts"] == {"approve": 1}
    assert state["flows"] == ["to-approve"]


def test_the_moving_part_is_sent_alone(leave: str, ana: Visitor) -> None:
    part = ana.get(leave, fragment=True).text

    assert part.lstrip().startswith('<div id="live"')
    assert "<html" not in part


def test_the_starter_sees_the_instance_and_strangers_do_not(site: Site, leave: str) -> None:
    assert site.visitor("ben").get(leave).status_code == 200
    assert site.visitor("eve").get(leave).status_code == 404
    assert site.visitor("eve").get(f"{leave}/state").status_code == 404
    assert site.visitor("eve").get(f"{leave}/history").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["L-1", "T-1"]),
        ("status=active", ["L-1", "T-1"]),
        ("status=completed", []),
        ("key=travel", ["T-1"]),
        ("business_key=L-1", ["L-1"]),
        ("name=city&value=Rome", ["T-1"]),
        ("name=nights&value=2", ["T-1"]),
        ("name=nights&value=3", []),
        ("incidents=1", []),
        ("status=bogus", ["L-1", "T-1"]),
    ],
)
def test_instances_are_found_by_what_they_are(
    site: Site, leave: str, ana: Visitor, query: str, found: list[str]
) -> None:
    site.deploy("travel.bpmn", "trip.form")
    ana.start("Business trip", {"city": "Rome", "nights": 2}, business_key="T-1")

    page = ana.get(f"/instances/?{query}", fragment=True).text

    assert [key for key in ("L-1", "T-1") if f">{key}<" in page] == found


def test_an_approver_finds_what_was_started_by_them_only(site: Site, leave: str, ben: Visitor) -> None:
    ben.start("Leave request", business_key="L-2")

    page = ben.page("/instances/")

    assert "What I started" in page
    assert "L-2" in page
    assert "L-1" not in page


def test_the_list_is_read_in_stretches(site: Site, ana: Visitor) -> None:
    site.deploy("leave.bpmn")
    with site.engine.transaction(SYSTEM) as tx:
        for _ in range(60):
            instances.start(tx, "leave")

    assert "1 to 50 of 60" in ana.page("/instances/")
    assert "51 to 60 of 60" in ana.page("/instances/?offset=50")


def test_an_incident_is_shown_and_tried_again(site: Site, root: Visitor) -> None:
    site.deploy("failing.bpmn")
    page_of = root.start("Divide").location

    assert "Stopped at Divide by zero" in root.page(page_of)
    assert "Divide by zero" in root.page("/incidents")

    again = root.post(retry_path(root), {"next": page_of})

    assert again.location == page_of
    page = root.page(page_of)
    assert "Tried again, and stopped again: Divide by zero" in page
    assert "Tried again in vain once" in page


def test_an_analyst_sees_incidents_but_may_not_retry(site: Site, ana: Visitor) -> None:
    site.deploy("failing.bpmn")
    ana.start("Divide")

    assert "Retry" not in ana.page("/incidents")
    assert ana.post(retry_path(site.visitor("root"))).status_code == 403


def test_an_unknown_incident_is_not_retried(root: Visitor) -> None:
    assert root.post("/incidents/4711/retry").status_code == 404


def test_a_timer_is_listed_and_fires(site: Site, ana: Visitor) -> None:
    site.deploy("deadline.bpmn")
    page_of = ana.start("Answer in time", business_key="Q-1").location
    assert "Too late" in ana.page("/timers")
    assert "Q-1" in ana.page("/timers")
    assert "Too late" in ana.page(page_of)

    site.advance(seconds=4)

    page = ana.page(page_of)
    assert "completed" in page
    assert "Timer fired" in page
    assert "No timer is pending" in ana.page("/timers")


def test_cancelling_needs_a_reason_and_keeps_it(leave: str, root: Visitor) -> None:
    refused = root.post(f"{leave}/cancel", {"reason": "  "})
    assert refused.status_code == 422
    assert "reason" in words(refused.text)

    root.post(f"{leave}/cancel", {"reason": "asked twice <b>"})

    page = root.page(leave)
    assert "terminated" in page
    assert "Instance cancelled: asked twice <b>" in page
    assert "Cancel this instance" not in page


def test_cancelling_twice_is_refused(leave: str, root: Visitor) -> None:
    root.post(f"{leave}/cancel", {"reason": "once"})

    assert root.post(f"{leave}/cancel", {"reason": "twice"}).status_code == 409


def test_an_analyst_may_not_cancel(leave: str, ana: Visitor) -> None:
    assert "Cancel this instance" not in ana.page(leave)
    assert ana.post(f"{leave}/cancel", {"reason": "no"}).status_code == 403


def test_the_whole_history_is_one_link_away(leave: str, ana: Visitor) -> None:
    assert "Approve leave" in ana.page(f"{leave}/history")
    assert "Instance started" in ana.page(f"{leave}/history?kind=events")


def test_a_moment_is_written_for_people() -> None:
    assert text_of(datetime(2026, 11, 23, 4, 57, 12, 469705, tzinfo=UTC)) == "23 Nov 2026, 04:57:12 UTC"


# ---- renewing itself -----------------------------------------------------------------------------------------------


def again(person: Visitor, path: str, tag: str) -> TestResponse:
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "If-None-Match": tag}
    return person.client.get(path, headers=headers)


@pytest.mark.parametrize("part", ["", "/state"])
def test_a_page_that_nothing_happened_to_is_not_made_again(leave: str, ana: Visitor, site: Site, part: str) -> None:
    tag = ana.get(leave + part, fragment=True).headers["ETag"]

    with questions(site) as asked:
        known = again(ana, leave + part, tag)
    assert known.status_code == 304
    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 3  # it, and who is asking

    task = re.search(r"/tasks/(\d+)/", ana.get(leave).text)
    assert task
    site.visitor("ben").post(f"/tasks/{task.group(1)}/claim")
    assert again(ana, leave + part, tag).status_code == 200


def test_an_answer_kept_for_one_person_is_no_other_persons(leave: str, ana: Visitor, root: Visitor) -> None:
    tag = ana.get(leave, fragment=True).headers["ETag"]

    assert again(root, leave, tag).status_code == 200


@pytest.mark.parametrize("path", ["/instances/", "/timers", "/definitions/", "/accounts/"])
def test_a_list_that_is_as_before_is_not_sent_again(leave: str, root: Visitor, path: str) -> None:
    tag = root.get(path, fragment=True).headers["ETag"]

    known = again(root, path, tag)

    assert (known.status_code, known.data) == (304, b"")
    assert "ETag" not in root.get(path).headers


@pytest.mark.parametrize(
    ("path", "most"),
    [("/", 8), ("/instances/", 5), ("/timers", 4), ("/incidents", 7), ("/definitions/", 5), ("/accounts/", 6)],
)
def test_what_renews_itself_asks_little_however_much_is_listed(site: Site, root: Visitor, path: str, most: int) -> None:
    site.deploy("leave.bpmn")
    site.deploy("deadline.bpmn")
    site.deploy("failing.bpmn")
    with site.engine.transaction(SYSTEM) as tx:
        for key in ("leave", "deadline", "failing") * 5:
            instances.start(tx, key)

    with questions(site) as asked:
        assert root.get(path, fragment=True).status_code == 200

    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= most


def test_a_list_that_renews_itself_asks_for_its_rows_only(leave: str, ana: Visitor, site: Site) -> None:
    with questions(site) as asked:
        ana.get("/instances/", fragment=True)

    assert not [statement for statement in asked if "resource" in statement]
    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 5


def grow_old(site: Site, instance_id: int, *, visits: int) -> None:
    """Go round and round, as a loop does, with a task each time."""
    with site.engine.transaction(SYSTEM) as tx:
        visit = {
            "instance_id": instance_id,
            "element_id": "asked",
            "element_type": "startEvent",
            "element_name": "Leave asked for",
            "entered_at": tx.now,
            "left_at": tx.now,
            "outcome": "completed",
            "actor": "ana",
            "flow": "to-approve",
        }
        history.add_activities(tx, [{**visit, "token": f"t{number}"} for number in range(visits)])
        of = {"instance_id": instance_id, "element_id": "approve"}
        others = [history.event(tx, "task claimed", **of, data={"task": -number}) for number in range(visits)]
        history.append(tx, others)


def test_a_picture_of_an_old_instance_is_the_same(leave: str, ana: Visitor, site: Site) -> None:
    instance_id = int(leave.rpartition("/")[2])
    before = ana.get(f"{leave}/state").json
    grow_old(site, instance_id, visits=2_000)

    assert ana.get(f"{leave}/state").json == before


def effort(site: Site, look: Callable[[Transaction], object]) -> int:
    """How many hundreds of its instructions SQLite runs for a look."""
    ticks: list[None] = []
    with site.engine.reading(SYSTEM) as tx:
        connection = tx.connection.connection.driver_connection
        assert connection is not None
        connection.set_progress_handler(lambda: ticks.append(None), 100)
        look(tx)
        connection.set_progress_handler(None, 100)
    return len(ticks)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # the one that counts its instructions
def test_a_look_at_an_old_instance_costs_what_it_cost_when_it_was_young(leave: str, ana: Visitor, site: Site) -> None:
    instance_id = int(leave.rpartition("/")[2])
    with site.engine.transaction(SYSTEM) as tx:
        (task,) = user_tasks.of_instance(tx, instance_id)
        user_tasks.claim(tx, task.id)
        user_tasks.complete(tx, task.id, {"days": 1}, button=0)
    looks: list[Callable[[Transaction], object]] = [
        lambda tx: progress.picture(tx, instance_id),
        lambda tx: progress.visited(tx, instance_id),
        lambda tx: progress.mark(tx, instance_id),
        lambda tx: user_tasks.history_of(tx, task.id),
    ]
    young = [effort(site, look) for look in looks]
    site.advance(hours=1)
    grow_old(site, instance_id, visits=5_000)

    old = [effort(site, look) for look in looks]

    assert all(after < before + 100 for before, after in zip(young, old, strict=True)), (young, old)
    with site.engine.reading(SYSTEM) as tx:
        assert [event.kind for event in user_tasks.history_of(tx, task.id)] == ["task completed", "task claimed"]


def test_people_go_by_their_names(leave: str, ana: Visitor, site: Site) -> None:
    page = ana.get(leave).text

    assert '<span title="ana">Ana</span>' in page
    assert '<span title="ana">Ana</span>' in ana.get("/instances/").text
    assert '<span title="ana">Ana</span>' in ana.get(f"{leave}/history?kind=events").text


@pytest.mark.parametrize("part", ["", "/history?kind=events"])
def test_names_are_looked_up_once_for_a_page(leave: str, ana: Visitor, site: Site, part: str) -> None:
    with site.engine.transaction(SYSTEM) as tx:
        (task,) = user_tasks.of_instance(tx, int(leave.rpartition("/")[2]))
        for person in ("ben", "mia", "eve"):
            user_tasks.reassign(tx, task.id, person)

    with questions(site) as asked:
        page = words(ana.get(leave + part).text)

    assert "Task reassigned to Eve" in page
    assert len([statement for statement in asked if statement.startswith("SELECT account.id, account.name \n")]) == 1
