import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from importers.reference import reference_runs

SHARED = Path(__file__).parents[3] / "shared"
NSYS = SHARED / "traces/nsys/nsys-ai__cfa580dc__tests_fixtures_h100_2gpu_1s.sqlite"
LOAD_TEST = SHARED / "loadtests/vllm_bench/serve_sweep_append.jsonl"


def needs(path):
    if not path.exists():
        pytest.skip(f"{path.name}: real files are not part of the product; they stand in ../shared")
    return path


def upload(page, app, path):
    page.goto(f"{app}/evidence")
    expect(page.locator("h4").first).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(path)
    expect(page.get_by_text("imported as run")).to_be_visible()


def chart_text(page):
    """Marks' labels and the description for screen readers, as the browser drew them."""
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    expect(chart.locator("canvas, svg").first).to_be_visible()
    return chart


def measured_marks(page):
    described = page.locator("[aria-label*='measured marks']").first
    expect(described).to_be_attached()
    return int(described.get_attribute("aria-label").split(" with ")[1].split(" ")[0])


def test_demo_workspace_is_there_and_marked(page, app):
    page.goto(f"{app}/evidence?run={reference_runs()[0].id}")
    expect(page.get_by_text("Demo workspace.")).to_be_visible()
    chart_text(page)
    assert measured_marks(page) == 7


def test_real_nsys_export_shows_on_the_roof(page, app):
    upload(page, app, needs(NSYS))
    expect(page.get_by_text("3,442 kernel launches")).to_be_visible()
    chart_text(page)
    assert measured_marks(page) > 5
    expect(page.get_by_text("Kernels by time")).to_be_visible()


def test_real_load_test_shows_on_the_roof(page, app):
    lines = [line for line in needs(LOAD_TEST).read_text().splitlines() if line.strip()]
    assert json.loads(lines[0])["completed"] > 0
    upload(page, app, LOAD_TEST)
    chart_text(page)
    assert measured_marks(page) >= len(lines)


def test_unknown_file_is_refused_by_name_and_reason(page, app, tmp_path):
    path = tmp_path / "shopping.sqlite"
    path.write_text("milk\n")
    page.goto(f"{app}/evidence")
    page.locator("input[type=file]").first.set_input_files(path)
    expect(page.get_by_text("shopping.sqlite looks like text")).to_be_visible()
