"""`buy`: what to buy or rent for some traffic under some promises, cheapest first."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.request_table import read_requests
from planner.asking import DEFAULTS, INPUTS, PROMISES, asked_for
from planner.buy import search
from planner.catalogue_models import model_from_hub
from planner.demand import Demand
from planner.offer import chance_text, deployment, refusal_row, row, sentence, setup
from planner.option import Option, Refusal
from planner.ranking import best_of_each, nearest, ranked
from planner.words import duration
from verbs.status import DONE, NO_ANSWER
from verbs.workers import cluster_of, cluster_option, show, workers

name, about = "buy", "how many of which GPU for some traffic and promises, and what it costs"
SHORT = {"request_rate": "--rate"} | {
    column: "--" + column.removesuffix("_ms").replace("_", "-") for column in PROMISES.values()
}
"""Shorter names; promises are in milliseconds either way."""
SHOWN = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    """Every column of planner.asking.INPUTS as an option, its unit in its name."""
    for column in INPUTS:
        flags = {"--" + column.replace("_", "-"): None, SHORT.get(column, "--" + column.replace("_", "-")): None}
        usual = f"default {DEFAULTS[column]}" if column in DEFAULTS else None
        parser.add_argument(*flags, dest=column, required=column == "model", help=usual)
    parser.add_argument("--requests-csv", type=Path, help="real requests: prompt_tokens, output_tokens, arrival_s")
    parser.add_argument("--hub", action="store_true", help="fetch the model's config.json from huggingface.co")
    parser.add_argument("--all", action="store_true", help="every configuration, not only the best of each GPU")
    parser.add_argument("--json", action="store_true", help="the whole answer as JSON, units in the keys")
    cluster_option(parser, "search")


def run(given: argparse.Namespace) -> int:
    """Searches; no option at all is an answer with its own exit status."""
    cells = {column: value for column in INPUTS if (value := getattr(given, column)) is not None}
    recording = read_requests(given.requests_csv) if given.requests_csv else None
    asked = asked_for(cells, model_from_hub(cells["model"]) if given.hub else None, recording)
    options, refusals = found(asked, cluster_of(given))
    kept = options if given.all else best_of_each(options)
    if given.json:
        print(json.dumps(as_json(cells, asked, kept, refusals), indent=2))
    else:
        print("\n".join(as_text(asked, kept, refusals)))
    return DONE if options else NO_ANSWER


def found(asked: Demand, cluster: str | None = None) -> tuple[list[Option], list[Refusal]]:
    """The whole search, shared among the processors or a cluster's workers: options cheapest first, and refusals."""
    results = []
    with workers(cluster) as pool:
        for one in search(asked, pool):
            results.append(one.result)
            show(one.done, one.total)
    options = ranked(one for one in results if isinstance(one, Option))
    return options, [one for one in results if isinstance(one, Refusal)]


def as_json(cells: dict[str, str], asked: Demand, options: list[Option], refusals: list[Refusal]) -> dict[str, Any]:
    """The whole answer, every key with its unit."""
    return {
        "question": {**DEFAULTS, **cells},
        "answer": sentence(options[0], asked.slo.promises) if options else no_option(refusals),
        "options": [row(one) for one in options],
        "refused": [refusal_row(one) for one in refusals],
    }


def as_text(asked: Demand, options: list[Option], refusals: list[Refusal]) -> Iterator[str]:
    """The answer as lines for a person."""
    if not options:
        yield no_option(refusals)
    else:
        yield sentence(options[0], asked.slo.promises)
    for one in options[:SHOWN]:
        month = one.per_month
        paid = f"{month.value:10,.0f} USD a month" if month else "  no price known    "
        yield f"  {paid}  {deployment(one)} ({setup(one)}); chance {chance_text(one.chance)}; binds: {one.binds}"
    if len(options) > SHOWN:
        yield f"  ... and {len(options) - SHOWN} more: --json lists all."
    if refusals:
        yield f"  {len(refusals)} not looked at or refused: --json says why."
    if options:
        yield from (f"  note: {caveat}" for caveat in options[0].caveats)


def no_option(refusals: list[Refusal]) -> str:
    """That nothing keeps the promises, and the nearest that would."""
    near = nearest(refusals)
    if near is None:
        return f"No: nothing runs this model. {refusals[0].reason if refusals else ''}".strip()
    refusal, promise = near
    built = refusal.candidate
    return (
        f"No: nothing keeps these promises. Nearest: {built.tensor_parallel} x {built.gpu} in {built.scheme}, if "
        f"{promise.label} may take {duration(promise.limit)}. {refusal.reason}"
    )
