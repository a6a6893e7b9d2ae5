"""How the app feels: `python -m tools.bench_feel [--changes 60] [--people 100] [--seconds 60]`.

One visitor in a real Chromium: the first visit until the last of Plan's charts is drawn, changes of a control until the
page no longer changes, and changes of page. Then a crowd over Streamlit's own protocol, each changing a control every
five seconds on average, and what each costs the server in time of processor and memory.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from planner.quantities import MIB, MILLISECOND
from tools.app_session import AppSession, app_session
from tools.menu import turn_to
from tools.running_app import CHROMIUM, FLAGS, RunningApp, running_app

THINKING = 5.0
"""A person of the crowd looks at an answer so long, on average [s]."""
OPENED_AT_ONCE = 5
CHARTS = 2
"""Open on Plan at a first visit."""
TURNS = ("Buy", "Evidence", "Explain", "Compare", "Methods", "Plan")
DRAWN = """
() => document.querySelectorAll("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas").length
"""
WATCH = """
() => {
  window.lastChange = 0;
  const ours = node => !(node.parentElement ?? node).closest?.("[data-testid=stStatusWidget]");
  new MutationObserver(list => { if (list.some(m => ours(m.target))) window.lastChange = performance.now(); })
    .observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
  const begun = () => { window.begun = performance.now(); window.lastChange = 0; };
  document.addEventListener("keydown", event => { if (event.key === "Enter") begun(); }, true);
  document.addEventListener("click", begun, true);
}
"""
SETTLED = """
quiet => new Promise(done => {
  const look = () => {
    const now = performance.now();
    if (window.lastChange > window.begun && now - window.lastChange > quiet) done(window.lastChange - window.begun);
    else setTimeout(look, 20);
  };
  look();
})
"""
QUIET = 400
"""A page that has not changed for so long has settled [ms]."""


def main() -> None:
    """Print all lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=60)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app:
        for line in one_visitor(app, given.changes):
            print(line, flush=True)
        for line in asyncio.run(crowd(app, given.people, given.seconds)):
            print(line, flush=True)


def one_visitor(app: RunningApp, changes: int) -> Iterator[str]:
    """The first visit of a server, changes of a control, and changes of page, as a Chromium sees them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield f"first visitor of a server: all charts after {_first_visit(browser, app):.2f} s"
        yield f"the next visitor:          all charts after {_first_visit(browser, app):.2f} s"
        page = _opened(browser, app)
        page.evaluate(WATCH)
        yield told("change of a control to the last change of the page", _changes(page, changes))
        yield told("change of page", _turns(page, 3))
        browser.close()


async def crowd(app: RunningApp, people: int, seconds: float) -> list[str]:
    """Changes of many at once: time from a change to the end of its answer, and what they cost the server."""
    server = psutil.Process(app.pid)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(app_session(app.url))
        await first.visit()
        before = server.memory_info().rss
        visitors = [await stack.enter_async_context(app_session(app.url)) for _ in range(people)]
        for some in _groups(visitors):
            await asyncio.gather(*(visitor.visit() for visitor in some))
        await asyncio.sleep(THINKING)
        used, start = _processor(server), time.perf_counter()
        taken = await asyncio.gather(*(_person(visitor, start + seconds) for visitor in visitors))
        passed, used = time.perf_counter() - start, _processor(server) - used
        all_taken = [one for of_person in taken for one in of_person]
        memory = (server.memory_info().rss - before) / people / MIB
        wrong = [complaint for visitor in visitors for complaint in visitor.complaints]
    return [
        told(f"{people} people, a change each {THINKING:g} s", all_taken),
        f"    {used / len(all_taken) / MILLISECOND:.0f} ms of processor a change, {used / passed:.2f} cores in use; "
        f"{memory:.2f} MiB a session; {len(wrong)} errors shown",
    ]


def told(name: str, seconds: Iterable[float]) -> str:
    """Median and 95th percentile of times [s] as a line in milliseconds."""
    times = sorted(seconds)
    median, late = statistics.median(times), times[int(len(times) * 0.95)]
    return f"{name}: median {median / MILLISECOND:.0f} ms, p95 {late / MILLISECOND:.0f} ms ({len(times)})"


def _opened(browser: Browser, app: RunningApp) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 1000}, bypass_csp=True)
    page.goto(app.url)
    page.wait_for_function(f"({DRAWN})() >= {CHARTS}", polling=20, timeout=60_000)
    page.wait_for_timeout(2_000)
    return page


def _first_visit(browser: Browser, app: RunningApp) -> float:
    page = browser.new_context(viewport={"width": 1440, "height": 1000}, bypass_csp=True).new_page()
    start = time.perf_counter()
    page.goto(app.url, wait_until="commit")
    page.wait_for_function(f"({DRAWN})() >= {CHARTS}", polling=20, timeout=60_000)
    seconds = time.perf_counter() - start
    page.context.close()
    return seconds


def _changes(page: Page, count: int) -> Iterator[float]:
    field = page.get_by_role("spinbutton", name="Requests at once")
    for number in range(count):
        field.fill(str(20 + number))
        field.press("Enter")
        yield page.evaluate(SETTLED, QUIET) * MILLISECOND
        page.wait_for_timeout(random.randint(50, 250))  # noqa: S311 - not to beat in time with anything


def _turns(page: Page, rounds: int) -> Iterator[float]:
    for name in TURNS * rounds:
        turn_to(page, name)
        yield page.evaluate(SETTLED, QUIET) * MILLISECOND


async def _person(visitor: AppSession, until: float) -> list[float]:
    taken: list[float] = []
    await asyncio.sleep(random.uniform(0, THINKING))  # noqa: S311
    while time.perf_counter() < until:
        start = time.perf_counter()
        await visitor.change("Requests at once", random.randint(1, 256))  # noqa: S311
        taken.append(time.perf_counter() - start)
        await asyncio.sleep(random.expovariate(1 / THINKING))
    return taken


def _groups(visitors: list[AppSession]) -> Iterator[list[AppSession]]:
    for at in range(0, len(visitors), OPENED_AT_ONCE):
        yield visitors[at : at + OPENED_AT_ONCE]


def _processor(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
