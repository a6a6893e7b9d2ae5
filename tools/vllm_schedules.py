"""vLLM's own schedules of small loads, which planner.scheduler must equal: `python -m tools.vllm_schedules COUNT`.

Needs vLLM 0.32 (no GPU) and a folder with the config.json of any small Llama in HEADROOM_TINY_MODEL. Prints one JSON
object a load: the question, the tokens of every step, and the steps of each request's first and last token.
"""

from __future__ import annotations

import json
import os
import random
import sys
from typing import Any

MAX_LENGTH = 2048


def load(seed: int) -> dict[str, Any]:
    """A random load, and limits under which its longest request just fits or better."""
    dice = random.Random(seed)  # noqa: S311 - a test sample, not a secret
    count, block = dice.randint(2, 10), dice.choice([2, 4, 16])
    prompts, outputs = ([dice.randint(1, most) for _ in range(count)] for most in (120, 60))
    least = max(-(-(prompt + output - 1) // block) for prompt, output in zip(prompts, outputs, strict=True))
    sequences = dice.randint(1, 8)
    return {
        "block": block,
        "sequences": sequences,
        "tokens": dice.randint(max(sequences, 4), 150),
        "blocks": least + dice.randint(0, 2 * least),
        "in_flight": dice.randint(1, 9),
        "whole_prompts": dice.choice([False, True]),
        "caching": dice.choice([False, True, True]),
        "prompts": prompts,
        "outputs": outputs,
    }


def scheduler(asked: dict[str, Any]) -> Any:
    """VLLM's scheduler under the limits of a load; one of its blocks is never handed out."""
    import torch  # noqa: PLC0415 - vLLM is not among the requirements
    from vllm import config  # noqa: PLC0415
    from vllm.v1.core.sched.scheduler import Scheduler  # noqa: PLC0415
    from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec  # noqa: PLC0415
    from vllm.v1.structured_output import StructuredOutputManager  # noqa: PLC0415

    block, blocks, tiny = asked["block"], asked["blocks"] + 1, os.environ["HEADROOM_TINY_MODEL"]
    whole = config.VllmConfig(
        model_config=config.ModelConfig(model=tiny, tokenizer=tiny, dtype="float32", max_model_len=MAX_LENGTH),
        scheduler_config=config.SchedulerConfig(
            max_num_seqs=asked["sequences"],
            max_num_batched_tokens=asked["tokens"],
            max_model_len=MAX_LENGTH,
            is_encoder_decoder=False,
            scheduler_reserve_full_isl=asked["whole_prompts"],
            async_scheduling=False,
        ),
        cache_config=config.CacheConfig(block_size=block, enable_prefix_caching=asked["caching"]),
        device_config=config.DeviceConfig(device="cpu"),
    )
    whole.cache_config.num_gpu_blocks = blocks
    layer = FullAttentionSpec(block_size=block, num_kv_heads=1, head_size=1, dtype=torch.float32)
    kv = KVCacheConfig(num_blocks=blocks, kv_cache_tensors=[], kv_cache_groups=[KVCacheGroupSpec(["layer"], layer)])
    return Scheduler(whole, kv, StructuredOutputManager(whole), block)


def requests(asked: dict[str, Any]) -> list[Any]:
    """VLLM's requests of a load, no two with a token in common."""
    from vllm.sampling_params import SamplingParams  # noqa: PLC0415
    from vllm.utils.hashing import sha256  # noqa: PLC0415
    from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash  # noqa: PLC0415
    from vllm.v1.request import Request  # noqa: PLC0415

    init_none_hash(sha256)
    hasher = get_request_block_hasher(asked["block"], sha256)
    made = []
    for number, (prompt, output) in enumerate(zip(asked["prompts"], asked["outputs"], strict=True)):
        sampling = SamplingParams(max_tokens=output, ignore_eos=True)
        sampling.update_from_generation_config({}, 1)
        tokens = [1000 * number + at + 2 for at in range(prompt)]
        made.append(Request(str(number), tokens, sampling, None, block_hasher=hasher))
    return made


def played(asked: dict[str, Any]) -> dict[str, Any]:
    """The load with what vLLM made of it."""
    from vllm.v1.outputs import ModelRunnerOutput  # noqa: PLC0415

    run, waiting = scheduler(asked), requests(asked)
    count = len(waiting)
    first, last, scheduled, number = [-1] * count, [-1] * count, [], {str(at): at for at in range(count)}
    everyone = list(waiting)
    for _ in range(min(asked["in_flight"], count)):
        run.add_request(waiting.pop(0))
    while min(last) < 0:
        step = run.schedule()
        names = list(step.num_scheduled_tokens)
        ready = [run.requests[name].num_computed_tokens >= run.requests[name].num_tokens for name in names]
        sampled = [[1] if done else [] for done in ready]
        places = {name: at for at, name in enumerate(names)}
        run.update_from_output(step, ModelRunnerOutput(names, places, sampled, None, {}))
        for name, done in zip(names, ready, strict=True):
            first[number[name]] = len(scheduled) if done and first[number[name]] < 0 else first[number[name]]
            if name not in run.requests:
                last[number[name]] = len(scheduled)
                if waiting:
                    run.add_request(waiting.pop(0))
        scheduled.append(step.total_num_scheduled_tokens)
    preemptions = sum(request.num_preemptions for request in everyone)
    return {**asked, "first": first, "last": last, "scheduled": scheduled, "preemptions": preemptions}


if __name__ == "__main__":
    for seed in range(int(sys.argv[1])):
        print(json.dumps(played(load(seed)), separators=(",", ":")))
