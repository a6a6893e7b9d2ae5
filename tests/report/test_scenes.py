"""Scenes of a talk: answers, refusals and runs, each with sentence, figures, chart and notes; none is empty."""

import copy
from dataclasses import replace

import pytest

from charts.projected import AXIS, LARGER, PHONE, on_any_screen, projected, sparse
from importers.reference import reference_runs
from planner.errors import CatalogueError
from planner.measured import KernelSample, Run
from planner.predict import question
from report.scenes import CHARTS, MOST_FIGURES, measured_scene, scene

MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def whole(found):
    assert found.said
    assert 1 <= len(found.figures) <= MOST_FIGURES
    assert any(found.data.values())
    assert found.alt
    assert found.notes
    assert found.assumed
    assert found.origin.question
    return found


def test_an_answer_is_a_roofline_with_its_notes():
    found = whole(scene("Base", question({"gpu": "l4", "model": MODEL}), "plan?gpu=l4", "Say *this* first."))
    assert found.chart == "roofline"
    assert found.notes.splitlines()[0] == "Say *this* first."
    assert "Basis: " in found.notes
    assert "driver ==" in found.assumed
    assert found.origin.link == "plan?gpu=l4"


def test_a_no_shows_what_is_missing_and_what_fits():
    found = whole(scene("Large", question({"gpu": "l4", "model": "meta-llama/Llama-3.3-70B-Instruct"})))
    assert found.chart == "memory"
    assert found.said.startswith("**No:**")
    assert "What fits instead" in found.notes


@pytest.mark.parametrize("run", reference_runs()[::5], ids=lambda run: run.source_name)
def test_a_load_test_stands_beside_its_prediction(run):
    found = whole(measured_scene("Measured", run))
    assert found.data["ops"]
    assert "predicted" in found.figures[0][2]


def test_a_trace_shows_where_its_time_goes():
    kernels = tuple(KernelSample(name, kind, 0, 10, seconds) for name, kind, seconds in
                    (("a", "gemm", 0.3), ("b", "sampling", 0.1)))  # fmt: skip
    run = Run("nsys", "2025.1", "trace.sqlite", "f" * 64, kernels=kernels)
    found = whole(measured_scene("Trace", run))
    assert found.chart == "waterfall"
    assert found.figures[0][0] == "Kernels: matrix products"


def test_a_run_that_tells_too_little_says_what_to_do():
    run = next(run for run in reference_runs() if run.points)
    with pytest.raises(CatalogueError, match="on Evidence first"):
        measured_scene("x", replace(run, gpu=None))


@pytest.mark.parametrize("name", CHARTS)
def test_a_projected_chart_has_larger_text_and_leaves_the_first_alone(name):
    spec = CHARTS[name]("light")
    before = copy.deepcopy(spec)
    larger = projected(spec, "dark", 400)
    assert spec == before
    assert larger["config"]["axis"]["labelFontSize"] == AXIS
    assert larger["height"] == 400
    sizes = [layer["mark"]["fontSize"] for layer in larger["layer"] if layer["mark"].get("type") == "text"]
    assert sizes
    assert min(sizes) > 14


@pytest.mark.parametrize("name", CHARTS)
def test_a_phone_has_the_text_of_a_page(name):
    """What differs is an expression of the window alone; the rest is as on a wall."""
    told = on_any_screen(CHARTS[name]("light"), "light")
    assert told["config"]["axis"]["labelFontSize"] == {"expr": f"{PHONE} ? {AXIS / LARGER:g} : {AXIS}"}
    assert (
        told["config"]["axis"]["labelColor"]
        == projected(CHARTS[name]("light"), "light")["config"]["axis"]["labelColor"]
    )
    sizes = [layer["mark"]["fontSize"] for layer in told["layer"] if layer["mark"].get("type") == "text"]
    assert all(size["expr"].startswith(PHONE) for size in sizes)


def test_large_labels_do_not_lie_over_each_other():
    told = [("Gate and up projection + 4 more", 31, 88), ("Attention (prompt)", 210, 70), ("Sampling", 0.3, 0.1)]
    rows = [{"label": label, "intensity": x, "rate": y, "share": 0.2} for label, x, y in told]
    kept = sparse({"ops": rows, "ridges": [{"label": "ridge"}]})
    assert [row["label"] for row in kept["ops"]] == ["Gate and up projection + 4 more", "", "Sampling"]
    assert kept["ridges"] == [{"label": "ridge"}]
    assert rows[1]["label"] == "Attention (prompt)"
    assert sparse({"parts": [{"gib": 1}]}) == {"parts": [{"gib": 1}]}
