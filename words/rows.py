"""What a run is and what was measured, as a sentence and as rows: for pages and files alike, no Streamlit."""

from __future__ import annotations

from planner.engine import HostTimes
from planner.estimate import Estimate
from planner.marks import totals
from planner.measured import Run
from planner.overlay import Comparison
from planner.quantities import MILLISECOND
from planner.scenario import Scenario
from planner.setting_words import flagged
from planner.words import digits, duration, giga, percent, tera
from words.text import memory_text, plain

UNITS = {"throughput": "1/s", "intensity": "FLOP/B"}
METRICS = {
    "ttft": "TTFT",
    "tpot": "TPOT",
    "itl": "ITL",
    "e2e": "End to end",
    "latency_per_output_token": "Latency per output token",
    "output_throughput": "Output tokens",
    "request_throughput": "Requests",
    "prefill_arithmetic_intensity": "Prefill intensity",
    "decode_arithmetic_intensity": "Decode intensity",
}


def verdict(run: Run) -> str:
    """What the run is, in one sentence, as Markdown."""
    who = " ".join(part for part in (run.tool, run.tool_version) if part != "unknown").strip()
    when = f", measured {run.started[:10]}" if run.started else ""
    where = f" on {', '.join(sorted(set(run.gpu_names)))}" if run.gpu_names else ""
    said = plain(f"{run.source_name}: {who}{when}{where}.")
    if run.kernels:
        spent = sum(kernel.seconds for kernel in run.kernels)
        launches = sum(kernel.launches for kernel in run.kernels)
        leading = list(totals(run.kernels).items())[:3]
        shares = ", ".join(f"{kind} {percent(seconds / spent)}" for kind, seconds in leading) if spent else ""
        return f"{said} **{launches:,}** kernel launches, **{duration(spent)}** of kernel time: {plain(shares)}."
    if rows := run.summary.get("rows"):
        return f"{said} A table of **{rows:,.0f}** rows."
    return f"{said} **{len(run.points)}** measured values." if run.points else said


def comparison_row(comparison: Comparison) -> dict[str, object]:
    """A measured value with its conditions, beside its prediction, in the unit that people use for it."""
    point, found = comparison.point, comparison.estimate
    unit = next((unit for word, unit in UNITS.items() if word in point.metric), "ms")
    scale = MILLISECOND if unit == "ms" else 1.0
    predicted = comparison.predicted
    decode = comparison.floor_utilisation is not None
    return {
        "Metric": METRICS.get(point.metric, point.metric),
        "Statistic": point.statistic,
        "Requests at once": point.concurrency,
        "Requests/s": point.request_rate,
        "Prompt": point.prompt_tokens,
        "Output": point.output_tokens,
        "Cached": point.prefix_cached_tokens,
        "Unit": unit,
        "Measured": point.value / scale,
        "Predicted": predicted / scale if predicted is not None else None,
        "Measured ÷ predicted": comparison.residual,
        "Floor (ms)": found.floor / MILLISECOND if found is not None and decode else None,
        "Floor reached": comparison.floor_utilisation,
        "Why not": comparison.refusal,
    }


def founded_rows(found: Estimate) -> list[tuple[str, str, str]]:
    """What an answer rests on: each input, its value and its basis."""
    scenario, engine = found.scenario, found.scenario.engine
    gpu, host = scenario.deployment.gpu, scenario.host
    matmul = scenario.quantization.matmul
    rows = [(what[0].upper() + what[1:], "–", basis.label) for what, basis in found.founded_on]
    rows += [
        (f"Dense {matmul} peak", tera(gpu.peak(matmul)), gpu.basis.label),
        ("HBM bandwidth", giga(gpu.bandwidth), gpu.basis.label),
        (f"Link ({gpu.link})", giga(gpu.link_bandwidth), gpu.basis.label),
        ("Memory that CUDA reports", memory_text(gpu.memory), "measured" if gpu.memory_is_reported else "assumed"),
        (flagged("max_num_seqs"), digits(engine.max_num_seqs or 0), "vLLM default or yours"),
        (flagged("max_num_batched_tokens"), digits(engine.max_num_batched_tokens or 0), "vLLM default or yours"),
        (flagged("gpu_memory_utilization"), digits(engine.gpu_memory_utilization or 0), "vLLM default or yours"),
        ("Async scheduling", "on" if engine.async_scheduling else "off", "vLLM default or yours"),
        ("Prefix caching", "on" if engine.prefix_caching else "off", "vLLM default or yours"),
    ]
    if host is not None:
        rows += _host(host, scenario)
    return [*rows, *_factors(scenario)]


def _host(host: HostTimes, scenario: Scenario) -> list[tuple[str, str, str]]:
    """Host times as they are used, a calibration's factors in them; what is hidden only where scheduling is async."""
    own = scenario.correction
    fitted, guessed = (f"calibrated on {plain(own.name)}",) * 2 if own else ("calibrated", "assumed")
    hidden = [
        ("Of a step, hidden behind the GPU", duration(host.hidden_step), guessed),
        ("Of a sequence, hidden behind the GPU", duration(host.hidden_sequence), guessed),
    ]
    return [
        ("Host time of a step", duration(host.step), fitted),
        ("Host time of a sequence in it", duration(host.sequence), fitted),
        *(hidden if scenario.engine.async_scheduling else []),
        ("Host time of a prompt token", duration(host.prompt_token), fitted),
        ("Host time of a request", duration(host.request), guessed),
    ]


def _factors(scenario: Scenario) -> list[tuple[str, str, str]]:
    """A calibration's factors on the GPU, as they hold for this model."""
    own = scenario.factors
    if own is None:
        return []
    named = {f"{name} share of all kernels": getattr(own, name) for name in ("memory", "compute", "link")}
    named |= {"latency of a kernel": own.latency, "time of this model's kernels": own.slower(scenario.configuration)}
    return [(f"Factor on {name}", f"{value:.3f}", f"calibrated on {plain(own.name)}") for name, value in named.items()]
