import re

from playwright.sync_api import expect

SMALL = "among=h100-sxm%2Cl40s&split=1&formats=auto"


def opened(page, app, query=SMALL):
    page.goto(f"{app}/buy?{query}")
    expect(page.get_by_text("Ways to pay for it")).to_be_visible(timeout=120_000)
    return page


def test_the_answer_the_charts_and_the_link(page, app):
    opened(page, app)
    expect(page.locator("h4").first).to_contain_text("3 L40S PCIe, ")
    assert page.locator("[data-testid=stVegaLiteChart]:visible").count() == 3
    peak = page.get_by_role("spinbutton", name="Peak requests/s")
    peak.fill("60")
    peak.press("Enter")
    expect(page).to_have_url(re.compile("peak=60"))
    expect(page.locator("h4").first).not_to_contain_text("3 L40S", timeout=120_000)


def test_downloads_come(page, app):
    opened(page, app)
    page.get_by_role("button", name="Export").first.click()
    for form in ("XLSX", "CSV"):
        with page.expect_download() as started:
            page.get_by_role("button", name=form, exact=True).click()
        assert started.value.suggested_filename == f"headroom-options.{form.lower()}"


def test_a_search_can_be_stopped_and_gone_on_with(page, app):
    page.goto(f"{app}/buy?model=meta-llama%2FLlama-3.3-70B-Instruct&peak=37")
    page.get_by_text("Stop", exact=True).click(timeout=60_000)
    expect(page.get_by_text("Go on searching")).to_be_visible(timeout=60_000)


def test_phone_width_has_no_sideways_scroll(page, app):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, app)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
