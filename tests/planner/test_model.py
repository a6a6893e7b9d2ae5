"""A model is a stack of layers."""

from __future__ import annotations

from planner.catalogue_models import find_model
from planner.model import Attention, DenseFfn, LatentAttention, MoeFfn
from tests.planner.questions import DEEPSEEK, GEMMA_2, LLAMA_8B


def test_depth_counts_layers_of_all_groups():
    assert find_model(LLAMA_8B).depth == 32
    assert find_model(GEMMA_2).depth == 42
    assert find_model(DEEPSEEK).depth == 61


def test_groups_are_alike_layers():
    dense, mixture = find_model(DEEPSEEK).layers
    assert (dense.count, mixture.count) == (3, 58)
    assert isinstance(dense.ffn, DenseFfn)
    assert isinstance(mixture.ffn, MoeFfn)
    assert isinstance(mixture.mixer, LatentAttention)


def test_windows_are_of_the_layers_that_have_them():
    mixers = [layer.mixer for layer in find_model(GEMMA_2).layers]
    assert [mixer.window for mixer in mixers if isinstance(mixer, Attention)] == [4096, None]
