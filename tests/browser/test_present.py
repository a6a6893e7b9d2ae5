"""A talk in a real browser: a link opens it, keys step through it, notes come and go, and it leaves as PPTX."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect
from pptx import Presentation
from pypdf import PdfReader

from store.pins import Pin
from ui.packed import pack

TALK = (
    Pin("One L4", "v=1&gpu=l4&concurrency=4", "Say the price first."),
    Pin("One H100", "v=1&concurrency=4"),
    Pin("Too large", "v=1&gpu=l4&model=meta-llama/Llama-3.3-70B-Instruct"),
)
SIZE = {"width": 1280, "height": 720}


def opened(page, app, slide=1):
    page.set_viewport_size(SIZE)
    page.goto(f"{app}/present?v=1&pins={pack(TALK)}&slide={slide}")
    expect(page.get_by_role("button", name="Next slide")).to_be_attached()
    expect(page.locator("[data-testid=stVegaLiteChart]").locator("canvas, svg").first).to_be_visible()
    return page


def sentence(page):
    return page.locator("h1").first


def test_keys_step_through_the_talk(page, app):
    opened(page, app)
    expect(sentence(page)).to_contain_text("1 × L4")
    page.keyboard.press("ArrowRight")
    expect(sentence(page)).to_contain_text("H100")
    expect(page).to_have_url(re.compile("slide=2"))
    page.keyboard.press("Space")
    expect(sentence(page)).to_contain_text("does not run")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(sentence(page)).to_contain_text("H100")
    page.keyboard.press("Home")
    expect(sentence(page)).to_contain_text("1 × L4 PCIe, 4 requests")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(sentence(page)).to_contain_text("does not run")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Bandwidth floor", exact=True)).to_be_visible()


def test_one_link_opens_the_talk_at_a_slide(page, app):
    opened(page, app, slide=3)
    expect(sentence(page)).to_contain_text("does not run")


def test_nothing_else_is_in_view_and_nothing_scrolls(page, app):
    opened(page, app)
    expect(page.locator("[data-testid=stHeader]")).to_be_hidden()
    tall = "document.querySelector('[data-testid=stMain]').scrollHeight"
    assert page.evaluate(tall) <= SIZE["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZE["width"]
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")
    assert size >= 26
    box = page.locator("[data-testid=stVegaLiteChart]").bounding_box()
    assert box["height"] > SIZE["height"] / 2
    assert box["width"] > SIZE["width"] * 0.9


def test_notes_come_with_a_key_and_bring_the_slides(page, app):
    opened(page, app)
    page.keyboard.press("n")
    expect(page.get_by_text("Say the price first.")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="PPTX").click()
    assert started.value.suggested_filename == "headroom-talk.pptx"
    deck = Presentation(io.BytesIO(Path(started.value.path()).read_bytes()))
    assert len(deck.slides) == 5
    assert "1 × L4" in deck.slides[1].shapes.title.text_frame.text
    assert deck.slides[1].notes_slide.notes_text_frame.text.startswith("Say the price first.")
    page.keyboard.press("n")
    expect(page.get_by_text("Say the price first.")).to_be_hidden()


@pytest.mark.parametrize("form", ["PNG", "PDF"])
def test_a_chart_leaves_plan_as_a_picture(page, app, form):
    page.goto(f"{app}/?gpu=l4&concurrency=4")
    page.get_by_role("button", name="Export").first.click()
    with page.expect_download() as started:
        page.get_by_role("button", name=form, exact=True).click()
    assert started.value.suggested_filename == f"headroom-roofline.{form.lower()}"
    content = io.BytesIO(Path(started.value.path()).read_bytes())
    told = Image.open(content).text["Link"] if form == "PNG" else PdfReader(content).metadata["/HeadroomLink"]
    assert "gpu=l4" in told


def test_phone_width_has_no_sideways_scroll(page, app):
    opened(page, app)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
