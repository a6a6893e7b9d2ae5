"""What a deployment costs: rented on demand, reserved, or bought; for a token, a month and a year; energy and CO2.

A bill with a missing price has no total: the page says which price is missing and asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planner.entries import Price
from planner.errors import InvalidWorkload
from planner.gpu import Gpu
from planner.prices import price, server_power, terms_book
from planner.quantities import MILLION, MONTH, YEAR
from planner.traffic import Traffic

PLANS = ("on_demand", "reserved", "buy")
IDLE_SHARE = 0.3
"""Power of an idle server over that of a full one. Assumed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a deployment is paid for; None takes data/prices.yaml, and is missing where that has nothing.

    plan : one of PLANS
    prices : GPU's id -> prices typed in, which win over the catalogue's [USD/s], [USD]
    years : over which a purchase is written off [year]
    utilisation : mean load over capacity, for the power drawn; None: from the traffic [1]
    power_price : [USD/J]
    pue : power of the whole site over that of its servers [1]
    hosting : place in a rack, for each watt at full load [USD/(W s)]
    co2 : [kg/J]
    api_prompt, api_output : what somebody else asks for a token, to compare with [USD]
    """

    plan: str = PLANS[0]
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)
    years: float = 4.0
    utilisation: float | None = None
    power_price: float | None = None
    pue: float | None = None
    hosting: float | None = None
    co2: float | None = None
    api_prompt: float | None = None
    api_output: float | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a deployment costs and draws, on the mean of a day.

    per_second : of the whole deployment; None: a price is missing [USD/s]
    missing : names of the prices that nobody told
    upfront : paid at the start of a purchase [USD]
    power : mean, servers and site [W]
    co2 : [kg/s]
    sources : of each price that went in
    """

    per_second: float | None
    missing: tuple[str, ...]
    upfront: float
    power: float
    co2: float
    sources: tuple[str, ...]

    @property
    def per_month(self) -> float | None:
        """Of 730 hours [USD]."""
        return None if self.per_second is None else self.per_second * MONTH

    @property
    def per_year(self) -> float | None:
        """Of 8,760 hours [USD]."""
        return None if self.per_second is None else self.per_second * YEAR


def check_terms(terms: Terms) -> None:
    """Refuses terms that no contract has.

    raises : InvalidWorkload naming the field
    """
    if terms.plan not in PLANS:
        raise InvalidWorkload(f'"{terms.plan[:30]}" is no way to pay: choose one of {", ".join(PLANS)}.')
    ranges = {
        "years": (terms.years, 0.1, 20),
        "utilisation": (terms.utilisation, 0, 1),
        "power_price": (terms.power_price, 0, 1),
        "pue": (terms.pue, 1, 10),
        "hosting": (terms.hosting, 0, 1),
        "co2": (terms.co2, 0, 1),
        "api_prompt": (terms.api_prompt, 0, 1),
        "api_output": (terms.api_output, 0, 1),
    }
    for name, (value, low, high) in ranges.items():
        if value is not None and not low <= value <= high:
            raise InvalidWorkload(f"{name} is {value:g}: it must be between {low:g} and {high:g}.")


def known_price(gpu: Gpu, terms: Terms) -> Price:
    """What one GPU costs: typed in, else the catalogue's [USD/s], [USD]."""
    typed, told = terms.prices.get(gpu.id, Price()), price(gpu)
    return Price(typed.on_demand or told.on_demand, typed.reserved or told.reserved, typed.purchase or told.purchase)


def bill(gpu: Gpu, count: int, load: float, terms: Terms) -> Bill:
    """What `count` GPUs cost and draw.

        rent : price · GPUs
        buy  : GPUs · (purchase / years + power · power price + hosting · full power)
        power = GPUs · full power · (idle + (1 - idle) · load) · PUE

    gpu : which
    count : of the whole deployment [1]
    load : mean over capacity, unless the terms say another [1]
    terms : how it is paid
    returns : [USD/s], [W], [kg/s]
    """
    used = min(1.0, load if terms.utilisation is None else terms.utilisation)
    full = server_power(gpu)
    site = terms.pue if terms.pue is not None else terms_book()["pue"].value
    power = count * full.value * (IDLE_SHARE + (1 - IDLE_SHARE) * used) * site
    emitted = terms.co2 if terms.co2 is not None else terms_book()["co2_g_per_kwh"].value
    upfront, parts = PAID[terms.plan](gpu, count, power, terms)
    missing = tuple(name for name, (value, _) in parts.items() if value is None)
    total = None if missing else sum(value for value, _ in parts.values() if value is not None)
    return Bill(total, missing, upfront, power, power * emitted, tuple(told for _, told in parts.values() if told))


Parts = dict[str, tuple[float | None, str]]


def _rented(gpu: Gpu, count: int, power: float, terms: Terms) -> tuple[float, Parts]:
    del power
    quote = getattr(known_price(gpu, terms), terms.plan)
    name = f"{'reserved' if terms.plan == 'reserved' else 'on-demand'} rent of {gpu.label}"
    return 0.0, {name: (quote.value * count, quote.told) if quote else (None, "")}


def _bought(gpu: Gpu, count: int, power: float, terms: Terms) -> tuple[float, Parts]:
    quote, full = known_price(gpu, terms).purchase, server_power(gpu)
    current = terms_book()["power_usd_per_kwh"]
    energy = (power * terms.power_price, "power price as typed") if terms.power_price is not None else (
        power * current.value, current.told
    )  # fmt: skip
    hosting = None if terms.hosting is None else terms.hosting * full.value * count
    upfront = quote.value * count if quote else 0.0
    return upfront, {
        f"purchase price of {gpu.label}": (upfront / (terms.years * YEAR), quote.told) if quote else (None, ""),
        "power": energy,
        "hosting": (hosting, "hosting as typed" if terms.hosting is not None else ""),
    }


PAID: Mapping[str, Callable[[Gpu, int, float, Terms], tuple[float, Parts]]] = {
    "on_demand": _rented,
    "reserved": _rented,
    "buy": _bought,
}


def per_million_tokens(per_second: float, asked: Traffic, prompt_share: float) -> tuple[float, float]:
    """What a million prompt tokens and a million output tokens cost, at the mean of a day.

        USD = cost · (share of the GPUs' time spent on these tokens) · 1e6 / (mean rate · tokens of a request)

    per_second : of the deployment [USD/s]
    asked : its mean rate and lengths [1/s], [tokens]
    prompt_share : of the GPUs' time, spent on prompts [1]
    returns : of prompt tokens, of output tokens; both together pay the whole bill [USD]

    >>> per_million_tokens(1.0, Traffic(2.0, 100, 50), 0.25)
    (1250.0, 7500.0)
    """
    prompts, outputs = asked.mean_rate * asked.prompt_tokens, asked.mean_rate * asked.output_tokens
    return per_second * prompt_share * MILLION / prompts, per_second * (1 - prompt_share) * MILLION / outputs


def payback(upfront: float, running: float, rent: float) -> float | None:
    """When a purchase has cost less than renting would have.

        time = upfront / (rent - running)

    upfront : price of the GPUs [USD]
    running : power and hosting of the bought ones [USD/s]
    rent : of the rented ones [USD/s]
    returns : [s]; None: never, since running them costs as much as renting

    >>> payback(1000.0, 1.0, 3.0)
    500.0
    """
    return upfront / (rent - running) if rent > running else None


def api_break_even(per_second: float, asked: Traffic, prompt_price: float, output_price: float) -> float | None:
    """Mean request rate from which the deployment is cheaper than an API that charges by the token.

        rate = cost / (prompt_tokens · prompt price + output_tokens · output price)

    per_second : of the deployment [USD/s]
    asked : lengths of a request [tokens]
    prompt_price, output_price : of the API [USD/token]
    returns : [1/s]; None: an API that charges nothing is never dearer

    >>> api_break_even(0.01, Traffic(2.0, 1000, 500), 1e-6, 2e-6)
    5.0
    """
    each = asked.prompt_tokens * prompt_price + asked.output_tokens * output_price
    return per_second / each if each > 0 else None
