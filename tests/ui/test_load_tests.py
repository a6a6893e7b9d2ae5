"""Load tests in depth on the Evidence page, and the charts that it draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from charts import curves, distributions
from importers.reference import reference_runs
from planner.catalogue import DATA
from planner.curves import Dot, Line
from planner.loads import Sample
from tests.ui.given import imported

PAGE = Path(__file__).parents[2] / "ui" / "pages" / "evidence.py"
MOST_MARKS = 5_000


def bench(concurrency, requests=64, tpot=0.01):
    """A result of vllm bench serve with every request and gap: each TTFT is 0.1 s, each gap as told."""
    gaps = [[tpot] * 7] * requests
    starts = [0.2 * number for number in range(requests)]
    return {
        "backend": "vllm", "date": "20261121-021824", "endpoint_type": "openai", "model_id": "meta-llama/Llama-3.1-8B",
        "tokenizer_id": "x", "num_prompts": requests, "request_rate": "inf", "max_concurrency": concurrency,
        "duration": starts[-1] + 0.1 + 7 * tpot, "completed": requests, "total_input_tokens": 128 * requests,
        "total_output_tokens": 8 * requests, "request_throughput": 5.0, "output_throughput": 40.0 * concurrency**0.5,
        "mean_ttft_ms": 100.0, "median_ttft_ms": 100.0, "mean_tpot_ms": 1e3 * tpot, "median_tpot_ms": 1e3 * tpot,
        "mean_itl_ms": 1e3 * tpot, "input_lens": [128] * requests, "output_lens": [8] * requests,
        "ttfts": [0.1] * requests, "itls": gaps, "start_times": starts, "errors": [""] * requests,
    }  # fmt: skip


def sweep(batches=(1, 2, 4, 8, 16, 32)):
    return "\n".join(json.dumps(bench(batch, tpot=0.01 * max(1, batch / 8))) for batch in batches).encode()


def opened(run, view=None):
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["run"] = run
    app.run()
    if view:
        app.segmented_control(key=f"view-{run}").set_value(view).run()
    assert not app.exception
    return app


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def test_a_sweep_shows_its_curves_with_both_elbows_and_the_ridge():
    said = words(opened(imported("sweep.jsonl", sweep())))
    assert "**TPOT** over requests at once" in said
    assert "Measured elbow at **8**" in said
    assert "predicted elbow" in said
    assert "matrix products meet the compute roof at" in said
    assert "**TTFT** against throughput" in said


def test_a_series_of_a_table_has_curves_of_its_own():
    content = (DATA / "reference" / "lab_decode_sweep.csv").read_bytes()
    run = imported("lab.csv", content)
    app = opened(run)
    before = words(app)
    assert "**Latency per output token** over requests at once" in before
    series = app.selectbox(key=f"series-{run}")
    series.set_value(series.options[1]).run()
    assert not app.exception
    elbows = [said[said.index("elbow") :][:60] for said in (before, words(app))]
    assert elbows[0] != elbows[1]


def test_parts_of_a_time_are_inferred_and_marked_so():
    said = words(opened(imported("one.json", json.dumps(bench(4)).encode())))
    assert "its parts are inferred from the model" in said
    assert "**TPOT** is **10 ms**" in said
    assert "**TTFT** is **100 ms**" in said


def test_distributions_stand_beside_the_predicted_ones():
    app = opened(imported("one.json", json.dumps(bench(4)).encode()), "Distributions")
    table = next(frame.value for frame in app.dataframe if "p99" in frame.value)
    measured = table[(table["Metric"] == "ITL") & (table[""] == "measured")].iloc[0]
    assert measured[["Mean", "p50", "p99"]].tolist() == pytest.approx([10, 10, 10])
    assert (table[""] == "predicted").sum() == 4


def test_a_load_over_time():
    said = words(opened(imported("one.json", json.dumps(bench(4)).encode()), "Over time"))
    assert all(f"**{title}**" in said for title in ("TTFT (ms)", "ITL (ms)", "Requests in flight"))


def test_runs_without_requests_show_what_was_reported():
    (run,) = [run.id for run in reference_runs() if "load test first" in run.source_name]
    app = opened(run, "Distributions")
    table = next(frame.value for frame in app.dataframe if "p99" in frame.value)
    assert table.iloc[0][["p50", "p99"]].tolist() == pytest.approx([803, 50674])
    assert "lists no requests" in words(app)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_specifications_use_only_the_data_they_are_sent(theme):
    line = Line("tpot", *np.ones((4, 3)), dots=(Dot(1.0, 1.0),))
    sent = {
        "curves": (curves.curves_spec(theme, "x", "y"), curves.datasets(line, [("measured elbow", 2.0)])),
        "shares": (distributions.shares_spec(theme), distributions.shares(np.ones(3), np.ones(3))),
        "time": (distributions.over_time_spec(theme, "y"), distributions.over_time(np.ones(3), np.ones(3), 1.0)),
    }
    for spec, data in sent.values():
        assert named(spec) == set(data)


def named(spec):
    parts = [spec, *spec.get("layer", [])]
    return {part["data"]["name"] for part in parts if "name" in part.get("data", {})}


def test_no_chart_has_more_marks_than_a_screen_can_show():
    random = np.random.default_rng(0)
    at, long = np.sort(random.uniform(0, 100, 200_000)), random.gamma(2, 0.01, 200_000)
    none = np.zeros(0)
    shared = distributions.shares(long, long, np.ones(len(long)))["shares"]
    timed = distributions.over_time(at, long, None)["bins"]
    flying = distributions.concurrency(Sample(at, long, long, long, none, none), None)["bins"]
    assert max(map(len, (shared, timed, flying))) <= MOST_MARKS
    halves = [row["ms"] for row in shared if abs(row["share"] - 0.5) < 0.003]
    assert np.mean(halves) == pytest.approx(1e3 * np.median(long), rel=0.01)


def test_points_keep_their_bounds_in_the_charts_unit():
    line = Line("tpot", *np.full((4, 2), 0.02), dots=(Dot(1.0, 0.01, 0.005, 0.02), Dot(2.0, 0.01)))
    with_bounds, without = curves.datasets(line, [])["dots"]
    assert with_bounds["low"] == pytest.approx(5)
    assert with_bounds["text"] == "measured 10 (5–20)"
    assert without["text"] == "measured 10"
