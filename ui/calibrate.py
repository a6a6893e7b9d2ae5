"""Calibrations on the pages: fit the planner to a run, and choose one for a question."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from planner.calibrated import NINETY
from planner.calibration import Calibration, clean_name
from planner.correction import Correction
from planner.errors import PlannerError
from planner.measured import Run
from planner.model import Model
from planner.observation import observations
from planner.words import percent
from store import calibrations
from ui.link import Parameter
from ui.telling import errors_told
from ui.workspace import store
from words.text import plain

KEY = "calibration"
NONE = ""
HELP = "Factors on efficiencies and host times, fitted to measurements on the Evidence page or by cli.py calibrate."


def _known(text: str) -> str:
    """The name, if a calibration has it."""
    return calibrations.load(store(), text).name if text else NONE


PARAMETER = Parameter(NONE, _known)


def calibration_choice() -> None:
    """Draws the choice of a calibration; none is the catalogue as it is."""
    try:
        names = calibrations.names(store())
    except PlannerError as error:
        st.caption(plain(str(error)))
        names = []
    if st.session_state.get(KEY) not in names:
        st.session_state[KEY] = NONE
    st.selectbox(
        "Calibration", [NONE, *names], key=KEY, format_func=lambda name: name or "none", help=HELP,
        persist_state="session",
    )  # fmt: skip


def chosen_correction() -> Correction | None:
    """The factors of the calibration that is chosen.

    raises : UnknownCalibration, StoreError
    """
    return correction_of(st.session_state.get(KEY))


def correction_of(name: str | None) -> Correction | None:
    """The factors of a calibration; None for no name.

    raises : UnknownCalibration, StoreError
    """
    return calibrations.load(store(), name).correction if name else None


def offer_calibration(run: Run, gpu: str | None, model: Model | None, cells: dict[str, str]) -> None:
    """An expander that fits the planner to the run and keeps the factors under a name.

    gpu, model, cells : the reader's choice; None for a table, whose rows name their own
    """
    with st.expander("Calibrate on this run"):
        st.caption(
            "Fits factors on the planner's efficiencies and host times to this run. Plan can then be asked with them "
            "(More, Calibration)."
        )
        name = st.text_input("Name of the calibration", key=f"calibration-name-{run.id}", placeholder="our-h100-box")
        if st.button("Calibrate", key=f"calibrate-{run.id}", disabled=not name.strip()):
            st.session_state.pop(f"calibrated-{run.id}", None)
            with errors_told():
                st.session_state[f"calibrated-{run.id}"] = _fitted(run, gpu, model, cells, name)
        if found := st.session_state.get(f"calibrated-{run.id}"):
            _show(found)
        _kept()


def _kept() -> None:
    """Those that are kept, and a way to delete one that asks once more."""
    if not (names := calibrations.names(store())):
        return
    columns = st.columns([3, 1], vertical_alignment="bottom")
    name = columns[0].selectbox("Kept calibrations", names, key="kept-calibration")
    with columns[1].popover("Delete", icon=":material/delete:", width="stretch"):
        st.markdown(f"Delete **{plain(name)}**? Links that name it will be answered without it.")
        if st.button("Delete it for good", key=f"delete-calibration-{name}"):
            calibrations.delete(store(), name)
            for key in [key for key, kept in st.session_state.items() if _named(kept, name)]:
                del st.session_state[key]
            st.rerun()


def _named(kept: object, name: str) -> bool:
    return isinstance(kept, Calibration) and kept.name == name


def _fitted(run: Run, gpu: str | None, model: Model | None, cells: dict[str, str], name: str) -> Calibration:
    from planner.fit import fit  # noqa: PLC0415 - SciPy is slow to load, and few readers calibrate

    clean = clean_name(name)
    with st.spinner("Fitting"):
        found = fit(observations(run, gpu, model, **cells), clean)
    calibrations.save(store(), found)
    return found


def _show(found: Calibration) -> None:
    own = found.correction
    before, after = (float(np.mean(np.abs(np.expm1(-np.array(each))))) for each in (found.before, found.after))
    st.markdown(
        f"Kept as **{plain(own.name)}**. Mean error **{percent(before)}** before, **{percent(after)}** with it, over "
        f"{len(found.points)} values of {own.batch[0]:g} to {own.batch[1]:g} requests at once on "
        f"{plain(', '.join(own.gpus))}. Beyond these, intervals widen and the answer says so."
    )
    wide = np.exp(NINETY * np.sqrt(np.diag(np.array(own.covariance))))
    rows = [
        (name.replace("_", " "), value, value / side, value * side, "yes" if name in found.learnt else "no")
        for (name, value), side in zip(own.named.items(), wide, strict=True)
    ]
    number = st.column_config.NumberColumn(format="%.3f")
    columns = ["Factor", "Value", "Low (90 %)", "High (90 %)", "Learnt from this run"]
    st.dataframe(
        pd.DataFrame(rows, columns=columns), hide_index=True, column_config=dict.fromkeys(columns[1:4], number)
    )
    ratios = pd.DataFrame(
        {
            "Measured value": found.points,
            "Measured ÷ predicted before": np.exp(found.before),
            "with the calibration": np.exp(found.after),
        }
    )
    st.dataframe(ratios, hide_index=True, column_config=dict.fromkeys(ratios.columns[1:], number))
