"""Patterns for kernels of a person's own: written here, kept beside the run, with what they change."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from importers.kernel_patterns import NamePattern, effect, reclassified
from importers.kernels import KINDS
from intake.known import kept_patterns
from planner.errors import BadPattern
from planner.measured import Run
from ui.workspace import store
from words.text import plain


def patterns_of(run: Run) -> tuple[NamePattern, ...]:
    """The patterns that are kept beside a run; those that are none any more are told and left out."""
    found, refused = kept_patterns(store(), run.id)
    for why in refused:
        st.warning(plain(why))
    return found


def pattern_box(run: Run, kept: tuple[NamePattern, ...]) -> None:
    """Adding and removing patterns, and the share of kernel time by class before and after.

    run : whose kernels may be of the kinds that patterns tell
    """
    with st.expander(f"Kernels of your own: patterns for their names ({len(kept)})"):
        with st.form(f"pattern-{run.id}", border=False):
            columns = st.columns([4, 2, 1], vertical_alignment="bottom")
            text = columns[0].text_input(
                "Piece of the name", placeholder="my_fused_*gemm", help="* stands for anything"
            )
            kind = columns[1].selectbox("Class", KINDS)
            if columns[2].form_submit_button("Add"):
                _add(run, kept, text, str(kind))
        for pattern in kept:
            said = f"Remove “{pattern.text}” ({pattern.kind})"
            if st.button(plain(said), key=f"drop-{run.id}-{pattern.text}-{pattern.kind}"):
                _keep(run, tuple(other for other in kept if other != pattern))
        if kept:
            _effect_table(run, kept)


def _add(run: Run, kept: tuple[NamePattern, ...], text: str, kind: str) -> None:
    try:
        added = (*kept, NamePattern(text.strip(), kind))
        reclassified(run.kernels, added)
    except BadPattern as error:
        st.error(plain(str(error)))
        return
    _keep(run, tuple(dict.fromkeys(added)))


def _keep(run: Run, patterns: tuple[NamePattern, ...]) -> None:
    store().set_choice(run.id, patterns=[(pattern.text, pattern.kind) for pattern in patterns])
    st.rerun()


def _effect_table(run: Run, kept: tuple[NamePattern, ...]) -> None:
    imported = store().run(run.id).kernels
    rows = [
        {"Class": one.kind, "Before": one.before, "With your patterns": one.after} for one in effect(imported, kept)
    ]
    share = st.column_config.NumberColumn(format="percent")
    st.markdown("**Share of kernel time by class**")
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=dict.fromkeys(("Before", "With your patterns"), share)
    )
