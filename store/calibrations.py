"""Calibrations under their names, beside the runs."""

from __future__ import annotations

from planner.calibration import Calibration, as_json, from_json
from planner.errors import CalibrationError, UnknownCalibration
from store import notes
from store.runs import Store

KIND = notes.Kind("calibrations", "calibration", "cli.py calibrate makes one", CalibrationError, UnknownCalibration)


def save(store: Store, calibration: Calibration) -> str:
    """Keeps a calibration; one of that name is replaced, in one step.

    returns : the name under which it is kept
    raises : CalibrationError for a name that cannot be one; StoreError if it cannot be written
    """
    return notes.save(store, KIND, calibration.name, as_json(calibration).encode())


def names(store: Store) -> list[str]:
    """Of every calibration of the store, sorted; whether each can be read shows when it is loaded.

    raises : StoreError
    """
    return notes.names(store, KIND)


def load(store: Store, name: str) -> Calibration:
    """A calibration by its name.

    raises : UnknownCalibration; CalibrationError if its file is damaged; StoreError
    """
    content = notes.content(store, KIND, name)
    try:
        return from_json(content)
    except CalibrationError as error:
        raise CalibrationError(f"Calibration {name}: {error}") from error


def delete(store: Store, name: str) -> None:
    """Removes a calibration, a damaged one too.

    raises : UnknownCalibration, StoreError
    """
    notes.delete(store, KIND, name)
