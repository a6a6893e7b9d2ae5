"""The menu: every page is reached from it, and what it opens has no toast without a name."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_plan import opened, sentence
from tests.ui.test_catalogue import CONFIG
from tools.menu import NAMES, turn_to


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("Plan", "Present")])
def test_every_page_is_reached_from_the_menu(page, app, name):
    opened(page, app)
    turn_to(page, name)
    page.wait_for_url(f"**/{name.lower()}*")
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_the_model_goes_along_to_buy_and_back(page, app):
    opened(page, app, "model=Qwen/Qwen3-8B")
    for name in ("Buy", "Plan"):
        turn_to(page, name)
        expect(page.get_by_role("combobox", name="Model", exact=True)).to_have_value("Qwen/Qwen3-8B")


def test_an_uploaded_model_is_still_there_after_a_look_at_buy(page, app):
    opened(page, app)
    page.get_by_role("button", name="More").click()
    config = {"name": "config.json", "mimeType": "application/json", "buffer": json.dumps(CONFIG).encode()}
    page.locator("input[type=file]").first.set_input_files(config)
    expect(sentence(page)).to_contain_text("uploaded config")
    page.keyboard.press("Escape")
    for name in ("Buy", "Plan"):
        turn_to(page, name)
        page.wait_for_url(re.compile("buy" if name == "Buy" else "start|plan|/$|v=1"))
    expect(sentence(page)).to_contain_text("uploaded config")


def test_a_pin_is_told_by_name(page, app):
    opened(page, app)
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_text("Compare and Present show it.")).to_be_visible()
    assert [found["id"] for found in Axe().run(page).response["violations"] if found["id"] == "aria-dialog-name"] == []
