"""How well kernels are told by their names: `python -m tools.kernel_classes [../shared/traces]`.

Against the labelled names: precision and recall by class, and every disagreement. Against traces: the share of kernel
time of each that no class explains. Labels by rule are questions, not answers; see importers/kernels.py for ours.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from importers.kernel_details import number_format, tile
from importers.kernels import ATTENTION, OTHER, classify

TRACES = Path(__file__).parent.parent.parent / "shared" / "traces"
LABELS = "kernel_names.csv"
OURS = {
    "gemm_quant": "gemm",
    "conv": "other",
    "moe_gemm": "moe",
    "moe_routing": "moe",
    "comm": "collective",
    "copy": "memory",
    "kv_cache": "kv_cache_write",
    "rope": "rotary",
    "embedding_index": "embedding",
    "softmax": "reduce",
    "reduction": "reduce",
    "triton_pointwise": "elementwise",
    "triton_reduction": "reduce",
    "triton_other": "other",
}
"""Their class -> ours, where the word differs."""


@dataclass(frozen=True)
class Told:
    """One labelled name: the label in our words, what we tell, both without the phase of attention."""

    name: str
    label: str
    told: str
    serving: bool


def told_names(path: Path) -> list[Told]:
    """Every labelled name with what we tell."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Told(
                row["kernel_name"],
                OURS.get(row["op_class"], row["op_class"]),
                without_phase(classify(row["kernel_name"])),
                any(engine in row["framework"].lower() for engine in ("vllm", "sglang")),
            )
            for row in csv.DictReader(file)
        ]


def without_phase(kind: str) -> str:
    """The kind, attention of a known phase as attention."""
    return ATTENTION if kind.startswith(ATTENTION) else kind


def share_right(names: Iterable[Told]) -> float:
    """Share of names told as labelled."""
    found = [one.told == one.label for one in names]
    return sum(found) / len(found)


def by_class(names: list[Told]) -> Iterator[tuple[str, int, float, float]]:
    """Class, labelled names, precision and recall."""
    labels, told = Counter(one.label for one in names), Counter(one.told for one in names)
    right = Counter(one.label for one in names if one.told == one.label)
    for kind in sorted(labels, key=lambda kind: -labels[kind]):
        yield kind, labels[kind], right[kind] / told[kind] if told[kind] else 0.0, right[kind] / labels[kind]


def times_by_kind(path: Path) -> Counter[str]:
    """Kernel time of a PyTorch trace by kind; nothing if it is none."""
    times: Counter[str] = Counter()
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            trace = json.load(file)
    except ValueError:
        return times
    for event in trace.get("traceEvents", []) if isinstance(trace, dict) else trace:
        if isinstance(event, dict) and str(event.get("cat", "")).lower() == "kernel" and "dur" in event:
            times[classify(event["name"])] += event["dur"]
    return times


def main() -> None:
    """Print both tables."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else TRACES
    names = told_names(root / LABELS)
    print(f"{'class':16} {'names':>6} {'precision':>10} {'recall':>8}")
    for kind, count, precision, recall in by_class(names):
        print(f"{kind:16} {count:6} {precision:10.1%} {recall:8.1%}")
    print(f"{'all':16} {len(names):6} {share_right(names):10.1%}")
    serving = [one for one in names if one.serving]
    print(f"{'vLLM and SGLang':16} {len(serving):6} {share_right(serving):10.1%}")
    gemms = [one.name for one in names if one.told == "gemm"]
    print(
        f"of {len(gemms)} products {sum(number_format(name) is not None for name in gemms)} tell their format, ", end=""
    )
    print(f"{sum(tile(name) is not None for name in gemms)} their tile\n\ndisagreements (label, ours, name):")
    for one in sorted((one for one in names if one.told != one.label), key=lambda one: (one.label, one.name)):
        print(f"  {one.label:12} {one.told:12} {one.name[:90]}")
    print("\nkernel time that no class explains:")
    for path in sorted((root / "torch").glob("*.json*")):
        times = times_by_kind(path)
        if times:
            print(f"  {times[OTHER] / sum(times.values()):6.1%}  {path.name[:90]}")


if __name__ == "__main__":
    main()
