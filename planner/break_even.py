"""Is it worth it: an option rented, reserved and bought, and against an API that charges by the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from planner.catalogue import gpus
from planner.demand import Demand
from planner.money import PLANS, Bill, api_break_even, bill, payback
from planner.option import Option
from planner.quantities import MONTH, YEAR


@dataclass(frozen=True, slots=True)
class Ways:
    """The same GPUs paid for in every way.

    bills : under each of money.PLANS; a missing price has no total
    payback : of buying against each way to rent; None: never, or a price is missing [s]
    """

    bills: Mapping[str, Bill]
    payback: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class AgainstApi:
    """An option against an API.

    per_month : what the API asks for the same tokens [USD]
    rate : mean of a day from which the option is cheaper; None: never [1/s]
    carried : whether the option can carry that rate's busiest hour
    """

    per_month: float
    rate: float | None
    carried: bool


def ways(asked: Demand, of: Option) -> Ways:
    """An option's GPUs under every way to pay.

        payback = upfront / (rent - running),  running = cost of owning - upfront / years

    asked : the demand, for its terms and load
    of : the option
    returns : [USD/s], [s]
    """
    gpu = gpus()[of.candidate.gpu]
    used = asked.traffic.mean_rate / (of.needed.value * of.capacity.value)
    bills = {plan: bill(gpu, of.gpus, used, replace(asked.terms, plan=plan)) for plan in PLANS}
    owned = bills["buy"]
    times: dict[str, float | None] = {}
    for plan, rented in bills.items():
        if plan == "buy" or owned.per_second is None or rented.per_second is None:
            times[plan] = None
            continue
        running = owned.per_second - owned.upfront / (asked.terms.years * YEAR)
        times[plan] = payback(owned.upfront, running, rented.per_second)
    return Ways(bills, times)


def against_api(asked: Demand, of: Option) -> AgainstApi | None:
    """An option against the API prices of the demand's terms.

    asked : the demand, for its traffic and the API's prices [USD]
    of : the option
    returns : None where no API price is typed in, or the option has no price
    """
    terms = asked.terms
    if (terms.api_prompt is None and terms.api_output is None) or of.bill.per_second is None:
        return None
    prompt, output = terms.api_prompt or 0.0, terms.api_output or 0.0
    traffic = asked.traffic
    each = traffic.prompt_tokens * prompt + traffic.output_tokens * output
    rate = api_break_even(of.bill.per_second, traffic, prompt, output)
    most = of.needed.value * of.capacity.value * (1 - asked.slo.headroom)
    carried = rate is not None and rate / traffic.load_factor <= most
    return AgainstApi(traffic.mean_rate * each * MONTH, rate, carried)
