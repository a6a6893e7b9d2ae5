"""Why each figure is what it is: formula, this question's numbers in it, basis, interval, and where it is derived.

The figures are those of the estimate; the lines below each take it apart, from what people see to what the GPU does.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.arithmetic import Line, Term, line, seconds
from planner.estimate import Estimate, Figure, Phase
from planner.memory import step_weight_bytes
from planner.quantities import HOUR, MILLION, Basis
from planner.words import digits, dollars, duration, interval_text

ROOF, STEP, LOAD, COST = 5, 7, 10, 11
"""Sections of docs/model.md."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one figure is what it is.

    name : of the figure, as people call it
    value : as the page prints it
    lines : formulas with numbers, the first gives the figure
    basis : of the weakest input
    rests_on : inputs, each with its basis
    interval : of nine measurements in ten, in words; empty where the figure has none
    section : of docs/model.md
    """

    name: str
    value: str
    lines: tuple[Line, ...]
    basis: Basis
    rests_on: tuple[tuple[str, Basis], ...]
    interval: str
    section: int


def reasons(found: Estimate) -> dict[str, Reason]:
    """Why each figure of an estimate is what it is.

    found : the estimate [s], [1/s], [USD]
    returns : "ttft", "tpot", "e2e", "throughput", "floor", "cost" -> reason; those that the estimate has
    """
    said = {"ttft": _first_token(found), "e2e": _whole(found), "throughput": _throughput(found), "floor": _floor(found)}
    if found.tpot is not None:
        said["tpot"] = _per_token(found, found.tpot)
    if found.cost is not None:
        said["cost"] = _cost(found)
    return said


def _first_token(found: Estimate) -> Reason:
    value, step = found.ttft.value, found.prefill.seconds
    lines = (
        _rest("prefill step of its prompt + what it waits: steps before it, the host outside of steps", step, value),
        _step("prefill step", found.prefill),
    )  # fmt: skip
    return _reason("First token (TTFT)", found, found.ttft, lines, LOAD)


def _per_token(found: Estimate, figure: Figure) -> Reason:
    gaps = found.scenario.workload.output_tokens - 1
    whole, first, value = found.e2e.value, found.ttft.value, figure.value
    lines = [
        _rest("decode step + what else is in a token's steps: prompts of others", found.decode.seconds, value),
        _step("decode step", found.decode),
    ]  # fmt: skip
    if duration((whole - first) / gaps) == duration(value):
        lines.append(
            line(
                "(end to end - first token) / (output tokens - 1)", "({} - {}) / {}",
                [seconds(whole, whole), seconds(first, whole), Term(gaps)], lambda a, b, n: (a - b) / n, duration,
            )
        )  # fmt: skip
    return _reason("Per token (TPOT)", found, figure, tuple(lines), LOAD)


def _whole(found: Estimate) -> Reason:
    value, first, gaps = found.e2e.value, found.ttft.value, found.scenario.workload.output_tokens - 1
    each = (value - first) / gaps if gaps > 0 else 0.0
    lines = (
        line(
            "first token + (output tokens - 1) · time of each further token", "{} + {} · {}",
            [seconds(first, value), Term(gaps), seconds(each, each)], lambda a, n, b: a + n * b, duration,
        ),
    )  # fmt: skip
    return _reason("End to end", found, found.e2e, lines, LOAD)


def _throughput(found: Estimate) -> Reason:
    rate, done = found.output_tokens_per_second, found.requests_per_second
    tokens = found.scenario.workload.output_tokens
    lasting = found.latency_per_output_token * tokens
    lines = (
        line(
            "requests of the run · output tokens of each / its duration", "{} · {} / {}",
            [Term(round(done * lasting)), Term(rate / done), Term(lasting, "s")], lambda n, t, s: n * t / s, digits,
        ),
    )  # fmt: skip
    interval = f"{digits(found.throughput_low)}–{digits(found.throughput_high)}"
    return Reason("Tokens/s", digits(rate), lines, found.basis, found.founded_on, interval, LOAD)


def _floor(found: Estimate) -> Reason:
    gpu = found.scenario.deployment.gpu
    terms = [Term(step_weight_bytes(found.scenario), "GB"), Term(gpu.bandwidth, "GB/s")]
    formula = "weights that a step has to read, on one GPU / its bandwidth"
    lines = (line(formula, "{} / {}", terms, lambda a, b: a / b, duration),)
    rests = (found.founded_on[0], ("shapes of the model", found.scenario.model.source.basis))
    return Reason("Bandwidth floor", duration(found.floor), lines, gpu.basis, rests, "", ROOF)


def _cost(found: Estimate) -> Reason:
    cost, rate = found.cost, found.output_tokens_per_second
    if cost is None:
        raise ValueError("an estimate without a price has no cost")
    count = found.scenario.deployment.tensor_parallel
    each = Term(cost.per_hour / count / HOUR, "USD/h")
    lines = (
        line(
            "rent of a GPU · GPUs · 1,000,000 / (tokens/s)", "{} · {} · 1,000,000 / {}",
            [each, Term(count), Term(rate, "1/s")], lambda price, n, speed: price * n * MILLION / speed, dollars,
        ),
    )  # fmt: skip
    ends = (cost.per_million_output_tokens * rate / speed for speed in (found.throughput_high, found.throughput_low))
    rests = ((f"price: {cost.source.text}", cost.source.basis), *found.founded_on)
    interval = "–".join(map(dollars, ends))
    value = dollars(cost.per_million_output_tokens)
    return Reason("USD per million output tokens", value, lines, found.basis, rests, interval, COST)


def _rest(formula: str, part: float, whole: float) -> Line:
    """A whole as one of its parts and the rest, which may be less than nothing: a typical step is longer than some."""
    rest = whole - part
    template, sign = ("{} + {}", 1) if rest >= 0 else ("{} - {}", -1)
    terms = [seconds(part, whole), seconds(abs(rest), whole)]
    return line(formula, template, terms, lambda one, other: one + sign * other, duration)


def _step(name: str, phase: Phase) -> Line:
    time = phase.time
    parts = [float(time.gpu), float(time.launch_gap), float(time.host)]
    return line(
        f"{name}: GPU ({phase.bound.label}-bound) + launch gaps + host", "{} + {} + {}",
        [seconds(part, phase.seconds) for part in parts], lambda a, b, c: a + b + c, duration,
    )  # fmt: skip


def _reason(name: str, found: Estimate, figure: Figure, lines: tuple[Line, ...], section: int) -> Reason:
    return Reason(
        name,
        duration(figure.value),
        lines,
        figure.basis,
        found.founded_on,
        interval_text(figure.low, figure.high),
        section,
    )
