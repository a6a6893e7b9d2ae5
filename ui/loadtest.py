"""A load test in depth: curves of a sweep, distributions, the test over time, and what its times are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from charts import curves, distributions, waterfall
from planner.curves import Line, axis_of, lines, on_one_line
from planner.distribution import Distribution, distribution
from planner.elbow import Elbow, elbow, ridge_batch
from planner.errors import CalibrationError, InfeasibleError
from planner.estimate import Estimate, Figure, estimate
from planner.inferred import inferred_parts
from planner.loads import Load
from planner.measured import Run
from planner.memory import memory
from planner.model import Model
from planner.overlay import scenario_of
from planner.quantities import MILLISECOND
from planner.scenario import Scenario
from planner.serving import latencies
from planner.words import digits, duration, percent
from ui.confirm import Confirmed
from ui.estimated import estimated
from ui.show import chart, theme
from ui.workspace import cache_key, loads_of
from words.rows import METRICS
from words.text import plain

NAMES = {**METRICS, "step_time": "Decode step", "output_throughput": "Output tokens/s"}
ACROSS = {"concurrency": "Requests at once", "request_rate": "Requests/s", "prompt_tokens": "Prompt tokens"}
RANKS = {"Mean": "mean", "p50": "median", "p90": "p90", "p95": "p95", "p99": "p99"}
TOO_MUCH = 1.5
"""From a prediction that many times as long on, parts would explain what was not measured."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One load with its question and the planner's answer."""

    load: Load
    scenario: Scenario
    answer: Estimate


def show_load_test(run: Run, chosen: Confirmed) -> None:
    """A choice of views of a load test, those for which it has the data.

    run : with points, and its tables `requests` and `itl` where it has them
    chosen : the reader's word on GPU and model
    """
    found = loads_of(run)
    views: dict[str, Callable[[], None]] = {}
    axis = axis_of(found)
    if axis is not None:
        views["Curves"] = lambda: _curves(run, found, axis, chosen)
    if found:
        views["Why so long"] = lambda: _of_one(run, found, chosen, _why)
        views["Distributions"] = lambda: _of_one(run, found, chosen, _distributions)
    if any(one.sample for one in found):
        views["Over time"] = lambda: _of_one(run, found, chosen, _over_time)
    if views:
        view = st.segmented_control("View", list(views), default=next(iter(views)), required=True, key=f"view-{run.id}")
        views[view if view in views else next(iter(views))]()


def reason_sentence(run: Run, chosen: Confirmed) -> str:
    """Where the time of the first load goes, as Markdown; empty where no load tells a time that is predicted."""
    found = loads_of(run)
    if not found:
        return ""
    try:
        answer = estimated(scenario_of(run, chosen.gpu, chosen.model, **{**chosen.cells, **found[0].conditions}))
    except InfeasibleError:
        return ""
    metric, parts = next(inferred_parts(found[0], answer), ("", ()))
    which = f"At {plain(found[0].label)}: " if len(found) > 1 else ""
    return which + _parts_words(NAMES[metric], parts) if parts else ""


@st.cache_data(max_entries=64, show_spinner="Predicting the sweep")
def _lines(
    key: str,  # noqa: ARG001 - stands for the run
    gpu: str,
    shapes: str,  # noqa: ARG001 - part of the key
    cells: tuple[tuple[str, str], ...],
    axis: str,
    _found: Sequence[Load],
    _model: Model,
) -> tuple[Line, ...]:
    return lines(_found, axis, gpu, _model, **dict(cells))


def _curves(run: Run, found: Sequence[Load], axis: str, chosen: Confirmed) -> None:
    kept = on_one_line(found, axis)
    if len(kept) < len(found):
        st.caption(f"{len(found) - len(kept)} loads were sent with other lengths and stand on no common line.")
    cells = tuple(sorted(chosen.cells.items()))
    known = {
        one.metric: one
        for one in _lines(cache_key(run), chosen.gpu, repr(chosen.model), cells, axis, kept, chosen.model)
    }
    ridge = _ridge(run, kept, chosen) if axis == "concurrency" else None
    columns = st.columns(2)
    for place, line in enumerate(known.values()):
        with columns[place % 2]:
            _curve(run, line, axis, ridge)
    if "output_throughput" in known:
        for place, metric in enumerate(name for name in ("tpot", "ttft") if name in known):
            with columns[(len(known) + place) % 2]:
                _trade(run, known["output_throughput"], known[metric])


def _ridge(run: Run, found: Sequence[Load], chosen: Confirmed) -> float | None:
    scenario = scenario_of(run, chosen.gpu, chosen.model, **{**chosen.cells, **found[-1].conditions})
    load = scenario.workload
    return ridge_batch(scenario, load.prompt_tokens + load.output_tokens / 2)


def _curve(run: Run, line: Line, axis: str, ridge: float | None) -> None:
    """One metric over the axis, and where it bends in words."""
    told, bends = [], []
    sides = {
        "measured": ([dot.x for dot in line.dots], [dot.value for dot in line.dots]),
        "predicted": (line.x.tolist(), line.value.tolist()),
    }
    for source, (x, y) in sides.items():
        bend = _elbow(x, y)
        if bend is not None:
            bends.append((f"{source} elbow", bend.at))
            told.append(f"{source} elbow at **{digits(bend.at)}** ({digits(bend.low)}–{digits(bend.high)})")
        elif x:
            told.append(f"no {source} elbow")
    if ridge is not None:
        told.append(f"matrix products meet the compute roof at {digits(ridge)}")
        if ridge <= line.x.max():
            bends.append(("ridge of the roof", ridge))
    name, unit = NAMES[line.metric], "1/s" if line.metric == "output_throughput" else "ms"
    st.markdown(f"**{name}** over {ACROSS[axis].lower()}")
    spec = curves.curves_spec(theme(), ACROSS[axis], f"{name} ({unit})")
    chart(spec, curves.datasets(line, bends), f"curve-{run.id}-{line.metric}", f"{name}: {'; '.join(told)}")
    st.caption(_sentence(told))


def _elbow(x: Sequence[float], y: Sequence[float]) -> Elbow | None:
    try:
        return elbow(x, y)
    except CalibrationError:
        return None


def _sentence(told: Sequence[str]) -> str:
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}. In brackets the 90 % interval." if "(" in text else f"{text.capitalize()}."


def _trade(run: Run, rate: Line, latency: Line) -> None:
    name = NAMES[latency.metric]
    st.markdown(f"**{name}** against throughput")
    spec = curves.curves_spec(theme(), "Output tokens/s", f"{name} (ms)")
    chart(spec, curves.paired(rate, latency), f"trade-{run.id}-{latency.metric}", f"{name} against output tokens/s")


def _of_one(run: Run, found: Sequence[Load], chosen: Confirmed, view: Callable[[Run, Shown], None]) -> None:
    """A view of one load, chosen where there are several."""
    place = 0
    if len(found) > 1:
        place = st.selectbox(
            "Load", range(len(found)), format_func=lambda at: f"{at + 1}: {found[at].label}", key=f"load-{run.id}"
        )
    load = found[place]
    scenario = scenario_of(run, chosen.gpu, chosen.model, **{**chosen.cells, **load.conditions})
    try:
        view(run, Shown(load, scenario, estimate(scenario)))
    except InfeasibleError as no:
        st.error(plain(str(no)))


def _why(run: Run, shown: Shown) -> None:
    """Times from the floor to the clock; a load test knows the sums alone."""
    st.caption(
        "A load test tells one time: its parts are inferred from the model (pale), and the last is what the model does "
        "not explain."
    )
    each = list(inferred_parts(shown.load, shown.answer))
    for metric, parts in each:
        _waterfall(run, parts, metric)
    if not each:
        st.caption("The file tells neither TTFT nor TPOT.")


def _waterfall(run: Run, parts: Sequence[waterfall.Part], metric: str) -> None:
    st.markdown(_parts_words(NAMES[metric], parts))
    rows = waterfall.rows(parts, f"Measured {NAMES[metric]}")
    chart(
        waterfall.waterfall_spec(theme()), rows, f"waterfall-{run.id}-{metric}", f"Parts of {NAMES[metric]}, inferred"
    )


def _parts_words(name: str, parts: Sequence[waterfall.Part]) -> str:
    """What was measured, how far above its floor, and why; the time alone where a file tells of none."""
    floor, *rest = parts
    whole, largest = sum(part.seconds for part in parts), max(rest, key=lambda part: part.seconds)
    told = f"**{name}** is **{duration(whole)}**"
    if whole <= 0 or floor.seconds <= 0:
        return f"{told}, as measured."
    if (expected := whole - parts[-1].seconds) > TOO_MUCH * whole:
        return (
            f"{told}. The planner expects **{duration(expected)}**, most of it "
            f"{waterfall.part_name(largest.name).lower()}: lengths, load or settings are not those that were measured."
        )
    return (
        f"{told}, **{digits(whole / floor.seconds)} times** its floor of {duration(floor.seconds)}. The largest part "
        f"beyond the floor: **{waterfall.part_name(largest.name).lower()}**, **{duration(largest.seconds)}** "
        f"({percent(largest.seconds / whole)})."
    )


def _distributions(run: Run, shown: Shown) -> None:
    """Percentiles beside the predicted ones; whole distributions where the requests are known."""
    answer, load = shown.answer, shown.load
    figures = {"ttft": answer.ttft, "tpot": answer.tpot, "itl": answer.itl, "e2e": answer.e2e}
    rows = [row for metric, figure in figures.items() for row in _percentiles(load, metric, figure)]
    number = st.column_config.NumberColumn(format="%.4g")
    st.markdown("**Percentiles (ms)**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=dict.fromkeys(RANKS, number))
    if load.sample is None:
        st.caption("The file lists no requests: their distribution is not known (save it with --save-detailed).")
        return
    played = latencies(shown.scenario, memory(shown.scenario))
    later = {"itl": played.itl} if len(load.sample.values("itl")) else {"tpot": played.tpot}
    for column, (metric, values) in zip(
        st.columns(3), {"ttft": played.ttft, **later, "e2e": played.e2e}.items(), strict=True
    ):
        with column:
            st.markdown(f"**{NAMES[metric]}**")
            weights = played.itl_count if metric == "itl" else None
            data = distributions.shares(load.sample.values(metric), values, weights)
            said = f"Share of {NAMES[metric]} at most so long, measured beside predicted"
            chart(distributions.shares_spec(theme()), data, f"shares-{run.id}-{metric}", said)


def _percentiles(load: Load, metric: str, figure: Figure | None) -> list[dict[str, object]]:
    """Measured, from the requests or as reported, and predicted [ms]."""
    values = load.sample.values(metric) if load.sample else ()
    own = distribution(values) if len(values) else None
    measured = {rank: _measured(load, metric, own, rank) for rank in RANKS}
    if figure is None or not any(measured.values()):
        return []
    told = {"Mean": figure.value, **{rank: getattr(figure, rank) for rank in RANKS if rank != "Mean"}}
    return [_scaled(NAMES[metric], "measured", measured), _scaled(NAMES[metric], "predicted", told)]


def _measured(load: Load, metric: str, own: Distribution | None, rank: str) -> float | None:
    return float(getattr(own, rank.lower())) if own else load.value(metric, RANKS[rank])


def _scaled(name: str, source: str, values: Mapping[str, float | None]) -> dict[str, object]:
    scaled = {rank: value / MILLISECOND if value is not None else None for rank, value in values.items()}
    return {"Metric": name, "": source, **scaled}


def _over_time(run: Run, shown: Shown) -> None:
    """TTFT by when a request was sent, gaps by when they ended, and the requests in flight."""
    sample, answer = shown.load.sample, shown.answer
    if sample is None:
        st.caption("The file lists no requests of this load.")
        return
    st.caption("Median with the middle eight tenths of each span of time; dashed: predicted median, or load asked for.")
    asked = None if shown.scenario.workload.open_loop else shown.scenario.workload.concurrency
    views = {
        "TTFT (ms)": distributions.over_time(sample.sent, sample.ttft, answer.ttft.p50),
        "ITL (ms)": distributions.over_time(sample.itl_at, sample.itl, answer.itl.p50 if answer.itl else None),
        "Requests in flight": distributions.concurrency(sample, asked),
    }
    for title, data in views.items():
        if data["bins"]:
            st.markdown(f"**{title}**")
            chart(distributions.over_time_spec(theme(), title), data, f"time-{run.id}-{title}", f"{title} over time")
