"""Text of an uploaded file that is HTML or Markdown stays text on the page."""

import json

from playwright.sync_api import expect

from tests.browser.test_csp import LISTEN
from tests.importers.samples import result

SCRIPT = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>"
REMOTE = "![x](http://127.0.0.1:9/seen.png)"
FORMULA = "=HYPERLINK(1)"
LINK = "[click](javascript:window.ran=1)"


def test_hostile_text_of_a_file_is_shown_and_does_nothing(page, app, tmp_path):
    hostile = result(model_id=f"{SCRIPT}{REMOTE}", backend=f"{LINK}{REMOTE}", label=FORMULA, tokenizer_id=SCRIPT)
    page.add_init_script(LISTEN)
    page.goto(f"{app}/evidence")
    name = f"{FORMULA} {REMOTE} onerror=x.json".replace("/", "_")
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/json", "buffer": json.dumps(hostile).encode()}
    )
    expect(page.get_by_text("imported as run")).to_be_visible()
    for folded in page.locator("details summary").all():
        folded.click()
    page.wait_for_timeout(2_000)
    assert page.evaluate("window.ran") is None
    assert page.locator("img[src*='127.0.0.1:9']").count() == 0
    assert page.locator("a[href^='javascript:']").count() == 0
    tried = {one[0] for one in page.evaluate("window.blocked")}
    assert not tried & {"script-src-attr", "img-src"}, "it is escaped, not only stopped by the policy"
