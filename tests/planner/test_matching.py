"""Kernels of a step and the ops they stand for: by class and place, against a search of all alignments."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.estimate import estimate
from planner.kernel_marks import implements
from planner.matching import LEFT_OUT, Launch, _aligned, match, sequence, ungrouped, unmatched
from planner.scenario import Workload
from tests.planner.questions import GPT_OSS_20B, LLAMA_8B, ask

LAYER = (
    ("rms", "norm"), ("nvjet", "gemm"), ("splitk", "gemm"), ("rope", "rotary"), ("cache", "kv_cache_write"),
    ("flash", "attention"), ("nvjet", "gemm"), ("rms", "norm"), ("nvjet_large", "gemm"), ("silu", "activation"),
    ("nvjet", "gemm"), ("mystery", "other"),
)  # fmt: skip


def decode(model=LLAMA_8B):
    return estimate(ask(model, "h200-sxm", Workload(512, 128, 1))).decode.time


def trace(layers=32, layer=LAYER):
    start, end = [("gather", "embedding")], [("rms", "norm"), ("nvjet_head", "gemm"), ("argmax", "sampling")]
    return [Launch(name, kind, 1e-5) for name, kind in (*start, *layer * layers, *end)]


def found(launches, **more):
    return {(one.kernel, one.op): one.launches for one in match(launches, decode(), implements, **more)}


def test_one_kernel_stands_for_several_products_told_apart_by_their_place():
    told = found(trace())
    assert told["nvjet", "attention.qkv"] == 32
    assert told["splitk", "attention.qkv"] == 32
    assert told["nvjet", "attention.output"] == 32
    assert told["nvjet_large", "ffn.up"] == 32
    assert told["nvjet", "ffn.down"] == 32
    assert told["rms", "final_norm"] == 1
    assert told["nvjet_head", "lm_head"] == 1


def test_what_the_model_has_no_op_for_is_listed_with_its_share():
    launches = trace()
    left, share = unmatched(match(launches, decode(), implements))
    assert [(one.kernel, one.launches) for one in left] == [("mystery", 32)]
    assert share == pytest.approx(32 / len(launches))


def test_fused_ops_leave_the_rest_in_place():
    fused = tuple(entry for entry in LAYER if entry[0] not in ("rms", "rope", "silu"))
    told = found(trace(layer=fused))
    assert told["nvjet", "ffn.down"] == 32
    assert told["nvjet_large", "ffn.up"] == 32


def test_a_person_may_correct_a_match():
    told = found(trace(), corrected={"mystery": "ffn.down", "silu": None})
    assert told["mystery", "ffn.down"] == 32
    assert told["silu", None] == 32


def test_a_correction_holds_for_all_groups_of_layers():
    launches = [Launch("gate", "other", 1e-5), Launch("down", "moe", 1e-5)] * 24
    told = match(launches, decode(GPT_OSS_20B), implements, {"gate": "experts.up"})
    assert sum(one.launches for one in told if one.kernel == "gate" and one.op) == 24
    assert {ungrouped(one.op) for one in told if one.op} == {"experts.up", "experts.down"}


def test_times_of_ops_add_up_to_what_was_matched():
    matched = match(trace(), decode(), implements)
    left, _ = unmatched(matched)
    whole = sum(one.seconds for one in matched)
    assert sum(one.seconds for one in matched if one.op is not None) + sum(
        one.seconds for one in left
    ) == pytest.approx(whole)


def test_layers_of_two_kinds_are_interleaved():
    names = [time.op.name for time in sequence(decode(GPT_OSS_20B)) if time.op.name.endswith("attention.qkv")]
    assert len(names) == 24
    assert len(set(names[:4])) == 2


def test_nothing_to_match_is_no_match():
    assert match([], decode(), implements) == ()


def value(places, ops):
    """Kernels placed, less the price of ops that were passed over."""
    used = {place for place in places if place >= 0}
    return sum(place >= 0 for place in places) - LEFT_OUT * (ops - len(used))


def best(fits):
    """The value of the best alignment, by trying them all."""
    kernels, ops = fits.shape

    @cache
    def going_on(kernel, last):
        if kernel == kernels:
            return -LEFT_OUT * (ops - 1 - last)
        values = [going_on(kernel + 1, last)]
        for op in range(max(last, 0), ops):
            if fits[kernel, op]:
                values.append(1 - LEFT_OUT * max(0, op - last - 1) + going_on(kernel + 1, op))
        return max(values)

    return going_on(0, -1)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**30 - 1))
def test_the_alignment_is_the_best_of_all_that_keep_the_order(kernels, ops, bits):
    fits = np.array([(bits >> place) & 1 for place in range(kernels * ops)], dtype=bool).reshape(kernels, ops)
    places = _aligned(fits).tolist()
    placed = [place for place in places if place >= 0]
    assert placed == sorted(placed)
    assert all(fits[kernel, place] for kernel, place in enumerate(places) if place >= 0)
    assert value(places, ops) == pytest.approx(best(fits))
