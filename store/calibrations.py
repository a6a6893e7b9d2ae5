"""Calibrations under their names, beside the runs: root/calibrations/<name>.json, one small file each."""

from __future__ import annotations

from planner.calibration import Calibration, as_json, clean_name, from_json
from planner.errors import CalibrationError, StoreError, UnknownCalibration, nearest
from store.files import ROOT_VARIABLE, reason
from store.places import Shelf
from store.runs import Store

SUFFIX = ".json"


def save(store: Store, calibration: Calibration) -> str:
    """Keeps a calibration; one of that name is replaced, in one step.

    returns : the name under which it is kept
    raises : CalibrationError for a name that cannot be one; StoreError if it cannot be written
    """
    name = clean_name(calibration.name)
    try:
        store.shelf.keep_note(f"{name}{SUFFIX}", as_json(calibration).encode())
    except OSError as error:
        raise StoreError(
            f"Calibration {name} cannot be saved: {reason(error)}. Make room, or choose another place "
            f"with {ROOT_VARIABLE}."
        ) from error
    return name


def names(store: Store) -> list[str]:
    """Of every calibration of the store, sorted; whether each can be read shows when it is loaded.

    raises : StoreError
    """
    return _names(store.shelf)


def load(store: Store, name: str) -> Calibration:
    """A calibration by its name.

    raises : UnknownCalibration; CalibrationError if its file is damaged; StoreError
    """
    wanted = _known(store, name)
    try:
        return from_json(store.shelf.note(f"{wanted}{SUFFIX}").read())
    except FileNotFoundError as error:
        raise UnknownCalibration(f"Calibration {wanted} was deleted in the meantime.") from error
    except CalibrationError as error:
        raise CalibrationError(f"Calibration {wanted}: {error}") from error


def delete(store: Store, name: str) -> None:
    """Removes a calibration, a damaged one too.

    raises : UnknownCalibration, StoreError
    """
    wanted = _known(store, name)
    try:
        store.shelf.drop_note(f"{wanted}{SUFFIX}")
    except OSError as error:
        raise StoreError(f"Calibration {wanted} cannot be deleted: {reason(error)}.") from error


def _names(shelf: Shelf) -> list[str]:
    found = []
    for note in shelf.notes():
        name = note.removesuffix(SUFFIX)
        try:
            if note.endswith(SUFFIX) and clean_name(name) == name:
                found.append(name)
        except CalibrationError:
            continue
    return sorted(found)


def _known(store: Store, name: str) -> str:
    """The name if a calibration has it: what a link says never becomes a path unseen."""
    known = _names(store.shelf)
    if name in known:
        return name
    there = f"Nearest: {nearest(name[:64], known)}." if known else "There is none yet: cli.py calibrate makes one."
    raise UnknownCalibration(f'No calibration "{name[:64]}". {there}')
