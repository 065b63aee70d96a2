"""Timers on the pages: fired and moved by an administrator, seen by others."""

from __future__ import annotations

import re

import pytest

from tests.site import Site, Visitor, words

DUE = "2026-01-05T09:00:03"
"""When the timer of deadline.bpmn is due: three seconds after the instance has started."""


@pytest.fixture
def page_of(site: Site) -> str:
    """An instance that waits for a timer."""
    site.deploy("deadline.bpmn")
    return str(site.visitor("ana").start("Answer in time", business_key="Q-1").location)


def move_path(root: Visitor) -> str:
    found = re.search(r'href="(/timers/\d+/move)', root.get("/timers").text)
    assert found
    return found.group(1)


def fire_path(root: Visitor) -> str:
    return move_path(root).replace("move", "fire")


@pytest.mark.parametrize("is_list", [True, False])
def test_fire_is_asked_about_and_told(page_of: str, root: Visitor, is_list: bool) -> None:
    seen = root.get("/timers" if is_list else page_of).text
    assert 'data-confirm="Fire “Too late” now? This cannot be undone."' in seen

    answer = root.post(fire_path(root), {"next": page_of})

    assert answer.location == page_of
    page = root.page(page_of)
    assert "The timer has fired" in page
    assert re.search(r"Root · Too late Timer fired by hand, due 05 Jan 2026, 09:00:0\d UTC", page)


def test_move_is_prefilled_and_told(page_of: str, root: Visitor) -> None:
    path = move_path(root)
    form = root.get(path).text
    assert f'value="{DUE}"' in form
    assert "in the time zone UTC" in words(form)

    answer = root.post(path, {"due_at": "2026-02-01T10:30", "seen": f"{DUE}+00:00", "next": page_of})

    assert answer.location == page_of
    page = root.page(page_of)
    assert "Sun 1 Feb 2026, 10:30" in page
    assert "Root · Too late Timer moved from 05 Jan 2026, 09:00:03 UTC to 01 Feb 2026, 10:30:00 UTC" in page


@pytest.mark.parametrize("typed", ["", "tomorrow", "2026-02-31T10:00", "9500-01-01T10:00"])
def test_what_is_no_moment_is_told_beside_the_field(page_of: str, root: Visitor, typed: str) -> None:
    answer = root.post(move_path(root), {"due_at": typed, "seen": f"{DUE}+00:00"})

    assert answer.status_code == 422
    assert re.search(r'id="due_at-error" role="alert">Expected', answer.text)
    assert f'value="{typed}"' in answer.text


def test_who_saw_another_moment_moves_nothing(page_of: str, root: Visitor) -> None:
    told = {"due_at": "2026-02-01T10:30", "seen": f"{DUE}+00:00"}
    path = move_path(root)
    root.post(path, told)

    assert root.post(path, {**told, "due_at": "2026-03-01T10:30"}).status_code == 409
    assert "1 Feb 2026" in root.page(page_of)


def test_a_timer_that_has_fired_is_gone(page_of: str, root: Visitor) -> None:
    fire, move = fire_path(root), move_path(root)
    root.post(fire)

    assert root.post(fire).status_code == 404
    assert root.get(move).status_code == 404
    refused = root.post(move, {"due_at": "2026-02-01T10:30"})
    assert refused.status_code == 404
    assert "it has fired" in words(refused.text)


def test_who_may_not_repair_sees_no_button(site: Site, page_of: str, root: Visitor) -> None:
    ana = site.visitor("ana")

    for path in ("/timers", page_of):
        assert "Too late" in ana.page(path)
        assert "Fire now" not in ana.page(path)
    assert ana.get(move_path(root)).status_code == 403
    for path in (fire_path(root), move_path(root)):
        assert ana.post(path, {"due_at": "2026-02-01T10:30"}).status_code == 403
