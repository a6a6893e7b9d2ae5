"""Undo by keyboard, and links, as a reader uses them."""

import re

from playwright.sync_api import expect

from tests.browser.test_plan import choose, opened, sentence


def test_keys_take_a_change_back_and_bring_it_again(page, app):
    opened(page, app, "gpu=h200-sxm")
    choose(page, "GPU", "L40S")
    expect(sentence(page)).to_contain_text("L40S")
    sentence(page).click()
    page.keyboard.press("Control+z")
    expect(sentence(page)).to_contain_text("H200")
    expect(page).to_have_url(re.compile("gpu=h200-sxm"))
    page.keyboard.press("Control+Shift+Z")
    expect(sentence(page)).to_contain_text("L40S")


def test_the_link_that_plan_shows_opens_the_same_question(page, app):
    opened(page, app, "gpu=l4&concurrency=8&unknown=1")
    expect(page.get_by_text("unknown")).to_be_visible()
    before = sentence(page).inner_text()
    page.get_by_role("button", name="Link").click()
    shown = page.get_by_test_id("stCode").filter(has_text="http")
    expect(shown).to_contain_text(f"{app}/?v=1&gpu=l4&concurrency=8")
    page.goto(shown.inner_text().strip())
    expect(sentence(page)).to_have_text(before)


def test_why_says_the_formula_and_leads_to_its_section(page, app):
    opened(page, app)
    assert page.get_by_text("prefill step of its prompt").count() == 0
    page.get_by_role("button", name="Why?").first.click()
    expect(page.get_by_text("prefill step of its prompt")).to_be_visible()
    link = page.get_by_role("link", name="How it is derived")
    expect(link).to_be_visible()
    page.goto(f"{app}/{link.get_attribute('href')}")
    expect(page.get_by_role("heading", name=re.compile("^10. Latencies")).first).to_be_visible()
