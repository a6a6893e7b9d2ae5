"""Calibrations on the pages: fitted on Evidence, chosen on Plan, carried in the link, refused politely."""

from __future__ import annotations

from importers.reference import reference_runs
from store import calibrations
from store.runs import Store, default_root
from tests.ui.test_pages import opened, text


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
