"""Factors of the planner fitted to measurements: few, bounded by physics, held by what the catalogue says already.

    minimise  sum over points of huber(log(measured / predicted(f, k)) / noise)
            + log f · inverse(prior) · log f  +  sum over configurations of (log k / KERNELS)²

What all points of one configuration share may lie in its own kernels (k) as well as in host or GPU (f): so one model
does not teach another what is only its own. Each factor starts at 1 with a prior: three points cannot move what they do
not speak of. A factor that the points leave as unsure as its prior is told as "not learnt". The covariance at the
minimum gives intervals for other questions (planner/calibrated.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from planner.calibration import Calibration
from planner.correction import FACTORS, KERNELS, Correction
from planner.errors import OutsideRange, TooFewPoints
from planner.observation import Observation, predicted, usable
from planner.quantities import FloatArray

PRIOR: Mapping[str, float] = {
    "memory": 0.05,
    "compute": 0.05,
    "link": 0.10,
    "latency": 0.15,
    "host_step": 0.05,
    "host_sequence": 0.05,
    "host_prompt": 0.40,
}
"""How far a factor may lie from 1, as the standard deviation of its logarithm. Tight, because errors are mostly those
of one model and not of its GPU: with twice as wide ones, what 45 loads of Llama-3.3-70B on an H200 say of its fp8
kernels (compute 0.84) made gpt-oss-120b there two and a half times as wrong (vllm_serving.csv)."""
CPU = 0.25
"""Standard deviation of what the three host factors share (assumed): servers' CPUs differ, and a slow one is slow at
everything. Host time of a sequence alone is mostly one model's own: free, it became 1.35 on
Llama-3.3-70B and 0.73 on gpt-oss-120b of one H100 server."""
BOUNDS = (np.log(1 / 8), np.log(8.0))
NOISE = 0.05
"""Scatter of repeated measurements of one setting (logarithmic), and what the factors cannot say of one configuration's
loads. Assumed: with less, one model's own errors were taken for those of the host."""
INDEPENDENT = 3
"""Loads of one configuration that count as independent: what the model has wrong about a configuration bends slowly
with the load, so sixteen concurrencies of it are not sixteen opinions."""
FEWEST = 3
MOST_STEPS = 10
LEARNT = 0.85
"""A factor is learnt when the points leave less than this share of its prior uncertainty."""
STEP = 0.02
NORMAL = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution: one bad point does not widen the rest."""
PULL = 1.5
"""Residuals beyond 1.5 noises count by their size, not its square: one bad point does not pull the rest."""


def fit(observed: Sequence[Observation], name: str) -> Calibration:
    """The factors that explain measurements best.

    observed : of one or several runs; those that the planner refuses are left out
    name : of the calibration
    raises : TooFewPoints below three loads; OutsideRange where they leave every factor as unsure as before
    valid : residuals of a few per cent to a factor of two; more is another model, GPU or load than the question says
    """
    asked = usable(observed)
    _require(asked, len(observed))
    keys = tuple(dict.fromkeys(one.scenario.configuration for one in asked))
    prior = _prior(len(keys))
    logs, jacobian = _solved(asked, name, keys, prior)
    found = _correction(name, logs, keys)
    before, after = _residuals(asked, None), _residuals(asked, found)
    information = jacobian.T @ jacobian
    left = np.sqrt(np.diag(_covariance(information, prior)) / np.diag(prior))
    learnt = tuple(factor for factor, share in zip(found.named, left, strict=True) if share < LEARNT)
    if not learnt:
        raise OutsideRange(
            "These measurements say nothing that the catalogue does not: every factor is as unsure after them as "
            "before. They are too few, or all in one regime. Measure small and large batches."
        )
    spread = max(NOISE, NORMAL * float(np.median(np.abs(after))))
    covariance = _covariance(information * (NOISE / spread) ** 2, prior)
    batches = [one.scenario.workload.concurrency for one in asked]
    known = replace(
        found,
        spread=spread,
        covariance=tuple(map(tuple, covariance.tolist())),
        gpus=tuple(dict.fromkeys(one.scenario.deployment.gpu.id for one in asked)),
        batch=(min(batches), max(batches)),
        metrics=tuple(dict.fromkeys(one.metric for one in asked)),
    )
    models = tuple(dict.fromkeys(one.scenario.model.name for one in asked))
    points = tuple(map(_label, asked))
    return Calibration(known, points, tuple(before.tolist()), tuple(after.tolist()), learnt, models)


def _require(asked: Sequence[Observation], given: int) -> None:
    loads = {(one.scenario.configuration, one.scenario.workload) for one in asked}
    if len(loads) < FEWEST:
        raise TooFewPoints(
            f"{len(asked)} of {given} values can be compared with a prediction, of {len(loads)} different loads: a "
            f"calibration needs at least {FEWEST} loads. Measure more batches (cli.py measure decode)."
        )


def _solved(
    asked: Sequence[Observation], name: str, keys: tuple[str, ...], prior: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Logarithms of the factors, and how each observation's scaled residual answers to them."""
    weights, sigma = _weights(asked), np.sqrt(np.diag(prior))
    whitened = np.linalg.cholesky(np.linalg.inv(prior)).T

    def errors(logs: FloatArray) -> FloatArray:
        missed = _pulled(_residuals(asked, _correction(name, logs, keys)) * weights)
        return np.concatenate([missed, whitened @ logs])

    solved = least_squares(
        errors, np.zeros(len(sigma)), bounds=BOUNDS, diff_step=np.full(len(sigma), STEP), x_scale=sigma,
        max_nfev=MOST_STEPS,
    )  # fmt: skip
    return np.asarray(solved.x), np.asarray(solved.jac)[: len(asked)]


def _covariance(information: FloatArray, prior: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.inv(information + np.linalg.inv(prior)))


def _prior(configurations: int) -> FloatArray:
    """Covariance of the factors' logarithms before anything is measured, configurations' kernels last."""
    own = [*(PRIOR[factor] for factor in FACTORS), *(KERNELS for _ in range(configurations))]
    shared = np.array([CPU * factor.startswith("host") for factor in FACTORS] + [0.0] * configurations)
    return np.asarray(np.diag(np.square(own)) + np.outer(shared, shared))


def _correction(name: str, logs: FloatArray, keys: tuple[str, ...]) -> Correction:
    values = np.exp(logs).tolist()
    factors = dict(zip(FACTORS, values, strict=False))
    return Correction(name, **factors, kernels=tuple(zip(keys, values[len(FACTORS) :], strict=True)))


def _weights(asked: Sequence[Observation]) -> FloatArray:
    """One over each observation's noise; a configuration with many loads counts as INDEPENDENT of them [1]."""
    counts = Counter(one.scenario.configuration for one in asked)
    shared = np.array([counts[one.scenario.configuration] for one in asked])
    return np.asarray(np.minimum(1.0, np.sqrt(INDEPENDENT / shared)) / NOISE)


def _pulled(scaled: FloatArray) -> FloatArray:
    """Whose squares are Huber's loss: quadratic near zero, linear beyond PULL."""
    size = np.abs(scaled)
    return np.asarray(
        np.sign(scaled) * np.where(size <= PULL, size, np.sqrt(np.maximum(0.0, 2 * PULL * size - PULL**2)))
    )


def _residuals(asked: Sequence[Observation], correction: Correction | None) -> FloatArray:
    return np.asarray(np.log(np.array([one.measured for one in asked]) / predicted(asked, correction)))


def _label(one: Observation) -> str:
    load = one.scenario.workload
    return f"{one.metric}, {one.scenario.configuration}, {load.concurrency:g} at once, {load.prompt_tokens:g} tokens"
