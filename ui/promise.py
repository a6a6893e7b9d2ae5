"""After a run: what to change next, and whether a change that was made did what the planner promised of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from planner.differences import settings_that_differ
from planner.loads import Load
from planner.measured import Run
from planner.overlay import scenario_of
from planner.setting_words import in_sentence
from planner.side_by_side import Change, changes, side
from planner.words import digits
from ui.advised import advised
from ui.confirm import Confirmed
from ui.versus import figure_name
from ui.workspace import known_runs, label, loads_of, whole_run
from words.settings import setting_value
from words.text import plain

NOT_YET, NOT_TOLD = "", "not told"


def next_and_kept(run: Run, chosen: Confirmed) -> None:
    """Advice for the load that was measured, and the promise of a change held against the run after it.

    run : with points
    chosen : the reader's word on GPU and model, which holds for both runs
    """
    loads = loads_of(run)
    if not loads:
        return
    advised(scenario_of(run, chosen.gpu, chosen.model, **{**chosen.cells, **loads[0].conditions}))
    runs = {one: other for one, other in known_runs().items() if one != run.id and _alike(run, other)}
    if not runs:
        return
    st.markdown("**Did a change do what was promised?**")
    after = st.selectbox(
        "The run after the change", [NOT_YET, *runs], key=f"after-{run.id}",
        format_func=lambda one: label(runs[one]) if one else "choose it",
    )  # fmt: skip
    if after:
        _kept(run, whole_run(runs[after]), chosen)


def _alike(run: Run, other: Run) -> bool:
    """Whether it may be the same load after a change: of the same model, and no trace."""
    return not other.kernels and "rows" not in other.summary and (run.model or None) == (other.model or None)


def _kept(run: Run, other: Run, chosen: Confirmed) -> None:
    before, after = _same_load(loads_of(run), loads_of(other))
    if before is None or after is None:
        st.caption("That run has no load to compare.")
        return
    named = {name: text for name, text in chosen.cells.items() if name not in before.conditions}
    found = changes(
        side(before, chosen.gpu, chosen.model, **_open(run, named)),
        side(after, other.gpu or chosen.gpu, chosen.model, **_open(other, named)),
    )
    told = [
        plain(f"{in_sentence(name)} {setting_value(name, one, NOT_TOLD)} → {setting_value(name, two, NOT_TOLD)}")
        for name, one, two in settings_that_differ(run, other)
    ]
    st.markdown(f"Changed: **{', '.join(told) or 'nothing that the files tell of'}**.")
    st.markdown("\n".join(f"- {_sentence(one)}" for one in found) or "The two have no figure in common.")
    st.caption(
        f"Promised: the planner's estimate for the one over that for the other. "
        f"[Side by side, with intervals](compare?a={run.id}&b={other.id})"
    )


def _open(run: Run, cells: Mapping[str, str]) -> dict[str, str]:
    """The reader's word on what the run's file leaves open."""
    return {name: text for name, text in cells.items() if name not in run.settings}


def _same_load(one: Sequence[Load], other: Sequence[Load]) -> tuple[Load | None, Load | None]:
    """The first pair under the same conditions, else the first of each."""
    pairs = ((a, b) for a in one for b in other if a.conditions == b.conditions)
    return next(pairs, (next(iter(one), None), next(iter(other), None)))


def _sentence(one: Change) -> str:
    said = f"{figure_name(one)}: **{digits(one.ratio)} times**"
    if one.low is not None and one.high is not None:
        said += f" ({one.low:.2f} to {one.high:.2f})"
    return f"{said}, promised {digits(one.promised)}: **{one.kept}**" if one.promised else f"{said}, nothing promised"
