"""What a fit to measurements said, and how it is written down."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from planner.correction import FACTORS, Correction
from planner.errors import CalibrationError
from planner.naming import short_name

SCHEMA = 1
MOST_FACTORS = 500


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted.

    points : values that it was fitted to [1]
    before, after : log(measured / predicted) of each, without the calibration and with it [1]
    learnt : factors and configurations that the measurements say something about
    models : names of those that were measured
    """

    correction: Correction
    points: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    learnt: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def name(self) -> str:
        """Under which it is kept."""
        return self.correction.name


def clean_name(name: str) -> str:
    """A name under which a calibration can be kept and sent as a link.

    name : as a person wrote it; spaces become dashes
    raises : CalibrationError

    >>> clean_name(" our H100 box ")
    'our-H100-box'
    """
    return short_name(name, "a calibration", CalibrationError)


def as_json(calibration: Calibration) -> str:
    """A calibration as text, for `from_json`."""
    return json.dumps({"schema": SCHEMA, **asdict(calibration)}, indent=1)


def from_json(text: str | bytes) -> Calibration:
    """A calibration from the text that keeps it; what a file claims is checked, for it may come from anywhere.

    raises : CalibrationError
    """
    try:
        told = json.loads(text)
        if told.pop("schema") != SCHEMA:
            raise CalibrationError("This calibration was written by another version. Calibrate again.")
        return _checked(Calibration(correction=_correction(told["correction"]), **_lists(told)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CalibrationError("This file is no calibration, or was damaged. Calibrate again.") from error


def _correction(told: Mapping[str, Any]) -> Correction:
    fields = dict(told)
    fields["kernels"] = tuple((str(key), float(value)) for key, value in told["kernels"])
    fields["covariance"] = tuple(tuple(map(float, row)) for row in told["covariance"])
    fields |= {name: tuple(map(str, told[name])) for name in ("gpus", "metrics")}
    fewest, most = map(float, told["batch"])
    numbers = {factor: float(told[factor]) for factor in (*FACTORS, "spread")}
    return Correction(**{**fields, **numbers, "name": clean_name(told["name"]), "batch": (fewest, most)})


def _lists(told: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: tuple(map(str, told[name])) for name in ("points", "learnt", "models")}
    return texts | {name: tuple(map(float, told[name])) for name in ("before", "after")}


def _checked(found: Calibration) -> Calibration:
    own = found.correction
    size = len(own.named)
    square = len(own.covariance) == size and all(len(row) == size for row in own.covariance)
    numbers = [*own.named.values(), *own.batch]
    finite = all(map(math.isfinite, (*found.before, *found.after, *(cell for row in own.covariance for cell in row))))
    if not square or not finite or size > MOST_FACTORS or not all(0 < number < math.inf for number in numbers):
        raise ValueError("factors out of range")
    if not math.isfinite(own.spread) or not len(found.points) == len(found.before) == len(found.after):
        raise ValueError("residuals do not match")
    return found
