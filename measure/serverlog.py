"""What a vLLM server's log says of itself: its KV cache and the limits it runs with.

| in the log                                             | ours                | unit   |
| ------------------------------------------------------ | ------------------- | ------ |
| KV cache size: 1,234 tokens                            | kv_cache_tokens     | tokens |
| Maximum concurrency for 2,048 tokens per request: 9.5x | kv_cache_concurrency| 1      |
| Available KV cache memory: 12.34 GiB                   | kv_cache_gib        | GiB    |
| Model loading took 14.99 GiB                           | weights_gib         | GiB    |
| max_num_batched_tokens=8192                            | max_num_batched_tokens | tokens |
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SAID: Mapping[str, re.Pattern[str]] = {
    "kv_cache_tokens": re.compile(r"KV cache size: ([\d,]+) tokens"),
    "kv_cache_concurrency": re.compile(r"Maximum concurrency for [\d,]+ tokens per request: ([\d.,]+)x"),
    "kv_cache_gib": re.compile(r"Available KV cache memory: ([\d.]+) GiB"),
    "weights_gib": re.compile(r"[Mm]odel (?:loading|weights) (?:took|take) ([\d.]+) ?Gi?B"),
    "max_num_batched_tokens": re.compile(r"max_num_batched_tokens[=: ]+([\d,]+)"),
}


def facts(log: str) -> dict[str, float]:
    """Numbers that a server's log states; of several GPUs the smallest, as vLLM itself takes it.

    log : its text

    >>> facts("INFO GPU KV cache size: 2,097,152 tokens")
    {'kv_cache_tokens': 2097152.0}
    """
    found = {name: pattern.findall(log) for name, pattern in SAID.items()}
    return {name: min(float(text.replace(",", "")) for text in texts) for name, texts in found.items() if texts}


def last_words(log: str, lines: int = 12) -> str:
    """The end of a log, the lines that say an error first.

    log : its text
    lines : how many [1]
    """
    told = [line.strip()[:300] for line in log.splitlines() if line.strip()]
    errors = [line for line in told if re.search(r"\bERROR\b|Error\b|error:|Exception\b|No such|not found", line)]
    return "\n".join((errors or told)[-lines:]) or "nothing"
