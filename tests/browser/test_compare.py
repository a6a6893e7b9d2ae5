from playwright.sync_api import expect


def test_two_demo_runs_are_compared_at_the_first_visit_and_the_link_carries_them(page, app):
    page.goto(f"{app}/compare")
    expect(page.get_by_text("Is B really faster than A?")).to_be_visible()
    expect(page.get_by_text("B reports 4.48 times A's output tokens a second (+348 %)")).to_be_visible()
    expect(page.locator("[aria-label*='B over A']").first).to_be_attached()
    expect(page.locator("[data-testid=stVegaLiteChart]").first.locator("canvas, svg").first).to_be_visible()
    page.wait_for_url("**/compare?a=*&b=*")


def test_a_sweep_shows_its_curves_and_what_its_times_are_made_of(page, app):
    page.goto(f"{app}/evidence")
    expect(page.get_by_text("over requests at once").first).to_be_visible()
    expect(page.get_by_text("matrix products meet the compute roof").first).to_be_visible()
    page.get_by_text("Why so long").click()
    expect(page.get_by_text("its parts are inferred from the model")).to_be_visible()
