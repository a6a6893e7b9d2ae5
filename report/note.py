"""What an answer took for granted, as plain text: a line for each assumption, `name == value  # basis`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.command import serve_command
from planner.estimate import Estimate
from planner.quantities import Basis
from planner.words import digits
from report.answers import planned_origin
from words.rows import founded_rows

DRIVER = (
    "any that this vLLM runs on",
    "assumed: drivers are not modelled; measured efficiencies hold for those of the runs",
)
Assumption = tuple[str, str, str]


def note(found: Estimate, link: str = "") -> str:
    """The note of an answer.

    found : the answer
    link : path and query of the question; empty: there is none
    """
    about = planned_origin(found, link=link).about()
    head = [f"# {name}: {text}" for name, text in about.items()]
    parts = [
        "\n".join(["# What was assumed", *head]),
        _section("asked", _asked(found)),
        _section("rests on", founded_rows(found)),
        "\n".join(["# run it", serve_command(found.scenario)]),
    ]
    if found.caveats:
        parts.append("\n".join(["# left out", *(f"# - {caveat}" for caveat in found.caveats)]))
    return "\n\n".join(parts) + "\n"


def _section(title: str, rows: Iterable[Assumption]) -> str:
    told = [(f"{name} == {value}" if value != "–" else name, basis) for name, value, basis in rows]
    width = max((len(text) for text, _ in told), default=0)
    return "\n".join([f"# {title}", *(f"{text:<{width}}  # {basis}" for text, basis in told)])


def _asked(found: Estimate) -> Iterator[Assumption]:
    scenario, load = found.scenario, found.scenario.workload
    gpu, formats, engine = scenario.deployment.gpu, scenario.quantization, scenario.engine
    sheet = f"{gpu.basis.label}: {gpu.source.text}"
    unchecked = f"; not checked: {', '.join(gpu.unchecked)}" if gpu.unchecked else ""
    yield "gpu", f"{scenario.deployment.tensor_parallel} x {gpu.label}", sheet + unchecked
    yield "driver", *DRIVER
    yield engine.name, engine.version, "its defaults and host times"
    yield "model", scenario.model.name, scenario.model.source.text
    yield "weights", formats.scheme, f"multiplied in {formats.matmul}, {formats.weight_bytes:.4g} bytes each"
    yield "kv_cache", formats.kv_cache, "keys and values"
    yield "prompt_tokens", f"{load.prompt_tokens:g}", _lengths(load.length_ratio)
    yield "output_tokens", f"{load.output_tokens:g}", _lengths(load.length_ratio)
    yield "prefix_cached_tokens", f"{load.prefix_cached_tokens:g}", "of each prompt"
    if load.request_rate is None:
        yield "concurrency", f"{load.concurrency:g}", f"{load.mode}: a request that ends is followed by the next"
    else:
        yield "request_rate", digits(load.request_rate), "arrivals a second, whether or not others have ended"
    name = scenario.correction.name if scenario.correction else "none"
    yield "calibration", name, Basis.CALIBRATED.label if scenario.correction else "the catalogue's efficiencies"


def _lengths(ratio: float) -> str:
    return "all alike" if ratio == 1 else f"mean; uniform from {ratio:g} of the longest"
