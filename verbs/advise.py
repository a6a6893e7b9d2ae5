"""`advise`: what to change next about a deployment, each change with the gain that the planner predicts for it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from planner.advice import GOALS, Advice, Advised, advice
from planner.command import serve_command
from planner.estimate import Estimate
from planner.levers import ACCEPTANCE
from planner.predict import answer
from verbs.plan import ask, asked
from verbs.status import DONE, NO_ANSWER

name, about = "advise", "what to change next, ranked by the predicted gain"


def arguments(parser: argparse.ArgumentParser) -> None:
    """A question, and what is to become better."""
    ask(parser)
    parser.add_argument("--goal", choices=tuple(GOALS), default="throughput")
    parser.add_argument("--prefix-share", type=float, default=0.5, help="of each prompt, if prompts shared a prefix")
    parser.add_argument("--acceptance", type=float, default=ACCEPTANCE, help="of drafted tokens, if some were drafted")
    parser.add_argument("--json", action="store_true")


def run(given: argparse.Namespace) -> int:
    """Ranks the changes; where nothing helps, that is the answer."""
    found = advice(asked(given), given.goal, given.prefix_share, given.acceptance)
    if given.json:
        print(json.dumps(as_json(found), indent=2))
    else:
        print("\n".join(as_text(found)))
    return DONE if found.better or found.before else NO_ANSWER


def as_json(found: Advised) -> dict[str, Any]:
    """All that was tried, as JSON takes it."""
    return {
        "goal": found.goal,
        "before": answer(found.before) if found.before else None,
        "better": [_as_json(each, found.goal) for each in found.better],
        "harmful": [_as_json(each, found.goal) for each in found.harmful],
        "without_gain": list(found.without_gain),
        "refused": [{"change": change.text, "reason": reason} for change, reason in found.refused],
    }


def as_text(found: Advised) -> Iterator[str]:
    """The ranking as lines for a person."""
    label = GOALS[found.goal].label
    if found.before is None:
        yield "As it is, it does not fit. What makes it fit, best first:"
    elif not found.better:
        yield f"Nothing that was tried makes {label} better by 1 % or more."
    for each in found.better:
        gain = f"{each.gain:.2f} times better {label}" if found.before else "fits"
        yield f"{gain}: {each.change.text}"
        if found.before is not None:
            ratios = ((goal, each.ratio(goal, found.before)) for goal in GOALS if goal != found.goal)
            yield "  " + ", ".join(f"{GOALS[goal].label} x {ratio:.2f}" for goal, ratio in ratios if ratio)
        if each.change.risk:
            yield f"  risk: {each.change.risk}"
        yield f"  {serve_command(each.found.scenario)}"
    if found.before is not None:
        yield from _harmful(found, found.before)
    for change, reason in found.refused:
        yield f"not possible: {change.text}. {reason}"


def _harmful(found: Advised, before: Estimate) -> Iterator[str]:
    for each in found.harmful:
        goal = f"{GOALS[found.goal].label} {each.gain:.2f} times as good"
        worst = f"the figure that suffers most {each.harm(before):.2f} times worse"
        yield f"would hurt: {each.change.text}: {goal}, {worst}"


def _as_json(each: Advice, goal: str) -> dict[str, Any]:
    low, high = GOALS[goal].bounds(each.found) or (None, None)
    return {
        "lever": each.change.lever,
        "change": each.change.text,
        "gain": each.gain,
        "then_low": low,
        "then_high": high,
        "risk": each.change.risk,
        "command": serve_command(each.found.scenario),
        "after": answer(each.found),
    }
