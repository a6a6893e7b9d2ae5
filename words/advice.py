"""Advice as a sentence and as rows of a table: for pages and files alike, no Streamlit."""

from __future__ import annotations

from planner.advice import GOALS, Advice, Advised
from planner.command import serve_command
from planner.estimate import Estimate
from planner.words import digits, dollars, interval_text
from words.text import plain

BETTER = {"throughput": "as many tokens/s", "tpot": "as fast a token", "ttft": "as soon a first token", "cost": ""}
LEVERS = {
    "batch_limit": "batch limit", "token_budget": "token budget", "weight_formats": "weight quantization",
    "whole_prompts": "chunked prefill off", "speculation": "speculative decoding",
    "kv_formats": "KV cache format", "cuda_graphs": "CUDA graphs", "prefix_caching": "prefix caching",
    "memory_share": "GPU memory share", "context_limit": "context limit", "more_gpus": "tensor parallel",
    "other_gpu": "another GPU",
}  # fmt: skip


def headline(found: Advised) -> str:
    """The best change in one sentence, as Markdown."""
    if not found.better:
        return f"Nothing that was tried makes {GOALS[found.goal].label} better by 1 % or more."
    best = found.better[0]
    if found.before is None:
        return f"As it is, it does not fit. What makes it fit, best first: **{plain(best.change.text)}**."
    return f"Best: **{plain(best.change.text)}**, {_gain(found.goal, best.gain)}."


def _gain(goal: str, gain: float) -> str:
    if goal == "cost":
        return f"**{digits(100 * (1 - 1 / gain))} %** off the cost of a token"
    return f"**{digits(gain)} times** {BETTER[goal]}"


def advice_row(goal: str, each: Advice, before: Estimate | None) -> dict[str, object]:
    """A change with its gain, what it does to the other goals, its risk and its command."""
    ratios = {
        label: each.ratio(name, before) if before is not None else None
        for label, name in (
            ("Tokens/s", "throughput"),
            ("First token", "ttft"),
            ("Per token", "tpot"),
            ("Cost", "cost"),
        )
        if name != goal
    }
    return {
        "Change": each.change.text,
        "Gain": each.gain if before is not None else None,
        "Then": _between(goal, each),
        **ratios,
        "Risk": each.change.risk or "–",
        "Command": serve_command(each.found.scenario),
    }


def hurt(goal: str, each: Advice, before: Estimate) -> str:
    """What a change makes worse: the goal itself, or for its gain another figure."""
    if each.gain < 1:
        return f"{GOALS[goal].label} {digits(1 / each.gain)} times worse"
    worse = f"another figure {digits(each.harm(before))} times worse"
    return f"{digits(each.gain)} times better {GOALS[goal].label}, but {worse}"


def _between(goal: str, each: Advice) -> str:
    """The goal's 90 % interval after the change."""
    bounds = GOALS[goal].bounds(each.found)
    if bounds is None:
        return "–"
    if goal in ("tpot", "ttft"):
        return interval_text(*bounds)
    return "–".join(map(dollars if goal == "cost" else digits, bounds))
