"""How often the physics checks cry wolf: `python -m tools.alarms` runs them over every sound measurement in ../shared.

An alarm is a finding that is a warning or an error. Sound is

- a trace that an importer takes;
- a load test that an importer takes without a note of its own that is a warning or an error, and that is not in KNOWN;
- a row of vllm_serving.csv without a `suspect` note;
- a row of end_to_end.csv that can be predicted from, as tools.end_to_end reads it.

GPU and model are those that the file tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import importers
from planner.checks import Finding, evidence, findings, told_model
from planner.checks.evidence import Evidence, table_evidence
from planner.errors import PlannerError
from planner.measured import Run, Severity
from tools.accuracy_cases import MEASUREMENTS, Row, rows
from tools.end_to_end_names import Refused
from tools.end_to_end_sources import READERS

SHARED = MEASUREMENTS.parent
KNOWN: Mapping[str, str] = {
    "prefix_same_seed_run2": "the second run on one server, whose first request took 40 times as long as the others",
    "max_num_seqs=4-BENCH--max_concurrency=16": "16 requests at once on 4 slots",
    "aiperf/run_c4/profile_export.jsonl": "two warm-up requests for four at once: the first four were slow",
    "guidellm/benchmarks_0.8.1_concurrent.json": "each level begins on a server that is still compiling",
}
"""Load tests with a fault that no note of their importer tells, by a part of their path."""
TABLE = Run("table", "", "rows", "0" * 64)


@dataclass(frozen=True)
class Count:
    """One set of sound measurements, and the findings in it that are alarms."""

    name: str
    measured: int
    alarms: tuple[Finding, ...]

    def text(self) -> str:
        """As one row of the table."""
        return f"{self.name:14} {self.measured:8,} {len(self.alarms):7} {len(self.alarms) / self.measured:9.3%}"


def alarms(looked_at: Evidence) -> tuple[Finding, ...]:
    """Findings of one run that are warnings or errors."""
    return tuple(finding for finding in findings(looked_at) if finding.severity is not Severity.INFO)


def traces() -> Count:
    """Every trace that an importer takes."""
    runs = [run for _, run in imported(SHARED / "traces")]
    return Count("traces", len(runs), tuple(found for run in runs for found in alarms(as_told(run))))


def load_tests() -> Count:
    """Every load test that is sound."""
    runs = [run for path, run in imported(SHARED / "loadtests") if not reason(path, run)]
    return Count("load tests", len(runs), tuple(found for run in runs for found in alarms(as_told(run))))


def serving() -> Count:
    """Rows of vLLM's serving table without a doubt of their own."""
    sound = [row for row in rows(MEASUREMENTS / "vllm_serving.csv") if not row["suspect"]]
    return Count("serving rows", len(sound), alarms(table_evidence(TABLE, sound)))


def end_to_end() -> Count:
    """Rows of other engines and studies, each source a table of its own."""
    sources: dict[str, list[Row]] = defaultdict(list)
    for row in rows(MEASUREMENTS / "end_to_end.csv"):
        try:
            asked = READERS[row["dataset"]](row)
        except (Refused, PlannerError):
            continue
        sources[row["dataset"]].append({**asked.cells, f"measured_{asked.output}": str(asked.measured)})
    found = (alarms(table_evidence(TABLE, _filled(source))) for source in sources.values())
    return Count("studies' rows", sum(map(len, sources.values())), tuple(one for some in found for one in some))


def imported(folder: Path) -> Iterator[tuple[Path, Run]]:
    """Files of a folder that an importer takes."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield path, importers.read(path)
        except PlannerError:
            continue


def as_told(run: Run) -> Evidence:
    """A run with the GPU and model that its file tells."""
    return evidence(run, run.gpu, told_model(run))


def reason(path: Path, run: Run) -> str:
    """Why a load test is not sound; empty if it is."""
    doubts = [note.text for note in run.notes if note.severity is not Severity.INFO]
    doubts += [why for part, why in KNOWN.items() if part in str(path.relative_to(SHARED))]
    return "; ".join(doubts)


def _filled(source: Iterable[Row]) -> list[Row]:
    listed = list(source)
    columns = {name: "" for row in listed for name in row}
    return [{**columns, **row} for row in listed]


def main() -> None:
    """Prints the rates, and each alarm."""
    counts = [traces(), load_tests(), serving(), end_to_end()]
    print(f"{'sound':14} {'measured':>8} {'alarms':>7} {'rate':>9}")
    for count in counts:
        print(count.text())
    for found in (one for count in counts for one in count.alarms):
        print(f"{found.check}: {found.subject}: {found.sentence} {found.cause}")


if __name__ == "__main__":
    main()
