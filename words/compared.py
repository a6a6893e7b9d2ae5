"""Measured against predicted in one sentence, and whether that is what was to be expected: no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from planner.overlay import Comparison
from planner.words import digits, duration, percent
from words.rows import METRICS

LEADING = ("tpot", "itl", "latency_per_output_token", "output_throughput", "ttft", "e2e", "request_throughput")
"""What is told of a run that has several, best first."""


def compared_sentence(compared: Sequence[Comparison]) -> str:
    """The leading metric measured over predicted, as Markdown; why there is none, where nothing is predicted.

    compared : of one run or series
    """
    predicted = [one for one in compared if one.residual is not None]
    first = next((name for name in LEADING if any(one.point.metric == name for one in predicted)), None)
    if first is None:
        return "The planner predicts nothing of what was measured here."
    told = [one for one in predicted if one.point.metric == first]
    return f"{_times(told)}: {_expected(told)}."


def roof_sentence(measured: float, predicted: float) -> str:
    """How close kernels come to their roof, as Markdown.

    measured, predicted : shares of what the roof allows, weighted by time [1]
    """
    times = f", **{digits(measured / predicted)} times** the predicted **{percent(predicted)}**" if predicted else ""
    return f"The kernels reach **{percent(measured)}** of what the roof allows them{times}."


def _times(told: Sequence[Comparison]) -> str:
    one, name = told[0], METRICS.get(told[0].point.metric, told[0].point.metric)
    if len(told) == 1 and one.predicted is not None and one.residual is not None:
        measured, predicted = (_value(one.point.metric, value) for value in (one.point.value, one.predicted))
        return f"**{name}** is **{measured}**, {digits(one.residual)} times the predicted **{predicted}**"
    ratios = sorted(each.residual for each in told if each.residual is not None)
    return (
        f"**{name}** is **{digits(median(ratios))} times** what was predicted, in the median of {len(ratios)} values "
        f"({digits(ratios[0])}–{digits(ratios[-1])})"
    )


def _expected(told: Sequence[Comparison]) -> str:
    """How many lie where nine in ten measurements do, and which way the others lie."""
    bounded = [(one.point.value, *one.interval) for one in told if one.interval is not None]
    if not bounded:
        return "how far it may lie from that nobody knows"
    inside = sum(low <= value <= high for value, low, high in bounded)
    if inside == len(bounded):
        return "as expected, inside the 90 % interval"
    below = sum(value < low for value, low, _ in bounded)
    word = "less" if below > len(bounded) - inside - below else "more"
    outside = "it lies" if len(bounded) == 1 else f"{len(bounded) - inside} of {len(bounded)} lie"
    return f"{outside} outside the 90 % interval, {word} than it allows"


def _value(metric: str, value: float) -> str:
    if "throughput" in metric:
        return f"{digits(value)}/s"
    return duration(value)
