"""axe-core over every page: nothing serious for those who see, hear or point differently."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

GRAVE = {"serious", "critical"}
PAGES = ("plan", "buy", "evidence", "explain", "compare", "present", "catalogue", "methods")
LOOKS = [("light", 1440), ("dark", 390)]


def settled(page: Page) -> Page:
    """Once nothing runs any more and the last chart has been drawn."""
    expect(page.locator("h1, h4, h5").first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(1_000)
    return page


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(browser: Browser, app, name, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{app}/{name}")
    found = Axe().run(settled(page)).response["violations"]
    context.close()
    told = [
        f"{each['id']} ({each['impact']}): {node['target']} {node['html'][:120]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
    assert told == []
