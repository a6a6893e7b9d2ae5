"""One point measured: `vllm bench serve` run against a server, its result checked and moved into place when whole."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from measure import guard
from measure.binary import Vllm
from measure.points import TURN_SEED, WARM_UP_SEED, Point, lasting
from measure.server import Server
from measure.serverlog import last_words
from planner.errors import LoadFailed

BENCH = ("bench", "serve")
WARM_UP_REQUESTS = 4
PERCENTILES = "50,90,95,99"
METRICS = "ttft,tpot,itl,e2el"
POLL = 0.05
Watching = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Client:
    """Who loads the server.

    model : as the server calls it
    tokenizer : name or folder, where it is not the model's own
    metadata : written into each result: GPU, version, settings
    """

    vllm: Vllm
    server: Server
    model: str
    tokenizer: str | None
    metadata: Mapping[str, str]


def measured(client: Client, point: Point, target: Path, watching: Watching = lambda: None) -> dict[str, Any]:
    """Runs one point and keeps its result; a result is there whole or not at all.

    target : the result's file
    watching : called while it runs, to show progress and to stop (by raising)
    returns : the result
    raises : LoadFailed if the client ends without a result, or every request failed
    """
    if point.seconds is not None:
        point = lasting(point, _turn(client, point, target.parent, watching))
    unfinished = target.with_suffix(".unfinished")
    log = target.with_suffix(".log")
    unfinished.unlink(missing_ok=True)
    with log.open("wb") as output:
        process = guard.start(command(client, point, unfinished), output)
    _watched(process, watching)
    found = whole(unfinished)
    if found is None or not found.get("completed"):
        said = last_words(log.read_text(encoding="utf-8", errors="replace"))
        raise LoadFailed(f"{point.name}: no request was answered. From the client's log ({log.name}):\n{said}")
    unfinished.replace(target)
    return found


def _turn(client: Client, point: Point, folder: Path, watching: Watching) -> float:
    """How long one request of each slot takes, all at once [s]."""
    once = replace(point, requests=point.concurrency or 1, seed=point.seed + TURN_SEED, seconds=None)
    target = folder / "turn.json"
    found = measured(client, once, target, watching)
    target.unlink()
    return float(found["duration"])


def warm_up(client: Client, point: Point, folder: Path, watching: Watching = lambda: None) -> None:
    """A few requests that are not kept: compilation, CUDA graphs and caches are not what is measured."""
    few = replace(
        point, requests=max(WARM_UP_REQUESTS, min(point.concurrency or 0, 64)), seed=WARM_UP_SEED, seconds=None
    )
    target = folder / "warm-up.json"
    measured(client, few, target, watching)
    target.unlink()


def command(client: Client, point: Point, target: Path) -> list[str]:
    """The line that loads the server.

    raises : ToolMissing for a flag that this version of the client lacks
    """
    metadata = [f"{name}={value}" for name, value in client.metadata.items()]
    words = client.vllm.known(
        BENCH,
        backend="openai",
        base_url=client.server.url,
        model=client.model,
        tokenizer=client.tokenizer,
        dataset_name="random",
        random_input_len=point.prompt_tokens,
        random_output_len=point.output_tokens,
        random_range_ratio=point.range_ratio,
        num_prompts=point.requests,
        max_concurrency=point.concurrency,
        request_rate=point.request_rate,
        seed=point.seed,
        ignore_eos=True,
        percentile_metrics=METRICS,
        metric_percentiles=PERCENTILES,
        save_result=True,
        save_detailed=True,
        disable_tqdm=True,
        result_dir=str(target.parent),
        result_filename=target.name,
    )
    greedy = ["--temperature", "0"] if "--temperature" in client.vllm.flags(*BENCH) else []
    return [client.vllm.program, *BENCH, *words, *greedy, *(["--metadata", *metadata] if metadata else [])]


def whole(path: Path) -> dict[str, Any] | None:
    """A result that is there and readable; None otherwise."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "completed" in found else None


def _watched(process: subprocess.Popen[bytes], watching: Watching) -> None:
    try:
        while process.poll() is None:
            watching()
            time.sleep(POLL)
    finally:
        guard.end(process)
