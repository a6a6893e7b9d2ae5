"""What to change next: every lever tried by asking the planner again, the best of each, ranked by what it gives.

Nothing here is a fixed sentence: a gain is the ratio of two estimates that differ in one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from planner.errors import InsufficientMemory, PlannerError, ScenarioError
from planner.estimate import Estimate, Figure, estimate
from planner.levers import ACCEPTANCE, Change, levers
from planner.scenario import Scenario
from planner.shortlist import worth_playing

R = TypeVar("R")
SMALLEST_GAIN = 1.01
"""Less is within the noise of any measurement."""
MOST_HARM = 1.5
"""A change that makes another time longer, or throughput lower, by more than this factor is no advice: a batch of one
has the shortest time per token, and lets everyone else wait. Money is the reader's own choice and stays in view."""
SERVICE = ("throughput", "tpot", "ttft")


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to become better.

    value : of an estimate; None where it has none
    bounds : 90 % interval of the same; None where it has none
    more_is_better : throughput, against times and cost
    """

    label: str
    value: Callable[[Estimate], float | None]
    bounds: Callable[[Estimate], tuple[float, float] | None]
    more_is_better: bool = False


def _ends(figure: Figure | None) -> tuple[float, float] | None:
    return None if figure is None or figure.low is None or figure.high is None else (figure.low, figure.high)


def _cost_ends(found: Estimate) -> tuple[float, float] | None:
    """The price of an hour is sure, the tokens of an hour are not."""
    if found.cost is None:
        return None
    each, rate = found.cost.per_million_output_tokens, found.output_tokens_per_second
    return each * rate / found.throughput_high, each * rate / found.throughput_low


GOALS: Mapping[str, Goal] = {
    "throughput": Goal(
        "output tokens/s",
        lambda found: found.output_tokens_per_second,
        lambda found: (found.throughput_low, found.throughput_high),
        more_is_better=True,
    ),
    "tpot": Goal(
        "time per token",
        lambda found: found.tpot.value if found.tpot else None,
        lambda found: _ends(found.tpot),
    ),
    "ttft": Goal("time to first token", lambda found: found.ttft.value, lambda found: _ends(found.ttft)),
    "cost": Goal(
        "cost of a token",
        lambda found: found.cost.per_million_output_tokens if found.cost else None,
        _cost_ends,
    ),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One change and what the planner says of it.

    gain : factor by which the goal becomes better; 1.5 is half as much more, or a third less time or cost [1]
    found : the estimate with the change
    """

    change: Change
    gain: float
    found: Estimate

    def ratio(self, goal: str, before: Estimate) -> float | None:
        """Another goal's value after over before [1]; None where one of them has none.

        goal : key of GOALS
        before : the estimate without the change
        """
        old, new = GOALS[goal].value(before), GOALS[goal].value(self.found)
        return new / old if old and new else None

    def harm(self, before: Estimate) -> float:
        """Factor by which the worst-hit of throughput and latencies becomes worse [1].

        before : the estimate without the change
        """
        ratios = {goal: self.ratio(goal, before) or 1.0 for goal in SERVICE}
        return max(1 / ratio if GOALS[goal].more_is_better else ratio for goal, ratio in ratios.items())


@dataclass(frozen=True, slots=True)
class Advised:
    """All that was tried.

    before : the estimate as things are; None where it does not fit
    better : the best change of each lever that gains, best first
    without_gain : levers that were tried and give nothing here
    harmful : the best change of each lever that only makes things worse, or another figure much worse
    refused : changes that this GPU, model or vLLM does not support, each with the reason
    """

    goal: str
    before: Estimate | None
    better: tuple[Advice, ...]
    without_gain: tuple[str, ...]
    refused: tuple[tuple[Change, str], ...]
    harmful: tuple[Advice, ...] = ()


def advice(
    scenario: Scenario, goal: str = "throughput", prefix_share: float = 0.5, acceptance: float = ACCEPTANCE
) -> Advised:
    """What to change next about a deployment, one thing at a time.

        gain = goal after / goal before (throughput), goal before / goal after (times, cost)

    scenario : as it is now; where it does not fit, whatever makes it fit is ranked by the goal itself
    goal : key of GOALS
    prefix_share : of each prompt that a prefix cache would hold [1]
    acceptance : of tokens that speculative decoding would draft [1]
    returns : gains from 1.01 on; what does not fit, cannot run or harms too much is never among them
    """
    now = _now(scenario)
    better, without_gain, refused, harmful = [], [], [], []
    for lever, changes in levers(prefix_share, acceptance).items():
        tried = _tried(scenario, changes(scenario), goal)
        refused += [(change, str(no)) for change, no in tried if isinstance(no, ScenarioError)]
        gains = list(_gains(tried, now, GOALS[goal]))
        best = _best(found for found in gains if now is None or found.harm(now) <= MOST_HARM)
        least = _best(gains)
        if best is not None and (now is None or best.gain >= SMALLEST_GAIN):
            better.append(best)
        elif best is not None and best.gain > 1 / SMALLEST_GAIN:
            without_gain.append(lever)
        elif least is not None:
            harmful.append(best or least)
    better.sort(key=lambda found: -found.gain)
    return Advised(goal, now, tuple(better), tuple(without_gain), tuple(refused), tuple(harmful))


def _best(found: Iterable[Advice]) -> Advice | None:
    return max(found, key=lambda each: each.gain, default=None)


def _now(scenario: Scenario) -> Estimate | None:
    try:
        return estimate(scenario)
    except InsufficientMemory:
        return None


def _gains(tried: list[tuple[Change, Estimate | PlannerError]], now: Estimate | None, goal: Goal) -> Iterator[Advice]:
    old = goal.value(now) if now is not None else 1.0
    for change, found in tried:
        new = goal.value(found) if isinstance(found, Estimate) else None
        if isinstance(found, Estimate) and new and old:
            yield Advice(change, new / old if goal.more_is_better else old / new, found)


def _tried(scenario: Scenario, changes: Iterable[Change], goal: str) -> list[tuple[Change, Estimate | PlannerError]]:
    """Each change with what the planner says of it; of many, those that may be the best, and those that cannot be."""
    made = [(change, _or_refusal(change.make)) for change in changes]
    able = {id(one) for one in worth_playing(scenario, [one for _, one in made if isinstance(one, Scenario)], goal)}
    return [
        (change, _or_refusal(partial(estimate, one)) if isinstance(one, Scenario) else one)
        for change, one in made
        if not isinstance(one, Scenario) or id(one) in able
    ]


def _or_refusal(answer: Callable[[], R]) -> R | PlannerError:
    try:
        return answer()
    except PlannerError as no:
        return no
