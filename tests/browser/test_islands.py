"""What pages do beyond HTML: the diagram, the form, and the question before something is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from engine import SYSTEM, definitions, instances
from tests.browser import awkward
from tests.live import Server, axe, wait_for_islands
from tests.topology import eventually

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
FILES = Path(__file__).parents[1] / "processes"
DIAGRAM = '[data-island="viewer"]'


@pytest.fixture
def instance(open_page: OpenPage) -> Page:
    """The page of a purchase that waits for a team lead."""
    page = open_page("root")
    page.goto("/instances/1")
    wait_for_islands(page)
    return page


def test_a_diagram_shows_tokens_and_the_way_taken(instance: Page) -> None:
    diagram = instance.locator(DIAGRAM)

    expect(diagram.locator('[data-element-id="decide-as-lead"]')).to_have_class(re.compile("state-active"))
    expect(diagram.locator('[data-element-id="set-deadlines"]')).to_have_class(re.compile("state-completed"))
    expect(diagram.locator('[data-element-id="start-to-set-deadlines"]')).to_have_class(re.compile("flow-taken"))
    expect(diagram.locator(".token-count")).to_have_text(["1"])
    expect(diagram.get_by_role("list", name="Colours")).to_contain_text("waits here")


def test_a_click_on_an_element_marks_its_row_in_the_table(instance: Page) -> None:
    instance.locator(f'{DIAGRAM} [data-element-id="set-deadlines"]').click()

    marked = instance.locator("tr.table-active").first
    expect(marked).to_contain_text("Set deadlines")


def test_a_diagram_is_zoomed_by_keyboard(instance: Page) -> None:
    viewport = instance.locator(f"{DIAGRAM} .viewport")
    whole = viewport.get_attribute("transform")

    instance.get_by_role("button", name="Zoom in").press("Enter")
    expect(viewport).not_to_have_attribute("transform", whole or "")
    instance.get_by_role("button", name="Show the whole diagram").press("Enter")

    expect(viewport).to_have_attribute("transform", whole or "")


@pytest.fixture
def long_on_a_phone(open_page: OpenPage, server: Server) -> Page:
    """The page of an instance that waits far from the beginning of a long diagram."""
    made = awkward.fill(server.engine, processes=1, history=1)
    page = open_page("root", viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(f"/instances/{made['long']}")
    wait_for_islands(page)
    return page


def test_a_long_diagram_begins_where_the_token_is(long_on_a_phone: Page) -> None:
    expect(long_on_a_phone.locator(f'{DIAGRAM} [data-element-id="e{awkward.AT_WORK}"]')).to_be_in_viewport(ratio=0.9)


def test_arrow_keys_move_a_diagram(long_on_a_phone: Page) -> None:
    long_on_a_phone.locator(f"{DIAGRAM} .viewer-canvas svg[tabindex]").first.focus()

    for _ in range(4):
        long_on_a_phone.keyboard.press("ArrowRight")

    further = long_on_a_phone.locator(f'{DIAGRAM} [data-element-id="e{awkward.AT_WORK + 2}"]')
    expect(further).to_be_in_viewport(ratio=0.9)


def test_a_finger_moves_a_diagram_sideways_and_two_zoom_it(long_on_a_phone: Page) -> None:
    box = long_on_a_phone.locator(f"{DIAGRAM} .viewer-canvas").bounding_box()
    assert box
    across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    further = long_on_a_phone.locator(f'{DIAGRAM} [data-element-id="e{awkward.AT_WORK + 1}"]')

    _drag(long_on_a_phone, [[(across + 60 - way, down)] for way in range(0, 140, 10)])
    expect(further).to_be_in_viewport(ratio=0.9)
    width_px = (further.bounding_box() or {})["width"]
    _drag(long_on_a_phone, [[(across - way, down), (across + way, down)] for way in range(30, 60, 5)])

    assert (further.bounding_box() or {})["width"] > 1.3 * width_px


def _drag(page: Page, fingers: list[list[tuple[float, float]]]) -> None:
    """Put fingers down at the first points, move them along the others, and lift them."""
    session = page.context.new_cdp_session(page)
    kinds = ["touchStart", *["touchMove"] * (len(fingers) - 1), "touchEnd"]
    for kind, points in zip(kinds, [*fingers, []], strict=True):
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_the_wheel_scrolls_the_page_not_the_diagram(instance: Page) -> None:
    viewport = instance.locator(f"{DIAGRAM} .viewport")
    before = viewport.get_attribute("transform")

    instance.locator(DIAGRAM).hover()
    instance.mouse.wheel(0, 200)

    eventually(lambda: instance.evaluate("scrollY") > 0)  # the page itself may evaluate no text
    expect(viewport).to_have_attribute("transform", before or "")


def test_a_file_without_a_picture_is_told_in_a_sentence(open_page: OpenPage) -> None:
    page = open_page("ana")
    logic = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="bare" /></definitions>'
    page.route("**/source", lambda route: route.fulfill(body=logic, content_type="application/xml"))

    page.goto("/definitions/1")

    expect(page.locator(DIAGRAM)).to_contain_text("This file holds no picture")
    axe(page)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16", "utf-8"])
def test_a_diagram_in_any_encoding_is_drawn(open_page: OpenPage, encoding: str) -> None:
    page = open_page("ana")
    drawn = (FILES / "leave.bpmn").read_text().replace("UTF-8", encoding).replace("Approve leave", "Prüfen")
    page.goto("/definitions/upload")

    file = {"name": "leave.bpmn", "mimeType": "text/xml", "buffer": drawn.encode(encoding)}
    page.get_by_label("BPMN diagrams").set_input_files([file])
    page.get_by_role("button", name="Check and deploy").click()

    expect(page.locator(f'{DIAGRAM} [data-element-id="approve"]')).to_contain_text("Prüfen")


def test_enter_in_a_line_sends_a_form_of_several(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/start/")
    page.get_by_role("link", name="Start Purchase approval").click()
    wait_for_islands(page)
    page.get_by_label("Item").fill("Desk")
    page.get_by_label("Reason").fill("Growth")

    page.get_by_label("Amount").fill("300")
    page.get_by_label("Amount").press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("Started: Purchase approval")


def test_enter_in_a_line_chooses_none_of_several_buttons(open_page: OpenPage, server: Server) -> None:
    with server.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"leave.bpmn": (FILES / "leave.bpmn").read_bytes()})
        instances.start(tx, "leave", business_key="L-1")
    page = open_page("ben")
    page.goto("/?view=groups&search=L-1")
    page.get_by_role("button", name="Claim").click()
    wait_for_islands(page)
    page.get_by_label("Days").fill("3")

    page.get_by_label("Days").press("Enter")
    page.get_by_role("button", name="Refuse").click()

    expect(page.get_by_role("status").first).to_contain_text("Completed: Approve leave")


def test_typed_values_are_not_lost_without_a_question(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/start/")
    page.get_by_role("link", name="Start Purchase approval").click()
    wait_for_islands(page)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    item = page.get_by_label("Item")
    item.click()
    item.press_sequentially("Desk")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Inbox").click(no_wait_after=True)

    expect(item).to_have_value("Desk")
    assert asked == ["beforeunload"]


def test_a_marked_button_asks_before_it_acts(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.get_by_text("Ana Silva").click()
    button = page.get_by_role("button", name="Sign out")
    button.evaluate("button => button.dataset.confirm = 'Sign out now?'")

    button.click()
    dialog = page.get_by_role("dialog", name="Sign out now?")
    axe(page)
    dialog.get_by_role("button", name="No, go back").click()
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("/login"))

    button.click()
    dialog.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))


def test_only_switching_an_account_off_is_asked_about(open_page: OpenPage) -> None:
    page = open_page("root")
    page.goto("/accounts/eve/change")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("eve is changed")

    page.goto("/accounts/eve/change")
    page.get_by_label("May sign in").uncheck()
    page.get_by_role("button", name="Save").press("Enter")
    dialog = page.get_by_role("dialog", name="Switch this account off?")
    axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_be_focused()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("eve is changed")


def test_cancelling_an_instance_is_asked_about(instance: Page) -> None:
    instance.get_by_text("Cancel this instance").click()
    instance.get_by_label("Reason", exact=True).fill("Not needed any more")
    instance.get_by_role("button", name="Cancel the instance for good").click()

    instance.get_by_role("dialog").get_by_role("button", name="Cancel the instance for good").click()

    expect(instance.get_by_role("main")).to_contain_text("terminated")


def test_a_pressed_button_rests_until_the_answer_comes(open_page: OpenPage) -> None:
    page = open_page("ana")
    page.goto("/definitions/upload")
    page.get_by_label("BPMN diagrams").set_input_files([{"name": "a.bpmn", "mimeType": "text/xml", "buffer": b"<a/>"}])
    page.route("**/upload", lambda route: route.fulfill(status=204))  # which leaves the page as it is

    page.get_by_role("button", name="Check and deploy").click(no_wait_after=True)

    expect(page.get_by_role("button", name="Uploading and checking")).to_be_disabled()
