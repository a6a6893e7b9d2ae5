"""Names of an Nsight Systems export: a row holds an id, StringIds the text; they are joined here, batch by batch.

| theirs           | ours                                                                       |
| ---------------- | -------------------------------------------------------------------------- |
| StringIds.id     | position in a dictionary that holds only the names which the table uses    |
| StringIds.value  | the dictionary's text; bytes that are not UTF-8 are replaced               |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from importers.arrow import Array, array, compute, numbers
from importers.files import source_name
from importers.kernels import ATTENTION_DECODE, ATTENTION_PREFILL, KINDS, classify
from importers.nsys_file import STRINGS, Export
from importers.sqlite_tree import Integers
from planner.errors import TooLarge

UNNAMED = "(unnamed)"
NOTHING = -1
LARGEST_TABLE = 2**22
_LIKELY = r"(?i)att|fmha|flash|mla|prefill|decode|_fwd"
MOST_NAMES = 2**20
"""Different kernels, calls or registered texts of one export; real ones have thousands."""


@dataclass(frozen=True, slots=True)
class Names:
    """The texts behind the ids of one column.

    ids : ids of StringIds, each once [int64]
    places : for each id, its text's place in `texts_used` [int32]
    table : the place of every id from 0 on, where the ids are small; else empty
    texts_used : each text once; the first is UNNAMED, for ids that StringIds does not hold
    """

    ids: Array
    places: Array
    table: NDArray[np.int32]
    texts_used: Array

    @classmethod
    def from_texts(cls, texts: Mapping[int, str]) -> Names:
        """Names from ids and their texts; two ids may share a text."""
        used = list(dict.fromkeys([UNNAMED, *texts.values()]))
        place = {text: number for number, text in enumerate(used)}
        ids, places = np.array(list(texts), np.int64), np.array([place[text] for text in texts.values()], np.int32)
        small = bool(len(ids)) and int(ids.min()) >= 0 and int(ids.max()) < LARGEST_TABLE
        table = np.zeros(int(ids.max()) + 1 if small else 0, np.int32)
        if small:
            table[ids] = places
        return cls(array(ids), array(places), table, pa.array(used, pa.string()))

    @classmethod
    def of(cls, export: Export, ids: Iterable[int]) -> Names:
        """The names behind some ids.

        raises : MalformedFile, TooLarge
        """
        return cls.from_texts(string_values(export, ids))

    def text(self, name_id: int) -> str:
        """The text of one id."""
        return str(self.texts(pa.array([name_id], pa.int64()))[0].as_py())

    def texts(self, ids: Array) -> Array:
        """The text of each id."""
        return self.texts_used.take(self._places(ids))

    def coded(self, ids: Array) -> Array:
        """The text of each id, as a dictionary-coded array."""
        return pa.DictionaryArray.from_arrays(self._places(ids), self.texts_used)

    def kinds(self) -> Callable[[Array], Array]:
        """The function from ids to the kinds of kernels behind them, as dictionary-coded arrays."""
        kind_of = pa.array([KINDS.index(classify(text)) for text in self.texts_used.to_pylist()], pa.int32())
        words = pa.array(KINDS, pa.string())
        return lambda ids: pa.DictionaryArray.from_arrays(kind_of.take(self._places(ids)), words)

    def of_kind(self, *kinds: str) -> Integers:
        """The ids whose kernels are of some kinds."""
        alike = [classify(text) in kinds for text in self.texts_used.to_pylist()]
        return numbers(self.ids.filter(array(alike).take(self.places)))

    def _places(self, ids: Array) -> Array:
        if not len(self.table):
            return self.places.take(compute.index_in(ids, value_set=self.ids)).fill_null(0)
        wanted = numbers(ids, NOTHING)
        inside = (wanted >= 0) & (wanted < len(self.table))
        return array(np.where(inside, self.table[np.where(inside, wanted, 0)], np.int32(0)))


def string_values(export: Export, ids: Iterable[int]) -> dict[int, str]:
    """The texts of StringIds for some ids; an id that it does not hold is left out.

    raises : MalformedFile, TooLarge
    """
    wanted = pa.array(sorted(ids), pa.int64())
    texts: dict[int, str] = {}
    if not len(wanted) or not export.has(STRINGS, "id", "value"):
        return texts
    for batch in export.scan(STRINGS, "id", texts=("value",), counted=False):
        used = batch.filter(compute.is_in(batch.column("id"), value_set=wanted))
        values = used.column("value").fill_null("").to_pylist()
        texts.update(zip(numbers(used.column("id")).tolist(), map(str, values), strict=True))
    return {name_id: text for name_id, text in texts.items() if text}


def check_number(export: Export, count: int, most: int = MOST_NAMES, what: str = "names in one column") -> None:
    """Refuses an export with more different things than a program can have, before they fill the memory.

    count : met so far
    raises : TooLarge
    """
    if count > most:
        raise TooLarge(
            f"{source_name(export.path)} has more than {most} different {what}: no program has so many. "
            "The file is damaged; export the report again."
        )


def attention_ids(export: Export) -> tuple[Integers, Integers]:
    """Ids of the names that tell attention of prefill, and of decode.

    raises : MalformedFile
    """
    found: dict[str, list[int]] = {ATTENTION_PREFILL: [], ATTENTION_DECODE: []}
    if export.has(STRINGS, "id", "value"):
        for batch in export.scan(STRINGS, "id", texts=("value",), counted=False):
            likely = compute.match_substring_regex(batch.column("value"), pattern=_LIKELY).fill_null(False)
            used = batch.filter(likely)
            for name_id, text in zip(
                numbers(used.column("id")).tolist(), used.column("value").to_pylist(), strict=True
            ):
                found.get(classify(str(text)), []).append(name_id)
    return np.array(found[ATTENTION_PREFILL], np.int64), np.array(found[ATTENTION_DECODE], np.int64)
