"""`measure tune`: the best batch for a metric, found in few runs on one server."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from measure.binary import find
from measure.load import measured, warm_up, whole
from measure.points import Lengths, loop_points
from measure.session import Session
from measure.tune import best_batch, candidates, next_batch
from planner.errors import PlannerError
from planner.estimate import Estimate, estimate
from planner.predict import question
from planner.quantities import MILLISECOND
from verbs.measure_loads import asked_of, client_of, result_of, server_of, server_options
from verbs.status import DONE


@dataclass(frozen=True, slots=True)
class Metric:
    """What is best: its value in a result of the client, and in an estimate, in one unit."""

    unit: str
    value: Callable[[dict[str, Any]], float]
    predicted: Callable[[Estimate], float]
    more_is_better: bool = True


METRICS = {
    "throughput": Metric(
        "tokens/s", lambda found: found["output_throughput"], lambda one: one.output_tokens_per_second
    ),
    "tpot": Metric(
        "ms", lambda found: found["mean_tpot_ms"], lambda one: _ms(one.tpot.value if one.tpot else 0), False
    ),
    "ttft": Metric("ms", lambda found: found["mean_ttft_ms"], lambda one: _ms(one.ttft.value), False),
}
PREFILL_REQUESTS = 16


def arguments(kinds: Any) -> None:
    """Adds the search to the parsers of `measure`."""
    tune = kinds.add_parser("tune", help="the best batch, in few runs")
    tune.add_argument("--start", type=int, default=1)
    tune.add_argument("--end", type=int, default=16)
    tune.add_argument("--metric", choices=tuple(METRICS), default="throughput")
    tune.add_argument("--prompt", type=int, default=512)
    tune.add_argument("--output", type=int, default=128)
    server_options(tune)
    tune.set_defaults(measure=search)


def search(given: argparse.Namespace) -> int:
    """Finds the best batch: each run is chosen by what is known so far; the server keeps running between them."""
    vllm, lengths, choices = find(given.vllm), Lengths(given.prompt, given.output), candidates(given.start, given.end)
    points = {batch: loop_points(lengths, [batch], None, given.seed + batch)[0] for batch in choices}
    metric = METRICS[given.metric]
    session = Session(given.out, tuple(points.values()))
    session.open(asked_of(given, vllm))
    known = {batch: metric.value(result) for batch, point in points.items() if (result := whole(session.file(point)))}
    predicted = _predicted(given, choices, metric)
    if next_batch(choices, known, predicted, more_is_better=metric.more_is_better) is not None:
        with server_of(given, vllm, session.folder) as server:
            client = client_of(given, vllm, server)
            warm_up(client, points[choices[0]], session.folder / "points")
            while (batch := next_batch(choices, known, predicted, more_is_better=metric.more_is_better)) is not None:
                known[batch] = metric.value(measured(client, points[batch], session.file(points[batch])))
                print(f"batch {batch}: {given.metric} {known[batch]:.4g} {metric.unit}", flush=True)
    best = best_batch(known, more_is_better=metric.more_is_better)
    print(f"Settled after {len(known)} of {len(choices)} batches: {best} ({known[best]:.4g} {metric.unit}).")
    print("\n".join(result_of(session, given)))
    return DONE


def _predicted(given: argparse.Namespace, choices: tuple[int, ...], metric: Metric) -> dict[int, float] | None:
    """The planner's own curve; None where it does not know the GPU or the model, or the answer is no."""
    cells = {"gpu": given.gpu or "", "model": given.model}
    cells |= {"input_tokens": str(given.prompt), "output_tokens": str(given.output)}
    try:
        found = {batch: estimate(question(cells | {"concurrency": str(batch)})) for batch in choices}
    except PlannerError:
        return None
    return {batch: metric.predicted(one) for batch, one in found.items()}


def _ms(seconds: float) -> float:
    return seconds / MILLISECOND
