"""Files of one tool that tell of one run together, when they come in one folder or archive.

| tool           | together                                       | told by                                     |
| -------------- | ---------------------------------------------- | ------------------------------------------- |
| vllm sweep     | combinations of one sweep with the same server | summary.json; run=N.json and the CSV repeat |
| inference-perf | stages, summary and requests of one name       | stages; else the summary; else the requests |
| AIPerf         | files of one name but for its end              | JSON; else CSV; requests from the JSONL     |
| GuideLLM       | files of one name                              | JSON; the CSV repeats                       |
| LLMPerf        | files of one name but for its end              | summary; requests from the other            |
| Locust         | files of one name but for its end              | statistics; users from the history          |
| varcas         | a folder with one load test                    | load test and static analysis               |

The content tells what a file is; its name tells only which others belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from importers import (
    aiperf,
    aiperf_csv,
    aiperf_records,
    guidellm,
    guidellm_csv,
    inference_perf,
    inference_perf_requests,
    llmperf,
    locust,
    varcas,
    vllm_bench,
    vllm_sweep,
)
from importers.merging import Told, alike, completed, without_values
from importers.vllm_sweep import OF_A_POINT
from planner.measured import Run

Together = tuple[Told, ...]
Runs = Iterator[tuple[Run, Together]]
"""A run, and the files that told it."""


@dataclass(frozen=True, slots=True)
class Family:
    """Importers whose files may belong together.

    members : their names
    key : of a file's path: files with the same key may belong together; None: it stands alone
    runs : what such files are together
    """

    members: tuple[str, ...]
    key: Callable[[PurePosixPath], str | None]
    runs: Callable[[Together], Runs]


def family_of(importer: str) -> Family | None:
    """The family of an importer; None where every file stands alone."""
    return next((family for family in FAMILIES if importer in family.members), None)


def folder_of(path: PurePosixPath) -> str:
    """The folder that must come whole, so that files of one run are not torn apart.

    path : of a file that may be one of several
    """
    return _sweep_folder(path) or _folder(path) if path.suffix != ".csv" else _folder(path)


def _in_order(*importers: str) -> Callable[[Together], Runs]:
    """All are one run: the first importer's file tells most, and a summary more than its requests."""

    def runs(told: Together) -> Runs:
        first, *others = sorted(told, key=lambda one: (importers.index(one.importer), *_tells(one.run), one.name))
        yield completed(first.run, others), told

    return runs


def _tells(run: Run) -> tuple[bool, bool]:
    """Low for what sums up, high for what only lists."""
    return not run.points, bool(run.tables)


def _stages(told: Together) -> Runs:
    """Stages, each with its rate. The summary mixes them; the requests do not tell theirs."""
    stages = sorted((one for one in told if "request_rate" in one.run.settings), key=lambda one: _numbers(one.name))
    if not stages:
        yield from _in_order(inference_perf.name, inference_perf_requests.name)(told)
        return
    requests = [one for one in told if one.importer == inference_perf_requests.name]
    whole = [one for one in told if one not in stages and one not in requests]
    run = completed(alike(stages), [replace(one, run=replace(one.run, points=())) for one in requests])
    for one in whole:
        extra = replace(one, run=replace(one.run, points=(), notes=()))
        run = replace(completed(run, [extra]), summary={**run.summary, **one.run.summary})
    yield run, told


def _sweep(told: Together) -> Runs:
    """Combinations by the settings of their server; a run or a CSV whose points stand in a summary adds nothing."""
    summaries = [one for one in told if one.importer == vllm_sweep.name and one.name.endswith(".json")]
    known = {point for one in summaries for point in one.run.points}
    fresh = [one for one in told if one in summaries or not known.issuperset(one.run.points)]
    groups: dict[tuple[tuple[str, str | float], ...], list[Told]] = {}
    for one in sorted(fresh, key=lambda one: _numbers(one.name)):
        server = sorted((key, value) for key, value in one.run.settings.items() if key not in NOT_OF_THE_SERVER)
        groups.setdefault(tuple(server), []).append(one)
    left = [one for one in told if one not in fresh]
    for group in groups.values():
        folders = {PurePosixPath(one.name).parent for one in group}
        again = [one for one in left if one.name.endswith(".csv") or PurePosixPath(one.name).parent in folders]
        left = [one for one in left if one not in again]
        yield completed(alike(group), [without_values(one) for one in again]), (*group, *again)


def _locust(told: Together) -> Runs:
    """Statistics, with the number of users that the history shows."""
    for run, files in _in_order(locust.name)(told):
        users = locust.concurrency(run)
        yield replace(run, points=tuple(replace(point, concurrency=users) for point in run.points)), files


def _one_test(told: Together) -> Runs:
    """A load test with its static analysis, where the folder holds one test; a dynamic analysis repeats it."""
    static = [one for one in told if _is_static(one.run)]
    tests = [one for one in told if one not in static]
    if len({one.run.points for one in tests}) == 1:
        yield completed(tests[0].run, [*map(without_values, tests[1:]), *static]), told
    else:
        yield from ((one.run, (one,)) for one in told)


def _is_static(run: Run) -> bool:
    return all(point.metric.endswith("_arithmetic_intensity") for point in run.points)


def _numbers(name: str) -> list[tuple[int, str]]:
    """A name in the order of its numbers: stage_2 before stage_10."""
    return [(int(text), "") if text.isdecimal() else (0, text) for text in re.split(r"(\d{1,18})", name)]


def _folder(path: PurePosixPath) -> str:
    return str(path.parent)


def _before(ending: str) -> Callable[[PurePosixPath], str]:
    """The path without the end of its name that tells the tool's files apart."""
    pattern = re.compile(rf"({ending})$")
    return lambda path: str(path.parent / pattern.sub("", path.stem))


def _sweep_folder(path: PurePosixPath) -> str | None:
    """The folder of the sweep: summary.csv lies in it, the others one deeper."""
    if path.suffix == ".csv":
        return str(path.parent)
    return str(path.parent.parent) if path.name == "summary.json" or path.name.startswith("run=") else None


NOT_OF_THE_SERVER = {*OF_A_POINT, "effective_concurrency"}
_AIPERF = (aiperf.name, aiperf_csv.name, aiperf_records.name)
_GUIDELLM = (guidellm.name, guidellm_csv.name)
_INFERENCE_PERF = (inference_perf.name, inference_perf_requests.name)
FAMILIES: tuple[Family, ...] = (
    Family((vllm_sweep.name, vllm_bench.name), _sweep_folder, _sweep),
    Family(_INFERENCE_PERF, _before(r"(stage_\d+|summary|per_request)_lifecycle_metrics"), _stages),
    Family(_AIPERF, _before("_aiperf|_genai_perf"), _in_order(*_AIPERF)),
    Family(_GUIDELLM, _before(""), _in_order(*_GUIDELLM)),
    Family((llmperf.name,), _before("_summary|_individual_responses"), _in_order(llmperf.name)),
    Family((locust.name,), _before("_stats_history|_stats|_failures|_exceptions"), _locust),
    Family((varcas.name,), _folder, _one_test),
)
