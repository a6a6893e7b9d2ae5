"""Calibrations on the pages: fitted on Evidence, chosen on Plan, carried in the link, refused politely."""

from __future__ import annotations

from dataclasses import replace

from importers.reference import reference_runs
from planner.correction import FACTORS, Correction
from planner.predict import question
from planner.words import duration
from store import calibrations
from store.runs import Store, default_root
from tests.store.test_calibrations import sample
from tests.ui.test_pages import opened, text
from ui.confirm import USUAL_MODEL


def calibrated_page(run_name: str, name: str):
    run = next(run for run in reference_runs() if run.source_name.endswith(run_name))
    app = opened("evidence", run=run.id)
    app.text_input(key=f"calibration-name-{run.id}").set_value(name).run()
    return app.button(key=f"calibrate-{run.id}").click().run()


def test_a_run_is_calibrated_on_and_chosen_by_link():
    app = calibrated_page("decode sweep, H100", "our lab")
    assert not app.exception
    assert "Kept as **our-lab**" in text(app)
    assert calibrations.names(Store(default_root())) == ["our-lab"]
    plan = opened(calibration="our-lab")
    assert not plan.exception
    assert "Calibrated on **our-lab**" in text(plan)
    assert "our-lab" in plan.query_params["calibration"]


def test_a_run_that_cannot_be_fitted_is_refused():
    app = calibrated_page("static analysis, T4", "t4")
    assert not app.exception
    assert "at least 3 loads" in text(app)
    assert calibrations.names(Store(default_root())) == []


def test_a_name_that_cannot_be_one_is_refused():
    assert "cannot name a calibration" in text(calibrated_page("decode sweep, H100", "../x"))


def test_an_unknown_calibration_of_a_link_is_told_and_ignored():
    plan = opened(calibration="gone")
    assert not plan.exception
    assert 'No calibration "gone"' in text(plan)
    assert "first token after" in text(plan)
    assert "calibration" not in plan.query_params


def test_one_that_was_deleted_meanwhile_is_no_longer_used():
    calibrated_page("decode sweep, H100", "short-lived")
    plan = opened(calibration="short-lived")
    calibrations.delete(Store(default_root()), "short-lived")
    plan.run()
    assert not plan.exception
    assert "Calibrated on" not in text(plan)


def resting(plan):
    """The list of what an answer rests on: input -> (value, basis)."""
    table = next(frame.value for frame in plan.dataframe if "Input" in frame.value.columns)
    return {row["Input"]: (row["Value"], row["Basis"]) for _, row in table.iterrows()}


def test_what_the_answer_rests_on_holds_the_calibrations_factors():
    found = replace(sample("slow-host"), correction=Correction("slow-host", memory=0.9, host_step=1.5, host_prompt=2.0))
    size = len(FACTORS)
    square = tuple((0.0,) * size for _ in range(size))
    known = replace(found.correction, covariance=square, gpus=("h100-sxm",), batch=(1.0, 16.0))
    calibrations.save(Store(default_root()), replace(found, correction=known))
    plain, slow = resting(opened()), resting(opened(calibration="slow-host"))
    usual = question({"gpu": "h100-sxm", "model": USUAL_MODEL}).host
    assert usual is not None
    assert plain["Host time of a step"] == (duration(usual.step), "calibrated")
    assert slow["Host time of a step"] == (duration(1.5 * usual.step), "calibrated on slow-host")
    assert slow["Host time of a request"] == (duration(2 * usual.request), "calibrated on slow-host")
    assert slow["Factor on memory share of all kernels"] == ("0.900", "calibrated on slow-host")
    assert not any(name.startswith("Factor") for name in plain)


def test_a_kept_calibration_is_deleted_only_after_a_second_click():
    app = calibrated_page("decode sweep, H100", "mistake")
    assert app.selectbox(key="kept-calibration").options == ["mistake"]
    assert calibrations.names(Store(default_root())) == ["mistake"]
    app.button(key="delete-calibration-mistake").click().run()
    assert not app.exception
    assert calibrations.names(Store(default_root())) == []
    assert "Kept as" not in text(app)
