"""The T4 study's load tests (Llama-2-7B AWQ, vLLM without CUDA graphs): what of them can be predicted.

Of each run the batch is max_num_seqs, since far more was sent than served. Prompt and output lengths are not given:
ASSUMED, which moves TPOT by 2 % only, as the weights are most of what a step reads. Left out: rates of requests (20 a
second at 9 tokens each contradict latencies of 118 tokens), times in the queue, and runs without max_num_seqs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from planner.predict import predict
from tools.accuracy_cases import Case, answered, rows

TABLE = "t4_awq_load_tests.csv"
ASSUMED = {"input_tokens": "128", "output_tokens": "128", "engine_version": "0.6.3", "mode": "batch"}
"""The study calls its load "chat"; chunked prefill was still an option to turn on, which it no longer is since 0.8."""
METRICS = {"tpot_p50_ms": "tpot_ms", "output_tokens_per_s": "output_tokens_per_s"}
CONTRADICTED = {("b8", "output_tokens_per_s")}
"""Half of what its own TPOT gives for eight sequences."""


def t4_cases(folder: Path) -> Iterator[Case]:
    """Median TPOT, and throughput where no TPOT was measured or both agree."""
    for row in rows(folder / TABLE):
        for column, metric in METRICS.items():
            if not row[column]:
                continue
            if not row["max_num_seqs"] or (row["run"], column) in CONTRADICTED:
                reason = "batch is not given" if not row["max_num_seqs"] else "contradicts its own TPOT"
                yield Case(f"T4 load {metric}", row["gpu"], row["model"], row["run"], float(row[column]), None, reason)
                continue
            (answer,) = predict([{**row, **ASSUMED, "concurrency": row["max_num_seqs"]}])
            yield answered(f"T4 load {metric}", answer, row[column], answer[metric])
