"""What can be taken along of runs: a chart of what was measured, with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charts import roofline
from planner.marks import Mark
from planner.measured import Run
from planner.scenario import Scenario
from report.images import Drawing, Rows
from report.origin import Origin, unmarked
from report.planned import mark_rows
from report.tables import Row, Tables


@dataclass(frozen=True, slots=True)
class Measured:
    """What runs say, on its way out.

    said : the sentence of the page, as Markdown
    runs : whose measurements are shown
    link : path and query of the page
    beside : what a prediction that stands beside them was asked
    """

    said: str
    runs: Sequence[Run]
    link: str
    beside: str = ""

    def taken(
        self, spec: Mapping[str, Any], data: Rows, name: str, rows: Sequence[Row], said: str = ""
    ) -> tuple[Drawing, Tables]:
        """A chart and its table.

        spec, data : of the chart
        name, rows : of the table
        said : of this chart, instead of the page's sentence
        """
        origin = self._origin(said or self.said)
        inputs = {f"run_{place}": run.id for place, run in enumerate(self.runs, start=1)}
        return Drawing(spec, data, origin), Tables({name: rows}, origin, inputs)

    def roof(
        self, said: str, scenario: Scenario, predicted: Sequence[Mark], measured: Sequence[Mark]
    ) -> tuple[Drawing, Tables]:
        """Measured marks on the roof beside predicted ones.

        said : of the chart, as Markdown
        """
        gpu, used = scenario.deployment.gpu, scenario.quantization.matmul
        data = roofline.datasets(gpu, used, predicted, measured, measured_alone=True)
        rows = [*mark_rows("predicted", predicted), *mark_rows("measured", measured)]
        return self.taken(roofline.roofline_spec("light"), data, "Marks", rows, said)

    def _origin(self, said: str) -> Origin:
        named = [f"{run.source_name} ({run.tool} {run.tool_version}, run {run.id})" for run in self.runs]
        question = "What was measured in " + " and ".join(named)
        beside = f"; beside it Headroom's prediction for {self.beside}" if self.beside else ""
        dates = sorted({run.started[:10] for run in self.runs if run.started})
        when = f" on {' and '.join(dates)}" if dates else ""
        return Origin(unmarked(said), question + beside, f"measured{when}, imported by Headroom", self.link)
