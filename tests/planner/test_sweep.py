"""A sweep is many estimates of a step at once: the same numbers, and a reason where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.latency import step_time
from planner.scenario import Workload, scenario
from planner.step import decode_step
from planner.sweep import sweep

GPUS = [find_gpu(name) for name in ("h100-sxm", "t4", "l40s", "mi300x")]
MODELS = [
    find_model(name) for name in ("meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-30B-A3B", "google/gemma-2-9b-it")
]
SCHEMES = ("bf16", "fp8", "awq")
BATCHES = (1, 16, 200_000)


@pytest.fixture(scope="module")
def found():
    return sweep(GPUS, MODELS, SCHEMES, BATCHES, context=512.0)


def test_every_cell_is_the_step_of_its_scenario_or_has_a_reason(found):
    assert found.seconds.shape == (4, 3, 3, 3)
    for g, gpu in enumerate(GPUS):
        for m, model in enumerate(MODELS):
            for s, scheme in enumerate(SCHEMES):
                if (g, m, s) in found.refused:
                    assert np.isnan(found.seconds[g, m, s]).all()
                    continue
                asked = scenario(model, gpu, Workload(511, 1), scheme=scheme)
                for b, batch in enumerate(BATCHES[:2]):
                    alone = float(step_time(asked, decode_step(float(batch), 512.0)).total)
                    assert found.seconds[g, m, s, b] == pytest.approx(alone, rel=1e-12)


def test_a_batch_that_does_not_fit_is_nan_beside_those_that_do(found):
    assert np.isnan(found.seconds[:, :, :, 2]).all()
    assert np.isfinite(found.seconds[0, 0, 0, :2]).all()


def test_refusals_say_why(found):
    assert "cannot run fp8" in found.refused[1, 0, 1]
    assert "does not fit" in found.refused[1, 1, 2]
