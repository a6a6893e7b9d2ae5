"""What is sent to the scheduler, what bounds it, and the schedule that comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.quantities import FloatArray
from planner.step import Step


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a step.

    sequences : max_num_seqs [1]
    tokens : max_num_batched_tokens [tokens]
    kv_tokens : that the KV cache holds [tokens]
    """

    sequences: float
    tokens: float
    kv_tokens: float


@dataclass(frozen=True, slots=True)
class Requests:
    """What is sent, one entry a request.

    prompts, outputs : lengths [tokens]
    cached : of each prompt, found in the prefix cache [tokens]
    in_flight : closed loop: sent at once, then one for each that ends [1]
    arrivals : open loop: when each is sent [s]; None in a closed loop
    """

    prompts: FloatArray
    outputs: FloatArray
    cached: float
    in_flight: int
    arrivals: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The steps of a run.

    steps : fields are arrays over records; decode_context is the mean over a record's steps
    repeats : alike steps of each record [1]
    sent, first, last : for each request, the record after which it was sent (-1: at the start), in which it got its
        first token, and its last [1]
    ended : when each record ended, idle time included, in an open loop; None in a closed one [s]
    preemptions : requests computed again for lack of KV cache [1]
    """

    steps: Step
    repeats: FloatArray
    sent: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    ended: FloatArray | None
    preemptions: int
