"""After a run: advice on its own page, and a change that was made held against what the planner promised of it."""

from __future__ import annotations

import re

from importers.reference import reference_runs
from tests.ui.test_pages import opened, text


def run_named(end):
    return next(run for run in reference_runs() if run.source_name.endswith(end))


def after(before, changed):
    app = opened("explain", run=run_named(before).id)
    return app.selectbox(key=f"after-{run_named(before).id}").set_value(run_named(changed).id).run()


def test_the_larger_batch_of_the_t4_study_is_held_against_its_promise():
    app = after("load test b1, T4", "load test b8, T4")
    assert not app.exception
    assert r"batch limit 1 → 8" in text(app)
    told = re.search(r"output tokens a second: \*\*(\S+) times\*\*, promised (\S+): \*\*(.+?)\*\*", text(app))
    assert told is not None
    assert told[1] == "4.48", "99.4 tokens a second after 22.2"
    assert float(told[2]) > 1.5


def test_advice_stands_beside_a_measured_run():
    app = opened("explain", run=run_named("load test b1, T4").id)
    app.pills(key="goal").set_value("throughput").run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Change" in frame.value.columns)
    batch = table[table["Change"].str.startswith("batch limit 1 →")]
    assert len(batch) == 1
    assert "–" in batch["Then"].iloc[0]


def test_runs_of_another_model_and_traces_are_not_offered():
    run = run_named("load test b1, T4")
    offered = opened("explain", run=run.id).selectbox(key=f"after-{run.id}").options
    assert any("load test b8" in name for name in offered)
    assert not any("decode sweep" in name for name in offered)
