"""Speed of the planner beside a floor that does the arithmetic alone: `python -m tools.bench`.

Each line is the median of several runs. The floor is the arithmetic of the same ops alone: their FLOPs and bytes, which
are linear in the batch and in batch x context, divided, compared and summed in numpy. The ratio is for the rest.
"""

from __future__ import annotations

import csv
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from planner.arrivals import requests
from planner.asking import asked_for
from planner.buy import search
from planner.catalogue import gpus
from planner.catalogue_models import models
from planner.estimate import estimate
from planner.latency import step_time
from planner.memory import memory
from planner.predict import predict, question
from planner.quantities import MILLISECOND
from planner.scenario import Scenario
from planner.scheduler import schedule
from planner.serving import limits
from planner.step import decode_step
from planner.sweep import sweep
from tools.accuracy import MEASUREMENTS
from tools.bench_imports import load_test

CELLS = {"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct", "input_tokens": "512", "output_tokens": "128"}
TABLE_ROWS = 10_000
STEPS = 100_000
BATCHES, LENGTHS = 100, 100
SWEPT_SCHEMES = ("bf16", "fp16", "fp8", "int8", "awq", "nvfp4")
SWEPT_BATCHES = (1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 512)
LOADED = {"concurrency": "64", "requests": "1000", "random_range_ratio": "0.5"}


@dataclass(frozen=True)
class Line:
    """One measured thing.

    work : estimates, rows or steps of one run [1]
    seconds, floor : of one run [s]; no floor where nothing comparable does less
    """

    name: str
    work: int
    seconds: float
    floor: float | None = None

    def text(self) -> str:
        """As one row of the table."""
        floor, ratio = "-", "-"
        if self.floor is not None:
            floor, ratio = f"{self.floor / MILLISECOND:.3f}", f"{self.seconds / self.floor:.1f}"
        rate = f"{self.work / self.seconds:,.0f}"
        return f"{self.name:52} {self.seconds / MILLISECOND:12.3f} {rate:>14} {floor:>12} {ratio:>8}"


def median_seconds(run: Callable[[], object], runs: int) -> float:
    """Median wall time of a call after one to warm up."""
    run()
    return statistics.median(_timed(run) for _ in range(runs))


def fresh_import() -> Line:
    """`import planner.estimate` in a new process, less an interpreter that imports numpy alone."""
    whole, floor = (
        median_seconds(lambda code=code: subprocess.run([sys.executable, "-c", code], check=True), 5)  # noqa: S603
        for code in ("import planner.estimate", "import numpy")
    )
    return Line("import planner.estimate, fresh process (floor: numpy)", 1, whole, floor)


def one_estimate() -> Line:
    """A whole estimate of one scenario, beside the arithmetic of one step."""
    asked = question(CELLS)
    return Line("one estimate", 1, median_seconds(lambda: estimate(asked), 200), floor_seconds(asked, 1, 200))


def table_of_rows() -> Line:
    """Distinct rows of mode=batch through `predict`, so that none is answered from memory."""
    rows = [
        {**CELLS, "mode": "batch", "concurrency": str(1 + at % BATCHES), "input_tokens": str(200 + at // BATCHES)}
        for at in range(TABLE_ROWS)
    ]
    seconds = _timed(lambda: sum(1 for _ in predict(rows)))
    return Line(
        f"{TABLE_ROWS:,} predict rows, mode=batch", TABLE_ROWS, seconds, floor_seconds(question(CELLS), TABLE_ROWS, 3)
    )


def vector_of_steps() -> Line:
    """Decode steps of many batches and contexts, timed as one array."""
    asked = question(CELLS)
    step = decode_step(*_grid(STEPS))
    seconds = median_seconds(lambda: step_time(asked, step).total, 5)
    return Line(f"{STEPS:,} steps as arrays", STEPS, seconds, floor_seconds(asked, STEPS, 5))


def whole_sweep() -> Line:
    """40 GPUs x 30 models x 6 schemes x 12 batches, refusals with their reasons, models looked up before."""
    axes = (list(gpus().values()), [models()[name] for name in list(models())[:30]], SWEPT_SCHEMES, SWEPT_BATCHES)
    cells = math.prod(len(axis) for axis in axes)
    return Line(f"a sweep of {cells:,} cells", cells, median_seconds(lambda: sweep(*axes, context=1024.0), 3))


def simulation() -> Line:
    """A closed loop of 1,000 requests of random length at concurrency 64."""
    asked = question(CELLS | LOADED)
    return Line("a closed loop of 1,000 requests", 1000, median_seconds(lambda: estimate(asked), 5))


def crowded_simulation() -> Line:
    """A closed loop of 1,000 requests of which a third fit: preempted and computed again."""
    asked = question(
        CELLS | LOADED | {"gpu": "l40s", "concurrency": "256", "input_tokens": "64", "output_tokens": "2000"}
    )
    return Line("the same, 256 at once where 100 fit", 1000, median_seconds(lambda: estimate(asked), 3))


def open_simulation(rate: str = "20") -> Line:
    """An open loop of 1,000 requests, beside its scheduler with every step's time known."""
    asked = question(CELLS | LOADED | {"request_rate": rate})
    sent, room = requests(asked, 0), memory(asked)
    bounds = limits(asked, room, sent)
    known = cache(lambda step: float(step_time(asked, step).total))
    floor = median_seconds(lambda: schedule(sent, bounds, known), 5)
    name = f"an open loop of 1,000 requests, {rate} a second (floor: no timing)"
    return Line(name, 1000, median_seconds(lambda: estimate(asked), 5), floor)


def overloaded_simulation() -> Line:
    """The same beyond capacity: a queue, and prompts in every step."""
    return open_simulation("200")


def whole_search() -> Line:
    """What to buy for one model and traffic: every GPU of the catalogue, shared among the processors."""
    asked = asked_for({"model": CELLS["model"], "slo_ttft_p95_ms": "1000", "slo_tpot_p95_ms": "50"})
    with ProcessPoolExecutor() as pool:
        seconds = median_seconds(lambda: list(search(asked, pool)), 1)
    return Line(f"what to buy, among {len(gpus())} GPUs", len(gpus()), seconds)


def serving_rows() -> Iterator[Line]:
    """The public serving table, where it is."""
    path = MEASUREMENTS / "vllm_serving.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if not row["suspect"]]
        yield Line(f"{len(rows)} serving rows", len(rows), _timed(lambda: list(predict(rows))))


def floor_seconds(asked: Scenario, count: int, runs: int) -> float:
    """Time in which numpy alone finds the GPU times of `count` decode steps of a dense model [s]."""
    batch, context = _grid(count)
    flops, moved, overhead = (_coefficients(asked, part) for part in ("compute", "memory", "overhead"))

    def body() -> np.ndarray:
        pairs = batch * context
        compute = flops[0] + flops[1] * batch + flops[2] * pairs
        memory = moved[0] + moved[1] * batch + moved[2] * pairs
        return np.asarray((np.maximum(compute, memory) + overhead[0]).sum(axis=0))

    if not np.allclose(body(), step_time(asked, decode_step(batch, context)).gpu, rtol=1e-9):
        raise ValueError("the floor does not find the same times: it is no floor of this scenario")
    return median_seconds(body, runs)


def main() -> None:
    """Print the table."""
    print(f"{'':52} {'ms':>12} {'a second':>14} {'floor ms':>12} {'ratio':>8}")
    for measure in (
        fresh_import,
        one_estimate,
        table_of_rows,
        vector_of_steps,
        whole_sweep,
        simulation,
        crowded_simulation,
        open_simulation,
        overloaded_simulation,
        whole_search,
    ):
        print(measure().text(), flush=True)
    for line in serving_rows():
        print(line.text())
    print(load_test().text())


def _coefficients(asked: Scenario, part: str) -> tuple[np.ndarray, ...]:
    """a, b, c of each op's time a + b x batch + c x batch x context, over its layers."""
    points = ((1.0, 0.0), (2.0, 0.0), (1.0, 1.0))
    steps = (step_time(asked, decode_step(*point)) for point in points)
    one, two, longer = (
        np.array([float(time.op.count * getattr(time, part)) for time in step.ops])[:, None] for step in steps
    )
    return 2 * one - two, two - one, longer - one


def _grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    return 1.0 + np.arange(count) % BATCHES, 100.0 + np.arange(count) // LENGTHS


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
