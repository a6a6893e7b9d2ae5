"""Two runs side by side: is B really faster than A, what was changed, and did it do what was promised?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from charts import ratios
from planner.catalogue_models import known_model
from planner.differences import ClassChange, class_changes, settings_that_differ
from planner.errors import CatalogueError
from planner.loads import Load
from planner.measured import Run
from planner.model import Model
from planner.predict import DEFAULTS
from planner.quantities import MILLISECOND
from planner.side_by_side import RATES, Change, changes, side
from planner.words import digits, duration
from ui.cards import cards
from ui.export import headed, link_here
from ui.link import Parameter, choice
from ui.run_files import Measured
from ui.show import chart, theme
from ui.telling import errors_told
from ui.versus import verdict
from ui.workspace import label, loads_of, pair, whole_run
from words.rows import METRICS
from words.settings import FLAG, SETTING, setting_row

FIGURES, PROMISED = ("Figure", "A", "B", "B ÷ A", "B is"), ("Promised", "Promise")
CLASSES = ("Class", "A", "B", "B − A", "B ÷ A")


def run_parameters(runs: Mapping[str, Run]) -> dict[str, Parameter]:
    """What a link says of two runs; at first two that are worth a comparison.

    runs : known runs under their ids
    """
    return {name: choice(tuple(runs), run, always=True) for name, run in zip("ab", pair(runs), strict=True)}


def two_runs(runs: Mapping[str, Run]) -> None:
    """Two runs to choose, and what they say of each other.

    runs : known runs under their ids
    """
    st.markdown("#### Is B really faster than A?")
    chosen = [_run_box(column, name, runs) for column, name in zip(st.columns(2), "ab", strict=True)]
    with errors_told():
        versus(*(whole_run(runs[run]) for run in chosen))


def versus(a: Run, b: Run) -> None:
    """What two runs say of each other: load tests by their figures, traces by their kernels."""
    said = st.container()
    if a.points and b.points and not (a.kernels and b.kernels):
        sides = [side(_load_box(column, name, run), run.gpu, _model(run)) for column, name, run in
                 zip(st.columns(2), "ab", (a, b), strict=True)]  # fmt: skip
        found = changes(*sides)
        said.markdown(f"##### {verdict(found)}")
        show_changes(found, Measured(verdict(found), (a, b), link_here("compare")))
        if any(point.prompt_tokens is None for one in sides for point in one.load.run.points):
            st.caption(
                f"Where a file does not tell the lengths, {DEFAULTS['input_tokens']:g} prompt and "
                f"{DEFAULTS['output_tokens']:g} output tokens are taken for what is promised."
            )
        if found and not any(one.promised for one in found):
            st.caption("To see what the planner promised of this change, say GPU and model of both runs on Evidence.")
    elif a.kernels and b.kernels:
        show_classes(a, b)
    else:
        said.warning("These two have no figure in common: compare a load test with a load test, a trace with a trace.")
    show_settings(a, b)


def show_changes(found: Sequence[Change], files: Measured) -> None:
    """Every figure with its ratio, interval and verdict, beside what the planner promised."""
    if not found:
        return
    named = [(f"{_name(one)}", one) for one in found]
    rows = ratios.rows(named)
    told = [_row(name, one) for name, one in named]
    headed("**Figure by figure**", "compare", partial(files.taken, ratios.ratios_spec("light"), rows, "Figures", told))
    chart(ratios.ratios_spec(theme()), rows, "ratios", "B over A, figure by figure")
    promised = PROMISED if any(one.promised for one in found) else ()
    cards(FIGURES + promised, [_texts(name, one)[: len(FIGURES + promised)] for name, one in named])
    st.caption(
        "Intervals hold nine times in ten; they come from resampling the requests in blocks. Promised: the planner's "
        "estimate for B over that for A, each under its own load and settings."
    )


def show_classes(a: Run, b: Run) -> None:
    """Classes of kernels that grew or shrank, per step where both traces know their steps."""
    steps = [run.summary.get("steps") for run in (a, b)]
    each = bool(steps[0] and steps[1])
    found = class_changes(a.kernels, b.kernels, (steps[0] or 1.0, steps[1] or 1.0) if each else (1.0, 1.0))
    whole = [sum(change.before for change in found), sum(change.after for change in found)]
    per = "a step" if each else "in the whole trace: steps are not known in both"
    st.markdown(f"##### B's kernels take {whole[1] / whole[0]:.3g} times A's time {per}")
    cards(CLASSES, [_class(change) for change in found])


def show_settings(a: Run, b: Run) -> None:
    """What was set differently, as far as the files tell."""
    rows = [setting_row(name, sides) for name, *sides in settings_that_differ(a, b)]
    st.markdown("**Settings that differ**" if rows else "The files tell of no setting that differs.")
    if rows:
        cards((SETTING, "A", "B", FLAG), rows)


def _run_box(column: st.delta_generator.DeltaGenerator, name: str, runs: Mapping[str, Run]) -> str:
    return column.selectbox(
        name.upper(), list(runs), key=name, format_func=lambda run: label(runs[run]), persist_state="session"
    )


def _load_box(column: st.delta_generator.DeltaGenerator, name: str, run: Run) -> Load:
    found = loads_of(run)
    if len(found) == 1:
        return found[0]
    place = column.selectbox(
        f"Load of {name.upper()}",
        range(len(found)),
        format_func=lambda at: f"{at + 1}: {found[at].label}",
        key=f"{name}-load-{run.id}",
    )
    return found[place]


def _model(run: Run) -> Model | None:
    try:
        return known_model(run.model) if run.model else None
    except CatalogueError:
        return None


def _name(one: Change) -> str:
    what = METRICS.get(one.metric, one.metric)
    return what if one.metric in RATES else f"{what}, {one.statistic}"


def _texts(name: str, one: Change) -> tuple[str, ...]:
    write = _rate if one.metric in RATES else duration
    between = f" ({digits(one.low)}–{digits(one.high)})" if one.low is not None and one.high is not None else ""
    promised = digits(one.promised) if one.promised else ""
    ratio = f"{digits(one.ratio)}{between}"
    return (name, write(one.before), write(one.after), ratio, one.word.value, promised, one.kept)


def _rate(value: float) -> str:
    return f"{digits(value)}/s"


def _class(change: ClassChange) -> tuple[str, ...]:
    """A class of kernels on both sides."""
    more = f"{(change.after - change.before) / MILLISECOND:+.3g} ms"
    ratio = digits(change.after / change.before) if change.before else "–"
    return (change.kind, duration(change.before), duration(change.after), more, ratio)


def _row(name: str, one: Change) -> dict[str, object]:
    scale = 1.0 if one.metric in RATES else MILLISECOND
    return {
        "Figure": name,
        "Unit": "1/s" if one.metric in RATES else "ms",
        "A": one.before / scale,
        "B": one.after / scale,
        "B ÷ A": one.ratio,
        "from": one.low,
        "to": one.high,
        "B is": one.word.value,
        "Promised": one.promised,
        "Promise": one.kept or None,
    }
