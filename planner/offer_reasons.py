"""Why the buyer's figures are what they are: replicas, what they cost in a month and for a token, what they draw."""

from __future__ import annotations

import math

from planner.arithmetic import Line, Term, line
from planner.demand import Demand
from planner.option import Option
from planner.quantities import HOUR, KILO, KILOWATT_HOUR, MILLION, MONTH, YEAR
from planner.reasons import Reason
from planner.words import digits, dollars

BUYING = 16
"""Section of docs/model.md."""


def offer_reasons(of: Option, asked: Demand) -> dict[str, Reason]:
    """Why each main figure of an option is what it is.

    of : the option
    asked : the demand that it answers [1/s]
    returns : "replicas", "month", "output", "energy" -> reason; those that the option has
    """
    said = {"replicas": _replicas(of, asked), "energy": _energy(of)}
    if of.bill.per_second is not None:
        said["month"] = _month(of, of.bill.per_second)
    if of.output_price is not None and of.prompt_price is not None:
        said["output"] = _output(of, asked, of.output_price, of.prompt_price)
    return said


def _replicas(of: Option, asked: Demand) -> Reason:
    need = of.needed
    ends = f"{need.low:.0f}–{need.high:.0f}" if math.isfinite(need.high) else f"{need.low:.0f} or more"
    spare = of.replicas - round(need.value)
    lines: tuple[Line, ...] = (
        line(
            "replicas needed in the busiest hour + spares", "{} + {}", [Term(need.value), Term(spare)],
            lambda a, b: a + b, "{:.0f}".format,
        ),
    )  # fmt: skip
    if of.pooled is None:
        peak, able, free = asked.traffic.peak, of.probed.rate, asked.slo.headroom
        lines = (
            *lines,
            line(
                "needed: busiest hour's requests / (capacity of a replica · (1 - headroom)), rounded up",
                "{} / ({} · (1 - {}))", [Term(peak, "1/s"), Term(able, "1/s"), Term(free)],
                lambda a, b, c: a / (b * (1 - c)), digits,
            ),
        )  # fmt: skip
    return _reason("Replicas", f"{of.replicas}", lines, of, ends)


def _month(of: Option, per_second: float) -> Reason:
    month = of.per_month
    ends = ""
    if month is not None and month.low < month.high < math.inf:
        ends = f"{dollars(month.low)}–{dollars(month.high)}"
    lines = (
        line(
            f"GPUs · cost of each ({'; '.join(of.bill.sources)}) · hours of a month", "{} · {} · {}",
            [Term(of.gpus), Term(per_second / of.gpus, "USD/h"), Term(MONTH, "h")], lambda n, c, t: n * c * t, dollars,
        ),
    )  # fmt: skip
    return _reason("USD a month", dollars(per_second * MONTH), lines, of, ends)


def _output(of: Option, asked: Demand, price: float, prompt_price: float) -> Reason:
    """What both kinds of tokens pay together is the whole bill; the rest after prompts is the output's."""
    traffic, bill = asked.traffic, of.bill.per_second or 0.0
    prompts, outputs = traffic.mean_rate * traffic.prompt_tokens, traffic.mean_rate * traffic.output_tokens
    share = price * outputs / (price * outputs + prompt_price * prompts)
    lines = (
        line(
            "cost of the whole · share of the GPUs' time for output · 1,000,000 / output tokens a second, day's mean",
            "{} · {} · 1,000,000 / {}", [Term(bill, "USD/h"), Term(share), Term(outputs, "1/s")],
            lambda c, s, t: c * s * MILLION / t, dollars,
        ),
    )  # fmt: skip
    return _reason("USD per million output tokens", dollars(price), lines, of, "")


def _energy(of: Option) -> Reason:
    lines = (
        line(
            "mean power of servers and site in kW · hours of a year / 1,000", "{} · {} / 1,000",
            [Term(of.bill.power / KILO), Term(YEAR / HOUR)], lambda p, t: p * t / KILO, digits,
        ),
    )  # fmt: skip
    value = digits(of.bill.power * YEAR / KILOWATT_HOUR / KILO)
    return _reason("MWh a year", value, lines, of, "")


def _reason(name: str, value: str, lines: tuple[Line, ...], of: Option, interval: str) -> Reason:
    return Reason(name, value, lines, of.basis, of.founded_on, interval, BUYING)
