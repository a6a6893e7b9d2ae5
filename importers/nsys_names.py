"""Names of an Nsight Systems export: a row holds an id, StringIds the text; they are joined here, batch by batch.

| theirs           | ours                                                                       |
| ---------------- | -------------------------------------------------------------------------- |
| StringIds.id     | position in a dictionary that holds only the names which the table uses    |
| StringIds.value  | the dictionary's text; bytes that are not UTF-8 are replaced               |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from importers.arrow import Array, compute
from importers.kernels import KINDS, classify
from importers.sqlite import Schema, batches, quoted, repaired

UNNAMED = "(unnamed)"
STRINGS = "StringIds"


@dataclass(frozen=True, slots=True)
class Names:
    """The texts behind the ids of one column.

    ids : ids of StringIds, each once [int64]
    places : for each id, its text's place in `texts_used` [int32]
    texts_used : each text once; the first is UNNAMED, for ids that StringIds does not hold
    """

    ids: Array
    places: Array
    texts_used: Array

    @classmethod
    def none(cls) -> Names:
        """No names at all."""
        return cls.from_texts({})

    @classmethod
    def from_texts(cls, texts: Mapping[int, str]) -> Names:
        """Names from ids and their texts; two ids may share a text."""
        used = list(dict.fromkeys([UNNAMED, *texts.values()]))
        place = {text: number for number, text in enumerate(used)}
        places = pa.array([place[text] for text in texts.values()], pa.int32())
        return cls(pa.array(list(texts), pa.int64()), places, pa.array(used, pa.string()))

    @classmethod
    def of(cls, path: Path, found: Schema, table: str, column: str) -> Names:
        """The names that a column of a table uses.

        raises : MalformedFile
        """
        sql = f"SELECT DISTINCT {quoted(column)} AS id FROM {quoted(table)} WHERE {quoted(column)} IS NOT NULL"  # noqa: S608
        ids = [batch.column("id").cast(pa.int64()) for batch in batches(path, sql)]
        return cls.from_texts(string_values(path, found, pa.chunked_array(ids, pa.int64()).combine_chunks()))

    def text(self, name_id: int) -> str:
        """The text of one id."""
        return str(self.texts(pa.array([name_id], pa.int64()))[0].as_py())

    def texts(self, ids: Array) -> Array:
        """The text of each id."""
        return self.texts_used.take(self._places(ids))

    def coded(self, ids: Array) -> Array:
        """The text of each id, as a dictionary-coded array."""
        return pa.DictionaryArray.from_arrays(self._places(ids), self.texts_used)

    def kinds(self, ids: Array) -> Array:
        """The kind of kernel behind each id, as a dictionary-coded array."""
        kind_of = pa.array([KINDS.index(classify(text)) for text in self.texts_used.to_pylist()], pa.int32())
        return pa.DictionaryArray.from_arrays(kind_of.take(self._places(ids)), pa.array(KINDS, pa.string()))

    def _places(self, ids: Array) -> Array:
        return self.places.take(compute.index_in(ids, value_set=self.ids)).fill_null(0)


def string_values(path: Path, found: Schema, wanted: Array) -> dict[int, str]:
    """The texts of StringIds for the wanted ids; an id that it does not hold is left out.

    wanted : ids [int64]
    raises : MalformedFile
    """
    if not {"id", "value"} <= set(found.tables.get(STRINGS, ())):
        return {}
    texts: dict[int, str] = {}
    for batch in batches(path, f"SELECT id, ifnull(value, '') AS value FROM {STRINGS}"):  # noqa: S608
        ids = batch.column("id").cast(pa.int64())
        used = compute.is_in(ids, value_set=wanted)
        values = repaired(batch.column("value").filter(used)).cast(pa.string())
        texts.update(zip(_integers(ids.filter(used)), map(str, values.to_pylist()), strict=True))
    return {name_id: text for name_id, text in texts.items() if text}


def _integers(ids: Array) -> list[int]:
    return [int(name_id) for name_id in ids.to_pylist() if name_id is not None]
