"""The `vllm serve` command of a scenario."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from planner.engine import Engine
from planner.scenario import Scenario
from planner.speculation import Speculation

DISABLE_SINCE = (0, 33)
"""First release whose options that start with enable are negated by disable, not by no-enable."""
LOOKED_UP = 4
"""Tokens of the end of a text that are looked up in it: vLLM asks for a number."""
KV_NAMES = {"fp8": "fp8", "fp4": "nvfp4"}


def serve_command(scenario: Scenario) -> str:
    """A command line that runs the scenario; flags that equal vLLM's defaults are left out.

    scenario : the question
    returns : one shell-quoted line
    source : options of `vllm serve`, 0.33
    """
    engine, formats, split = scenario.engine, scenario.quantization, scenario.deployment
    defaults = type(engine)(version=engine.version).with_defaults(split.gpu)
    words = ["vllm", "serve", scenario.model.name]
    if split.tensor_parallel > 1:
        words += ["--tensor-parallel-size", str(split.tensor_parallel)]
    if split.expert_parallel > 1:
        words.append("--enable-expert-parallel")
    if formats.base == "fp16" and scenario.model.checkpoint.dtype != "fp16":
        words += ["--dtype", "float16"]
    if formats.kv_cache in KV_NAMES:
        words += ["--kv-cache-dtype", KV_NAMES[formats.kv_cache]]
    for name in ("max_num_seqs", "max_num_batched_tokens", "gpu_memory_utilization"):
        value = getattr(engine, name)
        if value != getattr(defaults, name):
            words += ["--" + name.replace("_", "-"), f"{value:g}"]
    if engine.max_model_len and engine.max_model_len < scenario.model.max_context:
        words += ["--max-model-len", f"{engine.max_model_len:.0f}"]
    return shlex.join([*words, *_switches(engine, defaults)])


def _switches(engine: Engine, defaults: Engine) -> Iterator[str]:
    if engine.enforce_eager:
        yield "--enforce-eager"
    if engine.async_scheduling != defaults.async_scheduling:
        yield "--async-scheduling" if engine.async_scheduling else "--no-async-scheduling"
    if engine.prefix_caching != defaults.prefix_caching:
        off = "--disable-prefix-caching" if engine.release >= DISABLE_SINCE else "--no-enable-prefix-caching"
        yield "--enable-prefix-caching" if engine.prefix_caching else off
    if not engine.chunked_prefill:
        yield "--disable-chunked-prefill" if engine.release >= DISABLE_SINCE else "--no-enable-chunked-prefill"
    if (guess := engine.speculation) is not None:
        yield from ("--speculative-config", _drafts(guess))


def _drafts(guess: Speculation) -> str:
    """What `--speculative-config` takes; without a drafter, tokens are looked up in the prompt."""
    method = {"model": guess.drafter.name} if guess.drafter else {"method": "ngram", "prompt_lookup_max": LOOKED_UP}
    return json.dumps({**method, "num_speculative_tokens": guess.drafted})
