"""The frame of each page: navigation, colours, width, and what every page owes people who see or move differently."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.live import axe, sign_in, wait_for_islands

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}}
DESK = {"viewport": {"width": 1280, "height": 900}}
PAGES = {
    "root": (
        "/",
        "/start/",
        "/definitions/",
        "/definitions/upload",
        "/instances/",
        "/timers",
        "/incidents",
        "/accounts/",
    ),
    "ana": ("/definitions/1", "/instances/1", "/password", "/no-such-page"),
    "ben": ("/?view=groups", "/start/1"),
}
OpenPage = Callable[..., Page]


def test_a_stranger_is_sent_to_sign_in(page: Page) -> None:
    page.goto("/instances/")

    expect(page).to_have_url(re.compile("/login"))
    expect(page.get_by_role("navigation", name="Main")).to_have_count(0)
    axe(page)


def test_sign_in_and_out(page: Page) -> None:
    sign_in(page, "ana")
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()

    page.get_by_text("Ana Silva").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(re.compile("/login"))
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")


@pytest.mark.parametrize(("name", "paths"), PAGES.items())
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pages_are_accessible_and_fit(
    open_page: OpenPage, name: str, paths: tuple[str, ...], size: dict[str, object], colours: str
) -> None:
    page = open_page(name, color_scheme=colours, **size)

    for path in paths:
        page.goto(path)
        wait_for_islands(page)

        axe(page)
        overhang_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overhang_px <= 0, f"{path} is {overhang_px} px too wide"


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("root", **PHONE)
    menu = page.get_by_role("button", name="Menu")
    users = page.get_by_role("link", name="Users")
    expect(users).to_be_hidden()

    menu.press("Enter")
    expect(users).to_be_visible()
    page.keyboard.press("Escape")

    expect(users).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/instances/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()


def test_colours_follow_the_system_until_somebody_chooses(open_page: OpenPage) -> None:
    page = open_page("ana", color_scheme="dark")
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "dark")

    page.get_by_role("button", name="Dark colours").click()
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.goto("/start/")

    expect(html).to_have_attribute("data-bs-theme", "light")
    expect(page.get_by_role("button", name="Dark colours")).to_have_attribute("aria-pressed", "false")


def test_rights_decide_what_the_menu_shows(open_page: OpenPage) -> None:
    shown = {
        name: open_page(name).get_by_role("navigation", name="Main").inner_text().split() for name in ("eve", "ana")
    }

    assert shown["eve"] == ["Inbox", "Start", "Instances"]
    assert shown["ana"] == ["Inbox", "Start", "Processes", "Instances", "Timers", "Incidents"]


def test_pages_without_a_diagram_load_no_viewer(open_page: OpenPage) -> None:
    page = open_page("ana")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    page.goto("/")
    page.goto("/instances/")
    page.wait_for_load_state("networkidle")

    assert [url for url in loaded if re.search("viewer|form", url.rsplit("/", 1)[-1])] == []
