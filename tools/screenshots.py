"""Screenshots of the docs, taken of the app with real files: `make screenshots`; every size is the same on each run."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tools.menu import turn_to
from tools.running_app import CHROMIUM, FLAGS, ROOT, running_app

DOCS = ROOT / "docs"
SHARED = ROOT.parent / "shared"
NSYS = SHARED / "traces/nsys/nsys-ai__cfa580dc__tests_fixtures_h100_2gpu_1s.sqlite"
TRACE = (
    SHARED
    / "traces/torch"
    / ("TraceLens__e3031dd0__tests_traces_inference_sglang_prefilldecode_sglang_Qwen3-8B_prefilldecode.json.gz")
)
SWEEP = "7bd9221cc0b1"
"""Run of the demo: the decode sweep on an H200."""
WIDTH = 1280
PATIENCE = 120_000
"""A search over all GPUs takes its time [ms]."""
SETTLED = 1_500
"""Until charts have found their size, and toasts their end [ms]."""
COLOURS = 256
"""Of a picture: a page has few, and the file gets a fraction as large [1]."""


def buy_answer(page: Page, url: str) -> None:
    """The answer to the question of choose_a_gpu.md."""
    page.goto(f"{url}/buy?v=1&peak=20&among=l40s,a100-sxm-80gb,h100-sxm,h200-sxm&split=1")
    page.get_by_text("Ways to pay for it").wait_for()


def buy_charts(page: Page, url: str) -> None:
    """Options and charts of the same answer."""
    buy_answer(page, url)
    page.get_by_text("Options, cheapest first").evaluate("e => e.scrollIntoView()")


def sweep(page: Page, url: str) -> None:
    """A measured sweep of the demo beside its prediction, on the roof and over the batch."""
    page.goto(f"{url}/evidence?run={SWEEP}")
    page.locator("[data-testid=stVegaLiteChart]").nth(1).wait_for()
    page.get_by_role("combobox", name="Run").evaluate("e => e.scrollIntoView()")


def evidence(page: Page, url: str) -> None:
    """Kernels of an Nsight Systems export on the roof."""
    _upload(page, url, NSYS)
    page.get_by_text("kernels stand on the roof").first.evaluate("e => e.scrollIntoView()")


def explain(page: Page, url: str) -> None:
    """Why a step of a real trace took as long as it did."""
    _upload(page, url, TRACE)
    turn_to(page, "Explain")
    page.get_by_text("from its first to its last kernel").first.wait_for()


def advice(page: Page, url: str) -> None:
    """What to change next, after a measured sweep."""
    page.goto(f"{url}/explain?run={SWEEP}")
    page.get_by_text("More tokens/s", exact=True).click()
    page.get_by_text("Best:").wait_for()
    page.get_by_text("What to change next").evaluate("e => e.scrollIntoView()")


def compare(page: Page, url: str) -> None:
    """The three scenarios of the example side by side."""
    page.goto(f"{url}/compare")
    page.get_by_text("Settings that differ").wait_for()


def present(page: Page, url: str) -> None:
    """One of them on a full screen."""
    page.goto(f"{url}/present")
    page.locator("[data-testid=stVegaLiteChart]").first.wait_for()


SHOTS: Mapping[str, tuple[Callable[[Page, str], None], int]] = {
    "sweep": (sweep, 980),
    "evidence": (evidence, 800),
    "buy_answer": (buy_answer, 760),
    "buy_charts": (buy_charts, 860),
    "explain_why": (explain, 900),
    "explain_advice": (advice, 640),
    "talk_compare": (compare, 760),
    "talk_present": (present, 720),
}
"""Name of the file -> what leads there, and the picture's height [px]."""


def main(wanted: list[str]) -> int:
    """Takes pictures anew.

    wanted : their names; none: all
    """
    missing = [path.name for path in (NSYS, TRACE) if not path.exists()]
    if missing or CHROMIUM is None:
        print(f"No pictures: {', '.join(missing) or 'Chromium'} is missing.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in wanted or SHOTS:
            lead, height = SHOTS[name]
            (DOCS / f"{name}.png").write_bytes(taken(browser, app.url, lead, height))
        browser.close()
    return 0


def taken(browser: Browser, url: str, lead: Callable[[Page, str], None], height: int) -> bytes:
    """A page as PNG, in few colours.

    lead : brings a page to what is to be seen
    height : of the picture [px]
    """
    page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
    page.set_default_timeout(PATIENCE)
    lead(page, url)
    page.locator("[data-testid=stToast]").first.wait_for(state="detached")
    page.wait_for_timeout(SETTLED)
    shot = page.screenshot()
    page.close()
    return optimised(shot)


def optimised(shot: bytes) -> bytes:
    """The same picture in COLOURS colours."""
    out = BytesIO()
    few = (
        Image.open(BytesIO(shot))
        .convert("RGB")
        .quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def _upload(page: Page, url: str, path: Path) -> None:
    page.goto(f"{url}/evidence")
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_text("imported as run").first.wait_for()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
