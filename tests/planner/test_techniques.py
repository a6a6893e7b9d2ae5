"""Speculation, two pools, adapters: the counts by hand, and what they must never do."""

from dataclasses import replace

import numpy as np
import pytest

from planner.catalogue_models import find_model
from planner.demand import Candidate, demand
from planner.drafting import drafted
from planner.engine import Engine
from planner.errors import InvalidWorkload
from planner.estimate import estimate
from planner.latency import step_time
from planner.memory import memory
from planner.option import Option, Refusal
from planner.recorded import recorded
from planner.scenario import Workload, replay
from planner.sizing import option
from planner.slo import Promise, slo
from planner.speculation import Speculation
from planner.step import decode_step, prefill_step
from planner.techniques import (
    Adapters,
    Techniques,
    adapter_bytes,
    beside_bytes,
    check_techniques,
    transfer_time,
)
from tests.planner.demands import promised, wanted
from tests.planner.questions import DEEPSEEK, LLAMA_8B, ask

SMALL = "meta-llama/Llama-3.2-1B-Instruct"


def test_tokens_of_a_step_by_hand():
    """1 + 0.5 + 0.25 + 0.125; all taken: 4; none: 1."""
    assert Speculation(3, 0.5).tokens == pytest.approx(1.875)
    assert Speculation(3, 1.0).tokens == pytest.approx(4)
    assert Speculation(3, 0.0).tokens == pytest.approx(1)


def test_a_checking_step_takes_longer_and_prompts_alone_do_not():
    plain = ask(LLAMA_8B, "l40s")
    guess = replace(plain, engine=replace(plain.engine, speculation=Speculation(3, 0.7)))
    for batch in (1.0, 64.0):
        one, several = (float(step_time(asked, decode_step(batch, 500.0)).total) for asked in (plain, guess))
        assert one < several < 4 * one
    assert step_time(guess, prefill_step(1.0, 500.0)).total == step_time(plain, prefill_step(1.0, 500.0)).total


def test_a_drafter_reads_its_weights_for_each_drafted_token():
    """Three times 1.236 billion weights in 16 bits over 864 GB/s."""
    plain = ask(LLAMA_8B, "l40s")
    drafter = find_model(SMALL)
    engines = (
        Engine(speculation=Speculation(3, 0.7, tried)).with_defaults(plain.deployment.gpu) for tried in (None, drafter)
    )
    free, paid = (step_time(replace(plain, engine=engine), decode_step(8.0, 500.0)).total for engine in engines)
    assert float(paid - free) == pytest.approx(3 * 1_235_814_400 * 2 / 864e9, rel=1e-6)
    assert beside_bytes(plain, Techniques(speculation=Speculation(3, 0.7, drafter))) == 1_235_814_400 * 2


def test_steps_as_arrays_speculate_too():
    asked = ask(LLAMA_8B, "h100-sxm", engine=Engine(speculation=Speculation(4, 0.6)))
    batches = np.array([0.0, 1.0, 32.0])
    together = step_time(asked, decode_step(batches, np.full(3, 300.0))).total
    alone = [float(step_time(asked, decode_step(batch, 300.0)).total) for batch in batches]
    assert together == pytest.approx(alone)


def test_an_adapter_by_hand():
    """Llama-3.1-8B, rank 16, bf16, one GPU: 32 layers of q and o (4096 + 4096 each), k and v (4096 + 1024 each), gate
    and up (4096 + 14336 each), down (the same): 81,920 numbers each a rank."""
    model = find_model(LLAMA_8B)
    each = 2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 14336)
    assert adapter_bytes(model, 16, 1, 2.0) == 32 * each * 16 * 2
    assert adapter_bytes(model, 16, 4, 2.0) < adapter_bytes(model, 16, 1, 2.0)


def test_adapters_take_memory_from_the_kv_cache():
    question = ask(LLAMA_8B, "l40s")
    beside = beside_bytes(question, Techniques(adapters=Adapters(20, 64)))
    assert memory(question).kv_cache - memory(question, beside).kv_cache == pytest.approx(beside)


def test_adapters_on_latent_attention_are_refused():
    with pytest.raises(InvalidWorkload, match="not modelled"):
        adapter_bytes(find_model(DEEPSEEK), 16, 1, 2.0)


def test_a_transferred_prompt_by_hand():
    """64 blocks of 16 tokens, 32 layers, 8 kv heads of 128 + 128, 2 B: 134.2 MB over 50 GB/s: 2.68 ms."""
    found = transfer_time(ask(LLAMA_8B, "h100-sxm"), Techniques(pool_link=50e9), 1024)
    assert found == pytest.approx(64 * 16 * 32 * 8 * 256 * 2 / 50e9, rel=1e-9)


def test_two_pools_are_sized_apart():
    asked = demand(replace(wanted(), techniques=Techniques(pools=True)))
    found = option(asked, Candidate("l40s", pools=True))
    assert isinstance(found, Option)
    assert found.pooled is not None
    assert sum(found.pooled) == found.replicas
    assert ("e2e", 0.95) not in found.figures
    assert any("pools" in caveat for caveat in found.caveats)


def test_two_pools_with_an_end_to_end_promise_are_refused_by_name():
    whole = slo([Promise("e2e", 0.95, 30.0)])
    found = option(demand(wanted(slo=whole)), Candidate("l40s", pools=True))
    assert isinstance(found, Refusal)
    assert "end-to-end promises are not modelled" in found.reason


def test_a_taken_draft_carries_more_and_a_refused_one_less():
    rates = []
    for acceptance in (0.0, 0.8):
        techniques = Techniques(speculation=Speculation(3, acceptance))
        asked = demand(wanted(slo=promised(tpot=0.03), techniques=techniques))
        rates.append(option(asked, Candidate("l40s", speculating=True)).capacity.value)
    plain = option(demand(wanted(slo=promised(tpot=0.03))), Candidate("l40s")).capacity.value
    assert rates[0] < plain < rates[1]


@pytest.mark.parametrize(
    "techniques",
    [
        Techniques(speculation=Speculation(0, 0.5)),
        Techniques(speculation=Speculation(3, 1.5)),
        Techniques(adapters=Adapters(0, 16)),
        Techniques(pool_link=0.0),
    ],
)
def test_bad_techniques_are_refused(techniques):
    with pytest.raises(InvalidWorkload):
        check_techniques(techniques)


def test_an_estimate_counts_every_drafted_token_that_is_taken():
    """All of 3 drafts taken: 64 tokens in 16 steps, each longer than a plain one; throughput is the tokens over all."""
    load = Workload(200.0, 64.0, 4.0)
    plain = ask(LLAMA_8B, "l40s", load)
    tried = replace(plain, engine=replace(plain.engine, speculation=Speculation(3, 1.0)))
    one, other = estimate(plain), estimate(tried)
    assert 2.0 < other.output_tokens_per_second / one.output_tokens_per_second < 4.0
    assert other.tpot.value == pytest.approx((other.e2e.value - other.ttft.value) / 63, rel=0.02)
    assert other.itl.p50 > one.itl.p50
    assert other.tpot.low <= other.tpot.value <= other.tpot.high
    none = replace(plain, engine=replace(plain.engine, speculation=Speculation(3, 0.0)))
    assert estimate(none).output_tokens_per_second < one.output_tokens_per_second


def test_recorded_requests_are_drafted_each_by_its_own_length():
    told = replay(recorded([50, 60], [40, 8]), 2.0)
    plain = ask(LLAMA_8B, "l40s", told)
    tried = replace(plain, engine=replace(plain.engine, speculation=Speculation(3, 1.0)))
    found = drafted(tried, memory(tried))
    assert found.output_tokens == 48
    assert found.tpot == pytest.approx((found.e2e - found.ttft) / np.array([39, 7]))
