"""What the physics checks say of a run: severity in icon and word, the sentence, numbers, likely cause, experiment."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from planner.checks import CHECKS, Finding, evidence, findings, title
from planner.checks.report import WORDS, grouped
from planner.measured import Run, Severity
from planner.model import Model
from planner.words import digits
from ui.workspace import cache_key
from words.text import plain

ICONS = {Severity.ERROR: ":material/error:", Severity.WARNING: ":material/warning:", Severity.INFO: ":material/info:"}
FEW, LONGEST = 3, 80
"""Findings of one check that are all shown as sentences; characters of a kernel's name."""


def show_findings(run: Run, gpu: str | None, model: Model | None, phase: str, cells: dict[str, str]) -> None:
    """Every finding, those of one check together; the plain ones one click away.

    run : with its tables
    gpu, model, cells : the reader's choice; None for a table, whose rows name their own
    phase : that a trace is taken to show
    """
    kinds = zlib.crc32(repr([kernel.kind for kernel in run.kernels]).encode())
    found = _found(cache_key(run), gpu, repr(model), phase, kinds, tuple(sorted(cells.items())), run, model)
    if not found:
        st.caption(f":material/check: {len(CHECKS)} physics checks: nothing found.")
        return
    alike = grouped(found)
    grave = [group for group in alike if group[0].severity is not Severity.INFO]
    for group in grave or alike:
        _card(group)
    more = [group for group in alike if group not in grave]
    if grave and more:
        with st.expander(f"What else the checks say ({len(more)})"):
            for group in more:
                _card(group)


@st.cache_data(max_entries=64, show_spinner="Checking against physics")
def _found(
    key: str,  # noqa: ARG001 - stands for the run
    gpu: str | None,
    shapes: str,  # noqa: ARG001 - part of the key
    phase: str,
    kinds: int,  # noqa: ARG001 - part of the key: patterns change them
    cells: tuple[tuple[str, str], ...],
    _run: Run,
    _model: Model | None,
) -> tuple[Finding, ...]:
    return findings(evidence(_run, gpu, _model, phase, **dict(cells)))


def _card(group: Sequence[Finding]) -> None:
    worst = group[0]
    gravest = min(group, key=lambda one: list(ICONS).index(one.severity)).severity
    shown = group if len(group) <= FEW else group[:1]
    count = f" · {len(group)} points, the farthest shown" if len(group) > len(shown) else ""
    with st.container(border=True):
        st.markdown(f"{ICONS[gravest]} **{WORDS[gravest]}: {plain(title(worst.check))}**{count}")
        for one in shown:
            st.markdown(f"**{plain(_short(one.subject))}.** {plain(one.sentence)}")
        st.markdown(f"*Likely cause:* {plain(worst.cause)}.  \n*To settle it:* {plain(worst.experiment)}")
        if len(group) > 1:
            with st.expander(f"All {len(group)} in numbers"):
                _table(group)


def _short(subject: str) -> str:
    return subject if len(subject) <= LONGEST else f"{subject[: LONGEST - 1]}…"


def _table(group: Iterable[Finding]) -> None:
    rows = [
        {
            "Point": one.subject,
            "Severity": WORDS[one.severity],
            "Measured": one.measured,
            "Limit": one.limit,
            "Unit": one.unit,
            "Measured ÷ limit": f"{digits(one.ratio)}",
            "What was found": one.sentence,
            "Likely cause": one.cause,
        }
        for one in group
    ]
    number = st.column_config.NumberColumn(format="%.4g")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"Measured": number, "Limit": number})
