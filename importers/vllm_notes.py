"""The traps of vllm bench serve, said where a result can fall into them.

| seen in the results                            | note                                                          |
| ---------------------------------------------- | ------------------------------------------------------------- |
| completed 0; failed > 0                        | no values; values only of the requests that completed         |
| a metric that is 0 throughout                  | missing (one output token has no TPOT)                        |
| spec_decode_*                                  | ITL is per chunk, TPOT per token                              |
| ramp_up_strategy; few requests per slot        | averages mix loads; they include filling and draining         |
| max_output_tokens_per_s                        | left out: counts chunks in one-second buckets                 |
| several results                                | the same prompts again: prefix-cache hits                     |
| queue_times, start_times (client >= 0.16)      | no warm-up request by default                                 |
| NaN, arrays of different lengths               | treated as missing                                            |
| generated_texts, errors                        | how many texts were left out; why requests failed, in a word  |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from importers.failures import failure_counts
from importers.json_text import number, positive
from importers.vllm_points import Result, completed, zero_metrics
from importers.vllm_requests import Detail
from planner.measured import Note, Severity, sorted_notes

ENOUGH_ROUNDS = 5
"""Requests per slot below which filling and draining weigh on the averages."""
REPEATED_PROMPTS = Note(
    Severity.WARNING,
    "Several results in one file: with the same seed each sends the same prompts, and unless the server was restarted "
    "between them the later ones find them in the prefix cache.",
)
SAME_SEED = Note(
    Severity.INFO,
    "The client's seed is 0 unless set: a second run on the same server finds its prompts in the prefix cache.",
)
_WITHOUT_WARM_UP = ("start_times", "queue_times")


def notes(results: Sequence[Result], details: Sequence[Detail], not_finite: int) -> tuple[Note, ...]:
    """Every note on a file of results, gravest first.

    details : what each result lists by request
    not_finite : numbers of the file that were NaN or infinite
    """
    mismatched = sum(found.mismatched for found in details)
    found = [*_failures(results, details), *_missing(results, not_finite, mismatched), *_load(results)]
    return sorted_notes([*found, *_traps(results, details), *_privacy(details)])


def _failures(results: Sequence[Result], details: Sequence[Detail]) -> Iterator[Note]:
    failed = sum(number(result.get("failed")) or 0 for result in results)
    empty = sum(not completed(result) for result in results)
    if empty:
        yield Note(Severity.ERROR, f"No request completed in {empty} of {len(results)} results: they hold no values.")
    if failed and empty < len(results):
        done = sum(completed(result) for result in results)
        yield Note(
            Severity.WARNING,
            f"{failed:.0f} of {failed + done:.0f} requests failed. Latencies are of those that completed.",
        )
    why = failure_counts(name for listed in details for name in listed.failures)
    if why:
        yield Note(Severity.INFO, f"Why requests failed: {why}.")


def _missing(results: Sequence[Result], not_finite: int, mismatched: int) -> Iterator[Note]:
    zeros = sorted({metric for result in results if completed(result) for metric in zero_metrics(result)})
    if zeros:
        yield Note(
            Severity.INFO,
            f"{', '.join(zeros)}: given as 0, so missing. With one output token there is no time between tokens.",
        )
    if not_finite:
        yield Note(Severity.WARNING, f"{not_finite} values are NaN or infinite and were treated as missing.")
    if mismatched:
        yield Note(
            Severity.WARNING,
            f"{mismatched} results list their requests in arrays of different lengths: these were left out.",
        )
    if len({str(result.get("model_id")) for result in results}) > 1:
        yield Note(Severity.WARNING, "The file holds results of several models; keep one model in a file.")


def _load(results: Sequence[Result]) -> Iterator[Note]:
    if any(result.get("ramp_up_strategy") for result in results):
        yield Note(Severity.WARNING, "The request rate was ramped up: each average mixes several loads.")
    short = sum(_is_short(result) for result in results)
    if short:
        yield Note(
            Severity.INFO,
            f"{short} results have fewer than {ENOUGH_ROUNDS} requests per slot: filling and draining weigh on their "
            "averages, for vLLM's client has no steady-state window.",
        )


def _traps(results: Sequence[Result], details: Sequence[Detail]) -> Iterator[Note]:
    if any("spec_decode_acceptance_length" in result for result in results):
        yield Note(
            Severity.WARNING,
            "Speculative decoding: ITL is the gap between chunks of several tokens. Compare TPOT with a prediction.",
        )
    if any("max_output_tokens_per_s" in result for result in results):
        yield Note(
            Severity.INFO,
            "Peak output rate and peak concurrency were left out: the client counts chunks in one-second buckets.",
        )
    yield REPEATED_PROMPTS if len(results) > 1 else SAME_SEED
    if any(key in listed.keys for listed in details for key in _WITHOUT_WARM_UP):
        yield Note(
            Severity.INFO, "Since vLLM 0.16 no warm-up request is sent by default: the first ones may include set-up."
        )


def _privacy(details: Sequence[Detail]) -> Iterator[Note]:
    answers, errors = sum(listed.answers for listed in details), sum(len(listed.failures) for listed in details)
    if answers or errors:
        yield Note(Severity.INFO, f"Left out for privacy: {answers} generated texts and {errors} error messages.")


def _is_short(result: Result) -> bool:
    slots, sent = positive(result.get("max_concurrency")), positive(result.get("num_prompts"))
    return bool(slots and sent and sent < ENOUGH_ROUNDS * slots)
