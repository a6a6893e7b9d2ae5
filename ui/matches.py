"""Which op each kernel stands for, as a table that can be corrected; and how one kernel's launches spread."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

import pandas as pd
import streamlit as st

from planner.estimate import Phase
from planner.matching import Matched, ungrouped
from planner.measured import Run
from planner.quantities import MICROSECOND
from planner.traced import Explained
from ui.drill import show_launches
from ui.workspace import may_change, store
from words.text import kernel_name, op_name

AS_MATCHED, NO_OP = "as matched", "no op"
MANY = 200


def match_table(run: Run, found: Explained, phase: Phase, corrected: Mapping[str, str | None]) -> None:
    """Kernels, longest first, and their ops; a correction is kept beside the run and holds at once.

    phase : whose ops can be chosen
    corrected : what was said before
    """
    labels = {name: op_name(name) for name in dict.fromkeys(ungrouped(time.op.name) for time in phase.time.ops)}
    kernels = _by_kernel(found.matched)
    whole = sum(one.seconds for parts in kernels.values() for one in parts) or 1.0
    rows = [_row(name, parts, corrected, labels, whole) for name, parts in list(kernels.items())[:MANY]]
    where = f"in {found.steps} typical steps" if found.steps > 1 else "in this step"
    st.markdown(
        f"**What each kernel stands for** {where}{f' (the {MANY} longest)' if len(kernels) > MANY else ''}: matched by "
        "its name, its class and its place in the layers' sequence. Your correction holds for all its launches."
    )
    edited = st.data_editor(
        pd.DataFrame(rows),
        hide_index=True,
        key=f"matches-{run.id}-{_version(rows)}",
        disabled=["Kernel", "Class", "Launches", "Mean (µs)", "Share", "Stands for"] if may_change(run) else True,
        column_config={
            "Kernel": st.column_config.TextColumn(width="medium"),
            "Stands for": st.column_config.TextColumn(width="medium"),
            "Mean (µs)": st.column_config.NumberColumn(format="%.4g"),
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "Your correction": st.column_config.SelectboxColumn(
                options=[AS_MATCHED, NO_OP, *labels.values()], required=True,
                help="The op that all launches of this kernel stand for",
            ),
        },
    )  # fmt: skip
    pairs = zip(rows, edited["Your correction"], strict=True)
    changed = {str(row["Kernel"]): str(label) for row, label in pairs if row["Your correction"] != label}
    if changed:
        store().set_choice(run.id, ops=corrections(dict(store().choice(run.id).ops), changed, labels))
        st.rerun()


def corrections(
    before: Mapping[str, str | None], changed: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, str | None]:
    """All that is said of kernels after a change: kernel -> op, None for no op.

    before : what was said, also of other models' ops
    changed : kernel -> an op's name for people, NO_OP, or AS_MATCHED, which takes back what was said
    labels : op -> its name for people
    """
    ops: dict[str, str | None] = {label: op for op, label in labels.items()} | {NO_OP: None}
    kept = {kernel: op for kernel, op in before.items() if kernel not in changed}
    return kept | {kernel: ops[label] for kernel, label in changed.items() if label in ops}


def launches_box(run: Run, matched: Iterable[Matched]) -> None:
    """One kernel, chosen, and how long its launches in the whole trace took."""
    names = list(_by_kernel(matched))
    with st.expander("Launches of one kernel"):
        name = st.selectbox("Kernel", names, key=f"kernel-{run.id}", format_func=lambda name: kernel_name(name, 80))
        show_launches(run, name, f"launches-{run.id}")


def _version(rows: Iterable[Mapping[str, object]]) -> int:
    """Other rows are another editor: what was typed in a row must not hold for the kernel that stands there next."""
    return zlib.crc32(repr([(row["Kernel"], row["Your correction"]) for row in rows]).encode())


def _by_kernel(matched: Iterable[Matched]) -> dict[str, list[Matched]]:
    groups: dict[str, list[Matched]] = {}
    for one in matched:
        groups.setdefault(one.kernel, []).append(one)
    return dict(sorted(groups.items(), key=lambda item: -sum(one.seconds for one in item[1])))


def _row(
    name: str, parts: list[Matched], corrected: Mapping[str, str | None], labels: Mapping[str, str], whole: float
) -> dict[str, object]:
    said = corrected.get(name, AS_MATCHED)
    ops: dict[str, int] = {}
    for one in parts:
        label = labels[ungrouped(one.op)] if one.op else NO_OP
        ops[label] = ops.get(label, 0) + one.launches
    launches, seconds = sum(one.launches for one in parts), sum(one.seconds for one in parts)
    return {
        "Kernel": name,
        "Class": parts[0].kind,
        "Stands for": ", ".join(f"{label} ×{count}" for label, count in ops.items()),
        "Your correction": NO_OP if said is None else labels.get(said, AS_MATCHED),
        "Launches": launches,
        "Mean (µs)": seconds / launches / MICROSECOND,
        "Share": seconds / whole,
    }
