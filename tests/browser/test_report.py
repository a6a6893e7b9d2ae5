"""The report in a browser without a network: no request, no error, every chart drawn, in both themes, on a phone."""

import pytest

from cli import main


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "report.html"
    assert main(["report", "decode sweep, H200", "--out", str(out)]) == 0
    return out


@pytest.fixture(params=[(1440, "light"), (1440, "dark"), (390, "light")], ids=lambda each: f"{each[0]}-{each[1]}")
def offline(browser, report, request):
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, offline=True)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda made: asked.append(made.url))
    page.goto(report.as_uri())
    page.locator("body[data-drawn]").wait_for()
    yield page
    context.close()
    assert said == []
    assert asked == [report.as_uri()]


def test_every_chart_is_drawn_and_nothing_scrolls_sideways(offline):
    charts = offline.locator(".chart")
    assert charts.count() >= 5
    for place in range(charts.count()):
        assert charts.nth(place).locator("svg:visible").count() == 1
        assert charts.nth(place).locator("svg:visible path").count() > 3
    assert offline.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_evidence_hands_it_out(page, app):
    page.goto(f"{app}/evidence?run=7bd9221cc0b1")
    with page.expect_download() as waited:
        page.get_by_role("button", name="Report (HTML)").click()
    assert waited.value.suggested_filename == "7bd9221cc0b1-report.html"
    assert "decode sweep, H200" in waited.value.path().read_text(encoding="utf-8")


def test_it_prints_to_three_pages_at_most(offline):
    printed = offline.pdf(prefer_css_page_size=True)
    assert 1 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 3


def test_a_mark_tells_its_numbers_when_asked(offline):
    offline.locator(".chart svg:visible .mark-rect path").first.hover()
    assert offline.locator("#vg-tooltip-element").count() == 1
