"""Memory of one GPU as one bar: weights, working memory, KV cache, and what vLLM leaves alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.memory import Memory
from planner.quantities import GIB
from words.text import memory_text

PARTS = ("weights", "working memory", "KV cache", "not for vLLM")
COLOURS = ("#51606F", "#8E9AA8", "#C9A227", "#CBD2DB")


@cache
def memory_spec(theme: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    """
    part = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(PARTS), range=list(COLOURS)),
        title=None,
        sort=list(PARTS),
        legend=alt.Legend(orient="top", columns=2),
    )
    bar = (
        alt.Chart(alt.NamedData("parts"))
        .mark_bar(height=34)
        .encode(
            x=alt.X("gib:Q", title="Memory of each GPU (GiB)", stack="zero"),
            color=part,
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip("part:N", title="Part"), alt.Tooltip("text:N", title="Size")],
        )
    )
    total = alt.Chart(alt.NamedData("total")).encode(x="gib:Q")
    rule = total.mark_rule(strokeWidth=2, color=palette.TEXT[theme])
    text = total.mark_text(align="right", dx=-6, dy=-25, color=palette.TEXT[theme]).encode(text="label:N")
    return alt.layer(bar, rule, text).properties(height=150).to_dict()


def parts(memory: Memory) -> dict[str, list[dict[str, Any]]]:
    """What a rerun sends; what does not fit reaches over the mark of the GPU's memory.

    memory : of one GPU [bytes]
    """
    sizes = (
        memory.weights,
        memory.activations + memory.graphs + memory.outside,
        max(0.0, memory.kv_cache),
        memory.total - memory.usable if memory.kv_cache > 0 else 0.0,
    )
    rows = [
        {"part": part, "gib": size / GIB, "text": memory_text(size), "rank": rank}
        for rank, (part, size) in enumerate(zip(PARTS, sizes, strict=True))
    ]
    total = {"gib": memory.total / GIB, "label": f"the GPU has {memory_text(memory.total)}"}
    return {"parts": rows, "total": [total]}
