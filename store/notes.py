"""What a person keeps under a name, beside the runs: root/<kind>/<name>.json, one small file each."""

from __future__ import annotations

from dataclasses import dataclass

from planner.errors import PlannerError, StoreError, nearest
from planner.naming import short_name
from store.files import ROOT_VARIABLE, reason
from store.places import BESIDE
from store.runs import Store

SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notes.

    folder : its folder in the store, one of BESIDE
    what : the thing in a sentence, "calibration"
    first : how the first one is made, for the message where there is none
    bad_name, unknown : raised for a name that cannot be one; for one under which nothing is kept
    """

    folder: str
    what: str
    first: str
    bad_name: type[PlannerError]
    unknown: type[PlannerError]

    def __post_init__(self) -> None:
        """A folder that nobody knows would stay behind when a store is erased."""
        if self.folder not in BESIDE:
            raise ValueError(f"{self.folder} is missing in BESIDE")

    @property
    def title(self) -> str:
        """The thing where a sentence begins."""
        return self.what[0].upper() + self.what[1:]

    def clean(self, name: str) -> str:
        """A name under which one can be kept; raises `bad_name`."""
        return short_name(name, f"a {self.what}", self.bad_name)


def save(store: Store, kind: Kind, name: str, content: bytes) -> str:
    """Keeps a note; one of that name is replaced, in one step.

    returns : the name under which it is kept
    raises : the kind's `bad_name`; ReadOnly; StoreError if it cannot be written
    """
    store.rules.allow_change()
    kept = kind.clean(name)
    try:
        store.shelf.keep_note(kind.folder, kept + SUFFIX, content)
    except OSError as error:
        raise StoreError(
            f"{kind.title} {kept} cannot be saved: {reason(error)}. Make room, or choose another place "
            f"with {ROOT_VARIABLE}."
        ) from error
    return kept


def names(store: Store, kind: Kind) -> list[str]:
    """Of every note of a kind, sorted; whether each can be read shows when it is loaded.

    raises : StoreError
    """
    found = []
    for note in store.shelf.notes(kind.folder):
        name = note.removesuffix(SUFFIX)
        try:
            if note.endswith(SUFFIX) and kind.clean(name) == name:
                found.append(name)
        except kind.bad_name:
            continue
    return sorted(found)


def content(store: Store, kind: Kind, name: str) -> bytes:
    """What is kept under a name.

    raises : the kind's `unknown`; StoreError
    """
    wanted = _known(store, kind, name)
    try:
        return store.shelf.note(kind.folder, wanted + SUFFIX).read()
    except FileNotFoundError as error:
        raise kind.unknown(f"{kind.title} {wanted} was deleted in the meantime.") from error


def delete(store: Store, kind: Kind, name: str) -> None:
    """Removes a note, a damaged one too.

    raises : the kind's `unknown`; ReadOnly, StoreError
    """
    store.rules.allow_change()
    wanted = _known(store, kind, name)
    try:
        store.shelf.drop_note(kind.folder, wanted + SUFFIX)
    except OSError as error:
        raise StoreError(f"{kind.title} {wanted} cannot be deleted: {reason(error)}.") from error


def _known(store: Store, kind: Kind, name: str) -> str:
    """The name if a note has it: what a link says never becomes a path unseen."""
    known = names(store, kind)
    if name in known:
        return name
    there = f"Nearest: {nearest(name[:64], known)}." if known else f"There is none yet: {kind.first}."
    raise kind.unknown(f'No {kind.what} "{name[:64]}". {there}')
