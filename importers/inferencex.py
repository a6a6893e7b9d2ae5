"""Results of InferenceX (formerly InferenceMAX): agg_*.json of one run, lists of them, and its client's in seconds.

| their key                                             | ours                                                | unit |
| ----------------------------------------------------- | --------------------------------------------------- | ---- |
| {mean,median,std,pNN}_{ttft,tpot,itl,e2el}            | points ttft, tpot, itl, e2e                         | s    |
| ..._intvty (1 / tpot)                                 | left out: it follows from tpot                      |      |
| tput_per_gpu, output_tput_per_gpu, input_tput_per_gpu | total_throughput, ... times tp on one node, else    | 1/s  |
|                                                       | total_per_gpu_throughput, ...                       |      |
| request_, output_, input_throughput                   | the same (the client's file)                        | 1/s  |
| conc, max_concurrency; request_rate                   | concurrency, request_rate of each point             | 1/s  |
| isl, osl (asked for); total_*_tokens / completed      | prompt_tokens, output_tokens of each point          |      |
| hw                                                    | gpu_names: the runner's name up to its first "-"    |      |
| model, model_id                                       | model_name                                          |      |
| tp, pp, ep, dp_attention, precision, framework, ...   | settings tensor_parallel, ..., quantization, engine |      |
| image, is_multinode, disagg, mtp                      | settings, as they are told                          |      |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from importers.files import content_hash, head, model_name, source_name
from importers.gpus import catalogue_id
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes

name = "InferenceX, InferenceMAX (JSON)"

AGGREGATED = {"hw", "conc", "tput_per_gpu"}
CLIENT = {"model_id", "num_prompts", "duration", "completed", "good_completed"}
METRICS = {"ttft": "ttft", "tpot": "tpot", "itl": "itl", "e2el": "e2e"}
NUMBERS = {
    "tp": "tensor_parallel",
    "pp": "pipeline_parallel",
    "ep": "expert_parallel",
    "num_prompts": "requests",
    "burstiness": "burstiness",
}
TEXTS = {"precision": "quantization", "framework": "engine", "spec_decoding": "spec_decoding", "mtp": "mtp"}
FLAGS = ("dp_attention", "disagg", "is_multinode")
FRAMEWORKS = {"vllm": "vllm", "sglang": "sglang", "trt": "tensorrt-llm", "trtllm": "tensorrt-llm"}
DEFINITIONS: dict[str, str | float] = {
    "tpot_definition": "(e2e - ttft) / (output tokens - 1), a value for each request",
    "itl_definition": "gap between two chunks of an answer",
}
_STATISTIC = re.compile(rf"(mean|median|std|p\d{{1,2}}(?:\.\d{{1,3}})?)_({'|'.join(METRICS)})")


def identify(path: Path) -> bool:
    """Whether the first object is an aggregated result, or of its client, whose latencies are in seconds."""
    keys = set(head_keys(head(path)))
    return keys >= AGGREGATED or keys >= CLIENT


def read(path: Path) -> Run:
    """The run of one result or of a list of them.

    path : the file
    raises : MalformedFile, TooLarge
    """
    results = objects(path).parts
    for place, result in enumerate(results, 1):
        if not any(_STATISTIC.fullmatch(key) for key in result.raw):
            raise MalformedFile(f"{source_name(path)}: result {place} has no latency in seconds (such as median_ttft).")
    settings = [_settings(result) for result in results]
    names = tuple(dict.fromkeys(found for result in results if (found := _gpu(result))))
    models = {result.text("model") or result.text("model_id") for result in results}
    return Run(
        tool="InferenceX",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        gpu_names=names,
        gpu=catalogue_id(names),
        model_name=model_name(models.pop()) if len(models) == 1 else None,
        settings={key: value for key, value in settings[0].items() if all(one.get(key) == value for one in settings)},
        summary=_summary(results),
        points=tuple(point for result in results for point in _points(result)),
        notes=sorted_notes(_notes(results, settings, models)),
    )


def _points(result: Part) -> Iterator[MeasuredPoint]:
    completed = result.positive("completed")
    where = Conditions(
        concurrency=result.positive("conc") or result.positive("max_concurrency"),
        request_rate=result.positive("request_rate"),
        prompt_tokens=result.positive("isl") or _share(result.positive("total_input_tokens"), completed),
        output_tokens=result.positive("osl") or _share(result.positive("total_output_tokens"), completed),
    )
    values: dict[str, dict[str, float | None]] = {}
    for key in result.raw:
        match = _STATISTIC.fullmatch(key)
        if match:
            values.setdefault(METRICS[match[2]], {})[match[1]] = result.number(key)
    for metric, statistics in values.items():
        yield from where.points(metric, statistics)
    gpus = _gpus(result)
    for side in ("", "output_", "input_"):
        value = result.positive(f"{side}tput_per_gpu")
        if value is not None:
            metric = side or "total_"
            per_gpu = where.point(f"{metric}per_gpu_throughput", "total", value)
            yield where.point(f"{metric}throughput", "total", value * gpus) if gpus else per_gpu
    for metric in ("request_throughput", "request_goodput", "input_throughput", "output_throughput"):
        value = result.positive(metric)
        if value is not None:
            yield where.point(metric, "total", value)


def _gpus(result: Part) -> float | None:
    """By how many GPUs the throughput was divided: tp, on one node; not told otherwise."""
    split = result.value("disagg") in (True, "true") or result.value("is_multinode") in (True, "true")
    pipelines = result.positive("pp") or 1.0
    return None if split or pipelines != 1.0 else result.positive("tp")


def _gpu(result: Part) -> str | None:
    told = result.text("hw")
    return told.partition("-")[0] or None if told else None


def _settings(result: Part) -> dict[str, str | float]:
    told: dict[str, str | float | None] = {ours: result.positive(theirs) for theirs, ours in NUMBERS.items()}
    told |= {ours: result.text(theirs) for theirs, ours in TEXTS.items()}
    told |= {key: str(value).lower() for key in FLAGS if isinstance(value := result.value(key), bool | str)}
    told["concurrency"] = result.positive("conc") or result.positive("max_concurrency")
    told["request_rate"] = result.positive("request_rate") or result.text("request_rate")
    engine = str(told.get("engine") or "").lower()
    told["engine"] = next((ours for theirs, ours in FRAMEWORKS.items() if theirs in engine), told.get("engine"))
    return DEFINITIONS | {key: value for key, value in told.items() if value is not None}


def _summary(results: Sequence[Part]) -> dict[str, float]:
    found: dict[str, float] = {"results": float(len(results))}
    for ours, theirs in {"requests": "completed", "duration_s": "duration"}.items():
        values = [value for result in results if (value := result.number(theirs)) is not None]
        if values:
            found[ours] = sum(values)
    return found


def _notes(
    results: Sequence[Part], settings: Sequence[dict[str, str | float]], models: set[str | None]
) -> Iterator[Note]:
    if not any(result.text("hw") for result in results):
        yield Note(Severity.INFO, "The file does not name the GPU: say it to compare with a prediction.")
    same = {"concurrency", "requests", "request_rate"}
    differing = sorted({key for one in settings for key in one if len({o.get(key) for o in settings}) > 1} - same)
    if differing or models:
        what = ", ".join(differing) or "model"
        yield Note(
            Severity.WARNING, f"The results differ in what a point does not tell: {what}. Keep one set in a file."
        )
    if any("isl" in result.raw for result in results):
        yield Note(Severity.INFO, "Prompt and output length are those asked for: requests may be up to 20 % shorter.")
    if any(_gpus(result) is None and "tput_per_gpu" in result.raw for result in results):
        yield Note(Severity.INFO, "Several nodes or stages: throughput stands by GPU, as it was told.")


def _share(total: float | None, count: float | None) -> float | None:
    return total / count if total and count else None
