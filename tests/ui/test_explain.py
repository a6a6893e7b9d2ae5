"""The Explain page with AppTest: the sentence, what is matched, corrections, patterns, runs without steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from charts.roofline import PICK
from charts.spread import MOST, launch_data, step_data
from importers.reference import reference_runs
from planner.marks import Mark
from planner.predict import question
from planner.roofline import Bound
from report.trace_steps import step_rows, traced_steps
from store.runs import Store, default_root
from tests.importers import samples, samples_torch
from tests.importers.test_reference_table import HEADER, ROW
from tests.ui.decode_trace import EACH, GAP, HEAD, HOST, LAYER, LAYERS, STEPS, decode_trace
from tests.ui.given import imported
from ui.matches import AS_MATCHED, NO_OP, corrections
from ui.run_files import Measured

PAGE = Path(__file__).parents[2] / "ui" / "pages" / "explain.py"
KERNELS = len(LAYER) * LAYERS + len(HEAD)


def given(path):
    return imported(path.name, path.read_bytes())


def shown(run_id):
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["run"] = run_id
    app.run()
    assert not app.exception
    return app


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.error, *app.info))


def frame(app, column):
    return next(element.value for element in app.dataframe if column in element.value)


def test_a_trace_says_where_its_time_went(tmp_path):
    said = words(shown(given(decode_trace(tmp_path / "x.sqlite"))))
    period = KERNELS * (EACH + GAP) + HOST
    assert f"takes **{period / 1e6:.3g} ms** from its start to the next one's" in said
    assert "A **decode** step on GPU 0 (the one nearest to the median of 5)" in said
    assert "91 % of kernel time stands for an op of the model" in said
    assert "**Not matched**, 9.04 % of kernel time: my\\_fused\\_thing" in said


def test_each_kernel_is_listed_with_its_ops(tmp_path):
    table = frame(shown(given(decode_trace(tmp_path / "x.sqlite"))), "Stands for").set_index("Kernel")
    assert table.loc["my_fused_thing", "Stands for"] == f"no op ×{3 * LAYERS}"
    stands = table.loc["nvjet_tst_64x8", "Stands for"]
    assert all(part in stands for part in ("QKV projection ×96", "Output projection ×96", "Down projection ×96"))
    assert table.loc["nvjet_tst_256x16", "Stands for"] == "LM head ×3"
    assert table["Share"].sum() == pytest.approx(1)


def test_a_correction_is_kept_and_changes_what_is_matched(tmp_path):
    run_id = given(decode_trace(tmp_path / "x.sqlite"))
    Store(default_root()).set_choice(run_id, ops={"my_fused_thing": "ffn.down"})
    app = shown(run_id)
    table = frame(app, "Stands for").set_index("Kernel")
    assert table.loc["my_fused_thing", "Your correction"] == "Down projection"
    assert table.loc["my_fused_thing", "Stands for"] == "Down projection ×96"
    assert "100 % of kernel time stands" in words(app)


def test_who_only_looks_is_not_asked_for_corrections_and_patterns(tmp_path, monkeypatch):
    run_id = given(decode_trace(tmp_path / "x.sqlite"))
    assert any("Kernels of your own" in box.label for box in shown(run_id).expander)
    monkeypatch.setenv("HEADROOM_MODE", "demo")
    app = shown(run_id)
    assert not any("Kernels of your own" in box.label for box in app.expander)
    table = next(element for element in app.dataframe if "Your correction" in element.value)
    assert table.proto.disabled


def test_what_the_table_says_is_added_to_what_was_said():
    labels = {"ffn.up": "Gate and up projection"}
    before = {"a": "ffn.up", "b": "of.another.model"}
    assert corrections(before, {"a": AS_MATCHED, "c": NO_OP}, labels) == {"b": "of.another.model", "c": None}
    assert corrections({}, {"a": "Gate and up projection"}, labels) == {"a": "ffn.up"}


def test_a_pattern_of_ones_own_counts_at_once_and_can_be_removed(tmp_path):
    run_id = given(decode_trace(tmp_path / "x.sqlite"))
    app = shown(run_id)
    app.text_input[0].set_value("my_*thing")
    next(box for box in app.selectbox if box.label == "Class").set_value("gemm")
    next(button for button in app.button if button.label == "Add").click()
    app.run()
    assert not app.exception
    assert Store(default_root()).choice(run_id).patterns == (("my_*thing", "gemm"),)
    shares = frame(app, "Before").set_index("Class")
    assert shares.loc["gemm", "With your patterns"] > shares.loc["gemm", "Before"]
    assert "**Not matched**" not in words(app)
    next(button for button in app.button if button.label.startswith("Remove")).click().run()
    assert Store(default_root()).choice(run_id).patterns == ()


def test_a_pattern_that_matches_nearly_everything_is_refused(tmp_path):
    app = shown(given(decode_trace(tmp_path / "x.sqlite")))
    app.text_input[0].set_value("a*")
    next(button for button in app.button if button.label == "Add").click()
    assert "a pattern has 3 to 200 letters" in words(app.run())


def test_a_trace_without_steps_says_so_and_shows_its_whole_span(tmp_path):
    app = shown(given(samples.export(tmp_path / "x.sqlite")))
    assert "No steps are known of this trace" in words(app)
    assert "Kernels by time" in words(app)


def test_steps_of_unknown_kind_are_the_readers_choice(tmp_path):
    app = shown(given(decode_trace(tmp_path / "x.sqlite", mark="execute_model_1")))
    assert "A step of **unknown kind** on GPU 0" in words(app)
    assert "predicted decode" in words(app)
    app.segmented_control(key="phase").set_value("prefill").run()
    assert "predicted prefill" in words(app)


def test_a_step_below_its_floor_is_not_explained_away(tmp_path):
    said = words(shown(given(samples_torch.trace(tmp_path / "x.json.gz", zipped=True))))
    assert "takes **5 µs**" in said
    assert "shorter than its floor" in said


def test_a_load_test_is_explained_as_such(tmp_path):
    said = words(shown(given(samples.bench_file(tmp_path / "x.json", samples.result()))))
    assert "neither kernels" not in said
    assert "measured values" in said


def test_a_table_is_checked_and_points_to_its_page():
    table = HEADER + ROW
    run_id = imported("x.csv", table.encode())
    assert f"on the [Evidence page](evidence?run={run_id})" in words(shown(run_id))


def test_a_run_without_figures_points_to_its_page():
    run = next(run for run in reference_runs() if run.source_name.endswith("decode sweep, H100"))
    bare = replace(run, tool="made up", file_hash="ab" * 32, points=())
    run_id = Store(default_root()).save(bare)
    assert "neither kernels nor a load test's points" in words(shown(run_id))


def test_steps_are_read_with_the_kernels_up_to_the_next(tmp_path):
    store, run_id = Store(default_root()), given(decode_trace(tmp_path / "x.sqlite"))
    (steps,) = step_rows(store, run_id)
    found = traced_steps(store, run_id, steps, "decode", ())
    assert [len(step.launches) for step in found] == [KERNELS] * 3
    assert found[0].period == pytest.approx((KERNELS * (EACH + GAP) + HOST) * 1e-9)
    assert found[0].busy == pytest.approx(KERNELS * EACH * 1e-9)


def test_charts_of_times_stay_small():
    start = np.arange(1_000_000, dtype=np.int64) * 1000
    kind = np.where(start % 3000 == 0, "prefill", "decode")
    rows = step_data(start, start + 10 + start % 7, kind)["steps"]
    assert len(rows) <= MOST
    assert sum(row["steps"] for row in rows) == len(start)
    assert min(row["low"] for row in rows) == pytest.approx(10e-6)
    seconds = np.random.default_rng(0).lognormal(-10, 2, 100_000)
    bins = launch_data(np.append(seconds, 0.0))["launches"]
    assert sum(row["launches"] for row in bins) == len(seconds) + 1
    assert len(bins) < 300


MENUS = ("measured-step", "a-predicted-decode-step", "measured-roofline")


def test_charts_of_a_trace_leave_with_their_rows(tmp_path):
    run_id = given(decode_trace(tmp_path / "steps.sqlite"))
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["run"] = run_id
    for name in MENUS:
        app.session_state[f"export-{name}"] = True
    app.run()
    assert not app.exception
    assert [button.label for button in app.get("download_button")].count("PNG") == len(MENUS)
    files = Measured("**Slow.**", (Store(default_root()).run(run_id),), f"explain?run={run_id}", "a question")
    scenario = question({"gpu": "l4", "model": "meta-llama/Llama-3.1-8B-Instruct"})
    mark = Mark("gemm", "decode", Bound.MEMORY, 4.0, 8e12, 2e-5, 0.5)
    drawing, table = files.roof("The roof.", scenario, [mark], [mark])
    assert drawing.origin.said == "The roof."
    assert run_id in drawing.origin.question
    assert "a question" in drawing.origin.question
    assert [row["source"] for row in table.main] == ["predicted", "measured"]
    assert table.inputs == {"run_1": run_id}


def clicked(run_id, place):
    """The page after a click on a measured mark, as Streamlit keeps it."""
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["run"] = run_id
    app.session_state[f"roof-{run_id}"] = {"selection": {PICK: [{"place": place}]}}
    app.run()
    assert not app.exception
    return app


def test_a_click_on_a_mark_shows_its_op_launches_and_shapes(tmp_path):
    run_id = given(decode_trace(tmp_path / "x.sqlite"))
    assert "Click a measured mark" in words(shown(run_id))
    app = clicked(run_id, 0)
    said = words(app)
    assert "Click a measured mark" not in said
    assert "stands for **" in said
    assert "takes **20 µs** a run" in said
    assert "Kernels of this op in the typical steps: " in said
    table = frame(app, "Shape")
    assert table["Shape"].tolist() == ["grid 1×1×1, block 1×1×1"]
    launches = int(table["Launches"].iloc[0])
    assert f"**{launches:,}** launches in the whole trace: median **20 µs**" in said
    assert launches % STEPS == 0
    assert table["Share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("place", [-1, 10_000, None, "0"])
def test_a_click_that_means_no_mark_shows_none(tmp_path, place):
    app = clicked(given(decode_trace(tmp_path / "x.sqlite")), place)
    assert "Click a measured mark" in words(app)


def test_a_question_that_cannot_be_asked_hides_no_findings():
    run = next(run for run in reference_runs() if run.source_name.endswith("load test b8, T4"))
    app = shown(run.id)
    app.selectbox(key=f"scheme-{run.id}").set_value("fp8").run()
    assert "cannot run fp8" in app.error[0].value
    assert "More requests in flight than there are slots" in words(app)
