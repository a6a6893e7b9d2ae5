"""What the catalogue, or a reader, enters: a model's row as it is written, and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.quantities import Source


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the catalogue, another of the same shapes, or a quantized copy.

    base : the name of the row whose shapes it has; its own for a model
    fields : of the row, as in data/models/README.md
    file : that it stands in, for messages
    is_copy : a quantized copy, which names no other storage of the model
    """

    name: str
    base: str
    fields: Mapping[str, Any]
    file: str
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """One price or figure, with where it is from.

    value : rent [USD/s]; purchase [USD]; power [W]; power price [USD/J]; emissions [kg/J]; PUE [1]
    date : when it was asked, as far as the source tells
    years : term of a reservation [year]
    """

    value: float
    source: Source
    date: str
    years: float | None = None

    @property
    def told(self) -> str:
        """Source and date as one text."""
        return f"{self.source.text} ({self.date})" if self.date else self.source.text


@dataclass(frozen=True, slots=True)
class Price:
    """What one GPU costs; None: nobody told, and nobody guesses.

    on_demand, reserved : rent, server included [USD/s]
    purchase : with its share of a server [USD]
    all_in_power : with its share of the server, at full load [W]
    """

    on_demand: Quote | None = None
    reserved: Quote | None = None
    purchase: Quote | None = None
    all_in_power: Quote | None = None
