"""How much work a case says that it did in a time: FLOPs as people count them, and as vLLM's own ops add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.checks.evidence import Case
from planner.forward import forward
from planner.op_times import roof
from planner.parameters import active_parameters
from planner.scenario import Scenario
from planner.step import Step, decode_step, prefill_step


@dataclass(frozen=True, slots=True)
class Compute:
    """Arithmetic of some tokens on one GPU.

    flops : of vLLM's ops [FLOP]
    peak_time, kernel_time : at each op's dense peak, and at what kernels of its kind reach [s]
    """

    flops: float
    peak_time: float
    kernel_time: float

    def times(self, count: float) -> Compute:
        """Of that many repetitions [1]."""
        return Compute(count * self.flops, count * self.peak_time, count * self.kernel_time)


@dataclass(frozen=True, slots=True)
class Work:
    """Tokens that a case put through the model, and the time that it says they took.

    what : was timed, in words
    prompt_tokens : computed, not served from the cache [tokens]
    output_tokens : generated in decode steps [tokens]
    seconds : for all of them, on one replica [s]
    counted : 2 · parameters · tokens / GPUs [FLOP]
    prompt, output : their arithmetic on one GPU
    """

    what: str
    prompt_tokens: float
    output_tokens: float
    seconds: float
    counted: float
    prompt: Compute
    output: Compute

    @property
    def flops(self) -> float:
        """Of vLLM's ops on one GPU [FLOP]."""
        return self.prompt.flops + self.output.flops

    @property
    def peak_share(self) -> float:
        """Time at the dense peaks over the time that it took [1]."""
        return (self.prompt.peak_time + self.output.peak_time) / self.seconds

    @property
    def kernel_share(self) -> float:
        """Time that kernels alone need over the time that it took [1]."""
        return (self.prompt.kernel_time + self.output.kernel_time) / self.seconds

    @property
    def possible_prompt_tokens(self) -> float:
        """Of the prompt tokens, what kernels get through in the time that the output leaves [tokens]."""
        left = self.seconds - self.output.kernel_time
        return max(0.0, self.prompt_tokens * left / self.prompt.kernel_time)


def works(case: Case) -> Iterator[Work]:
    """The work of a case, over each time that it measured.

    case : told its lengths of prompt and output [tokens]
    returns : of one prompt (TTFT), of a whole batch, of the requests of a second, of one turn of a closed loop
    """
    output = case.told("output_tokens")
    if case.scenario is None or not case.told("prompt_tokens") or not output:
        return
    batch = case.told("concurrency") or 1.0
    if ttft := case.value("ttft"):
        yield _work("One prompt", case.scenario, ttft, 1.0, 0.0)
    if case.scenario.workload.mode == "batch":
        each = case.value("latency_per_output_token")
        if whole := each * output if each else case.value("e2e"):
            yield _work("The batch", case.scenario, whole, batch, batch * (output - 1))
    elif rate := case.value("request_throughput"):
        yield _work("A second", case.scenario, case.replicas, rate, rate * (output - 1))
    elif (turn := whole_time(case)) and case.told("concurrency") and case.told("request_rate") is None:
        yield _work("A turn of the loop", case.scenario, turn * case.replicas, batch, batch * (output - 1))


def whole_time(case: Case) -> float | None:
    """End-to-end latency, measured or TTFT + TPOT · (output - 1) [s]."""
    ttft, tpot, output = case.value("ttft"), case.value("tpot"), case.told("output_tokens")
    return case.value("e2e") or (ttft + tpot * (output - 1) if ttft and tpot and output else None)


def compute(scenario: Scenario, step: Step) -> Compute:
    """Arithmetic of one step on one GPU.

    scenario : model, formats, split
    step : what it works on; one, not many
    returns : [FLOP], [s]
    """
    gpu, split = scenario.deployment.gpu, scenario.deployment.tensor_parallel
    ops = [op for op in forward(scenario, step) if float(op.flops) > 0]
    flops = [float(op.count * op.flops) for op in ops]
    peak_time = sum(flop / gpu.peak(op.format) for op, flop in zip(ops, flops, strict=True))
    reached = sum(flop / float(roof(op, gpu, split).compute) for op, flop in zip(ops, flops, strict=True))
    return Compute(sum(flops), peak_time, reached)


def _work(what: str, scenario: Scenario, seconds: float, prompts: float, outputs: float) -> Work:
    load, model = scenario.workload, scenario.model
    computed = max(1.0, load.prompt_tokens - load.prefix_cached_tokens)
    batch = max(1.0, load.concurrency)
    first = compute(scenario, prefill_step(1.0, computed, load.prompt_tokens - computed))
    later = compute(scenario, decode_step(batch, load.prompt_tokens + load.output_tokens / 2))
    used = active_parameters(model) + (0 if model.tied else model.vocab * model.hidden)
    tokens = prompts * computed + outputs
    counted = 2 * used * tokens / scenario.deployment.tensor_parallel
    return Work(what, prompts * computed, outputs, seconds, counted, first.times(prompts), later.times(outputs / batch))
