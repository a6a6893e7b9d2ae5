"""How charts get onto a page: the specification is a constant, a rerun sends data alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from charts import roofline
from planner.marks import Mark
from planner.scenario import Scenario


def theme() -> str:
    """The reader's theme: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"


def roof_chart(
    scenario: Scenario,
    predicted: Iterable[Mark],
    measured: Iterable[Mark],
    key: str,
    *,
    measured_alone: bool = False,
    clicked: bool = False,
) -> Mark | None:
    """The roofline of a scenario's GPU with predicted and measured marks.

    key : of the element
    measured_alone : label these only, where each predicted mark has a measured twin
    clicked : a click on a measured mark reruns the page
    returns : the measured mark that was clicked, if any
    """
    gpu, marks, points = scenario.deployment.gpu, list(predicted), list(measured)
    said = f"Roofline of {gpu.label} with {len(points)} measured marks beside {len(marks)} predicted ones"
    data = roofline.datasets(gpu, scenario.quantization.matmul, marks, points, measured_alone=measured_alone)
    if not clicked:
        chart(roofline.roofline_spec(theme()), data, key, said)
        return None
    event = st.vega_lite_chart(
        spec=filled(roofline.roofline_spec(theme()), data), key=key, alt=said, width="stretch", on_select="rerun",
        selection_mode=roofline.PICK,
    )  # fmt: skip
    chosen = [one.get("place") for one in event["selection"].get(roofline.PICK, [])]
    return next((points[at] for at in chosen if isinstance(at, int) and 0 <= at < len(points)), None)


def chart(
    spec: Mapping[str, Any],
    data: Mapping[str, Sequence[Mapping[str, Any]]],
    key: str,
    alt: str,
    height: Literal["content", "stretch"] = "content",
) -> None:
    """Draws a specification with its named data.

    spec : from a cached function; never changed here
    data : rows for each name that the specification uses
    key : of the element
    alt : the chart in words
    height : "stretch": as high as its container
    """
    st.vega_lite_chart(spec=filled(spec, data), key=key, alt=alt, width="stretch", height=height)


def filled(spec: Mapping[str, Any], data: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """A specification with its data as Arrow; the specification itself stays as it is."""
    return {**spec, "datasets": {name: table(rows) for name, rows in data.items()}}


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as columns: Streamlit sends Arrow, and takes milliseconds to make it of rows.

    rows : any may lack a key that others have
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in names})
