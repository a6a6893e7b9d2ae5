"""Results of SGLang's bench_serving, of every age: a line is a run, with or without its requests.

| their key                                               | ours                                               | unit |
| ------------------------------------------------------- | -------------------------------------------------- | ---- |
| {mean,median,std,pNN}_{ttft,tpot,itl,e2e_latency}_ms    | points ttft, tpot, itl, e2e                        | ms   |
| request_/input_/output_/total_throughput, goodput       | points, the same names                             | 1/s  |
| max_concurrency; request_rate (Infinity, "trace": none) | concurrency, request_rate of each point            | 1/s  |
| total_input_tokens, total_output_tokens / completed     | prompt_tokens, output_tokens of each point         |      |
| concurrency: sum of latencies / duration                | setting effective_concurrency                      |      |
| duration, completed                                     | summary duration_s, requests                       | s    |
| server_info: model_path, tp_size, quantization, version | model_name, settings tensor_parallel, ...          |      |
| accept_length                                           | setting spec_decode_acceptance_length              |      |
| input_lens, output_lens, ttfts, itls, errors; no e2e    | tables `requests`, `itl` (importers/vllm_requests) | s    |
| generated_texts, the rest of server_info                | never kept                                         |      |
| max_output_tokens_per_s, max_concurrent_requests        | left out: chunks counted in one-second buckets     |      |
| total_output_tokens_retokenized                         | left out: the client's count                       |      |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from importers.failures import failure_counts
from importers.files import content_hash, head, model_name, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from importers.requests_table import tables
from importers.vllm_requests import Detail, detail
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes
from planner.quantities import MILLISECOND

name = "SGLang bench_serving (JSONL)"

SIGNS = ({"backend", "request_rate", "random_input_len"}, {"backend", "duration", "total_output_tokens_retokenized"})
METRICS = {"ttft": "ttft", "tpot": "tpot", "itl": "itl", "e2e_latency": "e2e"}
RATES = ("request_throughput", "request_goodput", "input_throughput", "output_throughput", "total_throughput")
SERVER = {
    "tp_size": "tensor_parallel",
    "dp_size": "data_parallel",
    "max_running_requests": "max_num_seqs",
    "quantization": "quantization",
    "dtype": "dtype",
    "kv_cache_dtype": "kv_cache_dtype",
}
DEFINITIONS: dict[str, str | float] = {
    "tpot_definition": "(e2e - ttft) / (output tokens - 1), a value for each request",
    "itl_definition": "gap between two chunks of an answer, shared among the tokens of a chunk by SGLang's own backend",
    "throughput_definition": "of completed requests, from the first request sent to the last answer",
}
_STATISTIC = re.compile(rf"(mean|median|std|p\d{{1,2}}(?:\.\d{{1,3}})?)_({'|'.join(METRICS)})_ms")


def identify(path: Path) -> bool:
    """Whether the first object has the keys that SGLang alone writes; vLLM's names its model."""
    keys = set(head_keys(head(path)))
    return any(keys >= sign for sign in SIGNS) and "model_id" not in keys


def read(path: Path) -> Run:
    """The run of a file: a point per statistic of each line.

    path : the file
    raises : MalformedFile, TooLarge
    """
    found = objects(path)
    lines = found.parts
    for place, line in enumerate(lines, 1):
        if line.number("completed") is None or not any(_STATISTIC.fullmatch(key) for key in line.raw):
            raise MalformedFile(f"{source_name(path)}: line {place} is not of SGLang's bench_serving.")
    details = [detail(line, ends_with_last_token=False) for line in lines]
    server = lines[0].part("server_info")
    settings = [_settings(line) for line in lines]
    return Run(
        tool="SGLang bench_serving",
        tool_version=server.text("version") or "unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        model_name=model_name(server.text("model_path")),
        settings={key: value for key, value in settings[0].items() if all(one.get(key) == value for one in settings)},
        summary=_summary(lines),
        points=tuple(point for line in lines for point in _points(line)),
        notes=sorted_notes(_notes(lines, details)),
        tables=tables([listed.requests for listed in details]),
    )


def _points(line: Part) -> Iterator[MeasuredPoint]:
    completed = line.positive("completed")
    if completed is None:
        return
    lengths = {key: line.positive(f"total_{key}_tokens") for key in ("input", "output")}
    where = Conditions(
        concurrency=line.positive("max_concurrency"),
        request_rate=line.positive("request_rate"),
        prompt_tokens=lengths["input"] / completed if lengths["input"] else None,
        output_tokens=lengths["output"] / completed if lengths["output"] else None,
    )
    values: dict[str, dict[str, float | None]] = {}
    for key in line.raw:
        match = _STATISTIC.fullmatch(key)
        if match:
            values.setdefault(METRICS[match[2]], {})[match[1]] = line.number(key)
    for metric, statistics in values.items():
        yield from where.points(metric, statistics, MILLISECOND)
    for metric in RATES:
        value = line.positive(metric)
        if value is not None:
            yield where.point(metric, "total", value)


def _settings(line: Part) -> dict[str, str | float]:
    server = line.part("server_info")
    told: dict[str, str | float | None] = {
        "engine": "sglang" if line.text("backend") in ("sglang", "sglang-oai", "sglang-native") else None,
        "backend": line.text("backend"),
        "dataset": line.text("dataset_name"),
        "concurrency": line.positive("max_concurrency"),
        "request_rate": line.positive("request_rate") or line.text("request_rate") or "inf",
        "effective_concurrency": line.positive("concurrency"),
        "requests": line.positive("completed"),
        "spec_decode_acceptance_length": line.positive("accept_length"),
        **{ours: server.positive(theirs) or server.text(theirs) for theirs, ours in SERVER.items()},
    }
    return DEFINITIONS | {key: value for key, value in told.items() if value is not None}


def _summary(lines: Sequence[Part]) -> dict[str, float]:
    keys = {
        "requests": "completed",
        "duration_s": "duration",
        "prompt_tokens": "total_input_tokens",
        "output_tokens": "total_output_tokens",
    }
    sums = {ours: [line.number(theirs) for line in lines] for ours, theirs in keys.items()}
    totals = {ours: sum(value for value in values if value) for ours, values in sums.items() if None not in values}
    return {"results": float(len(lines)), **totals}


def _notes(lines: Sequence[Part], details: Sequence[Detail]) -> Iterator[Note]:
    if not all(line.positive("completed") for line in lines):
        yield Note(Severity.ERROR, "No request completed in some lines: they hold no values.")
    why = failure_counts(word for listed in details for word in listed.failures)
    if why:
        yield Note(Severity.WARNING, f"Requests failed: {why}. Latencies are of those that completed.")
    if any(line.positive("accept_length") for line in lines):
        yield Note(Severity.INFO, "Speculative decoding: compare TPOT with a prediction.")
    if len(lines) > 1:
        yield Note(
            Severity.INFO, "Several runs in one file: the same seed sends the same prompts, which the cache may hold."
        )
    if any(listed.mismatched for listed in details):
        yield Note(Severity.WARNING, "Some lines list their requests in arrays of different lengths: left out.")
    answers = sum(listed.answers for listed in details)
    if answers:
        yield Note(
            Severity.INFO, f"Left out for privacy: {answers} generated texts, and what the server told of itself."
        )
