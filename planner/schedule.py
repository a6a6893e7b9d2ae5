"""What is sent to the scheduler, what bounds it, and the schedule that comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.kv_cache import BlockLayout
from planner.quantities import FloatArray
from planner.step import Step


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a step.

    sequences : max_num_seqs [1]
    tokens : max_num_batched_tokens, not below sequences [tokens]
    blocks : of the KV cache that requests may hold; enough for the longest alone [1]
    layout : of those blocks
    whole_prompts : a prompt waits until the blocks of all of it are free, not only those of its first chunk
    caching : a preempted request finds again what nobody has overwritten
    chunked : a prompt may be computed in parts; without, it waits until the budget holds all that is left of it
    """

    sequences: int
    tokens: int
    blocks: int
    layout: BlockLayout
    whole_prompts: bool = True
    caching: bool = True
    chunked: bool = True


@dataclass(frozen=True, slots=True)
class Requests:
    """What is sent, one entry a request.

    prompts, outputs : lengths, whole numbers [tokens]
    cached : of each prompt, found in the prefix cache, where all share it [tokens]
    in_flight : closed loop: sent at once, then one for each that ends [1]
    arrivals : open loop: when each is sent, ascending [s]; None in a closed loop
    """

    prompts: FloatArray
    outputs: FloatArray
    cached: FloatArray
    in_flight: int
    arrivals: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The steps of a run.

    steps : fields are arrays over records; decode_context is the mean over a record's steps
    repeats : alike steps of each record [1]
    sent, first, last : for each request, the record after which it was sent (-1: at the start), in which it got its
        first token, and its last [1]
    stalls : for each preemption of a decoding request, the records of its tokens before and after, shape (n, 2) [1]
    seconds, ended : of a step of each record, and when the record ended, idle time included; None without a clock [s]
    preemptions : requests sent back for lack of KV cache [1]
    """

    steps: Step
    repeats: FloatArray
    sent: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    stalls: NDArray[np.int64]
    seconds: FloatArray | None
    ended: FloatArray | None
    preemptions: int
