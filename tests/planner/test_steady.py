"""The closed form against what it stands for: the simulated mean, and by hand where nothing is mixed."""

import numpy as np
import pytest

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.latency import step_time
from planner.replica import replica, run, workload
from planner.scenario import scenario
from planner.step import decode_step
from planner.techniques import Techniques
from planner.traffic import Traffic
from tests.planner.questions import GPT_OSS_20B, LLAMA_8B


def built(model, gpu, asked, **more):
    question = scenario(find_model(model), find_gpu(gpu), workload(asked), **more)
    return replica(question, asked, Techniques())


@pytest.mark.parametrize(
    ("model", "gpu", "asked"),
    [
        (LLAMA_8B, "h100-sxm", Traffic(1, 427, 145)),
        (LLAMA_8B, "l40s", Traffic(1, 2000, 300)),
        (GPT_OSS_20B, "b200", Traffic(1, 800, 1000)),
    ],
)
@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_time_per_token_is_the_simulated_mean(model, gpu, asked, load):
    of = built(model, gpu, asked)
    rate = load * of.state.saturation
    filling = int(of.state.at(rate, of.state.batch))
    found = run(of, asked, rate, 300 + 2 * filling, seed=0)
    simulated = np.mean(found.tpot[filling : filling + 300])
    assert of.state.at(rate, of.state.step) == pytest.approx(simulated, rel=0.12)


def test_without_prompts_to_compute_a_step_is_a_decode():
    """Prompts from the prefix cache but for one token: rate = batch / (output_tokens · decode step)."""
    asked = Traffic(1, 512, 2000, prefix_share=1.0)
    of = built(LLAMA_8B, "h100-sxm", asked)
    at = int(np.searchsorted(of.state.batch, 16))
    batch = float(of.state.batch[at])
    decode = float(step_time(of.asked, decode_step(batch, 512 + 2001 / 2)).total)
    assert of.state.step[at] == pytest.approx(decode, rel=0.01)
    assert of.state.rate[at] == pytest.approx(batch / (2000 * decode), rel=0.01)


def test_what_is_full_at_saturation():
    assert built(LLAMA_8B, "l40s", Traffic(1, 2000, 300)).state.limit == "KV cache"
    assert built(LLAMA_8B, "b200", Traffic(1, 100, 20)).state.limit == "batch limit"
