"""The whole answer."""

from __future__ import annotations

import contextlib

import pytest

from planner.catalogue_models import models
from planner.errors import InsufficientMemory, PlannerError
from planner.estimate import estimate, phases
from planner.memory import memory
from planner.quantities import Basis
from planner.roofline import Bound
from planner.scenario import Workload
from tests.planner.questions import LLAMA_8B, ask


def test_phases_agree_with_their_steps():
    found = estimate(ask(load=Workload(512, 128, concurrency=4)))
    for phase in (found.prefill, found.decode):
        assert phase.seconds == float(phase.time.total)
        assert phase.intensity == pytest.approx(float(phase.time.flops / phase.time.moved), rel=1e-12)
        assert phase.achieved <= phase.peak
        assert 0 < phase.mfu < 1
        assert 0 < phase.mbu < 1
    assert found.prefill.bound is Bound.COMPUTE
    assert found.decode.bound is Bound.MEMORY


def test_the_floor_is_the_weights_over_the_bandwidth_and_no_decode_is_shorter():
    found = estimate(ask(LLAMA_8B, "h100-sxm"))
    assert found.floor == pytest.approx(2 * (8_030_261_248 - 128_256 * 4_096) / 3350e9, rel=1e-9)
    assert found.tpot.value > found.floor


def test_cost_is_the_rent_over_the_throughput():
    found = estimate(ask(LLAMA_8B, "h100-sxm", tensor_parallel=2))
    hours = 1e6 / found.output_tokens_per_second / 3600
    assert found.cost.per_million_output_tokens == pytest.approx(found.cost.per_hour * hours, rel=1e-9)


def test_basis_is_the_weakest_of_what_it_is_founded_on():
    found = estimate(ask(LLAMA_8B, "t4", scheme="awq"))
    assert found.basis is max(basis for _, basis in found.founded_on) is Basis.ASSUMED


def test_one_output_token_has_no_tpot():
    assert estimate(ask(load=Workload(512, 1))).tpot is None


def test_what_does_not_fit_is_refused_but_can_be_looked_at():
    question = ask("meta-llama/Llama-3.1-70B-Instruct", "h100-sxm")
    with pytest.raises(InsufficientMemory):
        estimate(question)
    prefill, decode = phases(question, memory(question))
    assert prefill.seconds > 0
    assert decode.seconds > 0


def test_weights_unpacked_and_preemptions_are_said():
    assert any("no native fp8" in said for said in estimate(ask(LLAMA_8B, "a100-sxm-80gb", scheme="fp8")).caveats)
    crowded = estimate(ask(LLAMA_8B, "l40s", Workload(20, 4000, concurrency=256)))
    assert any("preempted" in said for said in crowded.caveats)


@pytest.mark.parametrize("name", sorted(models()))
def test_every_model_of_the_catalogue_has_an_answer_or_a_named_refusal(name):
    for gpus in (1, 8):
        with contextlib.suppress(PlannerError):
            found = estimate(ask(name, "b200", Workload(128, 4), tensor_parallel=gpus))
            assert 0 < found.ttft.value < 10
            assert found.tpot.value >= found.floor * 0.02
