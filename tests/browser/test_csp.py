"""The Content-Security-Policy stands on every page, and breaks no chart, table, component, upload or download."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.test_buy import SMALL
from tests.importers.samples import bench_file, export, result
from ui.headers import HEADERS, POLICY

KNOWN = {("script-src-elem", "inline"), ("script-src", "wasm-eval")}
"""What Streamlit tries and does well without: a script for crawlers in index.html, WebAssembly in protobuf.js."""
LISTEN = """
window.blocked = [];
document.addEventListener("securitypolicyviolation", event =>
  window.blocked.push([event.effectiveDirective, event.blockedURI, event.sourceFile, event.sample]));
"""
CHART = "[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas"
TABLE = "[data-testid=stDataFrame] canvas"
PAGES = {
    "": (CHART,),
    f"buy?{SMALL}": (CHART, TABLE),
    "evidence": (CHART, TABLE, "input[type=file]"),
    "explain": ("h4, h3, [data-testid=stAlert]",),
    "compare": (CHART,),
    "methods": (TABLE,),
}


@pytest.fixture
def watched(page):
    page.add_init_script(LISTEN)
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    return page


def blocked(page):
    """What was blocked beside what is known, each of that once, when the page is at rest."""
    page.wait_for_timeout(1_000)
    found = [tuple(one) for one in page.evaluate("window.blocked")]
    known = [one[:2] for one in found if one[:2] in KNOWN]
    assert len(known) == len(set(known))
    return [one for one in found if one[:2] not in KNOWN] + page.wrong


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_drawn_under_the_policy(watched, app, path):
    answer = watched.goto(f"{app}/{path}")
    assert {name: answer.headers.get(name.lower()) for name in HEADERS} == HEADERS
    for selector in PAGES[path]:
        expect(watched.locator(selector).first).to_be_attached(timeout=120_000)
    assert blocked(watched) == []


def test_both_uploaders_and_downloads_work_under_the_policy(watched, app, tmp_path):
    watched.goto(f"{app}/evidence")
    expect(watched.get_by_text("or drop them here")).to_be_visible()
    boxes = watched.locator("input[type=file]")
    boxes.first.set_input_files(bench_file(tmp_path / "small.json", result()))
    expect(watched.get_by_text("small.json: imported as run")).to_be_visible()
    boxes.nth(1).set_input_files(export(tmp_path / "large.sqlite", ((7, 19, 0, 3),)))
    expect(watched.get_by_text("large.sqlite: imported as run")).to_be_visible()
    assert blocked(watched) == []


def test_a_chart_is_saved_as_a_picture_under_the_policy(watched, app):
    watched.goto(app)
    chart = watched.locator("[data-testid=stVegaLiteChart]").first
    expect(chart.locator("svg, canvas").first).to_be_visible()
    chart.hover()
    with watched.expect_download() as started:
        watched.get_by_role("button", name="Download as PNG").first.click()
    assert started.value.suggested_filename.endswith(".png")
    assert blocked(watched) == []


def test_a_script_that_slipped_in_does_not_run(browser, app):
    page = browser.new_page()
    page.add_init_script(LISTEN)
    page.goto(app)
    expect(page.locator(CHART).first).to_be_attached(timeout=120_000)
    page.evaluate("""() => {
        window.blocked = [];
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src=data:, onerror='window.ran = true'>");
        new Image().src = "http://127.0.0.1:9/away.png";
    }""")
    page.wait_for_function("window.blocked.length >= 3")
    assert {one[0] for one in page.evaluate("window.blocked")} == {"script-src-elem", "script-src-attr", "img-src"}
    assert page.evaluate("window.ran") is None
    page.close()


def test_the_policy_allows_no_inline_script_and_no_eval():
    scripts = " ".join(POLICY[name] for name in ("default-src", "script-src", "worker-src"))
    assert "unsafe" not in scripts
    assert "*" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "static/none.js", "upload/none", "_stcore/health", "../etc/passwd"])
def test_each_answer_has_the_headers_refusals_too(app, path):
    answer = httpx.get(f"{app}/{path}")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
