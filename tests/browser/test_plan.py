import re

from playwright.sync_api import expect


def opened(page, app, query=""):
    page.goto(f"{app}/?{query}")
    expect(page.get_by_text("Bandwidth floor", exact=True)).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]").first.locator("canvas, svg").first).to_be_visible()
    return page


def sentence(page):
    return page.locator("h4").first


def choose(page, label, text):
    box = page.get_by_role("combobox", name=label, exact=True)
    box.click()
    box.fill(text)
    page.get_by_role("option").first.click()


def test_first_visit_shows_an_answer_without_a_click(page, app):
    opened(page, app)
    expect(sentence(page)).to_contain_text("first token after")


def test_changing_the_gpu_changes_the_bound(page, app):
    """A prompt of 300 tokens lies right of the H200's ridge point of 206 FLOP/B and left of the L40S's 419."""
    opened(page, app, "gpu=h200-sxm&model=meta-llama%2FLlama-3.1-8B-Instruct&concurrency=1&prompt=300&output=32")
    expect(sentence(page)).to_contain_text("Prefill is bound by compute")
    choose(page, "GPU", "L40S")
    expect(sentence(page)).to_contain_text("L40S")
    expect(sentence(page)).to_contain_text("Prefill is bound by memory")
    expect(page).to_have_url(re.compile("gpu=l40s"))


def test_link_carries_the_whole_question(page, app):
    opened(page, app, "gpu=t4&model=TheBloke%2FLlama-2-7B-AWQ&quantization=awq&concurrency=1&prompt=512&output=64")
    expect(sentence(page)).to_contain_text("TheBloke/Llama-2-7B-AWQ in awq on 1 × T4 PCIe, one request")


def test_fp8_on_a_t4_is_refused_with_the_choices(page, app):
    page.goto(f"{app}/?gpu=t4&quantization=fp8")
    expect(page.get_by_text("cannot run fp8")).to_contain_text("Choose one of: fp16, int8, awq")


def test_what_does_not_fit_is_a_clear_no(page, app):
    page.goto(f"{app}/?gpu=t4&model=meta-llama%2FLlama-3.3-70B-Instruct&quantization=awq")
    expect(sentence(page)).to_contain_text("No: meta-llama/Llama-3.3-70B-Instruct does not run on 1 × T4")
    expect(page.get_by_text("What fits instead")).to_be_visible()


def test_hostile_model_name_stays_text(page, app):
    page.goto(f"{app}/?model=%3Cscript%3Ealert(1)%3C%2Fscript%3E![x](http%3A%2F%2Fexample.com%2Fa.png)")
    expect(page.get_by_text("No model").first).to_be_visible()
    assert page.locator("img[src*='example.com']").count() == 0


def test_phone_width_has_no_sideways_scroll(page, app):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, app)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
