"""B against A in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from planner.side_by_side import RATES, Change, Word, answer, leading
from planner.words import digits
from words.rows import METRICS

NAMES = {"e2e": "end-to-end latency", "latency_per_output_token": "latency per output token"}
OPENINGS = {
    Word.FASTER: "**B is faster**",
    Word.SLOWER: "**B is slower**",
    Word.SAME: "**The same**",
    Word.UNKNOWN: "**Cannot tell**",
}


def verdict(found: Sequence[Change]) -> str:
    """Whether B is faster than A, as Markdown.

    found : from planner.side_by_side.changes
    """
    first = leading(found)
    if first is None:
        return "These two have no figure in common."
    word = answer(found)
    if word is Word.NO_INTERVAL:
        return _without_interval(first)
    medians = [one for one in found if one.low is not None and one.statistic == "median"]
    faster, slower = ([one for one in medians if one.word is side] for side in (Word.FASTER, Word.SLOWER))
    if faster and slower:
        return f"**B is faster in one and slower in another**: {_bounds(faster[0])}, but {_bounds(slower[0])}."
    shown = next((one for one in medians if one.word is word), first)
    more = " The interval holds 1: take longer runs." if word is Word.UNKNOWN else ""
    return f"{OPENINGS[word]}: {_bounds(shown)}.{more}"


def _without_interval(first: Change) -> str:
    """No requests, no interval: then a reported figure is all that there is."""
    promised = f"; the planner promised **{digits(first.promised)}** times" if first.promised else ""
    return (
        f"B reports **{digits(first.ratio)}** times A's {figure_name(first)} ({_change(first.ratio)}){promised}. "
        "Whether that is more than noise cannot be told: these files do not list 20 requests each."
    )


def _bounds(one: Change) -> str:
    if one.low is None or one.high is None:
        return f"{figure_name(one)} {digits(one.ratio)} times A's"
    return f"{figure_name(one)} {one.low:.2f} to {one.high:.2f} of A's"


def figure_name(one: Change) -> str:
    """What was measured, in words.

    one : of planner.side_by_side.changes
    """
    if one.metric in RATES:
        return "output tokens a second" if one.metric == "output_throughput" else "requests a second"
    return f"{one.statistic} {NAMES.get(one.metric, METRICS.get(one.metric, one.metric))}"


def _change(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"
