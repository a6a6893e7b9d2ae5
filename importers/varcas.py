"""Files of the varcas framework: load_test_results.json, static_analysis.json, dynamic_analysis.json.

| their key                                                    | ours                                              |
| ------------------------------------------------------------ | ------------------------------------------------- |
| metrics.{ttft,tpot,latency}_{p50,p99}_ms                     | ttft, tpot, e2e: median, p99                      |
| metrics.throughput_rps: sent without error / time of sending | sending_request_throughput, total                 |
| metrics.throughput_tok_s: their tokens / time of sending     | sending_output_throughput, total                  |
| config.target_rps (open loop), config.concurrency (closed)   | request_rate, concurrency of each point           |
| records: timestamp_sent, _first_token, _last_token, tokens   | table `requests`; prompt_tokens, output_tokens    |
| records: no last token and no error                          | unfinished: varcas counts them as successful      |
| start_time; profile_name, config.arrival_process             | started; settings profile, arrival_process        |
| static: {prefill,decode}_results[].arithmetic_intensity      | {prefill,decode}_arithmetic_intensity: calculated |
| static: batch_size, seq_len, context_len                     | concurrency, prompt_tokens of each point          |
| static: gpu.name, model.name, model.quantization             | gpu_names, model_name, settings quantization      |
| dynamic: load_test_results                                   | as load_test_results.json                         |
| dynamic: config.gpu, .model, .quantization                   | gpu_names, model_name, settings quantization      |
| dynamic: kernel_analysis                                     | left out: import the trace of Nsight Compute      |
| prompt_text, output_text, error                              | never kept; a class of each error                 |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from importers.failures import failure_counts
from importers.files import content_hash, head, model_name, source_name
from importers.gpus import catalogue_id
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from importers.requests_table import Requests, Row, of_rows, tables
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes
from planner.quantities import MILLISECOND

name = "varcas (JSON)"

LOAD = {"experiment_id", "profile_name", "config"}
ANALYSIS = {"analysis_type", "timestamp"}
METRICS = {"ttft": "ttft", "tpot": "tpot", "latency": "e2e"}
RATES = {"throughput_rps": "sending_request_throughput", "throughput_tok_s": "sending_output_throughput"}
LENGTHS = {"prefill": "seq_len", "decode": "context_len"}
DEFINITIONS: dict[str, str | float] = {
    "tpot_definition": "(last token - first token) / (output tokens - 1), a value for each finished request",
    "throughput_definition": "sent without error, over the time from the first to the last request sent",
}
CALCULATED = Note(
    Severity.WARNING, "A static analysis is calculated from the model's shape: nothing in it was measured."
)


def identify(path: Path) -> bool:
    """Whether the first object is an experiment of the load harness, or a roofline analysis."""
    start = head(path)
    keys = set(head_keys(start))
    return keys >= LOAD or (keys >= ANALYSIS and (b'"static_roofline"' in start or b'"dynamic_' in start))


def read(path: Path) -> Run:
    """The run of one file.

    path : the file
    raises : MalformedFile, TooLarge
    """
    parts = objects(path).parts
    whole = parts[0]
    if len(parts) > 1:
        raise MalformedFile(f"{source_name(path)}: several objects. Keep one result of varcas in a file.")
    if "analysis_type" not in whole.raw:
        return _load_test(path, whole)
    if whole.text("analysis_type") == "static_roofline":
        return _static(path, whole)
    tested = whole.part("load_test_results")
    if "metrics" not in tested.raw:
        raise MalformedFile(f"{source_name(path)}: no load test in the dynamic analysis. Import the trace instead.")
    return _of_scenario(_load_test(path, tested), whole.part("config"))


def _load_test(path: Path, test: Part) -> Run:
    requests = of_rows(map(_row, test.parts("records")))
    points = tuple(_points(test, requests))
    if not points:
        raise MalformedFile(f"{source_name(path)}: no value above 0 in varcas' metrics.")
    return Run(
        tool="varcas",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=test.text("start_time"),
        settings=DEFINITIONS | _settings(test),
        summary=_summary(test, requests),
        points=points,
        notes=sorted_notes(_notes(test, requests)),
        tables=tables([requests]),
    )


def _points(test: Part, requests: Requests | None) -> Iterator[MeasuredPoint]:
    config, metrics = test.part("config"), test.part("metrics")
    opened = config.value("open_loop") is not False
    where = Conditions(
        concurrency=None if opened else config.positive("concurrency"),
        request_rate=config.positive("target_rps") if opened else None,
        prompt_tokens=_mean(requests, "prompt_tokens"),
        output_tokens=_mean(requests, "output_tokens"),
    )
    for theirs, ours in METRICS.items():
        found = {key: metrics.number(f"{theirs}_{key}_ms") for key in ("p50", "p99")}
        yield from where.points(ours, found, MILLISECOND)
    for theirs, ours in RATES.items():
        value = metrics.positive(theirs)
        if value is not None:
            yield where.point(ours, "total", value)


def _row(record: Part) -> Row:
    sent, first, last = (record.positive(f"timestamp_{key}") for key in ("sent", "first_token", "last_token"))
    error = record.value("error")
    return Row(
        sent_s=sent,
        ttft_s=first - sent if first and sent else None,
        e2e_s=last - sent if last and sent else None,
        prompt_tokens=record.number("input_tokens"),
        output_tokens=record.positive("output_tokens"),
        succeeded=error is None and last is not None,
        error="cancelled" if error is None and last is None else (None if error is None else str(error) or "?"),
    )


def _static(path: Path, analysis: Part) -> Run:
    points = tuple(
        Conditions(
            concurrency=result.positive("batch_size"), prompt_tokens=result.positive(length), output_tokens=1.0
        ).point(f"{phase}_arithmetic_intensity", "mean", value)
        for phase, length in LENGTHS.items()
        for result in analysis.parts(f"{phase}_results")
        if (value := result.positive("arithmetic_intensity")) is not None
    )
    if not points:
        raise MalformedFile(f"{source_name(path)}: no arithmetic intensity in the static analysis.")
    run = Run(
        tool="varcas",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=analysis.text("timestamp"),
        settings={"mode": "batch"},
        points=points,
        notes=(CALCULATED,),
    )
    model, gpu = analysis.part("model"), analysis.part("gpu")
    return _named(run, gpu.text("name"), model.text("name"), model.text("quantization"))


def _of_scenario(run: Run, config: Part) -> Run:
    return _named(run, config.text("gpu"), config.text("model"), config.text("quantization"))


def _named(run: Run, gpu: str | None, model: str | None, quantization: str | None) -> Run:
    names = (gpu,) if gpu else ()
    return replace(
        run,
        gpu_names=names,
        gpu=catalogue_id(names),
        model_name=model_name(model),
        settings={**run.settings, **({"quantization": quantization} if quantization else {})},
    )


def _settings(test: Part) -> dict[str, str | float]:
    config = test.part("config")
    told: dict[str, str | float | None] = {
        "profile": test.text("profile_name"),
        "arrival_process": config.text("arrival_process"),
        "request_rate": config.positive("target_rps"),
    }
    return {key: value for key, value in told.items() if value is not None}


def _summary(test: Part, requests: Requests | None) -> dict[str, float]:
    metrics = test.part("metrics")
    told = {
        "sent": metrics.number("total_requests"),
        "failed": metrics.number("failed_requests"),
        "requests": float(requests.succeeded) if requests else metrics.number("successful_requests"),
        "duration_s": requests.span() if requests else None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _notes(test: Part, requests: Requests | None) -> Iterator[Note]:
    yield Note(
        Severity.INFO,
        "varcas divides by the time of sending alone: its rates stand as sending_..., for answers came later.",
    )
    if requests is None:
        return
    claimed = test.part("metrics").number("successful_requests") or 0.0
    if requests.succeeded < claimed:
        yield Note(
            Severity.WARNING,
            f"{claimed - requests.succeeded:.0f} of {claimed:.0f} requests that varcas calls successful never ended: "
            "the test stopped first. Its latencies leave them out, so the server was slower than they say.",
        )
    why = failure_counts(requests.words("error"))
    if why:
        yield Note(Severity.INFO, f"Why requests failed or were cut short: {why}.")
    yield Note(Severity.INFO, f"Left out for privacy: prompts and answers of {len(requests)} requests.")


def _mean(requests: Requests | None, name: str) -> float | None:
    values = requests.floats(name) if requests else np.empty(0)
    return float(np.nanmean(values)) if np.isfinite(values).any() else None
