"""The same answers from a terminal, one verb a question: plan, predict, import, runs, show."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import importers
from importers.reference import reference_runs
from planner.alternatives import alternatives
from planner.catalogue_models import model_from_hub
from planner.errors import InsufficientMemory, PlannerError, UnknownFormat
from planner.estimate import Estimate, Figure, estimate
from planner.measured import Run
from planner.overlay import format_cell, totals
from planner.predict import INPUTS, OUTPUTS, answer, predict, question
from planner.quantities import GIB, MILLISECOND, TERA
from planner.scenario import Scenario
from store.runs import Store, default_root

OPTIONS = {"input_tokens": ("--context", "--input-tokens"), "concurrency": ("--batch", "--concurrency")}
NO_ANSWER, BAD_QUESTION = 1, 2
SHARED_ROWS = 1000


def main(words: list[str] | None = None) -> int:
    """Runs one verb; returns the exit status: 0, 1 for an answer that is no, 2 for a question that cannot be asked."""
    arguments = _parser().parse_args(words)
    try:
        return int(VERBS[arguments.verb](arguments))
    except PlannerError as error:
        print(f"headroom: {error}", file=sys.stderr)
        return BAD_QUESTION


def plan(arguments: argparse.Namespace) -> int:
    """Answers one question."""
    cells = {name: value for name in INPUTS if (value := getattr(arguments, name)) is not None}
    scenario = question(cells, model_from_hub(cells["model"]) if arguments.hub else None)
    try:
        found = estimate(scenario)
    except InsufficientMemory as no:
        return _refuse(scenario, str(no), arguments.json)
    if arguments.json:
        print(json.dumps(as_json(cells, found), indent=2))
    else:
        print("\n".join(as_text(found)))
    return 0


def predict_table(arguments: argparse.Namespace) -> int:
    """Answers a CSV of questions."""
    try:
        with arguments.cases.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, restkey="extra")
            rows = list(reader)
        names = [name for name in reader.fieldnames or () if name not in OUTPUTS]
        with arguments.out.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*names, *OUTPUTS], extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(_answers(rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnknownFormat(f"{arguments.cases}: {error}. Give a CSV in UTF-8 with columns gpu and model.") from error
    return 0


def _answers(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Answers in the rows' order; a long table is shared among the processors."""
    if len(rows) < SHARED_ROWS:
        yield from predict(rows)
        return
    parts = [rows[start : start + SHARED_ROWS // 2] for start in range(0, len(rows), SHARED_ROWS // 2)]
    with ProcessPoolExecutor() as pool:
        for answers in pool.map(_part, parts):
            yield from answers


def _part(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(predict(rows))


def import_files(arguments: argparse.Namespace) -> int:
    """Imports each file, or says by name why not."""
    store, refused = Store(default_root()), 0
    for path in arguments.files:
        try:
            run = importers.read(path)
            print(f"{store.save(run)}  {path.name}  {run.tool} {run.tool_version}")
        except PlannerError as error:
            refused += 1
            print(f"headroom: {error}", file=sys.stderr)
    return BAD_QUESTION if refused else 0


def runs(arguments: argparse.Namespace) -> int:
    """Lists the store's runs and the demo workspace's."""
    store = Store(default_root())
    known = [*store.runs(), *reference_runs()]
    if arguments.json:
        print(json.dumps([_run_head(run) for run in known], indent=2))
    else:
        for run in known:
            print(f"{run.id}  {run.started or '-':19.19}  {run.tool:10.10}  {run.source_name}")
    for problem in store.problems():
        print(f"headroom: {problem}", file=sys.stderr)
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Shows one run: what it is, its notes, its points or kernels."""
    run = next((known for known in reference_runs() if known.id == arguments.run), None)
    run = run or Store(default_root()).run(arguments.run)
    if arguments.json:
        print(
            json.dumps(
                _run_head(run) | {"points": [_point(point) for point in run.points], "kernels": _kernels(run)}, indent=2
            )
        )
        return 0
    print("\n".join(_run_text(run)))
    return 0


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
    yield f"  batch {load.concurrency:g}, prompt {load.prompt_tokens:g}, output {load.output_tokens:g} tokens"
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
    cost = f"{found.cost.per_million_output_tokens:.3g} USD" if found.cost else "no known price"
    yield f"  per million output tokens: {cost}"
    yield (
        f"  fits: weights {room.weights / GIB:.1f} GiB, KV cache {room.kv_cache / GIB:.1f} GiB = "
        f"{room.kv_cache_tokens:,.0f} tokens, room for {room.concurrency:,.0f} such requests"
    )
    yield f"  basis: {found.basis.label} ({'; '.join(f'{what}: {basis.label}' for what, basis in found.founded_on)})"
    yield from (f"  note: {caveat}" for caveat in found.caveats)


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


def _run_head(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "tool": run.tool,
        "tool_version": run.tool_version,
        "file": run.source_name,
        "started": run.started,
        "gpu": run.gpu,
        "gpu_names": list(run.gpu_names),
        "model": run.model or run.model_name,
        "settings": dict(run.settings),
        "summary": dict(run.summary),
        "notes": [note.text for note in run.notes],
    }


def _point(point: Any) -> dict[str, Any]:
    return {name: value for name in point.__slots__ if (value := getattr(point, name)) is not None}


def _kernels(run: Run) -> list[dict[str, Any]]:
    return [{name: getattr(kernel, name) for name in kernel.__slots__} for kernel in run.kernels]


def _run_text(run: Run) -> Iterator[str]:
    yield f"{run.id}  {run.source_name}  ({run.tool} {run.tool_version})"
    told = ", ".join(run.gpu_names) or "not told"
    yield f"  GPU: {told} -> {run.gpu or 'not known'}; model: {run.model_name or 'not told'}"
    yield from (f"  {key}: {format_cell(value)}" for key, value in {**run.settings, **run.summary}.items())
    yield from (f"  {note.severity}: {note.text}" for note in run.notes)
    yield from (f"  {kind:<16} {seconds / MILLISECOND:12.3f} ms" for kind, seconds in totals(run.kernels).items())
    for point in run.points:
        load = f"concurrency {point.concurrency:g}" if point.concurrency else f"rate {point.request_rate or 0:g}/s"
        yield f"  {point.metric:<26} {point.statistic:<7} {point.value:14.6g}  {load}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    asking = verbs.add_parser("plan", help="answer one question")
    for name in INPUTS:
        flags = OPTIONS.get(name, ("--" + name.replace("_", "-"),))
        asking.add_argument(*flags, dest=name, required=name in ("gpu", "model"))
    asking.add_argument("--hub", action="store_true", help="fetch the model's config.json from huggingface.co")
    asking.add_argument("--json", action="store_true", help="the whole answer as JSON, units in the keys")
    table = verbs.add_parser("predict", help="answer a CSV of questions")
    table.add_argument("cases", type=Path)
    table.add_argument("--out", type=Path, required=True)
    importing = verbs.add_parser("import", help="import traces and load tests into the store")
    importing.add_argument("files", type=Path, nargs="+")
    listing = verbs.add_parser("runs", help="list the runs of the store")
    listing.add_argument("--json", action="store_true")
    showing = verbs.add_parser("show", help="show a run")
    showing.add_argument("run", help="a run's id, or the first digits of one")
    showing.add_argument("--json", action="store_true")
    return parser


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "plan": plan,
    "predict": predict_table,
    "import": import_files,
    "runs": runs,
    "show": show,
}

if __name__ == "__main__":
    sys.exit(main())
