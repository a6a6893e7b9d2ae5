"""`calibrate`: fit the planner to what was measured, and keep the factors under a name."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from planner.calibrated import NINETY
from planner.calibration import Calibration, clean_name
from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.observation import observations
from store import calibrations
from store.runs import Store, default_root
from verbs.check import file_or_run
from verbs.status import DONE

name, about = "calibrate", "fit the planner to measurements, and keep that under a name"
SHOWN = 40


def arguments(parser: argparse.ArgumentParser) -> None:
    """Files or runs, a name, and what was measured where they do not tell."""
    parser.add_argument("runs", nargs="+", metavar="RUN_OR_CSV")
    parser.add_argument("--name", required=True, help="under which predict and plan find it: --calibration NAME")
    for option in ("gpu", "model"):
        parser.add_argument(f"--{option}", help="that was measured, where the file does not tell")
    parser.add_argument("--json", action="store_true")


def run(given: argparse.Namespace) -> int:
    """Fits, keeps and prints."""
    from planner.fit import fit  # noqa: PLC0415 - SciPy takes longer to load than all other verbs to answer

    chosen = find_model(given.model) if given.model else None
    gpu = find_gpu(given.gpu).id if given.gpu else None
    own = clean_name(given.name)
    observed = [one for measured in given.runs for one in observations(file_or_run(measured), gpu, chosen)]
    found = fit(observed, own)
    calibrations.save(Store(default_root()), found)
    print(json.dumps(as_json(found), indent=2) if given.json else "\n".join(as_text(found)))
    return DONE


def as_json(found: Calibration) -> dict[str, Any]:
    """Factors with their 90 % intervals, residuals, and where they hold."""
    own = found.correction
    return {
        "name": own.name,
        "factors": [
            {"factor": factor, "value": value, "low": low, "high": high, "learnt": factor in found.learnt}
            for factor, value, low, high in factors(found)
        ],
        "mean_error_before_percent": missed(found.before),
        "mean_error_after_percent": missed(found.after),
        "spread": own.spread,
        "gpus": list(own.gpus),
        "models": list(found.models),
        "batch": list(own.batch),
        "points": [
            {"point": point, "measured_over_predicted_before": np.exp(before), "measured_over_predicted": np.exp(after)}
            for point, before, after in zip(found.points, found.before, found.after, strict=True)
        ],
    }


def as_text(found: Calibration) -> Iterator[str]:
    """The same as lines for a person."""
    own = found.correction
    where = f"{', '.join(found.models)} on {', '.join(own.gpus)}"
    yield f'Calibration "{own.name}" from {len(found.points)} values: {where}'
    yield f"  mean error {missed(found.before):.1f} % before, {missed(found.after):.1f} % with it"
    yield f"  holds for batches {own.batch[0]:g} to {own.batch[1]:g} of these; beyond, intervals widen and say so"
    yield "  factor on what the catalogue says, 90 % interval"
    for factor, value, low, high in factors(found):
        note = "" if factor in found.learnt else "  not learnt: these values do not speak of it"
        yield f"    {factor:<14} {value:.3f}  {low:.3f} to {high:.3f}{note}"
    yield "  measured / predicted, before and with it"
    for point, before, after in list(zip(found.points, found.before, found.after, strict=True))[:SHOWN]:
        yield f"    {np.exp(before):.3f}  {np.exp(after):.3f}  {point}"
    if len(found.points) > SHOWN:
        yield f"    and {len(found.points) - SHOWN} more; --json has all"


def factors(found: Calibration) -> Iterator[tuple[str, float, float, float]]:
    """Each factor with its 90 % interval [1]."""
    for place, (factor, value) in enumerate(found.correction.named.items()):
        wide = float(np.exp(NINETY * np.sqrt(found.correction.covariance[place][place])))
        yield factor, value, value / wide, value * wide


def missed(residuals: tuple[float, ...]) -> float:
    """Mean absolute error of predicted over measured [%]."""
    return 100 * float(np.mean(np.abs(np.exp(-np.array(residuals)) - 1)))
