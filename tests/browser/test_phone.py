"""On a phone no page is wider than the window: what is, scrolls in a box of its own, and only tables and code may."""

import pytest
from playwright.sync_api import Browser, expect

from store.pins import Pin
from tests.browser.test_accessibility import PAGES, settled
from ui.packed import pack

WIDTH = 390
TALK = pack(
    [Pin("One H100", "v=1&concurrency=4"), Pin("Too large", "v=1&gpu=l4&model=meta-llama/Llama-3.3-70B-Instruct")]
)
VIEWS = (*PAGES, "compare?view=runs", f"present?v=1&pins={TALK}&slide=2")
MAY_SCROLL = "[data-testid=stDataFrame], pre, table, [role=tablist], textarea, input"
WIDER = f"""() => [...document.querySelectorAll("body *")].filter((one) => {{
  const scrolls = ["auto", "scroll"].includes(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1;
  return scrolls && !one.closest("{MAY_SCROLL}");
}}).map((one) => `${{one.tagName}} ${{one.dataset.testid ?? one.className}}: ${{one.scrollWidth}}`)"""
"""What scrolls sideways, tables and code left out."""


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.partition("?")[0])
def test_nothing_is_wider_than_a_phone(browser: Browser, app, view):
    context = browser.new_context(viewport={"width": WIDTH, "height": 844})
    page = context.new_page()
    page.goto(f"{app}/{view}")
    settled(page)
    page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach((closed) => closed.click())")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(1_000)
    wider, whole = page.evaluate(WIDER), page.evaluate("document.documentElement.scrollWidth")
    lost = page.get_by_text("Page not found").count()
    context.close()
    assert not lost
    assert wider == []
    assert whole <= WIDTH
