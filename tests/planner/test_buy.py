"""The search: its laws, its refusals, and that the option it chooses keeps the promises under other seeds."""

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest

from planner.buy import search
from planner.correction import Correction
from planner.demand import Candidate, demand, scenario_of
from planner.entries import Price, Quote
from planner.errors import InvalidWorkload
from planner.money import Terms
from planner.option import Option, Refusal
from planner.quantities import HOUR, Source
from planner.ranking import frontier, nearest, ranked
from planner.recorded import recorded
from planner.replica import replica, run
from planner.screen import screen
from planner.sensitivity import INPUTS, cost, swings
from planner.sizing import option
from planner.slo import Promise, quantiles, slo
from planner.techniques import Techniques
from tests.planner.demands import options, promised, wanted
from tests.planner.questions import GPT_OSS_20B


@pytest.fixture(scope="module")
def found():
    return options(search(wanted(slo=promised(headroom=0.2))))


def test_the_cheapest_comes_first_and_is_paid_for_by_hand(found):
    best = ranked(found)[0]
    assert [one.per_month.value for one in ranked(found)] == sorted(one.per_month.value for one in found)
    price = {"h100-sxm": 2.69, "l40s": 0.79}[best.candidate.gpu]
    assert best.per_month.value == pytest.approx(best.gpus * price * 730, rel=1e-9)
    assert best.per_month.low <= best.per_month.value <= best.per_month.high


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_chosen_option_keeps_the_promises_under_other_seeds(found, seed):
    best, asked = ranked(found)[0], demand(wanted(slo=promised(headroom=0.2)))
    of = replica(scenario_of(asked, best.candidate), asked.traffic, Techniques())
    played = run(of, asked.traffic, best.rate, 800, seed)
    figures = quantiles({"ttft": played.ttft, "tpot": played.tpot})
    assert all(figures[promise.key] <= promise.limit for promise in asked.slo.promises)


def test_more_traffic_never_needs_fewer_gpus_nor_costs_less():
    runs = [options(search(wanted(rate))) for rate in (1.0, 8.0, 30.0, 90.0)]
    for gpu in ("h100-sxm", "l40s"):
        needed = [min(one.gpus for one in run if one.candidate.gpu == gpu) for run in runs]
        assert needed == sorted(needed)
    costs = [ranked(run)[0].per_month.value for run in runs]
    assert costs == sorted(costs)


def test_looser_promises_are_never_dearer():
    costs = [
        ranked(options(search(wanted(40.0, slo=promised(tpot=limit)))))[0].per_month.value
        for limit in (0.025, 0.035, 0.06)
    ]
    assert costs == sorted(costs, reverse=True)


def test_a_spare_is_one_replica_more():
    plain, spared = (option(demand(wanted(slo=promised(spare=spare))), Candidate("l40s")) for spare in (0, 1))
    assert spared.replicas == plain.replicas + 1
    assert spared.rate == pytest.approx(plain.rate)
    assert spared.figures == plain.figures


def test_no_option_is_an_answer_with_the_nearest_that_works():
    asked = wanted(slo=promised(tpot=0.004))
    refused = [one.result for one in search(asked)]
    assert all(isinstance(one, Refusal) and "times the promised 0.004 s" in one.reason for one in refused)
    refusal, loosened = nearest(refused)
    assert loosened.label == "p95 TPOT"
    assert loosened.limit > 0.004
    other = slo([asked.slo.promises[0], loosened])
    assert options(search(replace(asked, slo=other, gpus=(refusal.candidate.gpu,))))


def test_what_does_not_fit_says_so():
    refused = [one.result for one in search(wanted(model="meta-llama/Llama-3.1-405B-Instruct"))]
    assert len(refused) == 2
    assert all("does not fit" in one.reason for one in refused)
    assert nearest(refused) is None


def test_a_gpu_without_a_price_ranks_last_and_costs_nothing_known():
    best = ranked(options(search(wanted(gpus=("h200-nvl", "l40s")))))
    assert best[0].candidate.gpu == "l40s"
    assert best[-1].candidate.gpu == "h200-nvl"
    assert best[-1].per_month is None
    assert best[-1].bill.missing == ("on-demand rent of H200 NVL 141GB",)


def test_a_typed_price_changes_the_winner():
    typed = Price(on_demand=Quote(0.01 / HOUR, Source("typed"), ""))
    terms = Terms(prices={"h100-sxm": typed})
    assert ranked(options(search(wanted(terms=terms))))[0].candidate.gpu == "h100-sxm"


def test_hopeless_gpus_are_named_and_not_played():
    dear = Terms(prices={"l40s": Price(on_demand=Quote(50 / HOUR, Source("typed"), ""))})
    refused = [one.result for one in search(wanted(terms=dear))]
    far = [one for one in refused if isinstance(one, Refusal)]
    assert far
    assert all("not looked at any closer" in one.reason and one.candidate.gpu == "l40s" for one in far)


def test_splits_experts_schemes_and_budgets_are_searched():
    asked = wanted(
        5.0, model=GPT_OSS_20B, gpus=("h100-sxm",), counts=(1, 2), budgets=(2048.0,), schemes=("auto", "bf16")
    )
    judged, _ = screen(demand(asked), "h100-sxm")
    assert {(one.candidate.tensor_parallel, one.candidate.expert_parallel) for one in judged} == {
        (1, 1),
        (2, 1),
        (2, 2),
    }
    assert {one.candidate.scheme for one in judged} == {"auto", "bf16"}
    played = options(search(asked))
    assert {one.candidate.budget for one in played} == {None, 2048.0}
    assert {one.candidate.tensor_parallel for one in played} == {1, 2}


def test_a_pool_of_processes_finds_the_same():
    asked = wanted(slo=promised(headroom=0.1))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        shared = ranked(options(search(asked, pool)))
    alone = ranked(options(search(asked)))
    assert [one.candidate for one in shared] == [one.candidate for one in alone]
    assert [one.per_month for one in shared] == [one.per_month for one in alone]
    assert [one.chance for one in shared] == [one.chance for one in alone]


def test_progress_counts_up_and_the_search_can_be_left():
    looking = search(wanted())
    first = next(looking)
    assert 1 == first.done <= first.total
    looking.close()
    assert list(looking) == []


def test_recorded_lengths_count_as_they_are():
    real = recorded([100, 4000] * 20, [50, 200] * 20)
    asked = wanted(5.0)
    found = options(search(replace(asked, traffic=replace(asked.traffic, recorded=real))))
    assert found[0].scenario.workload.prompt_tokens == 2050
    assert found[0].scenario.workload.output_tokens == 125


@pytest.mark.parametrize(
    "more",
    [{"gpus": ("h1000",)}, {"counts": ()}, {"schemes": ()}, {"counts": (16,)}, {"node": 0}, {"terms": Terms(years=-1)}],
)
def test_questions_without_sense_are_refused(more):
    with pytest.raises(InvalidWorkload):
        next(search(wanted(**more)))


def test_nodes_hold_whole_replicas():
    asked = demand(wanted(100.0, counts=(1, 2), node=8, gpus=("l40s",)))
    built = option(asked, Candidate("l40s", tensor_parallel=2))
    assert built.nodes == math.ceil(built.replicas / 4)


def test_frontier_by_hand():
    at = {"a": (1, 5), "b": (2, 3), "c": (3, 4), "d": (2, 3)}
    flags = frontier(list(at), lambda name: at[name][0], lambda name: at[name][1])
    assert flags == [True, True, False, True]


def test_swings_have_ends_and_the_switch_is_real(found):
    asked = wanted(slo=promised(headroom=0.2))
    told = swings(asked, found)
    assert {swing.name for swing in told} == set(INPUTS)
    widths = [abs(swing.high - swing.low) for swing in told]
    assert widths == sorted(widths, reverse=True)
    price = next(swing for swing in told if swing.name == "price")
    first = ranked(found)[0]
    assert (price.low, price.high) == pytest.approx((first.per_month.value / 1.25, first.per_month.value * 1.25))
    assert price.above is not None
    assert cost(demand(asked), first, price=price.above.factor) > price.above.option.per_month.value


def test_an_end_to_end_promise_is_kept_too():
    asked = wanted(slo=slo([Promise("e2e", 0.95, 12.0)]))
    found = options(search(asked))
    assert all(one.figures["e2e", 0.95].value <= 12.0 for one in found)
    assert all(isinstance(one, Option) for one in found)


def test_a_calibration_holds_on_its_own_gpus_alone():
    slower = Correction("ours", memory=0.5, compute=0.5, gpus=("l40s",))
    plain, own = demand(wanted()), demand(wanted(correction=slower))
    rates = {
        gpu: [option(asked, Candidate(gpu)).capacity.value for asked in (plain, own)] for gpu in ("l40s", "h100-sxm")
    }
    assert rates["l40s"][1] < 0.8 * rates["l40s"][0]
    assert rates["h100-sxm"][1] == rates["h100-sxm"][0]
