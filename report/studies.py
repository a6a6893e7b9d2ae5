"""The tables of the two studies, rebuilt from data/reference: theirs beside ours, and why where theirs cannot be.

| study                     | tables                                                                  |
| ------------------------- | ----------------------------------------------------------------------- |
| T4 roofline analysis      | phases on the roof, load test, batch 1 against 8, three phases, grading |
| week 3 roofline lab       | decode sweep, prefill sweep: theoretical against measured, utilisation  |
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import pairwise

from importers.reference import reference_runs
from planner.catalogue import DATA
from planner.checks import evidence, findings, told_model
from planner.checks.report import WORDS
from planner.command import serve_command
from planner.estimate import Estimate, estimate
from planner.memory import active_weight_bytes
from planner.predict import question
from planner.quantities import MICROSECOND
from planner.table import cells_of
from planner.words import digits, duration, percent, tera
from report.case import Case, measured
from report.document import study
from report.grades import Thresholds
from report.sections import Command, Section, Table, Words
from report.sections_compare import STUDIES, before_and_after
from report.sections_verdict import grades
from words.text import plain

WHOLE = "16384"
"""Token budget of a step that takes any of the lab's prompts at once [tokens]."""
THEIRS = (
    "--dtype half --max-model-len 2048 --max-num-seqs 8 --gpu-memory-utilization 0.90 --quantization awq "
    "--enforce-eager"
)
T4, LAB = "varcas T4 roofline analysis", "Week 3 roofline lab"


def studies(held: Thresholds) -> Iterator[Section]:
    """Every table of both studies, in their order."""
    yield phases_on_the_roof()
    yield load_test()
    for title in STUDIES:
        yield before_and_after(title, study(title))
    graded = [case for members in STUDIES.values() for case in (_t4(member) for member in members)]
    yield grades([_t4("first"), *graded], held)
    yield to_deploy()
    yield decode_sweep()
    yield prefill_sweep()
    yield objections()


def phases_on_the_roof() -> Section:
    """roofline_static.py: intensity, attainable rate and bound of each phase."""
    rows = []
    with (DATA / "reference" / "t4_awq_static.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = estimate(question(cells_of(row)))
            phase = found.prefill if row["phase"] == "prefill" else found.decode
            rows.append(
                (f"{row['phase']}, batch {row['batch']}, {row['context_tokens']} tokens",
                 row["reported_arithmetic_intensity"], digits(phase.intensity),
                 f"{row['reported_attainable_tflop_s']} TFLOP/s", tera(phase.attainable), tera(phase.achieved),
                 row["reported_bound"], phase.bound.label)
            )  # fmt: skip
    columns = (
        "Phase",
        "FLOP/B: theirs",
        "ours",
        "Attainable: theirs",
        "ours",
        "Reached, predicted",
        "Bound: theirs",
        "ours",
    )
    said = (
        "The bounds agree; the intensities differ, because ours counts operands and results of every op. "
        "Attainable is what the roof allows, not what kernels reach."
    )
    return Section(f"{T4}: both phases on the roof", said, (Table("", columns, tuple(rows)),))


def load_test() -> Section:
    """roofline_dynamic.py: the load test of chat_medium."""
    case = _t4("first")
    rows = tuple(
        (f"{point.metric}, {point.statistic}", (digits if "throughput" in point.metric else duration)(point.value))
        for point in (case.run.points if case.run else ())
    )
    said = "What the study published of 1,214 requests at 20 a second; lengths were not published."
    return Section(f"{T4}: load test of chat_medium", said, (Table("", ("Figure", "Measured"), rows),))


def to_deploy() -> Section:
    """The configuration that the study recommends, and ours for the same deployment."""
    case = _t4("easy_wins_after")
    said = "The study recommends a batch limit of 8. Ours leaves out what vLLM takes from the checkpoint or by default."
    return Section(f"{T4}: configuration to deploy", said, (
        Words(f"Theirs: {plain(THEIRS)}"), Command(serve_command(case.scenario))))  # fmt: skip


def decode_sweep() -> Section:
    """week03_roofline.py, decode: the bandwidth floor as theory, measured, and the share reached."""
    rows = [
        (_gpu(case), digits(one.point.concurrency or 0), duration(one.point.value), duration(_theory(one.estimate)),
         percent(_theory(one.estimate) / one.point.value), duration(one.predicted or 0), digits(one.residual or 0),
         digits((one.point.concurrency or 0) / one.point.value))
        for case in _lab("decode sweep") for one in case.compared if one.estimate is not None
    ]  # fmt: skip
    columns = ("GPU", "Batch", "Measured", "Theory: weights / bandwidth", "Of theory", "Predicted", "Ratio", "Tokens/s")
    said = (
        "Theory is the study's, all weights: of the embedding table a step reads single rows. The prediction also "
        "counts the KV cache, kernels and the host."
    )
    return Section(f"{LAB}: decode sweep", said, (Table("", columns, tuple(rows)),))


def _theory(found: Estimate) -> float:
    """The study's least time of a step: all weights over bandwidth, its untied input embedding among them [s]."""
    return active_weight_bytes(found.scenario) / found.scenario.deployment.gpu.bandwidth


def prefill_sweep() -> Section:
    """week03_roofline.py, prefill: what whole prompts would need at peak shows that they were not computed."""
    rows = []
    for case in _lab("prefill sweep"):
        for one in case.compared:
            if one.estimate is None:
                continue
            needed = _whole_prompt(case, one.point.prompt_tokens or 0)
            rows.append(
                (_gpu(case), digits(one.point.prompt_tokens or 0), duration(one.point.value), duration(needed),
                 percent(needed / one.point.value), duration(one.predicted or 0), digits(one.residual or 0))
            )  # fmt: skip
    columns = ("GPU", "Prompt", "Measured", "Whole prompt at peak", "Of peak, if whole", "Predicted, cached", "Ratio")
    said = (
        "Shares above 100 % are not possible: the benchmark repeated its prompts with prefix caching on, so that 16 "
        "tokens of each were computed. Predicted as it was really run."
    )
    marginal = Table("Cost of one more prompt token (µs)", ("GPU", "Theirs", "At peak, at least"), tuple(_marginal()))
    return Section(f"{LAB}: prefill sweep", said, (Table("", columns, tuple(rows)), marginal))


def objections() -> Section:
    """What the physics checks hold against both studies' numbers."""
    rows = tuple(
        (WORDS[one.severity], f"{run.source_name.split(': ', 1)[1]}: {one.subject}", one.sentence, one.cause)
        for run in reference_runs()
        for one in findings(evidence(run, run.gpu, told_model(run)))
    )
    said = f"The physics checks object to {len(rows)} of the studies' numbers."
    return Section("Where a study's own number is wrong, and why", said, (
        Table("", ("", "Where", "What was found", "Likely cause"), rows),))  # fmt: skip


def _t4(name: str) -> Case:
    run = next(run for run in reference_runs() if f"load test {name}," in run.source_name)
    return next(measured(run))


def _lab(sweep: str) -> list[Case]:
    return [next(measured(run)) for run in reference_runs() if f"{LAB}: {sweep}" in run.source_name]


def _gpu(case: Case) -> str:
    return case.scenario.deployment.gpu.label


def _whole_prompt(case: Case, prompt: float) -> float:
    """Time of a prompt's FLOPs at the GPU's peak, nothing of it cached [s]."""
    found = _uncached(case, prompt)
    return float(found.prefill.time.flops) / found.prefill.peak


def _uncached(case: Case, prompt: float) -> Estimate:
    if case.run is None:
        raise ValueError("a sweep has a run")
    asked = {"input_tokens": f"{prompt:.0f}", "output_tokens": "1", "mode": "batch", "max_num_batched_tokens": WHOLE}
    gpu = case.scenario.deployment.gpu.id
    return estimate(question({**asked, "gpu": gpu, "concurrency": "1"}, case.scenario.model))


def _marginal() -> Iterator[tuple[str, str, str]]:
    """What the lab reported, beside the least that a token's FLOPs take between the two longest prompts."""
    with (DATA / "reference" / "lab_prefill_sweep.csv").open(encoding="utf-8", newline="") as file:
        told = {row["gpu"]: row["reported_marginal_us_per_token"] for row in csv.DictReader(file)}
    for case in _lab("prefill sweep"):
        prompts = sorted(point.prompt_tokens or 0 for point in (case.run.points if case.run else ()))
        short, long = list(pairwise(prompts))[-1]
        least = (_whole_prompt(case, long) - _whole_prompt(case, short)) / (long - short)
        yield _gpu(case), told[case.run.gpu_names[0] if case.run else ""], digits(least / MICROSECOND)
