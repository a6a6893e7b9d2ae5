"""From a profiler's file to the reason why its steps are slow, and a correction of what a kernel was taken for."""

from playwright.sync_api import expect

from tests.browser.test_evidence import upload
from tests.ui.decode_trace import decode_trace
from tools.menu import turn_to

ROW = 35
"""Height of a row of the table [px]."""


def correct(page, kernel, op):
    """Chooses an op in the kernel's row of the match table."""
    canvas = page.locator("[data-testid=stDataFrame] canvas").first
    cell = canvas.locator("td", has_text=kernel)
    first, row = (int(part) for part in cell.get_attribute("id").split("-")[2:])
    ahead = int(canvas.locator("th", has_text="Your correction").get_attribute("aria-colindex")) - int(
        cell.get_attribute("aria-colindex")
    )
    canvas.scroll_into_view_if_needed()
    canvas.click(position={"x": 60, "y": ROW * (row + 1) + ROW // 2}, force=True)
    for column in range(first, first + ahead):
        expect(canvas.locator(f"#glide-cell-{column}-{row}")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("ArrowRight")
    expect(canvas.locator(f"#glide-cell-{first + ahead}-{row}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("listbox").get_by_text("as matched")).to_be_visible()
    page.keyboard.type(op)
    expect(page.get_by_role("listbox").get_by_text("as matched")).to_be_hidden()
    page.keyboard.press("Enter")


def test_a_trace_is_explained_and_a_correction_changes_it(page, app, tmp_path):
    upload(page, app, decode_trace(tmp_path / "decode.sqlite"))
    turn_to(page, "Explain")
    expect(page.get_by_role("heading", name="largest part").first).to_be_visible()
    expect(page.get_by_text("A decode step on GPU 0")).to_be_visible()
    expect(page.locator("[aria-label^='Measured step']")).to_be_attached()
    expect(page.locator("[aria-label^='A predicted decode step']")).to_be_attached()
    expect(page.get_by_text("91 % of kernel time stands for an op")).to_be_visible()
    correct(page, "my_fused_thing", "Down projection")
    expect(page.get_by_text("100 % of kernel time stands for an op")).to_be_visible()
    page.reload()
    expect(page.get_by_text("100 % of kernel time stands for an op")).to_be_visible()


def test_a_click_on_a_measured_mark_drills_down(page, app, tmp_path):
    upload(page, app, decode_trace(tmp_path / "other.sqlite", mark="execute_context_0(0)_generation_4(4)"))
    turn_to(page, "Explain")
    expect(page.get_by_text("Click a measured mark for its launches.")).to_be_visible()
    attention = page.locator("path[aria-label*='Mark: measured'][aria-label*='flash_fwd']")
    attention.click()
    expect(page.get_by_text("stands for Attention (KV cache)")).to_be_visible()
    expect(page.get_by_text("Kernels of this op in the typical steps")).to_be_visible()
    expect(page.get_by_text("160 launches in the whole trace")).to_be_visible()
