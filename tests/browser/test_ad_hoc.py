"""Ad-hoc sub-processes in the browser: a person is asked what is done next, and begins it by one press."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_stories import PHONE, OpenPage, claim, start
from tests.live import Server, axe, wait_for_islands

pytestmark = pytest.mark.browser


def handling(open_page: OpenPage, server: Server, **options: object) -> Page:
    start(server, "complaint", "C-17", "complaint.bpmn")
    page = open_page("ana", **options)
    claim(page, "Handle the complaint")
    return page


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_choice_is_accessible_on_a_phone(open_page: OpenPage, server: Server, colours: str) -> None:
    page = handling(open_page, server, color_scheme=colours, **PHONE)

    expect(page.get_by_role("group", name="What is done next?").get_by_role("button")).to_have_count(4)
    expect(page.get_by_role("button", name="Write the answer")).to_be_disabled()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]


def test_one_goes_on_choosing_until_nothing_is_left(open_page: OpenPage, server: Server) -> None:
    page = handling(open_page, server)
    page.get_by_role("button", name="Ask the customer").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Handle the complaint: Ask the customer")

    claim(page, "Ask the customer")
    page.get_by_role("button", name="Complete").click()
    page.get_by_role("link", name="Handle the complaint").click()
    wait_for_islands(page)
    page.get_by_role("button", name="Write the answer").click()
    claim(page, "Write the answer")
    page.get_by_role("button", name="Complete").click()
    page.get_by_role("link", name="Handle the complaint").click()
    page.get_by_role("button", name="Nothing more to do").click()

    expect(page.get_by_role("status").first).to_contain_text("Nothing more to do")
    expect(page.get_by_role("link", name="Handle the complaint")).to_have_count(0)
