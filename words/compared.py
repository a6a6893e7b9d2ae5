"""Measured against predicted in one sentence, and whether that is what was to be expected: no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from planner.overlay import Comparison, conditions_of
from planner.words import digits, duration, percent
from words.rows import METRICS

LEADING = (
    "tpot", "itl", "latency_per_output_token", "output_throughput", "ttft", "e2e", "request_throughput",
    "decode_arithmetic_intensity", "prefill_arithmetic_intensity",
)  # fmt: skip
"""What is told of a run that has several, best first."""
NAMES = {
    **METRICS,
    "e2e": "End-to-end latency",
    "output_throughput": "Throughput",
    "request_throughput": "Throughput",
}
UNITS = {"output_throughput": " tokens/s", "request_throughput": " requests/s"}
UNITS |= dict.fromkeys(("decode_arithmetic_intensity", "prefill_arithmetic_intensity"), " FLOP/B")
EXPECTED = 0.9
"""Share of measurements that an interval is to hold [1]."""


def compared_sentence(compared: Sequence[Comparison]) -> str:
    """The leading metric measured over predicted, as Markdown; why there is none, where nothing is predicted.

    compared : of one run or series
    """
    predicted = [one for one in compared if one.residual is not None]
    first = next((name for name in LEADING if any(one.point.metric == name for one in predicted)), None)
    if first is None:
        if any(one.refusal for one in compared):
            return "No prediction: as chosen here, this does not fit in the GPUs' memory."
        return "The planner predicts nothing of what was measured here."
    told = _one_each([one for one in predicted if one.point.metric == first])
    return f"{_times(told)}: {_expected(told)}."


def roof_sentence(measured: float, predicted: float) -> str:
    """How close kernels come to their roof, as Markdown.

    measured, predicted : shares of what the roof allows, weighted by time; 0 where none stands on it [1]
    """
    if not measured:
        return "None of these kernels stands on the roof: they have neither counts nor an op in the model."
    times = f", **{digits(measured / predicted)} times** the predicted **{percent(predicted)}**" if predicted else ""
    return f"The kernels that stand on the roof reach **{percent(measured)}** of what it allows{times}."


def _one_each(told: Sequence[Comparison]) -> Sequence[Comparison]:
    """One value of each load: the mean, or the median where a file tells no mean."""
    conditions = [conditions_of(one.point) for one in told]
    means = [known for known, one in zip(conditions, told, strict=True) if one.point.statistic == "mean"]
    return [
        one for known, one in zip(conditions, told, strict=True) if one.point.statistic == "mean" or known not in means
    ]


def _times(told: Sequence[Comparison]) -> str:
    one, name = told[0], NAMES[told[0].point.metric]
    if len(told) == 1 and one.predicted is not None and one.residual is not None:
        measured, predicted = (_value(one.point.metric, value) for value in (one.point.value, one.predicted))
        return f"**{name}** is **{measured}**, {digits(one.residual)} times the predicted **{predicted}**"
    ratios = sorted(each.residual for each in told if each.residual is not None)
    return (
        f"**{name}** is **{digits(median(ratios))} times** what was predicted, in the median of {len(ratios)} loads "
        f"({digits(ratios[0])}–{digits(ratios[-1])})"
    )


def _expected(told: Sequence[Comparison]) -> str:
    """How many lie where nine in ten measurements do, and on which side the others."""
    bounded = [(one.point.value, *one.interval) for one in told if one.interval is not None]
    if not bounded:
        return "no interval is known for it"
    below, above = sum(value < low for value, low, _ in bounded), sum(value > high for value, _, high in bounded)
    whole, inside = len(bounded), len(bounded) - below - above
    if inside == whole:
        return "as expected, inside the 90 % interval"
    if whole == 1:
        return f"it lies {'below' if below else 'above'} the 90 % interval"
    if inside >= EXPECTED * whole:
        return f"as expected, {inside} of {whole} inside the 90 % interval"
    sides = " and ".join(f"{count} {side}" for count, side in ((below, "below"), (above, "above")) if count)
    return f"{inside or 'none'} of {whole} inside the 90 % interval, {sides} it"


def _value(metric: str, value: float) -> str:
    return f"{digits(value)}{UNITS[metric]}" if metric in UNITS else duration(value)
