"""A table of measurements on the page: one of its series at a time, on the roof and beside its predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from planner.catalogue_models import known_model
from planner.errors import UnknownGpu
from planner.measured import Run
from planner.overlay import Comparison, compare, scenario_of, step_marks
from planner.predict import DEFAULTS
from planner.table import Row, row_run, series
from ui.comparison import comparison_table
from ui.confirm import Confirmed
from ui.loadtest import show_load_test
from ui.show import roof_chart


def show_table(run: Run, rows: Sequence[Row]) -> Sequence[Comparison]:
    """A choice among the series of a table, and the chosen one measured beside predicted.

    run : of the whole table
    rows : of it
    returns : what was compared of the chosen series
    """
    named = series(rows)
    chosen = st.selectbox("Series", list(named), key=f"series-{run.id}")
    parts = [part for row in named[chosen] if (part := row_run(run, row)).points]
    known = parts[0].gpu
    if known is None:
        raise UnknownGpu(f"{parts[0].gpu_names[0]} means no single GPU of the catalogue: this series is not predicted.")
    model = known_model(parts[0].model or "")
    compared: list[Comparison] = [one for part in parts for one in compare(part, known, model)]
    predicted, measured = step_marks(compared)
    if measured:
        scenario = scenario_of(parts[0], known, model)
        roof_chart(scenario, predicted, measured, f"roof-{run.id}", measured_alone=True)
    if any(point.prompt_tokens is None or point.output_tokens is None for part in parts for point in part.points):
        st.caption(
            f"Where the table does not tell the lengths, {DEFAULTS['input_tokens']:g} prompt and "
            f"{DEFAULTS['output_tokens']:g} output tokens are taken."
        )
    comparison_table(compared)
    identity = hashlib.sha256(f"{run.file_hash} {chosen}".encode()).hexdigest()
    whole = replace(parts[0], file_hash=identity, points=tuple(point for part in parts for point in part.points))
    show_load_test(whole, Confirmed(known, model, {}))
    return compared
