"""Does the file contradict what the reader chose?

| check | sign |
| --- | --- |
| other_gpu | the file names another GPU, or tells another bandwidth or memory |
| other_model | the file names a model of other shapes |
| other_quantization | model name, settings or kernels speak of another quantization |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from planner.catalogue import find_gpu
from planner.catalogue_models import known_model
from planner.checks.evidence import Evidence, Finding
from planner.errors import CatalogueError
from planner.gpu import Gpu
from planner.measured import Severity
from planner.model import Model
from planner.parameters import parameter_count
from planner.precision import SCHEMES
from planner.quantities import GIB, GIGA
from planner.words import digits, percent

GPU, MODEL, QUANTIZATION = "other_gpu", "other_model", "other_quantization"
SAME_BANDWIDTH, SAME_MEMORY = 0.05, 0.1
"""Relative differences that rounding and reserved memory allow."""
SPELLED = re.compile(r"(?<![a-z])(nvfp4|mxfp4|fp8|awq|gptq|int8|int4)(?![a-z])")
UNPACKING = re.compile(r"(?!triton_).*(marlin|awq_gemm|awq_dequant|gptq_gemm)")
"""Kernels of quantized weights; not Inductor's, which bear the names of their neighbours."""
SINGLE = re.compile(r"(?!triton_).*(f32f32|(?<![a-z])sgemm|tf32)")
NOTABLE = 0.2
"""Share of kernel time from which 32-bit products are more than a router's."""
SIXTEEN, FOUR_BIT = ("bf16", "fp16"), ("awq", "gptq")
SETTINGS: Mapping[str, tuple[str, float, str, float]] = {
    "gpu_bandwidth_gb_s": ("bandwidth", GIGA, "GB/s", SAME_BANDWIDTH),
    "gpu_memory_gib": ("memory_nominal", GIB, "GiB", SAME_MEMORY),
}
"""Settings of a trace -> the GPU's field, unit, and difference allowed."""
WRONG = "the wrong {} was chosen, or the wrong file"


def other_gpu(evidence: Evidence) -> Iterator[Finding]:
    """A file of another GPU than the one chosen.

    evidence : a run whose file names its GPU, or tells its bandwidth or memory
    returns : measured and limit: the file's and the data sheet's figure [B/s], [GB/s], [GiB]
    valid : names that mean one GPU of the catalogue; a host with several models has the chosen one among them
    """
    chosen, told = evidence.gpu, evidence.run.settings
    if chosen is None:
        return
    named = [gpu for name in dict.fromkeys(evidence.run.gpu_names) if (gpu := _named(name)) is not None]
    if named and chosen.id not in {gpu.id for gpu in named}:
        other = named[0]
        yield Finding(
            GPU, Severity.ERROR, other.label,
            f"The file names {other.label}, but {chosen.label} was chosen: {other.bandwidth / chosen.bandwidth:#.3g} "
            "times its bandwidth.",
            other.bandwidth, chosen.bandwidth, "B/s", WRONG.format("GPU"), f"Choose {other.label}.",
        )  # fmt: skip
    for setting, (field, unit, shown, margin) in ({} if named else SETTINGS).items():
        value, sheet = told.get(setting), getattr(chosen, field) / unit
        if isinstance(value, float | int) and abs(value / sheet - 1) > margin:
            yield Finding(
                GPU, Severity.ERROR, chosen.label,
                f"The file tells {value:,.4g} {shown} of {field.split('_')[0]}; {chosen.label} has {sheet:,.4g}.",
                float(value), sheet, shown, WRONG.format("GPU"), "Choose the GPU that ran it.",
            )  # fmt: skip


def other_model(evidence: Evidence) -> Iterator[Finding]:
    """A file of another model than the one chosen.

    evidence : a run whose file names its model
    returns : measured and limit: parameters of the named and of the chosen model [1]
    valid : names that the catalogue knows; copies and fine-tunes of one architecture are the same
    """
    chosen, name = evidence.model, evidence.run.model_name
    named = _model(name) if name else None
    if chosen is None or named is None or _shape(named) == _shape(chosen):
        return
    count, other = parameter_count(named), parameter_count(chosen)
    yield Finding(
        MODEL, Severity.ERROR, named.name,
        f"The file names {named.name} with {digits(count / GIGA)} billion parameters, but {chosen.name} with "
        f"{digits(other / GIGA)} billion was chosen.",
        float(count), float(other), "parameters", WRONG.format("model"),
        f"Choose {named.name}.",
    )  # fmt: skip


def other_quantization(evidence: Evidence) -> Iterator[Finding]:
    """A file of another quantization than the one chosen.

    evidence : a run whose model name, settings or kernels tell it
    returns : measured: share of kernel time, or 1 for a name; limit: what the chosen scheme leaves room for [1]
    valid : schemes that a name spells out
    """
    asked = evidence.scenario
    if asked is None:
        return
    chosen = asked.quantization.scheme
    told = f"{evidence.run.settings.get('quantization') or ''} {evidence.run.model_name or ''}".strip()
    spelled = sorted(set(SPELLED.findall(told.lower())))
    if spelled and chosen not in spelled and not (chosen in FOUR_BIT and "int4" in spelled):
        yield Finding(
            QUANTIZATION, Severity.ERROR, told,
            f"The file says {', '.join(spelled)} ({told}), but {chosen} was chosen.",
            SCHEMES[spelled[0]].bits, SCHEMES[chosen].bits, "bit", WRONG.format("quantization"),
            f"Choose {' or '.join(spelled)}.",
        )  # fmt: skip
    name, share = _spent(evidence, UNPACKING)
    if chosen in SIXTEEN and share > 0:
        yield Finding(
            QUANTIZATION, Severity.ERROR, name,
            f"{percent(share)} of kernel time is in kernels that unpack quantized weights; {chosen} was chosen, which "
            "has none.",
            share, 1.0, "of kernel time", "the traced model is quantized", "Choose its quantization.",
        )  # fmt: skip
    name, share = _spent(evidence, SINGLE)
    if share > NOTABLE:
        yield Finding(
            QUANTIZATION, Severity.WARNING, name,
            f"{percent(share)} of kernel time is in matrix products of 32-bit numbers; {chosen} was chosen, which has "
            "none.",
            share, NOTABLE, "of kernel time", "the traced program is no LLM in vLLM, or runs with dtype float32",
            "Look at --dtype in the server's start-up log.",
        )  # fmt: skip


def _spent(evidence: Evidence, named: re.Pattern[str]) -> tuple[str, float]:
    """The longest of the kernels that are named so, and their share of kernel time [1]."""
    kernels = [kernel for kernel in evidence.run.kernels if named.match(kernel.name.lower())]
    whole = sum(kernel.seconds for kernel in evidence.run.kernels)
    longest = max(kernels, key=lambda kernel: kernel.seconds, default=None)
    return (longest.name, sum(kernel.seconds for kernel in kernels) / whole) if longest and whole else ("", 0.0)


def _named(name: str) -> Gpu | None:
    try:
        return find_gpu(name)
    except CatalogueError:
        return None


def _model(name: str) -> Model | None:
    try:
        return known_model(name)
    except CatalogueError:
        return None


def _shape(model: Model) -> tuple[int, int, int]:
    return model.hidden, model.depth, parameter_count(model)
