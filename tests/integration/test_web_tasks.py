"""The inbox and the task page: find, claim, release, reassign, complete, and every way to be refused."""

from __future__ import annotations

import json
import re

import pytest

from engine import SYSTEM, Actor, Transaction, UserTask, history, instances, user_tasks
from tests.site import Site, Visitor, questions, words


@pytest.fixture
def leave(site: Site, ana: Visitor) -> int:
    """An open task for the managers; gives its id."""
    site.deploy("leave.bpmn")
    ana.start("Leave request", business_key="L-1")
    return task_id(site.visitor("ben").get("/?view=groups").text)


def task_id(page: str) -> int:
    found = re.search(r'href="/tasks/(\d+)/"', page)
    assert found, words(page)
    return int(found.group(1))


def complete(person: Visitor, task: int, values: object, button: int | None = 0) -> tuple[int, str]:
    answer = person.post(f"/tasks/{task}/", {"values": json.dumps(values), "button": "" if button is None else button})
    return answer.status_code, words(answer.text)


# ---- the inbox -----------------------------------------------------------------------------------------------------


def test_an_empty_inbox_says_what_to_do(site: Site) -> None:
    assert "You have nothing to do" in site.visitor("eve").page("/")
    assert "Nothing waits for your groups" in site.visitor("eve").page("/?view=groups")


def test_a_task_of_my_groups_is_shown_with_due_date_and_priority(site: Site, leave: int) -> None:
    page = site.visitor("ben").page("/?view=groups")

    assert "Approve leave" in page
    assert "L-1" in page
    assert "Due in 8 hours" in page
    assert "Priority 70" in page


def test_an_outsider_sees_neither_task_nor_page(site: Site, leave: int) -> None:
    eve = site.visitor("eve")

    assert "Approve leave" not in eve.page("/?view=groups")
    assert eve.get(f"/tasks/{leave}/").status_code == 404


def test_an_overdue_task_is_marked(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    site.advance(hours=9)

    assert "Overdue, was due 1 hour ago" in ben.page("/")
    assert "1 overdue" in ben.page("/")


def test_the_inbox_is_searched_by_task_process_and_business_key(site: Site, leave: int) -> None:
    ben = site.visitor("ben")

    for text in ("approve", "leave req", "l-1"):
        assert "Approve leave" in ben.page(f"/?view=groups&search={text}")
    assert 'No task fits "<zebra>"' in ben.page("/?view=groups&search=<zebra>")


def test_a_part_of_the_inbox_is_sent_alone(site: Site, leave: int) -> None:
    part = site.visitor("ben").get("/?view=groups", fragment=True).text

    assert "Approve leave" in part
    assert "<html" not in part


def test_the_inbox_is_read_in_stretches(site: Site, ana: Visitor) -> None:
    site.deploy("leave.bpmn")
    with site.engine.transaction(SYSTEM) as tx:
        for number in range(60):
            instances.start(tx, "leave", business_key=f"L-{number}")
    ben = site.visitor("ben")

    first, second = ben.get("/?view=groups&sort=created").text, ben.get("/?view=groups&sort=created&offset=50").text

    assert first.count('id="task-') == 50
    assert second.count('id="task-') == 10
    assert "offset=50" in first
    assert "Previous" in second
    assert "Next" not in words(second)


@pytest.mark.parametrize("view", user_tasks.VIEWS)
@pytest.mark.parametrize("sort", user_tasks.SORTS)
def test_stretches_make_up_the_whole_list(site: Site, view: str, sort: str) -> None:
    site.deploy("leave.bpmn")
    with site.engine.transaction(SYSTEM) as tx:
        for _ in range(12):
            instances.start(tx, "leave")
        for task in open_tasks(tx)[::3]:
            user_tasks.reassign(tx, task.id, "ben")
    ben = Actor("ben", groups=frozenset({"managers"}))

    with site.engine.reading(ben) as tx:
        whole = [task.id for task in user_tasks.inbox(tx, view=view, sort=sort)]
        parts = [user_tasks.inbox(tx, view=view, sort=sort, limit=5, offset=offset) for offset in (0, 5, 10)]

    assert len(whole) == {"all": 12, "mine": 4, "groups": 8}[view]
    assert [task.id for part in parts for task in part] == whole
    assert [part.has_more for part in parts] == [len(whole) > 5, len(whole) > 10, False]


def open_tasks(tx: Transaction) -> list[UserTask]:
    """The open tasks of every instance."""
    return [task for instance in instances.find(tx) for task in user_tasks.of_instance(tx, instance.id)]


def test_a_far_stretch_is_read_by_its_own_ids(site: Site) -> None:
    site.deploy("leave.bpmn")
    with site.engine.transaction(SYSTEM) as tx:
        for _ in range(40):
            instances.start(tx, "leave")

    with site.engine.reading(Actor("ben", groups=frozenset({"managers"}))) as tx, questions(site) as asked:
        assert len(user_tasks.inbox(tx, limit=3, offset=30)) == 3

    assert max(statement.count("?") + statement.count("%(") for statement in asked) < 20


@pytest.mark.parametrize(
    "query", ["view=bogus", "sort=bogus", "offset=-5", "offset=x", "offset=99999999999999999999", "search=%25_"]
)
def test_nonsense_in_the_address_does_no_harm(site: Site, query: str) -> None:
    assert site.visitor("ben").get(f"/?{query}").status_code == 200


# ---- claiming and releasing --------------------------------------------------------------------------------------


def test_a_claimed_task_is_mine(site: Site, leave: int) -> None:
    ben = site.visitor("ben")

    taken = ben.post(f"/tasks/{leave}/claim")

    assert taken.location == f"/tasks/{leave}/"
    assert "You have this task" in ben.page(taken.location)
    assert "Approve leave" in ben.page("/")


def test_who_is_second_reads_who_was_faster(site: Site, leave: int) -> None:
    site.visitor("ben").post(f"/tasks/{leave}/claim")

    late = site.visitor("mia").post(f"/tasks/{leave}/claim", Referer="http://localhost/?view=groups")

    assert late.status_code == 409
    assert "Ben has it" in words(late.text)
    assert 'href="/?view=groups"' in late.text


def test_who_is_no_candidate_reads_for_whom_it_is(leave: int, ana: Visitor) -> None:
    refused = ana.post(f"/tasks/{leave}/claim")

    assert refused.status_code == 403
    assert "Expected Ana to be a candidate" in words(refused.text)
    assert "it is for managers" in words(refused.text)


def test_a_released_task_waits_for_the_group_again(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    ben.post(f"/tasks/{leave}/release")

    assert "Approve leave" in site.visitor("mia").page("/?view=groups")


def test_a_task_is_reassigned_to_a_colleague(site: Site, leave: int) -> None:
    ben, mia = site.visitor("ben"), site.visitor("mia")
    ben.post(f"/tasks/{leave}/claim")

    assert "Mia" in ben.page(f"/tasks/{leave}/reassign?search=mi")
    ben.post(f"/tasks/{leave}/reassign", {"account": "mia"})

    assert "Approve leave" in mia.page("/")
    assert "reassigned to Mia" in mia.page(f"/tasks/{leave}/")


def test_an_unknown_colleague_is_refused(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    assert ben.post(f"/tasks/{leave}/reassign", {"account": "zoe"}).status_code == 404
    assert "You have this task" in ben.page(f"/tasks/{leave}/")


# ---- the task page -------------------------------------------------------------------------------------------------


def test_the_task_page_shows_form_documentation_and_diagram(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    page = ben.get(f"/tasks/{leave}/").text

    assert "<strong>calendar</strong>" in page
    assert 'data-highlight="approve"' in page
    island = re.search(r'data-island="form"[^>]*><script type="application/json">(.*?)</script>', page, re.S)
    assert island
    assert {"days", "remark"} <= {
        component.get("key") for component in json.loads(island.group(1))["schema"]["components"]
    }
    assert re.findall(r'name="button" value="\d">(\w+)<', page) == ["Approve", "Refuse"]


def test_completing_a_task_ends_it(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    status, _ = complete(ben, leave, {"days": 3})

    assert status == 302
    assert "Ben completed this task" in ben.page(f"/tasks/{leave}/")
    assert "You have nothing to do" in ben.page("/")


def test_the_message_repeats_the_decision(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    complete(ben, leave, {"days": 3}, button=1)

    assert "Completed: Approve leave (Refuse)" in ben.page("/")
    assert "Task completed: Refuse" in ben.page(f"/tasks/{leave}/")


def test_a_completed_task_says_nothing_of_the_present(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")
    assert "The process holds no data yet" in ben.page(f"/tasks/{leave}/")

    complete(ben, leave, {"days": 3})

    page = ben.page(f"/tasks/{leave}/")
    assert "Waited since" in page
    assert "Where it stood" in page
    assert "holds no data" not in page
    assert "in 8 hours" not in page


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"days": 99}, "Days"),
        ({}, "Days"),
        ({"days": "many"}, "Days"),
        ([1], "JSON object"),
        ("{" * 500, "JSON object"),
    ],
)
def test_a_refused_value_is_named_and_what_was_typed_stays(site: Site, leave: int, values: object, told: str) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    status, page = complete(ben, leave, values)

    assert status == 422
    assert told in page
    assert "not fit" in page
    assert "You have this task" in ben.page(f"/tasks/{leave}/")


def test_what_was_typed_is_shown_again(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    refused = ben.post(
        f"/tasks/{leave}/", {"values": json.dumps({"days": 99, "remark": "</script><b>x"}), "button": "0"}
    )

    island = re.search(r'<script type="application/json">(.*?)</script>', refused.text, re.S)
    assert island
    told = json.loads(island.group(1))
    assert told["data"] == {"days": 99, "remark": "</script><b>x"}
    assert list(told["errors"]) == ["days"]


@pytest.mark.parametrize("text", ["NaN", '{"days": NaN}', "{", "null", '{"days": 1e999}', "[" * 100_000])
def test_a_broken_body_is_refused(site: Site, leave: int, text: str) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    assert ben.post(f"/tasks/{leave}/", {"values": text, "button": "0"}).status_code == 422


def test_a_second_click_changes_nothing(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")
    complete(ben, leave, {"days": 3})

    status, page = complete(ben, leave, {"days": 4})

    assert status == 409
    assert "Ben has completed it" in page


def test_a_page_gone_stale_by_a_hand_over_is_refused(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")
    site.visitor("root").post(f"/tasks/{leave}/reassign", {"account": "mia"})

    status, page = complete(ben, leave, {"days": 3})

    assert status in (403, 409)
    assert "Mia" in page
    assert "You have this task" in site.visitor("mia").page(f"/tasks/{leave}/")


def test_a_page_gone_stale_by_a_release_is_refused(site: Site, leave: int) -> None:
    """Ben has the task open in two tabs, and releases it in one of them."""
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")
    ben.post(f"/tasks/{leave}/release")

    status, page = complete(ben, leave, {"days": 3})

    assert status == 409
    assert "nobody has it. Claim it first" in page
    assert "Claim" in site.visitor("mia").page(f"/tasks/{leave}/")


def test_a_wrong_button_is_refused(site: Site, leave: int) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")

    assert complete(ben, leave, {"days": 3}, button=7)[0] == 422


def test_a_cancelled_task_says_so(site: Site, leave: int, root: Visitor) -> None:
    ben = site.visitor("ben")
    ben.post(f"/tasks/{leave}/claim")
    instance = re.search(r"/instances/\d+", root.get(f"/tasks/{leave}/").text)
    assert instance
    root.post(f"{instance.group()}/cancel", {"reason": "test"})

    status, page = complete(ben, leave, {"days": 3})

    assert status == 409
    assert "cancelled" in page
    assert "was cancelled" in ben.page(f"/tasks/{leave}/")


# ---- starting ------------------------------------------------------------------------------------------------------


def start_path(site: Site) -> str:
    found = re.search(r"/start/\d+", site.visitor("ana").get("/start/").text)
    assert found
    return found.group()


def test_the_start_page_shows_only_what_i_may_start(site: Site) -> None:
    site.deploy("travel.bpmn", "trip.form")

    assert "Business trip" in site.visitor("ana").page("/start/")
    assert "Business trip" not in site.visitor("eve").page("/start/")
    refused = site.visitor("eve").post(start_path(site), {"values": '{"city": "Rome", "nights": 2}'})
    assert refused.status_code == 403


def test_starting_leads_to_my_own_first_task(site: Site, ben: Visitor) -> None:
    site.deploy("travel.bpmn", "trip.form")

    started = ben.start("Business trip", {"city": "Rome", "nights": 2}, business_key="T-1")

    assert re.fullmatch(r"/tasks/\d+/", started.location)
    assert "Rome" in ben.page(started.location)


def test_starting_leads_to_the_instance_when_others_have_the_task(site: Site, ana: Visitor) -> None:
    site.deploy("travel.bpmn", "trip.form")

    started = ana.start("Business trip", {"city": "Rome", "nights": 2})

    assert re.fullmatch(r"/instances/\d+", started.location)


def test_a_refused_start_names_the_fields(site: Site, ana: Visitor) -> None:
    site.deploy("travel.bpmn", "trip.form")

    refused = ana.start("Business trip", {"city": "R", "nights": 99}, business_key="T-9")

    assert refused.status_code == 422
    assert "2 values do not fit" in words(refused.text)
    assert 'value="T-9"' in refused.text
    assert "Nothing was started yet" in ana.page("/instances/")


def test_a_candidate_reads_the_form_before_claiming(site: Site, leave: int) -> None:
    page = site.visitor("ben").get(f"/tasks/{leave}/").text

    assert "What you will be asked" in page
    assert "It ends with:" in words(page)
    assert 'name="values"' not in page


def test_nobody_reads_the_form_of_a_task_that_another_has(site: Site, leave: int) -> None:
    site.visitor("ben").post(f"/tasks/{leave}/claim")

    assert "What you will be asked" not in site.visitor("root").get(f"/tasks/{leave}/").text


def test_the_history_of_a_task_is_its_own(site: Site, leave: int) -> None:
    site.visitor("ben").post(f"/tasks/{leave}/claim")
    with site.engine.transaction(SYSTEM) as tx:
        of = {"instance_id": user_tasks.get(tx, leave).instance_id, "element_id": "approve"}
        others = (leave * 10 + number for number in range(300))
        history.append(tx, [history.event(tx, "task claimed", **of, data={"task": other}) for other in others])

    with site.engine.reading(SYSTEM) as tx:
        found = user_tasks.history_of(tx, leave)

    assert [event.kind for event in found] == ["task claimed"]
