"""The frame of each page: navigation, colours, width, and what every page owes people who see or move differently."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from engine import SYSTEM, definitions
from tests.browser import awkward
from tests.live import Server, axe, sign_in, wait_for_islands
from tests.play import END, START, chain, document, user

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}}
DESK = {"viewport": {"width": 1280, "height": 900}}
PAGES = {
    "root": (
        "/",
        "/start/",
        "/definitions/",
        "/definitions/upload",
        "/definitions/drafts/",
        "/definitions/compare/?old=version-1&new=version-2",
        "/rules/",
        "/rules/no-start",
        "/rules/correlation",
        "/rules/mail-template",
        "/instances/",
        "/timers",
        "/incidents",
        "/accounts/",
        "/messages/",
        "/messages/kept",
        "/messages/send",
        "/messages/webhooks/",
        "/messages/webhooks/new",
    ),
    "ana": ("/definitions/1", "/instances/1", "/password", "/no-such-page"),
    "ben": ("/?view=groups", "/start/1"),
}
"""How much wider the first number of a list is than its text."""
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
        _expect_sound(page)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pages_bear_awkward_data(open_page: OpenPage, server: Server, size: dict[str, object], colours: str) -> None:
    made = awkward.fill(server.engine)
    page = open_page("root", color_scheme=colours, **size)
    instances = [f"/instances/{each}" for each in made.values()]
    lists = ("/", "/?view=groups", "/start/", "/definitions/", "/instances/", "/incidents", "/accounts/")
    nothing = ("/?search=none", "/definitions/?search=none", "/instances/?key=none", "/accounts/?search=none")
    others = (f"{instances[0]}/history?kind=events", f"/accounts/{'x' * 60}/change", "/accounts/new", "/tasks/999/")

    for path in (*instances, *lists, *nothing, *others):
        page.goto(path)
        _expect_sound(page)

    page.goto(instances[0])
    page.get_by_role("link", name=f"Piece {awkward.AT_WORK} of the work").click()
    expect(page.get_by_role("heading", name="What it is about")).to_be_visible()
    _expect_sound(page)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_problems_of_an_upload_are_accessible(open_page: OpenPage, colours: str) -> None:
    page = open_page("ana", color_scheme=colours, **PHONE)
    page.goto("/definitions/upload")

    broken = awkward.long_diagram().replace(b"<task ", b"<businessRuleTask ")
    page.get_by_label("BPMN diagrams").set_input_files(
        [{"name": f"{awkward.LONG}.bpmn", "mimeType": "text/xml", "buffer": broken}]
    )
    page.get_by_role("button", name="Check and deploy").click()

    expect(page.get_by_text("It cannot run yet")).to_be_visible()
    wait_for_islands(page)
    _expect_sound(page)


def test_a_message_that_repeats_a_long_key_fits(open_page: OpenPage, server: Server) -> None:
    page = open_page("ana", **PHONE)
    with server.engine.transaction(SYSTEM) as tx:
        made = definitions.deploy(tx, {"p.bpmn": document(START + user("u") + END + chain("start", "u", "end"))})
    page.goto(f"/start/{made.definitions[0].id}")

    page.get_by_label("Business key").fill("9" * 255)
    page.get_by_role("button", name="Start", exact=True).click()

    expect(page.get_by_role("status").first).to_contain_text("9" * 255)
    _expect_sound(page)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_chosen_start_is_painted_like_the_chosen_page(open_page: OpenPage, server: Server, colours: str) -> None:
    page = open_page("ana", color_scheme=colours)
    with server.engine.transaction(SYSTEM) as tx:
        ways = '<startEvent id="phone"/><startEvent id="mail"/>' + user("u") + END
        flows = chain("phone", "u", "end") + chain("mail", "u")
        made = definitions.deploy(tx, {"p.bpmn": document(ways + flows)})

    page.goto(f"/start/{made.definitions[0].id}")

    ground = "(link) => getComputedStyle(link).backgroundColor"
    chosen, here = page.locator(".nav-pills .active"), page.locator(".site-nav [aria-current]")
    assert chosen.evaluate(ground) == here.evaluate(ground)
    _expect_sound(page)


def _expect_sound(page: Page) -> None:
    """Nothing serious for axe, nothing wider than the window, no button broken within its word."""
    wait_for_islands(page)
    axe(page)
    overhang_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overhang_px <= 0, f"{page.url} is {overhang_px} px too wide"
    narrowest_px = page.evaluate("Math.min(...[...document.querySelectorAll('.btn')].map((b) => b.offsetWidth || 99))")
    assert narrowest_px >= 24, f"{page.url} has a button of {narrowest_px} px"


def test_a_task_is_found_claimed_and_decided_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("ben")
    page.goto("/?view=groups")

    _press_at(page, "Claim")
    _press_at(page, "Approve")

    expect(page.get_by_role("status").first).to_contain_text("Completed")


def _press_at(page: Page, label: str) -> None:
    """Go from stop to stop, each of them seen to have the focus, to the button that begins so, and press it."""
    wait_for_islands(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUS)
        assert here["isSeen"], here
        if here["text"].startswith(label):
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"Expected a button {label} among the stops of {page.url}, but there is none.")


FOCUS = """() => {
  const {outlineStyle, boxShadow} = getComputedStyle(document.activeElement);
  const text = document.activeElement.textContent.trim();
  return {text, isSeen: document.activeElement !== document.body && (outlineStyle !== 'none' || boxShadow !== 'none')};
}"""


def test_paper_is_white(open_page: OpenPage) -> None:
    page = open_page("ana", color_scheme="dark")
    html = page.locator("html")

    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.evaluate("dispatchEvent(new Event('afterprint'))")

    expect(html).to_have_attribute("data-bs-theme", "dark")


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
    assert shown["ana"] == [
        "Inbox",
        "Start",
        "Processes",
        "Instances",
        "Timers",
        "Incidents",
        "Messages",
        "Data",
        "Services",
    ]


def test_pages_without_a_diagram_load_no_viewer(open_page: OpenPage) -> None:
    page = open_page("ana")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    page.goto("/")
    page.goto("/instances/")
    page.wait_for_load_state("networkidle")

    assert [url for url in loaded if re.search("viewer|form", url.rsplit("/", 1)[-1])] == []
