"""What can be taken along from Buy: each chart, with every option, what is none, and the question's every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charts import pareto
from planner.asking import DEFAULTS
from planner.demand import Demand
from planner.offer import USUAL, between, deployment, refusal_row, row, sentence
from planner.option import Option, Refusal
from planner.ranking import best_of_each
from planner.slo import NAMES
from planner.words import dollars, duration
from report.images import Drawing, Rows
from report.origin import Origin, unmarked
from report.scenes import MOST_FIGURES, Scene, Told
from report.slides import slides
from report.tables import Tables
from words.text import plain

NEXT = 6
"""Options that the notes of a slide name, the best one among them."""


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

    def slide(self) -> bytes:
        """The answer on a slide: the sentence, its figures, cost against throughput, in the notes what comes next.

        raises : NotDrawn
        """
        best, origin = self.options[0], self._origin("")
        rows = pareto.throughput_rows(self.options)
        answer = sentence(best, self.asked.slo.promises)
        after = [f"{deployment(one)}: {month_text(one)} a month" for one in best_of_each(self.options)[1:NEXT]]
        spoken = "\n".join([*best.caveats, *(f"Dearer: {one}" for one in after)])
        one = Scene(
            "What to buy", plain(answer), self._figures(best), "cost", rows, pareto.described(rows["options"]), origin,
            spoken, f"{origin.question}\n{origin.source}\n",
        )  # fmt: skip
        return slides([one], "What to buy")

    def _figures(self, best: Option) -> tuple[Told, ...]:
        keys = [promise.key for promise in self.asked.slo.promises] or USUAL
        named = [(f"p{100 * key[1]:.0f} {NAMES[key[0]]}", best.figures[key]) for key in keys if key in best.figures]
        times = [(label, duration(found.value), between(found)) for label, found in named]
        gpu = best.scenario.deployment.gpu.label
        return (("A month", month_text(best), ""), ("GPUs", f"{best.gpus}", gpu), *times)[:MOST_FIGURES]

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


def month_text(one: Option) -> str:
    """What an option costs a month."""
    return dollars(one.per_month.value) if one.per_month else "no price"
