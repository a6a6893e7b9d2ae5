"""What can be taken along from Buy: each chart, with every option, what is none, and the question's every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.asking import DEFAULTS
from planner.demand import Demand
from planner.offer import refusal_row, row, sentence
from planner.option import Option, Refusal
from report.images import Drawing, Rows
from report.origin import Origin, unmarked
from report.tables import Tables


@dataclass(frozen=True, slots=True)
class BuyFiles:
    """One search on its way out.

    options, refusals : all that were found, the best first
    asked : the demand
    values : its columns
    link : path and query of the question
    """

    options: Sequence[Option]
    refusals: Sequence[Refusal]
    asked: Demand
    values: Mapping[str, str]
    link: str

    def tables(self) -> tuple[None, Tables]:
        """Every option, and what is none."""
        return None, self._tables(self._origin(""))

    def taken(self, said: str, spec: Mapping[str, Any], rows: Rows) -> tuple[Drawing, Tables]:
        """A chart of the options, and all of them as tables.

        said : of the chart, as Markdown
        spec, rows : of the chart
        """
        origin = self._origin(unmarked(said))
        return Drawing(spec, rows, origin), self._tables(origin)

    def _tables(self, origin: Origin) -> Tables:
        options, no = [row(one) for one in self.options], [refusal_row(one) for one in self.refusals]
        return Tables({"Options": options, "Not options": no}, origin, {**DEFAULTS, **self.values})

    def _origin(self, said: str) -> Origin:
        best = self.options[0]
        sources = [f"Headroom's planner, a prediction, basis {best.basis.label}"]
        sources += [f"prices: {'; '.join(best.bill.sources)}"] if best.bill.sources else []
        question = ", ".join(f"{name} {value}" for name, value in self.values.items() if value)
        answer = sentence(best, self.asked.slo.promises)
        return Origin(f"{answer} {said}".strip(), question, "; ".join(sources), self.link)
