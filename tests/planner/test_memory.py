"""Memory of one GPU, part by part, and the refusal that says what is missing."""

from __future__ import annotations

import math

import pytest

from planner.catalogue import find_gpu
from planner.engine import Engine
from planner.errors import InsufficientMemory
from planner.memory import activation_peak, active_weight_bytes, graph_bytes, memory, weight_bytes
from planner.quantities import GIB
from planner.scenario import Workload
from tests.planner.questions import LLAMA_2_7B, LLAMA_8B, MIXTRAL, ask, eager

NORMS = (2 * 32 + 1) * 4096


def test_weights_of_llama_by_hand():
    table = 128256 * 4096
    layers = 32 * (4096 * 6144 + 4096 * 4096 + 3 * 4096 * 14336)
    assert weight_bytes(ask(LLAMA_8B)) == 2 * (2 * table + layers + NORMS)
    assert weight_bytes(ask(LLAMA_8B, tensor_parallel=2)) == 2 * (2 * table + layers) / 2 + 2 * NORMS


def test_quantized_weights_keep_tables_and_norms_in_16_bits():
    table, layers = 32000 * 4096, 32 * (4 * 4096 * 4096 + 3 * 4096 * 11008)
    awq = weight_bytes(ask("TheBloke/Llama-2-7B-AWQ", "t4"))
    assert awq == pytest.approx(layers * (4 + 20 / 128) / 8 + 2 * (2 * table + NORMS), rel=1e-12)
    assert awq < weight_bytes(ask(LLAMA_2_7B)) / 3


def test_routers_are_on_every_gpu():
    routers = 32 * 4096 * 8 * 2
    one, two = weight_bytes(ask(MIXTRAL)), weight_bytes(ask(MIXTRAL, tensor_parallel=2))
    assert two == (one - routers - 2 * NORMS) / 2 + routers + 2 * NORMS


def test_activations_are_the_larger_of_forward_and_sampler():
    """H200: 1,024 sequences x 128,256 logits x 11 B, or 8,192 tokens x (4 * 4,096 + 3 * 14,336) x 2 B."""
    assert activation_peak(ask(LLAMA_8B)) == 1024 * 128256 * 11.0
    assert activation_peak(ask(LLAMA_8B, engine=Engine(max_num_seqs=1))) == 8192 * (4 * 4096 + 3 * 14336) * 2
    assert activation_peak(ask(LLAMA_8B, engine=Engine(version="0.10.0"))) == 1024 * 128256 * 38.7


def test_graphs_cost_memory_unless_eager():
    assert graph_bytes(ask()) == 1.0 * GIB
    assert graph_bytes(ask(gpu="l40s")) == 0.5 * GIB
    assert graph_bytes(ask(engine=eager())) == 0.0


def test_the_parts_add_up():
    found = memory(ask())
    assert found.usable == math.ceil(found.total * 0.92)
    parts = found.weights + found.activations + found.graphs + found.outside + found.kv_cache
    assert parts == pytest.approx(found.usable, rel=1e-12)
    assert found.fits


def test_a_model_that_does_not_fit_says_how_much_is_missing():
    question = ask("meta-llama/Llama-3.1-70B-Instruct", "h100-sxm")
    missing = -memory(question).kv_cache / GIB
    with pytest.raises(InsufficientMemory, match=rf"does not fit on 1 x H100.*by {missing:.1f} GiB.*tensor_parallel"):
        memory(question).require(question)


def test_a_request_that_does_not_fit_says_so():
    question = ask(load=Workload(2_000_000, 1))
    with pytest.raises(InsufficientMemory, match=r"too small for one request of 2,000,001 tokens"):
        memory(question).require(question)


def test_more_utilization_leaves_more_kv_cache():
    small, large = (memory(ask(engine=Engine(gpu_memory_utilization=share))).kv_cache for share in (0.5, 0.9))
    assert large - small == pytest.approx(0.4 * find_gpu("h200-sxm").memory, rel=1e-6)


def test_a_mixture_has_a_floor_of_the_weights_that_a_token_needs():
    """gpt-oss-120b: 4 of 128 experts; a dense model needs all of its weights."""
    dense, mixture = ask(LLAMA_8B), ask("openai/gpt-oss-120b", gpu="h200-sxm")
    assert active_weight_bytes(dense) == weight_bytes(dense)
    assert 0.05 < active_weight_bytes(mixture) / weight_bytes(mixture) < 0.12


@pytest.mark.parametrize(("gpus", "logged"), [(2, 34.38), (4, 17.22), (8, 8.66)])
def test_padded_experts_weigh_what_vllm_logs(gpus, logged):
    """gpt-oss-120b on H200, vLLM 0.22.1: "Model loading took ... GiB" of each GPU."""
    question = ask("openai/gpt-oss-120b", gpu="h200-sxm", tensor_parallel=gpus)
    assert weight_bytes(question) / GIB == pytest.approx(logged, rel=2e-3)
