"""`plan`: one question, answered as text or as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from importers.request_table import read_requests
from planner.alternatives import alternatives
from planner.catalogue_models import model_from_hub
from planner.correction import Correction
from planner.distribution import PERCENTILES
from planner.errors import InsufficientMemory
from planner.estimate import Estimate, Figure, estimate
from planner.predict import DISTRIBUTIONS, INPUTS, answer, question
from planner.quantities import GIB, MILLISECOND, TERA
from planner.scenario import Scenario, Workload
from report.note import note
from store.calibrations import load
from store.runs import Store, default_root
from verbs.status import DONE, NO_ANSWER

name, about = "plan", "answer one question"
OPTIONS = {"input_tokens": ("--context", "--input-tokens"), "concurrency": ("--batch", "--concurrency")}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Every column of predict.INPUTS as an option."""
    ask(parser)
    parser.add_argument("--note", action="store_true", help="what was assumed: a line for each input, with its basis")
    parser.add_argument("--json", action="store_true", help="the whole answer as JSON, units in the keys")


def ask(parser: argparse.ArgumentParser) -> None:
    """The options of a question; other verbs that ask one take them too."""
    for column in INPUTS:
        flags = OPTIONS.get(column, ("--" + column.replace("_", "-"),))
        parser.add_argument(*flags, dest=column, required=column in ("gpu", "model"))
    parser.add_argument("--requests-csv", type=Path, help="recorded requests: prompt_tokens, output_tokens, arrival_s")
    parser.add_argument("--calibration", metavar="NAME", help="factors fitted to measurements: cli.py calibrate")
    parser.add_argument("--hub", action="store_true", help="fetch the model's config.json from huggingface.co")


def cells_of(given: argparse.Namespace) -> dict[str, str]:
    """The columns that were given."""
    return {column: value for column in INPUTS if (value := getattr(given, column)) is not None}


def asked(given: argparse.Namespace) -> Scenario:
    """The scenario that the options ask about."""
    cells = cells_of(given)
    recording = read_requests(given.requests_csv) if given.requests_csv else None
    asking = question(cells, model_from_hub(cells["model"]) if given.hub else None, recording)
    return replace(asking, correction=correction(given.calibration))


def correction(name: str | None) -> Correction | None:
    """The factors of a calibration of the store; None without a name.

    raises : UnknownCalibration, StoreError
    """
    return load(Store(default_root()), name).correction if name else None


def run(given: argparse.Namespace) -> int:
    """Answers one question; an answer that is no has its own exit status."""
    scenario = asked(given)
    try:
        found = estimate(scenario)
    except InsufficientMemory as no:
        return _refuse(scenario, str(no), given.json)
    if given.json:
        print(json.dumps(as_json(cells_of(given), found), indent=2))
    else:
        print(note(found) if given.note else "\n".join(as_text(found)))
    return DONE


def as_json(cells: Mapping[str, str], found: Estimate) -> dict[str, Any]:
    """The whole answer, every key with its unit."""
    gpu = found.scenario.deployment.gpu
    phases = {"prefill": found.prefill, "decode": found.decode}
    return {
        "question": dict(cells),
        "gpu": gpu.id,
        "model": found.scenario.model.name,
        "answer": {name: value for name, value in answer(found).items() if value != ""},
        "bandwidth_floor_ms": found.floor / MILLISECOND,
        "usd_per_million_output_tokens": found.cost.per_million_output_tokens if found.cost else None,
        "concurrency_that_fits": int(found.memory.concurrency),
        "memory_gib": {
            name: getattr(found.memory, name) / GIB
            for name in ("total", "usable", "weights", "activations", "graphs", "outside", "kv_cache")
        },
        **{
            name: {
                "step_ms": phase.seconds / MILLISECOND,
                "bound": phase.bound.label,
                "arithmetic_intensity_flop_per_byte": phase.intensity,
                "ridge_point_flop_per_byte": phase.ridge,
                "attainable_tflop_s": phase.attainable / TERA,
                "achieved_tflop_s": phase.achieved / TERA,
                "mfu": phase.mfu,
                "mbu": phase.mbu,
            }
            for name, phase in phases.items()
        },
        "founded_on": {what: basis.label for what, basis in found.founded_on},
        "caveats": list(found.caveats),
    }


def as_text(found: Estimate) -> Iterator[str]:
    """The answer as lines for a person."""
    scenario, load, room = found.scenario, found.scenario.workload, found.memory
    count, gpu = scenario.deployment.tensor_parallel, scenario.deployment.gpu
    yield f"{scenario.model.name} in {scenario.quantization.scheme} on {count} x {gpu.label}"
    yield f"  {_load(load)}, prompt {load.prompt_tokens:g}, output {load.output_tokens:g} tokens"
    for name, phase in (("prefill", found.prefill), ("decode", found.decode)):
        yield (
            f"  {name:<8} bound by {phase.bound.label}: {phase.intensity:.1f} FLOP/B, ridge point {phase.ridge:.0f}, "
            f"step {phase.seconds / MILLISECOND:.2f} ms, MFU {100 * phase.mfu:.1f} %, MBU {100 * phase.mbu:.1f} %"
        )
    yield f"  TTFT {found.ttft.value / MILLISECOND:.1f} ms{_between(found.ttft)}"
    if found.tpot:
        floor = f"bandwidth floor {found.floor / MILLISECOND:.2f} ms"
        yield f"  TPOT {found.tpot.value / MILLISECOND:.2f} ms{_between(found.tpot)} ({floor})"
    yield f"  end to end {found.e2e.value / MILLISECOND:.1f} ms, {found.output_tokens_per_second:.1f} output tokens/s"
    yield from _percentiles(found)
    cost = f"{found.cost.per_million_output_tokens:.3g} USD" if found.cost else "no known price"
    yield f"  per million output tokens: {cost}"
    yield (
        f"  fits: weights {room.weights / GIB:.1f} GiB, KV cache {room.kv_cache / GIB:.1f} GiB = "
        f"{room.kv_cache_tokens:,.0f} tokens, room for {room.concurrency:,.0f} such requests"
    )
    yield f"  basis: {found.basis.label} ({'; '.join(f'{what}: {basis.label}' for what, basis in found.founded_on)})"
    yield from (f"  note: {caveat}" for caveat in found.caveats)


def _load(load: Workload) -> str:
    if not load.open_loop:
        return f"batch {load.concurrency:g}"
    if load.recorded is not None:
        return f"{len(load.recorded.prompts):,} requests at their recorded times"
    return f"{load.request_rate:g} requests/s"


def _percentiles(found: Estimate) -> Iterator[str]:
    """A small table: which percentile of what."""
    yield f"  {'percentile':<14}" + "".join(f"{rank:>11}" for rank in PERCENTILES)
    for name, label in zip(DISTRIBUTIONS, ("TTFT", "TPOT", "ITL", "end to end"), strict=True):
        figure: Figure | None = getattr(found, name)
        if figure:
            times = (getattr(figure, f"p{rank}") / MILLISECOND for rank in PERCENTILES)
            yield f"  {label + ' ms':<14}" + "".join(f"{time:11.4g}" for time in times)


def _between(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f", 90 % between {figure.low / MILLISECOND:.4g} and {figure.high / MILLISECOND:.4g} ms"


def _refuse(scenario: Scenario, reason: str, as_object: bool) -> int:
    nearest = [text for text, _ in alternatives(scenario)]
    if as_object:
        print(json.dumps({"answer": {"fits": "false", "error": reason}, "fits_instead": nearest}, indent=2))
    else:
        print(f"No. {reason}")
        print(f"What fits instead: {', or '.join(nearest)}." if nearest else "No single change makes it fit.")
    return NO_ANSWER
