"""What people do here, from one end to the other, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from playwright.sync_api import Page, Route, expect

from engine import SYSTEM, definitions, instances
from tests.live import Server, axe, sign_in, wait_for_islands

pytestmark = pytest.mark.browser

FILES = Path(__file__).parents[1] / "processes"
PHONE = {"viewport": {"width": 390, "height": 844}}
REFRESH_MS = 16_000
"""A little more than the seconds after which a page renews itself."""
OpenPage = Callable[..., Page]


def start(server: Server, key: str, business_key: str, *files: str) -> int:
    """Deploy test diagrams and start one; gives the instance's id."""
    with server.engine.transaction(SYSTEM) as tx:
        if files:
            definitions.deploy(tx, {name: (FILES / name).read_bytes() for name in files})
        return instances.start(tx, key, business_key=business_key).id


def claim(page: Page, task: str) -> None:
    page.goto("/?view=groups")
    page.get_by_role("button", name=f"Claim {task}").first.click()
    wait_for_islands(page)


def fill(page: Page, label: str, value: str) -> None:
    """Of a field; there may be links of that name."""
    page.locator("input, textarea").and_(page.get_by_label(label)).fill(value)


# ---- uploading -----------------------------------------------------------------------------------------------------


def test_an_analyst_mends_a_refused_diagram_and_deploys_it(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/definitions/")
    page.get_by_role("link", name="Upload").click()

    page.get_by_label("BPMN diagrams").set_input_files(FILES / "refused.bpmn")
    page.get_by_role("button", name="Check and deploy").click()
    expect(page.get_by_role("status").first).to_contain_text("It cannot run yet")
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"line 6, column \d+"))
    expect(page.get_by_role("main")).to_contain_text("Ask <b>them</b>")
    wait_for_islands(page)
    axe(page)

    page.get_by_label("Upload again").set_input_files([FILES / "travel.bpmn", FILES / "trip.form"])
    page.get_by_role("button", name="Check again").click()
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("status").first).to_contain_text("Business trip is deployed as version 1")
    expect(page.locator('[data-element-id="book"]')).to_be_visible()


def test_a_diagram_is_downloaded_as_it_was_uploaded(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/definitions/upload")
    page.get_by_label("BPMN diagrams").set_input_files(FILES / "leave.bpmn")
    page.get_by_role("button", name="Check and deploy").click()

    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()

    assert download.value.suggested_filename == "leave.bpmn"
    assert Path(download.value.path()).read_bytes() == (FILES / "leave.bpmn").read_bytes()


# ---- approving -----------------------------------------------------------------------------------------------------


def test_an_approver_finds_claims_fills_and_completes(open_page: OpenPage) -> None:
    page = open_page("cleo")
    page.get_by_role("link", name="My groups' tasks").click()
    page.get_by_label("Search tasks").fill("pay-2001")
    expect(page.get_by_role("link", name="Review document")).to_have_count(0)

    page.get_by_role("button", name="Claim Review payment").click()
    expect(page.get_by_text("You have this task.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("mia@example.com")
    wait_for_islands(page)
    expect(page.locator('.highlight[data-element-id="review-payment"]')).to_be_visible()
    page.get_by_text("Select", exact=True).click()
    page.locator(".fjs-dropdownlist-item").get_by_text("Release").click()
    fill(page, "Reason", "Known customer")
    page.get_by_role("button", name="Complete").click()

    expect(page.get_by_role("status").first).to_contain_text("Completed: Review payment")
    expect(page.get_by_text("You have nothing to do")).to_be_visible()


def test_the_flows_of_the_diagram_are_the_buttons(open_page: OpenPage, server: Server) -> None:
    page = open_page("ben")
    claim(page, "Decide as team lead")

    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_role("status").first).to_contain_text("Completed: Decide as team lead")
    page.goto("/instances/1")
    expect(page.get_by_role("main")).to_contain_text("Rejected")


def test_the_browser_names_the_missing_field_before_sending(open_page: OpenPage, server: Server) -> None:
    start(server, "leave", "L-1", "leave.bpmn")
    page = open_page("ben")
    claim(page, "Approve leave")

    page.get_by_role("button", name="Approve", exact=True).click()

    expect(page.get_by_text("Field is required.")).to_be_visible()
    expect(page.get_by_label("Days")).to_be_focused()


def test_the_server_names_the_field_it_refuses_and_keeps_what_was_typed(open_page: OpenPage, server: Server) -> None:
    start(server, "leave", "L-1", "leave.bpmn")
    page = open_page("ben")
    claim(page, "Approve leave")
    fill(page, "Days", "5")
    fill(page, "Remark", "By the sea")

    page.route("**/tasks/*/", _say_99_days)
    page.get_by_role("button", name="Approve", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Days")
    wait_for_islands(page)
    expect(page.get_by_label("Days")).to_have_value("99")
    expect(page.get_by_label("Remark")).to_have_value("By the sea")
    expect(page.get_by_label("Days")).to_be_focused()
    axe(page)
    page.unroute("**/tasks/*/")
    fill(page, "Days", "5")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Completed: Approve leave")


def _say_99_days(route: Route) -> None:
    """On its way to the server the 5 becomes 99, as no browser would send it."""
    sent = {name: values[0] for name, values in parse_qs(route.request.post_data or "").items()}
    sent["values"] = sent["values"].replace('"days":5', '"days":99')
    route.continue_(post_data=urlencode(sent))


def test_the_slower_of_two_reads_who_has_the_task(open_page: OpenPage) -> None:
    quick, slow = open_page("ben"), open_page("root")
    quick.goto("/?view=groups")
    link = quick.get_by_role("link", name="Decide as team lead").first.get_attribute("href")
    assert link
    slow.goto(link)

    quick.goto(link)
    quick.get_by_role("button", name="Claim this task").click()
    slow.get_by_role("button", name="Claim this task").click()

    expect(slow.get_by_role("main")).to_contain_text("Ben Okafor has it")
    slow.get_by_role("link", name="Go back").click()
    expect(slow.get_by_role("main")).to_contain_text("Ben Okafor has this task")


def test_a_task_is_reassigned(open_page: OpenPage) -> None:
    page = open_page("ben")
    claim(page, "Decide as team lead")

    page.get_by_role("link", name="Reassign").click()
    page.get_by_label("Find a colleague").fill("dora")
    page.get_by_role("button", name="Find").click()
    axe(page)
    page.get_by_role("button", name="Reassign to Dora Lind").click()
    page.get_by_role("dialog").get_by_role("button", name="Reassign").click()

    expect(page.get_by_role("status").first).to_contain_text("now with Dora Lind")
    expect(open_page("dora").get_by_role("link", name="Decide as team lead").first).to_be_visible()


def test_a_task_is_claimed_and_completed_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("ben")
    page.goto("/?view=groups")

    _tab_to(page, "Claim Decide as team lead, PO-1001")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have this task.")).to_be_visible()
    _tab_to(page, "Approve")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("Completed: Decide as team lead")


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what is called so; each stop must be visible."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.locator("*:focus")
        if focused.count() and name == (focused.get_attribute("aria-label") or focused.inner_text()).strip():
            return
    raise AssertionError(f"Expected Tab to reach {name!r}, but it did not within 60 stops.")


def test_a_form_is_filled_on_a_phone_in_the_dark(open_page: OpenPage, server: Server) -> None:
    start(server, "leave", "L-1", "leave.bpmn")
    page = open_page("ben", color_scheme="dark", **PHONE)
    claim(page, "Approve leave")

    fill(page, "Days", "3")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Approve", exact=True).click()

    expect(page.get_by_role("status").first).to_contain_text("Completed: Approve leave")


# ---- starting ------------------------------------------------------------------------------------------------------


def test_a_request_is_started_by_its_form(open_page: OpenPage) -> None:
    page = open_page("eve")
    page.goto("/start/")
    page.get_by_role("link", name="Start Purchase approval").click()
    wait_for_islands(page)

    fill(page, "Item", "Whiteboard")
    fill(page, "Amount", "300")
    fill(page, "Reason", "To draw on")
    fill(page, "Business key", "PO-3000")
    page.get_by_role("button", name="Start", exact=True).click()

    expect(page.get_by_role("heading", name="PO-3000")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Decide as team lead")


def test_a_new_hire_is_reported_and_the_manager_approves_the_equipment(open_page: OpenPage) -> None:
    ana = open_page("ana")
    ana.goto("/start/")
    ana.get_by_role("link", name="Start Employee onboarding").click()
    wait_for_islands(ana)
    fill(ana, "Name", "Mia Sand")
    fill(ana, "Private e-mail", "mia@example.com")
    fill(ana, "Identity document", "AB123456")
    fill(ana, "Start date", "01/04/2027")
    ana.keyboard.press("Tab")
    choose(ana, "Department", "Support")
    choose(ana, "Manager", "Ben Okafor")
    ana.get_by_label("Laptop").check()
    fill(ana, "Budget for further equipment", "400")
    fill(ana, "Business key", "Mia S.")
    axe(ana)
    ana.get_by_role("button", name="Start", exact=True).click()
    expect(ana.get_by_role("heading", name="Mia S.")).to_be_visible()

    ben = open_page("ben")
    expect_by_reloading(ben, "/?search=Mia S.", "Approve equipment")
    ben.get_by_role("link", name="Approve equipment and budget").click()
    wait_for_islands(ben)
    expect(ben.get_by_label("Laptop")).to_be_checked()
    ben.get_by_label("Approve", exact=True).check()
    axe(ben)
    ben.get_by_role("button").get_by_text("Complete").click()

    expect(ben.get_by_role("status").first).to_contain_text("Completed: Approve equipment")


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of form-js's own drop-down list, which opens when it gets the focus."""
    page.get_by_label(label).focus()
    page.locator(".fjs-dropdownlist-item").get_by_text(option).click()


def expect_by_reloading(page: Page, path: str, text: str) -> None:
    """Wait until services have done their work: look again until the page says so."""
    for _ in range(40):
        page.goto(path)
        if text in page.get_by_role("main").inner_text():
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"Expected {path} to say {text!r}, but it did not.")


# ---- inspecting ----------------------------------------------------------------------------------------------------


def test_an_administrator_sees_an_instance_on_its_diagram(open_page: OpenPage) -> None:
    page = open_page("root")
    page.goto("/instances/?business_key=PO-1001")
    page.get_by_role("link", name="PO-1001").click()
    wait_for_islands(page)

    expect(page.locator('.state-active[data-element-id="decide-as-lead"]')).to_be_visible()
    expect(page.locator(".token-count").first).to_have_text("1")
    expect(page.locator(".flow-taken").first).to_be_attached()
    main = page.get_by_role("main")
    expect(main.get_by_role("region", name="Elements and their states")).to_contain_text("Decide as team lead")
    expect(main.get_by_role("region", name="Variables")).to_contain_text("Two standing desks")
    expect(main).to_contain_text("Instance started")


def test_a_timer_fires_by_itself_and_the_page_shows_it(open_page: OpenPage, server: Server) -> None:
    page = open_page("root")
    page.clock.install()
    instance = start(server, "deadline", "Q-1", "deadline.bpmn")
    page.goto(f"/instances/{instance}")
    wait_for_islands(page)
    expect(page.get_by_role("main")).to_contain_text("Too late")

    def show_news() -> str:
        page.clock.fast_forward(REFRESH_MS)
        page.wait_for_timeout(500)
        return page.get_by_role("main").inner_text()

    assert any("Timer fired" in show_news() for _ in range(20))
    expect(page.locator('.state-completed[data-element-id="escalated"]')).to_be_visible()


def test_a_timer_is_moved_and_then_fired_by_hand(open_page: OpenPage) -> None:
    page = open_page("root", color_scheme="dark", **PHONE)
    page.goto("/timers")
    axe(page)

    page.get_by_role("link", name="Move Deadline passed").last.click()
    axe(page)
    page.get_by_label("Due at").fill("2030-12-24T18:00:30")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("Tue 24 Dec 2030, 18:00")

    page.get_by_role("button", name="Fire now: Deadline passed").last.click()
    page.get_by_role("button", name="No, go back").click()
    page.get_by_role("button", name="Fire now: Deadline passed").last.click()
    page.get_by_role("button", name="Fire now", exact=True).click()
    expect(page.get_by_text("The timer has fired.")).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text("24 Dec 2030")


def test_news_arrive_without_losing_what_is_typed(open_page: OpenPage) -> None:
    page, ben = open_page("root"), open_page("ben")
    page.clock.install()
    page.goto("/instances/1")
    wait_for_islands(page)
    page.get_by_text("Cancel this instance").click()
    fill(page, "Reason", "Half a sen")

    claim(ben, "Decide as team lead")
    page.clock.fast_forward(REFRESH_MS)

    expect(page.get_by_role("main")).to_contain_text("with Ben Okafor")
    expect(page.get_by_label("Reason", exact=True)).to_have_value("Half a sen")
    expect(page.get_by_label("Reason", exact=True)).to_be_focused()
    expect(page.locator('[data-element-id="decide-as-lead"]').first).to_be_visible()


def test_an_incident_is_found_and_tried_again(open_page: OpenPage, server: Server) -> None:
    start(server, "failing", "F-1", "failing.bpmn")
    page = open_page("root")
    page.goto("/incidents")

    page.get_by_role("link", name="Divide by zero").click()
    expect(page.get_by_role("main")).to_contain_text("division by zero")
    page.get_by_role("button", name="Retry Divide by zero").click()

    expect(page.get_by_role("status").first).to_contain_text("Tried again, and stopped again")


def test_an_instance_is_cancelled_with_a_reason(open_page: OpenPage) -> None:
    page = open_page("root")
    page.goto("/instances/1")
    page.get_by_text("Cancel this instance").click()

    fill(page, "Reason", "Ordered twice")
    page.get_by_role("button", name="Cancel the instance for good").click()
    asked = page.get_by_role("dialog", name="Cancel this instance for good?")
    asked.get_by_role("button", name="Cancel the instance for good").click()

    expect(page.get_by_role("main")).to_contain_text("Instance cancelled: Ordered twice")
    expect(page.get_by_role("main")).to_contain_text("terminated")


def test_the_list_of_instances_is_searched_while_typing(open_page: OpenPage) -> None:
    page = open_page("root")
    page.goto("/instances/")

    page.get_by_label("Variable").fill("item")
    page.get_by_label("has the value").fill("Coffee machine")

    expect(page.get_by_role("link", name="PO-1001")).to_have_count(0)
    expect(page.get_by_role("link", name="PO-1002")).to_be_visible()
    expect(page).to_have_url(re.compile("value=Coffee"))
    page.reload()
    expect(page.get_by_role("link", name="PO-1001")).to_have_count(0)


# ---- people --------------------------------------------------------------------------------------------------------


def test_an_administrator_adds_a_user_who_signs_in(open_page: OpenPage) -> None:
    page = open_page("root")
    page.goto("/accounts/")
    page.get_by_role("link", name="Add a user").click()

    fill(page, "Name for signing in", "zoe")
    fill(page, "Full name", "Zoe Young")
    fill(page, "Groups", "team-leads")
    page.get_by_label("First password", exact=True).fill("sesame-open")
    page.get_by_label("First password once more").fill("sesame-open")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("link", name="Zoe Young")).to_be_visible()

    zoe = open_page()
    sign_in(zoe, "zoe", password="sesame-open")
    zoe.goto("/?view=groups")
    expect(zoe.get_by_role("link", name="Decide as team lead").first).to_be_visible()


def test_a_lost_session_leads_back_to_the_page(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/definitions/")
    page.context.clear_cookies()

    page.get_by_role("link", name="Payment").click()
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("procession-demo")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Payment")).to_be_visible()


def test_a_signed_out_page_that_renews_itself_says_so(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.clock.install()
    page.goto("/timers")
    page.context.clear_cookies()

    page.clock.fast_forward(REFRESH_MS)

    expect(page.get_by_role("alert")).to_contain_text("You are signed out")


# ---- every other page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark", **PHONE}], ids=["desk", "phone in the dark"])
def test_the_rarer_pages_are_accessible_and_fit(open_page: OpenPage, options: dict[str, object]) -> None:
    root = open_page("root", **options)
    for path in (
        "/accounts/new",
        "/accounts/ben/change",
        "/definitions/payment/versions",
        "/instances/4/history",
        "/instances/4/history?kind=events",
        "/instances/?business_key=none",
        "/tasks/1/",
        "/?search=none",
    ):
        root.goto(path)
        wait_for_islands(root)
        axe(root)
        assert root.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_refusal_is_an_accessible_page(open_page: OpenPage) -> None:
    page = open_page("eve")

    page.goto("/accounts/")

    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    axe(page)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_refused_user_is_told_at_the_field(open_page: OpenPage, colours: str) -> None:
    page = open_page("root", color_scheme=colours)
    page.goto("/accounts/ben/change")

    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password once more").fill("short")
    page.get_by_role("button", name="Set password").click()
    page.get_by_role("dialog", name="Set a new password?").get_by_role("button", name="Set password").click()

    expect(page.get_by_label("New password", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("main")).to_contain_text("Expected 10 to 1000 characters")
    axe(page)


def test_a_wrong_password_is_told_accessibly(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("do not match")
    expect(page.get_by_label("Password")).to_be_focused()
    axe(page)
