from playwright.sync_api import expect

from tests.browser.test_plan import choose, opened, sentence
from tools.menu import turn_to


def test_two_demo_runs_are_compared_at_the_first_visit_and_the_link_carries_them(page, app):
    page.goto(f"{app}/compare")
    page.get_by_text("Two runs", exact=True).click()
    expect(page.get_by_text("Is B really faster than A?")).to_be_visible()
    expect(page.get_by_text("B reports 4.48 times A's output tokens a second (+348 %)")).to_be_visible()
    expect(page.locator("[aria-label*='B over A']").first).to_be_attached()
    expect(page.locator("[data-testid=stVegaLiteChart]").first.locator("canvas, svg").first).to_be_visible()
    page.wait_for_url("**/compare?*a=*&b=*")


def test_a_sweep_shows_its_curves_and_what_its_times_are_made_of(page, app):
    page.goto(f"{app}/evidence")
    expect(page.get_by_text("over requests at once").first).to_be_visible()
    expect(page.get_by_text("matrix products meet the compute roof").first).to_be_visible()
    page.get_by_text("Why so long").click()
    expect(page.get_by_text("its parts are inferred from the model")).to_be_visible()


def test_pins_are_compared_renamed_taken_back_and_handed_on(page, app):
    opened(page, app, "gpu=l4&concurrency=8")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("button", name="Pinned (1)")).to_be_visible()
    choose(page, "GPU", "L40S")
    expect(sentence(page)).to_contain_text("L40S")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("button", name="Pinned (2)")).to_be_visible()
    turn_to(page, "Compare")
    expect(sentence(page)).to_contain_text("L40S PCIe, 8 at once, Llama-3.1-8B-Instruct bf16 is faster than")
    page.wait_for_url("**/compare?*pins=1*")
    pinned = page.url
    page.get_by_text("Names, notes and order (2)").click()
    page.get_by_label("Name", exact=True).nth(1).fill("The better one")
    page.get_by_label("Name", exact=True).nth(1).press("Enter")
    expect(sentence(page)).to_contain_text("The better one is faster than")
    expect(page).not_to_have_url(pinned)
    page.get_by_role("button", name="Undo").click()
    expect(sentence(page)).to_contain_text("L40S PCIe, 8 at once, Llama-3.1-8B-Instruct bf16 is faster than")
    expect(page).to_have_url(pinned)
    before = sentence(page).inner_text()
    page.goto(page.url)
    expect(sentence(page)).to_have_text(before)
    page.get_by_text("Names, notes and order (2)").click()
    page.get_by_role("button", name="Open in Plan").nth(1).click()
    expect(sentence(page)).to_contain_text("on 1 × L40S PCIe, 8 requests at once")
