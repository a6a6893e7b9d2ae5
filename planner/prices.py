"""data/prices.yaml -> what a GPU costs to rent and to buy, each price with its date and source. Missing is not zero."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from planner.catalogue import READERS, gpus, read_yaml
from planner.entries import Price, Quote
from planner.errors import BadRow
from planner.gpu import Gpu
from planner.quantities import GRAM, HOUR, KILOWATT_HOUR, Source
from planner.whose import of_own, own

FILE = "prices.yaml"
UNITS: Mapping[str, float] = {
    "on_demand_usd_per_hour": 1 / HOUR,
    "reserved_usd_per_hour": 1 / HOUR,
    "purchase_usd": 1.0,
    "all_in_power_w": 1.0,
}
TERM_UNITS: Mapping[str, float] = {
    "power_usd_per_kwh": 1 / KILOWATT_HOUR,
    "co2_g_per_kwh": GRAM / KILOWATT_HOUR,
    "pue": 1.0,
}
SERVER_POWER = 1.7
"""Power of a GPU and its share of the server over the GPU's board limit, where no source gives it. Assumed: 1.5-2.0 in
ten rows of data/prices.yaml."""


UNKNOWN = Price()


def price(gpu: Gpu) -> Price:
    """What data/prices.yaml knows of a GPU [USD/s], [USD], [W]."""
    return price_book().get(gpu.id, UNKNOWN)


def server_power(gpu: Gpu) -> Quote:
    """Power of a GPU with its share of the server, at full load.

        board limit · 1.7 where no source gives it (assumed)

    gpu : of the catalogue
    returns : [W]
    """
    told = price(gpu).all_in_power
    if told is not None:
        return told
    return Quote(
        SERVER_POWER * gpu.power, Source(f"board limit of {gpu.power:.0f} W times {SERVER_POWER}", checked=False), ""
    )


@of_own(READERS)
def price_book() -> Mapping[str, Price]:
    """Every GPU with a known price, under its id; the reader's own prices stand in for the catalogue's.

    raises : BadRow naming the GPU and the field
    """
    known = _read()
    return MappingProxyType(known | {gpu: _over(known.get(gpu, UNKNOWN), mine) for gpu, mine in own().prices.items()})


@cache
def _read() -> dict[str, Price]:
    table = read_yaml(FILE)
    return {row.get("gpu", "?"): read_price(row, table["sources"]) for row in table["prices"]}


def _over(known: Price, own: Price) -> Price:
    told = {field.name: quote for field in fields(own) if (quote := getattr(own, field.name)) is not None}
    return replace(known, **told)


@cache
def terms_book() -> Mapping[str, Quote]:
    """What holds for every GPU: power price [USD/J], emissions [kg/J], PUE [1]."""
    table = read_yaml(FILE)
    found = {
        name: _quote(f"data/{FILE}, terms", name, row, table["sources"], TERM_UNITS[name])
        for name, row in table["terms"].items()
    }
    return MappingProxyType(found)


def read_price(
    row: Mapping[str, Any], sources: Mapping[str, Any], place: str = f"data/{FILE}", also: Container[str] = ()
) -> Price:
    """One row of data/prices.yaml, its units converted once.

    row : keys as in the file's head comment
    place : where the row is from, for messages
    also : ids of GPUs that are known beside the catalogue's
    sources : name -> date and text, for rows that share one
    raises : BadRow
    """
    where = f'{place}, GPU "{row.get("gpu", "?")}"'
    strange = set(row) - set(UNITS) - {"gpu"}
    gpu = row.get("gpu")
    if (gpu not in gpus() and gpu not in also) or strange:
        raise BadRow(f"{where}: no such GPU in data/gpus.yaml, or no such field: {', '.join(sorted(strange))}.")
    found = {
        name.removesuffix("_usd_per_hour").removesuffix("_usd").removesuffix("_w"): _quote(
            where, name, row[name], sources, unit
        )
        for name, unit in UNITS.items()
        if name in row
    }
    return Price(**found)


def _quote(where: str, name: str, row: Mapping[str, Any], sources: Mapping[str, Any], unit: float) -> Quote:
    told = sources.get(row.get("source", ""), row)
    value, text = row.get("value"), told.get("text")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise BadRow(f"{where}: {name} is {value!r}. It must be a positive number; what is not known is left out.")
    if not text:
        raise BadRow(f"{where}: {name} has no source. Name one, or leave the price out.")
    return Quote(value * unit, Source(str(text)), str(told.get("date", "")), row.get("years"))
