"""A reader's own GPUs, models and prices beside the catalogue's: checked by its code, then known by their id.

Own ids begin with "own-" and "own/", so that no later catalogue ever means something else by them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from planner import catalogue, catalogue_models
from planner.catalogue import read_gpu
from planner.catalogue_models import model_of
from planner.entries import ModelRow, Price
from planner.errors import BadRow
from planner.families import model_from_config
from planner.gpu import Gpu
from planner.naming import short_name
from planner.parameters import parameter_count
from planner.prices import read_price
from planner.quantities import Source

PLACE = "own entry"
LONGEST = 1000
"""Letters of a text in a row."""


def own_gpu(name: str, row: Mapping[str, Any]) -> Gpu:
    """An own GPU.

    name : its id behind "own-"
    row : as in data/gpus.yaml; its id and aliases do not count
    raises : BadRow naming the field
    """
    whole = {"aliases": [], "unchecked": ["all"], "note": "", **_plain_row(row), "id": own_id(name)}
    texts = ("name", "variant", "vendor", "link", "source", "compute_capability", "memory_type", "note", "terms")
    for key in texts:
        if not _is_text(whole.get(key, "")):
            raise BadRow(f"{PLACE}, GPU {name}: {key} must be a text of up to {LONGEST} letters.")
    peaks = whole.get("peak_dense_tflop_s")
    if not isinstance(peaks, Mapping) or not all(isinstance(name, str) for name in peaks):
        raise BadRow(f"{PLACE}, GPU {name}: peak_dense_tflop_s must name formats with TFLOP/s: {{bf16: 989}}.")
    return read_gpu({**whole, "aliases": [], "unchecked": ["all"]}, PLACE)


def own_model(name: str, config: Mapping[str, Any]) -> ModelRow:
    """An own model, as a row of the catalogue.

    name : its name behind "own/"
    config : of its config.json
    raises : PlannerError; what cannot be counted is refused
    """
    full = catalogue_models.OWN + short_name(name, "a model", BadRow)
    model = model_from_config(config, full, Source("config.json of a reader", checked=False))
    fields = {
        "config": config, "source": "config.json of a reader", "checked": False, "short": (),
        "parameters": parameter_count(model),
    }  # fmt: skip
    row = ModelRow(full, full, fields, PLACE)
    model_of(row)
    return row


def own_price(row: Mapping[str, Any], also: Container[str] = ()) -> Price:
    """Own prices of a GPU.

    row : as in data/prices.yaml, each price with its text and date
    also : ids of own GPUs
    returns : [USD/s], [USD]
    raises : BadRow naming the GPU and the field
    """
    if not all(isinstance(told, Mapping) for key, told in row.items() if key != "gpu"):
        raise BadRow(f"{PLACE}: a price is a value with its source (text) and date.")
    return read_price(row, {}, PLACE, also)


def own_id(name: str) -> str:
    """The id of an own GPU.

    raises : BadRow for a name that cannot be one

    >>> own_id("Lab GPU")
    'own-lab-gpu'
    """
    return catalogue.OWN + short_name(name, "a GPU", BadRow).lower()


def _is_text(told: Any) -> bool:
    """Not too long, and without half a character, which YAML may hold and no page can be sent."""
    return isinstance(told, str) and len(told) <= LONGEST and told == told.encode(errors="replace").decode()


def _plain_row(row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        raise BadRow(f"{PLACE}: a GPU is a row of keys and values, as in data/gpus.yaml.")
    return dict(row)
