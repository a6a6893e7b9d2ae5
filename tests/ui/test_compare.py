"""The Compare page: filled at the first visit, one sentence first, and honest where it cannot know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from charts import ratios
from importers.reference import reference_runs
from tests.importers import samples_torch
from tests.ui.given import card_table, imported
from tests.ui.test_load_tests import bench, words

PAGE = Path(__file__).parents[2] / "ui" / "pages" / "compare.py"


def opened(**link):
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    for name, run in link.items():
        app.query_params[name] = run
    app.run()
    assert not app.exception
    return app


def demo(name):
    return next(run.id for run in reference_runs() if f"load test {name}," in run.source_name)


def test_the_first_visit_shows_two_demo_runs_that_differ_in_one_setting():
    app = opened(view="runs")
    assert "B reports **4.48** times A's output tokens a second (+348 %); the planner promised" in words(app)
    assert "cannot be told" in words(app)
    assert card_table(app, "Setting").iloc[0].tolist() == ["Batch limit", "1", "8", "--max-num-seqs"]
    figures = card_table(app, "Promised")
    assert set(figures["B is"]) == {"no interval"}
    assert figures["Promised"].str.len().all()


@pytest.mark.parametrize(
    ("a", "b", "change"), [("high_b1", "high_b8", "+388 %"), ("easy_wins_after", "chunked_prefill", "-4 %")]
)
def test_changes_of_the_t4_study(a, b, change):
    assert f"({change})" in words(opened(a=demo(a), b=demo(b)))


def test_requests_give_an_interval_and_a_word():
    runs = [
        imported(f"{name}.json", json.dumps(bench(4, tpot=tpot)).encode()) for name, tpot in (("a", 0.02), ("b", 0.01))
    ]
    app = opened(a=runs[0], b=runs[1])
    assert "**B is faster**: median" in words(app)
    figures = card_table(app, "B is").set_index("Figure")
    assert figures.loc["TPOT, median", "B ÷ A"] == "0.5 (0.5–0.5)"
    assert "Promised" not in figures
    assert figures.loc["TTFT, median", "B is"] == "the same"
    assert "say GPU and model of both runs" in words(app)


def test_traces_are_compared_by_classes_of_kernels(tmp_path):
    path = samples_torch.trace(tmp_path / "x.json.gz", zipped=True)
    run = imported(path.name, path.read_bytes())
    app = opened(a=run, b=run)
    assert "B's kernels take 1 times A's time" in words(app)
    assert (card_table(app, "Class")["B − A"] == "+0 ms").all()


def test_a_trace_and_a_load_test_have_nothing_in_common(tmp_path):
    path = samples_torch.trace(tmp_path / "x.json.gz", zipped=True)
    app = opened(a=imported(path.name, path.read_bytes()), b=demo("b1"))
    assert "no figure in common" in " ".join(one.value for one in (*app.warning, *app.markdown))


def test_an_unknown_run_of_a_link_is_told():
    assert "which is none of the choices" in opened(a="no").warning[0].value


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chart_uses_only_the_data_it_is_sent(theme):
    spec = ratios.ratios_spec(theme)
    named = {layer["data"]["name"] for layer in spec["layer"] if "data" in layer} | {spec.get("data", {}).get("name")}
    assert named - {None} == set(ratios.rows([]))
