"""Three journeys from the first page to the file that is taken along: a manager, an engineer, a presenter."""

import re

from openpyxl import load_workbook
from playwright.sync_api import expect
from pptx import Presentation

from tests.browser.test_evidence import NSYS, SHARED, needs
from tests.browser.test_plan import opened
from tools.menu import turn_to

LOAD_TEST = SHARED / "loadtests/vllm_bench/serve_chat_detailed.json"
LAB = SHARED / "measurements/lab_decode_sweep.csv"
SEARCHED = 180_000
"""A search takes its time on a busy machine [ms]."""


def download(page, button, folder):
    """Presses a button and keeps the file that comes under its own name."""
    with page.expect_download() as started:
        button.click()
    kept = folder / started.value.suggested_filename
    started.value.save_as(kept)
    return kept


def put_in(page, path):
    """Drops a file on Evidence and waits for its run; another test may have imported it before."""
    page.locator("input[type=file]").first.set_input_files(needs(path))
    said = re.compile(re.escape(path.name) + r": (imported as run|nothing new)")
    expect(page.get_by_text(said)).to_be_visible()


def test_a_manager_finds_what_to_buy_why_and_takes_a_slide_and_a_table_along(page, app, tmp_path):
    page.goto(f"{app}/buy?among=l40s,h100-sxm,t4&split=1&formats=auto")
    for label, value in {"Peak requests/s": "20", "p95 TTFT ≤ ms": "1000", "p95 TPOT ≤ ms": "50"}.items():
        box = page.get_by_role("spinbutton", name=label)
        box.fill(value)
        box.press("Enter")
    expect(page.get_by_text("Ways to pay for it")).to_be_visible(timeout=SEARCHED)
    answer = page.locator("h4").first
    expect(answer).to_contain_text("USD a month, keep the promises with a chance of")
    expect(answer).to_contain_text("(promised 1 s)")
    page.get_by_text("Why not another?").click()
    expect(page.locator("[data-testid=stExpander]").get_by_text("T4 PCIe").first).to_be_attached()
    deck = Presentation(str(download(page, page.get_by_role("button", name="Slide (PPTX)"), tmp_path)))
    said = deck.slides[1].shapes.title.text_frame.text
    assert said == answer.inner_text()
    page.get_by_role("button", name="Export").first.click()
    book = load_workbook(download(page, page.get_by_role("button", name="XLSX", exact=True), tmp_path))
    first = dict(zip(*(list(row) for row in book["Options"].iter_rows(max_row=2, values_only=True)), strict=True))
    assert f"{first['usd_per_month']:,.0f} USD a month" in said


def test_an_engineer_imports_sees_where_the_time_goes_and_takes_the_report_along(page, browser, app, tmp_path):
    page.goto(f"{app}/evidence")
    for path in (LAB, LOAD_TEST, NSYS):
        put_in(page, path)
    expect(page.get_by_text("3,442 kernel launches")).to_be_visible()
    turn_to(page, "Explain")
    expect(page.get_by_role("heading", name="largest part").first).to_be_visible()
    expect(page.get_by_text("3,442 kernel launches")).to_be_visible()
    page.goto(f"{app}/explain")
    page.get_by_role("combobox", name="Run", exact=True).click()
    page.get_by_role("option", name="serve_chat_detailed.json").click()
    expect(page.get_by_text("that is known here")).to_be_visible()
    expect(page.get_by_text("The largest part beyond the floor").first).to_be_visible()
    page.get_by_text("More tokens/s", exact=True).click()
    expect(page.get_by_text("Best:")).to_be_visible()
    report = download(page, page.get_by_role("button", name="Report (HTML)"), tmp_path)
    offline = browser.new_context(offline=True)
    shown = offline.new_page()
    shown.goto(report.as_uri())
    shown.locator("body[data-drawn]").wait_for()
    expect(shown.get_by_role("heading", name="Where the time goes")).to_be_visible()
    expect(shown.get_by_role("heading", name="What to change next")).to_be_visible()
    offline.close()


def test_a_presenter_pins_compares_presents_hands_on_a_link_and_takes_slides_along(page, app, tmp_path):
    opened(page, app)
    for at, preset in enumerate(("Chat, 8B on one H100", "70B in fp8 on four H100", "7B AWQ on a T4"), start=1):
        page.get_by_text(preset, exact=True).click()
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_role("button", name=f"Pinned ({at})")).to_be_visible()
    turn_to(page, "Compare")
    expect(page.get_by_text("Names, notes and order (3)")).to_be_visible()
    turn_to(page, "Present")
    expect(page.get_by_text("→ or space: next")).to_be_visible()
    expect(page.locator("h1").first).to_contain_text("H100")
    link = page.url
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator("h1").first).to_contain_text("Llama-3.1-8B")
    expect(page.get_by_text("1 / 3")).to_be_attached()
    page.keyboard.press("End")
    expect(page.locator("h1").first).to_contain_text("T4")
    page.keyboard.press("n")
    deck = Presentation(str(download(page, page.get_by_role("button", name="PPTX"), tmp_path)))
    titles = [slide.shapes.title.text_frame.text for slide in deck.slides]
    assert titles[0] == "What was compared"
    assert ["8B" in titles[1], "70B" in titles[2], "AWQ" in titles[3]] == [True] * 3
