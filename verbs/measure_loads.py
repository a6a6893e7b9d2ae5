"""`measure serve`, `decode`, `prefill`: loads on a vLLM server, imported and set beside the prediction."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import importers
from measure.binary import Vllm, find
from measure.load import Client
from measure.points import Lengths, Point, loop_points, prompt_points, rate_points
from measure.profiling import export_nsys, nsys_words, present
from measure.server import Server, Serving, running, started
from measure.session import Progress, Session
from planner.catalogue_models import known_model
from planner.errors import InvalidWorkload, PlannerError
from planner.measured import Run
from planner.overlay import compare
from planner.presets import preset, presets, short_name
from planner.quantities import MILLISECOND, MINUTE
from store.runs import Store, default_root
from verbs.measure_decode import subtraction
from verbs.status import DONE

DECODE_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
PREFILL_PROMPTS = (64, 128, 256, 512, 1024, 2048, 4096)
DECODE = Lengths(128, 64)
PREFILL_REQUESTS = 16
USUAL = Lengths(512, 128)
WIDEST = 0.99
"""Range ratio of lengths: at 1 some would be nothing [1]."""


def arguments(kinds: Any) -> None:
    """Adds each kind of load to the parsers of `measure`."""
    serving = kinds.add_parser("serve", help="a load test at one or several loads")
    serving.add_argument("--concurrency", type=_integers, help="requests at once: 1,4,16")
    serving.add_argument("--rate", type=_numbers, help="arrivals a second: 5,20")
    named = ", ".join(short_name(one) for one in presets())
    serving.add_argument("--profile", metavar="NAME", help=f"rate and lengths of known traffic: {named}")
    serving.add_argument("--duration", type=float, help="of each point, in seconds; default: 60 of arrivals")
    serving.add_argument("--requests", type=int, help="of each loop; default: four turns, or what --duration takes")
    serving.add_argument("--prompt", type=int, help="tokens of each prompt; default: 512, or the profile's")
    serving.add_argument("--output", type=int, help="tokens generated for each; default: 128, or the profile's")
    serving.add_argument("--range-ratio", type=float, help="lengths vary by this share on both sides")
    serving.add_argument("--nsys", action="store_true", help="trace the server with Nsight Systems")
    decode = kinds.add_parser("decode", help="time of a decode step over the batch, prompts of 128 tokens")
    decode.add_argument("--batches", type=_integers, default=list(DECODE_BATCHES))
    prefill = kinds.add_parser("prefill", help="time of one prompt over its length")
    prefill.add_argument("--prompts", type=_integers, default=list(PREFILL_PROMPTS))
    for kind in (serving, decode, prefill):
        server_options(kind)
        kind.set_defaults(measure=measure)


def measure(given: argparse.Namespace) -> int:
    """Measures what is missing, imports it and prints measured beside predicted."""
    vllm = find(given.vllm)
    session = Session(given.out, points(given))
    missing = session.open(asked_of(given, vllm))
    if missing:
        with server_of(given, vllm, session.folder) as server:
            for progress in session.measure(client_of(given, vllm, server)):
                print(_line(progress), flush=True)
    print("\n".join(result_of(session, given)))
    return DONE


def points(given: argparse.Namespace) -> tuple[Point, ...]:
    """The points of a kind of measurement."""
    return POINTS[given.kind](given)


def _serve_points(given: argparse.Namespace) -> tuple[Point, ...]:
    lengths, rates = _lengths(given), given.rate
    if given.profile and not (rates or given.concurrency):
        rates = [preset(given.profile).traffic.rate]
    if rates:
        return rate_points(lengths, rates, given.duration or MINUTE, given.seed)
    lasts = None if given.requests else given.duration
    return loop_points(lengths, given.concurrency or [1, 4, 16, 64], given.requests, given.seed, lasts)


def _lengths(given: argparse.Namespace) -> Lengths:
    """As given, else the profile's: uniform, and as spread as uniform lengths can be. Shared prefixes are not sent."""
    usual = USUAL
    if given.profile:
        known = preset(given.profile).traffic
        widest = min(WIDEST, math.sqrt(3) * known.spread)
        usual = Lengths(round(known.prompt_tokens), round(known.output_tokens), widest)
    return Lengths(
        usual.prompt_tokens if given.prompt is None else given.prompt,
        usual.output_tokens if given.output is None else given.output,
        usual.range_ratio if given.range_ratio is None else given.range_ratio,
    )


def _decode_points(given: argparse.Namespace) -> tuple[Point, ...]:
    """Each batch twice: whole, and with one token, whose time is the prefill's."""
    one = Lengths(DECODE.prompt_tokens, 1)
    whole = loop_points(DECODE, given.batches, None, given.seed)
    return (*whole, *loop_points(one, given.batches, None, given.seed + len(whole)))


def _prefill_points(given: argparse.Namespace) -> tuple[Point, ...]:
    return prompt_points(given.prompts, PREFILL_REQUESTS, given.seed)


POINTS: dict[str, Callable[[argparse.Namespace], tuple[Point, ...]]] = {
    "serve": _serve_points,
    "decode": _decode_points,
    "prefill": _prefill_points,
}


def server_options(parser: argparse.ArgumentParser) -> None:
    """Options of the server and its client, for every kind of load."""
    parser.add_argument("--model", required=True, help="a name on the model hub, or a folder")
    parser.add_argument("--gpu", help="of the catalogue; default: as nvidia-smi names it")
    parser.add_argument("--out", type=Path, required=True, help="folder of the measurement; the same one goes on")
    parser.add_argument("--vllm", help="the vllm program; default: the one on PATH")
    parser.add_argument("--set", action="append", default=[], metavar="FLAG=VALUE", help="a flag of vllm serve")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="of the server's environment")
    parser.add_argument("--prefix-caching", action="store_true", help="leave vLLM's prefix cache on")
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-manage-vllm", action="store_true", help="use the server at --url")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--served-model-name", help="as the server at --url calls it")
    parser.add_argument("--tokenizer")
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(nsys=False)


def asked_of(given: argparse.Namespace, vllm: Vllm) -> dict[str, object]:
    """All that must stay the same for points to belong together."""
    server = given.url if given.no_manage_vllm else dict(_pairs(given.set))
    return {
        "kind": given.kind,
        "model": given.model,
        "vllm": vllm.version,
        "server": server,
        "prefix_caching": given.prefix_caching,
    }


@contextlib.contextmanager
def server_of(given: argparse.Namespace, vllm: Vllm, folder: Path) -> Iterator[Server]:
    """A server of our own for the length of a `with`, or the one at --url."""
    if given.no_manage_vllm:
        yield running(given.url)
        return
    before = tuple(nsys_words(folder)) if given.nsys else ()
    if before:
        present(before)
    settings = _settings(given)
    serving = Serving(given.model, settings, given.prefix_caching, given.port, before, dict(_pairs(given.env)))
    with started(vllm, serving, folder, _waiting) as server:
        sys.stderr.write("\n")
        yield server


def _settings(given: argparse.Namespace) -> dict[str, object]:
    """Flags of the server; the decode sweep needs room for its largest batch."""
    settings: dict[str, object] = {key.replace("-", "_"): value for key, value in _pairs(given.set)}
    if given.kind == "decode":
        settings.setdefault("max_num_seqs", max(given.batches))
    return settings


def client_of(given: argparse.Namespace, vllm: Vllm, server: Server) -> Client:
    """The client, with what is known of the server in its metadata."""
    metadata = {key: f"{value:.12g}" for key, value in server.facts.items()} | dict(_pairs(given.set))
    metadata |= {"vllm_version": vllm.version, "prefix_caching": str(given.prefix_caching).lower()}
    metadata |= {"gpu": given.gpu} if given.gpu else {}
    return Client(vllm, server, given.served_model_name or given.model, given.tokenizer, metadata)


def result_of(session: Session, given: argparse.Namespace) -> Iterator[str]:
    """Imports the results; lines for a person, measured beside predicted."""
    read = importers.read(session.join())
    store = Store(default_root())
    yield f"Imported as run {store.save(read)}."
    if given.nsys:
        yield f"Imported as run {store.save(importers.read(export_nsys(session.folder)))} (trace)."
    if given.kind == "decode":
        yield from subtraction(session, given.batches, DECODE)
    try:
        yield from _beside(read, given)
    except PlannerError as error:
        yield f"No prediction beside it: {error}"


def _beside(read: Run, given: argparse.Namespace) -> Iterator[str]:
    if read.gpu is None:
        raise InvalidWorkload("the GPU is not known. Name it with --gpu.")
    yield f"{'load':>14} {'metric':<24} {'measured':>12} {'predicted':>12} {'ratio':>7}"
    for found in compare(read, read.gpu, known_model(given.model)):
        if found.residual is None or found.predicted is None:
            continue
        load = f"{found.point.concurrency:g} at once" if found.point.concurrency else f"{found.point.request_rate:g}/s"
        scale = 1.0 if "throughput" in found.point.metric else MILLISECOND
        yield (
            f"{load:>14} {found.point.metric + ' ' + found.point.statistic:<24} {found.point.value / scale:12.4g} "
            f"{found.predicted / scale:12.4g} {found.residual:7.2f}"
        )


def _line(progress: Progress) -> str:
    left = "" if progress.left is None else f", about {progress.left / MINUTE:.1f} minutes left"
    return f"[{progress.done + 1}/{progress.total}] {progress.point.name}{left}"


def _waiting(seconds: float) -> None:
    sys.stderr.write(f"\rwaiting for the server: {seconds:.0f} s")
    sys.stderr.flush()


def _pairs(texts: list[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidWorkload(f'"{text[:60]}" has no "=": write FLAG=VALUE.')
        yield key.lstrip("-"), value


def _integers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split(",")]
