"""Texts of NVTX rows: written out or registered, and the names of domains and categories.

| theirs (NVTX_EVENTS)                  | ours                                                      |
| ------------------------------------- | --------------------------------------------------------- |
| text, else textId -> StringIds        | a row's text; NULL where it has none                      |
| eventType 75: domainId, text          | a domain's name, within its process; domain 0 has none    |
| eventType 33: domainId, category      | a category's name, within its process and domain          |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from importers.arrow import Array, array, compute, numbers
from importers.files import clean_text
from importers.nsys_file import NVTX, Export
from importers.nsys_launches import process_of
from importers.nsys_names import Names, check_number
from importers.nsys_rows import NO_ID

PUSH_POP, START_END, CATEGORY, DOMAIN = 59, 60, 33, 75
TEXT_COLUMNS = ("textId", "domainId", "category", "globalTid", "eventType")
Key = tuple[int, int, int]
"""Process, domain, category; category 0 for the domain itself."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What an export's NVTX rows say in words.

    registered : texts by their ids in StringIds
    domains, categories : names by their keys
    """

    registered: Names
    domains: Mapping[Key, str]
    categories: Mapping[Key, str]

    @classmethod
    def of(cls, export: Export) -> Labels:
        """The words of an export.

        raises : MalformedFile, TooLarge
        """
        ids: set[int] = set()
        named: list[pa.RecordBatch] = []
        for batch in export.batches(NVTX, *TEXT_COLUMNS, texts=("text",)):
            ids.update(compute.unique(batch.column("textId").drop_null()).to_pylist())
            named.append(batch.filter(compute.is_in(batch.column("eventType"), pa.array([CATEGORY, DOMAIN]))))
            check_number(export, len(ids))
            check_number(export, sum(rows.num_rows for rows in named), what="NVTX domains and categories")
        found: dict[int, dict[Key, str]] = {CATEGORY: {}, DOMAIN: {}}
        registered = Names.of(export, ids)
        for batch in named:
            for kind, key, text in zip(
                numbers(batch.column("eventType")).tolist(),
                _keys(batch),
                texts(batch, registered).to_pylist(),
                strict=True,
            ):
                found[kind][key if kind == CATEGORY else (*key[:2], 0)] = clean_text(str(text or ""))
        return cls(registered, found[DOMAIN], found[CATEGORY])

    def texts(self, batch: pa.RecordBatch) -> Array:
        """The text of each row."""
        return texts(batch, self.registered)

    def domain(self, batch: pa.RecordBatch) -> Array:
        """The name of each row's domain, dictionary-coded; NULL where the export tells none."""
        return _looked_up([self.domains.get((*key[:2], 0)) for key in _keys(batch)] if self.domains else None, batch)

    def category(self, batch: pa.RecordBatch) -> Array:
        """The name of each row's category, dictionary-coded; NULL where the export tells none."""
        return _looked_up([self.categories.get(key) for key in _keys(batch)] if self.categories else None, batch)


def texts(batch: pa.RecordBatch, registered: Names) -> Array:
    """The text of each row: written out, or registered.

    batch : with the columns text and textId
    """
    written = batch.column("text")
    if batch.column("textId").null_count == batch.num_rows:
        return written
    return array(compute.coalesce(written, registered.texts(batch.column("textId"))))


def _keys(batch: pa.RecordBatch) -> list[Key]:
    processes = process_of(numbers(batch.column("globalTid"), NO_ID)).tolist()
    domains, categories = (numbers(batch.column(name)).tolist() for name in ("domainId", "category"))
    return list(zip(processes, domains, categories, strict=True))


def _looked_up(names: list[str | None] | None, batch: pa.RecordBatch) -> Array:
    return cast(Array, array(names or [None] * batch.num_rows, kind=pa.string()).dictionary_encode())
