"""Results of AIPerf (profile_export_aiperf.json) and of its predecessor GenAI-Perf (..._genai_perf.json).

| their key                                              | ours                                                 |
| ------------------------------------------------------ | ---------------------------------------------------- |
| metric: {unit, avg, p50, p99, min, max, std, ...}      | points (importers/aiperf_points.py)                  |
| records: {metric: ...} (AIPerf 0.1)                    | the same                                             |
| aiperf_version                                         | tool_version                                         |
| start_time                                             | started                                              |
| input_config: model name, concurrency, request_rate,   | model_name; concurrency, request_rate of each point; |
| endpoint type, streaming; their places in each version | settings endpoint, streaming                         |
| was_cancelled, is_complete                             | a note                                               |
| urls, cli_command, headers, error messages, telemetry  | never kept                                           |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from importers.aiperf_points import DEFINITIONS, Summary
from importers.files import content_hash, head, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys, positive, text_of
from importers.load_points import Conditions
from planner.errors import MalformedFile
from planner.measured import Note, Run, Severity, sorted_notes

name = "AIPerf, GenAI-Perf (JSON)"

OLD = {"records", "input_config"}
FLAT = {"request_throughput", "request_latency"}
NOT_OURS = {"model_id", "num_prompts", "successes", "benchmarks", "timeslices", "metadata", "duration"}
MODELS = ("model_names", "model", "models")
CONCURRENCY = (("loadgen", "concurrency"), ("perf_analyzer", "stimulus", "concurrency"), ("concurrency",))
REQUEST_RATE = (("loadgen", "request_rate"), ("perf_analyzer", "stimulus", "request_rate"), ("request_rate",))


def identify(path: Path) -> bool:
    """Whether the first object holds latencies and throughputs as objects with a unit, or AIPerf 0.1's records."""
    keys = set(head_keys(head(path)))
    return (keys >= FLAT or keys >= OLD or {"aiperf_version", "request_latency"} <= keys) and not keys & NOT_OURS


def read(path: Path) -> Run:
    """The run of one result.

    path : the file
    raises : MalformedFile, TooLarge
    """
    parts = objects(path).parts
    whole = parts[0]
    records = whole.part("records") if "records" in whole.raw else whole
    metrics = {key: found for key in records.raw if (found := records.part(key).small()).keys() >= {"unit", "avg"}}
    if "request_latency" not in metrics or len(parts) > 1:
        raise MalformedFile(
            f"{source_name(path)}: no request_latency with a unit. Keep one result of AIPerf in a file."
        )
    config = whole.part("input_config")
    summary = Summary(metrics, _load(config))
    version = whole.text("aiperf_version")
    ours = version or whole.raw.keys() & {"was_cancelled", "error_summary", "records"}
    return Run(
        tool="AIPerf" if ours else "GenAI-Perf",
        tool_version=version or "unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=whole.text("start_time"),
        model_name=_model(config),
        settings=DEFINITIONS | _settings(config),
        summary=summary.totals(),
        points=tuple(summary.points()),
        notes=sorted_notes([*_notes(whole), *_warm_up(config, summary), *summary.notes()]),
    )


def _load(config: Part) -> Conditions:
    phase = _profiling(config)
    return Conditions(
        concurrency=phase.positive("concurrency") or _at(config, CONCURRENCY),
        request_rate=phase.positive("rate") or phase.positive("request_rate") or _at(config, REQUEST_RATE),
    )


def _profiling(config: Part) -> Part:
    """The phase that was measured: since AIPerf 0.7 the warm-up is a phase of its own."""
    phases = [phase for phase in config.parts("phases") if not phase.value("exclude_from_results")]
    return phases[0] if len(phases) == 1 else Part()


def _at(config: Part, places: tuple[tuple[str, ...], ...]) -> float | None:
    found = (positive(config.part(*keys[:-1]).value(keys[-1])) for keys in places)
    return next((value for value in found if value is not None), None)


def _model(config: Part) -> str | None:
    """The one model of a run; None if there are several."""
    endpoint = config.part("endpoint")
    told: list[Any] = [place.value(key) for place in (endpoint, config) for key in MODELS]
    told.append([item.text("name") for item in config.part("models").parts("items")])
    names = {text_of(name) for value in told for name in (value if isinstance(value, list) else [value])} - {None}
    return names.pop() if len(names) == 1 else None


def _settings(config: Part) -> dict[str, str | float]:
    endpoint = config.part("endpoint")
    found: Mapping[str, Any] = {"endpoint": endpoint.text("type"), "streaming": endpoint.value("streaming")}
    return {key: str(value).lower() for key, value in found.items() if value is not None}


def _warm_up(config: Part, summary: Summary) -> Iterator[Note]:
    """Each phase has a file of its own, with nothing in it that says which: only the number of requests tells."""
    sent, planned = summary.mean("request_count"), _profiling(config).positive("requests")
    others = [phase.positive("requests") for phase in config.parts("phases") if phase.value("exclude_from_results")]
    if sent != planned and sent in others:
        yield Note(Severity.WARNING, f"{sent:.0f} requests: these are the warm-up's, not the measured phase's.")


def _notes(whole: Part) -> Iterator[Note]:
    if whole.value("was_cancelled") is True or whole.value("is_complete") is False:
        yield Note(Severity.WARNING, "The run was cancelled before its end.")
    if whole.raw.keys() & {"input_config", "run_info"}:
        yield Note(Severity.INFO, "Left out for privacy: the command line, addresses and error messages.")
