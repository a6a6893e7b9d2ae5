"""An answer of the planner in words: what was asked, where it comes from, its few figures."""

from __future__ import annotations

from planner.estimate import Estimate
from planner.scenario import Scenario
from planner.words import digits, dollars, duration, interval_text
from report.origin import Origin, unmarked
from words.text import answer_sentence, gpus_text, load_words


def question_words(scenario: Scenario) -> str:
    """What was asked, in one line of words.

    scenario : with its engine's defaults filled in or not
    """
    load, formats, engine = scenario.workload, scenario.quantization, scenario.engine
    cached = f" ({load.prefix_cached_tokens:g} of them cached)" if load.prefix_cached_tokens else ""
    return (
        f"{scenario.model.name} in {formats.scheme}, KV cache in {formats.kv_cache}, on {gpus_text(scenario)}; "
        f"{load_words(load)}, {load.prompt_tokens:g} prompt{cached} and {load.output_tokens:g} output tokens, "
        f"{load.mode}; {engine.name} {engine.version}"
    )


def planned_origin(found: Estimate, said: str = "", link: str = "") -> Origin:
    """Where an answer of the planner comes from.

    found : the answer
    said : what the file shows, as Markdown; empty: the answer's own sentence
    link : path and query of the question
    """
    gpu, correction = found.scenario.deployment.gpu, found.scenario.correction
    sources = [f"Headroom's planner, a prediction, basis {found.basis.label}"]
    sources += [f"calibrated on {correction.name}"] if correction else []
    sources += [f"{gpu.label}: {gpu.source.text}"]
    sources += [f"price: {found.cost.source.text}"] if found.cost else []
    return Origin(unmarked(said or answer_sentence(found)), question_words(found.scenario), "; ".join(sources), link)


def told_figures(found: Estimate) -> tuple[tuple[str, str, str], ...]:
    """The few figures that everyone asks for: label, value, and the 90 % interval or what else belongs under it.

    found : the answer
    """
    rate = f"{digits(found.throughput_low)}–{digits(found.throughput_high)}"
    told = [("First token", duration(found.ttft.value), interval_text(found.ttft.low, found.ttft.high))]
    if found.tpot:
        told.append(("Per token", duration(found.tpot.value), interval_text(found.tpot.low, found.tpot.high)))
    told.append(("Tokens/s", digits(found.output_tokens_per_second), rate))
    told.append(("Requests that fit", f"{found.memory.concurrency:,.0f}", "in the KV cache"))
    if found.cost:
        told.append(("Per 1M tokens", dollars(found.cost.per_million_output_tokens), "output"))
    return tuple(told)
