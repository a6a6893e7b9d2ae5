"""The decode sweep's own table: what a step takes, separated from the prefill by a run of one token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from measure.load import whole
from measure.points import Lengths, Point
from measure.session import Session


def subtraction(session: Session, batches: Sequence[int], lengths: Lengths) -> Iterator[str]:
    """A line for each batch, as text.

        decode step = (end-to-end of all tokens - end-to-end of one token) / (output tokens - 1)

    batches : that were measured
    lengths : of the requests; each batch was also measured with one output token [tokens]
    """
    found = {(point.concurrency, point.output_tokens): _e2e_ms(session, point) for point in session.points}
    yield f"{'batch':>6} {f'{lengths.output_tokens} tokens':>12} {'one token':>12} {'decode step':>12} {'tokens/s':>10}"
    for batch in sorted(set(batches)):
        long, short = found.get((batch, lengths.output_tokens)), found.get((batch, 1))
        if long is None or short is None:
            yield f"{batch:>6} not measured"
            continue
        step = (long - short) / (lengths.output_tokens - 1)
        told = f"{batch / step * 1000:10.0f}" if step > 0 else f"{'-':>10}"
        yield f"{batch:>6} {long:9.1f} ms {short:9.1f} ms {step:9.3f} ms {told}"


def _e2e_ms(session: Session, point: Point) -> float | None:
    """Mean end-to-end latency of a point's requests [ms]."""
    result: dict[str, Any] | None = whole(session.file(point))
    return float(result["mean_e2el_ms"]) if result and "mean_e2el_ms" in result else None
