"""Problems beside the diagram: an analyst uploads, is led to each, mends the file in place and deploys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from engine import rules
from tests.live import axe, wait_for_islands
from tests.play import document
from tests.topology import eventually
from tests.unit.drawing import END, START, chain, flow

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}}
GATEWAY = '<exclusiveGateway id="large" name="Large?" default="large-end"/>'
INSIDE = '<subProcess id="pack" name="Pack"><startEvent id="begin"/><scriptTask id="wrap" name="Wrap"/>'
INSIDE += chain("begin", "wrap") + "</subProcess>"


def drawn(condition: str, inside: str = INSIDE) -> bytes:
    flows = chain("start", "large", "end") + flow("large", "pack", condition, name="yes") + chain("pack", "end")
    user = '<userTask id="ask" name="Ask"/>'
    return document(f"{START}{GATEWAY}{inside}\n{user}{END}{flows}{chain('pack', 'ask')}")


BAD = drawn("amount = 1000")
WARNINGS = 2
"""Of it: a task that is nobody's, and ends a way without an end event."""
GOOD = drawn("amount > 1000", INSIDE.replace("scriptTask", "task"))


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/xml", "buffer": content}


def uploaded(page: Page, content: bytes, name: str = "order.bpmn") -> None:
    page.goto("/definitions/upload")
    page.get_by_label("BPMN diagrams").set_input_files(file(name, content))
    page.get_by_role("button", name="Check and deploy").click()
    page.wait_for_url("**/drafts/*")
    wait_for_islands(page)


def shape(page: Page, id: str) -> Locator:
    return page.locator(f'.djs-element[data-element-id="{id}"]')


def is_inside(page: Page, id: str) -> bool:
    """Whether the middle of a shape is in the middle half of the diagram."""
    box, outer = shape(page, id).bounding_box(), page.locator(".viewer-canvas").bounding_box()
    assert box and outer
    ways = (("x", "width"), ("y", "height"))
    return all(
        outer[at] + outer[size] / 4 <= box[at] + box[size] / 2 <= outer[at] + outer[size] * 3 / 4 for at, size in ways
    )


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_problem_leads_to_its_element(open_page: OpenPage, size: dict[str, object], colours: str) -> None:
    page = open_page("ana", color_scheme=colours, **size)
    uploaded(page, BAD)

    expect(page.get_by_text("It cannot run yet")).to_be_visible()
    expect(shape(page, "large-pack")).to_contain_class("problem-error")
    expect(shape(page, "wrap")).to_contain_class("problem-error")
    expect(shape(page, "ask")).to_contain_class("problem-warning")
    axe(page)
    page.get_by_role("button", name="script task “Wrap”").press("Enter")

    expect(shape(page, "wrap")).to_contain_class("problem-selected")
    eventually(lambda: is_inside(page, "wrap"), seconds=10)  # it is moved there
    expect(page.locator("#problems > [aria-current]")).to_contain_text("Wrap")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


def test_an_element_leads_to_its_problem_and_a_line_to_both(open_page: OpenPage) -> None:
    page = open_page("ana")
    uploaded(page, BAD)

    shape(page, "ask").click()
    expect(page.locator("#problems > [aria-current]")).to_contain_text("Ask")
    page.get_by_role("region", name="Source with problems").get_by_role("link").first.click()

    assert page.evaluate("location.hash").startswith("#problem-")
    expect(page.locator("#problems > [aria-current]:target")).to_be_visible()


def test_problems_are_filtered_by_severity(open_page: OpenPage) -> None:
    page = open_page("ana")
    uploaded(page, BAD)
    items = page.locator("#problems > li")
    everything = items.count()

    page.get_by_text("Warnings", exact=True).click()
    expect(items.filter(visible=True)).to_have_count(WARNINGS)
    page.get_by_role("radio", name="Warnings").press("ArrowLeft")

    expect(items.filter(visible=True)).to_have_count(everything - WARNINGS)


def test_a_mended_file_is_checked_in_place_and_deployed(open_page: OpenPage) -> None:
    page = open_page("ana")
    uploaded(page, BAD)
    address = page.url

    page.get_by_label("Upload again").set_input_files(file("order.bpmn", GOOD))
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("status").first).to_contain_text("It can run")
    assert page.url == address
    page.get_by_role("button", name="Deploy").click()

    expect(page.get_by_role("status").first).to_contain_text("is deployed as version 1")
    wait_for_islands(page)
    expect(page.get_by_text("laid out here, for display only")).to_be_visible()


POOLS = """<collaboration id="c"><participant id="us" name="Shop" processRef="p"/><participant id="them" name="Bank"/>
<participant id="post" name="Post" processRef="q"/><messageFlow id="m" sourceRef="ask" targetRef="them"/>
<messageFlow id="n" sourceRef="ask" targetRef="carry"/></collaboration>
<process id="q"><task id="carry" name="Carry"/><textAnnotation id="note"><text>By bike</text></textAnnotation>
<association id="a" sourceRef="carry" targetRef="note"/></process>"""


def test_what_no_file_says_is_laid_out(open_page: OpenPage) -> None:
    page = open_page("ana")
    uploaded(page, BAD.replace(b'<process id="p"', POOLS.encode() + b'<process id="p"'))

    for id in ("us", "them", "post", "m", "n", "carry", "note", "a", "wrap", "large-pack", "pack"):
        assert shape(page, id).count() == 1, id
    boxes = [shape(page, id).bounding_box() for id in ("us", "them", "post")]
    assert all(above and below and above["y"] + above["height"] <= below["y"] for above, below in pairwise(boxes))


def test_each_rule_is_drawn(open_page: OpenPage) -> None:
    """Each example that is a diagram; a browser that logs an error fails the test."""
    page = open_page("ana")

    for id, rule in rules.every().items():
        page.goto(f"/rules/{id}")
        wait_for_islands(page)
        parts = [part for part in (*rule.wrong, *rule.right) if part.is_diagram]
        expect(page.locator(".viewer-canvas")).to_have_count(len(parts))
