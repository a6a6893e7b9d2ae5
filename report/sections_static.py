"""What is known before anything is measured: the configuration, and what its roofs say of both steps."""

from __future__ import annotations

from collections.abc import Mapping

from charts import memory as memory_chart
from planner.estimate import Estimate, Phase
from planner.memory import memory
from planner.setting_words import flagged
from planner.words import digits, duration, interval_text, percent, tera
from report.case import Case
from report.sections import Section, Table, Words, chart_of
from words.rows import founded_rows
from words.text import gpus_text, memory_sentence, plain


def configuration(case: Case) -> Section:
    """What ran, or would run."""
    scenario, engine = case.scenario, case.scenario.engine
    load = scenario.workload
    asked = f"{digits(load.request_rate)} requests/s" if load.request_rate else f"{digits(load.concurrency)} at once"
    rows = {
        "GPU": gpus_text(scenario),
        "Model": scenario.model.name,
        "Weights, KV cache": f"{scenario.quantization.scheme}, {scenario.quantization.kv_cache}",
        "Engine": f"{engine.name or 'vllm'} {engine.version}",
        "Load": asked,
        "Prompt, output": f"{digits(load.prompt_tokens)}, {digits(load.output_tokens)} tokens",
        flagged("max_num_seqs"): digits(engine.max_num_seqs or 0),
        flagged("max_num_batched_tokens"): digits(engine.max_num_batched_tokens or 0),
        "CUDA graphs": "off (--enforce-eager)" if engine.enforce_eager else "on",
        "Prefix caching": "on" if engine.prefix_caching else "off",
    }
    several = f" The last of {len(case.loads)} loads is described." if len(case.loads) > 1 else ""
    told = f"**{plain(scenario.model.name)}** on **{plain(gpus_text(scenario))}**, {plain(asked)}.{several}"
    return Section("Configuration", told, (Table("", ("Setting", "Value"), tuple(rows.items())),))


def static_analysis(case: Case) -> Section:
    """What bounds each step, where it lies beside the ridge point, and whether it all fits."""
    title = "Static analysis: what the data sheet and the model's shapes say"
    room = chart_of("Memory of each GPU", memory_chart.memory_spec, memory_chart.parts(memory(case.scenario)), "Parts")
    found = case.answer
    if found is None:
        return Section(title, f"**No: it does not fit.** {plain(case.refusal)}", (room,))
    table = Table(
        "Both steps on the roof",
        ("", "Prefill step", "Decode step"),
        tuple(zip(ROWS, *(_phase(phase).values() for phase in (found.prefill, found.decode)), strict=True)),
        f"Bandwidth floor: no decode step can be shorter than {duration(found.floor)}, the weights that it has to read "
        "over the memory's bandwidth.",
    )
    fits = memory_sentence(found.memory, found.scenario.workload)
    return Section(title, bound_sentence(found), (table, Words(fits), room))


def predicted_answer(case: Case) -> Section:
    """The prediction alone, with its intervals."""
    found = case.answer
    if found is None:
        return Section("The answer", f"**No.** {plain(case.refusal)}")
    named = {"TTFT": found.ttft, "TPOT": found.tpot, "End to end": found.e2e}
    rows = tuple(
        (name, duration(one.value), interval_text(one.low, one.high) or "not known", duration(one.p50),
         duration(one.p99), one.basis.label)
        for name, one in named.items() if one
    )  # fmt: skip
    low, high = digits(found.throughput_low), digits(found.throughput_high)
    rate = ("Output tokens/s", digits(found.output_tokens_per_second), f"{low}–{high}", "–", "–", found.basis.label)
    columns = ("Figure", "Mean", "90 % interval of the mean", "p50", "p99", "Basis")
    cautions = tuple(Words(f"⚠ {plain(text)}") for text in found.caveats)
    said = "Between the two ends of an interval lie 90 % of measurements; the basis is that of the weakest input."
    return Section("The answer", said, (Table("Predicted", columns, (*rows, rate)), *cautions))


def rests_on(case: Case) -> Section:
    """Each input of the prediction, with its basis."""
    if case.answer is None:
        return Section("What the prediction rests on", "Nothing was predicted.")
    gpu = case.scenario.deployment.gpu
    said = f"The weakest input is **{case.answer.basis.label}**; a prediction is as good as that."
    source = f"Data sheet of {gpu.label}: {gpu.source.text}. {gpu.note}"
    table = Table("", ("Input", "Value", "Basis"), tuple(founded_rows(case.answer)), plain(source))
    return Section("What the prediction rests on", said, (table,))


def bound_sentence(found: Estimate) -> str:
    """What bounds both phases, as Markdown."""
    sides = []
    for name, phase in (("reading prompts (prefill)", found.prefill), ("writing tokens (decode)", found.decode)):
        side = "right" if phase.intensity >= phase.ridge else "left"
        sides.append(
            f"{name} is bound by **{phase.bound.label}** ({digits(phase.intensity)} FLOP/B, {side} of the ridge point "
            f"at {digits(phase.ridge)})"
        )
    text = "; ".join(sides)
    return f"{text[0].upper()}{text[1:]}."


ROWS = (
    "Bound by", "Arithmetic intensity", "Ridge point", "Attainable there", "Reached, predicted", "Of the peak (MFU)",
    "Of the bandwidth (MBU)", "Time of the step",
)  # fmt: skip


def _phase(phase: Phase) -> Mapping[str, str]:
    told = (
        phase.bound.label, f"{digits(phase.intensity)} FLOP/B", f"{digits(phase.ridge)} FLOP/B", tera(phase.attainable),
        tera(phase.achieved), percent(phase.mfu), percent(phase.mbu), duration(phase.seconds),
    )  # fmt: skip
    return dict(zip(ROWS, told, strict=True))
