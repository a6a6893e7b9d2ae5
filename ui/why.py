"""Why? beside a figure: its formula with this question's numbers, its basis, its interval, and where it is derived.

What stands in it is made when it is opened: a change of a control pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from planner.reasons import Reason
from ui.basis import BASIS_HELP
from words.text import plain


def why(key: str, reasons: Callable[[], Mapping[str, Reason]]) -> None:
    """A popover that says why.

    key : of the figure in `reasons`
    reasons : made only where one is open
    """
    box = st.popover("Why?", type="tertiary", key=f"why-{key}", on_change="rerun")
    if box.open and (reason := reasons().get(key)):
        box.markdown(told(reason))


def told(reason: Reason) -> str:
    """A reason as Markdown."""
    lines = [f"{plain(each.formula)}  \n= {plain(each.filled)} = **{plain(each.result)}**" for each in reason.lines]
    sure = f"Nine measurements in ten lie in **{plain(reason.interval)}**." if reason.interval else ""
    rests = "; ".join(f"{plain(name)}: {basis.label}" for name, basis in reason.rests_on)
    return "\n\n".join(
        [
            f"**{plain(reason.name)}: {plain(reason.value)}**",
            *lines,
            f"Basis: **{reason.basis.label}**, {BASIS_HELP[reason.basis]}. {sure}",
            f"It rests on {rests}.",
            f"[How it is derived, and how well it does](methods?section={reason.section})",
        ]
    )
