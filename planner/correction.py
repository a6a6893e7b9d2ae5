"""What a calibration changes of a prediction: a few factors on what the catalogue says, each bounded by physics.

| factor        | multiplies                                                    | what it can be              |
| ------------- | ------------------------------------------------------------- | --------------------------- |
| memory        | shares of HBM bandwidth of all kernels                        | no rate above the roof      |
| compute       | shares of the matrix peak of all kernels                      | no rate above the roof      |
| link          | shares of the link's bandwidth                                | no rate above the roof      |
| latency       | start and end of kernels, in a CUDA graph or out of it        | above zero                  |
| host_step     | host time of a step                                           | above zero                  |
| host_sequence | host time of each sequence in a step                          | above zero                  |
| host_prompt   | host time of a prompt token and of a request                  | above zero                  |
| kernels       | time of all kernels of one configuration that was measured    | no rate above the roof      |

The first seven hold for a measured model; another model on that host gets what exceeds one model's own errors
(`carried`). `kernels` holds for one model in its formats on its GPUs, and says what the seven cannot: how good the
kernels of just these shapes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from planner.engine import HostTimes
from planner.gpu import Gpu
from planner.op_times import Roof
from planner.ops import Op
from planner.quantities import Number

FACTORS = ("memory", "compute", "link", "latency", "host_step", "host_sequence", "host_prompt")
KERNELS = 0.10
"""Spread of the error that all loads of one configuration share (serving tables, configurations left out in turn):
how far `kernels` of a configuration may lie from 1, and what is not known of one that was not measured [1]."""

OWN = 0.05
"""How far one model's factors lie from those of its GPU and host, as the standard deviation of a logarithm: fitted to
one model each, Llama-3.3-70B and gpt-oss-120b differ by 0.06 on an H100 and by 0.05 on an H200 (root mean square over
FACTORS, vllm_serving.csv), which is 0.04 of each; 0.05, since two models are few [1]."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Factors of one calibration, 1 where the catalogue is right [1], and how sure they are.

    name : of the calibration
    kernels : configuration (see `configuration`) -> factor on its kernels' time [1]
    spread : standard deviation of log(measured / predicted) that the factors leave [1]
    covariance : of the logarithms of FACTORS, then of `kernels`, in their order [1]
    gpus : ids of those that were measured
    batch : requests at once that were measured, fewest and most [1]
    metrics : that were measured
    """

    name: str
    memory: float = 1.0
    compute: float = 1.0
    link: float = 1.0
    latency: float = 1.0
    host_step: float = 1.0
    host_sequence: float = 1.0
    host_prompt: float = 1.0
    kernels: tuple[tuple[str, float], ...] = ()
    spread: float = 0.0
    covariance: tuple[tuple[float, ...], ...] = ()
    gpus: tuple[str, ...] = ()
    batch: tuple[float, float] = (1.0, 1.0)
    metrics: tuple[str, ...] = ()

    @property
    def named(self) -> Mapping[str, float]:
        """Every factor under its name or its configuration, in the order of `covariance` [1]."""
        return {factor: getattr(self, factor) for factor in FACTORS} | dict(self.kernels)

    def moved(self, factor: str, by: float) -> Correction:
        """The same with one factor multiplied.

        factor : of FACTORS, or a configuration of `kernels`
        by : [1]
        """
        if factor in FACTORS:
            return replace(self, **{factor: getattr(self, factor) * by})
        return replace(self, kernels=tuple((key, value * (by if key == factor else 1)) for key, value in self.kernels))

    def doublings(self, concurrency: float) -> float:
        """How many doublings a load lies outside of those that were measured [1].

        concurrency : requests at once [1]
        """
        fewest, most = self.batch
        return max(0.0, float(np.log2(fewest / concurrency)), float(np.log2(concurrency / most)))

    def outside(self, gpu: Gpu, configuration: str, concurrency: float) -> str:
        """Why a question lies outside of what was measured, in a sentence; empty where it does not.

        configuration : of `Scenario.configuration`
        concurrency : requests at once; one doubling is not far [1]
        """
        said = []
        if gpu.id not in self.gpus:
            said.append(f"it was measured on {', '.join(self.gpus)}, not on {gpu.id}")
        if configuration not in dict(self.kernels):
            share = self.carried(configuration)
            kept = f"; {100 * share:.0f} % of what it learnt is carried to this model" if share < 1 else ""
            said.append(f"this model in these formats on so many GPUs was not measured{kept}")
        if self.doublings(concurrency) > 1:
            said.append(f"its batches were {self.batch[0]:g} to {self.batch[1]:g}, not {concurrency:g}")
        return f'Calibration "{self.name}" goes beyond its measurements: {"; ".join(said)}.' if said else ""

    def slower(self, configuration: str) -> float:
        """Factor on the time of all kernels of a configuration [1]; 1 where it was not measured."""
        return dict(self.kernels).get(configuration, 1.0)

    def carried(self, configuration: str) -> float:
        """Share of the factors' logarithms that holds for a configuration [1].

            1 of a measured model;  max(0, 1 - factors · OWN² / (models · |log f|²)) of another

        Small factors fitted to one model are mostly its own: passed on, they made other models of the GPU worse. Large
        ones are the host's or the GPU's, and pass nearly whole.

        configuration : of `Scenario.configuration`
        source : James, Stein, Proc. 4th Berkeley Symposium, 1961 (positive part), around 1
        """
        measured = {_model(known) for known, _ in self.kernels}
        if not measured or _model(configuration) in measured:
            return 1.0
        size = sum(float(np.log(getattr(self, factor))) ** 2 for factor in FACTORS)
        own = len(FACTORS) * OWN**2 / len(measured)
        return 1 - own / size if size > own else 0.0

    def held(self, configuration: str) -> Correction:
        """The factors as they hold for a configuration, see `carried`.

        configuration : of `Scenario.configuration`
        """
        share = self.carried(configuration)
        return replace(self, **{factor: getattr(self, factor) ** share for factor in FACTORS}) if share < 1 else self

    def roof(self, under: Roof, op: Op, gpu: Gpu, slower: float) -> Roof:
        """An op's roof with the factors in it, never above the data sheet's.

        under : of the catalogue [FLOP/s], [B/s], [s]
        op : whose format has the peak
        gpu : whose peaks bound it
        slower : factor on the time of all kernels [1]
        """
        return replace(
            under,
            compute=_below(under.compute * self.compute / slower, gpu.peak(op.format)),
            memory=_below(under.memory * self.memory / slower, gpu.bandwidth),
            link=_below(under.link * self.link / slower, gpu.link_bandwidth),
            latency=under.latency * self.latency * slower,
        )

    def host(self, times: HostTimes) -> HostTimes:
        """Host times with the factors in them.

        times : of the engine's version [s]
        """
        return replace(
            times,
            step=times.step * self.host_step,
            workers=times.workers * self.host_step,
            sequence=times.sequence * self.host_sequence,
            hidden_step=times.hidden_step * self.host_step,
            hidden_sequence=times.hidden_sequence * self.host_sequence,
            prompt_token=times.prompt_token * self.host_prompt,
            request=times.request * self.host_prompt,
            launch=times.launch * self.latency,
        )


def _model(configuration: str) -> str:
    return configuration.rsplit(" ", 4)[0]


def _below(rate: Number, roof: float) -> Number:
    return np.minimum(rate, roof)
